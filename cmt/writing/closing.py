"""How a piece ends: it comes home to the tonic, in one of the ways in which songs end, and lets that ring.

Source: the last bars of 1,200 songs of LPD. In 45 % of them everything stops on the first beat or right behind it; in
22 % the bar goes on as the one before until a last stroke in its middle, most often on the third or the fourth beat; in
25 % it goes on to its end, most often to the last eighth; in 8 % it thins out. Every second song ends on the tonic.
`cmt.metrics.ending` measures endings; `docs/control.md` says what they were like without these rules.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from cmt.music.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

SHORTEST = POSITIONS_PER_BAR // 2
"""A last bar of at least this many sixteenths is long enough to close in."""
CLOSING_TONIC = {Mode.MAJOR: 0, Mode.MINOR: 9}
"""The pitch class of the home key's tonic."""
_TRIADS = {Mode.MAJOR: (0, 4, 7), Mode.MINOR: (0, 3, 7)}
_MOST_WHERE_IT_THINS_OUT = 5
"""The eighths of half a bar and the stroke behind them."""
_SHORTEST_RING = 2
"""What is struck last sounds for this many sixteenths or more."""


class Ending(NamedTuple):
    """A way to end a piece."""

    share: float
    """The share of pieces that end like this."""
    last_stroke: int
    """The sixteenth of the closing bar after which only what is ordered starts; what has begun rings."""
    thins_out: bool = False
    """Whether the closing bar has but few onsets. Otherwise it goes on as the bar before until the last stroke, and
    everybody who played there strikes it together."""


ENDLESS = Ending(0.0, POSITIONS_PER_BAR - 1)
"""The way of a piece that does not end, because it begins anew."""
THIN = Ending(0.05, 8, thins_out=True)
ENDINGS: Mapping[str, Ending] = {
    "stop": Ending(0.2, 0),
    "third beat": Ending(0.28, 8),
    "fourth beat": Ending(0.1, 12),
    "full": Ending(0.37, 14),
    "thin": THIN,
}
"""The ways by name. Their shares lie between those of songs that end and those of excerpts, many of which are cut off;
a last stroke on the third beat leaves half a bar to ring."""
ALL_ENDINGS: Mapping[str, Ending] = {**ENDINGS, "none": ENDLESS}
"""The same, and that of a loop."""


class Closing(NamedTuple):
    """The bar in which a piece comes to rest, and how."""

    bar: int
    last_stroke: int = THIN.last_stroke
    """As in `Ending`; earlier where the bar is cut off."""
    thins_out: bool = THIN.thins_out

    @property
    def density(self) -> int:
        """The most onsets of the bar, unless more are ordered."""
        return self.density_of(POSITIONS_PER_BAR)

    def density_of(self, usual: int) -> int:
        """The onsets of the bar where it would have `usual` if it did not close."""
        if self.thins_out:
            return min(usual, _MOST_WHERE_IT_THINS_OUT)
        return math.ceil(usual * (self.last_stroke + 1) / POSITIONS_PER_BAR)

    def densities_after(self, onsets: Collection[int]) -> tuple[int, int]:
        """The fewest and the most onsets of the bar, after a bar with `onsets`, positions 0..15."""
        if self.thins_out:
            return 1, self.density
        as_before = len({position for position in onsets if position < self.last_stroke}) + 1
        return as_before, as_before

    def struck_together_in(self, bar: int) -> int | None:
        """The sixteenth of a bar on which all who play strike the piece's last stroke; None where they do not."""
        return self.last_stroke if bar == self.bar and not self.thins_out else None

    def rings_at(self, position: int) -> bool:
        """Whether a position of the piece lies behind the last stroke."""
        return position > self.bar * POSITIONS_PER_BAR + self.last_stroke


def draw_ending(seed: int) -> Ending:
    """The way in which the pieces of a seed end."""
    endings = list(ENDINGS.values())
    return endings[np.random.default_rng([seed, 4]).choice(len(endings), p=[ending.share for ending in endings])]


def closing_of(timeline: Timeline, ending: Ending = THIN) -> Closing | None:
    """Where a piece comes to rest: in its last bar, or in the one before where the last is cut off too soon.

    A piece of a single bar (a pickup before it not counted) has no room to come from anywhere, and so none to close;
    an endless one does not.
    """
    if ending == ENDLESS:
        return None
    n_bar = timeline.n_bar
    first = 0 if timeline.start == 0 else 1
    bar = n_bar - 1 if timeline.length - (n_bar - 1) * POSITIONS_PER_BAR >= SHORTEST else n_bar - 2
    if bar <= first:
        return None
    latest = math.ceil(timeline.length) - bar * POSITIONS_PER_BAR - _SHORTEST_RING
    return Closing(bar, min(ending.last_stroke, latest), ending.thins_out)


def closing_pitch_classes(instrument: Instrument, mode: Mode) -> frozenset[int]:
    """Pitch classes of the closing bar in the home key of a mode: the bass has the tonic, the others its triad."""
    degrees = (0,) if instrument is Instrument.BASS else _TRIADS[mode]
    return frozenset((CLOSING_TONIC[mode] + degree) % 12 for degree in degrees)
