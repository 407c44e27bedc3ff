"""Words and lead sheets as text, a line for each bar: short enough to keep, plain enough to read, safe to read back.

A bar of words is its strokes in order, ``0 drums 36 42; 0 bass 40:4; 8 drums 38``: the sixteenth of the bar, who plays,
and the pitches, with a length in sixteenths behind a colon where it is not 1. A bar of a lead sheet is
``section=A begins chords=C,G players=drums,bass kit=kick,snare energy=3 repeats=4 exactly=drums groove=0:36,0:bass``;
``?`` is left to the model, ``-`` is nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from cmt.errors import CmtError
from cmt.music.chords import HALVES_PER_BAR, NO_CHORD, names_of, number_of, parse_chord
from cmt.music.encoding import Words
from cmt.music.lead_sheet import CRASH, FILL, KICK, LETTERS, N_ENERGY, SNARE, TICK, UNKNOWN, Column, LeadSheet, Stroke
from cmt.music.template import NO_KEY_OF_THE_KIT
from cmt.music.words import BAR, FIELDS, MAX_DURATION, MAX_STRENGTH, CompoundWord, Mode, WordType
from midi_io.song import INSTRUMENTS, POSITIONS_PER_BAR, Instrument

OPEN, NOTHING = "?", "-"
_KIT = {"kick": KICK, "snare": SNARE, "tick": TICK, "crash": CRASH, "fill": FILL}
_PLAYERS = {label: 1 << instrument for label, instrument in INSTRUMENTS.items()}
_BASS = Instrument.BASS.label
_END = CompoundWord(WordType.END, 0, 0, 0, 0, 0, 0)


def bars_of_words(words: Words) -> list[list[CompoundWord]]:
    """The words of each bar, that which opens it first; END belongs to the last bar."""
    bars: list[list[CompoundWord]] = []
    for row in words.fields.tolist():
        word = CompoundWord(*row)
        if word.position == BAR:
            bars.append([])
        bars[-1].append(word)
    return bars


def joined_words(bars: Sequence[Sequence[CompoundWord]]) -> Words:
    """The words of a piece whose bars have these words; the inverse of `bars_of_words`."""
    rows: list[CompoundWord] = []
    positions: list[int] = []
    for number, bar in enumerate(bars):
        begin = here = number * POSITIONS_PER_BAR
        for word in bar:
            if word.type == WordType.END:
                here = len(bars) * POSITIONS_PER_BAR
            elif word.type == WordType.RHYTHM and word.position != BAR:
                here = begin + word.position - 1
            rows.append(word)
            positions.append(here)
    return Words(np.array(rows, np.uint8).reshape(-1, len(FIELDS)), np.array(positions, np.int32))


def words_as_text(words: Words) -> tuple[str, ...]:
    """The words of a piece, a text for each bar."""
    return tuple(_bar_as_text(bar) for bar in bars_of_words(words))


def _bar_as_text(bar: Sequence[CompoundWord]) -> str:
    strokes: list[list[str]] = []
    for word in bar:
        if word.type == WordType.NOTE:
            strokes[-1].append(f"{word.pitch - 1}" + (f":{word.duration}" if word.duration != 1 else ""))
        elif word.type == WordType.RHYTHM and word.position != BAR:
            strokes.append([str(word.position - 1), Instrument(word.instrument - 1).label])
    return "; ".join(" ".join(stroke) for stroke in strokes)


def words_of_text(bars: Sequence[str], left_out: Collection[str] = ()) -> Words:
    """The words that `words_as_text` wrote.

    Parameters
    ----------
    left_out
        The attributes, ``density`` or ``strength``, that the model was trained without: its words do not have them.

    Raises
    ------
    ValueError
        If a bar cannot be read; the message names it.
    """
    written = []
    for number, text in enumerate(bars):
        try:
            written.append(_bar_of_text(text, left_out))
        except ValueError as error:
            raise ValueError(f"bar {number + 1}: {error}") from None
    if written:
        written[-1].append(_END)
    return joined_words(written)


def _bar_of_text(text: str, left_out: Collection[str]) -> list[CompoundWord]:
    strokes = [_stroke_of_text(part) for part in text.split(";")] if text.strip() else []
    places = [(position, instrument) for position, instrument, _ in strokes]
    if places != sorted(set(places)):
        raise ValueError("its strokes are not in order")
    onsets = sorted({position for position, _ in places})
    knows_density = "density" not in left_out
    opening = CompoundWord(WordType.RHYTHM, BAR, (1 + len(onsets)) * knows_density, 0, 0, 0, 0)
    words = [opening]
    for position, instrument, tones in strokes:
        left = sum(other > position for other in onsets)
        strength = 0 if "strength" in left_out else len(tones)
        density = (1 + left) * knows_density
        words.append(CompoundWord(WordType.RHYTHM, 1 + position, density, strength, 1 + instrument, 0, 0))
        words += [
            CompoundWord(WordType.NOTE, 0, 0, 0, 1 + instrument, 1 + pitch, duration) for pitch, duration in tones
        ]
    return words


def _stroke_of_text(text: str) -> tuple[int, Instrument, list[tuple[int, int]]]:
    parts = text.split()
    if len(parts) < 3 or parts[1] not in INSTRUMENTS:
        raise ValueError(f"no stroke {text.strip()[:40]!r}; write such as 0 bass 40:4")
    tones = []
    for part in parts[2:]:
        pitch, colon, duration = part.partition(":")
        tones.append((_whole(pitch, 0, 127), _whole(duration, 1, MAX_DURATION) if colon else 1))
    pitches = [pitch for pitch, _ in tones]
    if pitches != sorted(set(pitches)) or len(tones) > MAX_STRENGTH:
        raise ValueError(f"pitches must rise and be {MAX_STRENGTH} at most in {text.strip()[:40]!r}")
    return _whole(parts[0], 0, POSITIONS_PER_BAR - 1), INSTRUMENTS[parts[1]], tones


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and least <= int(text) <= most):
        raise ValueError(f"{text[:20]!r} must be a whole number from {least} to {most}")
    return int(text)


def sheet_as_text(sheet: LeadSheet) -> tuple[str, ...]:
    """A lead sheet, without its accents and its mode, a text for each bar."""
    return tuple(_sheet_bar(sheet, bar) for bar in range(sheet.n_bar))


def _sheet_bar(sheet: LeadSheet, bar: int) -> str:
    letter, energy = int(sheet.letters[bar]), int(sheet.energy[bar])
    chords = [
        OPEN if number == UNKNOWN else names_of([number])[0]
        for number in sheet.chords[HALVES_PER_BAR * bar : HALVES_PER_BAR * (bar + 1)].tolist()
    ]
    parts = [
        f"section={OPEN if letter == UNKNOWN else LETTERS[letter]}",
        *(["begins"] if sheet.begins[bar] else []),
        f"chords={','.join(chords if len(set(chords)) > 1 else chords[:1])}",
        f"players={_bits_as_text(int(sheet.players[bar]), _PLAYERS)}",
        f"kit={_bits_as_text(int(sheet.kit[bar]), _KIT)}",
        f"energy={OPEN if energy == UNKNOWN else energy}",
        *([f"repeats={sheet.lags[bar]}"] if sheet.lags[bar] else []),
        *([f"exactly={_bits_as_text(int(sheet.exact[bar]), _PLAYERS)}"] if sheet.exact[bar] else []),
        *([] if sheet.grooves is None else [f"groove={_groove_as_text(sheet.grooves[bar])}"]),
    ]
    return " ".join(parts)


def _bits_as_text(bits: int, names: Mapping[str, int]) -> str:
    if bits == UNKNOWN:
        return OPEN
    return ",".join(name for name, bit in names.items() if bits & bit) or NOTHING


def _groove_as_text(groove: frozenset[Stroke]) -> str:
    strokes = (f"{one.position}:{_BASS if one.instrument is Instrument.BASS else one.drum}" for one in sorted(groove))
    return ",".join(strokes) or NOTHING


def _groove_of_text(text: str) -> frozenset[Stroke]:
    strokes = []
    for part in [] if text == NOTHING else text.split(","):
        place, _, struck = part.partition(":")
        position = _whole(place, 0, POSITIONS_PER_BAR - 1)
        if struck == _BASS:
            strokes.append(Stroke(position, Instrument.BASS, NO_KEY_OF_THE_KIT))
        else:
            strokes.append(Stroke(position, Instrument.DRUMS, _whole(struck, 0, 127)))
    return frozenset(strokes)


def sheet_of_text(bars: Sequence[str], mode: Mode | None) -> LeadSheet:
    """The lead sheet that `sheet_as_text` wrote, in the home key of a mode.

    Raises
    ------
    ValueError
        If a bar cannot be read; the message names it.
    """
    rows: list[dict[str, int | list[int]]] = []
    grooves: list[frozenset[Stroke]] = []
    for number, text in enumerate(bars):
        try:
            rows.append(_row_of_text(text, number))
            groove = _values_of_text(text).get("groove")
            grooves += [] if groove is None else [_groove_of_text(groove)]
        except (ValueError, CmtError) as error:
            raise ValueError(f"bar {number + 1} of the lead sheet: {error}") from None

    def column(name: str) -> Column:
        return np.array([row[name] for row in rows], np.int64).ravel()

    if len(grooves) not in (0, len(bars)):
        raise ValueError("either all bars of the lead sheet have a groove or none has")
    return LeadSheet(
        chords=column("chords"),
        lags=column("lags"),
        exact=column("exact"),
        begins=column("begins").astype(bool),
        letters=column("letters"),
        players=column("players"),
        kit=column("kit"),
        energy=column("energy"),
        mode=mode,
        grooves=tuple(grooves) or None,
    )


def _values_of_text(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split())


def _row_of_text(text: str, bar: int) -> dict[str, int | list[int]]:
    values = _values_of_text(text)
    unknown = values.keys() - {
        "section",
        "begins",
        "chords",
        "players",
        "kit",
        "energy",
        "repeats",
        "exactly",
        "groove",
    }
    missing = {"section", "chords", "players", "kit", "energy"} - values.keys()
    if unknown or missing:
        raise ValueError(f"{', '.join(sorted(unknown | missing))[:60]}: not known, or missing")
    letter, energy = values["section"], values["energy"]
    if letter != OPEN and letter not in LETTERS:
        raise ValueError(f"no section {letter[:20]!r}")
    chords = [_chord_of_text(name) for name in values["chords"].split(",")]
    if len(chords) > HALVES_PER_BAR:
        raise ValueError(f"{len(chords)} chords")
    return {
        "chords": chords if len(chords) == HALVES_PER_BAR else chords * HALVES_PER_BAR,
        "lags": _whole(values.get("repeats", "0"), 0, bar),
        "exact": _bits_of_text(values.get("exactly", NOTHING), _PLAYERS),
        "begins": int("begins" in values),
        "letters": UNKNOWN if letter == OPEN else LETTERS.index(letter),
        "players": _bits_of_text(values["players"], _PLAYERS),
        "kit": _bits_of_text(values["kit"], _KIT),
        "energy": UNKNOWN if energy == OPEN else _whole(energy, 0, N_ENERGY - 1),
    }


def _chord_of_text(name: str) -> int:
    if name == OPEN:
        return UNKNOWN
    return NO_CHORD if name == names_of([NO_CHORD])[0] else number_of(parse_chord(name))


def _bits_of_text(text: str, names: Mapping[str, int]) -> int:
    if text == OPEN:
        return UNKNOWN
    parts = [] if text == NOTHING else text.split(",")
    if any(part not in names for part in parts):
        raise ValueError(f"{text[:40]!r}: not all of {', '.join(names)}")
    return sum(names[part] for part in set(parts))
