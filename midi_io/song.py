"""Songs on the sixteenth grid: the one notion of music that everything else shares.

A *position* is a sixteenth note counted from the start of the first bar; a bar has
16 of them (4/4). Tempo is in quarter notes a minute. Where positions lie in seconds
is the business of `Timeline` alone.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

POSITIONS_PER_BEAT = 4
BEATS_PER_BAR = 4
POSITIONS_PER_BAR = POSITIONS_PER_BEAT * BEATS_PER_BAR
SECONDS_AT_1_BPM = 60.0 / POSITIONS_PER_BEAT
"""What a sixteenth lasts at one quarter note a minute."""


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


INSTRUMENTS: Mapping[str, Instrument] = {instrument.label: instrument for instrument in Instrument}
"""The instruments by their labels."""


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
class Timeline:
    """Where the positions of a piece lie in seconds, and where it ends.

    The tempo is steady between neighbouring knots; that between the last two goes on beyond them.

    Raises
    ------
    ValueError
        If there are fewer than two knots, one does not come after the one before it in position and in time, the
        first is not at 0 s or not in the first bar, or the length is below 0.
    """

    knots: tuple[Knot, ...]
    """The knots, two or more, the first at 0 seconds and in the first bar."""
    length: float
    """The position at which the piece ends. Not always whole: a piece that must end with a
    picture at a tempo given from outside ends where the picture does."""

    def __post_init__(self) -> None:
        if len(self.knots) < 2 or self.knots[0].seconds != 0 or not 0 <= self.knots[0].position < POSITIONS_PER_BAR:
            raise ValueError(f"a timeline has two knots or more, the first at 0 s in the first bar, got {self.knots}")
        for knot, following in zip(self.knots, self.knots[1:], strict=False):
            if not (following.position > knot.position and following.seconds > knot.seconds):
                raise ValueError(f"knots must follow each other in position and in time, got {knot}, {following}")
        if not 0 <= self.length < math.inf:
            raise ValueError(f"length must be 0 or more and finite, got {self.length}")

    @classmethod
    def steady(cls, tempo: float, length: float, start: float = 0) -> Timeline:
        """One tempo, in BPM, from the position `start` on, which is the first downbeat unless a pickup is asked for.

        Raises
        ------
        ValueError
            If the tempo is not above 0, or the length is below 0.
        """
        if not 0 < tempo < math.inf:
            raise ValueError(f"tempo must be above 0 and finite, got {tempo}")
        for position in range(1, POSITIONS_PER_BAR):
            seconds = 60.0 / (tempo * POSITIONS_PER_BEAT) * position
            if SECONDS_AT_1_BPM * position / seconds == tempo:
                break  # this knot gives the tempo back to the last binary digit
        return cls((Knot(start, 0.0), Knot(start + position, seconds)), length)

    @classmethod
    def through(cls, knots: Iterable[Knot]) -> Timeline:
        """The timeline of a piece that ends with the last of the knots."""
        knots = tuple(knots)
        return cls(knots, knots[-1].position if knots else 0.0)

    @property
    def start(self) -> float:
        """The position with which the piece begins; above 0 if its first bar is a pickup."""
        return self.knots[0].position

    @property
    def n_bar(self) -> int:
        """Number of bars, a pickup and a begun one counted whole."""
        return -int(-self.length // POSITIONS_PER_BAR)

    @property
    def duration(self) -> float:
        """Length of the piece in seconds."""
        last = self.knots[-1]
        return last.seconds if last.position == self.length else self.seconds(self.length)

    @property
    def is_steady(self) -> bool:
        """Whether one tempo holds, but for the first sixteenth of a pickup, which may be stretched."""
        first_sixteenth = self.knots[1].position - self.knots[0].position < 1.5
        return len(self.knots) == 2 or (len(self.knots) == 3 and first_sixteenth)

    @property
    def tempo(self) -> float:
        """Quarter notes a minute, on average; of a steady timeline the one tempo that it has."""
        begin, end = self.knots[-2:] if self.is_steady else (self.knots[0], self.knots[-1])
        return SECONDS_AT_1_BPM * (end.position - begin.position) / (end.seconds - begin.seconds)

    @property
    def phase(self) -> float:
        """Seconds at which the first downbeat comes, in a piece without one its end: 0 without a pickup."""
        downbeat = -(-self.start // POSITIONS_PER_BAR) * POSITIONS_PER_BAR
        return self.seconds(downbeat) if downbeat < self.length else self.duration

    @property
    def bar_borders(self) -> list[float]:
        """(n_bar + 1,) seconds at which the bars begin, and the piece's end.

        A pickup begins at 0 s and a last bar that is cut off ends with the piece.
        """
        downbeats = [bar * POSITIONS_PER_BAR for bar in range(1, self.n_bar)]
        return [0.0, *(self.seconds(position) for position in (*downbeats, self.length))]

    def seconds(self, position: float) -> float:
        """The seconds from the start of the piece at which a position comes."""
        i = bisect_right(self.knots, position, hi=len(self.knots) - 1, key=lambda knot: knot.position)
        begin, end = self.knots[max(i, 1) - 1], self.knots[max(i, 1)]
        slope = (end.seconds - begin.seconds) / (end.position - begin.position)
        return begin.seconds + (position - begin.position) * slope

    def position(self, seconds: float) -> float:
        """The position at a time; the inverse of `seconds`."""
        i = bisect_right(self.knots, seconds, hi=len(self.knots) - 1, key=lambda knot: knot.seconds)
        begin, end = self.knots[max(i, 1) - 1], self.knots[max(i, 1)]
        slope = (end.position - begin.position) / (end.seconds - begin.seconds)
        return begin.position + (seconds - begin.seconds) * slope

    def tempo_between(self, position: float, end: float) -> float:
        """The tempo, in BPM, at which the stretch would last as long if it were steady."""
        return SECONDS_AT_1_BPM * (end - position) / (self.seconds(end) - self.seconds(position))


@dataclass(frozen=True)
class Song:
    """A piece: its notes, and where they lie in time.

    Raises
    ------
    ValueError
        If a note is out of range.
    """

    notes: tuple[Note, ...]
    """Sorted by position, instrument, pitch."""
    timeline: Timeline

    @classmethod
    def steady(cls, notes: Iterable[Note], tempo: float, length: float) -> Song:
        """A song of one tempo, in BPM, that ends at the position `length`.

        Raises
        ------
        ValueError
            If a note, the tempo or the length is out of range.
        """
        return cls(tuple(notes), Timeline.steady(tempo, length))

    def __post_init__(self) -> None:
        for note in self.notes:
            if note.position < self.start or note.duration < 1:
                raise ValueError(f"note before the start or without a length: {note}")
            if not (0 <= note.pitch <= 127 and 1 <= note.velocity <= 127):
                raise ValueError(f"pitch or velocity out of the MIDI range: {note}")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def length(self) -> float:
        """Position at which the piece ends."""
        return self.timeline.length

    @property
    def start(self) -> float:
        """The position with which the piece begins; above 0 if its first bar is a pickup."""
        return self.timeline.start

    @property
    def tempo(self) -> float:
        """Quarter notes a minute; the mean where the tempo changes."""
        return self.timeline.tempo

    @property
    def duration(self) -> float:
        """Length of the piece in seconds."""
        return self.timeline.duration

    @property
    def n_bar(self) -> int:
        """Number of bars, a pickup and a begun one counted whole."""
        return self.timeline.n_bar

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The instruments that play at least one note, in LPD-5's order."""
        return tuple(sorted({note.instrument for note in self.notes}))

    def seconds(self, position: float) -> float:
        """The seconds from the start of the piece at which a position comes."""
        return self.timeline.seconds(position)

    def with_notes(self, notes: Iterable[Note]) -> Song:
        """Other notes on the same timeline."""
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
