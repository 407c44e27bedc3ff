"""How like a real song notes are, by a small discriminator: real songs against what the model writes.

Logistic regression on plain features of windows of eight bars (those of `mood_features`; how bars and each
instrument's bars return; how top lines move; how long notes are), learnt by `data/discriminator.py` from songs of LPD
and from songs that the shipped model wrote. What it says is for ranking pieces that are asked for alike: all of what
the model writes is told from real songs more often than not.

Conventions
-----------
- A feature that is not defined for a window counts as average.
- A song of more than `WINDOW` bars is heard window by window; its odds are the mean of theirs.

Metrics
-------
- `Discriminator.log_odds`: of the notes being a real song's, as far as the discriminator can tell.
- `Discriminator.rank`: the share of what the model writes that is less like a real song.

Source
------
Ours. Real against generated as a measure: Lopez-Paz and Oquab, *Revisiting Classifier Two-Sample Tests* (ICLR 2017).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.metrics.genre import standardised
from cmt.metrics.mood import mood_features
from cmt.metrics.validation import Floats
from cmt.music.encoding import NoteArrays, notes_of_song
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

WINDOW = 8
"""The bars that are heard at once."""
LAGS = (1, 2, 4)
"""A bar is compared with those so many bars before it."""
_STEPS = (0.5, 2.5, 4.5, 7.5, 12.5)
"""Borders, in semitones, between a repeated note, a step, thirds, leaps up to a fifth, up to an octave, and more."""
_LENGTHS = (1.5, 2.5, 4.5, 8.5)
"""Borders, in sixteenths, between lengths of notes."""


class Discriminator(NamedTuple):
    """A linear discriminator: its log odds are standardised features @ weights + bias."""

    mean: Floats
    """(feature,)"""
    spread: Floats
    """(feature,) standard deviations."""
    weights: Floats
    """(feature,)"""
    bias: Floats
    """()"""
    written: Floats
    """(2,) mean and standard deviation of the log odds of songs that the model wrote."""

    def log_odds(self, song: Song) -> float | None:
        """The natural logarithm of the odds that a song is real; None where it has no note."""
        rows = features_of_windows(notes_of_song(song), max(1, song.n_bar))
        return float(self.of_features(rows).mean()) if len(rows) else None

    def rank(self, log_odds: float) -> float:
        """The share, 0..1, of the model's songs whose log odds are lower, as if these had a normal distribution."""
        mean, spread = self.written
        return 0.5 * (1 + math.erf((log_odds - float(mean)) / (float(spread) * math.sqrt(2))))

    def of_features(self, features: Floats) -> Floats:
        """(window,) log odds of (window, feature)."""
        return np.asarray(standardised(features, self.mean, self.spread) @ self.weights + self.bias)


def features_of_windows(notes: NoteArrays, n_bar: int) -> Floats:
    """(window, feature) of the windows of `n_bar` bars that have notes; the last one, if shorter, counts from half."""
    rows = []
    position = np.asarray(notes.position)
    for first in range(0, n_bar, WINDOW):
        length = min(WINDOW, n_bar - first)
        if first and length < WINDOW / 2:
            break
        begin, end = first * POSITIONS_PER_BAR, (first + length) * POSITIONS_PER_BAR
        window = notes.chosen((position >= begin) & (position < end))
        if len(window.pitch):
            rows.append(features_of(window._replace(position=np.asarray(window.position, np.int64) - begin), length))
    return np.array(rows)


def features_of(notes: NoteArrays, n_bar: int) -> Floats:
    """(feature,) of `n_bar` bars; NaN where there is nothing to measure."""
    notes = NoteArrays(*(np.asarray(column, np.int64) for column in notes))
    values = [_returning(notes, n_bar, lag) for lag in LAGS]
    for instrument in Instrument:
        own = notes.chosen(notes.instrument == instrument)
        values += [_returning(own, n_bar, lag) for lag in LAGS]
        values += _histogram(own.duration, _LENGTHS)
        if instrument is not Instrument.DRUMS:
            values += _line(own)
    return np.concatenate([mood_features(notes, n_bar, None), values])


def _returning(notes: NoteArrays, n_bar: int, lag: int) -> float:
    """The mean likeness of a bar to the one `lag` bars before it: shared onsets with their pitch, of all of both."""
    bars, places = np.divmod(notes.position, POSITIONS_PER_BAR)
    keys = (notes.instrument * POSITIONS_PER_BAR + places) * 128 + notes.pitch
    by_bar = [set(keys[bars == bar].tolist()) for bar in range(n_bar)]
    pairs = [(a, b) for a, b in zip(by_bar, by_bar[lag:], strict=False) if a or b]
    return float(np.mean([len(a & b) / len(a | b) for a, b in pairs])) if pairs else math.nan


def _line(notes: NoteArrays) -> list[float]:
    """How the top line moves: shares of six kinds of intervals; the number of pitch classes struck at once."""
    if len(notes.pitch) < 2:
        return [math.nan] * (len(_STEPS) + 2)
    onsets, inverse = np.unique(notes.position, return_inverse=True)
    top = np.zeros(len(onsets), np.int64)
    np.maximum.at(top, inverse, notes.pitch)
    return [*_histogram(np.abs(np.diff(top)), _STEPS), len(notes.pitch) / len(onsets)]


def _histogram(values: NDArray[np.integer[Any]], borders: tuple[float, ...]) -> list[float]:
    """The shares of the values between borders, below the first one and above the last."""
    if not len(values):
        return [math.nan] * (len(borders) + 1)
    counts = np.bincount(np.searchsorted(borders, values), minlength=len(borders) + 1)
    return [float(share) for share in counts / len(values)]


def learn_discriminator(features: Floats, is_real: NDArray[np.bool_], decay: float, n_step: int = 300) -> Discriminator:
    """Fit a discriminator to (window, feature), both kinds weighing the same, by Newton's method with penalty `decay`.

    Raises
    ------
    ValueError
        If windows of one kind are missing.
    """
    if is_real.all() or not is_real.any():
        raise ValueError("windows of real songs and of written ones are needed")
    mean, spread = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    inputs = np.c_[standardised(features, mean, spread), np.ones(len(features))]
    weigh = np.where(is_real, 0.5 / is_real.sum(), 0.5 / (~is_real).sum())
    penalty = decay * np.eye(inputs.shape[1])
    penalty[-1, -1] = 0.0
    weights = np.zeros(inputs.shape[1])
    for _ in range(n_step):
        shares = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ ((shares - is_real) * weigh) + penalty @ weights
        bend = (inputs * (weigh * shares * (1 - shares))[:, None]).T @ inputs + penalty
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-7:
            break
    return Discriminator(mean, spread, weights[:-1], weights[-1], np.array([0.0, 1.0]))


def read_discriminator(content: Mapping[str, Any]) -> Discriminator:
    """A discriminator from the numbers of a JSON file, by the names of its fields."""
    return Discriminator(*(np.array(content[name], dtype=float) for name in Discriminator._fields))


@cache
def shipped_discriminator() -> Discriminator:
    """The discriminator that comes with the package; see `data/discriminator.py`."""
    text = (resources.files("cmt") / "assets" / "discriminator.json").read_text(encoding="utf-8")
    return read_discriminator(json.loads(text)["discriminator"])
