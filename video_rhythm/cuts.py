"""Hard cuts: the instants at which one shot is followed by another.

A cut is a picture that differs much from the one before, more than pictures around it differ among
themselves (a fade or a pan is as strong before and after), in its structure and not only its brightness
(a lamp, a flash), and in a way that no motion explains (a scrolled page); and the old picture does not
come back at once (a flash again).

Where a video was brought to another frame rate by blending, or is interlaced, one or two pictures at a cut, at high
rates up to four, are mixed of both shots: then the change is that from the last picture before them to the first one
after. Pictures that are shown for long, as slides are, have no others around them. Shots of one brightness differ in
colour alone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL = (32, 18)
"""The columns and rows of the picture on which differences are measured: so few that little motions do not count."""
LEAST_DIFFERENCE = 4.0
"""Nobody sees a cut whose mean difference over the thumbnail is below this many grey levels (of 255)."""
LEAST_DIFFERENCE_IN_THE_DARK = 2.0
"""The same between two thumbnails that are dark, if it changes the structure as a cut beyond doubt does."""
DARK = 48.0
"""A thumbnail is dark if its mean is below this grey level."""
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
LONE = 0.3
"""Pictures that are further away than this many seconds do not move any more: they are not around a cut."""
LEAST_CHANGE_WHERE_IN_DOUBT = 0.5
"""A cut that changes the structure less than this, and the colours less than `LEAST_COLOUR`, is in doubt. It is none
next to a picture that is shown for longer than that (a scene that is watched once a second changes, too), nor if it is
spread over several pictures."""
NEIGHBOURHOOD_IN_DOUBT = 0.2
"""The pictures around a cut that is in doubt or in the dark, in seconds on each side: motion that was filmed at 12
pictures a second and is shown at 25 or 30 rests for up to 0.12 s between two steps, and each step is large."""
MOST_MIXED = 4
"""At most this many pictures in a row are mixed of two shots: 24 pictures a second blended to 120 have four."""
LONGEST_MIXED = 0.2
"""Seconds from the last picture of the old shot to the first of the new one, if one or two between are mixed."""
LONGEST_MUCH_MIXED = 0.1
"""The same where more of them are mixed: what takes longer is a dissolve."""
ABOVE_NEIGHBOURS_EACH = 1.5
"""A change that is spread over several pictures is, for each of them, at least this many times that of the pictures
around it: in a dissolve it is once."""
ROUNDED_UP = 1.0001
"""Sums of rounded numbers, times this, are no smaller than the true ones."""
PURE = 0.06
"""A picture of which less than this share is another shot's is not mixed."""
UNMIXED = 0.3
"""A picture is mixed of two shots if it differs from a blend of them by less than this share of their difference, as
root mean squares."""
LEAST_COLOUR = 14.0
"""A cut of colour alone is at least so large: the mean distance over the thumbnail in the plane of Cb and Cr, of 255
levels each, as the plane of a and b of CIELAB."""
LEAST_UNEXPLAINED = 0.5
"""At least this share of a cut's difference is left when the old picture has been moved along the optical flow."""
FLASH = 0.2
"""A change is a flash if the picture comes back within this many seconds."""
COMES_BACK = 0.4
"""A picture has come back if it differs from the old one less than this share of the change."""


class _Seen(NamedTuple):
    """A picture that was seen lately."""

    time: float
    picture: NDArray[np.uint8]
    luma: NDArray[np.float32]
    """The thumbnail (18, 32) in grey levels."""
    colour: NDArray[np.float32] | None
    """The thumbnail (18, 32, 2) of Cb and Cr; None if the picture has no colour."""


class _Candidate(NamedTuple):
    nth: int
    """The number of the picture with which the change is complete, counted from 0."""
    n_step: int
    """The number of pictures over which the change is spread, 1 for a cut in one."""
    time: float
    """The time of the first picture of the new shot in seconds, of mixed ones the first that is half of it."""
    before: _Seen | None
    """The last picture of the old shot; None if it is too late for it to come back."""
    difference: float
    """The difference from there, in grey levels or in those of colour."""
    structure: float
    """The change of structure."""
    in_colour: bool
    """Whether it is a difference of colour."""


class CutFinder:
    """Takes in the pictures of a video one by one, every one of them, and finds the cuts.

    It keeps a few thumbnails and two numbers a picture.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._recent: deque[_Seen] = deque()
        self._times = array("d")
        self._differences = array("f")
        self._colour_differences = array("f")
        self._open: list[_Candidate] = []
        self._found: list[_Candidate] = []

    def take(self, time: float, picture: NDArray[np.uint8], colour: NDArray[np.float32] | None = None) -> None:
        """Look at the next picture, (rows, columns) of grey, shown from `time` (seconds) on.

        `colour` is its thumbnail (18, 32, 2) of Cb and Cr, 0..255; a video has it for all of its pictures or for none.
        """
        luma = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        now = _Seen(time, picture, luma, colour)
        self._settle(now)
        difference = colour_difference = 0.0
        if self._recent:
            before = self._recent[-1]
            difference, colour_difference = _difference(before, now, False), _difference(before, now, True)
        self._times.append(time)
        self._differences.append(difference)
        self._colour_differences.append(colour_difference)
        if self._recent:
            spans = range(2, MOST_MIXED + 2)
            spread = [self._spread(now, n_step, in_colour) for n_step in spans for in_colour in (False, True)]
            candidates = (self._plain(before, now, difference, colour_difference), *spread)
            self._open += [candidate for candidate in candidates if candidate is not None]
        self._recent.append(now)
        while self._recent[0].time < time - FLASH and len(self._recent) > MOST_MIXED + 1:
            self._recent.popleft()

    def cuts(self) -> tuple[float, ...]:
        """Times in seconds of the first picture of each new shot."""
        times = np.array(self._times)
        differences = np.array(self._differences), np.array(self._colour_differences)
        chosen: list[_Candidate] = []
        # A cut in one picture first: what it leaves beside it may look like one that is spread.
        for candidate in sorted(self._found + self._open, key=lambda one: (one.n_step, one.in_colour, one.nth)):
            first, last = candidate.nth - candidate.n_step + 1, candidate.nth
            if any(one.nth >= first - 1 and one.nth - one.n_step <= last for one in chosen if candidate.n_step > 1):
                continue
            if any(one.nth == last for one in chosen):
                continue
            changes = candidate.in_colour or candidate.structure >= LEAST_CHANGE_WHERE_IN_DOUBT
            in_doubt = not changes and differences[1][last] < LEAST_COLOUR
            if in_doubt and _is_lone(times, first, last):
                continue
            hardly_seen = not candidate.in_colour and candidate.difference < LEAST_DIFFERENCE
            seconds = NEIGHBOURHOOD_IN_DOUBT if in_doubt or hardly_seen else NEIGHBOURHOOD
            around = _around(times, differences[candidate.in_colour], first, last, seconds)
            if candidate.difference >= _factor(candidate.n_step) * around:
                chosen.append(candidate)
        return tuple(sorted(candidate.time for candidate in chosen))

    def _plain(self, before: _Seen, now: _Seen, difference: float, colour_difference: float) -> _Candidate | None:
        """The cut between two pictures in a row, if there may be one."""
        nth = len(self._times) - 1
        seen = difference >= LEAST_DIFFERENCE
        if seen or (difference >= LEAST_DIFFERENCE_IN_THE_DARK and _is_dark(before) and _is_dark(now)):
            structure = change_of_structure(before.luma, now.luma)
            if (
                structure >= (LEAST_CHANGE_OF_STRUCTURE if seen else LEAST_CHANGE_WHERE_IN_DOUBT)
                and not self._was_here(now, difference, 1, False)
                and (colour_difference >= LEAST_COLOUR or not self._is_like_before(difference))
                and self._unexplained(before.picture, now.picture) >= LEAST_UNEXPLAINED
            ):
                return _Candidate(nth, 1, now.time, before, difference, structure, False)
        if colour_difference >= LEAST_COLOUR and not self._was_here(now, colour_difference, 1, True):
            return _Candidate(nth, 1, now.time, before, colour_difference, 0.0, True)
        return None

    def _spread(self, now: _Seen, n_step: int, in_colour: bool) -> _Candidate | None:
        """The cut over `n_step` pictures that ends with this one, if there may be one."""
        if len(self._recent) < n_step:
            return None
        before, *mixed = list(self._recent)[-n_step:]
        longest = LONGEST_MIXED if n_step <= 3 else LONGEST_MUCH_MIXED
        if now.time - before.time > longest or (in_colour and now.colour is None):
            return None
        differences = self._colour_differences if in_colour else self._differences
        earlier = differences[-n_step - 2 : -n_step]
        least = max(LEAST_COLOUR if in_colour else LEAST_DIFFERENCE, _factor(n_step) * max(earlier, default=0.0))
        # The whole way is at most as long as its steps together.
        if ROUNDED_UP * sum(differences[-n_step:]) < least:
            return None
        difference = _difference(before, now, in_colour)
        if difference < least:
            return None
        shares = _shares(before, mixed, now, in_colour)
        if shares is None:
            return None
        structure = 0.0 if in_colour else change_of_structure(before.luma, now.luma)
        if not in_colour and structure < LEAST_CHANGE_WHERE_IN_DOUBT:
            return None
        if self._was_here(now, difference, n_step, in_colour):
            return None
        if not in_colour and self._unexplained(before.picture, now.picture) < LEAST_UNEXPLAINED:
            return None
        times = [one.time for one in (*mixed, now)]
        time = next(time for time, share in zip(times, (*shares, 1.0), strict=True) if share >= 0.5 - PURE)
        return _Candidate(len(self._times) - 1, n_step, time, before, difference, structure, in_colour)

    def _settle(self, now: _Seen) -> None:
        """Drop the candidates whose old picture comes back now, keep those for which it is too late."""
        still_open = []
        for candidate in self._open:
            if candidate.before is None or now.time > candidate.time + FLASH:
                self._found.append(candidate._replace(before=None))
            elif _difference(candidate.before, now, candidate.in_colour) >= COMES_BACK * candidate.difference and (
                candidate.in_colour or change_of_structure(candidate.before.luma, now.luma) >= STRUCTURE_COMES_BACK
            ):
                still_open.append(candidate)
        self._open = still_open

    def _was_here(self, now: _Seen, difference: float, n_step: int, in_colour: bool) -> bool:
        """True if this picture was seen just before the change, so that what lies between was a flash."""
        earlier = [seen for seen in list(self._recent)[:-n_step] if seen.time >= self._recent[-1].time - FLASH]
        return any(_difference(seen, now, in_colour) < COMES_BACK * difference for seen in earlier)

    def _is_like_before(self, difference: float) -> bool:
        """True if the pictures just before the newest one differ so much that its difference is no cut's."""
        first = bisect_left(self._times, self._times[-1] - NEIGHBOURHOOD)
        return difference < ABOVE_NEIGHBOURS * max(self._differences[first:-1], default=0.0)

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


def _difference(one: _Seen, other: _Seen, in_colour: bool) -> float:
    """The mean difference of two thumbnails in grey levels, or the mean distance of their colours."""
    if not in_colour:
        return float(np.abs(one.luma - other.luma).mean())
    if one.colour is None or other.colour is None:
        return 0.0
    way = one.colour - other.colour
    return float(np.sqrt((way**2).sum(axis=-1)).mean())


def _is_dark(one: _Seen) -> bool:
    return float(one.luma.mean()) < DARK


def _factor(n_step: int) -> float:
    """How many times the difference around it a change over so many pictures is at least."""
    return ABOVE_NEIGHBOURS if n_step == 1 else ABOVE_NEIGHBOURS_EACH * n_step


def _shares(before: _Seen, mixed: list[_Seen], now: _Seen, in_colour: bool) -> list[float] | None:
    """How much of `now` is in each of the pictures that are mixed of it and `before`; None if one is not, or falls."""
    layers = [one.colour if in_colour else one.luma for one in (before, *mixed, now)]
    old, *between, new = [layer for layer in layers if layer is not None]
    change = new - old
    size = float((change**2).mean())
    shares: list[float] = []
    for layer in between:
        way = layer - old
        share = float((way * change).mean()) / size
        if not max([PURE, *shares]) <= share <= 1 - PURE:
            return None
        if float(((way - share * change) ** 2).mean()) > UNMIXED**2 * size:
            return None
        shares.append(share)
    return shares


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


def _is_lone(times: NDArray[np.float64], first: int, last: int) -> bool:
    """Whether the picture before a change from picture `first` to `last`, or the one after it, is shown for long."""
    shown_before = times[first] - times[first - 1]
    shown_after = times[last + 1] - times[last] if last + 1 < len(times) else 0.0
    return max(float(shown_before), float(shown_after)) > LONE


def _around(
    times: NDArray[np.float64], differences: NDArray[np.float32], first: int, last: int, seconds: float
) -> float:
    """The largest difference among the pictures around a change from picture `first` to `last`, `seconds` each way."""
    begin = min(int(np.searchsorted(times, times[first] - seconds)), first - 2)
    begin = max(begin, int(np.searchsorted(times, times[first] - LONE)))
    end = max(int(np.searchsorted(times, times[last] + seconds, side="right")), last + 3)
    end = min(end, int(np.searchsorted(times, times[last] + LONE, side="right")))
    # The difference of the very first picture is 0: there is nothing before it.
    before, after = differences[max(begin, 0) : first], differences[last + 1 : end]
    return float(max(before.max(initial=0.0), after.max(initial=0.0)))
