"""A song as its band plays it: a little early or late, chords strummed, swung, breathing at borders, with the pedal.

Nobody's notes leave their sixteenth by more than a third of it, so what is written is what is read. Notes on exact
positions, such as the accents on a cut, are struck together and on time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np

from cmt.band.feel import QUANTIZED, Feel
from cmt.band.roles import voices_of_notes
from midi_io.performance import MOST, SILENCE, SUSTAIN, Band, Control, Performance, PlayedNote, ends_at_next_stroke
from midi_io.quantize import without_overlaps
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Note, Song

_SPREAD: Mapping[Instrument, float] = {
    Instrument.DRUMS: 0.0036,
    Instrument.PIANO: 0.0094,
    Instrument.GUITAR: 0.0095,
    Instrument.BASS: 0.0044,
    Instrument.STRINGS: 0.0079,
}
"""Seconds, as a standard deviation, by which a stroke is early or late: those of free pieces' tracks that were played,
not typed (`benchmarks/dynamics.py`)."""
_DRIFT, _MEMORY = 0.5, 0.8
"""The share of that which is drift, slow from beat to beat, and how much of it a beat keeps."""
_EARLY: Mapping[Instrument, float] = {Instrument.STRINGS: 0.012}
"""Seconds by which an instrument that sounds slowly begins before the beat."""
_STRING, _FINGER = 0.007, 0.003
"""Seconds from one string of a strummed guitar to the next, and from one finger of a pianist to the next at most."""
_TOUCH = 4.0
"""The standard deviation of a stroke's velocity."""
_BACKBEAT = (37, 38, 39, 40)
_MOST_SHIFT = 0.33
"""Sixteenths that a note may lie beside its place."""
_BREATH = 0.4
"""Sixteenths before a border at which what would sound up to it ends."""
_LIFT = 0.015
"""Seconds before a key is struck again at which it is let go."""
_CUT_SHORT = 0.12
"""...and at most so many sixteenths before."""
_HALF = POSITIONS_PER_BAR // 2
_PEDAL_LATE = 0.3
"""Sixteenths after a chord at which the pedal goes down again."""
_PEDAL_PITCHES = 4
"""The pedal is not held through more pitch classes than these..."""
_PEDAL_ONSETS = 4
"""...nor more strokes in half a bar."""
_PIANOS = range(8)


def played(
    song: Song,
    band: Band,
    feel: Feel,
    rng: np.random.Generator,
    *,
    exact: Collection[int] = (),
    borders: Collection[int] = (),
    rests: Mapping[Instrument, Collection[int]] | None = None,
) -> Performance:
    """`song` in the time of its players.

    Parameters
    ----------
    exact
        Positions, in sixteenths, whose notes are struck on time.
    borders
        Positions at which a section begins: the band breathes before them.
    rests
        The positions on which instruments must not sound: nobody is early or rings on there, and cymbals are held.
    """
    rests = rests or {}
    silent = rests.get(Instrument.DRUMS, ())
    chokes = [position for position in silent if position - 1 not in silent]
    song = song.with_notes(without_overlaps(song.notes))
    voices = voices_of_notes(song, band)
    if feel == QUANTIZED:
        return _as_written(song, band, voices, chokes)
    shifts = _shifts(song, feel, rng, frozenset(exact))
    end_of_piece, breaths = math.ceil(song.length), frozenset(borders)
    touches = feel.looseness * _TOUCH * rng.normal(size=len(song.notes))
    notes = []
    for note, voice, shift, touch in zip(song.notes, voices, shifts, touches.tolist(), strict=True):
        rest = rests.get(note.instrument, ())
        start = max(song.start, note.position + (max(shift, 0.0) if note.position - 1 in rest else shift))
        end = float(note.position + note.duration)
        if end in breaths and note.instrument is not Instrument.DRUMS and note.duration > 1:
            end -= _BREATH
        elif end < end_of_piece:
            end += min(shift, 0.0) if end in rest else shift
        velocity = max(1, min(MOST, round(note.velocity + (0.0 if note.position in exact else touch))))
        notes.append(PlayedNote(start, voice, note.pitch, max(end, start + 0.25), velocity))
    notes = _lifted(song, ends_at_next_stroke(notes))
    controls = _choked(band, chokes) + (_pedals(song, band) if feel.pedal else [])
    return Performance(tuple(notes), band, song.timeline, tuple(sorted(controls)))


def _as_written(song: Song, band: Band, voices: list[int], chokes: Collection[int]) -> Performance:
    notes = (
        PlayedNote(note.position, voice, note.pitch, note.position + note.duration, note.velocity)
        for note, voice in zip(song.notes, voices, strict=True)
    )
    return Performance(tuple(sorted(notes)), band, song.timeline, tuple(_choked(band, chokes)))


def _choked(band: Band, chokes: Collection[int]) -> list[Control]:
    return [
        Control(position, number, SILENCE, 0) for position in sorted(chokes) for number in band.of(Instrument.DRUMS)
    ]


def _shifts(song: Song, feel: Feel, rng: np.random.Generator, exact: frozenset[int]) -> list[float]:
    """Sixteenths by which each note of `song.notes` is late."""
    n_beat = math.ceil(song.length / POSITIONS_PER_BEAT) + 1
    drifts = {instrument: _drift(rng, n_beat) for instrument in Instrument}
    chords = defaultdict(list)
    for note in song.notes:
        chords[note.position, note.instrument].append(note)
    shift_of: dict[Note, float] = {}
    for (position, instrument), chord in chords.items():
        spread = feel.looseness * _SPREAD[instrument]
        own, drift = float(rng.normal()), drifts[instrument][position // POSITIONS_PER_BEAT]
        stroke = math.sqrt(1 - _DRIFT) * own + math.sqrt(_DRIFT) * drift
        spreads = _spread_of_chord(chord, instrument, position, rng)
        if position in exact:
            shift_of.update(dict.fromkeys(chord, 0.0))
            continue
        sixteenth = song.seconds(position + 1) - song.seconds(position)
        seconds = spread * stroke - _EARLY.get(instrument, 0.0)
        for note, later in zip(chord, spreads, strict=True):
            late = seconds + feel.looseness * later
            if instrument is Instrument.DRUMS and note.pitch in _BACKBEAT:
                late += feel.late_snare
            shift = late / sixteenth + _swing(position, feel)
            shift_of[note] = max(-_MOST_SHIFT, min(_MOST_SHIFT, shift))
    return [shift_of[note] for note in song.notes]


def _drift(rng: np.random.Generator, n_beat: int) -> list[float]:
    """A walk that comes back, a value for each beat, in standard deviations of a stroke."""
    steps, walk = rng.normal(size=n_beat), [0.0]
    for step in steps:
        walk.append(_MEMORY * walk[-1] + math.sqrt(1 - _MEMORY**2) * float(step))
    return walk


def _spread_of_chord(chord: list[Note], instrument: Instrument, position: int, rng: np.random.Generator) -> list[float]:
    """Seconds by which each note of a chord, from the lowest up, is later than the first of them."""
    if instrument is Instrument.GUITAR:
        strings = [number * _STRING for number in range(len(chord))]
        # Down on the beat, up after it.
        return strings if position % POSITIONS_PER_BEAT == 0 else strings[::-1]
    if instrument is Instrument.PIANO and len(chord) > 1:
        return [float(late) for late in rng.uniform(0, _FINGER, len(chord))]
    return [0.0] * len(chord)


def _swing(position: int, feel: Feel) -> float:
    """Sixteenths by which a place in the beat is late: what lies between moves along with the second eighth."""
    in_beat = position % POSITIONS_PER_BEAT
    eighth = feel.eighth_swing * (1 - abs(in_beat - 2) / 2)
    return eighth + (feel.sixteenth_swing if in_beat % 2 else 0.0)


def _lifted(song: Song, notes: list[PlayedNote]) -> list[PlayedNote]:
    """The notes with a moment before a key is struck again: without it, the second stroke would not be heard."""
    following: dict[tuple[int, int], float] = {}
    lifted = []
    for note in reversed(notes):
        struck = following.get((note.voice, note.pitch), math.inf)
        sixteenth = song.seconds(note.start + 1) - song.seconds(note.start)
        lift = min(_LIFT / sixteenth, _CUT_SHORT, (note.end - note.start) / 2)
        lifted.append(note._replace(end=min(note.end, struck - lift)))
        following[note.voice, note.pitch] = note.start
    return sorted(note for note in lifted if note.end > note.start)


def _pedals(song: Song, band: Band) -> list[Control]:
    """The sustain pedal of the piano: down with each chord of half a bar that it does not blur."""
    pianos = [number for number in band.of(Instrument.PIANO) if band.voices[number].program in _PIANOS]
    halves = defaultdict(list)
    for note in song.notes:
        if note.instrument is Instrument.PIANO:
            halves[note.position // _HALF].append(note)
    controls = []
    for half, notes in halves.items():
        pitch_classes = {note.pitch % 12 for note in notes}
        onsets = {note.position for note in notes}
        if (
            len(onsets) < 2
            or len(onsets) > _PEDAL_ONSETS
            or len(pitch_classes) > _PEDAL_PITCHES
            or _clash(pitch_classes)
        ):
            continue
        begin = min(onsets) + _PEDAL_LATE
        end = min((half + 1) * _HALF, max(note.position + note.duration for note in notes))
        if end > begin:
            for number in pianos:
                controls += [Control(begin, number, SUSTAIN, MOST), Control(end, number, SUSTAIN, 0)]
    return sorted(controls)


def _clash(pitch_classes: set[int]) -> bool:
    """Whether two of them are neighbours, which a pedal would blur."""
    return any((pitch + 1) % 12 in pitch_classes for pitch in pitch_classes)
