"""Pictures shrunk by FFmpeg, many of one size by one scaler."""

from __future__ import annotations

import av.video.frame
from av.video.reformatter import VideoReformatter


class Shrinker:
    """Shrinks pictures by area, each to what ``picture.reformat(..., interpolation="AREA")`` gives.

    FFmpeg's scaler is set up once for each size and format that is asked for. `reformat` sets up a new one for each
    picture, which takes longer than the shrinking. One thread at a time may use it.
    """

    def __init__(self) -> None:
        self._scalers: dict[tuple[int, int, str | None], VideoReformatter] = {}

    def shrink(
        self, picture: av.video.frame.VideoFrame, columns: int, rows: int, pixels: str | None = None
    ) -> av.video.frame.VideoFrame:
        """The picture in that size, and in the pixel format `pixels` or its own."""
        scaler = self._scalers.setdefault((columns, rows, pixels), VideoReformatter())
        return scaler.reformat(picture, columns, rows, pixels, interpolation="AREA")
