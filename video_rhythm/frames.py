"""A video as a stream of small grey pictures with true times.

Nothing here keeps more than one picture, so an hour of video costs no more
memory than a second of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import NamedTuple

import av
import av.container
import av.error
import av.stream
import av.video.frame
import av.video.stream
import cv2
import numpy as np
from numpy.typing import NDArray

from cmt.errors import VideoError

from .colour import colour_thumbnail
from .given import VideoSource
from .limits import LONGEST_STILL, LONGEST_VIDEO
from .looks import Look
from .orientation import UPRIGHT, Orientation, orientation_of
from .reels import open_reel
from .shrinking import Shrinker
from .stamps import Clock
from .thumbnails import Thumbnail, ThumbnailKeeper
from .views import View, ViewKeeper

LONGER_SIDE = 320
"""The longer side of a grey picture has at most this many pixels: enough for the motion of a whole picture, and 30
times less work than 1080p. Smaller videos are not enlarged."""
SHORTER_SIDE = 32
"""Neither side of a grey picture falls below this many pixels: optical flow needs some room."""
SHORTEST_VIDEO = 0.5
"""A video lasts at least this many seconds: there is nothing rhythmical to measure in less."""
MOST_TIMES = 8
"""At most this many damaged places are listed singly."""


class Frame(NamedTuple):
    """One picture of the video."""

    time: float
    """Seconds from the first picture; strictly increasing."""
    grey: NDArray[np.uint8]
    """The grey picture (rows, columns), of the same shape for the whole video, upright, longer side at most 320."""
    colour: NDArray[np.float32] | None = None
    """Its thumbnail (18, 32, 2) of Cb and Cr, 0..255; None if it has no colour."""


class Video:
    """An open video: iterate `frames` once, then read what was learnt on the way.

    Parameters
    ----------
    video
        A file on disk or in memory in any format that FFmpeg reads, or frames.

    Raises
    ------
    VideoError
        If there is no such file, or no moving picture in it.
    """

    path: str
    stream_index: int
    """The number of the stream that is read; FFmpeg counts all streams of a file from 0."""
    width: int
    """The width of the upright picture in pixels, from the first frame on (0 before)."""
    height: int
    """The height of the upright picture in pixels, from the first frame on (0 before)."""
    frame_rate: Fraction
    """The frames a second: what the file claims if that is credible, else (at the end) what was counted."""
    expected_duration: float | None
    """The seconds that the file claims before anything is decoded; None if it makes no claim."""
    duration: float
    """The seconds from the first picture to the end of the last one; known when `frames` is exhausted."""
    n_frame: int
    """The number of pictures delivered so far."""

    def __init__(self, video: VideoSource) -> None:
        self._reel = open_reel(video)
        self.path, self.name = self._reel.path, self._reel.name
        self.width = self.height = self.n_frame = 0
        self.duration = 0.0
        self._clock = Clock()
        self._damage = array("d")
        self._not_advancing = self._timeless = 0
        self._keeper: ThumbnailKeeper | None = None
        self._views: ViewKeeper | None = None
        self._shrinker = Shrinker()
        self.stream_index = self._reel.stream_index
        self.frame_rate = self._reel.frame_rate
        self.expected_duration = self._reel.expected_duration

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reel.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each fault of the file that did not stop the reading."""
        found = []
        if self._reel.n_picture > 1:
            found.append(
                f"{self.name}: {self._reel.n_picture} pictures in the file; stream {self.stream_index}, "
                f"{self.width}x{self.height} at {float(self.frame_rate):.4g} fps, is measured and shown; "
                f"for another one, give a file with that alone"
            )
        if self._damage:
            where = ", ".join(f"{time:.1f}" for time in self._damage[:MOST_TIMES])
            more = f" and {len(self._damage) - MOST_TIMES} more" if len(self._damage) > MOST_TIMES else ""
            times = "once" if len(self._damage) == 1 else f"{len(self._damage)} times"
            found.append(
                f"{self.name}: the picture is damaged {times}, near {where} s{more}; the damaged parts were skipped"
            )
        if self._timeless:
            pictures = "1 picture has" if self._timeless == 1 else f"{self._timeless} pictures have"
            found.append(f"{self.name}: {pictures} no time; taken to follow at {float(self.frame_rate):g} a second")
        if self._reel.without_show_times:
            found.append(f"{self.name}: does not say when its pictures are shown; they follow as they are decoded")
        if self._reel.n_restart:
            times = "once" if self._reel.n_restart == 1 else f"{self._reel.n_restart} times"
            at = float((self._reel.first_restart or 0) - self._clock.start)
            found.append(
                f"{self.name}: its time stamps start again or jump {times}, first at {at:.1f} s; "
                f"the parts follow straight on each other"
            )
        if self._not_advancing:
            pictures = "1 picture has" if self._not_advancing == 1 else f"{self._not_advancing} pictures have"
            found.append(f"{self.name}: {pictures} a time that was there before; left out")
        return tuple(found)

    @property
    def thumbnails(self) -> tuple[Thumbnail, ...]:
        """A few small pictures in colour from all over what was read so far."""
        return self._keeper.thumbnails() if self._keeper is not None else ()

    @property
    def looks(self) -> tuple[Look, ...]:
        """What pictures from all over what was read so far look like, in numbers."""
        return self._keeper.looks() if self._keeper is not None else ()

    @property
    def views(self) -> tuple[View, ...]:
        """A few larger pictures in colour from all over what was read so far."""
        return self._views.views() if self._views is not None else ()

    def frames(self) -> Iterator[Frame]:
        """Decode the video once, from the first picture to the last.

        Pictures that come damaged, or whose time does not advance, are left out.

        Raises
        ------
        VideoError
            At the end, if nothing could be decoded, or only one picture, or less than half a second.
        """
        size = (0, 0)
        orientation = UPRIGHT
        last_length = 0.0
        step = float(self._reel.step)
        for decoded in self._reel.pictures():
            self._note_damage()
            if not self.n_frame:
                orientation = orientation_of(decoded)
                self.width, self.height = orientation.size(decoded.width, decoded.height)
                size = small_size(self.width, self.height, self._reel.pixel_shape(orientation))
                self._keeper, self._views = ThumbnailKeeper(*size), ViewKeeper(*size)
            self._timeless += decoded.pts is None
            time = self._clock.time(decoded.pts, self._reel.time_base, step, self._reel.start)
            if time is None:
                self._not_advancing += 1
                continue
            if time > LONGEST_VIDEO:
                raise VideoError(
                    f"{self.name}: lasts more than {LONGEST_VIDEO / 3600:g} hours; cut it into parts, "
                    f"or check its time stamps with: ffprobe {self.name}"
                )
            self.n_frame += 1
            assert self._keeper is not None and self._views is not None  # made with the first picture
            self._keeper.take(time, decoded, orientation)
            self._views.take(time, decoded, orientation)
            last_length = float((decoded.duration or 0) * self._reel.time_base)
            grey = grey_picture(decoded, size, orientation, self._shrinker)
            yield Frame(time, grey, colour_thumbnail(decoded, orientation, self._shrinker))
        self._note_damage()
        self._finish(last_length if last_length <= LONGEST_STILL else step)

    def _note_damage(self) -> None:
        """Note where something could not be read since the last picture."""
        self._damage.extend([max(self._clock.now, 0.0)] * (self._reel.damage - len(self._damage)))

    def _finish(self, last_length: float) -> None:
        """Set duration and frame rate, and refuse what is too short to have a rhythm."""
        if not self.n_frame:
            self._reel.say_why_nothing_is_seen()
            raise VideoError(
                f"{self.name}: not one picture of the video could be decoded; the file is damaged or "
                f"encrypted, check it with: ffprobe {self.name}"
            )
        if self.n_frame == 1:
            raise VideoError(f"{self.name}: has only one picture; give a video that moves")
        if not self.frame_rate:
            self.frame_rate = Fraction((self.n_frame - 1) / self._clock.now).limit_denominator(1001)
        self.duration = self._clock.now + (last_length if last_length > 0 else 1.0 / float(self.frame_rate))
        if self._reel.end is not None:
            # What cannot be decoded at the end is time all the same: the picture before it is shown longer.
            self.duration = float(self._reel.end - self._clock.start)
        if self.duration < SHORTEST_VIDEO:
            raise VideoError(
                f"{self.name}: lasts {self.duration:.2f} s, too short for a rhythm; "
                f"give a video of at least {SHORTEST_VIDEO} s"
            )


def grey_picture(
    picture: av.video.frame.VideoFrame,
    size: tuple[int, int],
    orientation: Orientation = UPRIGHT,
    shrinker: Shrinker | None = None,
) -> NDArray[np.uint8]:
    """The picture as (rows, columns) of grey, shrunk by area to `size` (columns, rows).

    `orientation` sets it upright; `size` is that of the upright picture. Transparent parts are black. 8-bit planar
    YUV takes the luma plane as it is, which saves a conversion that would cost as much as decoding. A `shrinker` that
    is kept for all pictures of a video makes it three times as fast.
    """
    shrinker = shrinker or Shrinker()
    columns, rows = orientation.size(*size)
    name = picture.format.name
    if _has_alpha(name):
        colour = shrinker.shrink(picture, columns, rows, "rgba").to_ndarray()
        luma = cv2.cvtColor(colour, cv2.COLOR_RGBA2GRAY)
        grey = cv2.multiply(luma, np.ascontiguousarray(colour[..., 3]), scale=1.0 / 255.0)
    else:
        luma_plane = _luma_plane(picture) if _has_8_bit_luma(name) else None
        if luma_plane is None:
            grey = shrinker.shrink(picture, columns, rows, "gray").to_ndarray()
        elif luma_plane.shape == (rows, columns):
            grey = luma_plane.copy()
        elif _parts_pixels(picture, columns, rows):
            shrunk = shrinker.shrink(picture, columns, rows)
            luma_plane = _luma_plane(shrunk)
            grey = shrunk.to_ndarray()[:rows] if luma_plane is None else luma_plane.copy()
        else:
            grey = _shrink(luma_plane, columns, rows)
    return np.ascontiguousarray(orientation.upright(np.asarray(grey, np.uint8)))


def _parts_pixels(picture: av.video.frame.VideoFrame, columns: int, rows: int) -> bool:
    """Whether shrinking it so parts pixels, and FFmpeg may do it: it is ten times faster there than OpenCV.

    The two agree to one level of 255. FFmpeg shrinks each of two fields by itself, which keeps the comb between them.
    """
    width, height = picture.width, picture.height
    whole = width % columns == 0 and height % rows == 0
    return not whole and columns <= width and rows <= height and not picture.interlaced_frame


def _shrink(picture: NDArray[np.uint8], columns: int, rows: int) -> NDArray[np.uint8]:
    """The picture by area. Halved first where that gives the same, which OpenCV does several times faster."""
    height, width = picture.shape
    while height % (2 * rows) == 0 and width % (2 * columns) == 0:
        height, width = height // 2, width // 2
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if (height, width) == (rows, columns):
        return picture
    return cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _has_alpha(format_name: str) -> bool:
    return format_name.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8"))


def _has_8_bit_luma(format_name: str) -> bool:
    return format_name in {"gray", "nv12", "nv21", "nv16", "nv24"} or (
        format_name.startswith(("yuv4", "yuvj4")) and format_name.endswith("p")
    )


def _luma_plane(picture: av.video.frame.VideoFrame) -> NDArray[np.uint8] | None:
    """A view (no copy) of the first plane, or None if it is laid out in an unusual way."""
    plane = picture.planes[0]
    if plane.line_size < picture.width:
        return None
    # PyAV says that a plane is a buffer from Python 3.12 on only.
    rows = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload, unused-ignore]
    if rows.size < plane.line_size * picture.height:
        return None
    luma: NDArray[np.uint8] = rows[: plane.line_size * picture.height].reshape(picture.height, plane.line_size)
    return luma[:, : picture.width]


def small_size(width: int, height: int, pixel_shape: float) -> tuple[int, int]:
    """(columns, rows) of the grey picture for an upright video of `width` by `height` pixels.

    Pixels that are not square are stretched to the shape in which the video is shown.
    """
    shown_width = width * pixel_shape
    scale = min(1.0, LONGER_SIDE / max(shown_width, height))
    return max(SHORTER_SIDE, round(shown_width * scale)), max(SHORTER_SIDE, round(height * scale))
