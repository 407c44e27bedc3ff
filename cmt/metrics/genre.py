"""Which of the six genres a song sounds like, by a small linear classifier on its notes.

Multinomial logistic regression on plain features of the notes (who plays how much, how high, how long; on which
sixteenths the drums and the bass play; entropies and similarities), learnt by `data/reference.py` from songs of LPD.
Tempo is left out: music for a video has the video's. How often it is right on real songs that it has not learnt
from stands beside the weights; labels of LPD are noisy, so much more can hardly be had from them.

Conventions
-----------
- A feature that is not defined for a song counts as average.
- An empty song has no genre: None. What is no song raises ValueError.

Metrics
-------
- `GenreClassifier.classify`: the genre that a song sounds like.
- `genre_features`, `learn_classifier`, `read_classifier`: what it looks at, and where its weights come from.

Source
------
Ours; the labels and songs are those of LPD (Dong et al., *MuseGAN*, AAAI 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.metrics import music
from cmt.metrics.validation import Floats, Measurement, columns_of
from cmt.music.words import Genre
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

DRUM_KINDS = {
    "bass drum": (35, 36),
    "snare": (37, 38, 39, 40),
    "hi-hat": (42, 44, 46),
    "toms": (41, 43, 45, 47, 48, 50),
    "cymbals": (49, 51, 52, 53, 55, 57, 59),
    "hand drums": (54, 56, *range(60, 82)),
}
"""Kinds of drums and their keys in the General MIDI percussion map."""
_SONG_FEATURES: dict[str, Callable[[Song], Measurement]] = {
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
    """(feature,) standard deviations."""
    weights: Floats
    """(genre, feature)"""
    bias: Floats
    """(genre,)"""

    def classify(self, song: Song) -> GenreGuess | None:
        """The genre that a song sounds like; None for a song without notes."""
        if not len(columns_of(song).pitch):
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
    """A classifier from the lists of numbers of a JSON file, by the names of its fields."""
    return GenreClassifier(*(np.array(content[name], dtype=float) for name in GenreClassifier._fields))


def standardised(features: Floats, mean: Floats, spread: Floats) -> Floats:
    """(song, feature) in standard deviations from the mean, at most four; 0 where a feature is not defined."""
    return np.clip(np.nan_to_num((features - mean) / spread), -4, 4)


def genre_features(song: Song) -> Floats:
    """(feature,) what the classifier looks at; NaN where the song has nothing to measure.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
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
    for keys in DRUM_KINDS.values():
        strokes = drums.position[np.isin(drums.pitch, keys)]
        values.append(len(strokes) / max(1, len(drums.pitch)))
        values += _by_position(strokes, n_bar)
    values += _by_position(bass.position, n_bar)
    values += [measure(song).value for measure in _SONG_FEATURES.values()]
    return np.array(values, dtype=float)


def _by_position(positions: NDArray[np.integer[Any]], n_bar: int) -> list[float]:
    """(16,) share of the bars that have an onset on each of the positions."""
    counts = np.bincount(np.unique(positions) % POSITIONS_PER_BAR, minlength=POSITIONS_PER_BAR)
    return list(counts / n_bar)


def learn_classifier(
    features: Floats, genres: NDArray[np.integer[Any]], decay: float = 0.02, n_step: int = 400
) -> GenreClassifier:
    """Fit the classifier to (song, feature) and (song,) genres; each genre weighs the same, however many songs it has.

    Accelerated gradient descent on the cross entropy with weight decay: the same data give the same weights.
    Used by data/reference.py.

    Raises
    ------
    ValueError
        If there is no song, or not a genre for each.
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
