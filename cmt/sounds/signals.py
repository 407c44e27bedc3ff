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
        inside = 1 / np.sqrt((1 + (low / f) ** 4) * (1 + (f / high) ** 4))
        tilt = (f / np.sqrt(low * high)) ** (slope / 6.02)
        return np.asarray(inside * tilt)

    return shape


def noise(rng: np.random.Generator, n: int, sample_rate: int, shape: Shape, n_channel: int = 1) -> Samples:
    """(n,) noise of a shape, or (n, 2) whose channels have nothing in common; root mean square 1, a loop."""
    fast = _fast_length(n)
    frequencies = np.fft.rfftfreq(fast, 1 / sample_rate)
    magnitudes = shape(frequencies) * ((frequencies >= LOWEST) & (frequencies <= HIGHEST))
    draws = rng.standard_normal((n_channel, 2, len(frequencies)), dtype=np.float32)
    spectrum = (draws[:, 0] + 1j * draws[:, 1]) * magnitudes.astype(np.float32)
    made = np.fft.irfft(spectrum, fast, axis=1)[:, :n].astype(np.float32)
    made /= np.sqrt(np.mean(np.square(made))) + 1e-12
    return made[0] if n_channel == 1 else np.ascontiguousarray(made.T)


def _fast_length(n: int) -> int:
    """A length from `n` on for which the Fourier transform is fast: a product of 2, 3 and 5."""
    best = 1 << max(1, (n - 1).bit_length())
    for odd in (3, 5, 9, 15, 25, 27, 45, 75, 81, 125):
        size = odd
        while size < n:
            size *= 2
        best = min(best, size)
    return best


def loop_length(n: int) -> int:
    """The length of a loop of about `n` samples that is made fast; noise of that length has no seam."""
    return _fast_length(n)


@lru_cache(maxsize=4)
def seconds_of(n: int, sample_rate: int) -> NDArray[np.float64]:
    """(n,) the time of each sample."""
    times = np.arange(n) / sample_rate
    times.flags.writeable = False
    return times


def decay(n: int, sample_rate: int, half: float, attack: float = 0.001) -> Samples:
    """(n,) from silence to 1 in `attack` seconds, then half as loud every `half` seconds."""
    t = seconds_of(n, sample_rate)
    rise = np.minimum(t / attack, 1.0)
    return np.asarray(np.sin(rise * np.pi / 2) * 2.0 ** (-t / half), np.float32)


def modes(
    n: int, sample_rate: int, frequencies: Sequence[float], gains: Sequence[float], halves: Sequence[float]
) -> Samples:
    """(n,) tones in Hz that ring together, each half as loud after its own seconds: a struck body."""
    t = seconds_of(n, sample_rate)
    total = np.zeros(n, np.float32)
    for frequency, gain, half in zip(frequencies, gains, halves, strict=True):
        if frequency < 0.45 * sample_rate:
            m = min(n, int(half * 12 * sample_rate) + 1)  # later it is below -72 dB
            ring = np.exp(t[:m] * (2j * np.pi * frequency - np.log(2) / half)).imag
            total[:m] += np.float32(gain) * ring.astype(np.float32)
    return total


def glide(n: int, sample_rate: int, curve: NDArray[np.floating]) -> Samples:
    """(n,) a tone whose frequency, in Hz, follows a curve (n,)."""
    phase = 2 * np.pi * np.cumsum(curve, dtype=np.float64) / sample_rate
    return np.sin(phase).astype(np.float32)


def swept_noise(
    rng: np.random.Generator,
    n: int,
    sample_rate: int,
    centre: NDArray[np.floating],
    width: float,
    n_channel: int = 2,
) -> Samples:
    """(n,) or (n, 2) noise whose middle, in Hz, follows a curve (n,), `width` octaves on each side.

    It is a bank of bands an octave apart, each as loud as the curve is near.
    """
    low, high = float(np.log2(centre.min())) - 1.5 * width, float(np.log2(centre.max())) + 1.5 * width
    low, high = max(low, np.log2(60.0)), min(high, np.log2(min(HIGHEST, 0.45 * sample_rate)))
    middles = np.arange(low, high + 0.9, 1.0)
    where = np.log2(centre)
    total = np.zeros((n, n_channel) if n_channel > 1 else n, np.float32)
    for middle in middles.tolist():
        gain = np.exp2(-(((where - middle) / width) ** 2)).astype(np.float32)
        if gain.max() < 0.02:
            continue
        part = noise(rng, n, sample_rate, band(2 ** (middle - 0.5), 2 ** (middle + 0.5)), n_channel)
        total += part * (gain[:, None] if n_channel > 1 else gain)
    return total


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
    angle = (np.clip(np.asarray(pan, np.float64), -1, 1) + 1) * np.pi / 4
    left, right = np.cos(angle) * np.sqrt(2), np.sin(angle) * np.sqrt(2)
    gains = np.stack(np.broadcast_arrays(left, right), axis=-1).astype(np.float32)
    return np.asarray((sound[:, None] if sound.ndim == 1 else sound) * gains, np.float32)
