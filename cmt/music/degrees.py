"""Chords by their degree in a key: as Roman numerals, and moved from one mode into the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import SUFFIXES, Chord, Quality, chord_of, number_of
from cmt.music.key import home_key
from cmt.music.words import Mode

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_SCALES: Mapping[Mode, tuple[int, ...]] = {Mode.MAJOR: (0, 2, 4, 5, 7, 9, 11), Mode.MINOR: (0, 2, 3, 5, 7, 8, 10)}
"""The semitones of each degree above the tonic."""
_MAJOR, _MINOR, _DIMINISHED = Quality.MAJOR, Quality.MINOR, Quality.DIMINISHED
_TRIADS: Mapping[Mode, tuple[Quality, ...]] = {
    Mode.MAJOR: (_MAJOR, _MINOR, _MINOR, _MAJOR, _MAJOR, _MINOR, _DIMINISHED),
    Mode.MINOR: (_MINOR, _DIMINISHED, _MAJOR, _MINOR, _MAJOR, _MAJOR, _MAJOR),
}
"""The triad on each degree; the dominant of minor has its leading note."""
_MAJ7, _MIN7, _DOM7 = Quality.MAJOR_SEVENTH, Quality.MINOR_SEVENTH, Quality.DOMINANT
_SEVENTHS: Mapping[Mode, tuple[Quality, ...]] = {
    Mode.MAJOR: (_MAJ7, _MIN7, _MIN7, _MAJ7, _DOM7, _MIN7, _DIMINISHED),
    Mode.MINOR: (_MIN7, _DIMINISHED, _MAJ7, _MIN7, _DOM7, _MAJ7, _DOM7),
}
_DOMINANT = 4
_LOWER = frozenset({Quality.MINOR, Quality.MINOR_SEVENTH, Quality.DIMINISHED})
_NUMERAL_SUFFIXES = {
    **SUFFIXES,
    Quality.MINOR: "",
    Quality.MINOR_SEVENTH: "7",
    Quality.DIMINISHED: "\N{DEGREE SIGN}",
}


def roman(number: int, mode: Mode) -> str:
    """A chord in the home key of a mode as a Roman numeral, such as ``IV``, ``vi7``, ``bVII``; ``N`` for none."""
    chord = chord_of(number)
    if chord is None:
        return "N"
    offset = (chord.root - home_key(mode).tonic) % 12
    scale = _SCALES[mode]
    if offset in scale:
        accidental, degree = "", scale.index(offset)
    elif offset == 11:  # below the tonic in minor it is the seventh degree, raised
        accidental, degree = "#", 6
    else:
        accidental, degree = "b", next(k for k, semitones in enumerate(scale) if semitones > offset)
    numeral = _NUMERALS[degree]
    numeral = numeral.lower() if chord.quality in _LOWER else numeral
    return accidental + numeral + _NUMERAL_SUFFIXES[chord.quality]


def in_mode(numbers: NDArray[np.int64], here: Mode, there: Mode) -> NDArray[np.int64]:
    """Chords (...) of the home key of one mode on the same degrees of the home key of another; unknown ones stay.

    A chord of the scale becomes that of the other scale on its degree: I vi IV V is i VI iv V. One that is foreign to
    the scale, such as a dominant of the dominant, keeps its distance from the tonic and its quality.
    """
    table = np.array([_moved(number, here, there) for number in range(int(numbers.max(initial=0)) + 1)], np.int64)
    return np.where(numbers >= 0, table[np.maximum(numbers, 0)], numbers)


def _moved(number: int, here: Mode, there: Mode) -> int:
    chord = chord_of(number)
    if chord is None:
        return number
    offset, tonic = (chord.root - home_key(here).tonic) % 12, home_key(there).tonic
    if here is there or offset not in _SCALES[here]:
        return number_of(Chord((tonic + offset) % 12, chord.quality))
    degree = _SCALES[here].index(offset)
    quality = chord.quality
    its_own = {_TRIADS[here][degree]} | ({_MINOR} if degree == _DOMINANT and here is Mode.MINOR else set())
    if quality in its_own:
        quality = _TRIADS[there][degree]
    elif quality is _SEVENTHS[here][degree] or (quality is _MIN7 and degree == _DOMINANT and here is Mode.MINOR):
        quality = _SEVENTHS[there][degree]
    elif quality not in (Quality.SUSPENDED, Quality.POWER):
        return number_of(Chord((tonic + offset) % 12, quality))
    return number_of(Chord((tonic + _SCALES[there][degree]) % 12, quality))
