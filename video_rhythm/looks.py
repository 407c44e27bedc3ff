"""What a picture looks like in a few numbers: how light, how coloured, how warm, how flat.

They are taken from the small pictures in colour that are made of a video anyway.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

FIRST_STEP = 0.5
"""The seconds between two looks at the beginning; longer in a long video."""
MOST = 512
"""At most this many are kept; then every second one goes and the step is doubled."""
EVERY = 4
"""Every fourth pixel of every fourth row tells of light and colour."""
N_LEVEL = 4
"""The colour histogram has so many levels of red, of green and of blue."""
LEAST_CHROMA = 0.08
"""A pixel whose chroma is below this has no hue that anybody would name."""
FLAT = 1
"""Neighbouring pixels that differ by at most this many grey levels, of 255, are one plain area."""
DARKEST_BAR = 20
"""Rows and columns at the edge of which no pixel is lighter than this many grey levels are a letterbox's bars."""
WARM, COLD = (330.0, 75.0), (150.0, 285.0)
"""The hues, in degrees from one over 0 to the other, that are called warm and cold: red to yellow, cyan to violet."""


class Look(NamedTuple):
    """A picture in numbers; bars of a letterbox do not count."""

    time: float
    """Seconds from the first picture."""
    luminance: float
    """The mean luma (Rec. 709, as coded), 0 (black) to 1 (white)."""
    contrast: float
    """The standard deviation of the luma, 0..0.5."""
    saturation: float
    """The mean chroma, 0..1: the largest of red, green and blue less the smallest, which is HSV's saturation times its
    value, so that dark pixels count little."""
    warmth: float
    """The share of the chroma in warm hues less that in cold ones, -1..1; 0 without colour."""
    flatness: float
    """The share of neighbouring pixels that are alike, 0..1: drawings and screens have plain areas, cameras do not."""
    mean_colour: tuple[float, float, float]
    """The mean of red, green and blue, 0..1."""
    hues: NDArray[np.float32]
    """(12,) the mean chroma in each twelfth of the circle of hues, red in the middle of the first."""
    histogram: NDArray[np.float32]
    """(64,) the shares of pixels near each of 4 x 4 x 4 colours."""


def look_of(time: float, colours: NDArray[np.uint8]) -> Look:
    """The look of a picture (rows, columns, 3) in red, green and blue, shown from `time` (seconds) on."""
    colours = _without_bars(colours)
    levels = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).astype(np.int16)
    steps = [np.abs(np.diff(levels, axis=axis)) <= FLAT for axis in (0, 1)]
    pixels = colours[::EVERY, ::EVERY].reshape(-1, 3).astype(np.float32) / np.float32(255)
    luma = (pixels.astype(np.float64) * (0.2126, 0.7152, 0.0722)).sum(axis=1)
    hue, chroma = _hue_and_chroma(pixels)
    coloured = np.where(chroma >= LEAST_CHROMA, chroma, 0)
    warm, cold = (float(coloured[_between(hue, limits)].sum(dtype=np.float64)) for limits in (WARM, COLD))
    hues = np.bincount((np.floor(hue / 30 + 0.5) % 12).astype(int), coloured, 12) / len(pixels)
    red, green, blue = (float(value) for value in pixels.mean(axis=0, dtype=np.float64))
    return Look(
        time=time,
        luminance=float(luma.mean()),
        contrast=float(luma.std()),
        saturation=float(chroma.mean(dtype=np.float64)),
        warmth=(warm - cold) / max(float(coloured.sum(dtype=np.float64)), 1e-9),
        flatness=float(np.mean([step.mean() if step.size else 1.0 for step in steps])),
        mean_colour=(red, green, blue),
        hues=hues.astype(np.float32),
        histogram=_histogram(pixels),
    )


class LookKeeper:
    """Takes in small pictures of a video one by one and keeps the looks of 512 at most, evenly spread."""

    def __init__(self) -> None:
        self._kept: list[Look] = []
        self._step = FIRST_STEP

    def wants(self, time: float) -> bool:
        """Whether the picture shown from `time` (seconds) on is one to look at."""
        return not self._kept or time >= self._kept[-1].time + self._step - 1e-6

    def take(self, time: float, colours: NDArray[np.uint8]) -> None:
        """Look at a picture (rows, columns, 3) in red, green and blue."""
        self._kept.append(look_of(time, colours))
        if len(self._kept) > MOST:
            self._kept = self._kept[::2]
            self._step *= 2

    def looks(self) -> tuple[Look, ...]:
        """What was kept so far, in order of time."""
        return tuple(self._kept)


def _without_bars(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without black bars at its edges; a black picture as it is."""
    light = colours.max(axis=2) > DARKEST_BAR
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    if len(rows) < 2 or len(columns) < 2:
        return colours
    return np.ascontiguousarray(colours[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _hue_and_chroma(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(pixel,) the hue in degrees, 0..360, and the chroma, 0..1, of (pixel, 3)."""
    values = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2HSV)[0]
    return values[:, 0], values[:, 1] * values[:, 2]


def _between(hue: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.bool_]:
    first, last = limits
    return (hue >= first) & (hue < last) if first < last else (hue >= first) | (hue < last)


def _histogram(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N_LEVEL ** 3,) where (pixel, 3) lie among colours.

    Each pixel is shared by the levels on both sides of it, so that a little more light changes little.
    """
    places = pixels * (N_LEVEL - 1)
    low = np.minimum(places.astype(int), N_LEVEL - 2)
    high_share = places - low
    histogram = np.zeros(N_LEVEL**3)
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, high_share, 1 - high_share), axis=1)
        index = (low + corner) @ np.array([N_LEVEL**2, N_LEVEL, 1])
        histogram += np.bincount(index, share, N_LEVEL**3)
    return (histogram / len(pixels)).astype(np.float32)
