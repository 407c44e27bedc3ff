"""Measures of music, of its control, of its synchrony with a picture.

Each module states its conventions, its metrics and its source. A metric that may have nothing to measure returns a
`Measurement`: a value, or the reason why there is none. `catalogue` lists all metrics with their definitions; `cmt
evaluate` prints them.
"""

from cmt.metrics.music import (
    adjacent_grooving_similarity,
    density,
    different_bars,
    drum_consistency,
    empty_bars,
    grooving_similarity,
    onsets,
    pattern_repetition,
    pitch_class_entropy,
    pitch_entropy,
    polyphony,
    scale_consistency,
)
from cmt.metrics.structure import structureness, structureness_at_scales
from cmt.metrics.validation import Measurement

__all__ = [
    "Measurement",
    "adjacent_grooving_similarity",
    "density",
    "different_bars",
    "drum_consistency",
    "empty_bars",
    "grooving_similarity",
    "onsets",
    "pattern_repetition",
    "pitch_class_entropy",
    "pitch_entropy",
    "polyphony",
    "scale_consistency",
    "structureness",
    "structureness_at_scales",
]
