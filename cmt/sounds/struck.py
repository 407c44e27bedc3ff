"""The sounds of an instant: impacts, hits, ticks, sub drops, whooshes, and what rises and falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cmt.sounds.event import KINDS, VARIANTS, SoundEvent
from cmt.sounds.signals import (
    Samples,
    band,
    decay,
    driven,
    falling,
    glide,
    modes,
    noise,
    panned,
    slowly,
    smooth_ends,
    swept_noise,
    wide_noise,
)

LN2 = math.log(2)
"""Of what falls to a share 1 / e in some seconds, the share of them in which it falls to a half."""
LOW_C = 32.703
"""Hz of the lowest C of a piano but one: pitched sounds have the music's tonic in the octave from there."""
_BODIES = (
    ((1.0, 1.59, 2.14, 2.65, 3.16), 0.05),  # a skin
    ((1.0, 2.76, 5.40, 8.93), 0.035),  # a bar of wood
    ((1.0, 1.47, 2.09, 2.56, 3.93, 5.12), 0.11),  # a plate
    ((1.0, 2.0, 3.01, 4.1), 0.045),  # a tube
    ((1.0, 1.34, 1.89, 2.31, 2.97), 0.03),  # a box
)
"""The ratios of the tones of a struck body, and the seconds in which its lowest is half as loud."""
_HEIGHTS = (140.0, 260.0, 330.0, 190.0, 110.0)
"""Hz of the lowest tone of each body."""


class Maker:
    """Makes one sound: its draws, its size, its tonic."""

    def __init__(self, event: SoundEvent, sample_rate: int, tonic: int, seed: int) -> None:
        """`tonic` is a pitch class, 0 to 11; it tunes what is pitched."""
        self.event = event
        self.rate = sample_rate
        self.n = max(16, round(event.length * sample_rate))
        self.make = event.variant % VARIANTS
        self.rng = np.random.default_rng([seed, event.variant, tuple(KINDS).index(event.kind)])
        self.root = LOW_C * 2 ** (tonic / 12)

    def near(self, value: float, share: float = 0.08) -> float:
        """The value, a little off by chance."""
        return float(value * np.exp(self.rng.uniform(-share, share)))

    def click(self, low: float, high: float, half: float) -> Samples:
        """(n,) a short burst of noise: what strikes."""
        m = min(self.n, int(14 * half * self.rate) + 16)
        burst = np.zeros(self.n, np.float32)
        burst[:m] = noise(self.rng, m, self.rate, band(low, high)) * decay(m, self.rate, half)
        return burst

    def tail(self, low: float, high: float, half: float) -> Samples:
        """(n, 2) noise that dies away on both sides: the room around it."""
        room = wide_noise(self.rng, self.n, self.rate, band(low, high, -3.0))
        return room * decay(self.n, self.rate, half, attack=0.012)[:, None]


def _impact(maker: Maker) -> Samples:
    """A blow: a click, a body, a low tone that falls to the tonic, and a room."""
    n, rate = maker.n, maker.rate
    low = maker.root if maker.root > 40 else 2 * maker.root
    fall = low * (1 + maker.near(2.2) * falling(n, rate, 0.035 * LN2))
    thump = driven(glide(n, rate, fall) * decay(n, rate, maker.near(0.13), 0.002), 1.6)
    body = _BODIES[maker.make][0]
    height = maker.near(_HEIGHTS[maker.make])
    ring = modes(n, rate, [height * r for r in body], [1 / (1 + k) for k in range(len(body))], [0.09] * len(body))
    core = 0.7 * thump + 0.3 * ring + 0.6 * maker.click(800, 7000, 0.007) + 0.9 * maker.click(150, 1800, 0.04)
    wide = 0.22 * maker.tail(180, maker.near(2500, 0.3), maker.near(0.18, 0.2))
    return panned(driven(core, 2.5), 0.5 * maker.event.pan) + wide


def _hit(maker: Maker) -> Samples:
    """A body that is struck."""
    n, rate = maker.n, maker.rate
    body, half = _BODIES[maker.make]
    height = maker.near(_HEIGHTS[maker.make], 0.15)
    halves = [1.7 * half / (1 + 0.35 * k) for k in range(len(body))]
    ring = modes(n, rate, [height * r for r in body], [1 / (1 + 0.7 * k) for k in range(len(body))], halves)
    core = 0.7 * ring + 0.5 * maker.click(1200, 9000, 0.005) + 0.6 * maker.click(200, 2500, 0.03)
    return panned(driven(core, 2.5), maker.event.pan) + 0.12 * maker.tail(250, 4000, maker.near(0.07, 0.2))


def _tick(maker: Maker) -> Samples:
    """Something small."""
    n, rate = maker.n, maker.rate
    height = maker.near((700.0, 1150.0, 1600.0, 900.0, 1350.0)[maker.make], 0.1)
    ring = modes(n, rate, [height, 2.7 * height], [0.5, 0.25], [0.018, 0.009])
    core = ring + 0.6 * maker.click(1500, 10_000, 0.004)
    return panned(driven(core, 1.6), maker.event.pan) + 0.03 * maker.tail(600, 6000, 0.03)


def _sub_drop(maker: Maker) -> Samples:
    """A low tone that falls onto the tonic."""
    n, rate = maker.n, maker.rate
    low = maker.root if maker.root > 38 else 2 * maker.root
    fall = low * (1 + maker.near(1.3, 0.2) * falling(n, rate, maker.near(0.16, 0.2) * LN2))
    tone = glide(n, rate, fall)
    swell = decay(n, rate, 0.28 * maker.event.length, 0.012)
    core = driven(tone * swell, 2.2) + 0.12 * maker.click(100, 900, 0.02)
    return panned(core, 0.0) + 0.04 * maker.tail(120, 700, 0.2)


def _passing(maker: Maker, peak: float, rise: float, fall: float) -> Samples:
    """(n,) the loudness of what comes, passes at a share of its length, and goes."""

    def near(times: NDArray[np.float64]) -> NDArray[np.float64]:
        t = times / maker.event.length - peak
        return np.asarray(np.exp2(np.where(t < 0, t * rise, -t * fall)))

    return slowly(maker.n, maker.rate, near)


def _moving(maker: Maker) -> Samples:
    """(n,) where it is: from the side it comes from to the one it goes to."""
    way = maker.event.pan / np.tanh(2.5)
    return slowly(maker.n, maker.rate, lambda times: way * np.tanh(5 * (times / maker.event.length - 0.5)))


def _whoosh(maker: Maker) -> Samples:
    """Air that passes: bright where it is near."""
    top = maker.near((1800.0, 2600.0, 1200.0, 3400.0, 900.0)[maker.make], 0.15)
    near = _passing(maker, 0.5, 9.0, 9.0)
    centre = top * (0.25 + 0.75 * near)
    air = swept_noise(maker.rng, maker.n, maker.rate, centre, 1.1)
    speed, begin = 2 * np.pi * maker.near(9.0, 0.3), maker.rng.uniform(0, 6)
    flutter = slowly(maker.n, maker.rate, lambda times: 1 + 0.15 * np.sin(speed * times + begin))
    return panned(air * (near * flutter)[:, None], _moving(maker))


def _swish(maker: Maker) -> Samples:
    """A short whoosh into an instant, with a soft stroke there: the sound of a cut."""
    n, rate = maker.n, maker.rate
    top = maker.near((2400.0, 3600.0, 1600.0, 4600.0, 3000.0)[maker.make], 0.15)
    near = _passing(maker, 0.5, 11.0, 16.0)
    air = swept_noise(maker.rng, n, rate, top * (0.2 + 0.8 * near), 1.0)
    sound = 0.55 * panned(air * near[:, None], _moving(maker))
    middle = n // 2
    stroke = np.zeros(n, np.float32)
    after = n - middle
    low = maker.near(70.0, 0.15) * (1 + 1.2 * falling(after, rate, 0.03 * LN2))
    stroke[middle:] = 0.8 * glide(after, rate, low) * decay(after, rate, 0.06, 0.002)
    m = min(after, int(0.2 * rate))
    stroke[middle : middle + m] += noise(maker.rng, m, rate, band(900, 9000)) * decay(m, rate, 0.014)
    stroke[middle : middle + m] += 0.8 * noise(maker.rng, m, rate, band(180, 1500)) * decay(m, rate, 0.025)
    return sound + panned(driven(stroke, 1.4), 0.3 * maker.event.pan)


def _riser(maker: Maker) -> Samples:
    """Noise and a tone that climb to an instant, where the tone has reached the tonic."""
    n, rate = maker.n, maker.rate
    length = maker.event.length
    swell = slowly(n, rate, lambda times: (times / length) ** 1.8)
    air = swept_noise(maker.rng, n, rate, slowly(n, rate, lambda t: 300.0 * 2 ** (4.2 * (t / length) ** 1.3)), 1.0)
    octaves = (2.0, 1.0, 1.0, 2.0, 1.5)[maker.make]
    curve = slowly(n, rate, lambda times: maker.root * 8 * 2 ** (octaves * ((times / length) ** 1.5 - 1)))
    left, right = glide(n, rate, curve * 0.9985), glide(n, rate, curve * 1.0015)
    tone = np.column_stack([left, right]) + 0.4 * glide(n, rate, 1.5 * curve)[:, None]
    return np.asarray((0.6 * air + 0.22 * tone) * swell[:, None], np.float32)


def _downlifter(maker: Maker) -> Samples:
    """Noise and a tone that fall from an instant on."""
    n, rate = maker.n, maker.rate
    left = slowly(n, rate, lambda times: np.maximum(1 - times / maker.event.length, 0))
    fade = decay(n, rate, 0.28 * maker.event.length, 0.01) * left
    air = swept_noise(maker.rng, n, rate, 200.0 * 2 ** (4.4 * left**1.4), 1.0)
    curve = maker.root * 2 ** (3.0 * left**1.5 + 1)
    tone = glide(n, rate, curve)
    return np.asarray((0.6 * air + 0.25 * tone[:, None]) * fade[:, None], np.float32)


def _cymbal(maker: Maker) -> Samples:
    """(n, 2) metal that is struck: many tones that fit nowhere, and bright noise."""
    n, rate = maker.n, maker.rate
    heights = np.exp(maker.rng.uniform(np.log(900.0), np.log(9000.0), 24))
    halves = 0.35 * maker.event.length * (1200.0 / heights) ** 0.35
    ring = modes(n, rate, heights.tolist(), [0.12] * 24, np.minimum(halves, maker.event.length).tolist())
    bright = wide_noise(maker.rng, n, rate, band(3000 * (1 + 0.2 * maker.make), 13_000))
    return 0.5 * bright * decay(n, rate, 0.16 * maker.event.length)[:, None] + ring[:, None]


def _reverse_cymbal(maker: Maker) -> Samples:
    """A cymbal that is played backwards into an instant."""
    return np.ascontiguousarray(_cymbal(maker)[::-1])


_MAKERS: Mapping[str, Callable[[Maker], Samples]] = {
    "impact": _impact,
    "hit": _hit,
    "tick": _tick,
    "sub drop": _sub_drop,
    "whoosh": _whoosh,
    "swish": _swish,
    "riser": _riser,
    "downlifter": _downlifter,
    "reverse cymbal": _reverse_cymbal,
}
_SLOPES: Mapping[str, tuple[float, float]] = {
    "impact": (0.0, 0.3),
    "hit": (0.0, 0.1),
    "tick": (0.0, 0.05),
    "sub drop": (0.0, 0.4),
    "whoosh": (0.12, 0.2),
    "swish": (0.1, 0.2),
    "riser": (0.15, 0.008),
    "downlifter": (0.002, 0.3),
    "reverse cymbal": (0.15, 0.008),
}
"""Seconds of the slopes at the ends of each kind."""


def struck_sound(event: SoundEvent, sample_rate: int, tonic: int, seed: int = 0) -> Samples:
    """(n, 2) the sound of an event that is no bed, its loudest sample 1; the same arguments give the same samples.

    Parameters
    ----------
    tonic
        The pitch class of the music's key, 0 to 11, on which pitched sounds end.
    """
    sound = _MAKERS[event.kind](Maker(event, sample_rate, tonic, seed))
    begin, end = _SLOPES[event.kind]
    sound = smooth_ends(sound, sample_rate, min(begin, event.length / 4), min(end, event.length / 3))
    sound /= np.float32(np.abs(sound).max(initial=1e-9))
    return sound
