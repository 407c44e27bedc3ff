"""Echoes: what followed at the same place of the metre, some bars earlier.

Music repeats itself bar by bar and phrase by phrase, and a linear attention has one small state for all it heard:
it cannot look a bar up. So each word is told which word followed at its place one, two, four ... bars ago, and how
often such an echo has been right of late. What is told is known already: nothing of the future leaks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmt.music.form import MAX_LAG
from cmt.music.words import FIELD_SIZES, FIELDS, CompoundWord
from midi_io.song import POSITIONS_PER_BAR

NONE = -1
"""Index of an echo where there is none: the piece is not that old."""
AGREEMENT_WORDS = (8, 64)
"""The windows, in words, over which it is counted how often an echo was right."""


def places(fields: NDArray[np.integer[Any]], positions: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """(n_word,) a number for each word's place: its position, then its instrument, then its pitch; it never falls."""
    turn = positions.astype(np.int64) * FIELD_SIZES.instrument + fields[:, FIELDS.index("instrument")]
    return np.asarray(turn * FIELD_SIZES.pitch + fields[:, FIELDS.index("pitch")])


def place_shift(bars: int) -> int:
    """The difference between the numbers of two places that lie so many bars apart."""
    return bars * POSITIONS_PER_BAR * FIELD_SIZES.instrument * FIELD_SIZES.pitch


def echoes(
    fields: NDArray[np.integer[Any]], positions: NDArray[np.integer[Any]], echo_bars: Sequence[int]
) -> NDArray[np.int64]:
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


def planned_echoes(
    fields: NDArray[np.integer[Any]], positions: NDArray[np.integer[Any]], lags: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(n_word, 1) index of the word that followed the same place in the bar that a sheet says is repeated, or NONE.

    Parameters
    ----------
    fields, positions
        (n_word, 7) and (n_word,) words of a piece from a bar on.
    lags
        (n_bar,) how many bars earlier the bar lies that each bar of the piece repeats, 0 for none.
    """
    place = places(fields, positions)
    lag = lags[np.minimum(positions // POSITIONS_PER_BAR, len(lags) - 1)]
    earlier = place - lag * place_shift(1)
    told = (lag > 0) & (earlier >= place[:1])
    return np.asarray(np.where(told, np.searchsorted(place, earlier, side="right"), NONE)[:, None])


def agreement(fields: NDArray[np.integer[Any]], echo: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n_word, n_echo * 2) share of the last words that each echo foretold, over the spans of AGREEMENT_WORDS."""
    right = np.zeros(echo.shape, np.float32)
    right[1:] = (fields[1:, None] == fields[echo[:-1]]).all(axis=-1) & (echo[:-1] != NONE)
    sums = np.concatenate([np.zeros_like(right[:1]), right.cumsum(axis=0)])
    ends = np.arange(1, len(sums))
    return np.concatenate([(sums[ends] - sums[np.maximum(ends - n, 0)]) / n for n in AGREEMENT_WORDS], axis=1)


class EchoMemory:
    """The echoes word by word: keeps what of a piece is needed to know the echoes of the words to come."""

    def __init__(self, echo_bars: Sequence[int], planned: bool = False) -> None:
        self._shifts = [place_shift(bars) for bars in echo_bars]
        self._planned = planned
        self._longest = max([*self._shifts, place_shift(MAX_LAG if planned else 0)])
        self._places: list[int] = []
        self._words: list[CompoundWord] = []
        self._first: int | None = None
        self._foretold: list[CompoundWord | None] = [None] * (len(echo_bars) + planned)
        self._right: list[list[bool]] = []
        """Which echoes were right, of the last words."""
        self._n_right = [[0] * len(self._foretold) for _ in AGREEMENT_WORDS]
        """How often each was, by window."""

    def hear(self, word: CompoundWord, position: int, lag: int = 0) -> list[CompoundWord | None]:
        """The echoes after one more word that stands at `position`, sixteenths from the start of the piece.

        With planned echoes the last one is that of the bar `lag` bars earlier; 0 is none.
        """
        place = (position * FIELD_SIZES.instrument + word.instrument) * FIELD_SIZES.pitch + word.pitch
        if self._first is None:
            self._first = place
        self._count(right=[echo == word for echo in self._foretold])
        self._places.append(place)
        self._words.append(word)
        if len(self._places) > _MANY_WORDS:  # the rest is older than the oldest echo
            old = bisect_right(self._places, place - self._longest) - 1
            del self._places[: max(0, old)], self._words[: max(0, old)]
        shifts = [*self._shifts, place_shift(lag)] if self._planned else self._shifts
        self._foretold = [
            self._words[bisect_right(self._places, place - shift)] if shift and place - shift >= self._first else None
            for shift in shifts
        ]
        return self._foretold

    def _count(self, right: list[bool]) -> None:
        for counts, n in zip(self._n_right, AGREEMENT_WORDS, strict=True):
            gone = self._right[-n] if len(self._right) >= n else [False] * len(right)
            counts[:] = [count + new - old for count, new, old in zip(counts, right, gone, strict=True)]
        self._right.append(right)
        del self._right[: -max(AGREEMENT_WORDS)]

    def move(self, positions: int) -> None:
        """Count as if all that was heard had stood so many positions later."""
        shift = positions * FIELD_SIZES.instrument * FIELD_SIZES.pitch
        self._places = [place + shift for place in self._places]
        self._first = None if self._first is None else self._first + shift

    def agreement(self) -> list[float]:
        """Share of the last words that each echo foretold, as `agreement` has it."""
        return [count / n for counts, n in zip(self._n_right, AGREEMENT_WORDS, strict=True) for count in counts]


_MANY_WORDS = 20_000
