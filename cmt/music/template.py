"""The template: what another song lends a new one as its composing plan, and the notes that it must not copy.

It is the song's lead sheet, so its form, chords, players, drums and energy, bar by bar; its tempo and mode; and its
groove, where drums and bass strike. There is no melody in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.key import Key, estimate_key, semitones_to_home
from cmt.music.lead_sheet import Grooves, LeadSheet, Stroke, sheet_of
from cmt.music.words import Genre
from midi_io.song import POSITIONS_PER_BAR, Instrument

MOST_BARS = 512
"""A longer song lends its first bars."""
FEWEST_BARS = 2
"""A shorter song has nothing to lend."""
NO_KEY_OF_THE_KIT = -1
"""What a stroke of the bass has in place of a drum."""


@dataclass(frozen=True)
class Template:
    """A song as a composing plan."""

    name: str
    """What the song is called."""
    sheet: LeadSheet
    """Its lead sheet, in the home key of its mode."""
    key: Key
    """The key that it is in."""
    tempo: float
    """BPM."""
    grooves: Grooves
    """(n_bar,) where drums and bass strike."""
    notes: NoteArrays
    """All its notes, against which a piece is held."""
    genre: Genre | None = None
    """The genre, where it is known."""

    @property
    def n_bar(self) -> int:
        """The number of bars."""
        return self.sheet.n_bar

    @property
    def sections(self) -> list[tuple[int, int]]:
        """The first bar of each section and the bar behind its last."""
        begins = np.flatnonzero(self.sheet.begins).tolist()
        return list(zip(begins, [*begins[1:], self.n_bar], strict=True))


def template_of(name: str, notes: NoteArrays, tempo: float, genre: Genre | None = None) -> Template:
    """The template of a song; its first bar is that of its first note.

    Raises
    ------
    CmtError
        If the song has no notes, only drums, or is too short.
    """
    if not len(notes.position):
        raise CmtError(f"{name}: holds no notes, so there is nothing to be like; name another song")
    pitched = notes.pitched()
    if not len(pitched.position):
        raise CmtError(f"{name}: only drums play in it, so it has no chords to lend; name a song with pitched parts")
    notes = NoteArrays(*(column.astype(np.int64) for column in notes))
    first = int(notes.position.min()) // POSITIONS_PER_BAR
    notes = notes._replace(position=notes.position - first * POSITIONS_PER_BAR)
    n_bar = int(notes.position.max()) // POSITIONS_PER_BAR + 1
    if n_bar < FEWEST_BARS:
        raise CmtError(f"{name}: has only one bar, so it has no form to lend; name a longer song")
    n_bar = min(n_bar, MOST_BARS)
    kept = notes.chosen(notes.position < n_bar * POSITIONS_PER_BAR)
    key = estimate_key(np.bincount(pitched.pitch % 12, weights=pitched.duration, minlength=12))
    return Template(
        name=name,
        sheet=sheet_of(kept, n_bar).transposed(semitones_to_home(key)),
        key=key,
        tempo=tempo,
        grooves=grooves_of(kept, n_bar),
        notes=notes,
        genre=genre,
    )


def grooves_of(notes: NoteArrays, n_bar: int) -> Grooves:
    """(n_bar,) where drums and bass strike in notes that all start inside these bars."""
    bars: list[set[Stroke]] = [set() for _ in range(n_bar)]
    for position, instrument, pitch in zip(
        notes.position.tolist(), notes.instrument.tolist(), notes.pitch.tolist(), strict=True
    ):
        if instrument in (Instrument.DRUMS, Instrument.BASS):
            drum = pitch if instrument == Instrument.DRUMS else NO_KEY_OF_THE_KIT
            bar, in_bar = divmod(position, POSITIONS_PER_BAR)
            bars[bar].add(Stroke(in_bar, Instrument(instrument), drum))
    return tuple(map(frozenset, bars))
