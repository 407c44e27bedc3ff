"""Small clips for tests, drawn picture by picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def draw_pictures(path: Path, pictures: Iterable[np.ndarray], fps: int, codec: str = "mpeg4") -> Path:
    """Encode pictures, each (rows, columns, 3) uint8 with even sides, at `fps` a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps))
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        for picture in pictures:
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def draw_clip(
    path: Path,
    seconds: float = 4.0,
    fps: int = 12,
    size: tuple[int, int] = (160, 96),
    *,
    still: bool = False,
    codec: str = "mpeg4",
) -> Path:
    """A square that moves calmly, then fast, over a textured ground; `size` is (width, height), even numbers."""
    return draw_pictures(path, moving_square(round(seconds * fps), size, still=still), fps, codec)


def moving_square(n_frame: int, size: tuple[int, int] = (160, 96), *, still: bool = False) -> Iterator[np.ndarray]:
    """The pictures of `draw_clip`."""
    width, height = size
    ground = np.random.default_rng(0).integers(40, 90, (height, width, 3), dtype=np.uint8)
    ground = np.repeat(np.repeat(ground[::8, ::8], 8, axis=0), 8, axis=1)[:height, :width]
    x = 0
    for index in range(n_frame):
        picture = ground.copy()
        x += 0 if still else (1 if index < n_frame / 2 else 6)
        left = x % (width - 32)
        top = height // 2 - 12
        picture[top : top + 24, left : left + 24] = 230
        yield picture
