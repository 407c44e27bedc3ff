"""From the ticks of a file to positions on the sixteenth grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .song import POSITIONS_PER_BEAT, Note

Ticks = TypeVar("Ticks", int, NDArray[np.int64])


def nearest_position(tick: Ticks, ticks_per_beat: int) -> Ticks:
    """The position nearest to `tick`, or the positions nearest to many; half-way goes to the later one.

    Whole numbers only, so that no tick is so late that rounding errors move it.
    """
    return (2 * POSITIONS_PER_BEAT * tick + ticks_per_beat) // (2 * ticks_per_beat)


def quantize_span(start: int, end: int, ticks_per_beat: int) -> tuple[int, int]:
    """Position and duration in sixteenths of what sounds from tick `start` to tick `end`.

    Both ends go to their nearest position, so notes that touch still touch; a note
    shorter than the grid lasts one sixteenth.
    """
    position = nearest_position(start, ticks_per_beat)
    return position, max(1, nearest_position(end, ticks_per_beat) - position)


def without_overlaps(notes: Iterable[Note]) -> list[Note]:
    """The notes, sorted, with each pitch sounding at most once at a time in a track.

    Of equal onsets the longest duration and the loudest velocity stay; a note that still
    sounds when its pitch is struck again ends there.
    """
    kept: list[Note] = []
    latest: dict[tuple[int, int], int] = {}  # (instrument, pitch) -> index in kept
    for note in sorted(notes):
        voice = (note.instrument, note.pitch)
        index = latest.get(voice)
        if index is not None:
            earlier = kept[index]
            if earlier.position == note.position:
                kept[index] = earlier._replace(
                    duration=max(earlier.duration, note.duration),
                    velocity=max(earlier.velocity, note.velocity),
                )
                continue
            kept[index] = earlier._replace(duration=min(earlier.duration, note.position - earlier.position))
        latest[voice] = len(kept)
        kept.append(note)
    return kept
