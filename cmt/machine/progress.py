"""How long work tells its caller how far it has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A function that is called as a stage of the work goes on."""

    def __call__(self, stage: str, done: float, total: float | None, /) -> None:
        """Hear that `done` of `total` units of `stage` are done; a total of None is unknown."""


def no_progress(stage: str, done: float, total: float | None, /) -> None:
    """Hear it and show nothing."""
