"""Changes of a finished piece that leave all other notes as they are: parts of it exchanged, moved, muted.

They work on what is played, so that neither velocities nor the players' time are worked out anew. A note stands on the
sixteenth that its start is nearest to: nobody is early or late by more than a third of one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from cmt.planning.mutes import Rests, cut_at_rests
from cmt.planning.redo import Anew
from cmt.writing.ranges import PITCH_RANGES
from midi_io import Performance
from midi_io.performance import SILENCE, SUSTAIN, Control, PlayedNote
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

RELEASE = 0.1
"""Sixteenths, at most, by which a key is let go before it is struck again."""
_OCTAVE = 12


def exchanged_song(old: Song, new: Song, anew: Anew) -> Song:
    """The notes of `old`, but those of `new` where something was written anew."""
    kept = [note for note in old.notes if not _is_anew(anew, note.position, note.instrument)]
    written = [note for note in new.notes if _is_anew(anew, note.position, note.instrument)]
    return old.with_notes((*kept, *written))


def exchanged(old: Performance, new: Performance, anew: Anew) -> Performance:
    """The same of what is played, both by one band.

    What is kept has its time, its velocity and its length. Only where its key is struck anew behind it, it may be let
    go a hair earlier.
    """

    def is_new(note: PlayedNote) -> bool:
        return _is_anew(anew, round(note.start), old.band.voices[note.voice].instrument)

    def is_new_pedal(control: Control) -> bool:
        # A pedal that goes up on the border of a bar belongs to the bar before.
        at = math.ceil(control.position) - 1
        return control.number == SUSTAIN and _is_anew(anew, at, old.band.voices[control.voice].instrument)

    notes = [note for note in old.notes if not is_new(note)] + [note for note in new.notes if is_new(note)]
    controls = [control for control in old.controls if not is_new_pedal(control)]
    controls += [control for control in new.controls if is_new_pedal(control)]
    return replace(old, notes=tuple(_let_go(notes)), controls=tuple(sorted(controls)))


def _is_anew(anew: Anew, position: int, instrument: Instrument) -> bool:
    return instrument in anew.get(position // POSITIONS_PER_BAR, frozenset())


def _let_go(notes: list[PlayedNote]) -> list[PlayedNote]:
    """The notes, none of which sounds when its key is struck again."""
    by_key: dict[tuple[int, int], list[PlayedNote]] = defaultdict(list)
    for note in sorted(notes):
        its = by_key[note.voice, note.pitch]
        if its and its[-1].end > note.start:
            lift = min(RELEASE, (note.start - its[-1].start) / 2)
            its[-1] = its[-1]._replace(end=note.start - lift)
        its.append(note)
    return sorted(note for its in by_key.values() for note in its if note.end > note.start)


def octave_for(song: Song, semitones: int) -> int:
    """The move by `semitones`, or the same an octave away, that leaves more notes in reach of their instruments.

    The smaller move is taken where both leave as many.
    """

    def n_outside(move: int) -> int:
        return sum(
            not low <= note.pitch + move <= high
            for note in song.notes
            if note.instrument is not Instrument.DRUMS
            for low, high in [PITCH_RANGES[note.instrument]]
        )

    other = semitones - _OCTAVE if semitones > 0 else semitones + _OCTAVE
    return min((semitones, other), key=lambda move: (n_outside(move), abs(move)))


def moved(performance: Performance, semitones: int) -> Performance:
    """Every note but the drums moved by so many semitones; what would leave MIDI's range stays an octave nearer."""

    def move(note: PlayedNote) -> PlayedNote:
        if performance.band.voices[note.voice].instrument is Instrument.DRUMS:
            return note
        pitch = note.pitch + semitones
        return note._replace(pitch=pitch + _OCTAVE if pitch < 0 else pitch - _OCTAVE if pitch > 127 else pitch)

    return replace(performance, notes=tuple(sorted(map(move, performance.notes)))) if semitones else performance


def muted_song(song: Song, rests: Rests) -> Song:
    """The song without the notes that begin in rests; none of the others rings into one."""
    kept = [note for note in song.notes if note.position not in rests.get(note.instrument, ())]
    return song.with_notes(cut_at_rests(kept, rests))


def muted(performance: Performance, rests: Rests) -> Performance:
    """The same of what is played: pedals are up in rests, and cymbals held."""
    instruments = [voice.instrument for voice in performance.band.voices]
    ordered = {instrument: sorted(places) for instrument, places in rests.items()}
    notes = []
    for note in performance.notes:
        instrument, place = instruments[note.voice], round(note.start)
        if place in rests.get(instrument, ()):
            continue
        rest = _next_rest(ordered.get(instrument, []), place)
        notes.append(note._replace(end=min(note.end, rest)))
    controls = [
        control
        for control in performance.controls
        if not (
            control.number == SUSTAIN
            and control.value
            and math.floor(control.position) in rests.get(instruments[control.voice], ())
        )
    ]
    for voice, instrument in enumerate(instruments):
        its = rests.get(instrument, frozenset())
        number = SILENCE if instrument is Instrument.DRUMS else SUSTAIN
        if instrument in (Instrument.DRUMS, Instrument.PIANO):
            controls += [Control(place, voice, number, 0) for place in sorted(its) if place - 1 not in its]
    kept = tuple(sorted(note for note in notes if note.end > note.start))
    return replace(performance, notes=kept, controls=tuple(sorted(set(controls))))


def _next_rest(places: Sequence[int], place: int) -> float:
    """The first of some places, in order, behind another one; infinite if there is none."""
    index = bisect_right(places, place)
    return places[index] if index < len(places) else math.inf
