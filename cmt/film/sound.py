"""The sound of a video: the music, and what becomes of the original."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.film.picture import Picture, measure_picture, open_video
from midi_io.samples import (
    ComputedSound,
    LongSound,
    Samples,
    Store,
    multiply,
    peak_of,
    silence,
    silence_beside,
    spans_of,
)
from video_rhythm.container import best_stream
from video_rhythm.reader import is_broadcast, readable_packets
from video_rhythm.stamps import Stamps

if TYPE_CHECKING:
    import av

_COPIED_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
_AAC_BIT_RATE = 256_000
_AAC_FRAME = 1024
MUSIC_BACK = -6.0
"""dB by which the music steps back behind the original where both are mixed."""
_LOUDEST = 0.97
_RATES = range(1000, 768_001)
"""The samples a second that sound may claim to have: one a second would make hours of a packet."""
_SLIP_SECONDS = 0.03
"""Timestamps of sound jitter by fewer seconds than this; a larger step is a gap."""
_MUCH_SHORTER = 0.5
"""Seconds by which sound and picture may differ in length before a note says so."""
_PREROLL = Fraction(1, 10)
"""Packets of sound may begin this many seconds before the picture: AAC encoders begin with up to 50 ms that no player
shows."""


def original_sound(source: av.container.InputContainer, video: av.VideoStream) -> av.AudioStream | None:
    """The sound that players choose for this picture, or None if there is none that can be decoded."""
    best: Any = source.streams.best("audio", related=video)
    if best is None or is_heard(best):
        return best  # type: ignore[no-any-return]
    return next((stream for stream in source.streams.audio if is_heard(stream)), None)


def is_heard(stream: Any) -> bool:
    """Whether a stream of sound can be decoded: FFmpeg knows its codec, and its rate is one of sound."""
    return stream.codec_context is not None and stream.rate in _RATES


def has_sound(path: Path) -> bool:
    """Whether a video has sound that can be decoded; false where it cannot be opened at all."""
    try:
        with open_video(path) as source:
            return original_sound(source, best_stream(source, path.name)) is not None
    except CmtError:
        return False


def language_of(stream: Any) -> str:
    """The language of a stream by its three letters (ISO 639-2); empty if it does not say."""
    language = str(stream.metadata.get("language", ""))
    return language if len(language) == 3 and language.isascii() and language.isalpha() and language != "und" else ""


def notes_on_tracks(source: av.container.InputContainer, original: av.AudioStream, name: str) -> list[str]:
    """What is to say if a video has several sound tracks, of which `original` alone is mixed."""
    tracks = [stream.index for stream in source.streams.audio]
    if len(tracks) < 2:
        return []
    return [f"{name} has {len(tracks)} sound tracks: number {tracks.index(original.index) + 1} is mixed"]


def further_tracks(source: av.container.InputContainer, original: av.AudioStream) -> list[av.AudioStream]:
    """The sound tracks beside `original` that can be decoded."""
    return [stream for stream in source.streams.audio if stream.index != original.index and is_heard(stream)]


def fitted(audio: NDArray[np.floating] | LongSound, n_sample: int) -> Samples:
    """`audio`, (n,), (n, 1) or (n, 2), as stereo (n_sample, 2), cut or continued with silence.

    Raises
    ------
    ValueError
        If `audio` has another shape.
    """
    if audio.ndim not in (1, 2) or (audio.ndim == 2 and audio.shape[1] not in (1, 2)):
        raise ValueError(f"audio must have shape (n_sample,), (n_sample, 1) or (n_sample, 2), got {audio.shape}")
    columns = 1 if audio.ndim == 1 else audio.shape[1]

    def stereo(begin: int, end: int) -> NDArray[np.float32]:
        block = np.zeros((end - begin, 2), np.float32)
        there = audio[begin : min(end, len(audio))]
        block[: len(there)] = there.reshape(-1, columns)
        return block

    if isinstance(audio, LongSound):
        return ComputedSound((n_sample, 2), audio.folder, stereo)
    return stereo(0, n_sample)


def mixed(music: Samples, original: Samples) -> Store:
    """Two sounds (n_sample, 2) as one, the music softer; all of it softer still if it would clip."""
    both = silence_beside(original)
    for span in spans_of(len(original)):
        both[span] = original[span] + np.float32(10 ** (MUSIC_BACK / 20)) * music[span]
    peak = peak_of(both)
    if peak > _LOUDEST:
        multiply(both, np.float32(_LOUDEST / peak))
    return both


def film_sound(
    film: Path, sample_rate: int, *, layout: Literal["mono", "stereo"] = "stereo", scratch: Path | None = None
) -> Store | None:
    """The sound of a video that `cmt.film.mux.write_video` mixes with music, as `decoded_sound` gives it; None if none.

    Raises
    ------
    MidiError
        If it is no video, or no frame of it can be read.
    """
    picture = measure_picture(film)
    with open_video(film) as source:
        video: Any = source.streams[picture.stream_index]
        original = original_sound(source, video)
        if original is None:
            return None
        index = original.index
    return decoded_sound(film, index, picture, sample_rate, layout=layout, scratch=scratch)


def decoded_sound(
    path: Path,
    stream_index: int,
    picture: Picture,
    sample_rate: int,
    *,
    layout: Literal["mono", "stereo"] = "stereo",
    notes: list[str] | None = None,
    scratch: Path | None = None,
) -> Store:
    """The original sound under the picture, `(n_sample, 2)` or, as mono, `(n_sample, 1)`, silent where it has gaps.

    `notes` gets a line if it cannot be decoded, or is much shorter or longer than the picture. What is long lies in a
    nameless file in the folder `scratch`; if it is None, in memory.
    """
    sound = silence((round(picture.duration * sample_rate), 2 if layout == "stereo" else 1), scratch)
    cursor: int | None = None
    for frame in _resampled_frames(path, stream_index, picture, sample_rate, layout):
        samples = frame.to_ndarray().T  # (n_sample, n_channel)
        stamped = cursor
        if frame.pts is not None and frame.time_base is not None:
            stamped = round((frame.pts * frame.time_base - picture.start) * sample_rate)
        if cursor is None or stamped is None or abs(stamped - cursor) > _SLIP_SECONDS * sample_rate:
            cursor = stamped or 0
        start, stop = max(0, cursor), min(len(sound), cursor + len(samples))
        if start < stop:
            sound[start:stop] = samples[start - cursor : stop - cursor].astype(np.float32, copy=False)
        cursor += len(samples)
    if notes is not None:
        notes += _notes_on_length(path.name, None if cursor is None else cursor / sample_rate, float(picture.duration))
    return sound


def _notes_on_length(name: str, end: float | None, duration: float) -> list[str]:
    """What is to say of sound that ends after `end` seconds, or is none, under a picture of `duration` seconds."""
    if end is None:
        return [f"the sound of {name} cannot be decoded: only the music is heard"]
    if end < duration - _MUCH_SHORTER:
        return [f"the sound of {name} ends at {max(end, 0):.2f} of {duration:.2f} s: only the music is heard after it"]
    if end > duration + _MUCH_SHORTER:
        return [f"the sound of {name} goes on for {end - duration:.2f} s after the picture: it is cut there"]
    return []


def _resampled_frames(
    path: Path, stream_index: int, picture: Picture, sample_rate: int, layout: str
) -> Iterator[av.AudioFrame]:
    import av

    with open_video(path) as container:
        resampler: Any = None
        form = None
        for frame in _decoded_sound_frames(container, container.streams[stream_index], picture):
            if (frame.format.name, frame.layout.name, frame.sample_rate) != form:
                if resampler is not None:
                    yield from resampler.resample(None)
                resampler = av.AudioResampler("fltp", layout, sample_rate)
                form = (frame.format.name, frame.layout.name, frame.sample_rate)
            yield from resampler.resample(frame)
        if resampler is not None:
            yield from resampler.resample(None)


def _decoded_sound_frames(
    container: av.container.InputContainer, stream: Any, picture: Picture
) -> Iterator[av.AudioFrame]:
    import av

    for packet in packets_beside(container, stream, picture):
        try:
            frames: Any = packet.decode()
        except av.error.FFmpegError:
            continue  # a broken packet leaves a gap
        yield from frames
    with suppress(av.error.FFmpegError):
        yield from stream.decode(None)


def packets_beside(container: av.container.InputContainer, stream: Any, picture: Picture) -> Iterator[av.Packet[Any]]:
    """The packets of a stream beside `picture`, their stamps on its clock; what cannot be read is left out."""
    stamps = Stamps(stream.time_base, Fraction(0), broadcast=is_broadcast(container), guide=picture.segments)
    for packet in readable_packets(container, stream):
        stamps.put_right(packet)
        yield packet


def music_packets(
    target: av.container.OutputContainer, samples: Samples, sample_rate: int
) -> Iterator[av.Packet[av.AudioStream]]:
    """Add a sound stream with the music, stereo samples (n_sample, 2), to `target` and give its packets."""
    stream = target.add_stream("aac", rate=sample_rate, bit_rate=_AAC_BIT_RATE)
    stream.metadata["handler_name"] = "Music"
    return _encoded_sound(stream, samples, sample_rate)


def pcm_packets(
    target: av.container.OutputContainer, samples: Samples, sample_rate: int
) -> Iterator[av.Packet[av.AudioStream]]:
    """Add a sound stream that loses nothing with stereo samples (n_sample, 2) to `target` and give its packets."""
    stream: Any = target.add_stream("pcm_s16le", rate=sample_rate)
    stream.layout = "stereo"
    return _encoded_sound(stream, samples, sample_rate)


def _encoded_sound(stream: av.AudioStream, samples: Samples, sample_rate: int) -> Iterator[av.Packet[av.AudioStream]]:
    import av

    for start in range(0, len(samples), _AAC_FRAME):
        block = np.ascontiguousarray(samples[start : start + _AAC_FRAME].T)
        frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
        frame.sample_rate = sample_rate
        frame.time_base = Fraction(1, sample_rate)
        frame.pts = start
        yield from stream.encode(frame)
    yield from stream.encode(None)


def original_packets(
    path: Path,
    original: av.AudioStream,
    picture: Picture,
    target: av.container.OutputContainer,
    sample_rate: int,
    notes: list[str],
    scratch: Path,
) -> Iterator[av.Packet[av.AudioStream]]:
    """Add another sound stream to `target` and give its packets: copied, or if need be as AAC."""
    codec = original.codec_context.codec.canonical_name
    stream: Any
    if codec in _COPIED_AUDIO:
        stream = target.add_stream_from_template(original, opaque=True)
        packets = _copied_sound(path, original.index, picture, stream, notes)
    else:
        note = f"the original sound was encoded again as AAC: {codec} does not fit into an mp4"
        notes += [note] if note not in notes else []
        stream = target.add_stream("aac", rate=sample_rate, bit_rate=_AAC_BIT_RATE)
        sound = decoded_sound(path, original.index, picture, sample_rate, notes=notes, scratch=scratch)
        packets = _encoded_sound(stream, sound, sample_rate)
    stream.metadata["handler_name"] = "Original sound"
    if language := language_of(original):
        stream.metadata["language"] = language
    return packets


def _copied_sound(
    path: Path, stream_index: int, picture: Picture, copy: av.AudioStream, notes: list[str]
) -> Iterator[av.Packet[av.AudioStream]]:
    """The packets that sound while the picture is shown, their time counted from its start.

    A few earlier ones go along: a decoder needs them to start up, and players skip what
    lies before 0. At the end the sound may miss half a packet or have half a packet more. Where one recording
    begins before the one before it has ended, packets that would be heard at once with others are left out. `notes`
    gets a line if nothing sounds while the picture is shown.
    """
    with open_video(path) as container:
        original: Any = container.streams[stream_index]
        shift = round(picture.start / original.time_base)
        last_end: int | None = None
        for packet in packets_beside(container, original, picture):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None:
                continue
            length = packet.duration or 0
            time, middle = stamp * original.time_base, (stamp + length / 2) * original.time_base
            if time < picture.start - _PREROLL or middle >= picture.end:
                continue
            if last_end is not None and stamp < last_end:
                if stamp + length / 2 < last_end:
                    continue
                stamp = last_end
            last_end = stamp + max(length, 1)
            packet.stream = copy
            packet.pts = packet.dts = stamp - shift
            yield packet
        if last_end is None:
            tracks = [stream.index for stream in container.streams.audio]
            number = f"number {tracks.index(stream_index) + 1} of its {len(tracks)} tracks" if len(tracks) > 1 else "it"
            notes.append(f"the sound of {path.name} is not kept: {number} has none while the picture is shown")
