"""The band of each genre: what plays each track where the music is calm, in between, or lively.

Source: the programs that songs of a genre use most in LPD-cleansed, as [bands](../../docs/bands.md) counts them. What
they do not say is the usual sound of the genre: all of dance, the kits, places, rooms and levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from cmt.band.levels import with_levels
from cmt.band.roles import chords_in, voices_of_notes
from cmt.music.words import Genre
from midi_io.performance import CENTRE, MOST, Band, Room, Voice
from midi_io.song import Instrument, Song

CALM, LIVELY = 0.4, 0.62
"""The energies, 0 to 1, below which a piece has its genre's calm band, and above which its lively one."""


class Part(NamedTuple):
    """What plays a track, or one role of it; three values are for calm, middle and lively."""

    programs: tuple[int, int, int]
    """General MIDI programs, of the drums the kits."""
    levels: tuple[float, float, float]
    """Decibels below the loudest track while it plays."""
    pan: float = 0.0
    """The place from left, -1, to right, 1."""
    reverb: float = 0.3
    """The share that is sent into the room, 0..1."""
    doubled: tuple[bool, bool, bool] = (False, False, False)
    """Whether two players play the same, left and right."""


class GenreBand(NamedTuple):
    """The parts of a genre, and its room."""

    drums: Part
    piano: Part
    guitar: Part
    bass: Part
    line: Part
    """The strings track where it has one voice."""
    chords: Part
    """The strings track where it has chords."""
    room: Room


BANDS: Mapping[Genre, GenreBand] = {
    Genre.POP: GenreBand(
        drums=Part((0, 0, 16), (-6, -2, 0), 0, 0.20),
        piano=Part((0, 0, 1), (0, -2, -3), -0.25, 0.35),
        guitar=Part((25, 27, 27), (-3, -4, -4), 0.35, 0.25, (False, False, True)),
        bass=Part((33, 33, 39), (-3, -2, -1), 0, 0.05),
        line=Part((73, 11, 81), (-2, -1, -2), 0.1, 0.45),
        chords=Part((49, 48, 50), (-5, -5, -6), -0.4, 0.55),
        room=Room(1.4, 0.5),
    ),
    Genre.ROCK: GenreBand(
        drums=Part((0, 8, 16), (-5, -1, 0), 0, 0.25),
        piano=Part((0, 0, 1), (-3, -5, -6), -0.35, 0.25),
        guitar=Part((27, 29, 29), (0, 0, -1), 0.3, 0.25, (False, False, True)),
        bass=Part((33, 34, 34), (-3, -2, -2), 0, 0.05),
        line=Part((73, 18, 18), (-3, -4, -5), 0.15, 0.35),
        chords=Part((48, 16, 18), (-6, -7, -7), -0.5, 0.35),
        room=Room(1.1, 0.5),
    ),
    Genre.METAL: GenreBand(
        drums=Part((8, 16, 16), (-3, 0, 0), 0, 0.20),
        piano=Part((0, 0, 1), (-4, -7, -8), -0.2, 0.30),
        guitar=Part((29, 30, 30), (0, 0, -1), 0.3, 0.10, (False, True, True)),
        bass=Part((34, 34, 34), (-3, -3, -3), 0, 0.0),
        line=Part((48, 48, 81), (-4, -5, -5), 0.1, 0.40),
        chords=Part((49, 52, 52), (-6, -7, -8), 0, 0.55),
        room=Room(0.9, 0.4),
    ),
    Genre.COUNTRY: GenreBand(
        drums=Part((40, 0, 8), (-8, -4, -2), 0, 0.20),
        piano=Part((0, 0, 1), (-4, -3, -3), -0.4, 0.25),
        guitar=Part((25, 25, 25), (0, 0, 0), 0.3, 0.20, (False, False, True)),
        bass=Part((32, 32, 33), (-3, -2, -1), 0, 0.05),
        line=Part((22, 22, 22), (-3, -3, -4), 0.1, 0.35),
        chords=Part((49, 48, 48), (-7, -7, -8), -0.2, 0.45),
        room=Room(1.0, 0.6),
    ),
    Genre.ELECTRONIC: GenreBand(
        drums=Part((25, 24, 24), (-4, 0, 0), 0, 0.15),
        piano=Part((4, 5, 5), (-2, -4, -5), -0.3, 0.40),
        guitar=Part((27, 28, 28), (-5, -5, -6), 0.4, 0.35),
        bass=Part((39, 38, 38), (-2, -1, -1), 0, 0.0),
        line=Part((80, 81, 81), (-3, -2, -2), 0.1, 0.40),
        chords=Part((89, 89, 90), (0, -4, -5), -0.2, 0.60),
        room=Room(2.0, 0.6),
    ),
    Genre.DANCE: GenreBand(
        drums=Part((25, 25, 24), (-3, 0, 0), 0, 0.10),
        piano=Part((5, 1, 1), (-1, -3, -3), -0.25, 0.30),
        guitar=Part((27, 28, 28), (-6, -6, -6), 0.4, 0.25),
        bass=Part((39, 38, 38), (-2, -1, -1), 0, 0.0),
        line=Part((89, 81, 81), (-3, -3, -3), 0.1, 0.35),
        chords=Part((89, 50, 90), (-2, -4, -4), -0.2, 0.50),
        room=Room(1.5, 0.6),
    ),
}
"""The band of each genre; where the genre is left open, that of pop plays."""
ANY_GENRE = Genre.POP
_APART = 0.8
"""The place of the two players of a doubled track, to the right and to the left."""
_LOWEST_LINE = {73: 60, 22: 55, 11: 53}
"""The median pitch from which on a flute, a harmonica and a vibraphone play a line..."""
_LOW_LINE = 48
"""...below it the strings do."""


def band_for(song: Song, genre: Genre | None, energy: float, programs: Mapping[Instrument, int] | None = None) -> Band:
    """The band that plays `song`: the voices of all its tracks, with their levels.

    Parameters
    ----------
    energy
        How lively the piece is, 0..1.
    programs
        The programs of instruments for which the user has chosen one.
    """
    band = BANDS[ANY_GENRE if genre is None else genre]
    degree = 0 if energy < CALM else 1 if energy <= LIVELY else 2
    parts = {
        Instrument.DRUMS: [band.drums],
        Instrument.PIANO: [band.piano],
        Instrument.GUITAR: [band.guitar],
        Instrument.BASS: [band.bass],
        Instrument.STRINGS: [band.line, band.chords],  # in this order: see `Band.of`
    }
    voices, levels = [], []
    for instrument, its in parts.items():
        chosen = (programs or {}).get(instrument)
        for part in its if chosen is None else its[-1:]:
            program, doubled = part.programs[degree], part.doubled[degree]
            if part is band.line and _lies_low(song, program):
                program = _LOW_LINE
            if chosen is not None:
                program, doubled = chosen, False
            pan = _APART if doubled else part.pan
            voices.append(
                Voice(
                    instrument=instrument,
                    program=program,
                    name=instrument.label.capitalize(),
                    pan=round(CENTRE + pan * (MOST - CENTRE)),
                    reverb=round(part.reverb * MOST),
                    doubled=doubled,
                )
            )
            levels.append(part.levels[degree])
    whole = Band(tuple(voices), band.room)
    return with_levels(whole, levels, song, voices_of_notes(song, whole))


def _lies_low(song: Song, program: int) -> bool:
    """Whether the line of the strings track lies below what the program can play."""
    strings = [note for note in song.notes if note.instrument is Instrument.STRINGS]
    chords = chords_in(strings)
    line = [note.pitch for note in strings if note not in chords]
    return bool(line) and median(line) < _LOWEST_LINE.get(program, 0)
