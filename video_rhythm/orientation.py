"""How a decoded picture is turned and mirrored before it is shown.

Cameras store a picture as their sensor lies and write a display matrix beside it. FFmpeg hands it over with each
picture as nine numbers; its first two columns say where a step to the right and a step down lead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


def orientation_of(frame: Any) -> Orientation:
    """The orientation of a decoded picture; one that is turned by odd degrees is shown as the nearest quarter."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    numbers = np.frombuffer(bytes(matrix), np.int32)
    if len(numbers) < 9:
        return UPRIGHT
    right, down = numbers[0:2].astype(float), numbers[3:5].astype(float)
    if abs(right[0]) + abs(down[1]) >= abs(right[1]) + abs(down[0]):
        return Orientation(False, bool(right[0] < 0), bool(down[1] < 0))
    return Orientation(True, bool(down[0] < 0), bool(right[1] < 0))
