"""What is said in numbers and signs: tempi, keys, times, chords, forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cmt.config import LENGTH_LIMITS, TEMPO_LIMITS
from cmt.errors import CmtError
from cmt.meaning.tokens import folded
from cmt.music.key import TONICS, WishedKey, parse_key
from cmt.music.words import Mode
from cmt.planning.form import WishedForm, parse_form
from cmt.planning.progression import Progression, parse_chords

AROUND = 0.06
"""A tempo that is said to be about so many BPM may be this share slower or faster."""
MUSICAL = (60.0, 180.0)
"""A range that is open on one side ends at one of these BPM on the other."""
_NUMBER = r"(\d{1,4}(?:[.,]\d{1,3})?)"
_BPM = r"\s*(?:bpm|beats per minute|beats a minute|schlage pro minute|ppm)\b"
_SECONDS = r"\s*(?:s|sec|secs|second|seconds|sekunde|sekunden|segundo|segundos|seconde|secondes)\b"
_MINUTES = r"\s*(?:min|mins|minute|minutes|minuten|minuto|minutos)\b"
_ABOUT = (
    r"(?:around|about|roughly|approximately|approx\.?|circa|ca\.?|some|near|~|etwa|ungefahr|rund|um|unos|"
    r"alrededor de|environ|autour de)"
)
_UNDER = (
    r"(?:under|below|less than|at most|no faster than|not faster than|slower than|max(?:imum)?|unter|hochstens|"
    r"menos de|moins de)"
)
_OVER = (
    r"(?:over|above|more than|at least|no slower than|not slower than|faster than|min(?:imum)?|uber|mindestens|"
    r"mas de|plus de)"
)
_TIME = rf"(?:(\d{{1,3}}):(\d{{2}}(?:\.\d+)?)|\b{_NUMBER}(?:{_SECONDS}|({_MINUTES})))"
_NO_TEMPO = rf"(?!\s*(?:%|[:.]\d|\d)|{_SECONDS}|{_MINUTES}|\s*(?:bars?|takte|people|years?|times)\b)"


class Tempo(NamedTuple):
    """The BPM asked for, the lowest and the highest; both the same where it is exact."""

    low: float
    high: float


class Time(NamedTuple):
    """A time, and how it is meant."""

    seconds: float
    meant: str
    """One of ``at``, ``from``, ``until``."""


class Length(NamedTuple):
    """How long the piece shall be."""

    seconds: float


class Found(NamedTuple):
    """Something that is said in numbers or signs, and where."""

    value: Tempo | Time | Length | WishedKey | WishedForm | Progression
    begin: int
    end: int


def found_in(text: str) -> list[Found]:
    """All that a text says in numbers and signs, in order; nothing is found twice."""
    lookup = folded(text)
    taken: list[Found] = []
    for finder in (_chords, _keys, _tempi, _lengths, _times, _forms):
        for one in finder(text, lookup):
            if all(one.end <= other.begin or one.begin >= other.end for other in taken):
                taken.append(one)
    return sorted(taken, key=lambda one: one.begin)


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def _tempi(text: str, lookup: str) -> Iterator[Found]:
    for pattern, tempo in _TEMPO_PATTERNS:
        for found in re.finditer(pattern, lookup):
            numbers = [_value(group) for group in found.groups() if group]
            its = tempo(numbers)
            if its.low in TEMPO_LIMITS and its.high in TEMPO_LIMITS:
                yield Found(its, found.start(), found.end())


_TEMPO_PATTERNS: list[tuple[str, Callable[[list[float]], Tempo]]] = [
    (
        rf"(?:between|from|zwischen|von|entre|de)?\s*\b{_NUMBER}(?:\s*bpm)?"
        rf"\s*(?:-|–|to|and|bis|und|a|y|et)\s*{_NUMBER}{_BPM}",
        lambda n: Tempo(min(n), max(n)),
    ),
    (
        rf"{_UNDER}\s+{_NUMBER}{_BPM}",
        lambda n: Tempo(min(MUSICAL[0], n[0] * 0.8), n[0]),
    ),
    (
        rf"{_OVER}\s+{_NUMBER}{_BPM}",
        lambda n: Tempo(n[0], max(MUSICAL[1], n[0] * 1.2)),
    ),
    (
        rf"{_ABOUT}\s*{_NUMBER}(?:{_BPM}|{_NO_TEMPO})",
        lambda n: Tempo(round(n[0] * (1 - AROUND), 1), round(n[0] * (1 + AROUND), 1)),
    ),
    (rf"(?<![-–])\b{_NUMBER}{_BPM}", lambda n: Tempo(n[0], n[0])),
    (rf"\b(?:tempo|bpm)\s*(?:of|is|:|=|von)?\s*{_NUMBER}\b", lambda n: Tempo(n[0], n[0])),
]
_MEANT = {
    "until": "until|till|up to|to|before|for the first|in the first|the first|first|bis|hasta|antes de|jusqu'a|avant",
    "from": "from|after|starting at|starting from|since|as of|ab|nach|von|desde|despues de|a partir de|apres|des",
    "at": "at|around|on|near|by|bei|um|en|a",
}


def _times(text: str, lookup: str) -> Iterator[Found]:
    for meant, words in _MEANT.items():
        for found in re.finditer(rf"\b(?:{words})\s+(?:the\s+)?(?:second\s+|sekunde\s+)?{_TIME}", lookup):
            yield Found(Time(_seconds(found), meant), found.start(), found.end())
    for found in re.finditer(rf"(?<![\d:]){_TIME}", lookup):
        yield Found(Time(_seconds(found), "at"), found.start(), found.end())


def _seconds(found: re.Match[str]) -> float:
    minutes, seconds, number, is_minutes = found.groups()
    if number:
        return _value(number) * (60 if is_minutes else 1)
    return 60 * float(minutes) + float(seconds)


def _lengths(text: str, lookup: str) -> Iterator[Found]:
    unit = rf"(?:{_SECONDS}|({_MINUTES}))"
    for pattern in (
        rf"\b{_NUMBER}{unit}\s*(?:long|lang|de long|de duracion|of music|of)\b",
        rf"\b(?:lasting|lasts|length|duration|dauer|duracion|duree|for)\s*(?:of|:|=)?\s*{_NUMBER}{unit}(?!\s*on)",
        rf"\b{_NUMBER}-(?:second|(minute))\b",
    ):
        for found in re.finditer(pattern, lookup):
            number, is_minutes = found.groups()
            seconds = _value(number) * (60 if is_minutes else 1)
            if seconds in LENGTH_LIMITS:
                yield Found(Length(seconds), found.start(), found.end())
    for found in re.finditer(r"\b(?:a|one|half a|eine?) (?:minute) long\b", lookup):
        yield Found(Length(30.0 if "half" in found[0] else 60.0), found.start(), found.end())


_MAJOR, _MINOR = r"(?:major|maj|dur|mayor|majeur)", r"(?:minor|min|moll|menor|mineur)"
_ROMANCE = {"do": 0, "re": 2, "mi": 4, "fa": 5, "sol": 7, "la": 9, "si": 11}
_SHIFTS = {"sharp": 1, "#": 1, "♯": 1, "flat": -1, "b": -1, "♭": -1, "sostenido": 1, "bemol": -1, "diese": 1}


def _keys(text: str, lookup: str) -> Iterator[Found]:
    for found in re.finditer(
        rf"\b(?:in|en)\s+(?:a|einer|un|une|una)\s+({_MAJOR}|{_MINOR})\s+(?:key|tonality|mode|tonart)\b", lookup
    ):
        yield Found(WishedKey(None, _mode(found[1])), found.start(), found.end())
    letters = (
        r"\b((?:in|key of|key|en|tonart)\s*:?\s+(?:the key of\s+)?)?([a-h])(is|es|s)?"
        rf"(?:[\s-]?(sharp|flat|#|♯|♭|b(?=[\s-])))?[\s:-]*({_MAJOR}|{_MINOR})\b"
    )
    for found in re.finditer(letters, lookup):
        lead, letter, ending, sign, mode = found.groups()
        if not lead and not text[found.start(2)].isupper() and mode not in ("moll", "dur"):
            continue
        tonic = _german(letter, ending, mode) if mode in ("moll", "dur") else _tonic(letter, sign)
        if tonic is not None:
            yield Found(WishedKey(tonic, _mode(mode)), found.start(), found.end())
    for found in re.finditer(
        rf"\b(?:en\s+)?(do|re|mi|fa|sol|la|si)(?:\s+(sostenido|bemol|diese))?\s+({_MAJOR}|{_MINOR})\b", lookup
    ):
        tonic = (_ROMANCE[found[1]] + _SHIFTS.get(found[2] or "", 0)) % 12
        yield Found(WishedKey(tonic, _mode(found[3])), found.start(), found.end())
    for found in re.finditer(r"\b([Kk]ey(?: of|:)?|in) ([A-G])(?:( sharp| flat|#|♯|b|♭))?(?![\w#'])", text):
        yield Found(WishedKey(_tonic(found[2].lower(), (found[3] or "").strip()), None), found.start(), found.end())
    for found in re.finditer(r"(?<![\w:])([A-Ga-g][#b]?:(?:major|minor)|:(?:major|minor))\b", text):
        yield Found(parse_key(found[1]), found.start(), found.end())


def _mode(word: str) -> Mode:
    return Mode.MAJOR if re.fullmatch(_MAJOR, word) else Mode.MINOR


def _tonic(letter: str, sign: str | None) -> int | None:
    if letter == "h":
        return None
    return (TONICS.index(letter.upper()) + _SHIFTS.get(sign or "", 0)) % 12


def _german(letter: str, ending: str | None, mode: str) -> int:
    """The pitch class as Germans write it: h is B, b is B flat, fis is F sharp, es and as are flats."""
    if letter == "h":
        return 11
    if letter == "b":
        return 10
    shift = {"is": 1, "es": -1, "s": -1, None: 0}[ending]
    return (TONICS.index(letter.upper()) + shift) % 12


def _chords(text: str, lookup: str) -> Iterator[Found]:
    chord = r"[A-G][#♯b♭]?(?:maj7|m7|m|7|dim|sus4|5)?"
    for found in re.finditer(rf"\b[Cc]hords?:?\s+((?:{chord}(?![\w])[\s,|-]*){{2,}})", text):
        row = re.sub(r"[,-]", " ", found[1])
        try:
            yield Found(parse_chords(row), found.start(), found.end())
        except CmtError:
            continue


def _forms(text: str, lookup: str) -> Iterator[Found]:
    for found in re.finditer(r"(?:\b[Ff]orm:?\s+)?\b([A-H]{3,12})\b", text):
        if len(set(found[1])) > 1 and found[1].startswith("A"):
            yield Found(parse_form(found[1]), found.start(), found.end())
