"""Songs as their files have them: notes in ticks, before they are put on the sixteenth grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .song import BEATS_PER_BAR


class TickNotes(NamedTuple):
    """Notes as columns, each (n_note,) int64, in any order; of any two one may sound over the other."""

    start: NDArray[np.int64]
    """Ticks from the start of the file."""
    end: NDArray[np.int64]
    instrument: NDArray[np.int64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]


class TickSong(NamedTuple):
    """A song with the time of its file."""

    notes: TickNotes
    ticks_per_beat: int
    n_tick: int
    """The length of the file in ticks."""
    tempi: NDArray[np.float64]
    """The tempi (n,) in BPM, in the order of time; none where the file does not say."""
    tempo_ticks: NDArray[np.int64]
    """The number of ticks (n,) that each tempo lasts."""
    pickup: int
    """The number of ticks before the first downbeat, less than a bar."""
    is_common_time: bool
    """Whether all of it is in 4/4."""
    other_metres: str = ""
    """The time signatures other than 4/4, such as ``3/4, 6/8``, where the file says them."""
    repairs: tuple[str, ...] = ()
    """A line for each thing by which notes may have been lost or moved in reading."""

    @property
    def median_tempo(self) -> float | None:
        """The BPM below which half of the song's beats are; None where the file has no tempo."""
        order = np.argsort(self.tempi, kind="stable")
        beats = np.cumsum(self.tempo_ticks[order])
        if not len(beats) or beats[-1] <= 0:
            return None
        return float(self.tempi[order][np.searchsorted(beats, beats[-1] / 2)])

    @property
    def first_bar(self) -> int:
        """Ticks to add to a note's so that they count from the first downbeat of a bar."""
        return -self.pickup % (self.ticks_per_beat * BEATS_PER_BAR)


def no_notes() -> TickNotes:
    """A silent song's notes."""
    return TickNotes(*(np.zeros(0, np.int64) for _ in TickNotes._fields))


def joined(parts: list[TickNotes]) -> TickNotes:
    """The notes of several tracks."""
    return TickNotes(*(np.concatenate(columns) for columns in zip(*parts, strict=True))) if parts else no_notes()
