"""The pitches that each instrument may play."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from midi_io.song import Instrument

PITCH_RANGES: Mapping[Instrument, tuple[int, int]] = {
    Instrument.DRUMS: (27, 87),
    Instrument.PIANO: (21, 108),
    Instrument.GUITAR: (28, 96),
    Instrument.BASS: (23, 67),
    Instrument.STRINGS: (24, 108),
}
"""The lowest and the highest pitch; for drums the keys of the General MIDI percussion map with its extension."""


def ranges_before(shifts: Collection[int]) -> dict[Instrument, tuple[int, int]]:
    """`PITCH_RANGES` of pitches that stay within them when they are moved by any of `shifts` semitones."""
    down, up = min(0, *shifts, 0), max(0, *shifts, 0)
    return {
        instrument: (low, high) if instrument is Instrument.DRUMS else (low - down, high - up)
        for instrument, (low, high) in PITCH_RANGES.items()
    }


def pitches_between(low: int, high: int) -> np.ndarray:
    """(128,) bool, which pitches lie in a range, its ends included."""
    pitches = np.arange(128)
    return (low <= pitches) & (pitches <= high)
