"""How a piece ends: it comes to rest on the tonic and lets that ring.

Source: the last bars of LPD's held-out songs. The middle one has a quarter of the onsets of the bars before it, in
seven songs of ten nothing starts on the last beat, and every second ends on the tonic. `cmt.metrics.ending` measures
it; `docs/control.md` says what endings were like without these rules.
"""

from __future__ import annotations

from typing import NamedTuple

from cmt.music.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

SHORTEST = POSITIONS_PER_BAR // 2
"""A last bar of at least this many sixteenths is long enough to close in."""
CLOSING_TONIC = {Mode.MAJOR: 0, Mode.MINOR: 9}
"""The pitch class of the home key's tonic."""
_TRIADS = {Mode.MAJOR: (0, 4, 7), Mode.MINOR: (0, 3, 7)}


class Closing(NamedTuple):
    """The bar in which a piece comes to rest."""

    bar: int
    density: int = 5
    """The most onsets of the bar, unless more are ordered: the eighths of half a bar and the stroke behind them."""
    last_stroke: int = POSITIONS_PER_BAR // 2
    """The sixteenth of the bar after which only what is ordered starts; what has begun rings."""

    def rings_at(self, position: int) -> bool:
        """Whether a position of the piece lies behind the last stroke."""
        return position > self.bar * POSITIONS_PER_BAR + self.last_stroke


def closing_of(timeline: Timeline) -> Closing | None:
    """Where a piece comes to rest: in its last bar, or in the one before where the last is cut off too soon.

    A piece of a single bar (a pickup before it not counted) has no room to come from anywhere, and so none to close.
    """
    n_bar = timeline.n_bar
    first = 0 if timeline.start == 0 else 1
    bar = n_bar - 1 if timeline.length - (n_bar - 1) * POSITIONS_PER_BAR >= SHORTEST else n_bar - 2
    return Closing(bar) if bar > first else None


def closing_pitch_classes(instrument: Instrument, mode: Mode) -> frozenset[int]:
    """Pitch classes of the closing bar in the home key of a mode: the bass has the tonic, the others its triad."""
    degrees = (0,) if instrument is Instrument.BASS else _TRIADS[mode]
    return frozenset((CLOSING_TONIC[mode] + degree) % 12 for degree in degrees)
