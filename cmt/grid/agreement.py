"""How near the times that music should meet lie to its grid, and how many meet it more than chance would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from midi_io.song import BEATS_PER_BAR, POSITIONS_PER_BAR, Timeline

Floats: TypeAlias = NDArray[np.float64]

TOLERANCE = 0.04
"""Seconds by which a hit may miss the grid unnoticed."""
N_SHIFT = 1000
"""Times that the hits are shifted to learn what chance alone would give."""


def positions_at(grid: Timeline, seconds: Floats) -> Floats:
    """Positions at times of any shape; before the first knot that of the first, after the last that of the last."""
    positions, times = np.array(grid.knots).T
    return np.asarray(np.interp(seconds, times, positions))


def seconds_at(grid: Timeline, positions: Floats) -> Floats:
    """The inverse of `positions_at`."""
    of_knots, times = np.array(grid.knots).T
    return np.asarray(np.interp(positions, of_knots, times))


def misses(grid: Timeline, times: Floats | Sequence[float], points_per_bar: int) -> Floats:
    """Seconds from each time, of any shape, to the nearest of the points: 1 downbeats, 4 beats, 16 sixteenths."""
    step = POSITIONS_PER_BAR / points_per_bar
    times = np.asarray(times, dtype=float)
    nearest = np.round(positions_at(grid, times) / step) * step
    first = np.ceil(grid.start / step - 1e-9) * step
    return np.asarray(np.abs(times - seconds_at(grid, np.maximum(nearest, first))))


class Agreement(NamedTuple):
    """How many hits fall on a grid, and how many would by chance.

    Chance is the mean over 1,000 circular shifts of the same hits, on the same grid; a solver that chose this
    grid among many for these hits does a little better than that on hits at random, too.
    """

    n_hit: int
    on_grid: float
    """Share, 0..1, within 40 ms of a sixteenth."""
    on_grid_by_chance: float
    on_beats: float
    """Share within 40 ms of a quarter note."""
    on_beats_by_chance: float
    on_downbeats: float
    """Share within 40 ms of the beginning of a bar."""
    on_downbeats_by_chance: float


def agreement(grid: Timeline, times: Sequence[float], seed: int = 0) -> Agreement:
    """How well hits at `times`, each counted once, agree with a grid; shares are 0 if there are none."""
    hits = np.asarray(times, dtype=float)
    if not len(hits):
        return Agreement(0, *[0.0] * 6)
    shifts = np.random.default_rng(seed).uniform(0, grid.duration, N_SHIFT)
    levels = (POSITIONS_PER_BAR, BEATS_PER_BAR, 1)
    by_chance = np.zeros(len(levels))
    at_once = max(1, 200_000 // len(hits))  # shifts, to bound the memory
    for first in range(0, N_SHIFT, at_once):
        some = shifts[first : first + at_once, None]
        by_chance += _shares(grid, (hits + some) % grid.duration, levels) * len(some) / N_SHIFT
    met = _shares(grid, hits, levels)
    pairs = [float(share) for pair in zip(met, by_chance, strict=True) for share in pair]
    return Agreement(len(hits), *pairs)


def _shares(grid: Timeline, times: Floats, levels: Sequence[int]) -> Floats:
    return np.array([np.mean(misses(grid, times, points) <= TOLERANCE + 1e-9) for points in levels])
