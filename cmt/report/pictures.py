"""The part of a report that says which picture of a slideshow is shown when."""

from __future__ import annotations

from typing import NamedTuple

from cmt.report.values import Value


class PictureShown(NamedTuple):
    """A picture of a slideshow."""

    file: str
    """The path of its file."""
    begin: float
    """The seconds from which it is shown."""
    end: float
    """The seconds until which it is shown."""

    @classmethod
    def from_json(cls, shown: Value) -> PictureShown:
        """The part of a report's JSON."""
        return cls(shown["file"].text(), shown["begin"].number(), shown["end"].number())
