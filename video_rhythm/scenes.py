"""A video told as scenes: shots that belong together, what they look like, how fast they are, and which come again.

A shot lasts from one cut, or middle of a fade, to the next. Shots side by side that look alike are one scene, and so is
a shot that is too short to be one with the neighbour that looks more like it. Looks are compared by the intersection
of colour histograms (Swain & Ballard, Color Indexing, International Journal of Computer Vision 7, 1991), which knows
nothing of where things stand: the same place from elsewhere, or with somebody in it, still is that place. It does not
know places apart that have the same colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .beats import VisualBeat
from .fades import Fade
from .flow import FlowSeries
from .looks import Look

SHORTEST = 2.0
"""No scene lasts fewer seconds than this, but for a whole video that does."""
SAME_PLACE = 0.25
"""Scenes are the same place if at most this share of their pixels has another colour."""
LEAST_SATURATION = 0.06
"""A scene with less mean chroma than this is called by its light: black, grey, white."""
BLACK, WHITE = 0.12, 0.8
"""Below and above these luminances a scene without colour is black or white."""
BROWN = 0.35
"""An orange that is darker than this luminance is called brown."""
HUES = (
    "red", "orange", "yellow", "lime", "green", "turquoise",
    "cyan", "azure", "blue", "violet", "magenta", "pink",
)  # fmt: skip
"""The words for the twelfths of the circle of hues."""
AROUND = 5.0
"""The cuts of this many seconds on each side count for a scene's own pace."""


class Sight(NamedTuple):
    """What is to be seen."""

    word: str
    """One of `video_rhythm.kinds.WORDS`, or a user's own."""
    certainty: float
    """The mean probability of it by the network, 0..1; 1 where the user says it."""


class Scene(NamedTuple):
    """A part of a video that is one place for the eye."""

    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture."""
    luminance: float
    """The mean luma of its pictures, 0 (black) to 1 (white)."""
    contrast: float
    """The mean of their standard deviations of luma, 0..0.5."""
    saturation: float
    """The mean chroma, 0..1: HSV's saturation times its value."""
    warmth: float
    """The share of the chroma in warm hues less that in cold ones, -1..1."""
    flatness: float
    """The share of neighbouring pixels that are alike, 0..1; high in drawings and recordings of screens."""
    colour: str
    """The word for the hue that has most of the chroma, or black, grey, white where there is little."""
    mean_colour: tuple[float, float, float]
    """The mean of red, green and blue, 0..1."""
    n_look: int
    """The number of pictures that were looked at."""
    spread: float
    """How far its pictures lie from their mean, as a share of their pixels, 0..1: 0 where all look the same."""
    speed: float
    """The mean speed of the motion in diagonals a second."""
    beats_per_second: float
    """Visual beats a second."""
    cuts_per_minute: float
    """Borders of shots a minute, in the scene and up to 5 s around it."""
    same_as: int | None
    """The number, from 0, of the first scene that is the same place; None for a place that is new."""
    shows: Sight | None = None
    """What is to be seen; None where that is not sure."""

    @property
    def duration(self) -> float:
        """The seconds that it lasts."""
        return self.end - self.begin


def find_scenes(
    duration: float,
    looks: Sequence[Look],
    cuts: Sequence[float],
    fades: Sequence[Fade],
    flow: FlowSeries,
    beats: Sequence[VisualBeat],
) -> tuple[Scene, ...]:
    """The scenes of a video of `duration` seconds, in order; they cover it. None where nothing was looked at."""
    if not looks:
        return ()
    borders = sorted({cut for cut in cuts if 0 < cut < duration} | {(fade.begin + fade.end) / 2 for fade in fades})
    times = np.array([look.time for look in looks])
    histograms = np.array([look.histogram for look in looks], np.float64)
    in_fade = np.zeros(len(times), bool)
    for fade in fades:
        in_fade |= (times >= fade.begin) & (times < fade.end)
    spans = _joined(borders, duration, times, histograms, in_fade)
    means = [histograms[_seen(span, times, in_fade)].mean(axis=0) for span in spans]
    starts = np.array([beat.time for beat in beats])
    scenes: list[Scene] = []
    for number, (begin, end) in enumerate(spans):
        seen = _seen((begin, end), times, in_fade)
        its = [looks[k] for k in seen]
        near = [k for k in range(number) if scenes[k].same_as is None and _apart(means[number], means[k]) <= SAME_PLACE]
        nearest = min(near, key=lambda k: _apart(means[number], means[k]), default=None)
        around = max(begin - AROUND, 0.0), min(end + AROUND, duration)
        n_cut = sum(around[0] < border < around[1] for border in borders)
        scenes.append(
            Scene(
                begin=begin,
                end=end,
                luminance=_mean(look.luminance for look in its),
                contrast=_mean(look.contrast for look in its),
                saturation=_mean(look.saturation for look in its),
                warmth=_mean(look.warmth for look in its),
                flatness=_mean(look.flatness for look in its),
                colour=_colour(its),
                mean_colour=_mean_colour(its),
                n_look=len(its),
                spread=_mean(_apart(histograms[k], means[number]) for k in seen),
                speed=float(flow.mean_speed(np.array([begin, end]))[0]),
                beats_per_second=float(((starts >= begin) & (starts < end)).sum()) / (end - begin),
                cuts_per_minute=60 * n_cut / (around[1] - around[0]),
                same_as=nearest,
            )
        )
    return tuple(scenes)


def _joined(
    borders: Sequence[float],
    duration: float,
    times: NDArray[np.float64],
    histograms: NDArray[np.float64],
    in_fade: NDArray[np.bool_],
) -> list[tuple[float, float]]:
    """The shots, those joined that are no scenes by themselves or look alike; the shortest first."""
    edges = [0.0, *borders, duration]
    spans = [(a, b) for a, b in pairwise(edges) if b > a]

    def look(span: tuple[float, float]) -> NDArray[np.float64] | None:
        seen = _seen(span, times, in_fade)
        return histograms[seen].mean(axis=0) if len(seen) else None

    means = [look(span) for span in spans]
    while len(spans) > 1:
        apart = [
            0.0 if a is None or b is None else _apart(a, b) for a, b in pairwise(means)
        ]  # what was never looked at goes with anything
        lengths = [end - begin for begin, end in spans]
        shortest = int(np.argmin(lengths))
        if lengths[shortest] < SHORTEST or means[shortest] is None:
            sides = [k for k in (shortest - 1, shortest) if 0 <= k < len(apart)]
            first = min(sides, key=lambda k: apart[k])
        else:
            first = int(np.argmin(apart))
            if apart[first] > SAME_PLACE:
                break
        spans[first : first + 2] = [(spans[first][0], spans[first + 1][1])]
        means[first : first + 2] = [look(spans[first])]
    return spans


def _seen(span: tuple[float, float], times: NDArray[np.float64], in_fade: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The numbers of the looks in a span of seconds, without those in fades if there are others."""
    inside = (times >= span[0] - 1e-6) & (times < span[1] - 1e-6)
    clear = inside & ~in_fade
    return np.flatnonzero(clear if clear.any() else inside)


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The share of pixels that two histograms do not have in common, 0..1."""
    return float(1 - np.minimum(a, b).sum())


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]


def _mean_colour(looks: Sequence[Look]) -> tuple[float, float, float]:
    red, green, blue = np.mean([look.mean_colour for look in looks], axis=0).tolist()
    return red, green, blue


def _colour(looks: Sequence[Look]) -> str:
    """The word for the colour that the eye would name."""
    luminance = _mean(look.luminance for look in looks)
    if _mean(look.saturation for look in looks) < LEAST_SATURATION:
        return "black" if luminance < BLACK else "white" if luminance > WHITE else "grey"
    word = HUES[int(np.mean([look.hues for look in looks], axis=0).argmax())]
    return "brown" if word == "orange" and luminance < BROWN else word
