"""What sounds beside the music: a track of its own, under which the music goes down a little.

All is done block by block and by slices alone, so that music may lie in memory or elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .samples import Store

HOP = 0.05
"""Seconds for which the power of the music is told."""
_AT_ONCE = 1 << 18
"""Samples of a block."""


class Beside(Protocol):
    """A track beside the music."""

    def settle(self, powers: NDArray[np.floating], hop: float) -> None:
        """Be as loud as music asks for whose mean power, of both channels, in each `hop` seconds is (n,) `powers`."""

    def block(self, begin: int, end: int) -> NDArray[np.float32]:
        """(end - begin, 2) the samples of the track from `begin` to `end`."""

    def dips(self, begin: int, end: int) -> NDArray[np.float32]:
        """(end - begin,) the factor of the music's samples from `begin` to `end`."""


OnTrack = Callable[[Store], object]
"""A function that is called with the track beside the music as it sounds in the mix, (n_sample, 2)."""


def put_beside(music: Any, beside: Beside | None, sample_rate: int) -> None:
    """Add the track, if there is one, to `music`, (n_sample, 2), in place: an array, or what has slices as one has."""
    if beside is None:
        return
    beside.settle(powers_of(music, sample_rate), HOP)
    for begin, end in _blocks(len(music)):
        part = music[begin:end]
        music[begin:end] = part * beside.dips(begin, end)[:, np.newaxis] + beside.block(begin, end)


def dip(stem: Any, beside: Beside | None) -> None:
    """Let a part of the music, (n_sample, 2), go down as the whole does beside a track, in place."""
    if beside is None:
        return
    for begin, end in _blocks(len(stem)):
        stem[begin:end] = stem[begin:end] * beside.dips(begin, end)[:, np.newaxis]


def track_of(beside: Beside, track: Store) -> Store:
    """The whole track, written into silence of its length, (n_sample, 2)."""
    for begin, end in _blocks(len(track)):
        track[begin:end] = beside.block(begin, end)
    return track


def powers_of(music: Any, sample_rate: int) -> NDArray[np.float64]:
    """(n,) the mean power of both channels in each `HOP` seconds of (n_sample, 2) music."""
    hop = round(HOP * sample_rate)
    powers = []
    for begin in range(0, len(music), hop * 64):
        part = np.square(np.asarray(music[begin : begin + hop * 64]))
        whole = len(part) // hop * hop
        powers.append(part[:whole].reshape(-1, 2 * hop).mean(axis=1, dtype=np.float64))
        if whole < len(part):
            powers.append(np.array([part[whole:].mean(dtype=np.float64)]))
    return np.concatenate([np.zeros(0), *powers])


def _blocks(n_sample: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, n_sample, _AT_ONCE):
        yield begin, min(begin + _AT_ONCE, n_sample)
