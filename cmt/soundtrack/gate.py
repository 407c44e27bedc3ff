"""What no take may have that nobody asked for: seconds without a pitched note, and seconds that can hardly be heard.

Both are told from the notes, before anything is played: so a take is the same with and without sound (`midi_only`), and
whichever programs play it. How loud notes will be is estimated by `cmt.band.hearing`.

Silence is asked where nobody with a pitch may play (the instruments, mutes), in bars that are ordered to be empty, and
in a last fade of the film, from its begin on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np

from cmt.band.hearing import FRAME, estimated_levels
from cmt.planning.plan import Plan
from cmt.writing.orders import BarOrders
from midi_io.performance import Performance
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song
from video_rhythm import VideoRhythm
from video_rhythm.fades import FadeKind

PITCHLESS = 2.0
"""A stretch of so many seconds without a pitched note is a fault."""
SOFT, SOFT_SECONDS = -50.0, 0.8
"""A stretch below so many dBFS for so many seconds is one, too: what is estimated is held to a little less than 1 s."""
END_OF_FILM = 0.5
"""A fade is the film's end if it ends at most so many seconds before it."""


class Stretch(NamedTuple):
    """A part of a piece, in seconds from its begin."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.begin


def silence_asked(plan: Plan, orders: Mapping[int, BarOrders]) -> frozenset[int]:
    """The positions of a piece at which it may be silent, because somebody or the film's end asks for that."""
    timeline = plan.timeline
    end_of_film = end_asked(plan.rhythm)
    places = range(math.ceil(timeline.start), math.ceil(timeline.length))
    return frozenset(
        place
        for place in places
        if not any(instrument is not Instrument.DRUMS for instrument in plan.sheet.playing(place))
        or (place // POSITIONS_PER_BAR in orders and orders[place // POSITIONS_PER_BAR].density == 0)
        or timeline.seconds(place) >= end_of_film
    )


def end_asked(rhythm: VideoRhythm | None) -> float:
    """The seconds from which on a film's last fade asks for silence; infinity if it does not end with one."""
    if rhythm is None or not rhythm.fades:
        return math.inf
    last = rhythm.fades[-1]
    is_end = last.kind is FadeKind.FADE_OUT and last.end >= rhythm.duration - END_OF_FILM
    return last.begin if is_end else math.inf


def without_pitch(song: Song, asked: Collection[int] = ()) -> list[Stretch]:
    """The stretches in which no pitched note sounds though silence is not `asked`, a collection of positions."""
    first, end = math.ceil(song.start), math.ceil(song.length)
    silent = np.ones(max(0, end - first), bool)
    for note in song.notes:
        if note.instrument is not Instrument.DRUMS:
            silent[max(0, note.position - first) : note.position + note.duration - first] = False
    for place in asked:
        silent[place - first] = False
    return [
        Stretch(max(0.0, song.seconds(first + begin)), min(song.duration, song.seconds(first + end)))
        for begin, end in _runs(silent)
    ]


def soft_stretches(levels: np.ndarray, asked: Collection[Stretch] = ()) -> list[Stretch]:
    """The stretches of frames of `FRAME` seconds, (n_frame,) dBFS, below `SOFT` that lie in none of those `asked`."""
    is_soft = levels < SOFT
    for stretch in asked:
        is_soft[math.floor(stretch.begin / FRAME) : math.ceil(stretch.end / FRAME)] = False
    return [Stretch(begin * FRAME, end * FRAME) for begin, end in _runs(is_soft)]


def faults(song: Song, performance: Performance, plan: Plan, orders: Mapping[int, BarOrders]) -> tuple[str, ...]:
    """What is wrong with a take, a line for each kind, with the longest stretch.

    Parameters
    ----------
    song, performance
        The take, as it is performed and as it is played.
    orders
        Its orders, by bar.
    """
    asked = silence_asked(plan, orders)
    seconds = [Stretch(song.seconds(place), song.seconds(place + 1)) for place in sorted(asked)]
    lines = []
    for stretches, most, what in (
        (without_pitch(song, asked), PITCHLESS, "no pitched note"),
        (soft_stretches(estimated_levels(performance), seconds), SOFT_SECONDS, "hardly to be heard"),
    ):
        longest = max(stretches, key=lambda stretch: stretch.seconds, default=Stretch(0.0, 0.0))
        if longest.seconds > most:
            lines.append(f"{what} for {longest.seconds:.1f} s, from {longest.begin:.1f} s on")
    return tuple(lines)


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """The first index of each run of true flags, and the one behind its last."""
    runs, begin = [], 0
    for value, group in groupby(flags.tolist()):
        end = begin + len(list(group))
        if value:
            runs.append((begin, end))
        begin = end
    return runs
