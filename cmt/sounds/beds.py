"""The sounds under a scene: rooms, air, wind, rain, surf, traffic, people, fire. Loops of noise that swell for ever.

A bed is noise of its own colours, in loops without a seam and of lengths that do not go together, each louder and
softer along slow curves that never come again in a scene. Any part of it can be had alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.sounds.event import KINDS, SoundEvent
from cmt.sounds.signals import Samples, band, fast_length, noise

_KNOTS = 97
"""Values of a slow curve, until it begins anew."""
SLOPE = 0.1
"""Seconds in which a bed comes and goes."""


class _Layer(NamedTuple):
    """One noise of a bed."""

    low: float
    high: float
    slope: float = -3.0
    """dB an octave."""
    gain: float = 1.0
    depth: float = 0.2
    """How much of it comes and goes, 0..1."""
    every: float = 2.0
    """Seconds from one value of its slow curve to the next."""
    loop: float = 2.9
    """Seconds of its loop, about."""
    grains: float = 0.0
    """Drops or crackles a second; 0 is smooth noise."""


_BEDS: Mapping[str, tuple[_Layer, ...]] = {
    "room": (_Layer(40, 250, -4, 1.0, 0.1, 3.0), _Layer(300, 3000, -5, 0.25, 0.1, 4.0, 3.7)),
    "air": (_Layer(120, 1200, -5, 1.0, 0.35, 2.6), _Layer(1500, 9000, -2, 0.16, 0.5, 1.7, 3.7)),
    "wind": (
        _Layer(60, 300, -3, 0.8, 0.5, 1.9),
        _Layer(280, 700, 0, 0.6, 0.9, 1.3, 3.7),
        _Layer(700, 1900, -1, 0.22, 0.95, 0.9, 2.3),
    ),
    "rain": (_Layer(700, 9000, -1, 0.7, 0.15, 2.0), _Layer(1800, 9000, 0, 0.7, 0.1, 2.0, 3.7, 260.0)),
    "surf": (
        _Layer(60, 400, -3, 0.7, 0.8, 2.9),
        _Layer(300, 2500, -3, 0.7, 0.95, 2.2, 3.7),
        _Layer(2000, 9000, -3, 0.22, 0.95, 1.6, 2.3),
    ),
    "under water": (_Layer(40, 260, -3, 1.0, 0.5, 1.7), _Layer(250, 800, -5, 0.25, 0.8, 0.6, 3.7)),
    "traffic": (
        _Layer(45, 220, -3, 1.0, 0.4, 2.7),
        _Layer(250, 1600, -5, 0.4, 0.8, 2.1, 3.7),
        _Layer(1600, 6000, -4, 0.08, 0.9, 2.9, 2.3),
    ),
    "crowd": (_Layer(250, 900, -2, 1.0, 0.5, 0.31), _Layer(900, 2600, -3, 0.5, 0.8, 0.17, 3.7)),
    "fire": (_Layer(50, 300, -3, 0.8, 0.4, 0.5), _Layer(1500, 9000, -1, 0.6, 0.2, 1.0, 3.7, 14.0)),
    "hum": (_Layer(40, 140, -6, 1.0, 0.3, 3.1), _Layer(140, 500, -6, 0.15, 0.6, 2.3, 3.7)),
}


class Bed:
    """A bed that can be had from any sample to any other."""

    def __init__(self, event: SoundEvent, loops: Sequence[Samples], sample_rate: int, seed: int = 0) -> None:
        """`loops` are those of `bed_loops` for its kind."""
        self._n = max(1, round(event.length * sample_rate))
        self._rate = sample_rate
        rng = np.random.default_rng([seed, event.variant, tuple(KINDS).index(event.kind)])
        self._layers = _BEDS[event.kind]
        self._loops = loops
        self._curves = [rng.uniform(-1, 1, (2, _KNOTS)) for _ in self._layers]
        total = np.sqrt(sum(layer.gain**2 for layer in self._layers))
        self._scale = 1 / total

    def block(self, begin: int, end: int) -> Samples:
        """(end - begin, 2) its samples, root mean square about 1; silence before its begin and after its end."""
        made = np.zeros((end - begin, 2), np.float32)
        first, last = max(begin, 0), min(end, self._n)
        if last <= first:
            return made
        index = np.arange(first, last)
        inside = made[first - begin : last - begin]
        for layer, loop, curves in zip(self._layers, self._loops, self._curves, strict=True):
            inside += self._swell(layer, curves, index) * loop[index % len(loop)]
        slope = min(SLOPE, self._n / self._rate / 3) * self._rate
        ends = np.minimum(np.minimum(index + 1, self._n - index) / max(1.0, slope), 1.0)
        inside *= (self._scale * np.sin(ends * np.pi / 2) ** 2).astype(np.float32)[:, None]
        return made

    def _swell(self, layer: _Layer, curves: NDArray[np.float64], index: NDArray[np.int64]) -> Samples:
        """(n, 2) how loud a layer is at each sample; both sides go mostly together."""
        # A value every hundredth of a second is enough: it is slow.
        step = max(1, self._rate // 100)
        coarse = np.arange(index[0] // step, index[-1] // step + 2)
        where = coarse * step / self._rate / layer.every
        knot = np.floor(where).astype(int)
        share = 0.5 - 0.5 * np.cos(np.pi * (where - knot))
        both = [row[knot % _KNOTS] * (1 - share) + row[(knot + 1) % _KNOTS] * share for row in curves]
        sides = (0.85 * both[0] + 0.3 * both[1], 0.85 * both[0] - 0.3 * both[1])
        gains = [
            np.interp(index / step, coarse, layer.gain * np.exp2(2.2 * layer.depth * (np.clip(side, -1, 1) - 0.3)))
            for side in sides
        ]
        return np.column_stack(gains).astype(np.float32)


def bed_loops(kind: str, sample_rate: int, seed: int = 0) -> list[Samples]:
    """The loops, (n, 2) each, of which all beds of a kind are made."""
    rng = np.random.default_rng([seed, 29, tuple(KINDS).index(kind)])
    return [_loop(rng, layer, sample_rate) for layer in _BEDS[kind]]


def _loop(rng: np.random.Generator, layer: _Layer, sample_rate: int) -> Samples:
    """(n, 2) the noise of a layer, a loop, root mean square 1."""
    n = fast_length(round(layer.loop * sample_rate))
    smooth = noise(rng, n, sample_rate, band(layer.low, layer.high, layer.slope), 2)
    if not layer.grains:
        return smooth
    # Noise that is let through at single instants, each for a few milliseconds.
    gate = np.zeros((n, 2), np.float32)
    for side in range(2):
        places = rng.integers(0, n, int(layer.grains * n / sample_rate))
        np.add.at(gate[:, side], places, rng.exponential(1.0, len(places)).astype(np.float32))
    half = 0.0025 if layer.grains > 50 else 0.006
    m = int(10 * half * sample_rate)
    shape = np.zeros(n, np.float32)
    shape[:m] = 2.0 ** (-np.arange(m) / (half * sample_rate)) * np.minimum(np.arange(m) / (0.0004 * sample_rate), 1.0)
    spectrum = np.fft.rfft(shape)[:, None]
    gate = np.fft.irfft(np.fft.rfft(gate, axis=0) * spectrum, n, axis=0).astype(np.float32)
    made = smooth * gate
    made /= np.sqrt(np.mean(np.square(made))) + 1e-12
    return np.asarray(made, np.float32)
