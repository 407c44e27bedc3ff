"""Sets of songs against each other; intervals."""

import math

import numpy as np
import pytest

from cmt.metrics.distribution import (
    FRECHET_FEATURES,
    SongFeatures,
    compare_sets,
    frechet_distance,
    frechet_distance_of_reference,
    frechet_features,
    mean_interval,
    overlap,
    song_features,
)
from midi_io.song import Instrument, Note, Song

PIANO, DRUMS = Instrument.PIANO, Instrument.DRUMS


def random_song(seed, pitches=range(48, 72), n_bar=4):
    rng = np.random.default_rng(seed)
    notes = {
        (int(p), int(k)): int(d)
        for p, k, d in zip(*(rng.integers(0, [[16 * n_bar], [len(pitches)], [8]], (3, 40))), strict=True)
    }
    return Song.steady(tuple(Note(p, PIANO, pitches[k], d + 1) for (p, k), d in notes.items()), 120, 16 * n_bar)


def test_features_by_hand():
    notes = (Note(0, PIANO, 60, 4), Note(0, PIANO, 64, 4), Note(4, PIANO, 67, 2), Note(10, PIANO, 62, 20))
    features = song_features(Song.steady((*notes, Note(1, DRUMS, 36, 1)), 120, 32))
    assert features.pitch_count == 4 and features.pitch_range == 7 and features.note_count == 2
    # The highest notes are 64, 67, 62: steps of 3 and 5 semitones, 4 and 6 sixteenths apart.
    assert features.pitch_interval == 4 and features.onset_interval == 5
    assert features.pitch_classes[[0, 2, 4, 7]].tolist() == [0.25] * 4
    assert features.pitch_class_transitions[4 * 12 + 7] == features.pitch_class_transitions[7 * 12 + 2] == 0.5
    # Lengths 4, 4, 2, 20 are of the classes 3, 3, 1, 9.
    assert features.note_lengths[[3, 1, 9]].tolist() == [0.5, 0.25, 0.25]
    assert features.note_length_transitions[3 * 12 + 1] == features.note_length_transitions[1 * 12 + 9] == 0.5


def test_nothing_has_no_features():
    for song in (Song.steady((), 120, 32), Song.steady((Note(0, DRUMS, 36, 1),), 120, 32)):
        assert song_features(song) is None
        assert frechet_features(song) is None
    with pytest.raises(ValueError, match="Song"):
        song_features(None)


def test_equal_samples_overlap_wholly():
    sample = np.random.default_rng(0).normal(size=200)
    area, divergence = map(float, overlap(sample, sample))
    assert area == pytest.approx(1) and divergence == pytest.approx(0, abs=1e-9)


def test_samples_far_apart_do_not_overlap():
    area, divergence = map(float, overlap(np.arange(10.0), 1000 + np.arange(10.0)))
    assert area < 0.01 and divergence > 5


def test_overlap_of_two_normal_distributions():
    """Means one standard deviation apart overlap by 2 Phi(-1/2) = 0.617, and diverge by 1/2 nat."""
    rng = np.random.default_rng(0)
    area, divergence = map(float, overlap(rng.normal(0, 1, 50_000), rng.normal(1, 1, 50_000)))
    assert area == pytest.approx(0.617, abs=0.02)
    assert divergence == pytest.approx(0.5, abs=0.06)


def test_overlap_is_that_of_scipys_estimator():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 300), rng.gamma(2, 1, 200)
    grid = np.linspace(-8, 14, 4000)
    p, q = stats.gaussian_kde(a)(grid), stats.gaussian_kde(b)(grid)
    assert overlap(a, b)[0].value == pytest.approx(np.minimum(p, q).sum() * (grid[1] - grid[0]), abs=0.01)


def test_constant_samples_have_an_overlap():
    assert overlap([1.0, 1.0], [1.0, 1.0])[0].value == pytest.approx(1)
    assert overlap([1.0, 1.0], [2.0, 2.0])[0].value < 0.01


def test_overlap_of_what_is_no_sample():
    for measurement in overlap([], [1.0, 2.0]):
        assert math.isnan(measurement.value) and measurement.reason == "fewer than two values"
    with pytest.raises(ValueError, match="finite"):
        overlap([math.nan, 1.0], [1.0, 2.0])


def test_songs_of_one_kind_overlap_more_than_songs_of_another():
    reference = [song_features(random_song(i)) for i in range(40)]
    alike = compare_sets([song_features(random_song(100 + i)) for i in range(10)], reference)
    other = compare_sets([song_features(random_song(100 + i, [60, 90])) for i in range(10)], reference)
    assert set(alike) == set(SongFeatures._fields)
    for compared in alike.values():
        assert compared.reason == ""
        assert compared.overlapping_area.low <= compared.overlapping_area.high <= 1
    assert alike["pitch_count"].overlapping_area.mean > 0.7 > 0.2 > other["pitch_count"].overlapping_area.mean
    assert alike["pitch_classes"].divergence.mean < other["pitch_classes"].divergence.mean


def test_small_sets_say_how_many_are_needed():
    features = [song_features(random_song(i)) for i in range(6)]
    for compared in compare_sets(features, features).values():
        assert math.isnan(compared.overlapping_area.mean) and math.isnan(compared.divergence.mean)
        assert "5 songs and a reference of 20, there are 6 and 6" in compared.reason


def test_frechet_distance_by_hand():
    """Independent axes: (m1 - m2)^2 + (s1 - s2)^2 each, in units of the reference's deviation."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(20_000, 2))
    a, b = base * [1, 3] + [2, 0], rng.normal(size=(20_000, 2))
    assert frechet_distance(a, b).value == pytest.approx(4 + (3 - 1) ** 2, rel=0.05)
    assert frechet_distance(base, base).value == pytest.approx(0, abs=1e-6)


def test_frechet_distance_is_that_of_scipys_matrix_root():
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(60, 4)) + 1
    a_scaled, b_scaled = a / b.std(axis=0), b / b.std(axis=0)
    one, other = np.cov(a_scaled.T), np.cov(b_scaled.T)
    offset = ((a_scaled.mean(axis=0) - b_scaled.mean(axis=0)) ** 2).sum()
    expected = offset + np.trace(one + other - 2 * linalg.sqrtm(one @ other).real)
    assert frechet_distance(a, b).value == pytest.approx(expected)


def test_frechet_distance_of_small_or_malformed_sets():
    distance = frechet_distance(np.zeros((3, 3)), np.zeros((9, 3)))
    assert math.isnan(distance.value)
    assert "needs 4 songs on each side, there are 3 and 9" in distance.reason
    with pytest.raises(ValueError, match="columns"):
        frechet_distance(np.zeros((9, 3)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match="finite"):
        frechet_distance(np.full((9, 3), np.nan), np.zeros((9, 3)))


def test_the_reference_is_near_itself():
    table = np.stack([frechet_features(random_song(i)) for i in range(60)])
    assert table.shape == (60, len(FRECHET_FEATURES))
    far = np.stack([frechet_features(random_song(i, [60, 90])) for i in range(20)])
    assert frechet_distance_of_reference(table, 20).value < frechet_distance(far, table).value / 3
    for n, reason in ((50, "63 are needed"), (5, "there are 5 and 55")):
        level = frechet_distance_of_reference(table, n)
        assert math.isnan(level.value) and reason in level.reason


def test_intervals_hold_the_mean():
    interval = mean_interval([1.0, 2.0, 3.0, math.nan])
    assert (interval.mean, interval.n) == (2.0, 3)
    assert 1 <= interval.low < 2 < interval.high <= 3
    assert mean_interval([1.0, 2.0, 3.0]) == mean_interval([1.0, 2.0, 3.0])


def test_the_interval_of_many_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(size=400)
    interval = mean_interval(values)
    error = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - error, abs=0.01)
    assert interval.high == pytest.approx(values.mean() + error, abs=0.01)


def test_one_value_has_no_interval_and_none_no_mean():
    assert mean_interval([4.0]).mean == 4 and math.isnan(mean_interval([4.0]).low)
    assert mean_interval([math.nan]).n == 0 and math.isnan(mean_interval([math.nan]).mean)
    with pytest.raises(ValueError, match="numbers"):
        mean_interval([math.inf])
