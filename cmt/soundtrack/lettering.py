"""Names of files as the letters of a picture: whatever they hold, they can be drawn."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font

from video_rhythm.container import printable

_NO_GLYPH = "\N{REPLACEMENT CHARACTER}"


def write_title(axes: Axes, name: str, text: str, pad: float | None = None) -> None:
    """Write a title that begins with a file's name above axes; `pad` points of room lie below it.

    What is no letter is ?, a letter that the font lacks a question mark in a lozenge; $ are no formulas.
    """
    axes.set_title(f"{_drawable(name)}: {text}", pad=pad, parse_math=False)


def _drawable(name: str) -> str:
    name = printable(name)
    if name.isascii():
        return name
    font = get_font(findfont(FontProperties()))
    return "".join(letter if font.get_char_index(ord(letter)) else _NO_GLYPH for letter in name)
