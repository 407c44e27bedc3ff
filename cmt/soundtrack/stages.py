"""The stages of the main job: how long each takes, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from cmt.machine.progress import Progress

NONE_YET: Mapping[str, float] = {}


class StageProgress(Protocol):
    """A function to call with how much of a stage is done, and how much there is to do."""

    def __call__(self, done: float, total: float | None = 1.0, /) -> None:
        """Tell how far the stage is."""


class Stages:
    """Seconds that each stage took, with those of `before`; `progress` is told how far each is."""

    def __init__(self, progress: Progress | None, before: Mapping[str, float] = NONE_YET) -> None:
        self.seconds = dict(before)
        self._progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[StageProgress]:
        """Measure a stage; gives a function to call with how much of it is done, and how much there is to do."""

        def report_progress(done: float, total: float | None = 1.0) -> None:
            if self._progress is not None:
                self._progress(name, done, total)

        start = time.perf_counter()
        report_progress(0.0, None)
        yield report_progress
        self.seconds[name] = round(time.perf_counter() - start, 3)
