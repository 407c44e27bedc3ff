"""The end of a piece: what is struck last rings until the music is over."""

from __future__ import annotations

import math

from .quantize import without_overlaps
from .song import POSITIONS_PER_BAR, Instrument, Note, Song


def close_ending(song: Song) -> Song:
    """Let the last notes ring until the piece ends.

    For every pitched instrument that starts a note in the last bar, the notes it starts
    last are lengthened to `song.length`, rounded up to a whole sixteenth. If none does, the
    pitched notes that sound last are. A last bar that is cut off in its first half counts with
    the bar before it. No pitch sounds twice at once in a track afterwards.
    """
    end = math.ceil(song.length)
    # First, so that no note chosen to ring is cut by its own pitch struck again.
    notes = without_overlaps(song.notes)
    pitched = [note for note in notes if note.instrument is not Instrument.DRUMS and note.position < song.length]
    last_bar = (song.n_bar - 1) * POSITIONS_PER_BAR
    if song.length - last_bar < POSITIONS_PER_BAR // 2:
        last_bar -= POSITIONS_PER_BAR
    ringing = _last_of_each_instrument(pitched, last_bar) or _sounding_last(pitched, end)
    return song.with_notes(note._replace(duration=end - note.position) if note in ringing else note for note in notes)


def _last_of_each_instrument(notes: list[Note], from_position: int) -> set[Note]:
    late = [note for note in notes if note.position >= from_position]
    last_onset = {note.instrument: note.position for note in late}  # sorted by position: last wins
    return {note for note in late if note.position == last_onset[note.instrument]}


def _sounding_last(notes: list[Note], end: int) -> set[Note]:
    """The notes that end last; those that would sound beyond `end` all end there."""
    ends = {note: min(note.position + note.duration, end) for note in notes}
    last_end = max(ends.values(), default=0)
    return {note for note, note_end in ends.items() if note_end == last_end}
