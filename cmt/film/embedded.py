"""Picture and sound of a film as files that fit into a page and that browsers play."""

from __future__ import annotations

import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from cmt.film.picture import measure_picture, open_video, picture_packets
from midi_io.audio_file import write_audio
from midi_io.samples import Samples, Store, silence
from video_rhythm.container import file_url

_PLAYED = frozenset({"h264", "vp9", "av1"})
"""The codecs that today's browsers play in an mp4..."""
_EIGHT_BITS = frozenset({"yuv420p", "yuvj420p"})
"""...and the pixels that they do so in without fail."""
BIT_RATE = 128_000
"""The bits a second of sound that is made for a page."""


def embedded_picture(film: Path, most_bytes: int) -> bytes | None:
    """The picture of a film without its sound, as an mp4 that begins at 0 s; nothing is encoded again.

    None where a browser may not play it, or where it has more than `most_bytes`.

    Raises
    ------
    MidiError
        If the film cannot be read.
    """
    import av

    picture = measure_picture(film)
    with open_video(film) as source, tempfile.TemporaryDirectory(prefix="cmt-page-") as folder:
        video: Any = source.streams[picture.stream_index]
        codec = video.codec_context
        if codec.codec.canonical_name not in _PLAYED or codec.pix_fmt not in _EIGHT_BITS:
            return None
        if picture.decode_times is None:
            return None
        path, n_byte = Path(folder) / "picture.mp4", 0
        # `bitexact`: the bytes are those of the picture, not of a version of FFmpeg.
        options, at_once = {"fflags": "+bitexact"}, {"movflags": "faststart"}
        with av.open(file_url(path), "w", format="mp4", options=options, container_options=at_once) as target:
            for packet in picture_packets(video, picture, target, []):
                n_byte += packet.size
                if n_byte > most_bytes:
                    return None
                target.mux(packet)
        return path.read_bytes()


def embedded_sound(audio: Samples, sample_rate: int) -> bytes:
    """Sound (n_sample, 2) as m4a (AAC) of `BIT_RATE`; the same sound gives the same bytes."""
    with tempfile.TemporaryDirectory(prefix="cmt-page-") as folder:
        path = Path(folder) / "sound.m4a"
        write_audio(audio, path, sample_rate, bit_rate=BIT_RATE)
        return path.read_bytes()


def sound_of_file(file: Path, n_sample: int, sample_rate: int, scratch: Path) -> Store:
    """The first sound of a film or a file of ours, (n_sample, 2), cut or continued with silence.

    What is long lies in a nameless file in the folder `scratch`.

    Raises
    ------
    MidiError
        If it cannot be read.
    WriteError
        If the disk has no room for it.
    """
    import av

    sound, begin = silence((n_sample, 2), scratch), 0
    with open_video(file) as source:
        resampler = av.AudioResampler("fltp", "stereo", sample_rate)
        frames = source.decode(source.streams.audio[0])
        for frame in chain(frames, [None]):
            for part in resampler.resample(frame):
                samples = part.to_ndarray().T[: n_sample - begin]
                sound[begin : begin + len(samples)] = samples.astype(np.float32, copy=False)
                begin += len(samples)
    return sound
