"""How loosely a genre is played: time, swing, pedal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cmt.music.words import Genre


class Feel(NamedTuple):
    """What players of a genre do to the time of the notes."""

    looseness: float
    """How far players are from the beat, beside those of pop, whom 1 stands for; 0 is a machine."""
    eighth_swing: float = 0.0
    """Sixteenths by which the second eighth of a beat comes late; 2/3 makes triplets of eighths..."""
    sixteenth_swing: float = 0.0
    """...and by which every second sixteenth does; 1/3 makes triplets of sixteenths."""
    late_snare: float = 0.0
    """Seconds by which the backbeat lies behind."""
    pedal: bool = True
    """Whether the piano holds its chords with the pedal."""


FEELS: Mapping[Genre, Feel] = {
    Genre.COUNTRY: Feel(1.2, eighth_swing=0.14, late_snare=0.004),
    Genre.DANCE: Feel(0.15, sixteenth_swing=0.08, pedal=False),
    Genre.ELECTRONIC: Feel(0.15, sixteenth_swing=0.05, pedal=False),
    Genre.METAL: Feel(0.7, pedal=False),
    Genre.POP: Feel(1.0, late_snare=0.005),
    Genre.ROCK: Feel(1.1, late_snare=0.006),
}
"""Judged, not measured: LPD's songs stand on the grid, which leaves out who swings."""
ANY_FEEL = Feel(1.0)
QUANTIZED = Feel(0.0, pedal=False)
"""Every note exactly on its sixteenth."""
