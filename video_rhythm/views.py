"""A few pictures of a video that are large enough to be recognised, kept on the way without knowing how long it is."""

from __future__ import annotations

from typing import NamedTuple

import av.video.frame
import numpy as np
from numpy.typing import NDArray

from .orientation import UPRIGHT, Orientation
from .shrinking import Shrinker

SHORTER_SIDE = 224
"""The shorter side of a view in pixels."""
MOST_OBLONG = 2.5
"""The longer side has at most this many times as many; a panorama is squeezed."""
FIRST_STEP = 1.0
"""The seconds between two views at the beginning; longer in a long video."""
MOST = 40
"""At most this many are kept; then every second one goes and the step is doubled."""


class View(NamedTuple):
    """A picture of the video."""

    time: float
    """Seconds from the first picture."""
    colours: NDArray[np.uint8]
    """The picture (rows, columns, 3) in red, green and blue, upright; shorter side 224."""


def view_size(width: int, height: int) -> tuple[int, int]:
    """The columns and rows of a view of a picture of that shape."""
    longer = round(SHORTER_SIDE * min(MOST_OBLONG, max(width, height) / min(width, height)))
    return (longer, SHORTER_SIDE) if width >= height else (SHORTER_SIDE, longer)


def colours_of(
    picture: av.video.frame.VideoFrame, columns: int, rows: int, shrinker: Shrinker | None = None
) -> NDArray[np.uint8]:
    """The picture (rows, columns, 3) in red, green and blue; a `shrinker` that is kept for many makes it faster."""
    return np.asarray((shrinker or Shrinker()).shrink(picture, columns, rows, "rgb24").to_ndarray(), np.uint8)


class ViewKeeper:
    """Takes in the pictures of a video one by one and keeps 40 at most, evenly spread."""

    def __init__(self, width: int, height: int) -> None:
        """`width` and `height` are those of the upright picture as it is shown; only their ratio matters."""
        self._size = view_size(width, height)
        self._step = FIRST_STEP
        self._kept: list[View] = []
        self._shrinker = Shrinker()

    def take(self, time: float, picture: av.video.frame.VideoFrame, orientation: Orientation = UPRIGHT) -> None:
        """Look at the next picture, shown from `time` (seconds) on; `orientation` sets it upright."""
        if self._kept and time < self._kept[-1].time + self._step - 1e-6:
            return
        columns, rows = orientation.size(*self._size)
        colours = colours_of(picture, columns, rows, self._shrinker)
        self._kept.append(View(time, np.ascontiguousarray(orientation.upright(colours), dtype=np.uint8)))
        if len(self._kept) > MOST:
            self._kept = self._kept[::2]
            self._step *= 2

    def views(self) -> tuple[View, ...]:
        """What was kept so far, in order of time."""
        return tuple(self._kept)
