"""Visual beats: the impacts that together make the steadiest and strongest rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .impacts import Impact
from .tempo import ENVELOPE_RATE, autocorrelation, envelope

CLOSEST = 0.25
"""Visual beats are at least this many seconds apart."""
FARTHEST = 3.0
"""The rhythm starts anew after a gap of more seconds than this."""
SURROUNDINGS = 5.0
"""The tempo around an impact is learnt from this many seconds on each side of it."""
STEADINESS = 0.6
"""A step of exactly the tempo around it is worth this much beside an impact of full strength."""
LEAST_WORTH = 0.1
"""An impact must add at least this much to the chain: at the top of its flight a ball only turns, halfway from bounce
to bounce."""
FULL_STRENGTH_QUANTILE = 0.9
"""Impacts beyond this quantile of the video's have full strength."""


class VisualBeat(NamedTuple):
    """An instant at which the picture strikes a beat."""

    time: float
    """Seconds from the first picture."""
    saliency: float
    """The strength of the change of motion, in diagonals per second."""


def choose_beats(duration: float, impacts: Sequence[Impact]) -> tuple[VisualBeat, ...]:
    """The chain of impacts that scores highest.

    A chain scores the strength of its impacts, less a little for each, and for each step from one to the
    next, how regularly the impacts around there come again after just that time: the autocorrelation of the
    10 s around, -1..1. So a strong impact is taken wherever it is, a weak one only if it keeps the tempo of
    its surroundings, and the tempo may drift (Davis & Agrawala 2018, section 5, by dynamic programming).

    Parameters
    ----------
    duration
        The seconds that the video lasts.
    impacts
        The impacts in order of time.

    Returns
    -------
    Beats at least 0.25 s apart; none if there are no impacts.
    """
    if not impacts:
        return ()
    times = np.array([impact.time for impact in impacts])
    saliency = np.array([impact.saliency for impact in impacts])
    strength = np.minimum(saliency / np.quantile(saliency, FULL_STRENGTH_QUANTILE), 1.0) - LEAST_WORTH
    values = envelope(duration, impacts)

    score = strength.copy()
    previous = np.full(len(times), -1)
    best_so_far = 0  # the best chain among those that end too long ago for a step
    for i in range(len(times)):
        first = int(np.searchsorted(times, times[i] - FARTHEST))
        last = int(np.searchsorted(times, times[i] - CLOSEST, side="right"))
        if first > 0:
            recent = int(score[best_so_far:first].argmax()) + best_so_far
            best_so_far = recent
            score[i], previous[i] = strength[i] + score[recent], recent
        if last > first:
            likeness = _likeness_around(values, times[i])
            steady = np.interp(times[i] - times[first:last], np.arange(len(likeness)) / ENVELOPE_RATE, likeness)
            totals = score[first:last] + strength[i] + STEADINESS * steady
            if totals.max() > score[i]:
                score[i], previous[i] = totals.max(), first + int(totals.argmax())
    chain = _trace(score, previous)
    return tuple(VisualBeat(float(times[i]), float(saliency[i])) for i in chain)


def _likeness_around(values: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    """Autocorrelation of the envelope around `time` for lags up to `FARTHEST`, -1..1."""
    first = max(int((time - SURROUNDINGS) * ENVELOPE_RATE), 0)
    around = values[first : int((time + SURROUNDINGS) * ENVELOPE_RATE)]
    return np.clip(autocorrelation(around, int(FARTHEST * ENVELOPE_RATE) + 1), -1.0, 1.0)


def _trace(score: NDArray[np.float64], previous: NDArray[np.intp]) -> list[int]:
    """Indices of the best chain, in order of time, its first link included."""
    chain = []
    i = int(score.argmax())
    while i >= 0:
        chain.append(i)
        i = int(previous[i])
    return chain[::-1]
