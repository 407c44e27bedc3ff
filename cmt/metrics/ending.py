"""Does a piece end, or is it cut off? What its last bar has that the bars before have not.

Method: ours. The last bar is the last in which a note starts; a bar in which notes are only held is not.

Conventions
-----------
- The tonic is that of `guess_key`, the estimator that the generator does not use.
- Inner bars are those between the first and the last; a song without any gives NaN and the warning `NothingToMeasure`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmt.metrics.control import guess_key
from cmt.metrics.music import onsets
from cmt.metrics.validation import NOT_DEFINED, columns_of, nothing
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Song

MOST_ACTIVITY = 0.75
"""Of a last bar that comes to rest."""


class Ending(NamedTuple):
    """How a song ends."""

    activity: float
    """Onsets of the last bar beside the mean of the inner bars: 1 is no rest at all."""
    rings: float
    """1 if nothing starts on the last beat of the last bar, else 0."""
    tonic: float
    """1 if the lowest of the pitched notes that start last is the tonic, else 0."""

    @property
    def closes(self) -> float:
        """1 if the last bar comes to rest, rings, and is at home; else 0."""
        if self.activity != self.activity:
            return NOT_DEFINED
        return float(self.activity <= MOST_ACTIVITY and self.rings == self.tonic == 1)


def ending_of(song: Song) -> Ending:
    """How a song ends; see the module for what is measured."""
    grid = onsets(song)
    sounding = np.flatnonzero(grid.any(axis=1))
    if not len(sounding) or sounding[-1] < 2:
        value = nothing("no bar between the first and the last")
        return Ending(value, value, value)
    last = int(sounding[-1])
    inner = float(grid[1:last].sum(axis=1).mean())
    if not inner:
        value = nothing("nothing between the first bar and the last")
        return Ending(value, value, value)
    key = guess_key(song)
    notes = columns_of(song).pitched()
    tonic = NOT_DEFINED
    if key is not None:
        lowest = notes.pitch[notes.position == notes.position.max()].min()
        tonic = float(lowest % 12 == key.tonic)
    rings = float(np.flatnonzero(grid[last])[-1] < POSITIONS_PER_BAR - POSITIONS_PER_BEAT)
    return Ending(float(grid[last].sum() / inner), rings, tonic)
