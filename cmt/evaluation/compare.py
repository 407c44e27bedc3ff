"""Sets of pieces side by side: the same metrics by set, and how sure their differences are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.errors import CmtError
from cmt.evaluation.evaluate import Evaluation, Row
from cmt.machine.files import real_path
from cmt.metrics.catalogue import BY_NAME
from cmt.metrics.distribution import N_BOOTSTRAP, Interval, mean_difference
from cmt.metrics.validation import NOT_DEFINED

DIFFERENCE_DEFINITION = (
    f"The mean of a set less that of the first set, and its 95 % interval: both sets are drawn anew with replacement, "
    f"each by itself, {N_BOOTSTRAP} times, and the interval is that of the percentiles 2.5 and 97.5 of the differences "
    "of their means (bootstrap; Efron 1979). An interval that leaves out 0 is marked *. Of so many metrics one in "
    "twenty is expected to be marked where sets do not differ."
)
OUTSIDE_DEFINITION = (
    "The median of a set's pieces lies below the 5th or above the 95th percentile of the reference's songs: marked !."
)


class Cell(NamedTuple):
    """A metric over the pieces of a set."""

    row: Row | None
    """None where no piece of the set has the metric."""
    median: float
    is_outside: bool
    """Whether the median lies outside the middle 90 % of the reference's songs."""
    difference: Interval | None
    """The mean less that of the first set; None in the first set."""

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        its = self.difference
        return its is not None and not math.isnan(its.low) and (its.low > 0 or its.high < 0)


class Line(NamedTuple):
    """A metric over all sets."""

    name: str
    cells: tuple[Cell, ...]
    reference: tuple[float, float, float]
    """The reference's 5th percentile, median and 95th; NaN where it has none."""


@dataclass(frozen=True)
class Comparison:
    """Sets of pieces, the first of which the others are held against."""

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    lines: tuple[Line, ...]


def names_of_sets(folders: Sequence[Path]) -> tuple[str, ...]:
    """What sets are called: by their folders, and by the folders above where two are the same.

    Raises
    ------
    CmtError
        If there are not two or more, one of them is no folder, or one is named twice.
    """
    if len(folders) < 2:
        raise CmtError("a comparison needs two folders of MIDI files or more")
    for folder in folders:
        if not folder.is_dir():
            raise CmtError(f"{folder}: no folder; a comparison is of folders of MIDI files")
    whole = [real_path(folder) for folder in folders]
    if len(set(whole)) < len(whole):
        raise CmtError("a comparison is of different folders; name each only once")
    names = [path.name for path in whole]
    depth = 2
    while len(set(names)) < len(names):
        names = ["-".join(path.parts[-depth:]).strip("/") for path in whole]
        depth += 1
    return tuple(names)


def compare_evaluations(names: Sequence[str], evaluations: Sequence[Evaluation], seed: int = 0) -> Comparison:
    """Hold sets against the first one, metric by metric; all were held against one reference."""
    found = [{row.name: row for row in evaluation.rows} for evaluation in evaluations]
    metrics = [name for name in BY_NAME if any(name in rows for rows in found)]
    return Comparison(
        tuple(names), tuple(evaluations), tuple(_line(name, evaluations, found, seed) for name in metrics)
    )


def _line(name: str, evaluations: Sequence[Evaluation], found: Sequence[dict[str, Row]], seed: int) -> Line:
    distribution = evaluations[0].reference.distributions.get(name)
    low, high = distribution.middle_90 if distribution else (NOT_DEFINED, NOT_DEFINED)
    values = [values_of(evaluation, name) for evaluation in evaluations]
    cells = []
    for number, (its, rows) in enumerate(zip(values, found, strict=True)):
        median = float(np.median(its)) if its else NOT_DEFINED
        difference = mean_difference(values[0], its, seed) if number else None
        cells.append(Cell(rows.get(name), median, median < low or median > high, difference))
    return Line(name, tuple(cells), (low, distribution.median if distribution else NOT_DEFINED, high))


def values_of(evaluation: Evaluation, name: str) -> list[float]:
    """A metric's values over the pieces for which it is defined."""
    found = [piece.values[name].value for piece in evaluation.measured if name in piece.values]
    return [value for value in found if not math.isnan(value)]
