"""Finished sound as a file, of whatever format its suffix says."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import WriteError

from .riff import CuePoint, append_cues
from .samples import LongSound
from .whole_file import whole_file

_AT_ONCE = 4096
"""Samples that are handed to an encoder together."""
_WRITTEN_AT_ONCE = 2**18


class _Encoding(NamedTuple):
    """How FFmpeg writes a format."""

    container: str
    codec: str
    sample_format: str
    bit_rate: int | None = None
    """Bits a second; None of what loses nothing."""
    sample_rate: int | None = None
    """The only rate that is used; None for that of the sound."""
    options: Mapping[str, str] = MappingProxyType({})


_ENCODINGS = MappingProxyType(
    {
        "flac": _Encoding("flac", "flac", "s32"),
        "mp3": _Encoding("mp3", "libmp3lame", "fltp", 256_000, options={"compression_level": "7"}),
        "ogg": _Encoding("ogg", "libopus", "flt", 192_000, 48_000),
        "m4a": _Encoding("ipod", "aac", "fltp", 256_000),
    }
)
"""FLAC has 24 bits. At 256 kbit/s LAME's slower levels, which have lower numbers, take longer and come no nearer. At
192 kbit/s AAC took the peaks of a made song at -9 LUFS from -1.9 to -0.6 dBTP, at 256 to -1.5. In Ogg it is Opus:
PyAV has no libvorbis, and FFmpeg's own Vorbis is an experiment."""
AUDIO_FORMATS = ("wav", *_ENCODINGS)
"""The formats that sound can be written in, each the suffix of its files."""
BIT_DEPTHS = (16, 24)
"""The bits that a sample may have in the formats that lose nothing."""
_BITS = {"wav": 16, "flac": 24}
"""The formats that lose nothing, and the bits of a sample that is left to them."""
_MOST_WAV_BYTES = 2**32 - 2**20
"""A WAV file counts its bytes in 32 bits; the last of them are left for names of places."""
_FLAC_SAMPLES = {16: "s16", 24: "s32"}
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def write_audio(
    audio: NDArray[np.floating] | LongSound,
    path: str | os.PathLike[str],
    sample_rate: int,
    *,
    bit_depth: int | None = None,
    bit_rate: int | None = None,
    cues: Sequence[CuePoint] = (),
) -> None:
    """Write `audio` in the format of the path's suffix, one of `AUDIO_FORMATS`.

    WAV has 16 bits and FLAC 24 unless another depth is asked for. MP3 and M4A (AAC) have 256 kbit/s, Ogg (Opus, at
    48 kHz) has 192. What an encoder puts before the first sample, and in MP3 and Ogg what it puts after the last, is
    marked in the file: players leave it out. The same sound gives the same bytes.

    Parameters
    ----------
    audio
        Shape `(n_sample,)` or `(n_sample, n_channel)`, one channel or two, in -1..1: an array, or sound that is read
        by blocks.
    sample_rate
        The samples a second. MP3 knows 8, 11.025, 12, 16, 22.05, 24, 32, 44.1 and 48 kHz.
    bit_depth
        The bits of a sample, one of `BIT_DEPTHS`, of WAV and FLAC; None is the format's own.
    bit_rate
        The bits a second of MP3, M4A and Ogg, if they shall be others.
    cues
        Places that a WAV file names; the other formats have none.

    Raises
    ------
    WriteError
        If the suffix is of no known format, the format cannot be encoded, or the file cannot be written.
    """
    name = format_of(path)
    check_depth(name, bit_depth)
    if name == "wav":
        write_wav(audio, path, sample_rate, bit_depth=bit_depth or _BITS[name], cues=cues)
        return
    check_format(name)
    encoding = _ENCODINGS[name]
    if bit_depth is not None:
        encoding = encoding._replace(sample_format=_FLAC_SAMPLES[bit_depth])
    if bit_rate is not None:
        encoding = encoding._replace(bit_rate=bit_rate)
    with whole_file(path) as unfinished:
        _encode(audio, unfinished, sample_rate, encoding, Path(path))


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of a file's suffix.

    Raises
    ------
    WriteError
        If it is none of `AUDIO_FORMATS`.
    """
    suffix = Path(path).suffix
    if suffix[1:].lower() not in AUDIO_FORMATS:
        known = ", ".join(f".{name}" for name in AUDIO_FORMATS)
        raise WriteError(f"{path}: {suffix or 'no suffix'} is no format of sound; end the name with one of {known}")
    return suffix[1:].lower()


def check_format(name: str) -> None:
    """Raise a WriteError if `name` is none of `AUDIO_FORMATS`, or the installed PyAV cannot encode it."""
    if name not in AUDIO_FORMATS:
        raise WriteError(f"`format`: {name!r} is none; choose from {', '.join(AUDIO_FORMATS)}")
    if name == "wav":
        return
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    encoder = _ENCODINGS[name].codec
    try:
        Codec(encoder, "w")
    except UnknownCodecError as error:
        raise WriteError(f"{name}: this PyAV has no encoder {encoder}; choose another `format`") from error


def check_depth(name: str, bit_depth: int | None) -> None:
    """Raise a WriteError if the samples of a format cannot have so many bits."""
    if bit_depth is None:
        return
    if name not in _BITS:
        raise WriteError(f"`bit_depth`: {name} has none; choose {' or '.join(_BITS)} as `format`, or leave it out")
    if bit_depth not in BIT_DEPTHS:
        raise WriteError(f"`bit_depth`: {bit_depth} is none; choose from {', '.join(map(str, BIT_DEPTHS))}")


def check_samples(name: str, sample_rate: int, bit_depth: int | None) -> None:
    """Raise a WriteError if a format cannot have such samples."""
    check_depth(name, bit_depth)
    if name == "mp3" and sample_rate not in _MP3_RATES:
        raise WriteError(f"`sample_rate`: mp3 has no {sample_rate} samples a second; choose 48000, or another `format`")


def check_length(name: str, seconds: float, sample_rate: int, bit_depth: int | None, *, n_channel: int = 2) -> None:
    """Raise a WriteError if a file of a format cannot hold sound of so many seconds."""
    if name != "wav":
        return
    bytes_per_second = sample_rate * n_channel * (bit_depth or _BITS[name]) // 8
    if seconds * bytes_per_second > _MOST_WAV_BYTES:
        raise WriteError(
            f"`format`: a wav file holds {_MOST_WAV_BYTES / bytes_per_second / 60:.0f} minutes of such sound, and this "
            f"lasts {seconds / 60:.0f}; choose flac, or fewer bits or samples"
        )


def stem_path(path: Path, name: str) -> Path:
    """The file of a stem beside that of the mix: ``song.drums.wav`` beside ``song.wav``."""
    return path.with_name(f"{path.stem}.{name}{path.suffix}")


def write_wav(
    audio: NDArray[np.floating] | LongSound,
    path: str | os.PathLike[str],
    sample_rate: int,
    *,
    bit_depth: int = 16,
    cues: Sequence[CuePoint] = (),
) -> None:
    """Write `audio`, shape `(n_sample,)` or `(n_sample, n_channel)` in -1..1, as PCM of 16 or 24 bits.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    check_length("wav", len(audio) / sample_rate, sample_rate, bit_depth, n_channel=channels)
    with whole_file(path) as unfinished:
        with wave.open(str(unfinished), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(bit_depth // 8)
            file.setframerate(sample_rate)
            for begin in range(0, len(audio), _WRITTEN_AT_ONCE):
                file.writeframesraw(_as_bytes(audio[begin : begin + _WRITTEN_AT_ONCE], bit_depth))
        if cues or len(audio) * channels * bit_depth // 8 % 2:
            append_cues(unfinished, cues, sample_rate, len(audio))


def _as_bytes(audio: NDArray[np.floating], bit_depth: int) -> bytes:
    clipped = np.clip(audio, -1.0, 1.0)
    if bit_depth == 16:
        return bytes(np.rint(clipped * 32767.0).astype("<i2").tobytes())
    # 32 bits of float are not enough to be multiplied in.
    whole = np.rint(clipped.astype(np.float64) * 8388607.0).astype("<i4")
    return bytes(whole.reshape(-1, 1).view(np.uint8)[:, :3].tobytes())


def _encode(
    audio: NDArray[np.floating] | LongSound, unfinished: Path, sample_rate: int, encoding: _Encoding, path: Path
) -> None:
    """Write `unfinished`, which will be `path`."""
    import av

    # Without `bitexact` Ogg would have a random number in it. MP4 counts its length in `movie_timescale`.
    options = {"fflags": "+bitexact"}
    container_options = {"movie_timescale": str(sample_rate)} if encoding.container == "ipod" else {}
    rate = encoding.sample_rate or sample_rate
    try:
        with av.open(
            f"file:{unfinished}", "w", format=encoding.container, options=options, container_options=container_options
        ) as target:
            stream: Any = target.add_stream(encoding.codec, rate=rate)
            stream.layout = "mono" if audio.ndim == 1 or audio.shape[1] == 1 else "stereo"
            stream.format = encoding.sample_format
            stream.options = dict(encoding.options)
            if encoding.bit_rate is not None:
                stream.bit_rate = encoding.bit_rate
            target.start_encoding()  # also where no frame comes
            resampler = av.AudioResampler(encoding.sample_format, stream.layout, rate)
            for frame in chain(_frames(audio, sample_rate), [None]):
                for converted in resampler.resample(frame):
                    target.mux(stream.encode(converted))
            target.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # a full disk, a forbidden folder: whole_file says so
            raise
        raise WriteError(
            f"{path}: cannot be encoded by {encoding.codec} at {rate} samples a second ({error.strerror})"
        ) from error


def _frames(audio: NDArray[np.floating] | LongSound, sample_rate: int) -> Iterator[Any]:
    from av import AudioFrame

    n_channel = 1 if audio.ndim == 1 else audio.shape[1]
    for begin in range(0, len(audio), _AT_ONCE):
        block = np.ascontiguousarray(audio[begin : begin + _AT_ONCE].reshape(-1, n_channel).T, np.float32)
        frame = AudioFrame.from_ndarray(block, "fltp", "mono" if n_channel == 1 else "stereo")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, begin, Fraction(1, sample_rate)
        yield frame
