"""Which sixteenths a piece likes to play on: so that bars whose density is ordered still groove like each other.

Left to itself a model repeats its rhythm. Told how many positions to play, bar by bar, it is in a place where no song
has led it, and scatters them. The groove remembers on which positions the bars so far have played, and says how likely
each next position of a bar is if the rest of the bar must hold exactly the onsets that are left: independent draws,
one for each position, conditioned on their sum. A sparse bar then is a thinned dense one, in which kick, snare and
bass, the backbone, keep their positions.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from midi_io.song import POSITIONS_PER_BAR

PRIOR = np.tile([0.97, 0.45, 0.93, 0.5], POSITIONS_PER_BAR // 4)
"""The share of LPD's bars with an onset on each position (16,): rounded, and alike for all four beats."""
PRIOR_BARS = 1.0
"""The prior counts as much as this many bars."""
SURELY = 0.98
"""A habit is trusted at most this much: a position that no bar has played may still come."""

SALIENCE = 2.0
"""A position on which every bar had its backbone has e to this power times the odds of one that none had there."""


class Groove:
    """The positions of the bars so far."""

    def __init__(self) -> None:
        self._n_bar = PRIOR_BARS
        self._counts = PRIOR_BARS * PRIOR
        self._backbone = np.zeros(POSITIONS_PER_BAR)

    def hear(self, onsets: Collection[int], backbone: Collection[int] = ()) -> None:
        """One more bar, with the positions 0..15 on which something starts, and those of kick, snare and bass."""
        self._n_bar += 1
        self._counts = self._counts + np.bincount(list(onsets), minlength=POSITIONS_PER_BAR)
        self._backbone = self._backbone + np.bincount(list(backbone), minlength=POSITIONS_PER_BAR)

    def next_onset(self, possible: NDArray[np.bool_], certain: Collection[int], n_left: int) -> NDArray[np.float64]:
        """(16,) how likely each position is the next onset, if `n_left` are still to come in the bar.

        Parameters
        ----------
        possible
            The mask (16,) of the positions that may still be played.
        certain
            The positions among them that will be played in any case.
        """
        shares = np.clip(self._counts / self._n_bar, 1 - SURELY, SURELY)
        odds = shares / (1 - shares) * np.exp(SALIENCE * self._backbone / self._n_bar)
        shares = odds / (1 + odds)
        shares[~possible] = 0.0
        shares[list(certain)] = 1.0
        likely = np.zeros(POSITIONS_PER_BAR)
        # tail[k]: probability that exactly k of the positions behind this one are played.
        tail = np.zeros(n_left + 1)
        tail[0] = 1.0
        for position in reversed(range(POSITIONS_PER_BAR)):
            likely[position] = shares[position] * tail[n_left - 1]
            tail[1:] = tail[1:] * (1 - shares[position]) + tail[:-1] * shares[position]
            tail[0] *= 1 - shares[position]
        likely *= np.concatenate([[1.0], np.cumprod(1 - shares)[:-1]])
        total = likely.sum()
        return likely / total if total else likely
