"""What sounds are made of: noise of any colour, tones that ring, slide and swell. All of it in NumPy, and seeded.

Noise comes from its spectrum: magnitudes of a shape, phases by chance. So it has no mean, and its end leads into its
beginning; a bed is a loop without a seam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""(n_sample,) of one channel, or (n_sample, 2), left and right."""
Shape: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""The magnitude at each of (n,) frequencies in Hz."""
LOWEST, HIGHEST = 25.0, 16_000.0
"""Hz between which noise lies: below nothing is heard but the limiter at work, above nothing is missed."""


def band(low: float, high: float, slope: float = 0.0) -> Shape:
    """Noise between two frequencies, 12 dB an octave outside; inside, `slope` dB an octave."""

    def shape(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        f = np.maximum(frequencies, 1.0)
        # Squares of squares: a fourth power takes many times as long.
        below, above = np.square(np.square(low / f)), np.square(np.square(f / high))
        inside = 1 / np.sqrt((1 + below) * (1 + above))
        if slope:
            inside *= np.exp2(np.log2(f / np.sqrt(low * high)) * (slope / 6.02))
        return np.asarray(inside)

    return shape


def noise(rng: np.random.Generator, n: int, sample_rate: int, shape: Shape, n_channel: int = 1) -> Samples:
    """(n,) noise of a shape, or (n, 2) whose channels have nothing in common; root mean square 1, a loop."""
    fast = fast_length(n)
    step = sample_rate / fast
    first, last = int(np.ceil(LOWEST / step)), min(int(HIGHEST / step), fast // 2) + 1
    magnitudes = shape(np.arange(first, last, dtype=np.float64) * step).astype(np.float32)
    spectrum = np.zeros((n_channel, fast // 2 + 1), np.complex64)
    draws = rng.standard_normal((n_channel, last - first, 2), dtype=np.float32)
    draws *= magnitudes[:, None]
    spectrum[:, first:last] = draws.view(np.complex64)[..., 0]
    made = np.fft.irfft(spectrum, fast, axis=1)[:, :n].astype(np.float32)
    made /= np.sqrt(np.mean(np.square(made))) + 1e-12
    return made[0] if n_channel == 1 else np.ascontiguousarray(made.T)


def fast_length(n: int) -> int:
    """A length from `n` on for which the Fourier transform is fast: a product of 2, 3 and 5."""
    best = 1 << max(1, (n - 1).bit_length())
    for odd in (3, 5, 9, 15, 25, 27, 45, 75, 81, 125):
        size = odd
        while size < n:
            size *= 2
        best = min(best, size)
    return best


COARSE = 64
"""Samples from one value of what changes slowly to the next."""


def slowly(n: int, sample_rate: int, curve: Callable[[NDArray[np.float64]], NDArray[np.floating]]) -> Samples:
    """(n,) a curve of seconds that changes slowly: taken every `COARSE` samples, and straight between."""
    return between(curve(np.arange(n // COARSE + 2, dtype=np.float64) * (COARSE / sample_rate)), n)


def between(values: NDArray[np.floating], n: int) -> Samples:
    """(n,) straight lines between values that are `COARSE` samples apart; there is one at or after the last sample."""
    coarse = np.asarray(values, np.float32)
    ramp = np.arange(COARSE, dtype=np.float32) / COARSE
    return np.asarray((coarse[:-1, None] + np.diff(coarse)[:, None] * ramp).reshape(-1)[:n], np.float32)


def falling(n: int, sample_rate: int, half: float) -> Samples:
    """(n,) from 1 on, half as loud every `half` seconds."""
    # A product of two short rows: the power of every sample takes many times as long.
    blocks = np.exp2(-np.arange(n // 256 + 1) * (256 / sample_rate / half))
    inside = np.exp2(-np.arange(256) / (sample_rate * half))
    return np.asarray(np.outer(blocks.astype(np.float32), inside.astype(np.float32)).reshape(-1)[:n], np.float32)


def decay(n: int, sample_rate: int, half: float, attack: float = 0.001) -> Samples:
    """(n,) from silence to 1 in `attack` seconds, then half as loud every `half` seconds."""
    made = falling(n, sample_rate, half)
    m = min(n, int(attack * sample_rate) + 1)
    made[:m] *= np.sin(np.minimum(np.arange(m) / sample_rate / attack, 1.0) * (np.pi / 2))
    return made


def modes(
    n: int, sample_rate: int, frequencies: Sequence[float], gains: Sequence[float], halves: Sequence[float]
) -> Samples:
    """(n,) tones in Hz that ring together, each half as loud after its own seconds: a struck body."""
    total = np.zeros(n, np.float32)
    for frequency, gain, half in zip(frequencies, gains, halves, strict=True):
        if frequency < 0.45 * sample_rate:
            m = min(n, int(half * 12 * sample_rate) + 1)  # later it is below -72 dB
            turn = (2j * np.pi * frequency - np.log(2) / half) / sample_rate
            blocks, inside = np.exp(turn * 256 * np.arange(m // 256 + 1)), np.exp(turn * np.arange(256))
            ring = np.outer(blocks.astype(np.complex64), inside.astype(np.complex64)).reshape(-1)[:m].imag
            total[:m] += np.float32(gain) * ring
    return total


def glide(n: int, sample_rate: int, curve: NDArray[np.floating]) -> Samples:
    """(n,) a tone whose frequency, in Hz, follows a curve (n,)."""
    turns = np.cumsum(curve, dtype=np.float64) / sample_rate
    turns -= np.floor(turns)
    return np.asarray(np.sin(turns.astype(np.float32) * np.float32(2 * np.pi)), np.float32)


_BANK_LENGTH = 1 << 17
_OCTAVES = tuple(62.5 * 2.0**k for k in range(9))
"""Hz in the middle of the octaves of the bank, 44 to 22,600 in all."""


@lru_cache(maxsize=2)
def _bank(sample_rate: int) -> tuple[Samples, ...]:
    """(2, n) loops of noise, an octave each, that are made once: pieces of them are noise as good as any."""
    rng = np.random.default_rng(2718)
    bank = []
    for middle in _OCTAVES:
        low, high = middle / np.sqrt(2), middle * np.sqrt(2)
        made = np.ascontiguousarray(noise(rng, _BANK_LENGTH, sample_rate, band(low, high), 2).T)
        made.flags.writeable = False
        bank.append(made)
    return tuple(bank)


def _piece(rng: np.random.Generator, octave: int, n: int, sample_rate: int) -> Samples:
    """(2, n) noise of an octave, from a place by chance on."""
    loop = _bank(sample_rate)[octave]
    begin = int(rng.integers(loop.shape[1]))
    if begin + n <= loop.shape[1]:
        return loop[:, begin : begin + n]
    return np.take(loop, np.arange(begin, begin + n), axis=1, mode="wrap")


def wide_noise(rng: np.random.Generator, n: int, sample_rate: int, shape: Shape) -> Samples:
    """(n, 2) noise of about a shape, octave by octave; root mean square 1. It takes a fraction of what `noise` does."""
    gains = shape(np.array(_OCTAVES)) * np.sqrt(np.array(_OCTAVES) / _OCTAVES[0])
    gains[np.array(_OCTAVES) > 0.45 * sample_rate] = 0
    gains /= np.sqrt(np.square(gains).sum())
    total = np.zeros((2, n), np.float32)
    for octave in np.flatnonzero(gains > 0.03).tolist():
        total += np.float32(gains[octave]) * _piece(rng, octave, n, sample_rate)
    return np.ascontiguousarray(total.T)


def swept_noise(
    rng: np.random.Generator,
    n: int,
    sample_rate: int,
    centre: NDArray[np.floating],
    width: float,
) -> Samples:
    """(n, 2) noise whose middle, in Hz, follows a curve (n,), `width` octaves on each side.

    It is a bank of octaves, each as loud as the curve is near.
    """
    coarse = np.log2(centre[::COARSE])
    coarse = np.append(coarse, [coarse[-1]] * 2)
    total = np.zeros((2, n), np.float32)
    for octave, middle in enumerate(_OCTAVES):
        gains = np.exp2(-(((coarse - np.log2(middle)) / width) ** 2))
        near = np.flatnonzero(gains > 0.02)
        if gains.max() < 0.05 or middle > 0.45 * sample_rate:
            continue
        # It is heard for a part of the way only.
        first, last = max(0, int(near[0]) - 1), min(len(gains), int(near[-1]) + 3)
        begin, end = first * COARSE, min(n, (last - 1) * COARSE)
        total[:, begin:end] += _piece(rng, octave, end - begin, sample_rate) * between(gains[first:last], end - begin)
    return np.ascontiguousarray(total.T)


def driven(sound: Samples, amount: float) -> Samples:
    """The sound with soft corners: loud peaks are held, and it is fuller; at most 1."""
    peak = float(np.abs(sound).max(initial=0.0)) or 1.0
    return np.asarray(np.tanh(sound * np.float32(amount / peak)) / np.tanh(amount), np.float32)


def smooth_ends(sound: Samples, sample_rate: int, begin: float, end: float) -> Samples:
    """The sound, in place, with slopes of so many seconds at both ends: no click."""
    n = len(sound)
    for seconds, side in ((begin, 1), (end, -1)):
        m = min(n, int(seconds * sample_rate))
        if m > 0:
            slope = (0.5 - 0.5 * np.cos(np.pi * (np.arange(m) + 0.5) / m)).astype(np.float32)
            sound[::side][:m] *= slope[:, None] if sound.ndim == 2 else slope
    return sound


def panned(sound: Samples, pan: float | NDArray[np.floating]) -> Samples:
    """(n, 2) a sound at a place, or along a way (n,), -1 to 1: equal power; both channels of (n, 2) stay theirs."""
    angle = (np.clip(np.asarray(pan, np.float32), -1, 1) + 1) * np.float32(np.pi / 4)
    placed = np.empty((len(sound), 2), np.float32)
    for side, gain in enumerate((np.cos(angle), np.sin(angle))):
        np.multiply(sound if sound.ndim == 1 else sound[:, side], np.float32(np.sqrt(2)) * gain, out=placed[:, side])
    return placed
