"""Who plays, where the user does not say it: as many as in songs of the genre, fewer for a still picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from cmt.music.words import Genre
from cmt.planning.mutes import muted_throughout
from cmt.planning.wishes import ALL_INSTRUMENTS, Settled
from midi_io.song import Instrument

SITTING_OUT = (Instrument.PIANO, Instrument.GUITAR, Instrument.STRINGS)
"""Those of whom some may be absent; one of them always plays, as bass and drums do."""
_PIANO, _GUITAR, _STRINGS = ((one,) for one in SITTING_OUT)
_ABSENCES = ((), _PIANO, _GUITAR, _STRINGS, _PIANO + _GUITAR, _PIANO + _STRINGS, _GUITAR + _STRINGS)
USUAL_ABSENCES: Mapping[Genre | None, tuple[float, ...]] = {
    None: (0.473, 0.267, 0.147, 0.019, 0.056, 0.033, 0.005),
    Genre.COUNTRY: (0.605, 0.205, 0.095, 0.051, 0.014, 0.022, 0.008),
    Genre.DANCE: (0.516, 0.204, 0.171, 0.017, 0.086, 0.002, 0.004),
    Genre.ELECTRONIC: (0.323, 0.226, 0.246, 0.009, 0.173, 0.014, 0.009),
    Genre.METAL: (0.245, 0.468, 0.068, 0.021, 0.030, 0.169, 0.000),
    Genre.POP: (0.572, 0.184, 0.175, 0.007, 0.049, 0.010, 0.004),
    Genre.ROCK: (0.456, 0.338, 0.110, 0.023, 0.022, 0.047, 0.005),
}
"""How often nobody; piano; guitar; strings; piano and guitar; piano and strings; guitar and strings have no note in 24
bars from the middle of LPD's training songs of a genre, or of all (`data/players.py`)."""
STILL, WITH_DRUMS, CALM = 0.25, 0.36, 0.42
"""For a video that is less lively than the first, 0..1, no drums play, from there to the second ever more often; below
the third one of those who may be absent is."""


def players_of(wishes: Settled, level: float | None, seed: int, origin: Collection[int] = ()) -> tuple[Instrument, ...]:
    """Who plays: those whom the user names, else drawn by the seed and the video.

    Everybody of whom the user says when they are silent plays at other times. Drums are left out for a still picture
    only where the user says nothing that wants them: no energy, no form, no mute, no song to be like.

    Parameters
    ----------
    level
        How lively the video is, 0..1; None where there is none, or it is not to say anything.
    origin
        What stands for the video in draws.
    """
    if wishes.instruments is not None:
        return wishes.instruments
    rng = np.random.default_rng([seed, 8, *origin])
    shares = np.array(USUAL_ABSENCES[wishes.genre])
    absent = set(_ABSENCES[rng.choice(len(shares), p=shares / shares.sum())])
    says_nothing = not (wishes.mutes or wishes.suited_tempo or wishes.energy or wishes.form)
    if level is not None and level < CALM and says_nothing:
        absent = absent or {SITTING_OUT[rng.integers(len(SITTING_OUT))]}
        if rng.random() >= (level - STILL) / (WITH_DRUMS - STILL):
            absent.add(Instrument.DRUMS)
    silent = muted_throughout(wishes.mutes, wishes.duration)
    absent -= {mute.instrument for mute in wishes.mutes}
    if absent | silent >= set(SITTING_OUT):
        absent -= set(SITTING_OUT)
    return tuple(one for one in ALL_INSTRUMENTS if one not in absent | silent)
