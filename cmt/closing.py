"""How a piece ends: it comes to rest on the tonic and lets that ring.

Source: the last bars of LPD's held-out songs. The middle one has a quarter of the onsets of the bars before it, in seven
of ten nothing starts on the last beat, and every second ends on the tonic. `cmt.metrics.ending` measures it;
`docs/control.md` says what it was like without these rules.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cmt.words import Mode
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument

LONG = 8
"""Bars of a piece that has time for a farewell; a shorter one, of a clip of a few seconds, only does not break off."""
SHORTEST = POSITIONS_PER_BAR // 2
"""Sixteenths of a last bar that is long enough to close in."""
_TONIC = {Mode.MAJOR: 0, Mode.MINOR: 9}
_TRIADS = {Mode.MAJOR: (0, 4, 7), Mode.MINOR: (0, 3, 7)}


class Closing(NamedTuple):
    """The bar in which a piece comes to rest."""

    bar: int
    density: int
    """Most onsets, unless more are ordered."""
    last_stroke: int
    """Sixteenth of the bar after which nothing starts that nobody has ordered: what has begun rings."""

    def rings_at(self, position: int) -> bool:
        """Whether a position of the piece lies behind the last stroke."""
        return position > self.bar * POSITIONS_PER_BAR + self.last_stroke


def closing_of(length: float, start: float = 0) -> Closing | None:
    """Where a piece comes to rest: in its last bar, or in the one before where the last is cut off too soon.

    A piece of a single bar (a pickup before it not counted) has no room to come from anywhere, and so none to close.
    """
    n_bar = math.ceil(length / POSITIONS_PER_BAR)
    first = 0 if start == 0 else 1
    bar = n_bar - 1 if length - (n_bar - 1) * POSITIONS_PER_BAR >= SHORTEST else n_bar - 2
    if bar <= first:
        return None
    if n_bar >= LONG:
        return Closing(bar, density=5, last_stroke=2 * POSITIONS_PER_BEAT)
    return Closing(bar, density=8, last_stroke=3 * POSITIONS_PER_BEAT)


def closing_pitch_classes(instrument: Instrument, mode: Mode) -> frozenset[int]:
    """Pitch classes of the closing bar in the home key of a mode: the bass has the tonic, the others its triad."""
    degrees = (0,) if instrument is Instrument.BASS else _TRIADS[mode]
    return frozenset((_TONIC[mode] + degree) % 12 for degree in degrees)
