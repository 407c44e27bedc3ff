"""A few small colour pictures from all over a video, kept on the way without knowing how long it is."""

from __future__ import annotations

from typing import NamedTuple

import av.video.frame
import numpy as np
from numpy.typing import NDArray

from .looks import Look, LookKeeper
from .orientation import UPRIGHT, Orientation
from .shrinking import Shrinker

LONGER_SIDE = 160
"""The longer side of a thumbnail in pixels."""
FIRST_STEP = 0.5
"""The seconds between two thumbnails at the beginning; longer in a long video."""
MOST = 64
"""At most this many are kept; then every second one goes and the step is doubled."""


class Thumbnail(NamedTuple):
    """A small picture of the video."""

    time: float
    """Seconds from the first picture."""
    colours: NDArray[np.uint8]
    """The picture (rows, columns, 3) in red, green and blue, upright; longer side at most 160."""


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """(columns, rows) of the thumbnails of a video whose upright picture is so large."""
    scale = LONGER_SIDE / max(width, height)
    return max(2, round(width * scale)), max(2, round(height * scale))


class ThumbnailKeeper:
    """Takes in the pictures of a video one by one and keeps 64 at most, evenly spread, and the looks of more."""

    def __init__(self, width: int, height: int) -> None:
        """`width` and `height` are those of the upright picture as it is shown; only their ratio matters."""
        self._size = thumbnail_size(width, height)
        self._step = FIRST_STEP
        self._kept: list[Thumbnail] = []
        self._looks = LookKeeper()
        self._shrinker = Shrinker()

    def take(self, time: float, picture: av.video.frame.VideoFrame, orientation: Orientation = UPRIGHT) -> None:
        """Look at the next picture, shown from `time` (seconds) on; `orientation` sets it upright."""
        is_kept = not self._kept or time >= self._kept[-1].time + self._step - 1e-6
        is_looked_at = self._looks.wants(time)
        if not (is_kept or is_looked_at):
            return
        columns, rows = orientation.size(*self._size)
        colours = np.asarray(self._shrinker.shrink(picture, columns, rows, "rgb24").to_ndarray(), np.uint8)
        upright = orientation.upright(colours)
        if is_looked_at:
            self._looks.take(time, upright)
        if not is_kept:
            return
        self._kept.append(Thumbnail(time, upright))
        if len(self._kept) > MOST:
            self._kept = self._kept[::2]
            self._step *= 2

    def thumbnails(self) -> tuple[Thumbnail, ...]:
        """What was kept so far, in order of time."""
        return tuple(self._kept)

    def looks(self) -> tuple[Look, ...]:
        """The looks of what was read so far, in order of time."""
        return self._looks.looks()
