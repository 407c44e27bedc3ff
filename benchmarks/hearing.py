"""Sound as tools that are not ours hear it, for the other files here: levels by FFmpeg and pyloudnorm.

`ebur128` is FFmpeg's filter of that name (EBU R 128: loudness, loudness range, true peak), run by PyAV; `loudness` is
pyloudnorm's. Both need `pip install pyloudnorm`, which brings scipy.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pyloudnorm
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as TheEnd
from av.filter import Graph
from numpy.typing import NDArray
from pyloudnorm.iirfilter import IIRfilter

_STANDARD_SHELF = (3.999843853973347, 0.7071752369554196, 1681.974450955533)
_STANDARD_HIGH_PASS = (0.0, 0.5003270373238773, 38.13547087602444)
"""Gain in dB, quality and Hz of the two filters of BS.1770."""


class Sound(NamedTuple):
    """Decoded sound."""

    samples: NDArray[np.float32]
    """(n_sample, 2) in -1..1."""
    rate: int
    """Samples a second."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate


class Levels(NamedTuple):
    """What FFmpeg's ebur128 says."""

    integrated: float
    """LUFS."""
    range: float
    """LU."""
    true_peak: float
    """dBTP, of the louder channel."""


def read_sound(path: Path) -> Sound:
    """The first sound stream of a file, as stereo at its own rate; what a decoder is told to skip is skipped."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", "stereo", stream.rate)
        parts = [part.to_ndarray() for frame in container.decode(stream) for part in resampler.resample(frame)]
        parts += [part.to_ndarray() for part in resampler.resample(None)]
        return Sound(np.concatenate(parts, axis=1).T.astype(np.float32), stream.rate)


def ebur128(sound: Sound) -> Levels:
    """Loudness, loudness range and true peak by FFmpeg."""
    rate = sound.rate
    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="stereo", time_base=Fraction(1, rate))
    meter = graph.add("ebur128", "peak=true:metadata=1")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, meter, sink).configure()
    found: dict[str, str] = {}
    for frame in _frames(sound):
        source.push(frame)
        found.update(_pulled(sink))
    source.push(None)
    found.update(_pulled(sink))
    peaks = [float(value) for name, value in found.items() if name.startswith("lavfi.r128.true_peaks_ch")]
    peak = 20 * np.log10(max(*peaks, 1e-10))
    return Levels(float(found["lavfi.r128.I"]), float(found["lavfi.r128.LRA"]), float(peak))


def _frames(sound: Sound) -> Iterator[av.AudioFrame]:
    block = sound.rate // 10  # of 100 ms, on which the filter counts: the last begun block is filled with silence
    missing = -len(sound.samples) % block
    samples = np.concatenate([sound.samples, np.zeros((missing, 2), np.float32)])
    for begin in range(0, len(samples), block):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[begin : begin + block].T), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, begin, Fraction(1, sound.rate)
        yield frame


def _pulled(sink: av.filter.context.FilterContext) -> dict[str, str]:
    """The metadata of all frames that are ready, the last of each name."""
    found: dict[str, str] = {}
    while True:
        try:
            found.update(sink.pull().metadata)
        except (NothingYet, TheEnd):
            return found


def loudness(samples: NDArray[np.float32], rate: int) -> float:
    """Integrated loudness in LUFS by pyloudnorm, of `samples` (n_sample, n_channel)."""
    return float(pyloudnorm.Meter(rate).integrated_loudness(samples.astype(np.float64)))


def mono_loss(sound: Sound) -> float:
    """LU by which the mean of both channels, on both loudspeakers, is softer than the stereo sound; pyloudnorm."""
    folded = np.repeat(sound.samples.mean(axis=1, keepdims=True), 2, axis=1)
    return loudness(sound.samples, sound.rate) - loudness(folded, sound.rate)


def correlation(sound: Sound) -> float:
    """Of the left and the right channel, -1..1."""
    return float(np.corrcoef(sound.samples.T)[0, 1])


def k_weighted_power(sound: Sound) -> NDArray[np.float64]:
    """(n_sample,) the power of both channels together behind the filters of BS.1770, pyloudnorm's."""
    samples = sound.samples.astype(np.float64)
    for parameters, kind in ((_STANDARD_SHELF, "high_shelf_DeMan"), (_STANDARD_HIGH_PASS, "high_pass_DeMan")):
        gain, quality, frequency = parameters
        weighting = IIRfilter(gain, quality, frequency, sound.rate, kind)
        samples = np.stack([weighting.apply_filter(channel) for channel in samples.T], axis=1)
    return np.asarray(np.square(samples).sum(axis=1))


def lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean K-weighted power as loudness."""
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-10)))
