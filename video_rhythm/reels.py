"""Where the pictures of a video come from: a file of FFmpeg's, on disk or in memory, or frames in memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import IO, Protocol

import av
import av.container
import av.error
import av.stream
import av.video.frame
import av.video.stream
import numpy as np

from cmt.errors import VideoError

from .container import (
    best_stream,
    check_size,
    claimed_duration,
    claimed_rate,
    header_size,
    moving_pictures,
    open_container,
    open_content,
    printable,
)
from .given import FRAMES, Frames, VideoSource, file_object, is_content, name_of_content, path_of_content, place_in
from .orientation import Orientation
from .reader import PictureReader


class Reel(Protocol):
    """A video that is open, before anything of it is decoded."""

    path: str
    """The path as it was given; a word for what has none."""
    name: str
    """What messages call it."""
    stream_index: int
    """The number of the stream that is read; FFmpeg counts all streams of a file from 0."""
    n_picture: int
    """The number of streams that are moving pictures."""
    frame_rate: Fraction
    """The frames a second that it claims; 0 if it makes no credible claim."""
    expected_duration: float | None
    """The seconds that it claims; None if it makes no claim."""

    step: Fraction
    """The seconds that a picture lasts if nothing else is known."""
    time_base: Fraction
    """The seconds of a tick of the pictures' stamps."""

    @property
    def damage(self) -> int:
        """How often something could not be read or decoded so far."""

    @property
    def start(self) -> Fraction | None:
        """When the first picture is shown, as far as read, by the stamps; None without times."""

    @property
    def end(self) -> Fraction | None:
        """When the last picture has been shown, by the stamps; None without times."""

    @property
    def without_show_times(self) -> bool:
        """Whether it does not say when pictures are shown, though their order is not that of decoding."""

    @property
    def n_restart(self) -> int:
        """How often its stamps started again or jumped so far."""

    @property
    def first_restart(self) -> Fraction | None:
        """When they first did so."""

    def pictures(self) -> Iterator[av.video.frame.VideoFrame]:
        """The pictures in the order in which they are shown, without those that are damaged."""

    def pixel_shape(self, orientation: Orientation) -> float:
        """The width of a pixel of the upright picture over its height."""

    def say_why_nothing_is_seen(self) -> None:
        """Raise a VideoError if it is known why no picture could be decoded."""

    def close(self) -> None:
        """Give back what it holds open."""


def open_reel(video: VideoSource) -> Reel:
    """Open a video.

    Raises
    ------
    VideoError
        If there is no such file, no moving picture in it, or it is nothing that could be a video.
    """
    if isinstance(video, Frames):
        return _FramesReel(video)
    if isinstance(video, np.ndarray):
        raise VideoError("an array says no pictures a second; give Frames(array, fps)")
    if is_content(video):
        return _ContentReel(video)
    try:
        path = os.fspath(video)  # type: ignore[arg-type]
    except TypeError:
        raise VideoError(
            f"{type(video).__name__} is no video; give a path, bytes, an open file, or Frames(pictures, fps)"
        ) from None
    name = printable(Path(path).name or path)
    return _FileReel(open_container(path, name), path, name)


class _FileReel:
    """A file that FFmpeg has opened."""

    def __init__(self, container: av.container.InputContainer, path: str, name: str) -> None:
        self.path, self.name = path, name
        self._container = container
        try:
            self._stream = best_stream(container, name)
        except VideoError:
            container.close()
            raise
        self._stream.thread_type = "AUTO"
        self._reader = PictureReader(container, self._stream)
        self.stream_index = self._stream.index
        self.n_picture = len(moving_pictures(container))
        self.frame_rate = claimed_rate(self._stream)
        self.expected_duration = claimed_duration(container, self._stream)
        self.step, self.time_base = self._reader.step, self._reader.time_base

    @property
    def damage(self) -> int:
        return self._reader.damage

    @property
    def start(self) -> Fraction | None:
        return self._reader.start

    @property
    def end(self) -> Fraction | None:
        return self._reader.end

    @property
    def without_show_times(self) -> bool:
        return self._reader.without_show_times

    @property
    def n_restart(self) -> int:
        return self._reader.stamps.n_restart

    @property
    def first_restart(self) -> Fraction | None:
        return self._reader.stamps.first_restart

    def close(self) -> None:
        self._container.close()

    def pictures(self) -> Iterator[av.video.frame.VideoFrame]:
        return self._reader.pictures()

    def pixel_shape(self, orientation: Orientation) -> float:
        shape = float(self._stream.sample_aspect_ratio or 1)
        if not 0.25 <= shape <= 4.0:
            return 1.0  # the file says nothing credible
        return 1.0 / shape if orientation.transposed else shape

    def say_why_nothing_is_seen(self) -> None:
        with self._opened() as file:
            check_size(*header_size(file), self.name)
        if self._container.format.name.startswith("webp"):
            raise VideoError(f"{self.name}: an animated WebP cannot be read by this FFmpeg; convert it to GIF or mp4")

    def _opened(self) -> AbstractContextManager[IO[bytes]]:
        """The content of the file, from its begin."""
        return open(self.path, "rb")


class _ContentReel(_FileReel):
    """The content of a file; a file object stays open, and stands where it stood when all was read."""

    def __init__(self, video: bytes | IO[bytes]) -> None:
        self._given, self._stood = video, place_in(video)
        name = printable(name_of_content(video))
        try:
            super().__init__(open_content(file_object(video), name), path_of_content(video), name)
        except VideoError:
            self._put_back()
            raise

    def close(self) -> None:
        super().close()
        self._put_back()

    def _opened(self) -> AbstractContextManager[IO[bytes]]:
        content = file_object(self._given)
        content.seek(0)
        return nullcontext(content)

    def _put_back(self) -> None:
        if self._stood is not None:
            self._given.seek(self._stood)  # type: ignore[union-attr]


class _FramesReel:
    """Frames in memory."""

    path = name = FRAMES
    stream_index = 0
    n_picture = 1
    damage = n_restart = 0
    start = end = first_restart = None
    without_show_times = False

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.frame_rate = frames.fps
        self.expected_duration = None if frames.n_picture is None else float(frames.n_picture / frames.fps)
        self.step = self.time_base = 1 / frames.fps

    def close(self) -> None:
        """There is nothing to give back."""

    def pictures(self) -> Iterator[av.video.frame.VideoFrame]:
        for number, picture in enumerate(self._frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, self.time_base
            yield frame

    def pixel_shape(self, orientation: Orientation) -> float:
        return 1.0

    def say_why_nothing_is_seen(self) -> None:
        """Frames are always seen."""


def write_content(video: bytes | IO[bytes], path: Path) -> None:
    """Write the content of a video to a file, for what reads files only; a file object stands where it stood.

    Raises
    ------
    VideoError
        If FFmpeg cannot read it, or the file cannot be written.
    """
    # A playlist in disguise would open other files once it is one itself: what is no video in memory is none on disk.
    reel = open_reel(video)
    try:
        content = file_object(video)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
    except OSError as error:
        raise VideoError(f"{reel.name}: cannot be written to {path.parent} ({error.strerror or error})") from None
    finally:
        reel.close()
