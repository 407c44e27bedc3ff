"""Visual beats: the impacts that make a chain of nearly constant tempo (Davis & Agrawala 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .impacts import Impact

CLOSEST = 0.25
"""Seconds between neighbouring visual beats, at least."""
LONGEST_GAP = 8
"""Periods that a chain may pass over without paying more."""
TEMPO_WEIGHT = 1.0
"""What leaving the tempo by a quarter of a period costs, in beats of middling saliency."""


class VisualBeat(NamedTuple):
    """An instant of the video that music should mark."""

    time: float
    """Seconds."""
    saliency: float
    """How strong the change of motion is, in diagonals per second."""


def choose_beats(impacts: Sequence[Impact], tempo: float | None) -> tuple[VisualBeat, ...]:
    """The chain of impacts that holds the most saliency and leaves the tempo least.

    Dynamic programming over all impacts: each adds the root of its saliency, and each step from one to the
    next pays for the distance of its length from a multiple of half a period. Without a tempo (BPM) steps
    cost nothing, and the strongest impacts stay that are 0.25 s apart.
    """
    if not impacts:
        return ()
    worth = np.sqrt([impact.saliency for impact in impacts])
    worth = worth / np.median(worth)
    best = worth.copy()
    before = np.full(len(impacts), -1)
    for here, impact in enumerate(impacts):
        for there in range(here - 1, -1, -1):
            step = impact.time - impacts[there].time
            if step < CLOSEST:
                continue
            score = best[there] + worth[here] - _cost(step, tempo)
            if score > best[here]:
                best[here], before[here] = score, there
            if step > 30.0:  # further back there is no better predecessor
                break
    chain = []
    index = int(np.argmax(best))
    while index >= 0:
        chain.append(VisualBeat(impacts[index].time, impacts[index].saliency))
        index = int(before[index])
    return tuple(reversed(chain))


def _cost(step: float, tempo: float | None) -> float:
    if tempo is None:
        return 0.0
    halves = step * tempo / 30.0  # half periods
    if halves > 2 * LONGEST_GAP:
        return TEMPO_WEIGHT
    off = abs(halves - round(halves)) / 0.5
    return TEMPO_WEIGHT * min(1.0, off**2)
