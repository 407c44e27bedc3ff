"""The sound of movement: strokes of air, cloth, leaves, water, gravel or metal, each loudest on its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.sounds.event import KINDS, LEAD, TAIL, SoundEvent, Stroke
from cmt.sounds.signals import Samples, Shape, band, fast_length, noise, panned

LOOP = 2.3
"""Seconds of the noise that strokes are cut from, about."""
RISE = 0.018
"""Seconds in which a stroke goes up by `STEP`: its onset is there."""
STEP = 14.0
"""dB."""
SWELL = 0.035
"""Seconds in which what comes before is twice as loud."""
_EARLY = 0.008
"""Seconds from the middle of the rise to the instant: an ear, and a detector, takes the rise's middle."""


class _Material(NamedTuple):
    """The noise of what moves."""

    low: float
    high: float
    slope: float
    """dB an octave."""
    half: float
    """Seconds in which a stroke is half as loud."""


_MATERIALS: Mapping[str, _Material] = {
    "gust": _Material(220, 5500, -4.5, 0.06),
    "cloth": _Material(500, 8000, -3.5, 0.045),
    "leaves": _Material(1500, 11_000, -1.5, 0.06),
    "water": _Material(350, 3800, -4.0, 0.08),
    "gravel": _Material(900, 9000, -2.0, 0.035),
    "metal": _Material(700, 9000, -2.5, 0.07),
}
_RINGING = ((870.0, 1.0), (2320.0, 0.8), (3910.0, 0.6), (6170.0, 0.4))
"""Hz at which metal rings, and how loud."""


class Movement:
    """A movement that can be had from any sample to any other."""

    def __init__(
        self,
        event: SoundEvent,
        loop: Samples,
        sample_rate: int,
        gain: Callable[[Stroke, float], float],
        seed: int = 0,
    ) -> None:
        """`loop` is that of `stroke_loop`, or a user's; `gain` takes a stroke and its instant, in seconds."""
        self._n = max(1, round(event.length * sample_rate))
        self._rate, self._loop = sample_rate, loop
        rng = np.random.default_rng([seed, event.variant, tuple(KINDS).index(event.kind)])
        strokes = event.strokes or (Stroke(min(LEAD, event.length / 2), event.strength, event.pan),)
        self._shape = stroke_shape(event.kind, sample_rate)
        self._strokes = [(stroke, gain(stroke, event.time + stroke.at)) for stroke in strokes]
        self._places = rng.integers(0, len(loop), len(strokes))

    def block(self, begin: int, end: int) -> Samples:
        """(end - begin, 2) its samples; silence before its begin and after its end."""
        made = np.zeros((end - begin, 2), np.float32)
        shape = self._shape
        before = round(LEAD * self._rate)
        for (stroke, gain), place in zip(self._strokes, self._places.tolist(), strict=True):
            first = round(stroke.at * self._rate) - before
            a, b = max(begin, first, 0), min(end, first + len(shape), self._n)
            if b <= a:
                continue
            index = np.arange(place + a - first, place + b - first) % len(self._loop)
            sound = self._loop[index] * (np.float32(gain) * shape[a - first : b - first, None])
            made[a - begin : b - begin] += panned(sound, 0.6 * stroke.pan)
        return made


@lru_cache(maxsize=len(_MATERIALS))
def stroke_shape(kind: str, sample_rate: int) -> Samples:
    """(n,) how loud a stroke is from `LEAD` seconds before its instant to `TAIL` after: a swell, a rise, a fall."""
    times = np.arange(-round(LEAD * sample_rate), round(TAIL * sample_rate)) / sample_rate + _EARLY
    swell = 10 ** (-STEP / 20) * np.exp2(np.minimum(times, 0) / SWELL)
    rise = np.clip(times / RISE + 0.5, 0, 1)
    fall = np.exp2(-np.maximum(times - RISE / 2, 0) / _MATERIALS[kind].half)
    shape = (swell + (1 - swell) * (0.5 - 0.5 * np.cos(np.pi * rise))) * fall
    m = round(0.03 * sample_rate)
    ends = 0.5 - 0.5 * np.cos(np.pi * (np.arange(m) + 0.5) / m)
    shape[:m] *= ends
    shape[-m:] *= ends[::-1]
    made = np.asarray(shape, np.float32)
    made.flags.writeable = False
    return made


def stroke_loop(kind: str, sample_rate: int, seed: int = 0) -> Samples:
    """(n, 2) the noise of a kind of movement, a loop, root mean square 1."""
    rng = np.random.default_rng([seed, 31, tuple(KINDS).index(kind)])
    material = _MATERIALS[kind]
    n = fast_length(round(LOOP * sample_rate))
    shape = band(material.low, material.high, material.slope)
    return noise(rng, n, sample_rate, _ringing(shape) if kind == "metal" else shape, 2)


def _ringing(shape: Shape) -> Shape:
    """Noise of a shape whose tones of metal stand out."""

    def ringing(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        peaks = sum(gain * np.exp(-(((frequencies - middle) / (0.03 * middle)) ** 2)) for middle, gain in _RINGING)
        return np.asarray(shape(frequencies) * (0.25 + peaks))

    return ringing
