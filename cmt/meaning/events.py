"""What a text says, piece by piece, before it becomes the fields of a description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cmt.meaning.patterns import Time


@dataclass
class Event:
    """A phrase that was understood."""

    kind: str
    """The sort of thing it says, such as ``mood`` or ``sound``."""
    value: Any
    """What it says, as its table in the lexicon has it."""
    said: str
    """The phrase as it was written."""
    place: int
    """The number of its first word in the text."""
    n_word: int
    """How many words it has there; what is said in numbers is one."""
    clause: int
    """The number of its clause."""
    negated: bool = False
    degree: float = 1.0
    times: list[Time] = field(default_factory=list)
    """The times that are said of it."""
