"""The picture of a video: measured, then copied into an mp4 or, if need be, encoded for it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import MidiError, VideoError
from cmt.film.encoding import encoded_picture, video_encoder
from video_rhythm.container import best_stream, open_container
from video_rhythm.limits import LONGEST_STILL
from video_rhythm.reader import PictureReader
from video_rhythm.slices import announced_form
from video_rhythm.stamps import Segment

if TYPE_CHECKING:
    import av

_COPIED_VIDEO = frozenset({"h264", "hevc", "vp9", "av1", "mpeg4"})
"""The codecs that an mp4 can carry and players expect to find in one."""
_NO_TIME = -(2**63)
"""Stands for a time that a packet does not have, as in FFmpeg."""


class Picture(NamedTuple):
    """Where the picture of a video lies in its file."""

    stream_index: int
    start: Fraction
    """Time of the first frame shown, in seconds of the clock that is put right (`video_rhythm.stamps`)."""
    end: Fraction
    """Time at which the last frame has been shown, in seconds of that clock."""
    n_packet: int
    """The number of packets up to the last one that is shown."""
    decode_times: NDArray[np.int64] | None
    """The time (n_packet,) at which each packet is decoded, in ticks of the stream; None if the packets cannot be
    copied."""
    breaks_off: bool
    """Whether packets are missing at the end."""
    fault: str = ""
    """Why the packets cannot be copied as they are stamped; empty if they can."""
    segments: tuple[Segment, ...] = ()
    """The parts of the file whose stamps go on as they should; one if the file is in order."""

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return self.end - self.start


def open_video(path: Path) -> av.container.InputContainer:
    """Open a video for reading; raise `MidiError` if it is none."""
    try:
        return open_container(str(path), str(path))
    except VideoError as error:
        reason = str(error).removeprefix(f"{path}: ").partition(";")[0]
        raise MidiError(f"{path}: cannot be opened as a video ({reason}); check it with ffprobe {path}") from error


def _picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    try:
        return best_stream(container, str(path))
    except VideoError as error:
        raise MidiError(str(error)) from error


def measure_picture(path: Path) -> Picture:
    """Read through the packets once: only they tell when the picture really starts and ends.

    Raises
    ------
    MidiError
        If it is no video, or no frame of it can be read.
    """
    with open_video(path) as container:
        stream = _picture_stream(container, path)
        index, reader = stream.index, PictureReader(container, stream)
        n_packet = n_shown = 0
        decode_times, show_times = array("q"), array("q")
        hides_within = changes = False
        codec, extradata = stream.codec_context.codec.canonical_name, stream.codec_context.extradata
        announced: frozenset[bytes] = frozenset()
        for packet in reader.packets():
            n_packet += 1
            decode_times.append(_NO_TIME if packet.dts is None else packet.dts)
            show_times.append(_NO_TIME if packet.pts is None else packet.pts)
            changes = changes or (n_packet > 1 and packet.has_sidedata("new_extradata"))
            if packet.is_keyframe and not changes:  # broadcasts say it in the packets themselves
                form = announced_form(bytes(packet), codec, extradata)
                changes = bool(announced and form and form != announced)
                announced = announced or form
            if packet.is_discard:
                hides_within = hides_within or n_shown > 0
            elif packet.pts is not None or packet.dts is not None:
                n_shown = n_packet
        start, end = reader.start, reader.end
        breaks_off = reader.gave_up or _index_points_past_the_end(stream, path)
        segments = reader.stamps.segments
        without_show_times = reader.without_show_times
    if not n_packet:
        raise MidiError(f"{path}: no frame can be read; check it with ffprobe {path}")
    if start is None or end is None:
        return _timeless_picture(path, breaks_off)
    times = _complete_decode_times(np.array(decode_times[:n_shown]), np.array(show_times[:n_shown]))
    fault = ""
    if without_show_times:
        fault = "it does not say when its pictures are shown"
    elif times is None:
        fault = "its packets lack timestamps"
    elif hides_within:
        fault = "its edit list leaves out pictures"
    elif changes:
        fault = "its pictures change their form midway"
    return Picture(index, start, end, n_shown, None if fault else times, breaks_off, fault=fault, segments=segments)


def _timeless_picture(path: Path, breaks_off: bool) -> Picture:
    """The picture of a bare stream, whose packets have no times: its frames follow each other at its rate."""
    with open_video(path) as container:
        stream = _picture_stream(container, path)
        index, reader = stream.index, PictureReader(container, stream)
        n_frame = sum(1 for _ in reader.pictures())
        end = n_frame * reader.step
    if not n_frame:
        raise MidiError(f"{path}: no frame can be read; check it with ffprobe {path}")
    return Picture(index, Fraction(0), end, n_frame, None, breaks_off, fault="its packets lack timestamps")


def _index_points_past_the_end(stream: av.VideoStream, path: Path) -> bool:
    """Whether the file was cut: FFmpeg reads what is left and says nothing."""
    entries = stream.index_entries
    if not len(entries):
        return False
    last = entries[len(entries) - 1]
    return last.pos + last.size > path.stat().st_size


def _complete_decode_times(decode_times: NDArray[np.int64], show_times: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Fill in decode times: Matroska stores none, and FFmpeg cannot guess those of the first packets.

    Packets are decoded in the order of the file at the times at which frames are shown,
    all earlier by as much as keeps every packet's decoding before its showing.
    """
    if (show_times == _NO_TIME).any():
        return None
    decoded = decode_times
    if (decoded == _NO_TIME).any():
        decoded = np.sort(show_times)
        decoded -= (decoded - show_times).max()
    # A careless muxer repeats times; an mp4 needs them to rise.
    numbers = np.arange(len(decoded))
    return np.asarray(np.maximum.accumulate(decoded - numbers) + numbers)


def picture_packets(
    video: av.VideoStream, picture: Picture, target: av.container.OutputContainer, notes: list[str]
) -> Iterator[av.Packet[Any]]:
    """Add a video stream to `target` and give its packets: copied, or if need be encoded.

    `notes` gets a line if it is encoded, and for whatever is not kept then.
    """
    codec = video.codec_context.codec.canonical_name
    if codec in _COPIED_VIDEO and picture.decode_times is not None:
        copy: Any = target.add_stream_from_template(video, opaque=True)
        if codec == "hevc":
            copy.codec_context.codec_tag = "hvc1"  # Apple's players do not show FFmpeg's default, hev1
        shape = video.sample_aspect_ratio  # the container's, before the stream's own
        if shape and shape > 0:
            copy.codec_context.sample_aspect_ratio = shape
        return _copied_picture(video, picture, picture.decode_times, copy)
    reason = picture.fault if codec in _COPIED_VIDEO else f"{codec} does not fit into an mp4"
    return encoded_picture(video, picture.start, picture.end, target, video_encoder(), reason=reason, notes=notes)


def _copied_picture(
    video: Any, picture: Picture, decode_times: NDArray[np.int64], copy: av.VideoStream
) -> Iterator[av.Packet[av.VideoStream]]:
    reader = PictureReader(video.container, video)
    for decode_time, packet in zip(decode_times, reader.packets(), strict=False):
        shift = round(picture.start / packet.time_base)
        packet.stream = copy
        packet.dts = int(decode_time) - shift
        packet.pts = packet.dts if packet.pts is None else max(packet.pts - shift, packet.dts)
        if not packet.duration or packet.duration * reader.time_base > LONGEST_STILL:
            packet.duration = round(reader.step / packet.time_base)
        yield packet
