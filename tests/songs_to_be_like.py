"""Small songs for the tests of music that is to be like a song."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from midi_io import write_midi
from midi_io.song import Instrument, Note, Song

DRUMS, PIANO, GUITAR, BASS, STRINGS = Instrument
TRIADS = {"C": (0, 4, 7), "F": (5, 9, 12), "G": (7, 11, 14), "Am": (9, 12, 16), "Dm": (2, 5, 9), "E": (4, 8, 11)}


def song_of_chords(
    chords: Sequence[str],
    semitones: int = 0,
    tempo: float = 100.0,
    quiet_from: int | None = None,
    kick: Sequence[int] = (0, 6, 8),
) -> Song:
    """A song with a chord a bar: drums, piano chords, bass, and strings that lead; from a bar on without drums."""
    notes = []
    for bar, name in enumerate(chords):
        at = 16 * bar
        root, *_ = triad = [60 + semitones + step for step in TRIADS[name]]
        for position in (0, 8):
            notes += [Note(at + position, PIANO, pitch, 8) for pitch in triad]
            notes.append(Note(at + position, BASS, root - 24, 8))
        notes += [Note(at + 4 * beat, STRINGS, triad[(bar + beat) % 3] + 12, 4) for beat in range(4)]
        if quiet_from is None or bar < quiet_from:
            notes += [Note(at + position, DRUMS, 36, 1) for position in kick]
            notes += [Note(at + position, DRUMS, 38, 1) for position in (4, 12)]
            notes += [Note(at + position, DRUMS, 42, 1) for position in range(0, 16, 2)]
    return Song.steady(notes, tempo, 16 * len(chords))


POP = ("C", "G", "Am", "F")


def write_song(path: Path, song: Song) -> Path:
    """The song as a MIDI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(song, path)
    return path
