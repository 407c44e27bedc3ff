"""Values of a JSON file that anyone may have changed: each is read with its type, and a message names the place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cmt.errors import CmtError

T = TypeVar("T")

CURE = "make it anew, or remove it to do without"
"""What a user can do about a file that does not hold what it should."""


@dataclass(frozen=True)
class Value:
    """A value of a JSON file, and where it stands.

    Each method returns the value in the type that it names. All raise a CmtError, one line, if it is another.
    """

    content: object
    file: str
    """The file, for messages."""
    path: str = ""
    """The place in the file, such as ``takes[1].score``; empty for the whole content."""
    cure: str = CURE
    """What a user can do about a value that is not what it should be."""

    def __getitem__(self, key: str) -> Value:
        """The value under a key of an object."""
        path = f"{self.path}.{key}" if self.path else key
        values = self.by_key()
        if key not in values:
            raise CmtError(f"{self.file}: {path} is missing; {self.cure}")
        return Value(values[key], self.file, path, self.cure)

    def by_key(self) -> dict[str, object]:
        """An object, its values as they are."""
        if not isinstance(self.content, dict):
            raise self.fault("an object")
        return dict(self.content)

    def each(self, read: Callable[[Value], T]) -> tuple[T, ...]:
        """A list, each value read by `read`."""
        if not isinstance(self.content, list):
            raise self.fault("a list")
        return tuple(
            read(Value(item, self.file, f"{self.path}[{n}]", self.cure)) for n, item in enumerate(self.content)
        )

    def values(self, read: Callable[[Value], T]) -> dict[str, T]:
        """An object, each value read by `read`."""
        return {key: read(self[key]) for key in self.by_key()}

    def maybe(self, read: Callable[[Value], T]) -> T | None:
        """What `read` returns, or None for null."""
        return None if self.content is None else read(self)

    def text(self) -> str:
        """A text."""
        if not isinstance(self.content, str):
            raise self.fault("a text")
        return self.content

    def one_of(self, choices: Mapping[str, T]) -> T:
        """What stands in `choices` under a text."""
        if not isinstance(self.content, str) or self.content not in choices:
            raise self.fault(f"one of {', '.join(choices)}")
        return choices[self.content]

    def number(self) -> float:
        """A finite number, whole or not; whole ones too large for a machine's word are given as floats."""
        if isinstance(self.content, bool) or not isinstance(self.content, int | float):
            raise self.fault("a number")
        try:
            is_finite = math.isfinite(self.content)
        except OverflowError:  # a whole number that no float holds
            is_finite = False
        if not is_finite:
            raise self.fault("a finite number")
        return float(self.content) if abs(self.content) >= 2**53 else self.content

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.content, bool):
            raise self.fault("true or false")
        return self.content

    def positive(self) -> float:
        """A finite number above 0."""
        number = self.number()
        if number <= 0:
            raise self.fault("a number above 0")
        return number

    def whole(self, least: int = 0, most: int | None = None) -> int:
        """A whole number from `least` to `most`, both included; None is no upper limit."""
        number = self.content
        wanted = f"a whole number from {least}" + (" on" if most is None else f" to {most}")
        if isinstance(number, bool) or not isinstance(number, int):
            raise self.fault(wanted)
        if number < least or (most is not None and number > most):
            raise self.fault(wanted)
        return number

    def fault(self, wanted: str) -> CmtError:
        """The error that says what the value should be and is not."""
        found = repr(self.content)
        found = found if len(found) <= 40 else f"{found[:37]}..."
        return CmtError(f"{self.file}: {self.path or 'the content'} must be {wanted}, not {found}; {self.cure}")
