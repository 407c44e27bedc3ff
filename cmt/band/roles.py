"""Which notes of a track are a line, and which are chords: two sounds may share them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from midi_io.performance import Band
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song

_LONG = POSITIONS_PER_BAR // 2
"""A note of half a bar or more is held, as chords are..."""
_SHORT = POSITIONS_PER_BAR // 4
"""...and one of a quarter or less over such a note is part of a line."""
_CLEAR = 0.75
"""A bar whose time is filled so much more by one role has that role only: a voice does not change for a note or two."""


def voices_of_notes(song: Song, band: Band) -> list[int]:
    """The number of the voice that plays each note of `song.notes`."""
    chords = {
        note
        for instrument in Instrument
        if len(band.of(instrument)) > 1
        for note in chords_in(note for note in song.notes if note.instrument is instrument)
    }
    return [band.of(note.instrument)[-1 if note in chords else 0] for note in song.notes]


def chords_in(notes: Iterable[Note]) -> set[Note]:
    """Those notes of one track, sorted, that are chords: struck together or held; where most of a bar is, all of it."""
    notes = list(notes)
    together = Counter(note.position for note in notes)
    is_chord = {note: together[note.position] > 1 or note.duration >= _LONG for note in notes}
    for note in notes:
        # What moves above a held note is the line, even where two start together with it.
        if note.duration <= _SHORT and together[note.position] == 1:
            is_chord[note] = False
    bars = defaultdict(list)
    for note in notes:
        bars[note.position // POSITIONS_PER_BAR].append(note)
    chords: set[Note] = set()
    for its in bars.values():
        lines, held = (_sounding(note for note in its if is_chord[note] is kind) for kind in (False, True))
        share = held / (lines + held)
        if share >= _CLEAR:
            chords.update(its)
        elif share > 1 - _CLEAR:
            chords.update(note for note in its if is_chord[note])
    return chords


def _sounding(notes: Iterable[Note]) -> int:
    """On how many sixteenths any of the notes sounds."""
    return len({position for note in notes for position in range(note.position, note.position + note.duration)})
