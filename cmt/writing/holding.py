"""Rests that are nobody's wish: the notes before a long one are held until music goes on.

The density of a bar is an order, and a calm bar has few strokes. Where these are short, a second or more may pass in
which nothing with a pitch sounds. A player holds the chord there; real songs do so where their bars are as calm.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmt.music.encoding import Words
from cmt.music.words import FIELDS, MAX_DURATION, WordType
from cmt.writing.orders import BarOrders
from cmt.writing.rewriting import Anew
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

LONGEST_REST = 1.0
"""A rest of all pitched instruments that lasts longer than these seconds is filled."""
_TYPE, _INSTRUMENT, _DURATION = map(FIELDS.index, ("type", "instrument", "duration"))


def held(words: Words, timeline: Timeline, orders: Mapping[int, BarOrders], anew: Anew | None = None) -> Words:
    """The words with longer notes before each rest of all pitched instruments that is longer than `LONGEST_REST`.

    The notes that sound last before the rest last until the next pitched note begins, but not into a rest of their own
    instrument, and not into a bar that is ordered to be empty. What follows the last note is the ending's.

    Parameters
    ----------
    orders
        The orders of the piece, by bar.
    anew
        What may be changed, by bar; None is all.
    """
    fields = words.fields
    rows = np.flatnonzero((fields[:, _TYPE] == WordType.NOTE) & (fields[:, _INSTRUMENT] != 1 + Instrument.DRUMS))
    begins = words.positions[rows].astype(int)
    ends = begins + fields[rows, _DURATION]
    reaches = np.maximum.accumulate(ends)
    longest = {}
    for first in np.flatnonzero(begins[1:] > reaches[:-1]) + 1:
        rest, begin = int(reaches[first - 1]), int(begins[first])
        if timeline.seconds(begin) - timeline.seconds(rest) <= LONGEST_REST:
            continue
        for k in np.flatnonzero(ends[:first] == rest).tolist():
            instrument = Instrument(int(fields[rows[k], _INSTRUMENT]) - 1)
            if anew is None or instrument in anew.get(int(begins[k]) // POSITIONS_PER_BAR, frozenset()):
                end = _until(rest, begin, instrument, orders)
                longest[int(rows[k])] = min(MAX_DURATION, end - int(begins[k]))
    if not longest:
        return words
    changed = fields.copy()
    for row, duration in longest.items():
        changed[row, _DURATION] = duration
    return words._replace(fields=changed)


def _until(position: int, end: int, instrument: Instrument, orders: Mapping[int, BarOrders]) -> int:
    """The first position from `position` on, at most `end`, on which an instrument must not sound."""
    for here in range(position, end):
        bar, in_bar = divmod(here, POSITIONS_PER_BAR)
        its = orders.get(bar)
        if its is not None and (its.density == 0 or (in_bar, instrument) in its.rests):
            return here
    return end
