"""How loud each note of a song is played: metre, phrase, role, drum, accents.

Source: the velocities of 1,200 songs of LPD, 200 of each genre. `_DRUMS`, `_LENGTH` and `_CHORD` say how far notes lie
there from the mean of their track, averaged over the songs whose track has dynamics at all. An average is flatter than
each of its songs: `_CONTRAST` and the other constants are set so that tracks spread as far as those of real songs do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Note, Song

_LEVELS: Mapping[Instrument, int] = {
    Instrument.DRUMS: 77,
    Instrument.PIANO: 81,
    Instrument.GUITAR: 82,
    Instrument.BASS: 92,
    Instrument.STRINGS: 79,
}
"""The MIDI velocity around which an instrument plays."""
_CONTRAST: Mapping[Instrument, float] = {
    Instrument.DRUMS: 1.5,
    Instrument.PIANO: 2.0,
    Instrument.GUITAR: 2.0,
    Instrument.BASS: 1.5,
    Instrument.STRINGS: 2.0,
}
"""What `_DRUMS`, `_LENGTH` and `_CHORD` say counts this many times."""
_GROWTH: Mapping[Instrument, float] = {
    Instrument.DRUMS: 0.5,
    Instrument.PIANO: 1.0,
    Instrument.GUITAR: 1.0,
    Instrument.BASS: 0.6,
    Instrument.STRINGS: 1.4,
}
"""How far an instrument goes along with phrase and piece: drums keep the time, bows swell."""
_METRE: Mapping[Instrument, tuple[int, int, int, int, int]] = {
    Instrument.PIANO: (5, 3, 2, -2, -5),
    Instrument.GUITAR: (5, 3, 2, -2, -5),
    Instrument.BASS: (3, 2, 1, -1, -3),
    Instrument.STRINGS: (3, 2, 1, -1, -3),
}
"""The first beat, the third, the second and fourth, the eighths between, the sixteenths between."""
_LENGTH: Mapping[Instrument, tuple[float, ...]] = {
    Instrument.PIANO: (-1.3, 0.1, -0.3, -1.1, -2.3),
    Instrument.GUITAR: (-2.0, 2.1, 3.9, 3.4, 3.6),
    Instrument.BASS: (-3.4, 0.2, 2.1, 1.8, 0.5),
    Instrument.STRINGS: (1.6, 5.2, 4.6, -1.9, -7.3),
}
"""A sixteenth, an eighth or more, a quarter, half a bar, a bar: what moves lies above what the strings hold."""
_CHORD: Mapping[Instrument, tuple[float, ...]] = {
    Instrument.PIANO: (-1.6, -1.8, 1.3, 0.0),
    Instrument.GUITAR: (1.2, -0.1, -0.2, 0.2),
    Instrument.BASS: (0.2, -4.5, -4.0, -5.0),
    Instrument.STRINGS: (4.6, -0.5, -3.0, -3.6),
}
"""A single note, two at once, three, more."""
_TOP_VOICE, _LOWER_VOICES = 6, -4
"""The highest of several simultaneous notes carries the tune."""
_PER_SEMITONE_UP = 0.8
"""A tune that rises grows louder by this much for each semitone, and softer where it falls..."""
_WIDEST_STEP = 8
"""...for at most so many semitones."""

_KEYS: Mapping[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (38, 40),
    "rim": (37,),
    "clap": (39,),
    "hat": (42, 44),
    "open hat": (46,),
    "ride": (51, 53, 59),
    "crash": (49, 52, 55, 57),
    "tom": (41, 43, 45, 47, 48, 50),
    "tambourine": (54,),
    "shaker": (69, 70, 82),
}
"""The keys of the General MIDI percussion map by what they are struck for."""
_DRUMS: Mapping[str, tuple[int, ...]] = {
    "kick": (21, 13, 12, 13, 20, 10, 12, 11, 20, 11, 12, 12, 20, 12, 12, 11),
    "snare": (4, -17, -1, -14, 16, -13, 0, -9, 6, -9, 1, -6, 16, 0, 7, 2),
    "rim": (5, -9, 1, -9, 18, -9, 1, -9, 9, -9, 4, -9, 18, -9, 5, -9),
    "clap": (1, -12, -3, -12, 12, -12, -3, -12, 0, -12, 0, -12, 13, -8, -4, -4),
    "hat": (3, -14, -11, -14, 3, -14, -10, -14, 2, -14, -11, -15, 3, -15, -10, -14),
    "open hat": (-4, -8, -4, -8, -4, -8, -4, -8, -4, -8, -4, -8, -3, -8, -3, -4),
    "ride": (1, -16, -8, -9, 0, -10, -7, -11, 0, -11, -8, -8, 0, -8, -8, -10),
    "crash": (4, -11, -8, -11, -5, -11, -5, -11, -4, -11, -4, -11, -3, -11, -3, -3),
    "tom": (5, 2, 2, 2, 4, 0, 5, 0, 7, 1, 6, 2, 9, 5, 9, 5),
    "tambourine": (-5, -23, -14, -23, 1, -23, -13, -23, -5, -23, -14, -23, 3, -22, -14, -22),
    "shaker": (-6, -20, -14, -18, -5, -20, -14, -18, -7, -21, -14, -18, -5, -20, -14, -17),
}
"""The sixteenths of the bar (16,): backbeats, ghost notes, fills that grow. A place on which fewer than fifteen songs
have a stroke has its neighbours' value."""
_OTHER_DRUMS = (-2, -12, -7, -8, 1, -12, -6, -6, -3, -12, -6, -7, 1, -10, -4, -8)
_PLACES_OF_KEY = {key: places for name, places in _DRUMS.items() for key in _KEYS[name]}

_BARS_PER_PHRASE = 4
_SWELL = 6
"""A phrase begins this much below its level and grows to this much above..."""
_SUMMIT = 0.75
"""...at this share of its way."""
_ANSWER = 2
"""Of two phrases the second is louder by this much."""
_PER_DOUBLING = 4
"""A bar with twice the onsets of the piece's middle bar is louder by this much, one with half of them softer..."""
_MOST_FOR_ONSETS = 6
"""...and by no more than this."""
_PER_ENERGY = 36
"""The band plays softer by half of this in a bar without energy, and louder by half of it in one that has all of it."""
_TOWARDS = 9
"""In the bar before a border the band grows by so much if what follows is no calmer, else it falls by half of it."""
_LOUD, MOST_VELOCITY = 100, 127
"""Velocities above the first come no nearer to the second than they can without reaching it."""
_ACCENT = 14
"""An accent is struck as on a first beat, or as where the drum is loudest, and louder by this much."""


def perform(
    song: Song,
    accents: Iterable[int] = (),
    *,
    energies: Sequence[float | None] = (),
    borders: Iterable[int] = (),
) -> Song:
    """The same notes with the velocities of a performance.

    A note is as loud as its instrument's level, its place in the bar, its length, its chord, its step from the note
    before and the accents make it. The band grows through a phrase of four bars, and is louder where it has more to
    play. What `song` says about velocity is not used. Nothing is random.

    Parameters
    ----------
    accents : iterable of int
        The positions, in sixteenths, at which everything is struck louder.
    energies
        How lively each bar is to be, 0 to 1; None, or a bar beyond them, says nothing.
    borders : iterable of int
        The positions at which sections begin: the band grows towards them, or falls where a calmer one follows.
    """
    accented = frozenset(accents)
    chord_sizes = Counter((note.position, note.instrument) for note in song.notes)
    top_pitches = {(note.position, note.instrument): note.pitch for note in song.notes}  # sorted by pitch: last wins
    steps = _steps(top_pitches)
    fullness = _fullness_of_bars(song)
    intensity = _intensity(song, energies, sorted(borders))
    notes = []
    for note in song.notes:
        chord = (note.position, note.instrument)
        is_accented = note.position in accented
        growth = _phrase(note.position) + fullness[note.position // POSITIONS_PER_BAR]
        velocity = _LEVELS[note.instrument] + _GROWTH[note.instrument] * growth + (_ACCENT if is_accented else 0)
        velocity += intensity[note.position]
        if note.instrument is Instrument.DRUMS:
            velocity += _CONTRAST[note.instrument] * _of_drum(note, is_accented)
        else:
            velocity += _metre(note, is_accented) + _PER_SEMITONE_UP * steps[chord]
            velocity += _CONTRAST[note.instrument] * _of_texture(note, chord_sizes[chord])
            if chord_sizes[chord] > 1:
                velocity += _TOP_VOICE if note.pitch == top_pitches[chord] else _LOWER_VOICES
        notes.append(note._replace(velocity=_within_range(velocity)))
    return song.with_notes(notes)


def _metre(note: Note, is_accented: bool) -> int:
    downbeat, mid_bar, beat, eighth, sixteenth = _METRE[note.instrument]
    place = note.position % POSITIONS_PER_BAR
    if place == 0 or is_accented:
        return downbeat
    if place == POSITIONS_PER_BAR // 2:
        return mid_bar
    if place % POSITIONS_PER_BEAT == 0:
        return beat
    return eighth if place % 2 == 0 else sixteenth


def _of_drum(note: Note, is_accented: bool) -> int:
    places = _PLACES_OF_KEY.get(note.pitch, _OTHER_DRUMS)
    return max(places) if is_accented else places[note.position % POSITIONS_PER_BAR]


def _of_texture(note: Note, chord_size: int) -> float:
    lengths, chords = _LENGTH[note.instrument], _CHORD[note.instrument]
    octave = note.duration.bit_length() - 1  # 0 for a sixteenth, 1 from an eighth, 2 from a quarter...
    return lengths[min(octave, len(lengths) - 1)] + chords[min(chord_size, len(chords)) - 1]


def _steps(top_pitches: Mapping[tuple[int, Instrument], int]) -> dict[tuple[int, Instrument], int]:
    """By how many semitones each track's top voice has risen, by position and instrument; a fall is negative."""
    steps, before = {}, dict[Instrument, int]()
    for (position, instrument), pitch in top_pitches.items():
        step = pitch - before.get(instrument, pitch)
        steps[position, instrument] = max(-_WIDEST_STEP, min(_WIDEST_STEP, step))
        before[instrument] = pitch
    return steps


def _phrase(position: int) -> float:
    phrase, inside = divmod(position / POSITIONS_PER_BAR, _BARS_PER_PHRASE)
    swell = float(np.interp(inside / _BARS_PER_PHRASE, [0, _SUMMIT, 1], [-_SWELL, _SWELL, 0]))
    return swell + _ANSWER * (phrase % 2 - 0.5)


def _within_range(velocity: float) -> int:
    """A velocity that MIDI has. What is loud comes ever nearer to the loudest, so that accents stay accents."""
    above = velocity - _LOUD
    if above > 0:
        room = MOST_VELOCITY - _LOUD
        velocity = _LOUD + room * (1 - math.exp(-above / room))
    return max(1, round(velocity))


def _intensity(song: Song, energies: Sequence[float | None], borders: Sequence[int]) -> list[float]:
    """How much louder the band plays on each position, for what the picture or the user asks and what comes next."""
    known = [0.0 if energy is None else _PER_ENERGY * (energy - 0.5) for energy in energies]
    n_bar = max(song.n_bar, 1 + max((note.position for note in song.notes), default=0) // POSITIONS_PER_BAR)
    bars = [*known, *[0.0] * n_bar][:n_bar]
    louder = [bars[position // POSITIONS_PER_BAR] for position in range(n_bar * POSITIONS_PER_BAR)]
    for border in borders:
        before, after = (border - 1) // POSITIONS_PER_BAR, border // POSITIONS_PER_BAR
        if not 0 < border < len(louder):
            continue
        change = _TOWARDS if bars[after] >= bars[before] else -_TOWARDS / 2
        for step in range(min(POSITIONS_PER_BAR, border)):
            louder[border - 1 - step] += change * (1 - step / POSITIONS_PER_BAR)
    return louder


def _fullness_of_bars(song: Song) -> list[float]:
    """How much louder the band plays in each bar, for all that it has to play there."""
    onsets = {(note.position, note.instrument) for note in song.notes}
    counts = np.bincount([position // POSITIONS_PER_BAR for position, _ in onsets], minlength=1)
    usual = float(np.median(counts[counts > 0])) if onsets else 1.0
    octaves = np.log2(np.maximum(counts, 1) / usual)
    return [float(louder) for louder in np.clip(_PER_DOUBLING * octaves, -_MOST_FOR_ONSETS, _MOST_FOR_ONSETS)]
