"""The term of mood: how far what is heard in a piece is from what a picture asks, scene by scene.

    mood = mean over the stretches, by their bars, of (arousal asked - heard)^2 + certainty (valence asked - heard)^2

On both sides a mood is a point of -1..1 by -1..1. The picture's is a formula (`cmt.planning.mood`), the piece's the
place of an estimate among those of LPD's songs (`cmt.metrics.mood_curve`). Valence counts as much as the picture is
sure of it. An index holds a piece's mood bar by bar in bytes; bars that a piece does not reach count as average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.metrics.mood_curve import mood_curve
from cmt.music.encoding import NoteArrays
from cmt.planning.mood_asked import Stretch

MOOD_SCALE = 2.0
"""A difference of this much alone halves the score: from calm to excited, valence left aside. `docs/matching.md` says
how it was chosen."""
AVERAGE = 127
"""The byte of an average valence or arousal."""


def curve_in_bytes(notes: NoteArrays, n_bar: int, tempo: float | None) -> NDArray[np.uint8]:
    """(n_bar, 2) valence and arousal of a piece, 0 for -1 and 254 for 1."""
    return np.rint(AVERAGE * (1 + mood_curve(notes, n_bar, tempo))).astype(np.uint8)


def mood_distances(
    offsets: NDArray[np.int64], mood: NDArray[np.uint8], starts: NDArray[np.int32], asked: Sequence[Stretch]
) -> NDArray[np.float32]:
    """(n_piece,) mean squared differences of pieces, joined as in a `PieceBlock`, that begin at the bars `starts`."""
    total = np.zeros(len(starts))
    for stretch in asked:
        off = heard_in(offsets, mood, starts, stretch) - (stretch.valence, stretch.arousal)
        total += (stretch.end - stretch.begin) * (np.square(off) @ (stretch.certainty, 1.0))
    n_bar = sum(stretch.end - stretch.begin for stretch in asked)
    return (total / max(n_bar, 1)).astype(np.float32)


def heard_in(
    offsets: NDArray[np.int64], mood: NDArray[np.uint8], starts: NDArray[np.int32], stretch: Stretch
) -> NDArray[np.float64]:
    """(n_piece, 2) valence and arousal that each piece has in the bars of a stretch."""
    sums = np.zeros((len(mood) + 1, 2), dtype=np.int64)
    np.cumsum(mood.astype(np.int64) - AVERAGE, axis=0, out=sums[1:])
    begins = np.minimum(offsets[:-1] + starts + stretch.begin, offsets[1:])
    ends = np.minimum(offsets[:-1] + starts + stretch.end, offsets[1:])
    mean: NDArray[np.float64] = (sums[ends] - sums[begins]) / (AVERAGE * (stretch.end - stretch.begin))
    return mean
