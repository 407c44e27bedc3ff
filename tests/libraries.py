"""Small libraries of songs, and what videos ask, for the tests of matching."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cmt.machine.workers import Workers
from cmt.matching.indexing import update_index
from cmt.matching.moods import curve_in_bytes
from cmt.matching.score import PieceBlock, VideoDemand, rhythm_of_song
from cmt.music.encoding import notes_of_song
from midi_io import write_midi
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song, Timeline


def draw_demand(
    rng: np.random.Generator, n_bar: int = 6, tempo: float = 110.0, share_asked: float = 0.2
) -> VideoDemand:
    """Any density for each bar, strengths at some positions."""
    strength = rng.integers(1, 9, (n_bar, POSITIONS_PER_BAR)) * (rng.random((n_bar, POSITIONS_PER_BAR)) < share_asked)
    density = np.maximum(rng.integers(3, 17, n_bar), np.count_nonzero(strength, axis=1))
    timeline = Timeline.steady(tempo, n_bar * POSITIONS_PER_BAR)
    return VideoDemand(timeline, density.astype(np.float32), strength.astype(np.float32), 0)


def draw_rhythm(rng: np.random.Generator, n_bar: int) -> np.ndarray:
    """(n_bar, 16) strengths of a piece."""
    played = rng.random((n_bar, POSITIONS_PER_BAR)) < rng.random((n_bar, 1))
    return (rng.integers(1, 12, (n_bar, POSITIONS_PER_BAR)) * played).astype(np.uint8)


def perfect_rhythm(demand: VideoDemand) -> np.ndarray:
    """Strengths that are all that is asked, the rest of the bar's density beside the accents."""
    strength = demand.strength.astype(np.uint8)
    for row, density in zip(strength, demand.density, strict=True):
        free = np.flatnonzero(row == 0)
        row[free[: int(density) - np.count_nonzero(row)]] = 3
    return strength


def song_of_rhythm(strength: np.ndarray, tempo: float = 110.0) -> Song:
    """A song with these strengths, its notes spread over the instruments."""
    notes = []
    for position, n_note in enumerate(strength.ravel().tolist()):
        notes.extend(Note(position, Instrument(k % 5), 40 + k, 1) for k in range(n_note))
    return Song.steady(tuple(notes), tempo, strength.size)


def block_of(songs: list[Song]) -> PieceBlock:
    """As an index would hold them."""
    rhythms = [rhythm_of_song(song) for song in songs]
    return PieceBlock(
        np.r_[0, np.cumsum([len(density) for density, _ in rhythms])],
        np.concatenate([density for density, _ in rhythms]),
        np.concatenate([strength for _, strength in rhythms]),
        np.concatenate(
            [
                curve_in_bytes(notes_of_song(song), len(d), song.tempo)
                for song, (d, _) in zip(songs, rhythms, strict=True)
            ]
        ),
        np.array([song.tempo for song in songs], dtype=np.float32),
    )


def write_library(folder: Path, songs: dict[str, Song]) -> Path:
    """MIDI files, by name."""
    for name, song in songs.items():
        path = folder / f"{name}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_midi(song, path)
    return folder


def write_index(folder: Path, library: Path) -> Path:
    """The library's index."""
    with Workers(1) as workers:
        update_index([library], folder, workers)
    return folder
