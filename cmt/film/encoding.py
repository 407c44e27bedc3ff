"""A picture encoded anew for an mp4: upright, at its own times, with all that an mp4 can say of it.

What a picture says of itself goes along: the shape of its pixels, its primaries and its transfer. HDR (PQ or HLG)
stays HDR, in 10 bits as HEVC. Interlaced pictures are deinterlaced, because few players do that any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from cmt.errors import MidiError
from video_rhythm.container import claimed_rate
from video_rhythm.orientation import Orientation, orientation_of, side_data_of
from video_rhythm.reader import DEFAULT_RATE, PictureReader
from video_rhythm.stamps import Clock

if TYPE_CHECKING:
    import av

_VIDEO_ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""The first that this build of FFmpeg has is used."""
_HDR_ENCODER = "libx265"
_ENCODER_OPTIONS = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    _HDR_ENCODER: {"crf": "18", "preset": "veryfast", "x265-params": "log-level=none"},
}
_BITS_PER_PIXEL = 0.2
"""The bits for each pixel that encoders without a constant-quality mode are given."""
ENCODER_TIME_BASE = Fraction(1, 60000)
"""This time base holds 24, 25, 30, 60 and 29.97 frames a second exactly, and MPEG-4 takes no finer one."""
_SAME_TIME = Fraction(1, 1000)
"""A frame that begins so many seconds before a part belongs to it: times are rounded."""
_SLOW = 10
"""Below so many frames a second pictures are decoded in the order in which they are shown: an mp4 counts the length of
its picture by the times of decoding, and slides of uneven lengths would end early."""
_UNSPECIFIED, _BT709, _BT2020 = 2, 1, 9
_LIMITED = 1
_HDR = {16: "PQ", 18: "HLG"}
"""The transfers (ITU-T H.273) that need more than 8 bits."""
_MASTERING = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "DYNAMIC_HDR_PLUS", "DOVI_METADATA")
"""What may stand beside an HDR picture and an encoder here does not write."""


class Form(NamedTuple):
    """What an encoded picture says of itself; numbers are those of ITU-T H.273."""

    pixel_shape: Fraction | None = None
    """The width of a pixel over its height; None if nobody knows."""
    primaries: int = _UNSPECIFIED
    transfer: int = _UNSPECIFIED
    matrix: int = _BT709
    bits: int = 8

    @property
    def pixels(self) -> str:
        """FFmpeg's name of the layout."""
        return "yuv420p" if self.bits == 8 else "yuv420p10le"


PLAIN = Form()


class _Colours(NamedTuple):
    """What a file says of its colours beside the pictures, by the numbers of ITU-T H.273."""

    primaries: int
    transfer: int
    matrix: int

    @classmethod
    def of(cls, context: Any) -> _Colours:
        """What a stream says that nothing was decoded of."""
        return cls(context.color_primaries, context.color_trc, context.colorspace)

    def completed(self, frame: Any) -> Any:
        """The frame, which says that as well where it said nothing itself."""
        if frame.color_primaries == _UNSPECIFIED:
            frame.color_primaries = self.primaries
        if frame.color_trc == _UNSPECIFIED:
            frame.color_trc = self.transfer
        if frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb:
            frame.colorspace = self.matrix
        return frame


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
    video: av.VideoStream,
    start: Fraction,
    end: Fraction,
    target: av.container.OutputContainer,
    *,
    can_seek: bool,
    notes: list[str],
) -> Iterator[av.Packet[av.VideoStream]]:
    """Add a stream with the frames that begin from `start` to `end` (seconds) to `target`, encoded; its packets.

    `can_seek` says whether times mean the same from every place of the file on.
    """
    import av

    ticks_per_second = av.time_base
    if start > 0 and can_seek:
        # To the key frame before it; a file that cannot be searched is read from its beginning.
        with suppress(av.error.FFmpegError):
            container: Any = video.container
            container.seek(int(start * ticks_per_second))

    def is_in(frame: av.VideoFrame) -> bool:
        return (frame.pts or 0) >= -_ticks(_SAME_TIME)

    return encoded_picture(video, start, end, target, video_encoder(), wanted=is_in, notes=notes)


def _ticks(seconds: Fraction) -> int:
    return round(seconds / ENCODER_TIME_BASE)


def encoded_picture(
    video: Any,
    start: Fraction,
    end: Fraction,
    target: av.container.OutputContainer,
    encoder: str,
    *,
    reason: str = "",
    wanted: Callable[[av.VideoFrame], bool] = lambda frame: True,
    notes: list[str],
) -> Iterator[av.Packet[av.VideoStream]]:
    """Add a stream to `target` with what is shown from `start` to `end` (seconds), encoded, and give its packets.

    `reason` is why it cannot be copied; `notes` gets it in a line, and a line for each thing that is not kept.
    """
    rate = claimed_rate(video) or DEFAULT_RATE
    stated = _Colours.of(video.codec_context)  # before anything is decoded: a decoder may forget it
    frames = (stated.completed(frame) for frame in _timed_frames(video, start))
    frames = (
        frame for frame in takewhile(lambda frame: (frame.pts or 0) < _ticks(end - start), frames) if wanted(frame)
    )
    stored: Any = next(frames, None)
    if stored is None:
        name = video.container.name.removeprefix("file:")
        raise MidiError(f"{name}: no frame can be decoded; check it with ffprobe {name}")
    if reason:
        stored.pts = 0  # what cannot be decoded before it is not shown as nothing
    orientation = orientation_of(stored)
    form, encoder, more = _form_of(video, stored, orientation, encoder)
    if reason:
        notes.append(f"the picture was encoded again with {encoder}: {reason}")
    notes += more
    upright = _upright_frames(_with(stored, frames), orientation, form, notes)
    first: Any = next(upright)
    stream = encoded_stream(target, encoder, first.width, first.height, rate, form)
    return packets_of_frames(first, upright, stream, end - start, rate)


def _with(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others


def _form_of(video: Any, frame: Any, orientation: Orientation, encoder: str) -> tuple[Form, str, list[str]]:
    """What a stored picture becomes, the encoder for that, and a line for each thing that is not kept."""
    import av

    notes: list[str] = []
    shape = video.sample_aspect_ratio
    shape = None if not shape or shape <= 0 else 1 / shape if orientation.transposed else shape
    form = Form(shape, frame.color_primaries, frame.color_trc)
    transfer = _HDR.get(frame.color_trc)
    if transfer is None:
        return form, encoder, notes
    if _HDR_ENCODER not in av.codec.codecs_available:
        notes.append(f"the picture is HDR ({transfer}), which {encoder} cannot keep: its colours look washed out")
        return form._replace(primaries=_UNSPECIFIED, transfer=_UNSPECIFIED), encoder, notes
    missing = [name for name in _MASTERING if side_data_of(frame, name) is not None]
    if missing:
        notes.append(f"the picture is HDR ({transfer}); what it says of the display it was made on is not kept")
    return form._replace(matrix=_BT2020, bits=10), _HDR_ENCODER, notes


def encoded_stream(
    target: av.container.OutputContainer, encoder: str, width: int, height: int, rate: Fraction, form: Form = PLAIN
) -> Any:
    """Add a picture stream for frames in the layout of `form`, in limited range, their pts in `ENCODER_TIME_BASE`."""
    options = _ENCODER_OPTIONS.get(encoder, {})
    if rate < _SLOW:
        options = options | {"bf": "0"}
    stream: Any = target.add_stream(encoder, rate=rate, width=width, height=height, options=options)
    context = stream.codec_context
    stream.pix_fmt = form.pixels
    context.time_base = ENCODER_TIME_BASE
    context.color_range = _LIMITED
    context.colorspace = form.matrix
    if form.primaries != _UNSPECIFIED:
        context.color_primaries = form.primaries
    if form.transfer != _UNSPECIFIED:
        context.color_trc = form.transfer
    if form.pixel_shape:
        context.sample_aspect_ratio = form.pixel_shape
    if encoder == _HDR_ENCODER:
        context.codec_tag = "hvc1"
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
    for frame in _until(end - nominal, nominal, first, others):
        if frame is not None:
            frame.pts = last_pts = max(frame.pts, last_pts + 1)
            frame.pict_type = 0  # the encoder chooses its own keyframes
        for packet in stream.encode(frame):
            # Encoders leave the last frame's length open, and the picture would end early.
            packet.duration = max(1, end - packet.pts) if packet.pts == last_pts else nominal
            yield packet


def _until(last: int, nominal: int, first: Any, others: Iterator[Any]) -> Iterator[Any]:
    """The frames and None; where the last one is shown for long, it comes once more at `last` (ticks).

    A muxer counts a film as long as the frame that is decoded last, which need not be the one that is shown last.
    """
    frame = first
    yield frame
    for frame in others:
        yield frame
    if last - frame.pts > nominal // 2:
        frame.pts = last
        yield frame
    yield None


def _timed_frames(video: Any, start: Fraction) -> Iterator[av.VideoFrame]:
    """The frames of a stream as they are decoded, their pts in `ENCODER_TIME_BASE` from `start` (seconds) on."""
    video.thread_type = "AUTO"
    reader, clock = PictureReader(video.container, video), Clock()
    for frame in reader.pictures():
        time = clock.time(frame.pts, reader.time_base, float(reader.step), reader.start)
        if time is None:
            continue  # its time was there before
        frame.time_base = ENCODER_TIME_BASE
        frame.pts = _ticks(Fraction(time) + clock.start - start)
        yield frame


def _upright_frames(
    frames: Iterator[av.VideoFrame], orientation: Orientation, form: Form, notes: list[str]
) -> Iterator[av.VideoFrame]:
    """The frames as they are to be shown, with even sides, all of the first one's size and in the layout of `form`.

    From the first interlaced one on, those that are interlaced are deinterlaced, and `notes` gets a line.
    """
    graph: Any = None
    layout: tuple[int, int, str, bool] | None = None
    size: tuple[int, int] | None = None
    is_interlaced = False
    for frame in _with_end(frames):
        if frame is not None and frame.interlaced_frame and not is_interlaced:
            is_interlaced = True
            notes.append("the picture is interlaced; it was deinterlaced")
        now = None if frame is None else (frame.width, frame.height, frame.format.name, is_interlaced)
        if graph is not None and now != layout:
            graph.push(None)
            yield from _pulled(graph)
            graph = None
        if frame is None:
            return
        if graph is None:
            layout = now
            if size is None:
                width, height = orientation.size(frame.width, frame.height)
                size = (width + width % 2, height + height % 2)
            graph = _upright_filter(frame, size, orientation, form, is_interlaced)
        graph.push(frame)
        yield from _pulled(graph)


def _with_end(frames: Iterator[Any]) -> Iterator[Any]:
    yield from frames
    yield None


def _pulled(graph: Any) -> Iterator[av.VideoFrame]:
    """The frames that have passed the filters so far."""
    import av

    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        frame.pts = round(frame.pts * frame.time_base / ENCODER_TIME_BASE)
        frame.time_base = ENCODER_TIME_BASE
        yield frame


def _upright_filter(
    frame: Any, size: tuple[int, int], orientation: Orientation, form: Form, is_interlaced: bool
) -> av.filter.Graph:
    """Filters that turn frames like this one upright and bring them to `size`."""
    import av

    graph = av.filter.Graph()
    deinterlacing = (("bwdif", "mode=send_frame:parity=auto:deint=interlaced"),) if is_interlaced else ()
    matrix = "bt2020" if form.matrix == _BT2020 else "bt709"
    graph.link_nodes(
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=ENCODER_TIME_BASE),
        *(graph.add(name, options or None) for name, options in (*deinterlacing, *orientation.filters)),
        graph.add("scale", f"w={size[0]}:h={size[1]}:out_color_matrix={matrix}:out_range=tv"),
        graph.add("format", form.pixels),
        graph.add("buffersink"),
    ).configure()
    return graph
