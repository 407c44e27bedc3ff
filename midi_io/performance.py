"""A song as it is played: by which sounds, and with the time, the pedals and the places that players give it.

A `Song` says on which sixteenth a note stands. A `Performance` says when it is struck, which may be a little earlier or
later, and with which sound. Files of MIDI and FluidSynth both take performances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from .general_midi import PROGRAMS
from .quantize import without_overlaps
from .song import Instrument, Song, Timeline

VOLUME, PAN, SUSTAIN, REVERB, CHORUS, SILENCE = 7, 10, 64, 91, 93, 120
"""The numbers of the controllers that are used here."""
BEND = 128
"""The number that stands for the pitch wheel, -8,192 to 8,191, which MIDI does not count among the controllers."""
CENTRE = 64
"""The value of the controller `PAN` that is neither left, 0, nor right, 127."""
MOST = 127
"""The largest value of a controller."""


class Voice(NamedTuple):
    """A sound that plays notes, and its place in the mix."""

    instrument: Instrument
    """The track of LPD-5 whose notes it plays, all or some."""
    program: int
    """The General MIDI program, 0 to 127; of the drums the kit."""
    name: str
    """What the track is called in a file, such as ``Guitar``."""
    volume: int = 100
    """The value of controller 7, 0 to 127: 40 log10(volume / 127) dB."""
    pan: int = CENTRE
    """The value of controller 10, 0 (left) to 127 (right)."""
    reverb: int = 40
    """The value of controller 91, 0 (dry) to 127: how much of it is sent into the room."""
    doubled: bool = False
    """Whether two players play the same, one to the left and one to the right."""


class PlayedNote(NamedTuple):
    """A note with the time that its player gives it. Sorted by time."""

    start: float
    """Sixteenths from the start of the first bar."""
    voice: int
    """The number of the voice, from 0."""
    pitch: int
    end: float
    """Sixteenths from the start of the first bar."""
    velocity: int


class Control(NamedTuple):
    """A controller that is moved in the course of the piece, such as a pedal."""

    position: float
    """Sixteenths from the start of the first bar."""
    voice: int
    number: int
    """The controller, 0 to 127."""
    value: int


@dataclass(frozen=True)
class Room:
    """The room that the band plays in (see `midi_io.reverb`)."""

    seconds: float = 1.2
    """The seconds in which a sound falls by 60 dB in the middle of the spectrum."""
    brightness: float = 0.5
    """How long high tones last beside middle ones, 0 to 1."""


@dataclass(frozen=True)
class Band:
    """The voices that play a song, at most two for an instrument, and their room."""

    voices: tuple[Voice, ...]
    room: Room = Room()

    def of(self, instrument: Instrument) -> list[int]:
        """The numbers of the voices that play an instrument's track; with two, the second one plays the chords."""
        return [number for number, voice in enumerate(self.voices) if voice.instrument is instrument]

    def with_programs(self, programs: Mapping[Instrument, int]) -> Band:
        """The same band, in which an instrument that is named plays as one voice with the program given."""
        kept, seen = [], set()
        for voice in self.voices:
            if voice.instrument not in programs:
                kept.append(voice)
            elif voice.instrument not in seen:
                name = voice.instrument.label.capitalize()
                kept.append(voice._replace(program=programs[voice.instrument], name=name, doubled=False))
                seen.add(voice.instrument)
        return replace(self, voices=tuple(kept))


STANDARD_BAND = Band(
    (
        Voice(Instrument.DRUMS, PROGRAMS[Instrument.DRUMS], "Drums", reverb=24),
        Voice(Instrument.PIANO, PROGRAMS[Instrument.PIANO], "Piano", pan=54),
        Voice(Instrument.GUITAR, PROGRAMS[Instrument.GUITAR], "Guitar", pan=82),
        Voice(Instrument.BASS, PROGRAMS[Instrument.BASS], "Bass", reverb=12),
        Voice(Instrument.STRINGS, PROGRAMS[Instrument.STRINGS], "Strings", pan=44, reverb=60),
    )
)
"""What plays a song whose genre is not known: drums and bass in the middle, the others to both sides."""


@dataclass(frozen=True)
class Performance:
    """What is heard: notes in the time of their players, the band, and where positions lie in seconds."""

    notes: tuple[PlayedNote, ...]
    """Sorted; in one voice no pitch sounds twice at a time."""
    band: Band
    timeline: Timeline
    controls: tuple[Control, ...] = ()
    """Sorted by position."""

    @property
    def duration(self) -> float:
        """Length of the piece in seconds."""
        return self.timeline.duration

    @property
    def playing_voices(self) -> tuple[Voice, ...]:
        """The voices that have notes, in LPD-5's order."""
        return tuple(self.band.voices[number] for number in self.playing)

    @property
    def playing(self) -> list[int]:
        """The numbers of the voices that have notes, in LPD-5's order."""
        voices = self.band.voices
        numbers = {note.voice for note in self.notes}
        return sorted(numbers, key=lambda number: (voices[number].instrument, number))


def exactly(song: Song, band: Band = STANDARD_BAND) -> Performance:
    """The song as it is written, each note on its sixteenth; all notes of an instrument by its first voice."""
    first = {voice.instrument: number for number, voice in reversed(list(enumerate(band.voices)))}
    notes = (
        PlayedNote(note.position, first[note.instrument], note.pitch, note.position + note.duration, note.velocity)
        for note in without_overlaps(song.notes)
    )
    return Performance(tuple(sorted(notes)), band, song.timeline)


def main_voices(performance: Performance) -> Band:
    """Of each instrument the voice that has most notes: what plays a song of the same notes."""
    counts = Counter(note.voice for note in performance.notes)
    best: dict[Instrument, int] = {}
    for number, _ in counts.most_common():
        best.setdefault(performance.band.voices[number].instrument, number)
    chosen = [performance.band.voices[best[instrument]] for instrument in sorted(best)]
    others = [voice for voice in STANDARD_BAND.voices if voice.instrument not in best]
    return Band((*chosen, *others), performance.band.room)


def as_performance(music: Song | Performance) -> Performance:
    """A performance as it is, a song as it is written."""
    return exactly(music) if isinstance(music, Song) else music


def ends_at_next_stroke(notes: Iterable[PlayedNote]) -> list[PlayedNote]:
    """The notes, sorted, each ending where its voice strikes its pitch again, if not before."""
    kept: list[PlayedNote] = []
    latest: dict[tuple[int, int], int] = {}
    for note in sorted(notes):
        index = latest.get((note.voice, note.pitch))
        if index is not None and kept[index].end > note.start:
            kept[index] = kept[index]._replace(end=note.start)
        latest[note.voice, note.pitch] = len(kept)
        kept.append(note)
    return [note for note in kept if note.end > note.start]
