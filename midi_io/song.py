"""Songs on the sixteenth grid: the one notion of music that everything else shares.

A *position* is a sixteenth note counted from the start of the piece; a bar has
16 of them (4/4). Tempo is in quarter notes a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
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


@dataclass(frozen=True)
class Song:
    """A piece: its notes, its tempo, its length.

    Raises
    ------
    ValueError
        If a note or the tempo or the length is out of range.
    """

    notes: tuple[Note, ...]
    """Sorted by position, instrument, pitch."""
    tempo: float
    """Quarter notes a minute, above 0."""
    length: float
    """Length of the piece in sixteenths. Not always whole: a piece that must end with a
    picture at a tempo given from outside ends where the picture does."""

    def __post_init__(self) -> None:
        if not self.tempo > 0:
            raise ValueError(f"tempo must be above 0, got {self.tempo}")
        if not self.length >= 0:
            raise ValueError(f"length must not be negative, got {self.length}")
        for note in self.notes:
            if note.position < 0 or note.duration < 1:
                raise ValueError(f"note before the start or without a length: {note}")
            if not (0 <= note.pitch <= 127 and 1 <= note.velocity <= 127):
                raise ValueError(f"pitch or velocity out of the MIDI range: {note}")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def seconds_per_position(self) -> float:
        """Seconds that one sixteenth lasts."""
        return 60.0 / (self.tempo * POSITIONS_PER_BEAT)

    @property
    def duration(self) -> float:
        """Length of the piece in seconds."""
        return self.length * self.seconds_per_position

    @property
    def n_bar(self) -> int:
        """Number of bars, a begun one counted whole."""
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
