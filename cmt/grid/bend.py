"""Tempo maps: a grid whose tempo changes at cuts so that they fall on it exactly, the way film music is written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cmt.grid.agreement import TOLERANCE, Floats
from cmt.grid.hits import Hit
from cmt.grid.solver import PICKUP_COST, reward
from midi_io.song import POSITIONS_PER_BAR, Knot, Timeline

BENT_REWARDS = {1: 1.0, 4: 0.8, 8: 0.6, 16: 0.5}
"""A hit on the grid is worth this, by how many points the grid has in a bar. To miss none matters more than for a
steady grid, as nearly all can be met."""
KNOT_COST = 0.05
"""Each change of tempo costs as much as this many hits on downbeats are worth."""
BEND_COST = 0.15
"""A stretch at the edge of the range costs as much as this many hits on downbeats; less, by the square, nearer to the
tempo asked for."""
WHOLE_END_WORTH = 0.5
"""An end with the last bar whole is worth as much as this many hits on downbeats."""
LONGEST_LEAP = 8
"""A stretch of steady tempo may leave at least this many hits between two that it puts on the grid."""
MOST_STEPS = 20
"""This many numbers of sixteenths are tried for one stretch: the nearest to the tempo asked for, every place in a bar
among them."""
MOST_PASSED = 64
"""At most this many of the hits that a stretch passes are looked at; of more, every second or third, and so on."""
MOST_PAIRS = 100_000
"""At most this many pairs of hits are tried, some twenty seconds' work. Only where thousands of hits stand within
seconds are there more; four hours of cuts every second and a half have less."""
LEAST_APART = 0.125
"""Of more hits only those are kept that are so many seconds apart, or twice as many, and so on."""
SAME_INSTANT = 1e-3
"""Times less than this many seconds apart are the same instant."""


def bend_grid(grid: Timeline, hits: Sequence[Hit], tempo_change: float) -> Timeline:
    """The grid with its tempo changed at cuts and markers, so that they fall on it exactly.

    Between two cuts or markers that it puts on the grid the tempo is steady, and at most the share `tempo_change`,
    such as 0.08, away from that of `grid`. By dynamic programming over which of them are put where in a bar:
    downbeats are worth more than beats, these more than eighths and sixteenths (`BENT_REWARDS`); changes of tempo
    cost a little, and a whole last bar is worth something. What is left between (cuts too close together for the
    range, visual beats) counts by how near to the grid it comes. As in a steady grid the very first sixteenth may
    last half as long to half as long again, so that the first cut can be met at any phase.

    Without cuts and markers, or with a change of 0, the grid stays as it is.

    Raises
    ------
    ValueError
        If the change is not from 0 to below 1.
    """
    if not 0 <= tempo_change < 1:
        raise ValueError(f"tempo change must be from 0 to below 1, got {tempo_change}")
    ends = TOLERANCE, grid.duration - TOLERANCE
    anchors = [hit for hit in sorted(hits) if hit.kind != "visual beat" and ends[0] < hit.time < ends[1]]
    if not anchors or not tempo_change:
        return grid
    return _Bender(grid, hits, _apart(anchors, 15.0 / grid.tempo / tempo_change), tempo_change).best()


def _apart(anchors: list[Hit], far: float) -> list[Hit]:
    """The anchors; of more than can be tried in time the heaviest, the more seconds apart the more there are."""
    least = LEAST_APART
    kept = anchors
    while _n_pair([hit.time for hit in kept], far) > MOST_PAIRS:
        kept = []
        taken: set[int] = set()
        for hit in sorted(anchors, key=lambda hit: (-hit.weight, hit.time)):
            place = int(hit.time / least)
            if taken.isdisjoint((place - 1, place, place + 1)):
                taken.add(place)
                kept.append(hit)
        kept.sort()
        least *= 2
    return kept


def _n_pair(times: Sequence[float], far: float) -> int:
    """How many pairs of hits a search looks at."""
    before = np.arange(len(times)) - np.searchsorted(times, np.array(times) - far)
    return int(np.maximum(before, LONGEST_LEAP).sum())


class _Stretches:
    """Ways to go at a steady tempo from one hit to another; each is a number of sixteenths."""

    def __init__(self, begin: float, end: float, steps: Floats, offset: float = 0.0) -> None:
        self.begin, self.end = begin, end
        self.steps = steps
        """The sixteenths (n,) at the stretch's tempo, not always whole."""
        self.offset = offset
        """The sixteenths by which the grid runs ahead at its beginning, because the first sixteenth is not of the
        tempo."""

    def tempi(self) -> Floats:
        """(n,) BPM."""
        return np.asarray(15.0 * self.steps / (self.end - self.begin))


class _Bender:
    """The search for the best tempo map of one video."""

    def __init__(self, grid: Timeline, hits: Sequence[Hit], anchors: Sequence[Hit], tempo_change: float) -> None:
        self.duration, self.base, self.change = grid.duration, grid.tempo, tempo_change
        self.times = np.array([0.0, *(hit.time for hit in anchors), self.duration])
        heaviest = max(hit.weight for hit in anchors)
        self.weights = np.array([0.0, *(hit.weight / heaviest for hit in anchors), 0.0])
        self.passing = np.array([(hit.time, hit.weight / heaviest) for hit in sorted(hits)]).reshape(-1, 2)
        # After so long some number of sixteenths fits, however the hits lie.
        self.far = 15.0 / self.base / tempo_change
        # The best way to each hit on each sixteenth of a bar: its value, the hit before, sixteenths since.
        self.values = np.full((len(self.times), POSITIONS_PER_BAR), -np.inf)
        self.values[0] = np.where(np.arange(POSITIONS_PER_BAR) == 0, 0.0, -PICKUP_COST)
        self.before = np.zeros((len(self.times), POSITIONS_PER_BAR), dtype=int)
        self.since = np.zeros((len(self.times), POSITIONS_PER_BAR), dtype=int)
        self.is_offset = np.zeros((len(self.times), POSITIONS_PER_BAR), dtype=bool)

    def best(self) -> Timeline:
        """The best way from the first picture to the last."""
        for i in range(1, len(self.times) - 1):
            for j in range(i - 1, -1, -1):
                # Further back only if no way has led here: then the first picture does in the end.
                if self._is_far(j, i) and np.isfinite(self.values[i]).any():
                    break
                self._extend(j, i, self._between(j, i))
                if j == 0:
                    self._extend(j, i, self._from_an_uneven_start(i))
        return self._traced()

    def _is_far(self, j: int, i: int) -> bool:
        return i - j > LONGEST_LEAP and self.times[i] - self.times[j] > self.far

    def _between(self, j: int, i: int) -> _Stretches:
        """Whole numbers of sixteenths from hit to hit at a tempo in the range."""
        at_base = (self.times[i] - self.times[j]) * self.base / 15
        slack = min(at_base * self.change, MOST_STEPS / 2)
        lowest = max(1, int(np.ceil(at_base - slack - 1e-9)))
        highest = int(np.floor(at_base + slack + 1e-9))
        return _Stretches(self.times[j], self.times[i], np.arange(lowest, highest + 1, dtype=float))

    def _from_an_uneven_start(self, i: int) -> _Stretches:
        """Stretches from the first picture at the tempo asked for, with a first sixteenth of another length."""
        at_base = self.times[i] * self.base / 15
        if round(at_base) < 2:
            return _Stretches(0.0, self.times[i], np.zeros(0))
        return _Stretches(0.0, self.times[i], np.array([at_base]), round(at_base) - at_base)

    def _extend(self, j: int, i: int, stretches: _Stretches) -> None:
        if not len(stretches.steps) or stretches.end - stretches.begin < SAME_INSTANT:
            return
        worth = self._worth(stretches, np.arange(POSITIONS_PER_BAR))
        for n, step in enumerate(np.round(stretches.steps + stretches.offset).astype(int)):
            to = (np.arange(POSITIONS_PER_BAR) + step) % POSITIONS_PER_BAR
            total = self.values[j] + worth[:, n] + self.weights[i] * _WORTH_AT[to]
            better = to[total > self.values[i][to]]
            self.values[i][better] = total[total > self.values[i][to]]
            self.before[i, better], self.since[i, better] = j, step
            self.is_offset[i, better] = bool(stretches.offset)

    def _worth(self, stretches: _Stretches, begins: NDArray[np.int_]) -> Floats:
        """(n_begin, n) of each stretch that begins on such a sixteenth: the hits that it passes, less its costs."""
        bend = np.log(stretches.tempi() / self.base) / np.log1p(self.change)
        costs = np.broadcast_to(-KNOT_COST - BEND_COST * bend**2, (len(begins), len(stretches.steps)))
        begin, end = stretches.begin, stretches.end
        is_inside = (self.passing[:, 0] > begin + SAME_INSTANT) & (self.passing[:, 0] < end - SAME_INSTANT)
        times, weights = self.passing[is_inside].T
        if not len(times):
            return costs
        every = -(-len(times) // MOST_PASSED)
        times, weights = times[::every], weights[::every] * every
        share = (times - begin) / (end - begin)
        places = begins[:, None, None] + stretches.offset + stretches.steps[:, None] * share
        seconds = ((end - begin) / stretches.steps)[:, None]

        def misses(points: int) -> Floats:
            step = POSITIONS_PER_BAR / points
            return np.asarray(np.abs(places - np.round(places / step) * step) * seconds)

        return np.asarray(costs + reward(misses, BENT_REWARDS) @ weights)

    def _to_the_end(self, j: int, place: int) -> _Stretches:
        """From a hit to the last picture: to each end of a bar in the range and, last, at the tempo asked for."""
        at_base = (self.duration - self.times[j]) * self.base / 15
        slack = min(at_base * self.change, MOST_STEPS)
        lowest, highest = at_base - slack, at_base + slack
        whole = np.arange(np.ceil((lowest + place) / 16) * 16 - place, highest + 1e-9, 16)
        return _Stretches(self.times[j], self.duration, np.append(whole[whole > 0], at_base))

    def _traced(self) -> Timeline:
        """The best way to the last picture, from its end to its beginning."""
        best_value = -np.inf
        end = len(self.times) - 1
        for j in range(end - 1, -1, -1):
            if self._is_far(j, end) and np.isfinite(best_value):
                break
            for q in np.flatnonzero(np.isfinite(self.values[j])).tolist():
                stretches = self._to_the_end(j, q)
                totals = self.values[j, q] + self._worth(stretches, np.array([q]))[0]
                totals[:-1] += WHOLE_END_WORTH
                n = int(totals.argmax())
                if totals[n] > best_value:
                    i, place, steps_to_end, best_value = j, q, float(stretches.steps[n]), float(totals[n])
        seconds, steps = [self.duration], [steps_to_end]
        while i > 0:
            if self.is_offset[i, place]:
                # All but the first sixteenth have the tempo asked for.
                n_even = int(self.since[i, place]) - 1
                seconds += [float(self.times[i]), float(self.times[i]) - n_even * 15.0 / self.base]
                steps += [n_even, 1]
            else:
                seconds.append(float(self.times[i]))
                steps.append(int(self.since[i, place]))
            i, place = int(self.before[i, place]), int(place - self.since[i, place]) % POSITIONS_PER_BAR
        positions = place + np.cumsum([0, *reversed(steps)])
        knots = zip(map(_tidy, positions.tolist()), [0.0, *reversed(seconds)], strict=True)
        return Timeline.through(_without_idle_knots([Knot(*knot) for knot in knots]))


_WORTH_AT: NDArray[np.float64] = np.array(
    [
        max(worth for n, worth in BENT_REWARDS.items() if q % (POSITIONS_PER_BAR // n) == 0)
        for q in range(POSITIONS_PER_BAR)
    ]
)
"""The worth of a hit on each sixteenth of a bar (16,)."""


def _tidy(position: float) -> float:
    """The position, made whole where it is whole but for the last binary digits."""
    return round(position) if abs(position - round(position)) < 1e-6 else position


def _without_idle_knots(knots: Sequence[Knot]) -> tuple[Knot, ...]:
    """The ends, and those knots at which the tempo changes by more than a microsecond a beat."""
    kept = [knots[0]]
    for knot, following in pairwise(knots[1:]):
        before = (knot.seconds - kept[-1].seconds) / (knot.position - kept[-1].position)
        after = (following.seconds - knot.seconds) / (following.position - knot.position)
        if abs(before - after) > 4e-6 / POSITIONS_PER_BAR:
            kept.append(knot)
    return (*kept, knots[-1])
