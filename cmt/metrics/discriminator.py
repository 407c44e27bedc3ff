"""How like a real song notes are, by a small discriminator: real songs against what the model writes.

Logistic regression on the features of `cmt.metrics.window_features`, learnt by `data/discriminator.py` from windows of
eight bars of songs of LPD and of pieces that the shipped model wrote. What it says is for ranking pieces that are asked
for alike: nearly all of what the model writes is told from real songs more often than not.

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
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.metrics.genre import standardised
from cmt.metrics.validation import Floats
from cmt.metrics.window_features import feature_names, features_of_windows
from cmt.music.encoding import NoteArrays, notes_of_song
from midi_io.song import Song

VERSION = 1
"""Of the file, and of the features."""
_NAME = "discriminator.json"


class Discriminator(NamedTuple):
    """A linear discriminator: its log odds are standardised features @ weights + bias."""

    mean: Floats
    """(feature,)"""
    spread: Floats
    """(feature,) standard deviations."""
    weights: Floats
    """(feature,)"""
    bias: float
    written: tuple[float, float] = (0.0, 1.0)
    """Mean and standard deviation of the log odds of pieces that the model wrote."""

    def log_odds(self, song: Song) -> float | None:
        """The natural logarithm of the odds that a song is real; None where it has no note."""
        return self.log_odds_of_notes(notes_of_song(song), max(1, song.n_bar))

    def log_odds_of_notes(self, notes: NoteArrays, n_bar: int) -> float | None:
        """The same of notes in `n_bar` bars."""
        rows = features_of_windows(notes, n_bar)
        return float(self.of_features(rows).mean()) if len(rows) else None

    def rank(self, log_odds: float) -> float:
        """The share, 0..1, of the model's pieces whose log odds are lower, as if these had a normal distribution."""
        mean, spread = self.written
        return 0.5 * (1 + math.erf((log_odds - mean) / (spread * math.sqrt(2))))

    def of_features(self, features: Floats) -> Floats:
        """(window,) log odds of (window, feature)."""
        return np.asarray(standardised(features, self.mean, self.spread) @ self.weights + self.bias)


def learn_discriminator(
    features: Floats, is_real: NDArray[np.bool_], decay: float, weights: Floats | None = None, n_step: int = 100
) -> Discriminator:
    """Fit a discriminator to (window, feature), both kinds weighing the same, by Newton's method with penalty `decay`.

    `weights` (window,) say how much each window counts among those of its kind; all the same if left out.

    Raises
    ------
    ValueError
        If windows of one kind are missing.
    """
    if is_real.all() or not is_real.any():
        raise ValueError("windows of real songs and of written ones are needed")
    known = np.isfinite(features)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0.0).sum(axis=0) / n_known
    spread = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / n_known)
    spread = np.where(spread > 1e-9, spread, 1.0)
    inputs = np.c_[standardised(features, mean, spread), np.ones(len(features))]
    weigh = np.ones(len(features)) if weights is None else weights
    weigh = 0.5 * np.where(is_real, weigh / weigh[is_real].sum(), weigh / weigh[~is_real].sum())
    penalty = decay * np.eye(inputs.shape[1])
    penalty[-1, -1] = 0.0
    found = np.zeros(inputs.shape[1])
    for _ in range(n_step):
        shares = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
        slope = inputs.T @ ((shares - is_real) * weigh) + penalty @ found
        bend = (inputs * (weigh * shares * (1 - shares))[:, None]).T @ inputs + penalty
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
        found = found - step
        if np.abs(step).max() < 1e-7:
            break
    return Discriminator(mean, spread, found[:-1], float(found[-1]))


def as_json(discriminator: Discriminator) -> dict[str, object]:
    """A discriminator as `read_discriminator` reads it: mean, spread and weight of each feature by its name."""
    columns = (discriminator.mean, discriminator.spread, discriminator.weights)
    rows = np.round(np.stack(columns, axis=1), 5).tolist()
    return {
        "bias": round(discriminator.bias, 5),
        "written": [round(value, 5) for value in discriminator.written],
        "features": dict(zip(feature_names(), rows, strict=True)),
    }


def read_discriminator(content: Mapping[str, Any], source: str = _NAME) -> Discriminator:
    """A discriminator from the JSON of a file that is called `source`.

    Raises
    ------
    CmtError
        If it is none, or one of other features than today's.
    """
    try:
        names, features = feature_names(), content["features"]
        if list(features) != list(names):
            raise ValueError("its features are not those of this version")
        table = _finite(list(features.values()), (len(names), 3))
        bias, (mean, spread) = float(_finite(content["bias"], ())), _finite(content["written"], (2,)).tolist()
        if (table[:, 1] <= 0).any() or spread <= 0:
            raise ValueError("a spread that is not above 0")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CmtError(f"{source}: no discriminator that can be used ({error}); install the package anew") from None
    return Discriminator(table[:, 0], table[:, 1], table[:, 2], bias, (mean, spread))


def _finite(values: float | Sequence[Any], shape: tuple[int, ...]) -> Floats:
    array = np.array(values, float)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"numbers of shape {shape} are needed")
    return array


@cache
def shipped_discriminator() -> Discriminator:
    """The discriminator that comes with the package and ranks takes; see `data/discriminator.py`."""
    return _shipped("discriminator")


@cache
def independent_discriminator() -> Discriminator:
    """Another one, which learnt from other songs and pieces: what a benchmark measures by."""
    return _shipped("independent")


def _shipped(name: str) -> Discriminator:
    content = json.loads((resources.files("cmt") / "assets" / _NAME).read_text(encoding="utf-8"))
    if content.get("version") != VERSION:
        raise CmtError(f"{_NAME}: version {content.get('version')}, and {VERSION} is needed; install the package anew")
    return read_discriminator(content[name])
