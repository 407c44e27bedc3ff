"""Music put under a video: the picture is copied, the sound is new."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import MidiError
from .whole_file import whole_file

if TYPE_CHECKING:
    import av

OriginalAudio = Literal["drop", "keep", "mix"]

_COPIED_VIDEO = frozenset({"h264", "hevc", "vp9", "av1", "mpeg4"})
"""What an mp4 can carry and players expect to find in one."""
_COPIED_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
_VIDEO_ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""The first that this build of FFmpeg has is used."""
_ENCODER_OPTIONS = {"libx264": {"crf": "18", "preset": "veryfast"}}
_BITS_PER_PIXEL = 0.2
"""For encoders without a constant-quality mode."""
_ENCODER_TIME_BASE = Fraction(1, 60000)
"""Holds 24, 25, 30, 60 and 29.97 frames a second exactly, and MPEG-4 takes no finer one."""
_AAC_BIT_RATE = 192_000
_AAC_FRAME = 1024
_AAC_SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_DUCKING = 10 ** (-6 / 20)
"""6 dB: the music steps back behind what is said in the original."""
_LOUDEST = 0.97
_SLIP_SECONDS = 0.03
"""Timestamps of sound jitter by less than this; a larger step is a gap."""
_PREROLL = Fraction(1, 10)
"""Seconds; AAC encoders begin with up to 50 ms that no player shows."""
_DEFAULT_FRAME_RATE = Fraction(25)
_TRANSPOSITIONS = {90: ("cclock",), -90: ("clock",), 180: ("clock", "clock"), -180: ("clock", "clock")}
"""Frame rotation, in degrees counter-clockwise, to quarter turns."""
_UNKEPT_METADATA = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder", "duration"})


class WrittenVideo(NamedTuple):
    """What `write_video` made."""

    path: Path
    duration: float
    """Seconds of picture, and of music under it."""
    notes: tuple[str, ...]
    """What did not go as asked, a line each: a picture encoded again, no sound to keep."""


class _Picture(NamedTuple):
    """Where the picture of a video lies in its file."""

    stream_index: int
    start: Fraction
    """Time of the first frame shown, in seconds."""
    end: Fraction
    """Time at which the last frame has been shown, in seconds."""
    n_packet: int
    """Packets up to the last one that is shown."""
    decode_times: tuple[int, ...] | None
    """When each packet is decoded, in ticks of the stream; None if a packet lacks the time it is shown at."""
    breaks_off: bool
    """Whether reading failed before the file's end."""

    @property
    def duration(self) -> Fraction:
        return self.end - self.start


def write_video(
    video_path: str | os.PathLike[str],
    audio: NDArray[np.floating],
    sample_rate: int,
    output_path: str | os.PathLike[str],
    *,
    original_audio: OriginalAudio = "drop",
    progress: Callable[[float], object] | None = None,
) -> WrittenVideo:
    """Write an mp4 with the picture of a video and `audio` as its music.

    The picture is copied without loss if an mp4 can carry it, its rotation included, and
    encoded as H.264 otherwise. Picture and sound both start at 0 and end together: the
    music is cut or continued with silence.

    Parameters
    ----------
    audio
        Shape `(n_sample,)`, `(n_sample, 1)` or `(n_sample, 2)`, in -1..1.
    sample_rate
        Samples a second, one of the rates that AAC knows.
    original_audio
        `drop`: the music is the only sound. `keep`: the original sound is a second track
        after the music. `mix`: both in one track, the music 6 dB lower.
    progress
        Called now and then with the share that is done, 0 to 1.

    Raises
    ------
    MidiError
        If the video cannot be read or the output cannot be written; no file is left.
    ValueError
        If an argument is out of range.
    """
    if original_audio not in get_args(OriginalAudio):
        raise ValueError(f"original_audio must be drop, keep or mix, got {original_audio!r}")
    if sample_rate not in _AAC_SAMPLE_RATES:
        raise ValueError(f"sample_rate must be one that AAC knows, {_AAC_SAMPLE_RATES}, got {sample_rate}")
    video_path, output_path = Path(video_path), Path(output_path)
    if output_path.exists() and video_path.exists() and output_path.samefile(video_path):
        raise MidiError(f"{output_path}: is the video itself; give the output another name")
    picture = _measure_picture(video_path)
    music = _fitted(audio, round(picture.duration * sample_rate))
    with whole_file(output_path) as unfinished:
        notes = _mux(video_path, picture, music, sample_rate, unfinished, original_audio, progress)
    return WrittenVideo(output_path, float(picture.duration), tuple(notes))


def _mux(
    video_path: Path,
    picture: _Picture,
    music: NDArray[np.float32],
    sample_rate: int,
    unfinished: Path,
    original_audio: OriginalAudio,
    progress: Callable[[float], object] | None,
) -> list[str]:
    import av

    notes = []
    if picture.breaks_off:
        notes.append(f"{video_path.name} breaks off: only its first {float(picture.duration):.1f} s can be read")
    try:
        with ExitStack() as stack:
            source = stack.enter_context(_open_video(video_path))
            target = stack.enter_context(
                av.open(str(unfinished), "w", format="mp4", container_options={"movflags": "faststart"})
            )
            target.metadata.update(
                (key, value) for key, value in source.metadata.items() if key.lower() not in _UNKEPT_METADATA
            )
            video: Any = source.streams[picture.stream_index]
            original = _original_sound(source, video) if original_audio != "drop" else None
            if original_audio != "drop" and original is None:
                notes.append(f"{video_path.name} has no sound to {original_audio}: only the music is heard")
            if original is not None and original_audio == "mix":
                music = _mixed(music, _decoded_sound(video_path, original.index, picture, sample_rate))

            shown = _picture_packets(video, picture, target, notes)
            sounds = [_music_packets(target, music, sample_rate)]
            if original is not None and original_audio == "keep":
                sounds.append(_original_packets(video_path, original, picture, target, sample_rate, notes))
            packets = heapq.merge(_reported(shown, picture.n_packet, progress), *sounds, key=_decode_time)
            for packet in packets:
                target.mux(packet)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # a full disk, a forbidden folder: whole_file says so
            raise
        raise MidiError(
            f"{video_path}: its streams cannot be written as mp4 ({error.strerror}); check it with ffprobe {video_path}"
        ) from error
    return notes


def _open_video(path: Path) -> av.container.InputContainer:
    import av

    try:
        return av.open(str(path), metadata_errors="ignore")
    except (av.error.FFmpegError, OSError) as error:
        raise MidiError(
            f"{path}: cannot be opened as a video ({error.strerror}); check it with ffprobe {path}"
        ) from error


def _picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream that players show: FFmpeg's choice, but never a cover."""
    from av.stream import Disposition

    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        raise MidiError(f"{path}: no video stream; check it with ffprobe {path}")
    best = container.streams.best("video")
    return next((stream for stream in moving if stream is best), moving[0])


def _measure_picture(path: Path) -> _Picture:
    """Read through the packets once: only they tell when the picture really starts and ends."""
    import av

    with _open_video(path) as container:
        stream = _picture_stream(container, path)
        stream_index, frame_duration = stream.index, 1 / _frame_rate(stream)
        start = end = None
        n_packet = n_shown = 0
        decode_times: list[int | None] = []
        show_times: list[int | None] = []
        breaks_off = False
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
    return _Picture(stream_index, start, end, n_shown, times, breaks_off)


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


def _picture_packets(
    video: av.VideoStream, picture: _Picture, target: av.container.OutputContainer, notes: list[str]
) -> Iterator[av.Packet[Any]]:
    """Add a video stream to `target` and give its packets: copied, or if need be encoded."""
    codec = video.codec_context.codec.canonical_name
    if codec in _COPIED_VIDEO and picture.decode_times is not None:
        copy = target.add_stream_from_template(video, opaque=True)
        if video.codec_context.codec_tag == "hvc1":
            copy.codec_context.codec_tag = "hvc1"  # Apple's players do not show FFmpeg's default, hev1
        return _copied_picture(video, picture, picture.decode_times, copy)
    reason = "its packets lack timestamps" if codec in _COPIED_VIDEO else f"{codec} does not fit into an mp4"
    encoder = _video_encoder()
    notes.append(f"the picture was encoded again with {encoder}: {reason}")
    return _encoded_picture(video, picture, target, encoder)


def _copied_picture(
    video: av.VideoStream, picture: _Picture, decode_times: tuple[int, ...], copy: av.VideoStream
) -> Iterator[av.Packet[av.VideoStream]]:
    for packet, decode_time in zip(_packets_of(video), decode_times, strict=False):
        shift = round(picture.start / packet.time_base)
        packet.stream = copy
        packet.dts = decode_time - shift
        packet.pts = packet.dts if packet.pts is None else max(packet.pts - shift, packet.dts)
        if not packet.duration:
            packet.duration = round(1 / _frame_rate(video) / packet.time_base)
        yield packet


def _video_encoder() -> str:
    import av

    for name in _VIDEO_ENCODERS:
        if name in av.codec.codecs_available:
            return name
    raise MidiError("this build of PyAV has no video encoder; pip install av")


def _encoded_picture(
    video: av.VideoStream, picture: _Picture, target: av.container.OutputContainer, encoder: str
) -> Iterator[av.Packet[av.VideoStream]]:
    """Encode the picture, upright, with even sides, each frame at its own time."""
    rate = _frame_rate(video)
    frames = _upright_frames(video, picture)
    first = next(frames, None)
    if first is None:
        raise MidiError(
            f"{video.container.name}: no frame can be decoded; check it with ffprobe {video.container.name}"
        )
    stream: Any = target.add_stream(
        encoder, rate=rate, width=first.width, height=first.height, options=_ENCODER_OPTIONS.get(encoder, {})
    )
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = _ENCODER_TIME_BASE
    stream.codec_context.color_range = 1  # limited
    stream.codec_context.colorspace = 1  # BT.709
    if encoder not in _ENCODER_OPTIONS:
        stream.bit_rate = int(_BITS_PER_PIXEL * first.width * first.height * rate)
    return _packets_of_frames(first, frames, stream, picture, rate)


def _packets_of_frames(
    first: Any,
    others: Iterator[av.VideoFrame],
    stream: Any,
    picture: _Picture,
    rate: Fraction,
) -> Iterator[av.Packet[av.VideoStream]]:
    nominal = round(1 / rate / _ENCODER_TIME_BASE)
    end = round(picture.duration / _ENCODER_TIME_BASE)
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


def _upright_frames(video: av.VideoStream, picture: _Picture) -> Iterator[av.VideoFrame]:
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
        upright.time_base = _ENCODER_TIME_BASE
        upright.pts = round((time - picture.start) / _ENCODER_TIME_BASE)
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


def _original_sound(source: av.container.InputContainer, video: av.VideoStream) -> av.AudioStream | None:
    best: Any = source.streams.best("audio", related=video)
    return best if best is not None and best.codec_context is not None else None


def _fitted(audio: NDArray[np.floating], n_sample: int) -> NDArray[np.float32]:
    """`audio` as stereo of `n_sample` samples, cut or continued with silence."""
    if audio.ndim not in (1, 2) or audio.ndim == 2 and audio.shape[1] not in (1, 2):
        raise ValueError(f"audio must have shape (n_sample,), (n_sample, 1) or (n_sample, 2), got {audio.shape}")
    fitted = np.zeros((n_sample, 2), np.float32)
    n_kept = min(n_sample, len(audio))
    fitted[:n_kept] = audio[:n_kept] if audio.ndim == 2 else audio[:n_kept, np.newaxis]
    return fitted


def _mixed(music: NDArray[np.float32], original: NDArray[np.float32]) -> NDArray[np.float32]:
    mixed = original + np.float32(_DUCKING) * music
    peak = float(np.max(np.abs(mixed), initial=0.0))
    return mixed * np.float32(_LOUDEST / peak) if peak > _LOUDEST else mixed


def _decoded_sound(path: Path, stream_index: int, picture: _Picture, sample_rate: int) -> NDArray[np.float32]:
    """The original sound under the picture: stereo, `(n_sample, 2)`, silent where it has gaps."""
    sound = np.zeros((round(picture.duration * sample_rate), 2), np.float32)
    cursor: int | None = None
    for frame in _resampled_frames(path, stream_index, sample_rate):
        samples = frame.to_ndarray().T  # (n_sample, 2)
        stamped = cursor
        if frame.pts is not None and frame.time_base is not None:
            stamped = round((frame.pts * frame.time_base - picture.start) * sample_rate)
        if cursor is None or stamped is None or abs(stamped - cursor) > _SLIP_SECONDS * sample_rate:
            cursor = stamped or 0
        start, stop = max(0, cursor), min(len(sound), cursor + len(samples))
        if start < stop:
            sound[start:stop] = samples[start - cursor : stop - cursor]
        cursor += len(samples)
    return sound


def _resampled_frames(path: Path, stream_index: int, sample_rate: int) -> Iterator[av.AudioFrame]:
    import av

    with _open_video(path) as container:
        resampler: Any = None
        layout = None
        for frame in _decoded_sound_frames(container, container.streams[stream_index]):
            if (frame.format.name, frame.layout.name, frame.sample_rate) != layout:
                if resampler is not None:
                    yield from resampler.resample(None)
                resampler = av.AudioResampler("fltp", "stereo", sample_rate)
                layout = (frame.format.name, frame.layout.name, frame.sample_rate)
            yield from resampler.resample(frame)
        if resampler is not None:
            yield from resampler.resample(None)


def _decoded_sound_frames(container: av.container.InputContainer, stream: Any) -> Iterator[av.AudioFrame]:
    import av

    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue  # a broken packet leaves a gap
    except av.error.FFmpegError:
        return  # the file breaks off; the picture's note says so


def _music_packets(
    target: av.container.OutputContainer, samples: NDArray[np.float32], sample_rate: int
) -> Iterator[av.Packet[av.AudioStream]]:
    stream = target.add_stream("aac", rate=sample_rate, bit_rate=_AAC_BIT_RATE)
    stream.metadata["handler_name"] = "Music"
    return _encoded_sound(stream, samples, sample_rate)


def _encoded_sound(
    stream: av.AudioStream, samples: NDArray[np.float32], sample_rate: int
) -> Iterator[av.Packet[av.AudioStream]]:
    import av

    for start in range(0, len(samples), _AAC_FRAME):
        block = np.ascontiguousarray(samples[start : start + _AAC_FRAME].T)
        frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
        frame.sample_rate = sample_rate
        frame.time_base = Fraction(1, sample_rate)
        frame.pts = start
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _original_packets(
    path: Path,
    original: av.AudioStream,
    picture: _Picture,
    target: av.container.OutputContainer,
    sample_rate: int,
    notes: list[str],
) -> Iterator[av.Packet[av.AudioStream]]:
    """Add a second sound stream to `target` and give its packets: copied, or if need be as AAC."""
    codec = original.codec_context.codec.canonical_name
    if codec in _COPIED_AUDIO:
        stream = target.add_stream_from_template(original, opaque=True)
        packets = _copied_sound(path, original.index, picture, stream)
    else:
        notes.append(f"the original sound was encoded again as AAC: {codec} does not fit into an mp4")
        stream = target.add_stream("aac", rate=sample_rate, bit_rate=_AAC_BIT_RATE)
        packets = _encoded_sound(stream, _decoded_sound(path, original.index, picture, sample_rate), sample_rate)
    stream.metadata["handler_name"] = "Original sound"
    return packets


def _copied_sound(
    path: Path, stream_index: int, picture: _Picture, copy: av.AudioStream
) -> Iterator[av.Packet[av.AudioStream]]:
    """The packets that sound while the picture is shown, their time counted from its start.

    A few earlier ones go along: a decoder needs them to start up, and players skip what
    lies before 0. At the end the sound may miss half a packet or have half a packet more.
    """
    import av

    with _open_video(path) as container:
        original: Any = container.streams[stream_index]
        shift = round(picture.start / original.time_base)
        try:
            for packet in container.demux(original):
                if not packet.size or packet.pts is None:
                    continue
                time = packet.pts * original.time_base
                middle = time + (packet.duration or 0) * original.time_base / 2
                if time < picture.start - _PREROLL or middle >= picture.end:
                    continue
                packet.stream = copy
                packet.pts -= shift
                packet.dts = packet.pts
                yield packet
        except av.error.FFmpegError:
            return  # the file breaks off; the picture's note says so


def _reported(
    packets: Iterator[av.Packet[Any]], n_packet: int, progress: Callable[[float], object] | None
) -> Iterator[av.Packet[Any]]:
    for number, packet in enumerate(packets, start=1):
        yield packet
        if progress is not None:
            progress(min(1.0, number / n_packet))


def _decode_time(packet: av.Packet[Any]) -> float:
    return float(packet.dts * packet.time_base) if packet.dts is not None else 0.0
