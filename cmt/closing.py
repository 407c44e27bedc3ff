"""How a piece ends: it comes to rest on the tonic and lets that ring.

Source: the last bars of LPD's songs. Half of them have a quarter of the onsets of the bars before them or less, most
begin nothing after the third beat, and the bass ends on the tonic more often than on all other degrees but the fifth.
`cmt.metrics.ending` measures it; `docs/control.md` holds the numbers.
"""

from __future__ import annotations

import math

from cmt.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument

CLOSING_DENSITY = 5
"""Most onsets of a closing bar that nobody has ordered otherwise."""
LAST_STROKE = POSITIONS_PER_BAR // 2
"""Sixteenth of the closing bar after which nothing starts that nobody has ordered: half a bar rings."""
SHORTEST = POSITIONS_PER_BAR // 2
"""Sixteenths of a last bar that is long enough to close in."""
_TONIC = {Mode.MAJOR: 0, Mode.MINOR: 9}
_TRIADS = {Mode.MAJOR: (0, 4, 7), Mode.MINOR: (0, 3, 7)}


def closing_bar(length: float, start: float = 0) -> int | None:
    """The bar in which a piece comes to rest: its last, or the one before where the last is cut off too soon.

    None for a piece of a single bar (a pickup before it not counted), which has no room to come from anywhere.
    """
    n_bar = math.ceil(length / POSITIONS_PER_BAR)
    first = 0 if start == 0 else 1
    bar = n_bar - 1 if length - (n_bar - 1) * POSITIONS_PER_BAR >= SHORTEST else n_bar - 2
    return bar if bar > first else None


def closing_pitch_classes(instrument: Instrument, mode: Mode) -> frozenset[int]:
    """Pitch classes of the closing bar in the home key of a mode: the bass has the tonic, the others its triad."""
    degrees = (0,) if instrument is Instrument.BASS else _TRIADS[mode]
    return frozenset((_TONIC[mode] + degree) % 12 for degree in degrees)
