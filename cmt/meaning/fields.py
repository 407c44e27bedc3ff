"""Each field of a description as a file has it: read with its type, and written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from cmt.band.programs import ChosenProgram, parse_program
from cmt.config import LENGTH_LIMITS, TEMPO_LIMITS, Limits
from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.meaning.description import SceneSeen
from cmt.meaning.lexicon import Stretch
from cmt.meaning.mood import Mood, nearest_word
from cmt.meaning.sections import parse_section_of_mood, written_number, written_section
from cmt.meaning.words import read_mood
from cmt.music.key import parse_key
from cmt.music.words import GENRES
from cmt.planning.energy import Section
from cmt.planning.form import parse_form
from cmt.planning.mutes import Mute, parse_mute
from cmt.planning.progression import parse_chords
from cmt.report.values import Value
from cmt.writing.closing import ENDINGS
from midi_io.song import INSTRUMENTS, Instrument

T = TypeVar("T")

HIT_SOURCE = "the description"
SCENE_KEYS = ("begin", "end", "same_as", "mood", "pace", "colours", "shows")
_MOST_WEIGHT = 1e6


class FieldForm(NamedTuple):
    """How a field stands in a file."""

    read: Callable[[Value], Any]
    """Its value; raises a CmtError that names the place."""
    write: Callable[[Any], str]
    """The value as TOML."""
    example: str
    """A value, as TOML, that a user may put there."""
    tells: str
    """What it is, in a few words."""


def _parsed(parse: Callable[[str], T]) -> Callable[[Value], T]:
    """Read a text by a function whose errors do not know the place."""

    def read(value: Value) -> T:
        try:
            return parse(value.text())
        except CmtError as error:
            message = str(error)
            raise error if message.startswith(f"{value.file}:") else CmtError(f"{value.file}: {message}") from None

    return read


def _within(value: Value, limits: Limits) -> float:
    number = value.number()
    if number not in limits:
        raise value.fault(f"a number from {limits.least:g} to {limits.most:g}")
    return float(number)


_SHARE = Limits(0, 1)
_AXIS = Limits(-1, 1)
_TIMES = Limits(0, 1e6)


def _mood(value: Value) -> Mood:
    if isinstance(value.content, str):
        return _parsed(read_mood)(value)
    axes = value.each(lambda axis: _within(axis, _AXIS))
    if len(axes) != 2:
        raise value.fault('a word such as "calm", or valence and arousal such as [0.4, -0.7]')
    return Mood(*axes)


def _written_mood(mood: Mood) -> str:
    words = mood.words or nearest_word(mood)
    try:
        says_it = read_mood(words) == mood
    except CmtError:
        says_it = False
    return _text(words) if says_it else f"[{written_number(mood.valence)}, {written_number(mood.arousal)}]"


def _arc(value: Value) -> tuple[Stretch, ...]:
    def stretch(part: Value) -> Stretch:
        numbers = part.each(lambda number: _within(number, _SHARE))
        if len(numbers) != 4 or numbers[0] >= numbers[1]:
            raise part.fault("four numbers: begin and end as shares of the piece, and the energy at each")
        return Stretch(*numbers)

    arc = value.each(stretch)
    for before, after in pairwise(arc):
        if after.begin < before.end:
            raise value.fault("stretches in order that do not overlap")
    return arc


def _written_arc(arc: tuple[Stretch, ...]) -> str:
    return _list(f"[{', '.join(map(written_number, part))}]" for part in arc)


def _sections(value: Value) -> tuple[Section, ...]:
    sections = value.each(_parsed(parse_section_of_mood))
    if not sections:
        raise value.fault('one section or more, such as ["0:calm"]')
    return sections


def _instruments(value: Value) -> tuple[Instrument, ...]:
    if value.content == "free":
        return ()
    named = value.each(lambda label: label.one_of(INSTRUMENTS))
    if not named:
        raise value.fault('one instrument or more, or "free"')
    return tuple(sorted(set(named)))


def _programs(value: Value) -> dict[Instrument, int]:
    chosen = value.each(_parsed(parse_program))
    if len(dict(chosen)) < len(chosen):
        raise value.fault("one sound for each instrument")
    return dict(chosen)


def _tempo_range(value: Value) -> tuple[float, float]:
    tempi = value.each(lambda tempo: _within(tempo, TEMPO_LIMITS))
    if len(tempi) != 2 or tempi[0] > tempi[1]:
        raise value.fault("the lowest and the highest BPM, such as [80, 100]")
    return tempi[0], tempi[1]


def _hits(value: Value) -> tuple[Marker, ...]:
    def hit(one: Value) -> Marker:
        if not isinstance(one.content, list):
            return Marker(_within(one, _TIMES), source=HIT_SOURCE)
        numbers = one.each(lambda number: _within(number, _TIMES))
        if len(numbers) != 2 or not 0 < numbers[1] <= _MOST_WEIGHT:
            raise one.fault("seconds, or seconds and a weight above 0, such as [12.5, 2]")
        return Marker(numbers[0], numbers[1], HIT_SOURCE)

    return tuple(sorted(value.each(hit), key=lambda marker: marker.time))


def _written_hit(marker: Marker) -> str:
    return (
        written_number(marker.time)
        if marker.weight == 1
        else f"[{written_number(marker.time)}, {written_number(marker.weight)}]"
    )


def _scenes(value: Value) -> tuple[SceneSeen, ...]:
    def scene(one: Value) -> SceneSeen:
        keys = one.by_key()
        for key in keys:
            if key not in SCENE_KEYS:
                raise CmtError(f"{one.file}: no key {key!r} in {one.path}; choose from {', '.join(SCENE_KEYS)}")
        begin, end = _within(one["begin"], _TIMES), _within(one["end"], _TIMES)
        if end <= begin:
            raise one["end"].fault(f"after the begin, {begin:g}")
        return SceneSeen(
            begin=begin,
            end=end,
            same_as=one["same_as"].whole(1) if "same_as" in keys else None,
            mood=_mood(one["mood"]) if "mood" in keys else None,
            pace=_within(one["pace"], _SHARE) if "pace" in keys else None,
            colours=one["colours"].each(Value.text) if "colours" in keys else (),
            shows=one["shows"].text() if "shows" in keys else None,
        )

    return value.each(scene)


def _written_scene(scene: SceneSeen) -> str:
    parts = {
        "begin": written_number(scene.begin),
        "end": written_number(scene.end),
        "same_as": None if scene.same_as is None else str(scene.same_as),
        "mood": None if scene.mood is None else _written_mood(scene.mood),
        "pace": None if scene.pace is None else written_number(scene.pace),
        "colours": _list(map(_text, scene.colours)) if scene.colours else None,
        "shows": None if scene.shows is None else _text(scene.shows),
    }
    return "{ " + ", ".join(f"{key} = {value}" for key, value in parts.items() if value is not None) + " }"


def _written_mute(mute: Mute) -> str:
    end = "" if mute.end == float("inf") else written_number(mute.end)
    return _text(f"{mute.instrument.label}@{written_number(mute.begin)}-{end}")


def _text(text: str) -> str:
    """A text in quotes, as TOML reads it."""
    return re.sub("\x7f", r"\\u007f", json.dumps(text, ensure_ascii=False))


def _list(parts: Any) -> str:
    return f"[{', '.join(parts)}]"


FORMS: Mapping[str, FieldForm] = {
    "scenes": FieldForm(
        _scenes,
        lambda scenes: "[\n" + "".join(f"  {_written_scene(scene)},\n" for scene in scenes) + "]",
        "[{ begin = 0, end = 12.5 }, { begin = 12.5, end = 20 }]",
        "what is seen, in seconds: sections begin where scenes do, same_as takes up an earlier one's music, and mood "
        "makes one calmer or livelier",
    ),
    "mood": FieldForm(_mood, _written_mood, '"calm"', "a mood in words, or [valence, arousal] from -1 to 1"),
    "arc": FieldForm(
        _arc,
        _written_arc,
        "[[0, 0.25, 0.1, 0.1], [0.75, 1, 0.9, 0.9]]",
        "energy: from, to (shares of the piece), at its begin, at its end, 0 calm to 1 intense",
    ),
    "sections": FieldForm(
        _sections,
        lambda all_: _list(_text(written_section(one)) for one in all_),
        '["0:calm", "12.5:drop"]',
        "energy, and a mood behind it, by seconds",
    ),
    "liveliness": FieldForm(
        lambda value: _within(value, _SHARE),
        written_number,
        "0.5",
        "how lively it is on average, 0 to 1; the arc stays",
    ),
    "genre": FieldForm(
        lambda value: value.one_of(GENRES), lambda genre: _text(genre.label), '"pop"', f"one of {', '.join(GENRES)}"
    ),
    "instruments": FieldForm(
        _instruments,
        lambda its: _list(_text(one.label) for one in its) if its else '"free"',
        '["piano", "strings"]',
        'who plays, and nobody else; "free" draws it as songs of the genre have it',
    ),
    "programs": FieldForm(
        _programs,
        lambda programs: _list(_text(str(ChosenProgram(*one))) for one in programs.items()),
        '["strings=flute"]',
        "another sound than the genre's",
    ),
    "mutes": FieldForm(
        lambda value: value.each(_parsed(parse_mute)),
        lambda mutes: _list(map(_written_mute, mutes)),
        '["drums@0-4"]',
        "when a track is silent, in seconds",
    ),
    "tempo": FieldForm(lambda value: _within(value, TEMPO_LIMITS), written_number, "96", "the exact BPM"),
    "tempo_range": FieldForm(
        _tempo_range, lambda its: _list(map(written_number, its)), "[80, 100]", "the lowest and the highest BPM"
    ),
    "key": FieldForm(_parsed(parse_key), lambda key: _text(str(key)), '"D:minor"', "either part may be left out"),
    "form": FieldForm(_parsed(parse_form), lambda form: _text(str(form)), '"A A B A"', "sections in order"),
    "chords": FieldForm(_parsed(parse_chords), lambda chords: _text(str(chords)), '"C G Am F"', "one a bar, repeated"),
    "like": FieldForm(
        Value.text, _text, '"song.mid"', "a song, or a library's index, whose form, chords, players and groove it takes"
    ),
    "hits": FieldForm(
        _hits, lambda hits: _list(map(_written_hit, hits)), "[12.5]", "times that the music must meet, in seconds"
    ),
    "ending": FieldForm(
        lambda value: value.one_of({name: name for name in ENDINGS}),
        _text,
        '"full"',
        f"how the last bar ends: {', '.join(ENDINGS)}",
    ),
    "length": FieldForm(
        lambda value: _within(value, LENGTH_LIMITS),
        written_number,
        "30",
        "seconds of music without a video; not with one",
    ),
}
"""How each field stands in a file, in order."""
