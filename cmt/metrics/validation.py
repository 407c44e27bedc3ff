"""What every metric asks of its input before it measures.

Conventions, as in mir_eval: input that is well formed but holds nothing to measure gives NaN and
the warning `NothingToMeasure`, which says why; input that is malformed raises ValueError.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from midi_io.song import Instrument, Song

Floats: TypeAlias = NDArray[np.float64]

NOT_DEFINED = math.nan
"""The value of a metric where there is nothing to measure."""


class NothingToMeasure(UserWarning):
    """A metric is not defined for this input; the message says why."""


class NoteColumns(NamedTuple):
    """The notes of a song as columns, each (n_note,) int64."""

    position: NDArray[np.int64]
    instrument: NDArray[np.int64]
    pitch: NDArray[np.int64]
    duration: NDArray[np.int64]

    def pitched(self) -> NoteColumns:
        """The notes of all instruments but the drums."""
        return self.chosen(self.instrument != Instrument.DRUMS)

    def chosen(self, mask: NDArray[np.bool_]) -> NoteColumns:
        """The notes where `mask` is true."""
        return NoteColumns(*(column[mask] for column in self))


def nothing(reason: str) -> float:
    """NaN, with a warning that says why."""
    warnings.warn(reason, NothingToMeasure, stacklevel=3)
    return NOT_DEFINED


def columns_of(song: Song) -> NoteColumns:
    """The notes of a song.

    Raises
    ------
    ValueError
        If it is no song, or its tempo or length is not finite.
    """
    if not isinstance(song, Song):
        raise ValueError(f"not a Song: {type(song).__name__}")
    if not (math.isfinite(song.tempo) and math.isfinite(song.length)):
        raise ValueError(f"tempo and length must be finite, got {song.tempo} and {song.length}")
    return _columns_of(song)


@lru_cache(maxsize=2)
def _columns_of(song: Song) -> NoteColumns:
    """Kept for the metrics that follow on the same song: reading the notes takes longer than most of them."""
    table = np.ascontiguousarray(np.array([note[:4] for note in song.notes], dtype=np.int64).reshape(-1, 4).T)
    table.flags.writeable = False
    return NoteColumns(*table)


def checked_times(times: ArrayLike, what: str) -> NDArray[np.float64]:
    """Instants in seconds, (n,), in increasing order.

    Raises
    ------
    ValueError
        If they are not a list of finite numbers from 0 on in order.
    """
    checked = np.asarray(times, dtype=np.float64)
    if checked.ndim != 1:
        raise ValueError(f"{what} must be a list of seconds, got shape {checked.shape}")
    if not np.isfinite(checked).all() or (checked < 0).any():
        raise ValueError(f"{what} must be finite seconds from 0 on")
    if (np.diff(checked) < 0).any():
        raise ValueError(f"{what} must be in order of time")
    return checked


def checked_pair(one: Sequence[float] | ArrayLike, other: Sequence[float] | ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Two lists of finite numbers of the same length.

    Raises
    ------
    ValueError
        If they are not.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"two lists of one length are needed, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("all numbers must be finite")
    return a, b
