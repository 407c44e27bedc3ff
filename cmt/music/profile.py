"""The rhythm of a song: how many simu-notes each bar has, and how strong each of them is."""

from __future__ import annotations

from typing import NamedTuple

from midi_io.song import POSITIONS_PER_BAR, Instrument, Song


class SimuNote(NamedTuple):
    """The notes of one instrument that start together (eq. 6)."""

    bar: int
    position: int
    """The sixteenth of the bar, 0..15."""
    instrument: Instrument
    strength: int
    """The number of notes (eq. 9)."""


class RhythmProfile(NamedTuple):
    """Density and strengths of a piece, asked or obtained."""

    density: tuple[int, ...]
    """The number of positions of each bar (n_bar,) on which at least one note starts, 0..16 (eq. 8)."""
    simu_notes: tuple[SimuNote, ...]
    """The simu-notes in order of bar, position, instrument."""


def profile_of_song(song: Song) -> RhythmProfile:
    """Density of each bar and strength of each simu-note (eq. 8, 9)."""
    n_bar = max(song.n_bar, 1 + max((note.position // POSITIONS_PER_BAR for note in song.notes), default=-1))
    onsets: list[set[int]] = [set() for _ in range(n_bar)]
    strengths: dict[tuple[int, int, Instrument], int] = {}
    for note in song.notes:
        bar, position = divmod(note.position, POSITIONS_PER_BAR)
        onsets[bar].add(position)
        key = (bar, position, Instrument(note.instrument))
        strengths[key] = strengths.get(key, 0) + 1
    return RhythmProfile(
        tuple(len(bar) for bar in onsets), tuple(SimuNote(*key, strengths[key]) for key in sorted(strengths))
    )
