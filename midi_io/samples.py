"""Sound that may be longer than the memory holds: samples in memory or in a file, written and read by blocks.

An array is sound, and so is what stands here: all have a `shape` and a length, and a slice of any is an array. What is
written is a slice of an array, or of a `SoundInFile`.
"""

from __future__ import annotations

import math
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmt.errors import WriteError

_AT_ONCE = 2**17
"""Samples of each channel that are worked on together, 3 s of music: they fit into a processor's cache."""
_IN_MEMORY = 2**23
"""The bytes of sound that stay in memory, 8 MiB: 24 s of music. Several lie there at a time."""


class LongSound(ABC):
    """Sound that is read by slices, each an array of float32."""

    def __init__(self, shape: tuple[int, ...], folder: Path | None) -> None:
        self.shape = shape
        """(n_sample,) or (n_sample, n_channel)"""
        self.folder = folder
        """The folder for files of what is made of it; None keeps that in memory."""

    @property
    def ndim(self) -> int:
        """1, or 2 if there is an axis of channels."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, span: slice) -> NDArray[np.float32]:
        begin, end, _ = span.indices(len(self))
        return self._read(begin, max(begin, end))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    @abstractmethod
    def _read(self, begin: int, end: int) -> NDArray[np.float32]:
        """The samples from `begin` to `end`."""


class ComputedSound(LongSound):
    """Sound that is worked out where it is read."""

    def __init__(
        self, shape: tuple[int, ...], folder: Path | None, compute: Callable[[int, int], NDArray[np.float32]]
    ) -> None:
        """`compute` gives the samples from a first one to one that is left out."""
        super().__init__(shape, folder)
        self._compute = compute

    def _read(self, begin: int, end: int) -> NDArray[np.float32]:
        return self._compute(begin, end)


class SoundInFile(LongSound):
    """Sound in a file that has no name, silent until it is written; a process that ends leaves nothing behind.

    The file is written, not mapped: a disk that is full would end the process where a mapping is, and the pages of a
    mapping count as memory.

    Raises
    ------
    WriteError
        If the file cannot be made, and later if it cannot be written or read.
    """

    def __init__(self, shape: tuple[int, ...], folder: Path) -> None:
        super().__init__(shape, folder)
        self._n_byte = 4 * math.prod(shape[1:])
        with self._told():
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed by `close`
            self._file.truncate(self._n_byte * shape[0])

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.close()

    def close(self) -> None:
        """Give the disk back what the sound took of it."""
        with suppress(OSError):
            self._file.close()

    def cut(self, n_sample: int) -> None:
        """Leave the first samples only."""
        self.shape = (min(n_sample, len(self)), *self.shape[1:])

    def __setitem__(self, span: slice, samples: NDArray[np.float32]) -> None:
        begin, end, _ = span.indices(len(self))
        block = np.ascontiguousarray(np.broadcast_to(samples, (max(0, end - begin), *self.shape[1:])), np.float32)
        left = block.reshape(-1).view(np.uint8).data
        with self._told():
            self._file.seek(begin * self._n_byte)
            while left:
                left = left[self._file.write(left) :]

    def _read(self, begin: int, end: int) -> NDArray[np.float32]:
        samples = np.empty((end - begin, *self.shape[1:]), np.float32)
        left = samples.reshape(-1).view(np.uint8).data
        with self._told():
            self._file.seek(begin * self._n_byte)
            while left:
                n_read = self._file.readinto(left)
                if not n_read:
                    raise OSError("it was cut off")
                left = left[n_read:]
        return samples

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WriteError(
                f"{self.folder}: cannot hold the sound until it is finished ({error.strerror or error}); check its "
                "rights and the free space"
            ) from error


Samples: TypeAlias = NDArray[np.float32] | LongSound
"""Sound that is read by slices."""
Store: TypeAlias = NDArray[np.float32] | SoundInFile
"""Sound that is written by slices too."""


def silence(shape: tuple[int, ...], folder: Path | None) -> Store:
    """Silence to write into: in memory if it is short, or if `folder` is None, else in a file there.

    Raises
    ------
    WriteError
        If the file cannot be made.
    """
    if folder is None or 4 * math.prod(shape) <= _IN_MEMORY:
        return np.zeros(shape, np.float32)
    return SoundInFile(shape, folder)


def silence_beside(sound: Samples, shape: tuple[int, ...] | None = None) -> Store:
    """Silence to write into, where the files of `sound` lie, of its shape or another."""
    return silence(sound.shape if shape is None else shape, folder_of(sound))


def folder_of(sound: Samples) -> Path | None:
    """The folder in which what is made of `sound` may lie; None is the memory."""
    return sound.folder if isinstance(sound, LongSound) else None


def spans_of(n_sample: int) -> Iterator[slice]:
    """The blocks of so many samples, in order."""
    for begin in range(0, n_sample, _AT_ONCE):
        yield slice(begin, min(begin + _AT_ONCE, n_sample))


def first_of(sound: Store, n_sample: int) -> Store:
    """The first samples of `sound`, which is not used any more."""
    if isinstance(sound, SoundInFile):
        sound.cut(n_sample)
        return sound
    return sound[:n_sample]


def peak_of(sound: Samples) -> float:
    """The largest amount of any sample; 0 if there is none."""
    return max((float(np.max(np.abs(sound[span]), initial=0.0)) for span in spans_of(len(sound))), default=0.0)


def multiply(sound: Store, factor: np.float32) -> None:
    """Make `sound` louder."""
    for span in spans_of(len(sound)):
        sound[span] = sound[span] * factor


def apply_gain(sound: Store, gain: Samples) -> None:
    """Multiply each sample of `sound`, (n_sample, n_channel), by that of `gain`, (n_sample,)."""
    for span in spans_of(len(sound)):
        sound[span] = sound[span] * gain[span][:, np.newaxis]
