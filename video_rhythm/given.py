"""What a caller may give as a video: a file, its bytes, an open file, or pictures that lie in memory."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Iterator, Sized
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from cmt.errors import VideoError

SLOWEST, FASTEST = 0.1, 480.0
"""The pictures a second that frames may have."""
IN_MEMORY, FRAMES = "video", "frames"
"""What a video without a file is called, and what frames are."""


class Frames:
    """Pictures in memory that follow each other evenly.

    Parameters
    ----------
    pictures
        An array of uint8, (n, height, width, 3) in red, green and blue; or such pictures, (height, width, 3) each, one
        after another: of a generator no more than two are in memory at a time, and it can be looked at once.
    fps
        The pictures a second, 0.1 to 480.

    Raises
    ------
    VideoError
        If the array has another shape or type, or the rate is none.
    """

    def __init__(self, pictures: NDArray[np.uint8] | Iterable[NDArray[np.uint8]], fps: float) -> None:
        try:
            rate = float(fps)
        except (TypeError, ValueError, OverflowError):
            rate = math.nan
        if not SLOWEST <= rate <= FASTEST:
            raise VideoError(f"frames: fps {fps!r} must be from {SLOWEST:g} to {FASTEST:g} pictures a second")
        if isinstance(pictures, np.ndarray):
            if pictures.ndim != 4:
                raise VideoError(f"frames: an array of shape {pictures.shape}; give (n, height, width, 3) of uint8")
            if not len(pictures):
                raise VideoError("frames: the array holds no picture; give half a second of them or more")
            _check(pictures[0], None)
        elif isinstance(pictures, str | bytes) or not isinstance(pictures, Iterable):
            raise VideoError(
                f"frames: {type(pictures).__name__} holds no pictures; give an array (n, height, width, 3) of uint8, "
                "or pictures one after another"
            )
        self.fps = Fraction(fps).limit_denominator(1_000_000)
        """The pictures a second."""
        self._pictures = pictures
        self._is_read = False

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """The pictures, (height, width, 3) each; raises a VideoError where one is none, or they are gone already."""
        if self._is_read and iter(self._pictures) is self._pictures:
            raise VideoError(
                "frames: a generator gives its pictures once, and they were looked at; keep what is measured of them, "
                "or give a list"
            )
        self._is_read = True
        shape: tuple[int, ...] | None = None
        for picture in self._pictures:
            shape = _check(picture, shape)
            yield picture

    @property
    def n_picture(self) -> int | None:
        """The number of pictures; None of those that come one after another."""
        return len(self._pictures) if isinstance(self._pictures, Sized) else None


def _check(picture: object, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of a picture, if it is one, and of the `shape` of those before it."""
    if not isinstance(picture, np.ndarray):
        raise VideoError(f"frames: {type(picture).__name__} is no picture; give arrays (height, width, 3) of uint8")
    if picture.dtype != np.uint8:
        raise VideoError(f"frames: pictures of {picture.dtype}; give uint8, 0 to 255")
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise VideoError(f"frames: a picture of shape {picture.shape}; give (height, width, 3) in red, green and blue")
    if shape is not None and picture.shape != shape:
        raise VideoError(f"frames: a picture of shape {picture.shape} after some of {shape}; give all in one size")
    return tuple(picture.shape)


VideoSource: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Frames
"""A path, the content of a file, a file object that can be read and sought, or frames."""


def is_content(video: object) -> TypeGuard[bytes | IO[bytes]]:
    """Whether a video is the content of a file, or a file object, and so no path and no frames."""
    return isinstance(video, bytes | bytearray | memoryview) or hasattr(video, "read")


def file_object(video: bytes | IO[bytes]) -> IO[bytes]:
    """A file object at the beginning of a video's content.

    Raises
    ------
    VideoError
        If it is closed, cannot be sought or holds text.
    """
    if isinstance(video, bytes | bytearray | memoryview):
        return io.BytesIO(video)
    name = name_of_content(video)
    if isinstance(video, io.TextIOBase):
        raise VideoError(f"{name}: is open as text; open it with mode 'rb'")
    try:
        if not video.seekable():
            raise VideoError(f"{name}: is a stream that cannot be sought; give its bytes, or save it to a file first")
        video.seek(0)
    except (OSError, ValueError) as error:
        raise VideoError(f"{name}: cannot be read ({error}); give a file object that is open") from None
    return video


def place_in(video: object) -> int | None:
    """Where a file object stands; None for what is none."""
    with suppress(OSError, ValueError, AttributeError):
        return int(video.tell())  # type: ignore[attr-defined]
    return None


def name_of_content(video: object) -> str:
    """What a video that is given as its content is called."""
    name: Any = getattr(video, "name", None)
    return Path(name).name or IN_MEMORY if isinstance(name, str) else IN_MEMORY


def path_of_content(video: object) -> str:
    """The path of a file object that was opened from one; a word for what has none."""
    if isinstance(video, Frames):
        return FRAMES
    name: Any = getattr(video, "name", None)
    return name if isinstance(name, str) and name else IN_MEMORY
