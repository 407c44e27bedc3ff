"""The colours of a picture on a thumbnail. Every picture has one, so only some of its pixels are looked at."""

from __future__ import annotations

from typing import Any

import av.video.frame
import cv2
import numpy as np
from numpy.typing import NDArray

from .cuts import THUMBNAIL
from .orientation import UPRIGHT, Orientation
from .shrinking import Shrinker

SAMPLES = (128, 72)
"""At least so many columns and rows of a plane are looked at, if it has as many: colours change slowly over a picture,
and to add up all of it would cost as much as its brightness."""


def colour_thumbnail(
    picture: av.video.frame.VideoFrame, orientation: Orientation = UPRIGHT, shrinker: Shrinker | None = None
) -> NDArray[np.float32] | None:
    """The thumbnail (18, 32, 2) of Cb and Cr, 0..255, of a picture set upright; None of one without colour.

    A `shrinker` that is kept for all pictures of a video makes it faster.
    """
    name = picture.format.name
    if name.startswith(("gray", "mono", "ya8", "ya16")):
        return None
    planes = _planes(picture, name)
    if planes is None:
        small = (shrinker or Shrinker()).shrink(picture, *THUMBNAIL, "yuv444p").to_ndarray()
        planes = [small[1], small[2]]
    thumbnails = [
        cv2.resize(orientation.upright(np.ascontiguousarray(plane)), THUMBNAIL, interpolation=cv2.INTER_AREA)
        for plane in planes
    ]
    return np.stack(thumbnails, axis=-1).astype(np.float32)


def _planes(picture: av.video.frame.VideoFrame, name: str) -> list[NDArray[np.uint8]] | None:
    """Some of the pixels of Cb and Cr, (row, column) each, in 8 bits; None if the layout is another one."""
    if name in ("nv12", "nv16", "nv24"):
        both = _samples(picture.planes[1], 2, 8)
        return None if both is None else [both[..., 0], both[..., 1]]
    if not name.startswith(("yuv4", "yuvj4", "yuva4")):
        return None
    depth = name.partition("p")[2].removesuffix("le")
    if depth and not depth.isdigit():
        return None
    layers = [_samples(plane, 1, int(depth or 8)) for plane in picture.planes[1:3]]
    return [layer[..., 0] for layer in layers if layer is not None] if all(one is not None for one in layers) else None


def _samples(plane: Any, n_value: int, depth: int) -> NDArray[np.uint8] | None:
    """Evenly spread pixels of a plane, (row, column, value), in 8 bits; None if it is laid out in an unusual way."""
    kind = np.dtype(np.uint8 if depth == 8 else "<u2")
    values = np.frombuffer(plane, np.uint8)
    used = plane.width * n_value * kind.itemsize
    if plane.line_size < used or values.size < plane.line_size * plane.height:
        return None
    across, down = max(1, plane.width // SAMPLES[0]), max(1, plane.height // SAMPLES[1])
    lines = values[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)[::down, :used]
    pixels = np.ascontiguousarray(lines).view(kind).reshape(len(lines), plane.width, n_value)[:, ::across]
    samples: NDArray[np.uint8] = (pixels >> (depth - 8)).astype(np.uint8)
    return samples
