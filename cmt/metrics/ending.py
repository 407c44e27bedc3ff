"""Does a piece end, or is it cut off? What its last bar has that the bars before have not.

Conventions
-----------
- The last bar is the last in which a note starts; a bar in which notes are only held is not.
- The tonic is that of `guess_key`, the estimator that the generator does not use.
- Inner bars are those between the first and the last; without any, or without a note in them, nothing is defined, and
  the `Measurement` says why. What is no song raises ValueError.

Metrics
-------
- `ending_of`: activity, ringing and tonic of the last bar, and whether the piece closes.

Source
------
Ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmt.metrics.control import guess_key, why_no_key
from cmt.metrics.music import onsets
from cmt.metrics.validation import Measurement, columns_of, undefined
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Song

MOST_ACTIVITY = 0.75
"""A last bar of this activity or less comes to rest."""


class Ending(NamedTuple):
    """How a song ends."""

    activity: Measurement
    """Onsets of the last bar beside the mean of the inner bars: 1 is no rest at all."""
    rings: Measurement
    """1 if nothing starts on the last beat of the last bar, else 0."""
    tonic: Measurement
    """1 if the lowest of the pitched notes that start last is the tonic, else 0."""

    @property
    def closes(self) -> Measurement:
        """1 if the last bar comes to rest, rings, and is at home; else 0."""
        if self.activity.reason:
            return self.activity
        rests = self.activity.value <= MOST_ACTIVITY
        return Measurement(float(rests and self.rings.value == self.tonic.value == 1))


def ending_of(song: Song) -> Ending:
    """How a song ends; see the module for what is measured.

    Used by benchmarks/controls.py and benchmarks/checkpoints.py.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
    grid = onsets(song)
    sounding = np.flatnonzero(grid.any(axis=1))
    if not len(sounding) or sounding[-1] < 2:
        none = undefined("no bar between the first and the last")
        return Ending(none, none, none)
    last = int(sounding[-1])
    inner = float(grid[1:last].sum(axis=1).mean())
    if not inner:
        none = undefined("nothing between the first bar and the last")
        return Ending(none, none, none)
    key = guess_key(song)
    if key is None:
        tonic = undefined(why_no_key(song))
    else:
        notes = columns_of(song).pitched()
        lowest = notes.pitch[notes.position == notes.position.max()].min()
        tonic = Measurement(float(lowest % 12 == key.tonic))
    rings = Measurement(float(np.flatnonzero(grid[last])[-1] < POSITIONS_PER_BAR - POSITIONS_PER_BEAT))
    return Ending(Measurement(float(grid[last].sum() / inner)), rings, tonic)
