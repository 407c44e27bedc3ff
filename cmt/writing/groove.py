"""Which sixteenths a piece likes to play on: so that bars whose density is ordered still groove like each other.

Left to itself a model repeats its rhythm. Told how many positions to play, bar by bar, it is in a place where no song
has led it, and scatters them. The groove remembers on which positions the bars so far have played, and says how likely
each next position of a bar is if the rest of the bar must hold exactly the onsets that are left: independent draws,
one for each position, conditioned on their sum. A sparse bar then is a thinned dense one, in which kick, snare and
bass, the backbone, keep their positions.

A piece that is to be like a song leans to that song's groove besides: to the positions on which its drums and its bass
strike, to those two there, and to the drums that it has there. It leans, and copies nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from cmt.music.lead_sheet import Stroke
from cmt.music.words import FIELD_SIZES
from midi_io.song import POSITIONS_PER_BAR, Instrument

PRIOR = np.tile([0.97, 0.45, 0.93, 0.5], POSITIONS_PER_BAR // 4)
"""The share of LPD's bars with an onset on each position (16,): rounded, and alike for all four beats."""
PRIOR_BARS = 1.0
"""The prior counts as much as this many bars."""
SURELY = 0.98
"""A habit is trusted at most this much: a position that no bar has played may still come."""

SALIENCE = 2.0
"""A position on which every bar had its backbone has e to this power times the odds of one that none had there."""

LIKE_A_SONG = 2.0
"""What the groove of a song has is that many nats likelier in a piece that is like it, and the rest so much less."""

SongGroove = Collection[Stroke] | None
"""Where drums and bass of a song strike in a bar; None where the piece is like no song."""


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

    def next_onset(
        self, possible: NDArray[np.bool_], certain: Collection[int], n_left: int, song: SongGroove = None
    ) -> NDArray[np.float64]:
        """(16,) how likely each position is the next onset, if `n_left` are still to come in the bar.

        Parameters
        ----------
        possible
            The mask (16,) of the positions that may still be played.
        certain
            The positions among them that will be played in any case.
        song
            The groove of the song that the bar is like.
        """
        shares = np.clip(self._counts / self._n_bar, 1 - SURELY, SURELY)
        odds = shares / (1 - shares) * np.exp(SALIENCE * self._backbone / self._n_bar)
        if song:
            odds = odds * np.exp(_favours(POSITIONS_PER_BAR, [stroke.position for stroke in song]))
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


def instruments_like(song: SongGroove, position: int) -> NDArray[np.float64] | None:
    """(6,) what is added to the logits of who plays next on a position; None where there is nothing to be like.

    A song without drums, or without bass, in the bar says nothing of them.
    """
    if not song:
        return None
    added = np.zeros(FIELD_SIZES.instrument)
    for instrument in (Instrument.DRUMS, Instrument.BASS):
        positions = {stroke.position for stroke in song if stroke.instrument is instrument}
        if positions:
            added[1 + instrument] = LIKE_A_SONG if position in positions else -LIKE_A_SONG
    return added


def drums_like(song: SongGroove, position: int) -> NDArray[np.float64] | None:
    """(129,) what is added to the logits of a drum on a position; None where the song has none there."""
    keys = [one.drum for one in song or () if one.position == position and one.instrument is Instrument.DRUMS]
    return _favours(FIELD_SIZES.pitch, [1 + key for key in keys]) if keys else None


def _favours(n_value: int, favoured: Collection[int]) -> NDArray[np.float64]:
    """(n_value,) nats for what is favoured, and as many against the rest."""
    nats = np.full(n_value, -LIKE_A_SONG)
    nats[list(favoured)] = LIKE_A_SONG
    return nats
