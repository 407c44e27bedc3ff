"""Little clips with a known answer, drawn picture by picture and written with PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(rows, columns) of grey, or (rows, columns, 3) of colour."""


def write_clip(
    path: Path,
    pictures: Iterable[Picture],
    fps: float = 25.0,
    *,
    times: Sequence[float] | None = None,
    codec: str = "mpeg4",
) -> Path:
    """Encode `pictures`, all of one size, at `fps` a second, or at `times` (seconds) if they are given.

    MPEG-4 by default: it is in every build of FFmpeg, and quick. `times` are exact to a millisecond.
    """
    rate = Fraction(fps).limit_denominator(1001)
    tick = 1 / rate if times is None else Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream = None
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=rate)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "bgr8" if codec == "gif" else "yuv420p"
                stream.bit_rate = 8_000_000
                stream.codec_context.time_base = tick
                stream.codec_context.gop_size = 12
            layout = "gray" if picture.ndim == 2 else "rgb24"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=layout)
            frame.pts, frame.time_base = index if times is None else round(times[index] * 1000), tick
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
    return path


def add_sound(container: av.container.OutputContainer, seconds: float = 1.0) -> None:
    """Silence in a sound track of its own."""
    stream = container.add_stream("mp2", rate=44_100, layout="mono")
    silence = av.AudioFrame.from_ndarray(np.zeros((1, int(44_100 * seconds)), np.int16), format="s16", layout="mono")
    silence.sample_rate = 44_100
    container.mux(stream.encode(silence))
    container.mux(stream.encode())


def texture(height: int, width: int, seed: int = 0, grain: int = 8) -> Picture:
    """Soft noise, (height, width): something for the optical flow to hold on to, and no two seeds alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, (height // grain + 3, width // grain + 3)).astype(np.float32)
    rows, columns = np.arange(height) / grain, np.arange(width) / grain
    row, column = rows.astype(int), columns.astype(int)
    down, right = (rows - row)[:, None], (columns - column)[None, :]
    top = coarse[row][:, column] * (1 - right) + coarse[row][:, column + 1] * right
    bottom = coarse[row + 1][:, column] * (1 - right) + coarse[row + 1][:, column + 1] * right
    return np.asarray(top * (1 - down) + bottom * down, dtype=np.uint8)


def moving_square(
    place: Callable[[float], tuple[float, float]], seconds: float, fps: float, size: tuple[int, int] = (96, 160)
) -> Iterable[Picture]:
    """A square with a pattern over an even ground; its top left corner is at `place(time)`, (row, column) as
    shares of the way it has. `size` is (height, width)."""
    height, width = size
    side = height // 3
    square = texture(side, side, seed=1, grain=max(2, side // 8))
    for index in range(round(seconds * fps)):
        row, column = place(index / fps)
        top, left = round(row * (height - side)), round(column * (width - side))
        picture = np.full(size, 60, np.uint8)
        picture[top : top + side, left : left + side] = square
        yield picture


def hop(bpm: float, first: float = 0.0, move: float = 0.2) -> Callable[[float], tuple[float, float]]:
    """The square sets off on each beat at `bpm` from `first` (seconds) on, moves a third of its way in `move`
    seconds, slowing down, and rests; the next time it goes back."""
    period = 60.0 / bpm

    def place(time: float) -> tuple[float, float]:
        beat, since = divmod(time - first, period)
        if beat < 0:
            return 0.5, 0.33
        way = 1 - (1 - min(since / move, 1.0)) ** 2
        return 0.5, 0.33 + 0.33 * (way if beat % 2 == 0 else 1 - way)

    return place


def pan(seconds: float, fps: float, speed: float, size: tuple[int, int] = (96, 160)) -> Iterable[Picture]:
    """The whole picture moves to the right at `speed` diagonals a second."""
    height, width = size
    step = speed * float(np.hypot(height, width)) / fps
    n_frame = round(seconds * fps)
    wide = texture(height, width + round(step * n_frame) + 1, grain=12)
    for index in range(n_frame):
        left = round(step * (n_frame - 1 - index))
        yield wide[:, left : left + width]
