"""A film of pictures that stand still, with music under it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import MidiError
from cmt.film.encoding import ENCODER_TIME_BASE, encoded_stream, packets_of_frames, video_encoder
from cmt.film.sound import fitted, music_packets
from midi_io.samples import LongSound
from midi_io.whole_file import whole_file
from video_rhythm.container import file_url
from video_rhythm.slideshow import FRAME_RATE, TICKS, Album, frame_times

if TYPE_CHECKING:
    import av


class Slideshow(NamedTuple):
    """Pictures, and when each is shown."""

    album: Album
    borders: tuple[float, ...]
    """The seconds (n + 1,) at which the pictures come, and the end."""

    @property
    def duration(self) -> float:
        """The seconds that the film lasts."""
        return self.borders[-1]


def write_slideshow(
    slideshow: Slideshow,
    audio: NDArray[np.floating] | LongSound,
    sample_rate: int,
    path: Path,
    progress: Callable[[float], object] | None = None,
) -> None:
    """Write an mp4 of pictures, `FRAME_RATE` frames a second, with `audio`, (n_sample,) or (n_sample, 2), as its music.

    `progress` is called now and then with the share that is done, 0 to 1.

    Raises
    ------
    VideoError
        If a picture cannot be read any more; no file is left.
    MidiError
        If it cannot be encoded; no file is left.
    WriteError
        If the file cannot be written; none is left.
    """
    import av

    encoder, rate = video_encoder(), Fraction(FRAME_RATE)
    music = fitted(audio, round(slideshow.duration * sample_rate))
    with whole_file(path) as unfinished:
        try:
            with av.open(
                file_url(unfinished), "w", format="mp4", container_options={"movflags": "faststart"}
            ) as target:
                album = slideshow.album
                stream = encoded_stream(target, encoder, album.width, album.height, rate)
                frames = _frames(slideshow, progress)
                end = Fraction(round(slideshow.duration * TICKS), TICKS)
                shown = packets_of_frames(next(frames), frames, stream, end, rate)
                streams: list[Iterator[av.Packet[Any]]] = [shown, music_packets(target, music, sample_rate)]
                for packet in heapq.merge(*streams, key=_decode_time):
                    target.mux(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):  # a full disk, a forbidden folder: whole_file says so
                raise
            raise MidiError(f"{path}: the pictures cannot be encoded by {encoder} ({error.strerror})") from error
    if progress is not None:
        progress(1.0)


def _frames(slideshow: Slideshow, progress: Callable[[float], object] | None) -> Iterator[av.VideoFrame]:
    """The frames of the film, each at its own time."""
    begun = -1
    for number, tick in frame_times(slideshow.borders):
        if number != begun:
            begun, frame = number, slideshow.album.frame(number)
            frame.time_base = ENCODER_TIME_BASE
        frame.pts = tick
        yield frame
        if progress is not None:
            progress(min(1.0, tick / TICKS / slideshow.duration))


def _decode_time(packet: av.Packet[Any]) -> float:
    return float(packet.dts * packet.time_base) if packet.dts is not None else 0.0
