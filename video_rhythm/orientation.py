"""How a decoded picture is turned and mirrored before it is shown.

Cameras store a picture as their sensor lies and write a display matrix beside it. FFmpeg hands it over with each
picture as nine numbers; its first two columns say where a step to the right and a step down lead.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import av.filter
import av.sidedata.sidedata
import numpy as np
from numpy.typing import NDArray


class Orientation(NamedTuple):
    """What makes a stored picture upright, in this order."""

    transposed: bool = False
    """Whether rows become columns."""
    mirrored: bool = False
    """Whether left and right are then exchanged."""
    flipped: bool = False
    """Whether top and bottom are then exchanged."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The width and height of the upright picture of one that is stored so; or the other way round."""
        return (height, width) if self.transposed else (width, height)

    def upright(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (row, column, ...) as it is shown."""
        if self == UPRIGHT:
            return picture
        turned = np.swapaxes(picture, 0, 1) if self.transposed else picture
        return np.ascontiguousarray(turned[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1])

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """FFmpeg's filters that do the same, with their options."""
        asked = (
            (self.transposed, ("transpose", "cclock_flip")),
            (self.mirrored, ("hflip", "")),
            (self.flipped, ("vflip", "")),
        )
        return tuple(name for wanted, name in asked if wanted)


UPRIGHT = Orientation()
_N_UNNAMED = 16
"""The kinds of side data that FFmpeg may have beyond those that PyAV knows."""


def side_data_of(frame: Any, name: str) -> Any:
    """What stands beside a decoded picture under a name; None if nothing does.

    PyAV gives nothing at all beside what it has no name for, such as EXIF: a filter takes that away first.
    """
    try:
        return frame.side_data.get(name)
    except ValueError:
        return _without_unnamed(frame).side_data.get(name)


def _without_unnamed(frame: Any) -> Any:
    """The picture without what FFmpeg puts beside it and PyAV has no name for."""
    known: Any = av.sidedata.sidedata.Type
    first = max(kind.value for kind in known) + 1
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)),
        *(graph.add("sidedata", f"mode=delete:type={kind}") for kind in range(first, first + _N_UNNAMED)),
        graph.add("buffersink"),
    ).configure()
    graph.push(frame)
    return graph.pull()


def orientation_of(frame: Any) -> Orientation:
    """The orientation of a decoded picture; one that is turned by odd degrees is shown as the nearest quarter."""
    matrix = side_data_of(frame, "DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    numbers = np.frombuffer(bytes(matrix), np.int32)
    if len(numbers) < 9:
        return UPRIGHT
    right, down = numbers[0:2].astype(float), numbers[3:5].astype(float)
    if abs(right[0]) + abs(down[1]) >= abs(right[1]) + abs(down[0]):
        return Orientation(False, bool(right[0] < 0), bool(down[1] < 0))
    return Orientation(True, bool(down[0] < 0), bool(right[1] < 0))
