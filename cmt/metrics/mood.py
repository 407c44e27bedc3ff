"""How pleasant and how excited a song sounds, by a small linear estimator on its notes.

Ridge regression on plain features (tempo, key and mode, chords; who plays how much, how high, how long; which drums),
learnt by `data/mood.py` from songs of LPD for which listeners' tags give a valence and an arousal. Notes without their
sound say only a part of a mood: how much, on songs that it has not learnt from, stands beside the weights.

Conventions
-----------
- A feature that is not defined for a song counts as average.
- Values are in the units of the estimate itself; `third` tells to which third of LPD's songs one belongs.

Metrics
-------
- `MoodEstimator.estimate`: the valence and the arousal of notes.
- `mood_features`, `learn_estimator`, `read_estimator`, `shipped_estimator`: what it looks at, and its weights.

Source
------
Ours. The labels are those of Delbouys et al., *Music Mood Detection Based on Audio and Lyrics with Deep Neural Net*
(ISMIR 2018). That mode, tempo, register and density carry valence and arousal: Gabrielsson & Lindstroem, *The role of
structure in the musical expression of emotions* (2010).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.metrics.genre import DRUM_KINDS, standardised
from cmt.metrics.validation import Floats
from cmt.music.chords import Quality, estimate_chords
from cmt.music.encoding import NoteArrays, notes_of_song
from cmt.music.key import estimate_key, profile_distances
from cmt.music.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

N_THIRD = 3


class MoodHeard(NamedTuple):
    """What an estimator hears."""

    valence: float
    arousal: float


class MoodEstimator(NamedTuple):
    """A linear estimator: standardised features @ weights + bias."""

    mean: Floats
    """(feature,)"""
    spread: Floats
    """(feature,) standard deviations."""
    weights: Floats
    """(feature, 2)"""
    bias: Floats
    """(2,)"""
    thirds: Floats
    """(2, 2) the borders of the thirds of LPD's songs, for valence, then for arousal."""

    def estimate(self, notes: NoteArrays, n_bar: int, tempo: float | None) -> MoodHeard | None:
        """The mood of `n_bar` bars of notes at a tempo in BPM; None where there is no note."""
        if not len(notes.pitch):
            return None
        valence, arousal = self.of_features(mood_features(notes, n_bar, tempo)[None])[0]
        return MoodHeard(float(valence), float(arousal))

    def of_song(self, song: Song) -> MoodHeard | None:
        """The mood of a song; None where it has no note."""
        return self.estimate(notes_of_song(song), max(1, song.n_bar), song.tempo)

    def of_features(self, features: Floats) -> Floats:
        """(song, 2) of (song, feature)."""
        return np.asarray(standardised(features, self.mean, self.spread) @ self.weights + self.bias)

    def third(self, heard: MoodHeard) -> tuple[int, int]:
        """The third of LPD's songs, 0 to 2, in which a mood's valence lies, and that of its arousal."""
        valence, arousal = (
            int(np.searchsorted(borders, value)) for borders, value in zip(self.thirds, heard, strict=True)
        )
        return valence, arousal


def mood_features(notes: NoteArrays, n_bar: int, tempo: float | None) -> Floats:
    """(feature,) what the estimator looks at in `n_bar` bars of notes; NaN where there is nothing to measure."""
    notes = NoteArrays(*(np.asarray(column, np.int64) for column in notes))
    n_bar = max(1, n_bar)
    pitched, n_note = notes.pitched(), max(1, len(notes.pitch))
    sounding = np.bincount(pitched.pitch % 12, weights=pitched.duration, minlength=12)
    key, distances = estimate_key(sounding), profile_distances(sounding)
    degrees = np.roll(sounding / max(sounding.sum(), 1.0), -key.tonic)
    some = degrees[degrees > 0]
    values = [
        np.log(tempo) if tempo else np.nan,
        float(key.mode == Mode.MINOR),
        float(distances[:, Mode.MAJOR].min() - distances[:, Mode.MINOR].min()),
        float(distances.min()),
        *degrees,
        float(-(some * np.log2(some)).sum()),
    ]
    for instrument in Instrument:
        values += _of_instrument(notes.chosen(notes.instrument == instrument), instrument, n_bar, n_note)
    onsets = np.unique(notes.position)
    values += [
        len(onsets) / n_bar,
        len(notes.pitch) / n_bar,
        float(np.isin(onsets % POSITIONS_PER_BAR, (4, 12)).mean()),
    ]
    drums = notes.chosen(notes.instrument == Instrument.DRUMS)
    for keys in DRUM_KINDS.values():
        strokes = drums.position[np.isin(drums.pitch, keys)]
        values += [len(strokes) / max(1, len(drums.pitch)), len(np.unique(strokes)) / n_bar]
    values += _of_pitches(pitched, n_bar)
    return np.array([*values, *_of_chords(estimate_chords(notes, n_bar), key.tonic, n_bar)], float)


def _of_instrument(own: NoteArrays, instrument: Instrument, n_bar: int, n_note: int) -> list[float]:
    n = len(own.pitch)
    values = [n / n_note, float(np.log1p(n / n_bar)), float(n > 0)]
    pitched = instrument is not Instrument.DRUMS
    if not n:
        return values + [np.nan] * (8 if pitched else 4)
    places = np.unique(own.position)
    values += [len(places) / n_bar, n / len(places), float((places % 4 != 0).mean()), float((places % 2 != 0).mean())]
    if pitched:
        values += [own.pitch.mean(), own.pitch.std(), np.log(own.duration).mean(), float((own.duration == 1).mean())]
    return values


def _of_pitches(pitched: NoteArrays, n_bar: int) -> list[float]:
    if not len(pitched.pitch):
        return [np.nan] * 5
    pitch, duration = pitched.pitch, pitched.duration
    filled = duration.sum() / (n_bar * POSITIONS_PER_BAR)
    return [float(pitch.mean()), float(pitch.max()), float(pitch.std()), float(filled), float(np.log(duration).mean())]


def _of_chords(chords: NDArray[np.int64], tonic: int, n_bar: int) -> list[float]:
    """The shares of the qualities and of the roots above the tonic, how often chords change, how many there are."""
    heard = chords[chords > 0] - 1
    n = max(1, len(heard))
    qualities = np.bincount(heard // 12, minlength=len(Quality)) / n
    roots = np.bincount((heard % 12 - tonic) % 12, minlength=12) / n
    changes = float((chords[1:] != chords[:-1]).mean()) if len(chords) > 1 else 0.0
    return [*qualities, *roots, changes, len(np.unique(chords)) / n_bar]


def learn_estimator(features: Floats, moods: Floats, decay: float, thirds: Floats | None = None) -> MoodEstimator:
    """Fit an estimator to (song, feature) and (song, 2) moods by ridge regression of penalty `decay`."""
    mean, spread = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    inputs, bias = standardised(features, mean, spread), moods.mean(axis=0)
    weights = np.linalg.solve(inputs.T @ inputs + decay * np.eye(inputs.shape[1]), inputs.T @ (moods - bias))
    return MoodEstimator(mean, spread, weights, bias, np.zeros((2, N_THIRD - 1)) if thirds is None else thirds)


def read_estimator(content: Mapping[str, Any]) -> MoodEstimator:
    """An estimator from the lists of numbers of a JSON file, by the names of its fields."""
    return MoodEstimator(*(np.array(content[name], dtype=float) for name in MoodEstimator._fields))


@cache
def shipped_estimator() -> MoodEstimator:
    """The estimator that comes with the package; see `data/mood.py`."""
    text = (resources.files("cmt") / "assets" / "mood.json").read_text(encoding="utf-8")
    return read_estimator(json.loads(text)["estimator"])
