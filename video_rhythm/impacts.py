"""Motion saliency, and the instants at which it strikes.

Di et al. (ACM MM 2021), section 3.3, after Davis & Agrawala, "Visual Rhythm and Beat" (SIGGRAPH 2018):
saliency is the positive change of the flow, direction by direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .flow import FlowSeries

LEAST_SALIENCY = 0.005
"""Diagonals per second: smaller changes of motion are noise, or nothing that anybody sees."""
LEAST_CUT_SALIENCY = 0.5
"""Diagonals per second: a cut strikes at least as hard as this, and as hard as the hardest impact."""
PEAK_REACH = 0.12
"""Seconds on each side within which a peak must be the highest."""
SURROUNDINGS = 0.5
"""Seconds on each side over which the level that a peak must rise above is measured."""
RISE = 1.5
"""A peak is at least so many times the mean of its surroundings."""


class Impact(NamedTuple):
    """An instant at which the motion strikes."""

    time: float
    """Seconds."""
    saliency: float
    """Diagonals per second."""


def motion_saliency(flow: FlowSeries, cuts: Sequence[float] = ()) -> NDArray[np.float64]:
    """How much motion sets in at the beginning of each sample of the flow.

    The sum over directions of what each of them gains. A direction is first blurred with its
    neighbours, so that motion that only turns a little gains nothing. A cut strikes as hard as the
    hardest impact of the video.

    Returns
    -------
    (n,) diagonals per second, 0 or more, at `flow.times`.
    """
    if not len(flow):
        return np.zeros(0)
    blurred = flow.directogram.astype(np.float64)
    blurred = (np.roll(blurred, 1, axis=1) + 2 * blurred + np.roll(blurred, -1, axis=1)) / 4
    gained = np.diff(blurred, axis=0, prepend=blurred[:1])
    saliency: NDArray[np.float64] = np.maximum(gained, 0).sum(axis=1)
    strongest = max(LEAST_CUT_SALIENCY, float(saliency.max()))
    for cut in cuts:
        saliency[_nearest(flow.times, cut)] = strongest
    return saliency


def find_impacts(flow: FlowSeries, saliency: NDArray[np.float64], cuts: Sequence[float] = ()) -> tuple[Impact, ...]:
    """The peaks of the saliency; a cut is one at its own exact time.

    A peak is the highest within 120 ms, stands out from the half second on each side, and is strong
    enough to be seen.
    """
    times = flow.times
    impacts = [Impact(float(cut), float(saliency[_nearest(times, cut)])) for cut in cuts if len(times)]
    for index in np.flatnonzero(saliency >= LEAST_SALIENCY):
        time, value = float(times[index]), float(saliency[index])
        near = slice(*np.searchsorted(times, [time - PEAK_REACH, time + PEAK_REACH]))
        around = slice(*np.searchsorted(times, [time - SURROUNDINGS, time + SURROUNDINGS]))
        if value < saliency[near].max() or value < RISE * saliency[around].mean():
            continue
        if any(abs(time - impact.time) < PEAK_REACH for impact in impacts):
            continue  # a cut, or an equal peak just before
        impacts.append(Impact(time, value))
    return tuple(sorted(impacts))


def _nearest(times: NDArray[np.float64], time: float) -> int:
    return int(np.abs(times - time).argmin())
