"""Times at which an instrument must be silent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.machine.columns import number_in, shown
from midi_io.song import INSTRUMENTS, POSITIONS_PER_BAR, Instrument, Note, Timeline

HAIR = 1e-6
"""A sixteenth that ends at most this many seconds after a mute's begin does not reach into it."""


class Mute(NamedTuple):
    """An instrument neither begins a note in this time nor rings into it."""

    instrument: Instrument
    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture; infinite means the end of the piece."""

    def __str__(self) -> str:
        end = "" if math.isinf(self.end) else f"{self.end:g}"
        return f"{self.instrument.label}@{self.begin:g}-{end}"


Rests = Mapping[Instrument, frozenset[int]]
"""The positions, in sixteenths from the start of the first bar, on which an instrument must not sound."""


def parse_mute(text: str) -> Mute:
    """A mute such as ``drums@0-4`` or, to the end, ``drums@8-``.

    Raises
    ------
    CmtError
        If it is none.
    """
    name, _, span = (part.strip() for part in text.partition("@"))
    begin_text, dash, end_text = (part.strip() for part in span.partition("-"))
    begin, end = number_in(begin_text), number_in(end_text) if end_text else math.inf
    if name.lower() not in INSTRUMENTS or not dash or begin is None or end is None or not 0 <= begin < end:
        raise CmtError(
            f"no mute {shown(text)}; write INSTRUMENT@BEGIN-END in seconds, e.g. drums@0-4, or drums@8- to the end, "
            f"with one of {', '.join(INSTRUMENTS)}"
        )
    return Mute(INSTRUMENTS[name.lower()], begin, end)


def muted_throughout(mutes: Sequence[Mute], duration: float) -> set[Instrument]:
    """The instruments that have no moment left in a piece of `duration` seconds."""
    silent = set()
    for instrument in {mute.instrument for mute in mutes}:
        reached = 0.0
        for mute in sorted(mute for mute in mutes if mute.instrument == instrument):
            if mute.begin <= reached + HAIR:
                reached = max(reached, mute.end)
        if reached >= duration - HAIR:
            silent.add(instrument)
    return silent


def check_mutes(mutes: Sequence[Mute], duration: float) -> None:
    """Raise a CmtError if a mute begins after the end of a piece of `duration` seconds."""
    for mute in mutes:
        if mute.begin >= duration:
            raise CmtError(f"`mutes` {mute} lies outside the piece, which lasts {duration:.3f} s; give an earlier time")


def rests_of(mutes: Sequence[Mute], timeline: Timeline) -> Rests:
    """The sixteenths of a piece on which mutes fall."""
    first, end = math.ceil(timeline.start), math.ceil(timeline.length)
    rests: dict[Instrument, set[int]] = {}
    for mute in mutes:
        rests.setdefault(mute.instrument, set()).update(
            position
            for position in range(first, end)
            if timeline.seconds(position + 1) > mute.begin + HAIR and timeline.seconds(position) < mute.end - HAIR
        )
    return {instrument: frozenset(positions) for instrument, positions in rests.items()}


def rests_by_bar(rests: Rests) -> dict[int, frozenset[tuple[int, Instrument]]]:
    """The same rests by bar: (position 0..15, instrument)."""
    bars: dict[int, set[tuple[int, Instrument]]] = {}
    for instrument, positions in rests.items():
        for position in positions:
            bar, in_bar = divmod(position, POSITIONS_PER_BAR)
            bars.setdefault(bar, set()).add((in_bar, instrument))
    return {bar: frozenset(places) for bar, places in bars.items()}


def cut_at_rests(notes: Sequence[Note], rests: Rests) -> list[Note]:
    """The same notes, none of which rings into a rest of its instrument."""
    return [_cut(note, rests.get(note.instrument, frozenset())) for note in notes]


def _cut(note: Note, rests: frozenset[int]) -> Note:
    following = min((rest for rest in rests if rest > note.position), default=note.position + note.duration)
    return note._replace(duration=min(note.duration, following - note.position))
