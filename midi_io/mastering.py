"""Mastering: every piece is as loud as every other, and no peak of it clips.

Loudness is that of ITU-R BS.1770-4 in LUFS: the power of both channels behind a filter that hears as the ear does,
over blocks of 400 ms, of which the quiet ones are left out. Peaks are held by FFmpeg's limiter, which looks ahead, on
four times the samples: a player draws a curve through the samples, and its peaks may lie between two of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .samples import Samples, Store, peak_of, silence_beside, spans_of

TARGET = -14.0
"""LUFS at which the large streaming services play what they are given."""
CEILING = -1.9
"""dBTP above which no peak of the limiter's output lies; AAC overshoots by up to 0.7 dB more."""
MOST_LIMITING = 11.0
"""dB by which the limiter may hold back the loudest peak: where more would be needed, as for a single stroke in a
silence, the piece stays softer instead."""
_LIMITER = f"limit={10 ** (CEILING / 20):.4f}:attack=5:release=60:level=0:latency=1"
"""Milliseconds to hold a peak back and to let go; no gain of its own, no delay."""
_OVERSAMPLING = 4
_AS_IT_IS = np.float32(1)
_PROBE = 1 / 16
"""The sample of a third channel that never changes: what comes out of the limiter tells what it did to the others. It
is too soft to be the one that they are held back by."""
_NEAR_ENOUGH = 0.2
"""LU that the limiter may take away before it is run again on a louder sound."""
_LOST_AGAIN, _MOST_RUNS = 1.2, 3
"""What it took away is added with this factor: the next run takes some of it again. It is run so often at most."""

_ADDED_AT_ONCE = 2**17
"""Values that are added up by NumPy together."""

_BLOCK, _HOP = 0.4, 0.1
"""Seconds that a block of the standard lasts, and from one block to the next."""
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0
"""LUFS below which a block is silence, and LU below the mean of the others at which it is left out."""
_SHELF = (1681.974450955533, 3.999843853973347, 0.7071752369554196)
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)
"""Hz, dB and quality of the two filters that the standard gives as coefficients at 48 kHz; this form, by Brecht De Man
(2014), gives them at any rate."""
_CHUNK, _WARM_UP = 5.0, 0.5
"""Seconds that are filtered at a time, and those before them in which the filters swing in."""


def loudness(audio: NDArray[np.floating] | Samples, sample_rate: int) -> float:
    """Integrated loudness, in LUFS, of `audio`, (n_sample, n_channel) in -1..1; minus infinity for silence.

    Raises
    ------
    ValueError
        If `audio` has another shape.
    """
    if audio.ndim != 2:
        raise ValueError(f"audio must be (n_sample, n_channel), got {audio.shape}")
    powers = np.concatenate([np.zeros(0), *_powers_of_hops(audio, sample_rate)])
    n_hop = round(_BLOCK / _HOP)
    if not len(powers):
        return -math.inf
    n_hop = min(n_hop, len(powers))  # of what is shorter than a block, the whole
    blocks = np.lib.stride_tricks.sliding_window_view(powers, n_hop).mean(axis=-1)
    loud = blocks[blocks > _power(_ABSOLUTE_GATE)]
    if not len(loud):
        return -math.inf
    loud = loud[loud > loud.mean() * 10 ** (_RELATIVE_GATE / 10)]
    return float(_lufs(loud.mean()))


class Master(NamedTuple):
    """What `master` made."""

    audio: NDArray[np.float32]
    """(n_sample, 2)"""
    gain: NDArray[np.float32]
    """(n_sample,) the factor of each sample, the limiter's work included. A part of what was mastered, times this, is
    that part of the master."""


def true_peak(audio: Samples, sample_rate: int) -> float:
    """The highest peak, in dBTP, of the curve that a player draws through `audio`, (n_sample, 2).

    It is read at four times the samples, as the standard has it; minus infinity for silence.
    """
    upwards = (("aresample", str(_OVERSAMPLING * sample_rate)),)
    peaks = (float(np.max(np.abs(part), initial=0.0)) for part in _through(upwards, audio, sample_rate))
    highest = max(peaks, default=0.0)
    return 20 * math.log10(highest) if highest else -math.inf


def mastered(audio: NDArray[np.float32], sample_rate: int, target: float = TARGET) -> NDArray[np.float32]:
    """`audio`, (n_sample, 2), brought to the loudness `target` in LUFS, its true peaks below -1 dBTP.

    Silence stays what it is. What would need more than `MOST_LIMITING` of limiting stays below the target.
    """
    return master(audio, sample_rate, target).audio


def master(audio: NDArray[np.float32], sample_rate: int, target: float = TARGET) -> Master:
    """What `mastered` gives, with the gain that it took."""
    gain = np.asarray(mastering_gain(audio, sample_rate, target))
    return Master(audio * gain[:, np.newaxis], gain)


def mastering_gain(audio: Samples, sample_rate: int, target: float = TARGET) -> Store:
    """(n_sample,) the gain with which `audio`, (n_sample, 2), is `mastered`; it lies where files of `audio` lie.

    Raises
    ------
    WriteError
        If the disk has no room for it.
    """
    gain = silence_beside(audio, (len(audio),))
    heard, peak = loudness(audio, sample_rate), peak_of(audio)
    if math.isinf(heard) or not peak:
        _fill(gain, _AS_IT_IS, 0)
        return gain
    most = CEILING - 20 * math.log10(peak) + MOST_LIMITING
    wanted = decibels = min(target - heard, most)
    before = _mean_square(audio)
    for _ in range(_MOST_RUNS):
        _limit(audio, np.float32(10 ** (decibels / 20)), sample_rate, gain)
        # The power of all tones alike tells what is lost to within 0.1 LU, for a tenth of what hearing it anew costs.
        lost = wanted + 10 * math.log10(before / max(_mean_square(audio, gain), 1e-20))
        if lost <= _NEAR_ENOUGH or decibels >= most:
            break
        decibels = min(decibels + _LOST_AGAIN * lost, most)
    return gain


def _fill(gain: Store, value: np.float32, begin: int) -> None:
    """Write `value` into all samples from `begin` on."""
    for span in spans_of(len(gain) - begin):
        gain[begin + span.start : begin + span.stop] = np.full(span.stop - span.start, value, np.float32)


def _mean_square(audio: Samples, gain: Samples | None = None) -> float:
    """The mean of the squares of all samples of `audio`, (n_sample, 2), times `gain`, (n_sample,).

    Halves are added as `np.mean` does it: the same digits come out as of an array.
    """

    def added(begin: int, end: int) -> np.float32:
        n_value = 2 * (end - begin)
        if n_value > _ADDED_AT_ONCE:
            middle = begin + (n_value // 2 - n_value // 2 % 8) // 2
            return np.float32(added(begin, middle) + added(middle, end))
        part = audio[begin:end]
        return np.float32(np.square(part if gain is None else part * gain[begin:end][:, np.newaxis]).sum())

    return float(np.float32(float(added(0, len(audio))) / max(1, 2 * len(audio))))


def _powers_of_hops(audio: NDArray[np.floating] | Samples, sample_rate: int) -> Iterator[NDArray[np.float64]]:
    """The mean power of all channels, as the ear hears it, in one hop after another; a last begun one is left out."""
    hop, warm_up = round(_HOP * sample_rate), round(_WARM_UP * sample_rate)
    n_hop = max(1, len(audio) // hop) if len(audio) else 0
    at_once = round(_CHUNK / _HOP)
    for first in range(0, n_hop, at_once):
        begin, end = first * hop, min((first + at_once) * hop, n_hop * hop, len(audio))
        before = min(begin, warm_up)
        filtered = _as_heard(audio[begin - before : end], sample_rate)[before:]
        power = np.square(filtered, dtype=np.float64).sum(axis=1)
        yield power.reshape(-1, min(hop, len(power))).mean(axis=1)


def _as_heard(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.floating]:
    """Behind the standard's two filters, (n_sample, n_channel); before the first sample there is silence."""
    n = len(audio) + round(_WARM_UP * sample_rate)  # so that the end does not come back at the beginning
    spectra = np.fft.rfft(audio, n, axis=0) * response_of_the_ear(n, sample_rate)[:, None]
    return np.asarray(np.fft.irfft(spectra, n, axis=0)[: len(audio)])


@lru_cache(maxsize=4)  # a piece is heard several times in chunks of one length, sounds in windows of another
def response_of_the_ear(n: int, sample_rate: int) -> NDArray[np.complex64]:
    """(n // 2 + 1,) what both filters do to each frequency of `n` samples."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(n))
    return (_response(_shelf(sample_rate), z) * _response(_high_pass(sample_rate), z)).astype(np.complex64)


Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]


def _shelf(sample_rate: int) -> Biquad:
    """The first filter: high tones are louder, as a head makes them."""
    frequency, decibels, quality = _SHELF
    k = math.tan(math.pi * frequency / sample_rate)
    high = 10 ** (decibels / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / quality + k * k
    numerator = (high + band * k / quality + k * k, 2 * (k * k - high), high - band * k / quality + k * k)
    return _over(numerator, a0), _over((a0, 2 * (k * k - 1), 1 - k / quality + k * k), a0)


def _high_pass(sample_rate: int) -> Biquad:
    """The second filter: very low tones are hardly heard."""
    frequency, quality = _HIGH_PASS
    k = math.tan(math.pi * frequency / sample_rate)
    a0 = 1 + k / quality + k * k
    return (1.0, -2.0, 1.0), _over((a0, 2 * (k * k - 1), 1 - k / quality + k * k), a0)


def _over(coefficients: tuple[float, float, float], divisor: float) -> tuple[float, float, float]:
    a, b, c = coefficients
    return a / divisor, b / divisor, c / divisor


def _response(biquad: Biquad, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """What the filter does to each frequency; `z` is e^-iw of each."""
    (b0, b1, b2), (a0, a1, a2) = biquad
    return np.asarray((b0 + b1 * z + b2 * z * z) / (a0 + a1 * z + a2 * z * z))


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _limit(audio: Samples, factor: np.float32, sample_rate: int, gain: Store) -> None:
    """Write into `gain` what makes `audio` louder by `factor`, with its peaks held below the ceiling by a limiter."""
    filters = (("aresample", str(_OVERSAMPLING * sample_rate)), ("alimiter", _LIMITER))
    n_seen = n_done = 0
    for part in _through(filters, audio, sample_rate, factor=factor, probe=_PROBE):
        # The factors change slowly: of four finer samples one is enough.
        held_back = part[-n_seen % _OVERSAMPLING :: _OVERSAMPLING, 2][: len(audio) - n_done] / np.float32(_PROBE)
        gain[n_done : n_done + len(held_back)] = factor * np.minimum(held_back, _AS_IT_IS)
        n_done += len(held_back)
        n_seen += len(part)
    _fill(gain, factor, n_done)


def _through(
    filters: Sequence[tuple[str, str]],
    audio: Samples,
    sample_rate: int,
    *,
    factor: np.float32 = _AS_IT_IS,
    probe: float | None = None,
) -> Iterator[NDArray[np.float32]]:
    """What FFmpeg's filters make of `audio`, (n_sample, 2), times `factor`, part by part, (n, 2).

    With a `probe` a third channel has this value throughout.
    """
    from av import AudioFrame
    from av.error import BlockingIOError as NothingYet
    from av.error import EOFError as TheEnd
    from av.filter import Graph

    layout = "stereo" if probe is None else "3.0"
    graph = Graph()
    chain = [
        graph.add_abuffer(sample_rate=sample_rate, format="fltp", layout=layout, time_base=Fraction(1, sample_rate)),
        *(graph.add(name, settings) for name, settings in filters),
        graph.add("aformat", "sample_fmts=fltp"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*chain).configure()

    def drain() -> Iterator[NDArray[np.float32]]:
        while True:
            try:
                frame = chain[-1].pull()
            except (NothingYet, TheEnd):
                return
            assert isinstance(frame, AudioFrame)
            yield frame.to_ndarray().T.astype(np.float32)

    for begin in range(0, len(audio), sample_rate):
        block = factor * audio[begin : begin + sample_rate].T
        if probe is not None:
            block = np.concatenate([block, np.full((1, block.shape[1]), probe, np.float32)])
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, begin, Fraction(1, sample_rate)
        chain[0].push(frame)
        yield from drain()
    chain[0].push(None)
    yield from drain()
