"""Small text files that users write: values in columns, a line for each."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from midi_io.input_file import content_of
from midi_io.limits import MOST_TEXT_BYTES

MOST_SHOWN = 40
"""A message shows at most this many characters of a wrong cell."""
_DECIMAL_COMMA = re.compile(r"^([+-]?\d+),(\d+)$")
"""A number as much of the world writes it; a cell that commas part from others has none, unless it is in quotes."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a]")
"""Characters that stand in no text."""


class Line(NamedTuple):
    """A line that holds values."""

    cells: tuple[str, ...]
    source: str
    """The line's place, for messages, such as ``markers.csv:3``."""


class Table(NamedTuple):
    """What a text file of columns holds."""

    names: tuple[str, ...]
    """The cells of its header; none without one."""
    lines: list[Line]


def read_columns(path: Path) -> list[Line]:
    """The lines of a text file, as `read_table` reads them."""
    return read_table(path).lines


def read_table(path: Path) -> Table:
    """The lines of a text file, their cells parted by tabs, semicolons or commas, whichever ends the first number.

    A first line without a number is a header; empty lines and lines that begin with # are passed over. Where commas do
    not part the cells, they are decimal commas. The text is UTF-8, UTF-16 that says so, or Latin-1.

    Raises
    ------
    CmtError
        If the file cannot be read, is larger than any such file, or is no text.
    """
    lines: list[Line] = []
    names: tuple[str, ...] = ()
    header_is_possible = True
    # Not `splitlines`: it also ends a line at what Windows writes three dots as.
    for number, line in enumerate(io.StringIO(_text_of(path), newline=None).read().split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = _cells_of(line)
        is_header = header_is_possible and cells[0] != "" and not any(character.isdigit() for character in cells[0])
        header_is_possible = False
        if is_header:
            names = cells
        else:
            lines.append(Line(cells, f"{path}:{number}"))
    return Table(names, lines)


def _text_of(path: Path) -> str:
    content = content_of(path, MOST_TEXT_BYTES)
    encodings = (
        ("utf-16",) if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ("utf-8-sig", "latin-1")
    )
    for encoding in encodings:
        with suppress(UnicodeError):
            text = content.decode(encoding)
            if not _NO_TEXT.search(text):
                return text
    raise CmtError(f"{path}: is no text; give a file with a time in seconds on each line")


def _cells_of(line: str) -> tuple[str, ...]:
    """The cells of a line: where a text has a semicolon or a tab in it, the separator is what ends its first number."""
    separators = [one for one in "\t;," if one in line] or [","]
    ways = [_parted(line, separator) for separator in separators]
    return next((cells for cells in ways if number_in(cells[0]) is not None), ways[0])


def _parted(line: str, separator: str) -> tuple[str, ...]:
    try:
        (found,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
    except (csv.Error, ValueError):  # a cell of a megabyte: it is no number either
        found = line.split(separator)
    return tuple(_DECIMAL_COMMA.sub(r"\1.\2", cell.strip(" \"'")) for cell in found)


def number_in(cell: str) -> float | None:
    """The finite number in a cell, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def time_in(line: Line) -> float:
    """The seconds in a line's first cell.

    Raises
    ------
    CmtError
        If it holds no time.
    """
    time = number_in(line.cells[0])
    if time is None:
        raise CmtError(f"{line.source}: {shown(line.cells[0])} is no time; write seconds, such as 12.5")
    return time


def shown(cell: str) -> str:
    """A wrong cell as a message shows it."""
    return repr(cell[:MOST_SHOWN])
