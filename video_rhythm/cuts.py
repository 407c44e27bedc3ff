"""Hard cuts: the instants at which one shot is followed by another.

A cut is a picture that differs much from the one before, more than pictures around it differ among
themselves (a fade or a pan is as strong before and after), in its structure and not only its brightness
(a lamp, a flash), and in a way that no motion explains (a scrolled page); and the old picture does not
come back at once (a flash again).
"""

from __future__ import annotations

from array import array
from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL = (32, 18)
"""The columns and rows of the picture on which differences are measured: so few that little motions do not count."""
LEAST_DIFFERENCE = 4.0
"""Nobody sees a cut whose mean difference over the thumbnail is below this many grey levels (of 255)."""
ABOVE_NEIGHBOURS = 2.2
"""A cut's difference is at least this many times that of the pictures around it."""
NEIGHBOURHOOD = 0.1
"""The pictures around a cut are those within this many seconds on each side, two at least."""
LEAST_CHANGE_OF_STRUCTURE = 0.25
"""A cut changes 1 - the correlation of the two thumbnails at least this much; it is 0 if they differ in brightness and
contrast only."""
STRUCTURE_COMES_BACK = 0.1
"""A picture is coming back, if only through the afterglow of a flash, if its structure differs less than this."""
BLACK = 28.0
"""Rows and columns at the margin that stay below this grey level are the bars of a letterbox."""
LEAST_UNEXPLAINED = 0.5
"""At least this share of a cut's difference is left when the old picture has been moved along the optical flow."""
FLASH = 0.2
"""A change is a flash if the picture comes back within this many seconds."""
COMES_BACK = 0.4
"""A picture has come back if it differs from the old one less than this share of the change."""


class _Candidate(NamedTuple):
    nth: int
    """The number of the picture, counted from 0."""
    time: float
    """The time of the picture in seconds."""
    before: NDArray[np.float32]
    """The thumbnail of the last picture of the old shot."""
    difference: float
    """The difference from the picture before, in grey levels."""


class CutFinder:
    """Takes in the pictures of a video one by one, every one of them, and finds the cuts.

    It keeps a few thumbnails and one number a picture.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._picture: NDArray[np.uint8] | None = None
        self._recent: deque[tuple[float, NDArray[np.float32]]] = deque()
        self._times = array("d")
        self._differences = array("f")
        self._open: list[_Candidate] = []
        self._found: list[_Candidate] = []

    def take(self, time: float, picture: NDArray[np.uint8]) -> None:
        """Look at the next picture, (rows, columns) of grey, shown from `time` (seconds) on."""
        thumbnail = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        self._settle(time, thumbnail)
        difference = 0.0
        if self._picture is not None:
            before = self._recent[-1][1]
            difference = _difference(before, thumbnail)
            if (
                difference >= LEAST_DIFFERENCE
                and change_of_structure(before, thumbnail) >= LEAST_CHANGE_OF_STRUCTURE
                and not self._was_here(thumbnail, difference)
                and self._unexplained(self._picture, picture) >= LEAST_UNEXPLAINED
            ):
                self._open.append(_Candidate(len(self._times), time, before, difference))
        self._times.append(time)
        self._differences.append(difference)
        self._picture = picture
        self._recent.append((time, thumbnail))
        while self._recent[0][0] < time - FLASH and len(self._recent) > 1:
            self._recent.popleft()

    def cuts(self) -> tuple[float, ...]:
        """Times in seconds of the first picture of each new shot."""
        times, differences = np.array(self._times), np.array(self._differences)
        return tuple(
            candidate.time
            for candidate in self._found + self._open
            if candidate.difference >= ABOVE_NEIGHBOURS * _around(times, differences, candidate.nth)
        )

    def _settle(self, time: float, thumbnail: NDArray[np.float32]) -> None:
        """Drop the candidates whose old picture comes back now, keep those for which it is too late."""
        still_open = []
        for candidate in self._open:
            if time > candidate.time + FLASH:
                self._found.append(candidate)
            elif (
                _difference(candidate.before, thumbnail) >= COMES_BACK * candidate.difference
                and change_of_structure(candidate.before, thumbnail) >= STRUCTURE_COMES_BACK
            ):
                still_open.append(candidate)
        self._open = still_open

    def _was_here(self, thumbnail: NDArray[np.float32], difference: float) -> bool:
        """True if this picture was seen just before the last one, so that the last one was a flash."""
        earlier = list(self._recent)[:-1]
        return any(_difference(seen, thumbnail) < COMES_BACK * difference for _, seen in earlier)

    def _unexplained(self, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
        """Share (0..1 and a little above) of the difference that motion does not explain.

        The worse direction counts: an even wall can be made of parts of any picture, but not the reverse.
        """
        whole = max(cv2.norm(one, other, cv2.NORM_L1), 1.0)
        return max(self._left_after_motion(one, other), self._left_after_motion(other, one)) / whole

    def _left_after_motion(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
        """Sum of the differences from `after` when `before` has been moved along the flow between them."""
        # OpenCV makes the array that its stubs ask for.
        flow = self._flow.calc(after, before, None)  # type: ignore[call-overload]
        rows, columns = after.shape
        right = flow[..., 0] + np.arange(columns, dtype=np.float32)
        down = flow[..., 1] + np.arange(rows, dtype=np.float32)[:, None]
        moved = cv2.remap(before, right, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return float(cv2.norm(moved, after, cv2.NORM_L1))


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).mean())


def change_of_structure(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """1 - the correlation of two thumbnails (row, column), 0..2, bars that are black in both aside.

    An even picture has no structure, so from or to one all of it changes.
    """
    inside = inside_bars(one, other)
    one, other = one[inside], other[inside]
    spreads = float(one.std() * other.std())
    if spreads < 1.0:
        return 1.0
    return 1.0 - float(((one - one.mean()) * (other - other.mean())).mean()) / spreads


def inside_bars(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[slice, slice]:
    """The rows and columns of two thumbnails (row, column) without those at the margin that are black in both.

    The next one at each margin may be half a bar, so it goes too. All rows and columns if all is black.
    """
    lit = np.maximum(one, other) > BLACK
    rows, columns = (_without_margin(np.asarray(lit.any(axis=axis))) for axis in (1, 0))
    return rows, columns


def _without_margin(lit: NDArray[np.bool_]) -> slice:
    places = np.flatnonzero(lit)
    if not len(places):
        return slice(None)
    first, last = int(places[0]), int(places[-1]) + 1
    if last - first > 2:
        first, last = first + (first > 0), last - (last < len(lit))
    return slice(first, last)


def _around(times: NDArray[np.float64], differences: NDArray[np.float32], index: int) -> float:
    """The largest difference among the pictures around picture `index`."""
    first = min(int(np.searchsorted(times, times[index] - NEIGHBOURHOOD)), index - 2)
    last = max(int(np.searchsorted(times, times[index] + NEIGHBOURHOOD, side="right")), index + 3)
    # The difference of the very first picture is 0: there is nothing before it.
    before, after = differences[max(first, 0) : index], differences[index + 1 : last]
    return float(max(before.max(initial=0.0), after.max(initial=0.0)))
