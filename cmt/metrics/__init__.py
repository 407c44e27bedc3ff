"""Measures of music, of its control, of its synchrony with a picture.

Each module states its science and its source, then its conventions. `catalogue` lists them all with their
definitions; `cmt evaluate` prints them.
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
from cmt.metrics.validation import NothingToMeasure

__all__ = [
    "NothingToMeasure",
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
