"""Pictures that stand still, one after another: how they are shown, and what rhythm that has.

A film of them need not be made to be measured: its frames are known. Each picture is read and made a frame once, and
all finders of a video's rhythm look at these frames at the times at which the film shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import av.video.frame
import numpy as np
from numpy.typing import NDArray

from cmt.errors import VideoError

from .analyze import VideoRhythm, Watcher
from .frames import Frame, grey_picture, small_size
from .shrinking import Shrinker
from .thumbnails import ThumbnailKeeper, thumbnail_size
from .views import MOST, View, colours_of, view_size

FRAME_RATE = 25
"""The frames of a film of stills in a second."""
TICKS = 60_000
"""Times of frames are whole numbers of these parts of a second."""
LONGEST_SIDE, SHORTEST_SIDE = 1920, 1080
"""The longer and the shorter side of a film have at most this many pixels."""
LEAST_SIDE = 640
"""The longer side of a film has at least this many pixels, so that a tiny picture can be seen."""
WIDEST = 2.4
"""A film is at most so many times as wide as high, or as high as wide; a longer picture has bars beside it."""
ONE_SHAPE = 0.01
"""Pictures whose ratios of width to height differ by at most this share have one shape."""
MOST_PICTURES = 2000
"""A slideshow has at most this many pictures: what is kept of each is small, yet not nothing."""


class _Seen(NamedTuple):
    """What is kept of a picture once it was read."""

    grey: NDArray[np.uint8]
    colours: av.video.frame.VideoFrame
    view: NDArray[np.uint8] | None
    """The picture large enough to be recognised; None where there are too many to keep."""


@dataclass(frozen=True)
class Album:
    """Pictures in order, read once; `open_album` makes it."""

    path: str
    """The file or the folder that the pictures are named after."""
    files: tuple[Path, ...]
    width: int
    """The width of the film in pixels, even."""
    height: int
    """The height of the film in pixels, even."""
    warnings: tuple[str, ...]
    """A line for each thing of a picture that is not shown as it is meant."""
    seen: tuple[_Seen, ...]

    def frame(self, number: int) -> av.video.frame.VideoFrame:
        """The frame of the film that shows a picture, counted from 0.

        Raises
        ------
        VideoError
            If the picture cannot be read any more.
        """
        return _frame_of(self.files[number], self.width, self.height)[0]

    def rhythm(self, borders: Sequence[float], frame_rate: float = FRAME_RATE) -> VideoRhythm:
        """The rhythm of the film that shows each picture from one of the `borders` (n + 1,), in seconds, to the next.

        It is what `analyze` measures of that film, up to what the film loses when it is encoded. A lower frame rate
        looks less often.
        """
        watcher = Watcher(self.width, self.height)
        keeper = ThumbnailKeeper(*small_size(self.width, self.height, 1.0))
        n_frame = 0
        for number, tick in frame_times(borders, frame_rate):
            watcher.take(Frame(tick / TICKS, self.seen[number].grey))
            keeper.take(tick / TICKS, self.seen[number].colours)
            n_frame += 1
        return watcher.rhythm(
            path=self.path,
            stream_index=0,
            duration=float(borders[-1]),
            fps=float(frame_rate),
            n_frame=n_frame,
            looks=keeper.looks(),
            views=[
                View(begin, its.view) for begin, its in zip(borders, self.seen, strict=False) if its.view is not None
            ],
            thumbnails=keeper.thumbnails(),
            warnings=self.warnings,
        )


def open_album(
    files: Sequence[Path], path: str | None = None, progress: Callable[[int], object] | None = None
) -> Album:
    """Read pictures, each once.

    Parameters
    ----------
    files
        The pictures in order, at least one and at most `MOST_PICTURES`.
    path
        What they are named after; the first of them if left out.
    progress
        A function that is called with the number of pictures that were read.

    Raises
    ------
    VideoError
        If one cannot be read, or there are too many.
    """
    if not files:
        raise VideoError("no pictures; give one or more")
    if len(files) > MOST_PICTURES:
        raise VideoError(f"{len(files)} pictures: a slideshow has at most {MOST_PICTURES}; leave some out")
    from .stills import still_size  # late: Pillow takes a moment to import, and a video does not need it

    width, height = film_size([still_size(file) for file in files])
    grey, small = small_size(width, height, 1.0), thumbnail_size(*small_size(width, height, 1.0))
    every = -(-len(files) // MOST)
    seen: list[_Seen] = []
    shrinker = Shrinker()
    notes: list[str] = []
    for number, file in enumerate(files):
        frame, its = _frame_of(file, width, height)
        notes += its
        view = colours_of(frame, *view_size(width, height), shrinker) if number % every == 0 else None
        seen.append(_Seen(grey_picture(frame, grey, shrinker=shrinker), shrinker.shrink(frame, *small, "rgb24"), view))
        if progress is not None:
            progress(number + 1)
    return Album(str(files[0]) if path is None else path, tuple(files), width, height, tuple(notes), tuple(seen))


def frame_times(borders: Sequence[float], frame_rate: float = FRAME_RATE) -> Iterator[tuple[int, int]]:
    """The frames of a film: of each the number of its picture and the tick, of `TICKS` a second, at which it is shown.

    A picture's first frame comes exactly at its border, the others evenly from there; the last of them lasts half as
    long to half as long again where the next border lies between two.
    """
    step = Fraction(TICKS) / Fraction(frame_rate)
    for number, (begin, end) in enumerate(pairwise(round(border * TICKS) for border in borders)):
        for k in range(max(1, round((end - begin) / step))):
            yield number, begin + round(k * step)


def film_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The width and height, even, of a film that shows pictures of these sizes, (width, height) in pixels.

    Pictures of one shape give it theirs. Of several shapes it is 16:9, or 9:16 if more pictures are higher than wide.
    It is no larger than the largest picture needs.
    """
    ratios = np.array([width / height for width, height in sizes])
    if ratios.max() <= ratios.min() * (1 + ONE_SHAPE):
        ratio = float(np.clip(ratios[0], 1 / WIDEST, WIDEST))
    else:
        n_upright = int((ratios < 1).sum())
        ratio = 9 / 16 if n_upright > len(sizes) / 2 else 16 / 9
    # The height that shows each picture in full, then the limits of the film.
    height = max(max(its_height, its_width / ratio) for its_width, its_height in sizes)
    longer, shorter = max(height, height * ratio), min(height, height * ratio)
    scale = max(LEAST_SIDE / longer, min(1.0, LONGEST_SIDE / longer, SHORTEST_SIDE / shorter))
    return max(2, 2 * round(height * ratio * scale / 2)), max(2, 2 * round(height * scale / 2))


def _frame_of(file: Path, width: int, height: int) -> tuple[av.video.frame.VideoFrame, tuple[str, ...]]:
    """A picture in the middle of a black frame, and what is to say of it."""
    from .stills import read_still

    still = read_still(file, width, height)
    rows, columns = still.colours.shape[:2]
    top, left = (height - rows) // 2, (width - columns) // 2
    whole = np.zeros((height, width, 3), np.uint8)
    whole[top : top + rows, left : left + columns] = still.colours
    frame = av.video.frame.VideoFrame.from_ndarray(whole, format="rgb24")
    shown = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
    return shown, still.warnings
