"""Cells of the CSV files that are written: a spreadsheet shows them and runs none."""

from __future__ import annotations

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: Any) -> Any:
    """A cell as it is written: before text that a spreadsheet would take for a formula stands an apostrophe.

    Numbers stay as they are. `as_written` is the inverse.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip("'").startswith(_FORMULA) else cell


def as_written(cell: str) -> str:
    """The text that `harmless` has made a cell of."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
