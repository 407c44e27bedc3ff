"""Two sets of songs held against each other, and how sure a mean is.

Conventions
-----------
- A song's features are those of its pitched notes. Transitions follow the highest note of each onset.
- Yang & Lerch compare distances, not features: those between songs within the reference (intra) with those from the
  songs of the set to the songs of the reference (inter). Both distributions are smoothed with a Gaussian of Scott's
  width on one grid of 512 points. The overlapping area is 0 to 1; the divergence KL(intra || inter) is in nats.
- The Frechet distance here is on twelve plain features of the notes, each divided by its standard deviation in
  the reference. It is neither FMD nor FAD, which take a network's embeddings, and cannot be compared with them.
- Sets that are too small have no value, and the reason says how many songs are needed. What is malformed raises
  ValueError.

Metrics
-------
- `compare_sets`, `overlap`: overlapping area and divergence, of the features that `song_features` gives.
- `frechet_distance`, `frechet_distance_of_reference`: of the features that `frechet_features` gives.
- `mean_interval`: a mean and its interval.
- `mean_difference`: the difference of two means and its interval.

Source
------
Yang & Lerch, *On the evaluation of generative models in music* (Neural Computing and Applications 32, 2020) for the
features, the overlapping area and the divergence; Dowson & Landau, *The Fréchet distance between multivariate normal
distributions* (Journal of Multivariate Analysis 12, 1982); Efron, *Bootstrap methods* (Annals of Statistics 7, 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmt.metrics import music
from cmt.metrics.validation import NOT_DEFINED, Floats, Measurement, columns_of, undefined
from midi_io.song import Instrument, Song

MIN_SET, MIN_REFERENCE = 5, 20
"""Fewest songs of a set and of its reference: of fewer, a distribution of distances says nothing."""
N_BOOTSTRAP = 2000
"""Bootstrap samples for the interval of a mean."""
N_BOOTSTRAP_SETS = 200
"""Bootstrap samples for the intervals of the overlapping area and the divergence."""
LENGTH_CLASSES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32)
"""Durations in sixteenths at which the classes of note lengths begin."""
_GRID = 512


class Interval(NamedTuple):
    """A mean and where it lies with 95 % confidence; NaN where too few values are defined."""

    mean: float
    low: float
    high: float
    n: int
    """How many values are defined."""


class SongFeatures(NamedTuple):
    """The nine features of Yang & Lerch, section 3, of one song."""

    pitch_count: Floats
    """(1,) different pitches."""
    pitch_classes: Floats
    """(12,) shares of the notes."""
    pitch_class_transitions: Floats
    """(144,) shares of the steps from one pitch class to another."""
    pitch_range: Floats
    """(1,) semitones."""
    pitch_interval: Floats
    """(1,) mean size of a step, in semitones."""
    note_count: Floats
    """(1,) notes a bar. Yang & Lerch count the notes of songs of one length."""
    onset_interval: Floats
    """(1,) mean sixteenths between onsets."""
    note_lengths: Floats
    """(12,) shares of the notes, by `LENGTH_CLASSES`."""
    note_length_transitions: Floats
    """(144,) shares of the steps from one length to another."""


class SetComparison(NamedTuple):
    """How a feature of a set lies to the reference's."""

    overlapping_area: Interval
    """0 to 1."""
    divergence: Interval
    """Nats."""
    n_set: int
    """Songs of the set."""
    n_reference: int
    """Songs of the reference."""
    reason: str = ""
    """Why the two are not compared, and all numbers are NaN; empty if they are."""


FRECHET_FEATURES = (
    *("pitch-class entropy, 1 bar", "pitch-class entropy, 4 bars", "pitch entropy", "grooving similarity"),
    *("adjacent grooving similarity", "density", "scale consistency", "polyphony"),
    *("pitched notes a bar", "mean pitch", "mean duration", "share of drums"),
)
"""The names of what `frechet_features` gives, in its order."""


def song_features(song: Song) -> SongFeatures | None:
    """The nine features of Yang & Lerch, or None for a song with fewer than two pitched onsets.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
    notes = columns_of(song).pitched()
    order = np.lexsort((notes.pitch, notes.position))
    position, pitch, duration = notes.position[order], notes.pitch[order], notes.duration[order]
    highest = np.flatnonzero(np.diff(position, append=-1)) if len(position) else np.zeros(0, int)
    if len(highest) < 2:
        return None
    lengths = np.searchsorted(LENGTH_CLASSES, duration, side="right") - 1
    line, line_lengths = pitch[highest], lengths[highest]
    one = np.atleast_1d
    return SongFeatures(
        pitch_count=one(float(len(np.unique(pitch)))),
        pitch_classes=_shares(pitch % 12, 12),
        pitch_class_transitions=_shares(line[:-1] % 12 * 12 + line[1:] % 12, 144),
        pitch_range=one(float(pitch.max() - pitch.min())),
        pitch_interval=one(float(np.abs(np.diff(line)).mean())),
        note_count=one(len(pitch) / max(1, song.n_bar)),
        onset_interval=one(float(np.diff(position[highest]).mean())),
        note_lengths=_shares(lengths, 12),
        note_length_transitions=_shares(line_lengths[:-1] * 12 + line_lengths[1:], 144),
    )


def _shares(classes: NDArray[np.integer[Any]], n: int) -> Floats:
    """(n,) shares of (note,) classes."""
    return np.bincount(classes, minlength=n) / len(classes)


def compare_sets(
    songs: Sequence[SongFeatures], reference: Sequence[SongFeatures], seed: int = 0
) -> dict[str, SetComparison]:
    """Overlapping area and divergence for each feature, with 95 % intervals by 200 bootstrap samples of our songs.

    By the names of `SongFeatures`. Not defined below `MIN_SET` songs or `MIN_REFERENCE` of the reference.
    """
    if len(songs) < MIN_SET or len(reference) < MIN_REFERENCE:
        reason = (
            f"distributions need {MIN_SET} songs and a reference of {MIN_REFERENCE}, "
            f"there are {len(songs)} and {len(reference)}"
        )
        nowhere = Interval(NOT_DEFINED, NOT_DEFINED, NOT_DEFINED, 0)
        not_compared = SetComparison(nowhere, nowhere, len(songs), len(reference), reason)
        return dict.fromkeys(SongFeatures._fields, not_compared)
    draws = np.random.default_rng(seed).integers(len(songs), size=(N_BOOTSTRAP_SETS, len(songs)))
    compared = {}
    for name in SongFeatures._fields:
        ours = np.stack([getattr(song, name) for song in songs])
        theirs = np.stack([getattr(song, name) for song in reference])
        intra = _distances(theirs, theirs)[np.triu_indices(len(theirs), 1)]
        inter = _distances(ours, theirs)
        found = overlap(intra, inter.ravel())
        drawn = np.array([overlap(intra, inter[draw].ravel()) for draw in draws], dtype=float)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        area, divergence = (Interval(found[k].value, float(low[k]), float(high[k]), len(songs)) for k in range(2))
        compared[name] = SetComparison(area, divergence, len(songs), len(reference))
    return compared


def _distances(one: Floats, other: Floats) -> Floats:
    """(n, m) Euclidean distances between the rows of (n, feature) and (m, feature)."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    distances: Floats = np.sqrt(np.maximum(squares, 0))
    return distances


def overlap(one: ArrayLike, other: ArrayLike) -> tuple[Measurement, Measurement]:
    """Overlapping area, 0 to 1, and divergence KL(one || other) in nats, of two samples' smoothed densities.

    Samples are (n,) and (m,) numbers, of two or more each.

    Raises
    ------
    ValueError
        If they are not lists of finite numbers.
    """
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if a.ndim != 1 or b.ndim != 1 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("two lists of finite numbers are needed")
    if len(a) < 2 or len(b) < 2:
        neither = undefined("fewer than two values")
        return neither, neither
    span = max(a.max(), b.max()) - min(a.min(), b.min())
    widths = [max(sample.std(ddof=1) * len(sample) ** -0.2, span / 200, 1e-9) for sample in (a, b)]
    low, high = min(a.min(), b.min()) - 4 * max(widths), max(a.max(), b.max()) + 4 * max(widths)
    p, q = (_smoothed(sample, width, low, high) for sample, width in zip((a, b), widths, strict=True))
    floor = 1e-12
    divergence = (p * np.log((p + floor) / (q + floor))).sum()
    return Measurement(float(np.minimum(p, q).sum())), Measurement(float(divergence))


def _smoothed(sample: Floats, width: float, low: float, high: float) -> Floats:
    """(512,) probabilities on a grid: the values shared out between grid points, then blurred."""
    step = (high - low) / (_GRID - 1)
    places = (sample - low) / step
    left = np.minimum(places.astype(int), _GRID - 2)
    counts = np.bincount(left, 1 - (places - left), _GRID) + np.bincount(left + 1, places - left, _GRID)
    offsets = np.arange(-_GRID + 1, _GRID) * step
    blurred = np.convolve(counts, np.exp(-0.5 * (offsets / width) ** 2), mode="same")
    blurred = np.maximum(blurred[len(blurred) // 2 - _GRID // 2 :][:_GRID], 0)
    probabilities: Floats = blurred / blurred.sum()
    return probabilities


def frechet_features(song: Song) -> Floats | None:
    """(12,) `FRECHET_FEATURES`, or None for a song without pitched notes or of a single bar.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
    notes = columns_of(song)
    pitched = notes.pitched()
    if not len(pitched.pitch) or song.n_bar < 2:
        return None
    return np.array(
        [
            music.pitch_class_entropy(song, 1),
            music.pitch_class_entropy(song, 4),
            music.pitch_entropy(song),
            music.grooving_similarity(song),
            music.adjacent_grooving_similarity(song),
            music.density(song),
            music.scale_consistency(song),
            music.polyphony(song),
            len(pitched.pitch) / song.n_bar,
            pitched.pitch.mean(),
            pitched.duration.mean(),
            (notes.instrument == Instrument.DRUMS).mean(),
        ],
        dtype=float,
    )


def frechet_distance(one: ArrayLike, reference: ArrayLike) -> Measurement:
    """Frechet distance of two normal distributions fitted to (n, feature) and (m, feature), 0 or more.

    |a - b|^2 + tr(A + B - 2 (A B)^(1/2)) with means a, b and covariances A, B, after division of each
    feature by its standard deviation in the reference (Dowson & Landau 1982). It shrinks with the number of songs:
    compare sets of one size. Not defined for fewer songs than features and one more.

    Raises
    ------
    ValueError
        If the tables have not the same columns, or a feature is not finite.
    """
    a, b = np.asarray(one, dtype=float), np.asarray(reference, dtype=float)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"two tables with the same columns are needed, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("all features must be finite")
    needed = a.shape[1] + 1
    if len(a) < needed or len(b) < needed:
        return undefined(f"the Frechet distance needs {needed} songs on each side, there are {len(a)} and {len(b)}")
    spread = np.where(b.std(axis=0) > 0, b.std(axis=0), 1.0)
    a, b = a / spread, b / spread
    covariance_a, covariance_b = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    values, vectors = np.linalg.eigh(covariance_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariance_b @ root), 0)).sum()
    offset = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return Measurement(float(max(0.0, offset + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross)))


def frechet_distance_of_reference(reference: ArrayLike, n: int, seed: int = 0, n_draw: int = 20) -> Measurement:
    """What `n` songs of the reference itself score against the others: the level to hold a distance against.

    The mean over `n_draw` draws of the songs of (song, feature). Not defined where either part would be too small.
    """
    table = np.asarray(reference, dtype=float)
    if n + table.shape[1] + 1 > len(table):
        return undefined(f"the reference has {len(table)} songs; {n + table.shape[1] + 1} are needed")
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(n_draw):
        order = rng.permutation(len(table))
        distance = frechet_distance(table[order[:n]], table[order[n:]])
        if distance.reason:
            return distance
        scores.append(distance.value)
    return Measurement(float(np.mean(scores)))


def mean_difference(one: ArrayLike, other: ArrayLike, seed: int = 0) -> Interval:
    """The mean of `other` less that of `one`, and its 95 % interval by 2,000 bootstrap samples of each, drawn apart.

    Both are (n,) and (m,) numbers, NaN where one is not defined; the interval is of percentiles (Efron 1979), and its
    `n` is the smaller number of defined values. Either end is NaN where a side has fewer than two values, and the mean
    too where it has none.

    Raises
    ------
    ValueError
        If they are not lists of numbers, or one is infinite.
    """
    sides = [np.asarray(values, dtype=float) for values in (one, other)]
    if any(side.ndim != 1 or np.isinf(side).any() for side in sides):
        raise ValueError("two lists of numbers are needed, NaN where one is not defined")
    first, second = (side[~np.isnan(side)] for side in sides)
    n = min(len(first), len(second))
    if not n:
        return Interval(NOT_DEFINED, NOT_DEFINED, NOT_DEFINED, 0)
    difference = float(second.mean() - first.mean())
    if n == 1:
        return Interval(difference, NOT_DEFINED, NOT_DEFINED, 1)
    rng = np.random.default_rng(seed)
    drawn = [side[rng.integers(len(side), size=(N_BOOTSTRAP, len(side)))].mean(axis=1) for side in (first, second)]
    low, high = np.quantile(drawn[1] - drawn[0], [0.025, 0.975])
    return Interval(difference, float(low), float(high), n)


def mean_interval(values: ArrayLike, seed: int = 0) -> Interval:
    """The mean of the defined values and its 95 % interval by 2,000 bootstrap samples (percentiles; Efron 1979).

    `values`, (n,), are numbers or measurements, NaN where one is not defined. One value has no interval: both ends are
    NaN. None has no mean either.

    Raises
    ------
    ValueError
        If they are not a list of numbers, or one is infinite.
    """
    table = np.asarray(values, dtype=float)
    if table.ndim != 1 or np.isinf(table).any():
        raise ValueError("a list of numbers is needed, NaN where one is not defined")
    defined = table[~np.isnan(table)]
    if not len(defined):
        return Interval(NOT_DEFINED, NOT_DEFINED, NOT_DEFINED, 0)
    if len(defined) == 1:
        return Interval(float(defined[0]), NOT_DEFINED, NOT_DEFINED, 1)
    draws = np.random.default_rng(seed).integers(len(defined), size=(N_BOOTSTRAP, len(defined)))
    low, high = np.quantile(defined[draws].mean(axis=1), [0.025, 0.975])
    return Interval(float(defined.mean()), float(low), float(high), len(defined))
