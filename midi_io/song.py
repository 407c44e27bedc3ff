"""Songs on the sixteenth grid: the one notion of music that everything else shares.

A *position* is a sixteenth note counted from the start of the first bar; a bar has
16 of them (4/4). Tempo is in quarter notes a minute. Where positions lie in seconds
is the business of `TempoMap` alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

POSITIONS_PER_BEAT = 4
BEATS_PER_BAR = 4
POSITIONS_PER_BAR = POSITIONS_PER_BEAT * BEATS_PER_BAR


class Instrument(IntEnum):
    """The five tracks of LPD-5 (Dong et al., MuseGAN, 2018), in its order."""

    DRUMS = 0
    PIANO = 1
    GUITAR = 2
    BASS = 3
    STRINGS = 4

    @property
    def label(self) -> str:
        """The name that users read and type, e.g. ``drums``."""
        return self.name.lower()


class Note(NamedTuple):
    """One note. The order of the fields is the order in which notes are sorted."""

    position: int
    """Onset in sixteenths from the start of the piece, 0 or more."""
    instrument: Instrument
    pitch: int
    """MIDI pitch, 0..127; for drums the General MIDI percussion key."""
    duration: int
    """Length in sixteenths, 1 or more."""
    velocity: int = 80
    """MIDI velocity, 1..127."""


class Knot(NamedTuple):
    """A position and the time at which it comes."""

    position: float
    """Sixteenths from the start of the first bar."""
    seconds: float
    """Seconds from the start of the piece."""


@dataclass(frozen=True)
class TempoMap:
    """Where positions lie in seconds: at a steady tempo between neighbouring knots.

    The tempo between the last two knots goes on beyond them.

    Raises
    ------
    ValueError
        If there are fewer than two knots, one does not come after the one before it in position
        and in time, or the first is not at 0 s.
    """

    knots: tuple[Knot, ...]
    """The knots, two or more, the first at 0 seconds."""

    def __post_init__(self) -> None:
        if len(self.knots) < 2 or self.knots[0].seconds != 0 or not self.knots[0].position >= 0:
            raise ValueError(f"a tempo map begins at 0 s and has two knots or more, got {self.knots}")
        for knot, following in zip(self.knots, self.knots[1:], strict=False):
            if not (following.position > knot.position and following.seconds > knot.seconds):
                raise ValueError(f"knots must follow each other in position and in time, got {knot}, {following}")

    @classmethod
    def steady(cls, tempo: float) -> TempoMap:
        """One tempo, in BPM, from the first downbeat on; a ValueError is raised unless it is above 0."""
        if not tempo > 0:
            raise ValueError(f"tempo must be above 0, got {tempo}")
        return cls((Knot(0, 0.0), Knot(1, 60.0 / (tempo * POSITIONS_PER_BEAT))))

    @property
    def start(self) -> float:
        """The position with which the piece begins; above 0 if its first bar is a pickup."""
        return self.knots[0].position

    def seconds(self, position: float) -> float:
        """The seconds, from the start of the piece, at which a position comes."""
        i = bisect_right(self.knots, position, hi=len(self.knots) - 1, key=lambda knot: knot.position)
        begin, end = self.knots[max(i, 1) - 1], self.knots[max(i, 1)]
        slope = (end.seconds - begin.seconds) / (end.position - begin.position)
        return begin.seconds + (position - begin.position) * slope

    def position(self, seconds: float) -> float:
        """The place on the grid at a time; the inverse of `seconds`."""
        i = bisect_right(self.knots, seconds, hi=len(self.knots) - 1, key=lambda knot: knot.seconds)
        begin, end = self.knots[max(i, 1) - 1], self.knots[max(i, 1)]
        slope = (end.position - begin.position) / (end.seconds - begin.seconds)
        return begin.position + (seconds - begin.seconds) * slope

    def bar_borders(self, length: float) -> list[float]:
        """(n_bar + 1,) seconds at which the bars of a piece of `length` sixteenths begin, and its end.

        A pickup begins at 0 s and a last bar that is cut off ends with the piece.
        """
        n_bar = -int(-length // POSITIONS_PER_BAR)
        first = int(self.start // POSITIONS_PER_BAR)
        downbeats = [bar * POSITIONS_PER_BAR for bar in range(first + 1, n_bar)]
        return [0.0] * (first + 1) + [self.seconds(position) for position in (*downbeats, length)]

    def tempo_between(self, position: float, end: float) -> float:
        """The tempo, in BPM, at which the stretch would last as long if it were steady."""
        return 60.0 / POSITIONS_PER_BEAT * (end - position) / (self.seconds(end) - self.seconds(position))


@dataclass(frozen=True)
class Song:
    """A piece: its notes, its tempo, its length.

    Raises
    ------
    ValueError
        If a note or the tempo or the length is out of range.
    """

    notes: tuple[Note, ...]
    """The notes, sorted by position, instrument, pitch."""
    tempo: float
    """Quarter notes a minute, above 0; the mean where a tempo map says more."""
    length: float
    """Position at which the piece ends. Not always whole: a piece that must end with a
    picture at a tempo given from outside ends where the picture does."""
    tempo_map: TempoMap | None = None
    """The seconds at which positions lie; None is the steady `tempo` from the first downbeat on."""

    def __post_init__(self) -> None:
        if not self.tempo > 0:
            raise ValueError(f"tempo must be above 0, got {self.tempo}")
        if not self.length >= 0:
            raise ValueError(f"length must not be negative, got {self.length}")
        for note in self.notes:
            if note.position < self.start or note.duration < 1:
                raise ValueError(f"note before the start or without a length: {note}")
            if not (0 <= note.pitch <= 127 and 1 <= note.velocity <= 127):
                raise ValueError(f"pitch or velocity out of the MIDI range: {note}")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @cached_property
    def timing(self) -> TempoMap:
        """Where positions lie in seconds."""
        return TempoMap.steady(self.tempo) if self.tempo_map is None else self.tempo_map

    @property
    def start(self) -> float:
        """The position with which the piece begins; above 0 if its first bar is a pickup."""
        return self.timing.start

    def seconds(self, position: float) -> float:
        """The seconds from the start of the piece at which a position comes."""
        return self.timing.seconds(position)

    @property
    def duration(self) -> float:
        """Length of the piece in seconds."""
        return self.seconds(self.length)

    @property
    def n_bar(self) -> int:
        """Number of bars, a pickup and a begun one counted whole."""
        return -int(-self.length // POSITIONS_PER_BAR)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The instruments that play at least one note, in LPD-5's order."""
        return tuple(sorted({note.instrument for note in self.notes}))

    def with_notes(self, notes: Iterable[Note]) -> Song:
        """The same tempo and length with other notes."""
        return replace(self, notes=tuple(notes))

    def transposed(self, semitones: int) -> Song:
        """Every note but the drums moved by `semitones`.

        A pitch that would leave the MIDI range keeps its class, an octave nearer.
        """
        return self.with_notes(
            note if note.instrument is Instrument.DRUMS else note._replace(pitch=_into_range(note.pitch + semitones))
            for note in self.notes
        )


def _into_range(pitch: int) -> int:
    if pitch < 0:
        return pitch + 12
    if pitch > 127:
        return pitch - 12
    return pitch
