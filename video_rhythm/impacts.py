"""Impacts: the instants at which the motion of the picture suddenly grows, or the shot changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .flow import BLOCK, FlowSeries

CUT_QUANTILE = 0.98
"""A cut counts as much as the strongest impacts of the motion in the same video, those beyond this quantile."""
LEAST_CUT = 0.01
"""A cut counts at least this much (diagonals per second), also where nothing moves."""
LEAST_IMPACT = 0.0005
"""A peak below this many diagonals per second is the noise of compression."""
SHARE_OF_STRONGEST = 0.04
"""A peak weaker than this share of the strong impacts of the video (`CUT_QUANTILE`) is not seen beside them."""
PEAK_REACH = 0.1
"""A peak is the largest value within this many seconds on each side."""
SURROUNDINGS = 0.4
"""A peak must exceed the mean of this many seconds on each side `ABOVE_SURROUNDINGS` times."""
ABOVE_SURROUNDINGS = 1.7


class Impact(NamedTuple):
    """A peak of the motion saliency."""

    time: float
    """The time of the impact in seconds."""
    saliency: float
    """The impact's strength in diagonals per second, above 0."""


def motion_saliency(flow: FlowSeries, cuts: Sequence[float] = ()) -> NDArray[np.float64]:
    """How much the motion grows at the beginning of each step of the flow.

    The average positive change of the flow over all directions between two consecutive samples (Di et al.
    2021, section 3.3, after Davis & Agrawala 2018); motion that turns grows in its new direction. Each of
    the `cuts` (seconds) is raised to the strongest impacts.

    Returns
    -------
    (n,) in diagonals per second, at `flow.times`; the first is 0.
    """
    saliency = np.zeros(len(flow))
    if not len(flow):
        return saliency
    for begin in range(1, len(flow), BLOCK):
        directogram = flow.directogram[begin - 1 : begin + BLOCK].astype(np.float64)
        # Blurred with its neighbours, a direction gains nothing from motion that only turns a little.
        directogram = (np.roll(directogram, 1, axis=1) + 2 * directogram + np.roll(directogram, -1, axis=1)) / 4
        saliency[begin : begin + BLOCK] = np.maximum(np.diff(directogram, axis=0), 0.0).mean(axis=1)
    cut_saliency = max(LEAST_CUT, strong_impact(saliency))
    for cut in cuts:
        nearest = _nearest(flow.times, cut)
        saliency[nearest] = max(saliency[nearest], cut_saliency)
    return saliency


def find_impacts(times: NDArray[np.float64], saliency: NDArray[np.float64], cuts: Sequence[float] = ()) -> list[Impact]:
    """Peaks of the saliency, picked by steps in seconds that hold at any frame rate.

    1. A peak is the largest value within 100 ms,
    2. stands out from the mean of the 400 ms around it,
    3. is no noise, neither by itself nor beside the strong impacts of the video.
    4. Its time is that of the parabola through it and its neighbours; that of a cut is the cut's.

    Parameters
    ----------
    times, saliency
        The seconds (n,) and the diagonals per second (n,), as of `motion_saliency` with the same `cuts`.
    cuts
        Seconds.
    """
    if not len(times):
        return []
    floor = max(LEAST_IMPACT, SHARE_OF_STRONGEST * strong_impact(saliency))
    impacts = [
        Impact(_peak_time(times, saliency, i), float(saliency[i]))
        for i in map(int, np.flatnonzero(saliency >= floor))
        if _is_peak(times, saliency, i)
    ]
    of_cuts = [Impact(cut, float(saliency[_nearest(times, cut)])) for cut in cuts]
    if of_cuts:
        # What moves beside a cut is the new shot appearing: one event, and its time is known exactly.
        borders = np.asarray(cuts)
        impacts = [impact for impact in impacts if np.abs(borders - impact.time).min() > PEAK_REACH]
    return sorted(impacts + of_cuts)


def strong_impact(saliency: NDArray[np.float64]) -> float:
    """A strong impact's strength in this video: the 0.98 quantile of the saliency (n,) where it is above 0; else 0."""
    growing = saliency[saliency > 0.0]
    return float(np.quantile(growing, CUT_QUANTILE)) if len(growing) else 0.0


def _is_peak(times: NDArray[np.float64], saliency: NDArray[np.float64], i: int) -> bool:
    value = saliency[i]
    near = slice(*np.searchsorted(times, [times[i] - PEAK_REACH, times[i] + PEAK_REACH]))
    if value < saliency[near].max() or value in saliency[near.start : i]:
        return False
    around = slice(*np.searchsorted(times, [times[i] - SURROUNDINGS, times[i] + SURROUNDINGS]))
    return bool(value >= ABOVE_SURROUNDINGS * saliency[around].mean())


def _peak_time(times: NDArray[np.float64], saliency: NDArray[np.float64], i: int) -> float:
    """Time of the top of the parabola through sample `i` and its neighbours."""
    if not 0 < i < len(times) - 1:
        return float(times[i])
    before, top, after = saliency[i - 1 : i + 2]
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    step = times[i] - times[i - 1] if shift < 0 else times[i + 1] - times[i]
    return float(times[i] + shift * min(step, 2 * PEAK_REACH))


def _nearest(times: NDArray[np.float64], time: float) -> int:
    return int(np.abs(times - time).argmin())
