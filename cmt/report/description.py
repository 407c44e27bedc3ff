"""The part of a report that says what was asked in words, in a file or by a mood, and where each of it comes from."""

from __future__ import annotations

from typing import NamedTuple

from cmt.report.values import Value


class FieldTold(NamedTuple):
    """A field of a description, as it was used."""

    field: str
    value: str
    """As a description's file has it."""
    source: str
    """Who decided: ``picture``, ``user``, ``mood``, ``option`` or ``default``."""
    reason: str

    @classmethod
    def from_json(cls, told: Value) -> FieldTold:
        """The part of a report's JSON."""
        return cls(told["field"].text(), told["value"].text(), told["source"].text(), told["reason"].text())


class Told(NamedTuple):
    """What a report says of a description."""

    fields: tuple[FieldTold, ...] = ()
    warnings: tuple[str, ...] = ()
    """A line for each thing that was asked and cannot be."""
