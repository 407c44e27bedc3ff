"""Where the pictures of a video come from: a file of FFmpeg's, on disk or in memory, or frames in memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Protocol

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
    claimed_duration,
    claimed_rate,
    moving_pictures,
    open_container,
    open_content,
    printable,
)
from .given import FRAMES, Frames, VideoSource, file_object, is_content, name_of_content, path_of_content, place_in

READ_ERRORS_IN_A_ROW = 50
"""The rest of the file is gone after this many failed reads without a packet in between."""


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

    def pictures(self) -> Iterator[av.video.frame.VideoFrame | None]:
        """The pictures in order, None in place of one that is damaged."""

    def pixel_shape(self, quarter_turns: int) -> float:
        """The width of a pixel of the upright picture over its height."""

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
        self.stream_index = self._stream.index
        self.n_picture = len(moving_pictures(container))
        self.frame_rate = claimed_rate(self._stream)
        self.expected_duration = claimed_duration(container, self._stream)

    def close(self) -> None:
        self._container.close()

    def pictures(self) -> Iterator[av.video.frame.VideoFrame | None]:
        for packet in self._packets():
            if packet is None:
                yield None
                continue
            try:
                pictures = packet.decode()
            except av.error.FFmpegError:
                yield None
                continue
            for picture in pictures:
                yield None if picture.is_corrupt else picture

    def _packets(self) -> Iterator[Any]:
        """The stream's packets; a failed read gives None, and the reading goes on behind it."""
        failures = 0
        while failures < READ_ERRORS_IN_A_ROW:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield packet
                return
            except av.error.FFmpegError:
                failures += 1
                yield None

    def pixel_shape(self, quarter_turns: int) -> float:
        shape = float(self._stream.sample_aspect_ratio or 1)
        if not 0.25 <= shape <= 4.0:
            return 1.0  # the file says nothing credible
        return 1.0 / shape if quarter_turns % 2 else shape


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

    def _put_back(self) -> None:
        if self._stood is not None:
            self._given.seek(self._stood)  # type: ignore[union-attr]


class _FramesReel:
    """Frames in memory."""

    path = name = FRAMES
    stream_index = 0
    n_picture = 1

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.frame_rate = frames.fps
        self.expected_duration = None if frames.n_picture is None else float(frames.n_picture / frames.fps)

    def close(self) -> None:
        """There is nothing to give back."""

    def pictures(self) -> Iterator[av.video.frame.VideoFrame | None]:
        for number, picture in enumerate(self._frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, 1 / self.frame_rate
            yield frame

    def pixel_shape(self, quarter_turns: int) -> float:
        return 1.0


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
