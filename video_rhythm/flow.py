"""Optical flow: how fast the picture moves, and which way.

All speeds are in *shares of the picture's diagonal per second*: 0.1 means that the
average pixel crosses a tenth of the diagonal in a second. That depends neither on the
resolution of the video nor on its frame rate.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLE_STEP = 0.033
"""Seconds. Flow is measured over at least this long: between all pictures up to 30 frames a second, every second
one at 60. A longer step would misplace what the picture strikes."""
LONGEST_STEP = 0.25
"""Seconds. A picture shown for longer stands still until just before the next one."""
FADE_MARGIN = 0.1
"""This many seconds on each side of a fade belong to it: its ends are not known better."""
N_DIRECTION = 12
"""The directogram has this many bins; bin 0 is centred on motion to the right, bin 3 on motion downwards."""
SHORTEST_HALT = 0.13
"""A picture halts if it stands still amid motion for longer than this many seconds."""
SAME_PICTURE = 0.05
"""Two pictures are one shown twice if their mean difference is below this many grey levels (of 255)."""
PLAIN = 1.5
"""A coarse picture (`COARSE`) whose standard deviation is below this many grey levels is one colour and its noise."""
COARSE = (40, 22)
"""The columns and rows at which noise is averaged out."""
BLOCK = 4096
"""So many steps are worked out at a time, so that hours take no more memory than the numbers that are kept of them."""
PIXEL_STRIDE = 2
"""The flow is smooth at this scale, so every second pixel in each direction tells the same."""


@dataclass(frozen=True)
class FlowSeries:
    """Motion over time, constant within each step.

    Sample `i` holds from `times[i]` to `times[i + 1]`, the last one to `end`.
    """

    times: NDArray[np.float64]
    """The seconds (n,) at which the steps begin; the first is 0."""
    speed: NDArray[np.float64]
    """The mean magnitude (n,) of the flow over all pixels (Di et al. 2021, eq. 4), in diagonals per second."""
    directogram: NDArray[np.float32]
    """The same speed shared out among directions (n, 12); each row sums to `speed`, in diagonals per second."""
    end: float
    """The time, in seconds, at which the last step ends."""

    def __len__(self) -> int:
        return len(self.times)

    def mean_speed(self, borders: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean speed between neighbouring `borders`.

        Parameters
        ----------
        borders
            (n + 1,) increasing, in seconds. Beyond the last sample the last speed goes on.

        Returns
        -------
        (n,) diagonals per second, always finite.
        """
        borders = np.asarray(borders, dtype=float)
        if not len(self):
            return np.zeros(len(borders) - 1)
        edges = np.append(self.times, max(self.end, borders[-1], self.times[-1] + 1e-6))
        distance = np.concatenate([[0.0], np.cumsum(self.speed * np.diff(edges))])
        moved = np.interp(borders, edges, distance)
        means: NDArray[np.float64] = np.diff(moved) / np.maximum(np.diff(borders), 1e-9)
        return means


class FlowMeter:
    """Takes in the pictures of a video one by one and measures the flow between those it samples.

    It keeps one picture and a few numbers a sample.

    Parameters
    ----------
    width, height
        The size of the upright video in pixels; only the ratio matters.
    """

    def __init__(self, width: int, height: int) -> None:
        self._shape = (width, height)
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._picture: NDArray[np.uint8] | None = None
        self._is_plain = False
        self._time = 0.0
        self._begins = array("d")
        self._repeated = array("b")
        self._directograms = array("f")

    def take(self, time: float, picture: NDArray[np.uint8]) -> None:
        """Look at the next picture, (rows, columns) of grey, shown from `time` (seconds) on."""
        if self._picture is None:
            self._picture, self._is_plain, self._time = picture, _is_plain(picture), time
            return
        # A hair less than the step, so that timestamps rounded to milliseconds count as equal.
        if time - self._time < SAMPLE_STEP - 0.002:
            return
        begin = self._time
        if time - begin > LONGEST_STEP:
            self._append(begin, np.zeros(N_DIRECTION), repeated=False)
            begin = time - SAMPLE_STEP
        repeated = float(cv2.norm(picture, self._picture, cv2.NORM_L1)) < SAME_PICTURE * picture.size
        is_plain = _is_plain(picture)
        if repeated or is_plain or self._is_plain:
            directogram = np.zeros(N_DIRECTION)
        else:
            directogram = self._directogram(self._picture, picture) / (time - begin)
        self._append(begin, directogram, repeated)
        self._picture, self._is_plain, self._time = picture, is_plain, time

    def series(self, cuts: Sequence[float] = (), fades: Sequence[tuple[float, float]] = ()) -> FlowSeries:
        """What was measured so far.

        `cuts` (seconds) are instants at which one shot follows another, `fades` (begin and end in seconds) are spans
        of time in which one comes out of another. The flow across them compares pictures that have nothing to do
        with each other, or hardly differ from black; its neighbours take its place.
        """
        times = np.array(self._begins, dtype=np.float64)
        directogram = np.array(self._directograms, dtype=np.float32).reshape(-1, N_DIRECTION)
        edges = np.append(times, self._time)
        # Cuts first: else what the flow makes of them would be spread over the repeated pictures before.
        _bridge(directogram, edges, np.asarray(cuts, dtype=float), fades)
        _fill_repeats(directogram, np.array(self._repeated, dtype=bool), edges)
        directogram = _smooth(directogram, np.diff(edges))
        speed = directogram.sum(axis=1, dtype=np.float64)
        return FlowSeries(times, speed, directogram, float(self._time))

    def _append(self, begin: float, directogram: NDArray[np.float64], repeated: bool) -> None:
        self._begins.append(begin)
        self._repeated.append(repeated)
        self._directograms.extend(directogram.tolist())

    def _directogram(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(12,) mean way of a pixel from one picture to the next, in diagonals, by direction."""
        rows, columns = after.shape
        width, height = self._shape
        # OpenCV makes the array that its stubs ask for.
        flow = self._flow.calc(before, after, None)  # type: ignore[call-overload]
        flow = np.asarray(flow, np.float32)[::PIXEL_STRIDE, ::PIXEL_STRIDE]
        diagonal = float(np.hypot(width, height))
        right = flow[..., 0].ravel() * np.float32(width / columns / diagonal)
        down = flow[..., 1].ravel() * np.float32(height / rows / diagonal)
        # Many times faster than numpy's, and right to a third of a degree.
        way, angle = (np.asarray(polar, np.float32).ravel() for polar in cv2.cartToPolar(right, down))
        shares: NDArray[np.float64] = share_among_directions(way, angle) / right.size
        return shares


def _is_plain(picture: NDArray[np.uint8]) -> bool:
    """True if there is nothing in it that could be seen to move: in the dark the flow would follow the noise."""
    coarse = cv2.resize(picture, COARSE, interpolation=cv2.INTER_AREA)
    return float(cv2.meanStdDev(coarse)[1][0, 0]) < PLAIN


def share_among_directions(way: NDArray[np.float32], angle: NDArray[np.float32]) -> NDArray[np.float64]:
    """Histogram of `angle` (n,) in radians weighted by `way` (n,), 12 bins that sum to the whole way.

    Each pixel is shared between the two nearest bins, so that a direction near the border of two bins does
    not jump from one to the other (Davis & Agrawala 2018, "Visual Rhythm and Beat", the directogram).
    """
    place = angle * np.float32(N_DIRECTION / (2 * np.pi))
    lower = np.floor(place)
    above = way * (place - lower)
    bins = lower.astype(np.int8) % np.int8(N_DIRECTION)
    in_lower = np.bincount(bins, way - above, minlength=N_DIRECTION)
    in_upper = np.bincount(bins, above, minlength=N_DIRECTION)
    return np.asarray(in_lower + np.roll(in_upper, 1), dtype=np.float64)


def _fill_repeats(directogram: NDArray[np.float32], repeated: NDArray[np.bool_], edges: NDArray[np.float64]) -> None:
    """Spread the motion that follows a picture shown several times over all the time it was shown, in place.

    A short repeat amid motion is a trick of the frame rate (film shown at 30 frames a second, animation drawn
    at 8 or 12), not a halt.
    """
    starts = np.flatnonzero(repeated[1:] & ~repeated[:-1]) + 1
    for first in starts:
        moves = first + int(np.argmin(np.append(repeated[first:], False)))
        if moves < len(repeated) and edges[moves + 1] - edges[first] <= SHORTEST_HALT:
            share = (edges[moves + 1] - edges[moves]) / (edges[moves + 1] - edges[first])
            directogram[first : moves + 1] = directogram[moves] * share


def _bridge(
    directogram: NDArray[np.float32],
    edges: NDArray[np.float64],
    cuts: NDArray[np.float64],
    fades: Sequence[tuple[float, float]],
) -> None:
    """Replace each step that has a cut or a part of a fade in it by what lies between its neighbours, in place."""
    n_step = len(directogram)
    if not n_step or not (len(cuts) or len(fades)):
        return
    # A cut at time t is the first picture of the new shot: it spoils the step with begin < t <= end.
    spoilt = np.zeros(n_step, dtype=bool)
    spoilt[np.clip(np.searchsorted(edges, cuts - 1e-6) - 1, 0, n_step - 1)] = True
    for begin, end in fades:
        spoilt |= (edges[1:] > begin - FADE_MARGIN) & (edges[:-1] < end + FADE_MARGIN)
    if spoilt.all():
        directogram[:] = 0.0
        return
    where, sound = np.flatnonzero(spoilt), np.flatnonzero(~spoilt)
    for direction in range(directogram.shape[1]):
        directogram[where, direction] = np.interp(where, sound, directogram[sound, direction])


def _smooth(directogram: NDArray[np.float32], steps: NDArray[np.float64]) -> NDArray[np.float32]:
    """Hand a quarter of each step's way to each neighbour; the whole way stays what it was.

    That evens out the judder of pictures that were dropped or moved by whole pixels, which would else be an
    impact at every picture.
    """
    smoothed = np.empty_like(directogram)
    for begin in range(0, len(steps), BLOCK):
        end = min(begin + BLOCK, len(steps))
        places = np.clip(np.arange(begin - 1, end + 1), 0, len(steps) - 1)
        way = directogram[places] * steps[places, None]
        smoothed[begin:end] = (way[:-2] + 2 * way[1:-1] + way[2:]) / 4 / steps[begin:end, None]
    return smoothed
