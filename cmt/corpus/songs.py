"""A corpus: songs of one split, their notes joined into columns; read from a prepared folder or from packs.

The layout of the folder is told in docs/corpus.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cmt.music.encoding import NoteArrays
from cmt.music.key import estimate_key, semitones_to_home
from cmt.music.words import Genre, Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song


class SongInfo(NamedTuple):
    """The facts known of a song beside its notes."""

    name: str
    """The md5 of the file that the song came from."""
    genre: Genre | None
    mode: Mode
    tempo: float | None
    """BPM, or None where unknown."""
    semitones_home: int
    """The number of semitones, -6..5, that brings it to C major or A minor."""
    n_bar: int


@dataclass(frozen=True)
class Corpus:
    """Songs of one split, their notes joined into columns."""

    songs: tuple[SongInfo, ...]
    offsets: np.ndarray
    """The offsets (n_song + 1,): song i has the notes offsets[i]:offsets[i + 1]."""
    notes: NoteArrays
    """The notes of all songs, whose positions count from each song's own start."""

    def notes_of(self, index: int) -> NoteArrays:
        """The notes of one song."""
        a, b = self.offsets[index], self.offsets[index + 1]
        return NoteArrays(*(column[a:b] for column in self.notes))


def song_info(name: str, genre: Genre | None, tempo: float | None, notes: NoteArrays) -> SongInfo:
    """The facts known of a song, its key and length found in its notes."""
    pitched = notes.instrument != Instrument.DRUMS
    histogram = np.bincount(notes.pitch[pitched] % 12, weights=notes.duration[pitched], minlength=12)
    key = estimate_key(histogram)
    n_bar = int(notes.position.max(initial=0)) // POSITIONS_PER_BAR + 1
    return SongInfo(name, genre, key.mode, tempo, semitones_to_home(key), n_bar)


def cut_notes(notes: NoteArrays, begin: int, n_bar: int, semitones: int = 0) -> NoteArrays:
    """The notes that start in `n_bar` bars from bar `begin`, counted anew, all but the drums transposed."""
    a, b = np.searchsorted(notes.position, [begin * POSITIONS_PER_BAR, (begin + n_bar) * POSITIONS_PER_BAR])
    position, instrument, pitch, duration = (column[a:b].astype(np.int64) for column in notes)
    moved = pitch + semitones
    moved = np.where(moved < 0, moved + 12, np.where(moved > 127, moved - 12, moved))
    return NoteArrays(
        position - begin * POSITIONS_PER_BAR,
        instrument,
        np.where(instrument == Instrument.DRUMS, pitch, moved),
        duration,
    )


def song_of_pack(corpus: Corpus, index: int, begin: int = 0, n_bar: int | None = None) -> Song:
    """A song of a pack, or `n_bar` bars of it from bar `begin`."""
    info = corpus.songs[index]
    n_bar = info.n_bar if n_bar is None else n_bar
    columns = cut_notes(corpus.notes_of(index), begin, n_bar)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    length = n_bar * POSITIONS_PER_BAR
    notes = (Note(p, Instrument(i), k, min(d, length - p)) for p, i, k, d in rows)
    return Song.steady(notes, info.tempo or 120.0, length)
