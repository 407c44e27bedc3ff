"""How much of a song's notes another song already has: the longest run that both share, whatever the key.

Conventions
-----------
- A track is two lines: its highest and its lowest note at each onset. A line of single notes is both at once. Drums are
  no line: patterns of the kit belong to everybody.
- A run is shared where both lines make the same steps, in semitones, at the same distances, in sixteenths. So what is
  transposed, moved to another track or to another place of the bar is found; what is turned round, stretched or
  ornamented is not.
- A note of a run counts where the last four steps up to it are new in that run: of a note that is repeated, an octave
  that goes up and down, or a figure that loops, the first time round counts. Without that, eight quavers on one pitch,
  which every bass plays, would be the longest run of all.

Source
------
The longest common substring of two rows of intervals. It is after the same thing as the originality report of Yin,
Reuben, Stepney & Collins (*Measuring when a music generation algorithm copies too much*, SN Computer Science 3, 2022).
That a loop counts once is our own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.encoding import NoteArrays
from midi_io.song import Instrument

WINDOW = 4
"""A note counts where the last so many steps up to it come for the first time in its run."""
MOST_DISTANCE = 64
"""Onsets farther apart than this, in sixteenths, count as so far apart."""
_STEPS = 256

Line = NDArray[np.int64]


class SharedRun(NamedTuple):
    """A run of notes that two songs share."""

    n_note: int = 0
    """The number of its notes that count, loops once; 0 where they share none."""
    instrument: Instrument | None = None
    """Who plays it in the first song."""
    begin: int = 0
    """The position at which it begins there, in sixteenths."""
    end: int = 0
    """The position of its last onset there."""


class _Steps(NamedTuple):
    """A line as steps from note to note."""

    positions: Line
    """(n_note,) the onsets, in sixteenths."""
    codes: Line
    """(n_note - 1,) interval and distance of each step in one number."""


def longest_shared_run(song: NoteArrays, other: NoteArrays) -> SharedRun:
    """The longest run of a pitched track of `song` that some pitched track of `other` has too.

    Of runs of equal length it is the first, by instrument and time.
    """
    theirs = [steps.codes for _, steps in _lines(other)]
    best = SharedRun()
    for instrument, steps in _lines(song):
        reach = np.zeros(len(steps.codes), np.int64)
        for codes in theirs:
            np.maximum(reach, _common_suffixes(steps.codes, codes), out=reach)
        for last in range(len(reach)):
            if reach[last] and reach[last] + 1 > best.n_note:
                first = last + 1 - int(reach[last])
                n_note = _new_notes(steps.codes[first : last + 1])
                if n_note > best.n_note:
                    begin, end = int(steps.positions[first]), int(steps.positions[last + 1])
                    best = SharedRun(n_note, instrument, begin, end)
    return best


def _lines(notes: NoteArrays) -> list[tuple[Instrument, _Steps]]:
    """The highest and the lowest line of each pitched track as steps; one where both are the same."""
    lines: list[tuple[Instrument, _Steps]] = []
    for instrument in Instrument:
        its = notes.chosen(notes.instrument == instrument)
        if instrument is Instrument.DRUMS or len(its.position) < 2:
            continue
        order = np.lexsort((its.pitch, its.position))
        position, pitch = its.position[order].astype(np.int64), its.pitch[order].astype(np.int64)
        is_first = np.append(True, np.diff(position) > 0)
        highest = _steps(position, pitch, np.append(is_first[1:], True))
        lowest = _steps(position, pitch, is_first)
        lines.append((instrument, highest))
        if not np.array_equal(highest.codes, lowest.codes):
            lines.append((instrument, lowest))
    return lines


def _steps(position: Line, pitch: Line, chosen: NDArray[np.bool_]) -> _Steps:
    positions, pitches = position[chosen], pitch[chosen]
    distances = np.minimum(np.diff(positions), MOST_DISTANCE)
    return _Steps(positions, distances * _STEPS + np.diff(pitches) + _STEPS // 2)


def _common_suffixes(codes: Line, others: Line) -> Line:
    """(n,) for each step of a line, how many steps up to it the other line has in a row somewhere, at most."""
    longest = np.zeros(len(codes), np.int64)
    if not len(others):
        return longest
    lengths = np.zeros(len(others) + 1, np.int64)
    for number, code in enumerate(codes.tolist()):
        lengths[1:] = np.where(others == code, lengths[:-1] + 1, 0)
        longest[number] = lengths.max()
    return longest


def _new_notes(codes: Line) -> int:
    """The number of notes of a run of steps, without those that only go on with what loops."""
    if len(codes) < WINDOW:
        return 1 + len(codes)
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW)
    return WINDOW + len(np.unique(windows, axis=0))
