"""How numbers are printed, the same on the terminal and on the page."""

from __future__ import annotations

import math

from cmt.metrics.distribution import Interval

NOT_THERE = "–"


def number(value: float) -> str:
    """Three digits after the point."""
    if math.isnan(value):
        return NOT_THERE
    return f"{value + 0.0:.3f}"


def interval_text(interval: Interval) -> str:
    """The mean and the interval: ``0.123 [0.100, 0.150]``."""
    if math.isnan(interval.low):
        return number(interval.mean)
    return f"{number(interval.mean)} [{number(interval.low)}, {number(interval.high)}]"
