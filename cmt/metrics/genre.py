"""Which of the six genres a song sounds like, by a small linear classifier on its notes.

Method: multinomial logistic regression on plain features of the notes (who plays how much, how high, how long; on
which sixteenths the drums and the bass play; entropies and similarities), learnt by `data/reference.py` from songs of
LPD. Tempo is left out: music for a video has the video's. How often it is right on real songs that it has not learnt
from stands beside the weights; labels of LPD are noisy, so much more can hardly be had from them.

Conventions: a feature that is not defined for a song counts as average. An empty song has no genre: None and the
warning `NothingToMeasure`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.metrics import music
from cmt.metrics.validation import Floats, NothingToMeasure, columns_of, nothing
from cmt.words import Genre
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

_DRUMS = {
    "bass drum": (35, 36),
    "snare": (37, 38, 39, 40),
    "hi-hat": (42, 44, 46),
    "toms": (41, 43, 45, 47, 48, 50),
    "cymbals": (49, 51, 52, 53, 55, 57, 59),
    "hand drums": (54, 56, *range(60, 82)),
}
"""Of the General MIDI percussion map."""
_SONG_FEATURES = {
    "pitch-class entropy, 1 bar": lambda song: music.pitch_class_entropy(song, 1),
    "pitch-class entropy, 4 bars": lambda song: music.pitch_class_entropy(song, 4),
    "grooving similarity": music.grooving_similarity,
    "adjacent grooving similarity": music.adjacent_grooving_similarity,
    "different bars": music.different_bars,
    "drum consistency": music.drum_consistency,
    "scale consistency": music.scale_consistency,
    "polyphony": music.polyphony,
    "density": music.density,
}


class GenreGuess(NamedTuple):
    """The likeliest genre, and how likely each is."""

    genre: Genre
    probabilities: tuple[float, ...]
    """One for each `Genre`; their sum is 1."""


class GenreClassifier(NamedTuple):
    """A linear classifier: softmax(weights @ (features - mean) / spread + bias)."""

    mean: Floats
    """(feature,)"""
    spread: Floats
    """(feature,)"""
    weights: Floats
    """(genre, feature)"""
    bias: Floats
    """(genre,)"""

    def classify(self, song: Song) -> GenreGuess | None:
        """The genre that a song sounds like."""
        if not song.notes:
            nothing("no notes")
            return None
        probabilities = self.probabilities(genre_features(song)[None])[0]
        return GenreGuess(Genre(int(probabilities.argmax())), tuple(float(p) for p in probabilities))

    def probabilities(self, features: Floats) -> Floats:
        """(song, genre) of (song, feature)."""
        scores = standardised(features, self.mean, self.spread) @ self.weights.T + self.bias
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: Floats = shares / shares.sum(axis=1, keepdims=True)
        return probabilities


def read_classifier(content: Mapping[str, Any]) -> GenreClassifier:
    """A classifier from the lists of numbers of a JSON file."""
    return GenreClassifier(*(np.array(content[name], dtype=float) for name in GenreClassifier._fields))


def standardised(features: Floats, mean: Floats, spread: Floats) -> Floats:
    """(song, feature) in standard deviations from the mean, at most four; 0 where a feature is not defined."""
    return np.clip(np.nan_to_num((features - mean) / spread), -4, 4)


def genre_features(song: Song) -> Floats:
    """(feature,) NaN where the song has nothing to measure."""
    notes = columns_of(song)
    n_bar = max(1, song.n_bar)
    by_instrument = [notes.chosen(notes.instrument == instrument) for instrument in Instrument]
    values: list[float] = []
    for instrument, own in zip(Instrument, by_instrument, strict=True):
        n = len(own.pitch)
        n_onset = len(np.unique(own.position))
        values += [n / max(1, len(notes.pitch)), np.log1p(n / n_bar), n_onset / n_bar, float(n > 0)]
        values.append(n / n_onset if n else np.nan)
        if instrument is not Instrument.DRUMS:
            values += [own.pitch.mean(), own.pitch.std(), np.log(own.duration).mean()] if n else [np.nan] * 3
    drums, bass = by_instrument[Instrument.DRUMS], by_instrument[Instrument.BASS]
    for keys in _DRUMS.values():
        strokes = drums.position[np.isin(drums.pitch, keys)]
        values.append(len(strokes) / max(1, len(drums.pitch)))
        values += _by_position(strokes, n_bar)
    values += _by_position(bass.position, n_bar)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingToMeasure)
        values += [measure(song) for measure in _SONG_FEATURES.values()]
    return np.array(values, dtype=float)


def _by_position(positions: NDArray[np.int64], n_bar: int) -> list[float]:
    """Share of the bars that have an onset on each of the 16 positions."""
    counts = np.bincount(np.unique(positions) % POSITIONS_PER_BAR, minlength=POSITIONS_PER_BAR)
    return list(counts / n_bar)


def learn_classifier(
    features: Floats, genres: NDArray[np.int64], decay: float = 0.02, n_step: int = 400
) -> GenreClassifier:
    """Fit the classifier to (song, feature) and (song,) genres; each genre weighs the same, however many songs it has.

    Accelerated gradient descent on the cross entropy with weight decay: the same data give the same weights.
    """
    if features.ndim != 2 or not len(features) or genres.shape != features.shape[:1]:
        raise ValueError(f"a row of features for each genre is needed, got {features.shape} and {genres.shape}")
    known = ~np.isnan(features)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0.0).sum(axis=0) / n_known
    spread = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / n_known)
    spread = np.where(spread > 1e-9, spread, 1.0)
    inputs = standardised(features, mean, spread)
    wanted = np.eye(len(Genre))[genres]
    weigh = (1 / np.maximum(wanted.sum(axis=0), 1))[genres] / len(Genre)
    step = 1.0 / (0.5 * float(np.linalg.norm(inputs * np.sqrt(weigh)[:, None], 2)) ** 2 + 1 + decay)
    weights, bias = np.zeros((len(Genre), inputs.shape[1])), np.zeros(len(Genre))
    ahead, bias_ahead = weights, bias
    for index in range(n_step):
        scores = inputs @ ahead.T + bias_ahead
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = (shares / shares.sum(axis=1, keepdims=True) - wanted) * weigh[:, None]
        new, new_bias = ahead - step * (error.T @ inputs + decay * ahead), bias_ahead - step * error.sum(axis=0)
        momentum = index / (index + 3)
        ahead, bias_ahead = new + momentum * (new - weights), new_bias + momentum * (new_bias - bias)
        weights, bias = new, new_bias
    return GenreClassifier(mean, spread, weights, bias)
