"""What every metric gives, and what it asks of its input before it measures.

Conventions
-----------
- A metric that may have nothing to measure in input that is well formed returns a `Measurement`: a value, or NaN and
  the reason. Nothing is warned of, so a reason belongs to its own value, in any thread.
- Input that is malformed raises ValueError.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmt.music.encoding import NoteArrays, notes_of_song
from midi_io.song import Song

Floats: TypeAlias = NDArray[np.float64]
NOT_DEFINED = math.nan
"""The value of a metric where there is nothing to measure."""

_last: tuple[Song, NoteArrays] | None = None
"""The song whose notes were read last, and its notes: several metrics follow each other on one song, and reading its
notes takes longer than most of them. Songs do not change, so it is enough that it is the same object."""


@dataclass(frozen=True)
class Measurement:
    """A metric's value, or why it has none.

    ``float(measurement)`` is the value, so NumPy takes measurements for numbers: ``np.array(values, dtype=float)``.
    """

    value: float
    """NaN where the metric is not defined."""
    reason: str = ""
    """Why there is no value; empty where there is one."""

    def __float__(self) -> float:
        return self.value


def undefined(reason: str) -> Measurement:
    """No value, and why."""
    return Measurement(NOT_DEFINED, reason)


def columns_of(song: Song) -> NoteArrays:
    """The notes of a song, read-only columns of int64.

    Raises
    ------
    ValueError
        If it is no song.
    """
    global _last  # noqa: PLW0603 - a cache of one
    if not isinstance(song, Song):
        raise ValueError(f"not a Song: {type(song).__name__}")
    last = _last  # read once, for another thread may set it
    if last is not None and last[0] is song:
        return last[1]
    notes = notes_of_song(song)
    _last = (song, notes)
    return notes


def checked_times(times: ArrayLike, what: str) -> NDArray[np.float64]:
    """Instants in seconds, (n,) float64, each at or after the one before; `what` they are is said in the errors.

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


def checked_pair(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two lists of finite numbers of the same length, each (n,) float64.

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
