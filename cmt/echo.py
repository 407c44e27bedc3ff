"""Echoes: what followed at the same place of the metre, some bars earlier.

Music repeats itself bar by bar and phrase by phrase, and a linear attention has one small state for all it heard:
it cannot look a bar up. So each word is told which word followed at its place one, two, four ... bars ago, and how
often such an echo has been right of late. What is told is known already: nothing of the future leaks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.words import FIELD_SIZES, FIELDS
from midi_io.song import POSITIONS_PER_BAR

NONE = -1
"""Index of an echo where there is none: the piece is not that old."""
AGREEMENT_WORDS = (8, 64)
"""Over how many last words it is counted how often an echo was right."""


def places(fields: NDArray, positions: NDArray) -> NDArray[np.int64]:
    """(n_word,) a number for each word's place: its position, then its instrument, then its pitch; it never falls."""
    turn = positions.astype(np.int64) * FIELD_SIZES.instrument + fields[:, FIELDS.index("instrument")]
    return np.asarray(turn * FIELD_SIZES.pitch + fields[:, FIELDS.index("pitch")])


def place_shift(bars: int) -> int:
    """By how much the numbers of two places differ that lie so many bars apart."""
    return bars * POSITIONS_PER_BAR * FIELD_SIZES.instrument * FIELD_SIZES.pitch


def echoes(fields: NDArray, positions: NDArray, echo_bars: Sequence[int]) -> NDArray[np.int64]:
    """(n_word, n_echo) index of the word that followed the same place so many bars earlier, or NONE.

    Parameters
    ----------
    fields, positions
        (n_word, 7) and (n_word,) words of a piece from a bar on.
    """
    place = places(fields, positions)
    found = np.empty((len(place), len(echo_bars)), np.int64)
    for k, bars in enumerate(echo_bars):
        earlier = place - place_shift(bars)
        found[:, k] = np.where(earlier >= place[:1], np.searchsorted(place, earlier, side="right"), NONE)
    return found


def agreement(fields: NDArray, echo: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n_word, n_echo * 2) share of the last words that each echo foretold, over the spans of AGREEMENT_WORDS."""
    right = np.zeros(echo.shape, np.float32)
    right[1:] = (fields[1:, None] == fields[echo[:-1]]).all(axis=-1) & (echo[:-1] != NONE)
    sums = np.concatenate([np.zeros_like(right[:1]), right.cumsum(axis=0)])
    ends = np.arange(1, len(sums))
    return np.concatenate([(sums[ends] - sums[np.maximum(ends - n, 0)]) / n for n in AGREEMENT_WORDS], axis=1)
