"""The picture of a video: measured, then copied into an mp4 or, if need be, encoded for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cmt.errors import MidiError, VideoError
from video_rhythm.container import best_stream, open_container

if TYPE_CHECKING:
    import av

_COPIED_VIDEO = frozenset({"h264", "hevc", "vp9", "av1", "mpeg4"})
"""The codecs that an mp4 can carry and players expect to find in one."""
_VIDEO_ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""The first that this build of FFmpeg has is used."""
_ENCODER_OPTIONS = {"libx264": {"crf": "18", "preset": "veryfast"}}
_BITS_PER_PIXEL = 0.2
"""The bits for each pixel that encoders without a constant-quality mode are given."""
ENCODER_TIME_BASE = Fraction(1, 60000)
"""This time base holds 24, 25, 30, 60 and 29.97 frames a second exactly, and MPEG-4 takes no finer one."""
_SAME_TIME = Fraction(1, 1000)
"""A frame that begins so many seconds before a part belongs to it: times are rounded."""
_DEFAULT_FRAME_RATE = Fraction(25)
_TRANSPOSITIONS = {90: ("cclock",), -90: ("clock",), 180: ("clock", "clock"), -180: ("clock", "clock")}
"""The quarter turns that undo a frame's rotation, in degrees counter-clockwise."""


class Picture(NamedTuple):
    """Where the picture of a video lies in its file."""

    stream_index: int
    start: Fraction
    """Time of the first frame shown, in seconds."""
    end: Fraction
    """Time at which the last frame has been shown, in seconds."""
    n_packet: int
    """The number of packets up to the last one that is shown."""
    decode_times: tuple[int, ...] | None
    """The time at which each packet is decoded, in ticks of the stream; None if a packet lacks the time it is shown
    at."""
    breaks_off: bool
    """Whether packets are missing at the end."""

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
    import av

    with open_video(path) as container:
        stream = _picture_stream(container, path)
        stream_index, frame_duration = stream.index, 1 / _frame_rate(stream)
        start = end = None
        n_packet = n_shown = 0
        decode_times: list[int | None] = []
        show_times: list[int | None] = []
        breaks_off = _index_points_past_the_end(stream, path)
        try:
            for packet in _packets_of(stream):
                n_packet += 1
                decode_times.append(packet.dts)
                show_times.append(packet.pts)
                shown_at = packet.pts if packet.pts is not None else packet.dts
                if packet.is_discard or shown_at is None:
                    continue
                n_shown = n_packet
                shown_from = shown_at * packet.time_base
                shown_to = shown_from + (packet.duration * packet.time_base if packet.duration else frame_duration)
                start = shown_from if start is None else min(start, shown_from)
                end = shown_to if end is None else max(end, shown_to)
        except av.error.FFmpegError:
            breaks_off = True
    if start is None or end is None:
        raise MidiError(f"{path}: no frame can be read; check it with ffprobe {path}")
    times = _complete_decode_times(decode_times[:n_shown], show_times[:n_shown])
    return Picture(stream_index, start, end, n_shown, times, breaks_off)


def _index_points_past_the_end(stream: av.VideoStream, path: Path) -> bool:
    """Whether the file was cut: FFmpeg reads what is left and says nothing."""
    entries = stream.index_entries
    if not len(entries):
        return False
    last = entries[len(entries) - 1]
    return last.pos + last.size > path.stat().st_size


def _complete_decode_times(decode_times: list[int | None], show_times: list[int | None]) -> tuple[int, ...] | None:
    """Fill in decode times: Matroska stores none, and FFmpeg cannot guess those of the first packets.

    Packets are decoded in the order of the file at the times at which frames are shown,
    all earlier by as much as keeps every packet's decoding before its showing.
    """
    shown = [time for time in show_times if time is not None]
    if len(shown) < len(show_times):
        return None
    decoded = [time for time in decode_times if time is not None]
    if len(decoded) < len(decode_times):
        decoded = sorted(shown)
        lead = max(decode - show for decode, show in zip(decoded, shown, strict=True))
        decoded = [time - lead for time in decoded]
    for index in range(1, len(decoded)):  # a careless muxer repeats times; an mp4 needs them to rise
        decoded[index] = max(decoded[index], decoded[index - 1] + 1)
    return tuple(decoded)


def _packets_of(stream: av.VideoStream) -> Iterator[av.Packet[av.VideoStream]]:
    """The stream's packets, without those before the first keyframe: no decoder can show them."""
    container: Any = stream.container
    started = False
    for packet in container.demux(stream):
        started = started or packet.is_keyframe
        if started and packet.size:
            yield packet


def _frame_rate(stream: av.VideoStream) -> Fraction:
    return stream.average_rate or stream.guessed_rate or _DEFAULT_FRAME_RATE


def picture_packets(
    video: av.VideoStream, picture: Picture, target: av.container.OutputContainer, notes: list[str]
) -> Iterator[av.Packet[Any]]:
    """Add a video stream to `target` and give its packets: copied, or if need be encoded."""
    codec = video.codec_context.codec.canonical_name
    if codec in _COPIED_VIDEO and picture.decode_times is not None:
        copy = target.add_stream_from_template(video, opaque=True)
        if video.codec_context.codec_tag == "hvc1":
            copy.codec_context.codec_tag = "hvc1"  # Apple's players do not show FFmpeg's default, hev1
        return _copied_picture(video, picture, picture.decode_times, copy)
    reason = "its packets lack timestamps" if codec in _COPIED_VIDEO else f"{codec} does not fit into an mp4"
    encoder = video_encoder()
    notes.append(f"the picture was encoded again with {encoder}: {reason}")
    return _encoded_picture(video, picture, target, encoder, _upright_frames(video, picture))


def _copied_picture(
    video: av.VideoStream, picture: Picture, decode_times: tuple[int, ...], copy: av.VideoStream
) -> Iterator[av.Packet[av.VideoStream]]:
    for decode_time, packet in zip(decode_times, _packets_of(video), strict=False):
        shift = round(picture.start / packet.time_base)
        packet.stream = copy
        packet.dts = decode_time - shift
        packet.pts = packet.dts if packet.pts is None else max(packet.pts - shift, packet.dts)
        if not packet.duration:
            packet.duration = round(1 / _frame_rate(video) / packet.time_base)
        yield packet


def video_encoder() -> str:
    """The encoder for a picture that an mp4 cannot carry.

    Raises
    ------
    MidiError
        If this build of PyAV has none.
    """
    import av

    for name in _VIDEO_ENCODERS:
        if name in av.codec.codecs_available:
            return name
    raise MidiError("this build of PyAV has no video encoder; pip install av")


def part_packets(
    video: av.VideoStream, part: Picture, target: av.container.OutputContainer
) -> Iterator[av.Packet[av.VideoStream]]:
    """Add a stream with the frames that begin within `part` to `target`, encoded, and give its packets.

    `part` is the picture of the whole video with another start and end.
    """
    import av

    ticks_per_second = av.time_base
    if part.start > 0:
        # To the key frame before it; a file that cannot be searched is read from its beginning.
        with suppress(av.error.FFmpegError):
            container: Any = video.container
            container.seek(int(part.start * ticks_per_second))
    frames = (
        frame
        for frame in takewhile(lambda frame: (frame.pts or 0) < _ticks(part.duration), _upright_frames(video, part))
        if (frame.pts or 0) >= -_ticks(_SAME_TIME)
    )
    return _encoded_picture(video, part, target, video_encoder(), frames)


def _ticks(seconds: Fraction) -> int:
    return round(seconds / ENCODER_TIME_BASE)


def _encoded_picture(
    video: av.VideoStream,
    picture: Picture,
    target: av.container.OutputContainer,
    encoder: str,
    frames: Iterator[av.VideoFrame],
) -> Iterator[av.Packet[av.VideoStream]]:
    """Encode the frames, upright, with even sides, each at its own time."""
    rate = _frame_rate(video)
    first = next(frames, None)
    if first is None:
        raise MidiError(
            f"{video.container.name}: no frame can be decoded; check it with ffprobe {video.container.name}"
        )
    stream = encoded_stream(target, encoder, first.width, first.height, rate)
    return packets_of_frames(first, frames, stream, picture.duration, rate)


def encoded_stream(target: av.container.OutputContainer, encoder: str, width: int, height: int, rate: Fraction) -> Any:
    """Add a picture stream for frames in yuv420p, BT.709 in limited range, their pts in `ENCODER_TIME_BASE`."""
    stream: Any = target.add_stream(
        encoder, rate=rate, width=width, height=height, options=_ENCODER_OPTIONS.get(encoder, {})
    )
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = ENCODER_TIME_BASE
    stream.codec_context.color_range = 1  # limited
    stream.codec_context.colorspace = 1  # BT.709
    if encoder not in _ENCODER_OPTIONS:
        stream.bit_rate = int(_BITS_PER_PIXEL * width * height * rate)
    return stream


def packets_of_frames(
    first: Any,
    others: Iterator[av.VideoFrame],
    stream: Any,
    duration: Fraction,
    rate: Fraction,
) -> Iterator[av.Packet[av.VideoStream]]:
    """The packets of frames, encoded; the last frame is shown until `duration` (seconds)."""
    nominal = round(1 / rate / ENCODER_TIME_BASE)
    end = round(duration / ENCODER_TIME_BASE)
    last_pts = -1
    frame = first
    while True:
        if frame is not None:
            frame.pts = last_pts = max(frame.pts, last_pts + 1)
            frame.pict_type = 0  # the encoder chooses its own keyframes
        for packet in stream.encode(frame):
            # Encoders leave the last frame's length open, and the picture would end early.
            packet.duration = max(1, end - packet.pts) if packet.pts == last_pts else nominal
            yield packet
        if frame is None:
            return
        frame = next(others, None)


def _upright_frames(video: av.VideoStream, picture: Picture) -> Iterator[av.VideoFrame]:
    """Decode; frames come in yuv420p, rotated as they are to be shown, their pts from the picture's start."""
    video.thread_type = "AUTO"
    graphs: dict[tuple[int, int, str], av.filter.Graph] = {}
    size: tuple[int, int] | None = None
    time_base: Any = video.time_base  # frames flushed from the decoder do not know theirs
    for frame in _decoded_frames(video, picture.n_packet):
        layout = (frame.width, frame.height, frame.format.name)
        if layout not in graphs:
            graphs[layout] = _upright_filter(frame, size)
        time = picture.start if frame.pts is None else frame.pts * time_base
        graphs[layout].push(frame)
        upright: Any = graphs[layout].pull()
        size = size or (upright.width, upright.height)
        upright.time_base = ENCODER_TIME_BASE
        upright.pts = round((time - picture.start) / ENCODER_TIME_BASE)
        yield upright


def _decoded_frames(video: av.VideoStream, n_packet: int) -> Iterator[av.VideoFrame]:
    import av

    packets = _packets_of(video)
    for _, packet in zip(range(n_packet), packets, strict=False):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue  # one broken frame: the one before it is shown longer
    yield from video.decode(None)


def _upright_filter(frame: av.VideoFrame, size: tuple[int, int] | None) -> av.filter.Graph:
    """Filters that turn frames like this one upright and bring them to `size`, by default their own made even."""
    import av

    graph = av.filter.Graph()
    turns = _TRANSPOSITIONS.get(frame.rotation, ())
    width, height = (frame.height, frame.width) if len(turns) == 1 else (frame.width, frame.height)
    width, height = size or (width + width % 2, height + height % 2)
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000)
        ),
        *(graph.add("transpose", turn) for turn in turns),
        graph.add("scale", f"w={width}:h={height}:out_color_matrix=bt709:out_range=tv"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    return graph
