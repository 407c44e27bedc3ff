"""How a quantised song is played: velocities, accents, and an ending that rings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from .quantize import without_overlaps
from .song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Note, Song

_LEVELS = {
    Instrument.DRUMS: 84,
    Instrument.PIANO: 78,
    Instrument.GUITAR: 72,
    Instrument.BASS: 86,
    Instrument.STRINGS: 64,
}
"""The MIDI velocities of an unaccented beat: bass and drums carry, strings stay behind."""
_DRUM_LEVELS = {42: -16, 44: -18, 46: -12, 51: -12, 53: -12, 59: -12, 69: -20, 70: -20, 82: -20}
"""Cymbals and shakers that tick through a bar are played below kick and snare."""
_DOWNBEAT, _BEAT, _OFFBEAT, _BETWEEN = 10, 4, -4, -9
"""The place in the bar adds this to the velocity: the first beat, the other beats, the eighths, the sixteenths."""
_MID_BAR = 2
"""The third beat is louder than the second and the fourth by this much."""
_ACCENT = 18
_SWELL = 7
"""A phrase's middle is louder than its ends by this much."""
_BARS_PER_PHRASE = 4
_TOP_VOICE = 4
"""The highest of several simultaneous notes is louder by this much: it carries the tune."""
_PER_EXTRA_NOTE = 2
_MOST_FOR_EXTRA_NOTES = 8
"""The notes of a chord are softened by at most this much, so that a full chord is not louder by all of its notes."""


def perform(song: Song, accents: Iterable[int] = ()) -> Song:
    """The same notes with the velocities of a performance.

    A note is as loud as its instrument's level in the mix, its place in the bar, its place
    in a phrase of four bars, its place in its chord and the accents make it. What `song`
    says about velocity is not used. Nothing is random.

    Parameters
    ----------
    accents : iterable of int
        The positions, in sixteenths, at which everything is struck louder.
    """
    accented = frozenset(accents)
    chord_sizes = Counter((note.position, note.instrument) for note in song.notes)
    top_pitches = {(note.position, note.instrument): note.pitch for note in song.notes}  # sorted by pitch: last wins
    notes = []
    for note in song.notes:
        chord = (note.position, note.instrument)
        velocity = _LEVELS[note.instrument] + _metric_accent(note.position) + _phrase_swell(note.position)
        if note.instrument is Instrument.DRUMS:
            velocity += _DRUM_LEVELS.get(note.pitch, 0)
        elif chord_sizes[chord] > 1:
            velocity -= min(_MOST_FOR_EXTRA_NOTES, _PER_EXTRA_NOTE * (chord_sizes[chord] - 1))
            velocity += _TOP_VOICE if note.pitch == top_pitches[chord] else 0
        if note.position in accented:
            velocity += _ACCENT
        notes.append(note._replace(velocity=max(1, min(127, velocity))))
    return song.with_notes(notes)


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


def _metric_accent(position: int) -> int:
    place = position % POSITIONS_PER_BAR
    if place == 0:
        return _DOWNBEAT
    if place == POSITIONS_PER_BAR // 2:
        return _BEAT + _MID_BAR
    if place % POSITIONS_PER_BEAT == 0:
        return _BEAT
    return _OFFBEAT if place % 2 == 0 else _BETWEEN


def _phrase_swell(position: int) -> int:
    phrase = _BARS_PER_PHRASE * POSITIONS_PER_BAR
    return round(_SWELL * math.sin(math.pi * (position % phrase) / phrase))


def _last_of_each_instrument(notes: list[Note], from_position: int) -> set[Note]:
    late = [note for note in notes if note.position >= from_position]
    last_onset = {note.instrument: note.position for note in late}  # sorted by position: last wins
    return {note for note in late if note.position == last_onset[note.instrument]}


def _sounding_last(notes: list[Note], end: int) -> set[Note]:
    """The notes that end last; those that would sound beyond `end` all end there."""
    ends = {note: min(note.position + note.duration, end) for note in notes}
    last_end = max(ends.values(), default=0)
    return {note for note, note_end in ends.items() if note_end == last_end}
