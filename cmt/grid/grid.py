"""Bars and sixteenths in seconds, the times that they should meet, and how many of them they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


HitKind: TypeAlias = Literal["marker", "cut", "visual beat"]


TOLERANCE = 0.04
"""A hit may miss the grid by this many seconds unnoticed."""


SIXTEENTHS = 16
"""A bar has this many sixteenths."""


N_SHIFT = 1000
"""The hits are shifted this many times to learn what chance alone would give."""


class Hit(NamedTuple):
    """A time at which the picture, or the user, wants something to happen."""

    time: float
    """Seconds from the first picture."""
    weight: float
    """The hit's weight, 0 or more."""
    kind: HitKind


class GridKnot(NamedTuple):
    """A place on the grid and when it comes."""

    bar: float
    """The bars from the first bar's beginning, whole at a downbeat; 2.25 is the second beat of the third bar."""
    seconds: float
    """Seconds from the first picture."""


@dataclass(frozen=True)
class Grid:
    """Where bars, beats and sixteenths lie in a video; the tempo is steady between neighbouring knots.

    Raises
    ------
    ValueError
        If there are fewer than two knots, one does not come after the one before it in bars and in time, or the first
        is not at 0 s in the first bar.
    """

    knots: tuple[GridKnot, ...]
    """The knots, two or more: the first at 0 s, on one of the first bar's sixteenths, the last at the video's end."""

    def __post_init__(self) -> None:
        steps = np.diff(np.array(self.knots, dtype=float), axis=0)
        if len(self.knots) < 2 or self.knots[0].seconds != 0 or not 0 <= self.knots[0].bar < 1 or not (steps > 0).all():
            raise ValueError(f"a grid's knots begin in its first bar at 0 s and follow each other, got {self.knots}")

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.knots[-1].seconds

    @property
    def tempo(self) -> float:
        """Quarter notes a minute, on average; of a steady grid the one tempo that it has."""
        if self.is_steady:
            # A stretched first sixteenth is no change of tempo.
            begin, end = self.knots[-2:]
        else:
            begin, end = self.knots[0], self.knots[-1]
        return 240.0 * (end.bar - begin.bar) / (end.seconds - begin.seconds)

    @property
    def is_steady(self) -> bool:
        """Whether one tempo holds, but for the first sixteenth of a pickup."""
        first_sixteenth = self.knots[1].bar - self.knots[0].bar < 1.5 / SIXTEENTHS
        return len(self.knots) == 2 or (len(self.knots) == 3 and first_sixteenth)

    @property
    def n_bar(self) -> int:
        """Bars, a pickup and a bar that is cut off at the end counted whole."""
        return int(np.ceil(self.knots[-1].bar - 1e-9))

    @property
    def phase(self) -> float:
        """Seconds at which the first downbeat comes: 0 without a pickup."""
        return float(self.seconds(np.ceil(self.knots[0].bar)))

    def seconds(self, bars: Floats | float) -> Floats:
        """The seconds (...) at which bars (...) of any shape come; those outside the video come at its ends."""
        knots = np.array(self.knots)
        return np.asarray(np.interp(bars, knots[:, 0], knots[:, 1]))

    def bars(self, seconds: Floats | float) -> Floats:
        """The bars (...) at which times (...) of any shape lie: the inverse of `seconds`."""
        knots = np.array(self.knots)
        return np.asarray(np.interp(seconds, knots[:, 1], knots[:, 0]))

    def misses(self, times: Floats | Sequence[float], points_per_bar: int) -> Floats:
        """Seconds (...) from times (...) of any shape to the nearest point: 1 downbeat, 4 beats, 16 sixteenths."""
        times = np.asarray(times, dtype=float)
        nearest = np.round(self.bars(times) * points_per_bar) / points_per_bar
        inside = np.clip(nearest, np.ceil(self.knots[0].bar * points_per_bar - 1e-9) / points_per_bar, None)
        return np.asarray(np.abs(times - self.seconds(inside)))


class Agreement(NamedTuple):
    """How many hits fall on a grid, and how many would by chance.

    Chance is the mean over 1,000 circular shifts of the same hits, on the same grid; a solver that chose this
    grid among many for these hits does a little better than that on hits at random, too.
    """

    n_hit: int
    on_grid: float
    """The share of hits, 0..1, within 40 ms of a sixteenth."""
    on_grid_by_chance: float
    on_beats: float
    """The share of hits within 40 ms of a quarter note."""
    on_beats_by_chance: float
    on_downbeats: float
    """The share of hits within 40 ms of the beginning of a bar."""
    on_downbeats_by_chance: float


def agreement(grid: Grid, times: Sequence[float], seed: int = 0) -> Agreement:
    """The agreement of hits at `times` (n,), each counted once, with a grid; shares are 0 if there are none."""
    hits = np.asarray(times, dtype=float)
    if not len(hits):
        return Agreement(0, *[0.0] * 6)
    shifts = np.random.default_rng(seed).uniform(0, grid.duration, N_SHIFT)
    levels = (SIXTEENTHS, 4, 1)
    by_chance = np.zeros(len(levels))
    at_once = max(1, 200_000 // len(hits))  # shifts, to bound the memory
    for first in range(0, N_SHIFT, at_once):
        some = shifts[first : first + at_once, None]
        by_chance += _shares(grid, (hits + some) % grid.duration, levels) * len(some) / N_SHIFT
    met = _shares(grid, hits, levels)
    pairs = [float(share) for pair in zip(met, by_chance, strict=True) for share in pair]
    return Agreement(len(hits), *pairs)


def _shares(grid: Grid, times: Floats, levels: Sequence[int]) -> Floats:
    return np.array([np.mean(grid.misses(times, points) <= TOLERANCE + 1e-9) for points in levels])
