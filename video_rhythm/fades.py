"""Fades and dissolves: shots that come, go, or turn into each other little by little.

Between the last picture of what was and the first of what comes, every picture of a dissolve is a blend of the
two, and the blend's share only grows; a fade is a dissolve from or to one plain colour. Motion (a pan, a
scrolled page, somebody who walks in) makes pictures between two others that no blend of them explains; a cut or
a flash goes most of the way in one picture; a change of light keeps the picture's structure.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .cuts import change_of_structure, inside_bars

SAMPLE_STEP = 0.033
"""At least this many seconds lie between two pictures that are looked at, so that 240 a second cost no more than 30."""
THUMBNAIL = (32, 18)
"""The columns and rows of the picture on which blends are told from motion. They are looked for at half of that size,
where little motions do not count."""
LENGTHS = (0.17, 0.25, 0.35, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0)
"""The seconds between the two pictures whose blends are looked for."""
LONGEST = 5.0
"""Two fades of which one goes on after the other has halted last at most this many seconds together."""
SHORTEST = 0.1
"""A change that takes fewer seconds than this is a cut that was smoothed in the making."""
N_BETWEEN = 7
"""This many pictures between the two are compared with blends of them."""
LEAST_CHANGE = 5.0
"""Nobody sees a fade whose change, the root mean square over the thumbnail, is below this many grey levels (of 255)."""
UNEXPLAINED = 0.3
"""The pictures between may differ from blends by this share of the whole change."""
UNEXPLAINED_IN_FADE = 0.45
"""The same share for a fade from or to one colour: nothing else looks like its other end."""
HALT = 0.5
"""A fade may halt on its way for this many seconds."""
STEP_BACK = 0.1
"""The share of the blend may fall by this much from one picture between to the next."""
LARGEST_STEP = 0.45
"""A change of which one picture makes more than this share is a cut or a flash."""
LEAST_CHANGE_OF_STRUCTURE = 0.3
"""A dissolve's two pictures have at least this value of 1 - correlation; with less they are one picture in another
light."""
FASTER_THAN_AROUND = 2.0
"""A dissolve changes the picture at least this many times faster than what moves before and after it."""
LEVELS_PER_SECOND = 5.0
"""A longer transition must change more than a shorter one, by this many grey levels for each second, to be preferred to
it."""
PLAIN = 3.0
"""A picture is one plain colour if its standard deviation is at most this many grey levels."""
FLASH = 0.3
"""A plain picture that, within this many seconds, came out of the picture into which it fades again was a flash."""
BLOCK = 40.0
"""The thumbnails of this many seconds are kept at a time."""
SURROUNDINGS = 5.0
"""At most this many seconds on each side of a fade are looked at."""
TOUCH = 0.05
"""One fade may reach into the next by this many seconds, where a shot comes as soon as the last one is gone."""


class FadeKind(str, Enum):
    """The kinds of transitions."""

    FADE_IN = "fade in"
    """A plain colour, as a rule black, turns into a picture."""
    FADE_OUT = "fade out"
    """A picture turns into a plain colour."""
    DISSOLVE = "dissolve"
    """A picture turns into another."""


class Fade(NamedTuple):
    """A gradual transition between shots."""

    kind: FadeKind
    begin: float
    """The time, in seconds, of the last picture of what was."""
    end: float
    """The time, in seconds, of the first picture of what comes."""


class _Span(NamedTuple):
    """A place where a fade may be."""

    score: float
    """The change in grey levels, less what its length must be worth."""
    first: int
    """The sample of the old picture."""
    last: int
    """The sample of the new picture."""


class FadeFinder:
    """Takes in the pictures of a video one by one and finds its fades and dissolves.

    It keeps the thumbnails of the last half minute.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._thumbnails: list[NDArray[np.float32]] = []
        self._fades: list[Fade] = []

    def take(self, time: float, picture: NDArray[np.uint8]) -> None:
        """Look at the next picture, (rows, columns) of grey, shown from `time` (seconds) on."""
        if self._times and time - self._times[-1] < SAMPLE_STEP - 0.002:
            return
        self._times.append(time)
        self._thumbnails.append(cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32))
        if time - self._times[0] > BLOCK:
            self._settle(time - SURROUNDINGS, keep_from=time - 3 * SURROUNDINGS)

    def fades(self, cuts: Sequence[float] = ()) -> tuple[Fade, ...]:
        """What was found so far, in order of time.

        `cuts` (seconds) are hard cuts: a fade begins or ends there at the latest.
        """
        found = self._fades + self._found_since()
        return tuple(fade for whole in found if (fade := _between_cuts(whole, cuts)) is not None)

    def _settle(self, before: float, keep_from: float) -> None:
        """Note the fades that end before `before` (seconds), and forget the pictures before `keep_from`."""
        self._fades += [fade for fade in self._found_since() if fade.end < before]
        n_old = int(np.searchsorted(self._times, keep_from))
        del self._times[:n_old], self._thumbnails[:n_old]

    def _found_since(self) -> list[Fade]:
        """The fades found after those already noted."""
        known = self._fades[-1].end if self._fades else 0.0
        return [
            fade
            for fade in find_fades(np.array(self._times), np.array(self._thumbnails))
            if fade.begin >= known - TOUCH
        ]


def find_fades(times: NDArray[np.float64], thumbnails: NDArray[np.float32]) -> list[Fade]:
    """Fades and dissolves among pictures.

    Parameters
    ----------
    times
        (n,) seconds, increasing.
    thumbnails
        (n, 18, 32) grey levels, 0..255.

    Returns
    -------
    In order of time; no two overlap.
    """
    fades: list[Fade] = []
    taken: list[_Span] = []
    if not len(times):
        return []
    for span in sorted(_spans(times, _halved(thumbnails).reshape(len(times), -1)), reverse=True):
        if any(span.first < other.last and span.last > other.first for other in taken):
            continue
        fade = _fade(times, thumbnails, span)
        if fade is None:
            continue
        taken.append(span)
        if all(fade.begin >= other.end - TOUCH or fade.end <= other.begin + TOUCH for other in fades):
            fades.append(fade)
    return _joined(sorted(fades, key=lambda fade: fade.begin))


def _spans(times: NDArray[np.float64], thumbnails: NDArray[np.float32]) -> list[_Span]:
    """Pairs of pictures, (n, pixels), between which every picture is a blend of the two, ever more of the second."""
    spans = []
    for length in LENGTHS:
        first = np.arange(len(times))
        last = np.searchsorted(times, times + length - 1e-6)
        first, last = first[last < len(times)], last[last < len(times)]
        # Across a pause in the pictures there is nothing to see of a fade.
        dense = (last - first >= 4) & (times[last] - times[first] < 1.3 * length)
        first, last = first[dense], last[dense]
        if not len(first):
            continue
        change = thumbnails[last] - thumbnails[first]
        size = np.sqrt((change**2).mean(axis=1))
        seen = size >= LEAST_CHANGE
        first, last, change, size = first[seen], last[seen], change[seen], size[seen]
        shares, unexplained = [np.zeros(len(first))], np.zeros(len(first))
        for part in np.arange(1, N_BETWEEN + 1) / (N_BETWEEN + 1):
            between = first + np.round((last - first) * part).astype(int)
            way = thumbnails[between] - thumbnails[first]
            share = (way * change).mean(axis=1) / size**2
            rest = np.sqrt(((way - share[:, None] * change) ** 2).mean(axis=1)) / size
            shares.append(share)
            unexplained = np.maximum(unexplained, rest)
        steps = np.diff([*shares, np.ones(len(first))], axis=0)
        blend = (unexplained <= UNEXPLAINED) & (steps.min(axis=0) >= -STEP_BACK)
        score = size * (1 - unexplained) - LEVELS_PER_SECOND * (times[last] - times[first])
        score = np.where(blend, score, 0.0)
        # The best of the spans that begin almost together will do.
        best_near = np.pad(score, 2)
        best_near = np.max([best_near[k : k + len(score)] for k in range(5)], axis=0)
        spans += [
            _Span(float(score[i]), int(first[i]), int(last[i]))
            for i in np.flatnonzero((score > 0) & (score == best_near)).tolist()
        ]
    return spans


def _joined(fades: list[Fade]) -> list[Fade]:
    """Two fades in, or two out, one soon after the other, are one that halted."""
    joined = fades[:1]
    for fade in fades[1:]:
        before = joined[-1]
        goes_on = fade.kind is before.kind is not FadeKind.DISSOLVE and fade.begin - before.end <= HALT
        if goes_on and fade.end - before.begin <= LONGEST:
            joined[-1] = Fade(fade.kind, before.begin, fade.end)
        else:
            joined.append(fade)
    return joined


def _between_cuts(fade: Fade, cuts: Sequence[float]) -> Fade | None:
    """The part of the fade on this side of all cuts in it, next to the plain colour; None if little is left."""
    begin, end = fade.begin, fade.end
    for cut in cuts:
        if begin + TOUCH < cut < end - TOUCH:
            if fade.kind is FadeKind.DISSOLVE:
                return None
            begin, end = (cut, end) if fade.kind is FadeKind.FADE_OUT else (begin, cut)
    return Fade(fade.kind, begin, end) if end - begin >= max(SHORTEST, (fade.end - fade.begin) / 2) else None


def _fade(times: NDArray[np.float64], thumbnails: NDArray[np.float32], span: _Span) -> Fade | None:
    """The fade in the span, or None if what changes there is something else."""
    pictures = thumbnails[span.first : span.last + 1]
    old, new = pictures[0], pictures[-1]
    change = (new - old).ravel()
    way = (pictures - old).reshape(len(pictures), -1)
    share = way @ change / float(change @ change)
    if np.diff(share).max() > LARGEST_STEP:
        return None
    unexplained = np.sqrt(((way - share[:, None] * change) ** 2).mean(axis=1).max() / (change**2).mean())
    begin, end = _ends(times[span.first : span.last + 1], share)
    if end - begin < SHORTEST:
        return None
    kind = _kind(old, new)
    if kind is not FadeKind.DISSOLVE:
        if kind is FadeKind.FADE_IN:
            came_from = thumbnails[np.searchsorted(times, times[span.first] - FLASH) : span.first]
            if any(change_of_structure(picture, new) < LEAST_CHANGE_OF_STRUCTURE for picture in came_from):
                return None
        return Fade(kind, begin, end) if unexplained <= UNEXPLAINED_IN_FADE else None
    rate = float(np.sqrt((change**2).mean())) / (end - begin)
    if (
        unexplained > UNEXPLAINED
        or change_of_structure(old, new) < LEAST_CHANGE_OF_STRUCTURE
        or rate < FASTER_THAN_AROUND * _rate_around(times, thumbnails, begin, end)
    ):
        return None
    return Fade(kind, begin, end)


def _kind(old: NDArray[np.float32], new: NDArray[np.float32]) -> FadeKind:
    plain_before, plain_after = _is_plain(old, new), _is_plain(new, old)
    if plain_before and plain_after:
        # From black to white and back: dark is where nothing is.
        plain_before = float(old.mean()) < float(new.mean())
    if plain_before:
        return FadeKind.FADE_IN
    return FadeKind.FADE_OUT if plain_after else FadeKind.DISSOLVE


def _ends(times: NDArray[np.float64], share: NDArray[np.float64]) -> tuple[float, float]:
    """When the share left 0 and reached 1, by the line through its tenth and its nine tenths."""
    low, high = (float(np.interp(level, np.maximum.accumulate(share), times)) for level in (0.1, 0.9))
    outside = (high - low) / 8
    return max(low - outside, float(times[0])), min(high + outside, float(times[-1]))


def _is_plain(picture: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """True if `picture` is one colour, bars that are black in both and a little writing aside."""
    picture, other = _halved(picture), _halved(other)
    return float(picture[inside_bars(picture, other)].std()) <= PLAIN


def _halved(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., rows / 2, columns / 2) the means of two by two."""
    *n, rows, columns = thumbnails.shape
    halved: NDArray[np.float32] = thumbnails.reshape(*n, rows // 2, 2, columns // 2, 2).mean(axis=(-3, -1))
    return halved


def _rate_around(times: NDArray[np.float64], thumbnails: NDArray[np.float32], begin: float, end: float) -> float:
    """Grey levels a second, root mean square, by which the picture changes just before and after; the larger."""
    length = np.clip(end - begin, 0.2, 0.7)
    rates = [0.0]
    for a, b in ((begin - length, begin), (end, end + length)):
        first, last = np.searchsorted(times, [a, b + 1e-6])
        last = min(last, len(times)) - 1
        if last - first >= 2:
            moved = float(np.sqrt(((thumbnails[last] - thumbnails[first]) ** 2).mean()))
            rates.append(moved / float(times[last] - times[first]))
    return max(rates)
