"""Coincidence, its chance level, and the sound's onsets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.metrics.audio import audio_onsets
from cmt.metrics.synchrony import (
    av_align,
    beat_coverage,
    beat_hits,
    flow_peaks,
    hits,
    motion_correlation,
)

SCORES = {
    "beat_coverage": lambda picture, music: beat_coverage(picture, music, 20),
    "beat_hits": lambda picture, music: beat_hits(picture, music, 20),
    "hits": lambda picture, music: hits(picture, music, 20, 0.04),
    "av_align": lambda picture, music: av_align(picture, music, 20, 25),
}
each_score = pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
TIMES = [0.5, 2.25, 3.9, 7.1, 11.6, 13.05, 18.2]


@each_score
@pytest.mark.parametrize(("picture", "music"), [([], TIMES), (TIMES, []), ([20.0], TIMES)])
def test_without_events_there_is_a_reason_for_no_score(score, picture, music):
    measured = score(picture, music)
    assert measured.reason == ("the music has no onset" if picture == TIMES else "the picture has no such event")
    assert math.isnan(measured.score) and math.isnan(measured.chance) and math.isnan(measured.above_chance)


@each_score
@pytest.mark.parametrize("malformed", [[2.0, 1.0], [-1.0], [math.nan], [[1.0]]])
def test_times_that_are_none_raise(score, malformed):
    with pytest.raises(ValueError, match=r"seconds|order"):
        score(malformed, TIMES)
    with pytest.raises(ValueError, match=r"seconds|order"):
        score(TIMES, malformed)


@pytest.mark.parametrize("duration", [0, -1, math.inf])
def test_a_duration_that_is_none_raises(duration):
    with pytest.raises(ValueError, match="duration"):
        beat_hits([1.0], [1.0], duration)
    with pytest.raises(ValueError, match="tolerance"):
        hits([1.0], [1.0], 2, 0)
    with pytest.raises(ValueError, match="fps"):
        av_align([1.0], [1.0], 2, 0)


@each_score
def test_equal_times_score_one(score):
    measured = score(TIMES, TIMES)
    assert measured.score == 1 and measured.reason == ""
    assert measured.low <= measured.chance <= measured.high
    assert (measured.n_picture, measured.n_music) == (7, 7)


@pytest.mark.parametrize("name", ["hits", "av_align"])
def test_equal_times_are_all_that_can_be_above_chance(name):
    measured = SCORES[name](TIMES, TIMES)
    assert measured.above_chance == pytest.approx(1) and measured.p_value == pytest.approx(1 / 1001, abs=0.01)


def bars(n_bar, seconds=1.0):
    return np.arange(n_bar + 1) * seconds


def test_scores_by_hand():
    picture, music = [0.2, 0.7, 3.5, 5.5], [0.21, 3.0, 4.5, 6.0, 6.5]
    # Seconds 0, 3, 5 of the picture; 0, 3, 4, 6 of the music; common 0 and 3.
    assert beat_coverage(picture, music, 10).score == pytest.approx(4 / 3)
    assert beat_hits(picture, music, 10).score == pytest.approx(2 / 3)
    assert hits(picture, music, 10, 0.04).score == pytest.approx(1 / 4)
    assert hits(picture, music, 10, 0.5).score == pytest.approx(1)
    # Pairs closer than a quarter of a second: 0.2-0.21 alone.
    assert av_align(picture, music, 10, fps=4).score == pytest.approx(1 / (4 + 5 - 1))


def test_a_hit_at_exactly_the_tolerance_counts():
    assert hits([1.0], [1.04], 10, 0.04).score == 1
    assert hits([1.0], [1.0401], 10, 0.04).score == 0


def test_each_peak_is_paired_once():
    # Two peaks of the music by one of the picture: one pair of three peaks.
    assert av_align([1.0], [0.99, 1.01], 10, fps=25).score == pytest.approx(1 / 2)


def test_chance_of_hits_is_the_share_of_time_near_an_onset():
    """Onsets 1 s apart, 0.05 s on both sides: a tenth of the time, wherever the picture's events are."""
    onsets = np.arange(0.5, 100, 1.0)
    picture = np.sort(np.random.default_rng(0).uniform(0, 100, 50))
    assert hits(picture, onsets, 100, 0.05).chance == pytest.approx(0.1, abs=0.01)


def test_more_notes_raise_the_score_and_not_the_score_above_chance():
    rng = np.random.default_rng(1)
    picture = np.sort(rng.uniform(0, 60, 60))
    sparse, dense = np.arange(0, 60, 1.0), np.arange(0, 60, 0.125)
    assert hits(picture, dense, 60, 0.04).score > hits(picture, sparse, 60, 0.04).score + 0.3
    assert abs(hits(picture, dense, 60, 0.04).above_chance) < 0.25


def test_a_beat_in_every_second_hits_whatever_the_picture_does():
    measured = beat_hits([0.3, 4.4, 9.1], np.arange(0, 20, 0.5), 20)
    assert measured.score == measured.chance == 1
    assert math.isnan(measured.above_chance) and measured.p_value == 1  # saturated


def test_the_seed_decides_and_nothing_else():
    assert hits(TIMES, TIMES, 20, 0.04) == hits(TIMES, TIMES, 20, 0.04)
    assert hits(TIMES, TIMES, 20, 0.04).chance != hits(TIMES, TIMES, 20, 0.04, seed=1).chance


@given(st.lists(st.integers(0, 200), max_size=12, unique=True), st.lists(st.integers(0, 200), max_size=12, unique=True))
def test_pairs_are_as_many_as_can_be(one, other):
    """The earliest first is a largest matching; against mir_eval's where it is installed."""
    match_events = pytest.importorskip("mir_eval.util").match_events
    a, b = np.sort(one) / 10, np.sort(other) / 10
    if len(a) and len(b):
        n_pair = len(match_events(a, b, 0.45))
        expected = n_pair / (len(a) + len(b) - n_pair)
        assert av_align(a, b, 21, fps=1 / 0.45).score == pytest.approx(expected)


def steps(*speeds):
    return np.arange(len(speeds) + 1.0), np.array(speeds, dtype=float)


def test_density_that_follows_the_motion():
    edges, speed = steps(1, 1, 5, 5, 2, 2, 8, 8, 3, 3)  # bars of two seconds: 1, 5, 2, 8, 3
    measured = motion_correlation(edges, speed, [4, 9, 6, 12, 7], bars(5, 2.0))
    assert measured.together.score == pytest.approx(1)
    assert measured.lag == 0 and measured.best == pytest.approx(1)
    assert motion_correlation(edges, speed, [12, 6, 9, 4, 7], bars(5, 2.0)).together.score == pytest.approx(-1)


def test_density_that_comes_a_bar_late_has_a_lag_of_one():
    speed = [1, 7, 2, 9, 3, 12, 5, 4]
    measured = motion_correlation(*steps(*speed), [6, *speed[:-1]], bars(len(speed)))
    assert measured.lag == 1 and measured.best == pytest.approx(1)
    assert motion_correlation(*steps(*speed), [*speed[1:], 6], bars(len(speed))).lag == -1


@pytest.mark.parametrize(
    ("speeds", "density", "reason"),
    [
        ([1, 2, 3], [1, 2, 3], "3 bars"),
        ([2, 2, 2, 2, 2], [1, 2, 3, 4, 5], "does not move"),
        ([0, 0, 0, 0, 0], [1, 2, 3, 4, 5], "does not move"),
        ([1, 2, 3, 4, 5], [4, 4, 4, 4, 4], "equally dense"),
        ([], [1, 2, 3, 4], "0 bars"),
    ],
)
def test_without_motion_or_length_synchrony_is_not_defined(speeds, density, reason):
    measured = motion_correlation(*steps(*speeds), density, bars(len(density)))
    assert reason in measured.together.reason
    assert math.isnan(measured.together.score) and math.isnan(measured.best)


def test_a_motion_that_is_none_raises():
    with pytest.raises(ValueError, match="edges"):
        motion_correlation([0, 1], [1, 2], [1], bars(1))
    with pytest.raises(ValueError, match="finite"):
        motion_correlation([0, 1], [math.nan], [1], bars(1))
    with pytest.raises(ValueError, match="edges"):
        flow_peaks([0, 1], [1, 2])


def test_peaks_of_the_flow():
    edges, speed = steps(0, 3, 1, 1, 2, 1, 0.05, 0.2, 0.05)
    assert flow_peaks(edges, speed).tolist() == [2, 5, 8]
    assert flow_peaks(edges, speed, threshold=1).tolist() == [2, 5]
    assert len(flow_peaks([0.0], [])) == 0


def test_planted_sounds_are_found_where_they_are():
    rate, rng = 22050, np.random.default_rng(0)
    audio, planted = np.zeros(4 * rate), np.array([0.3, 0.8, 1.05, 1.9, 2.0, 3.3])
    for time in planted:
        begin, n = int(time * rate), rate // 5
        tone = np.sin(2 * np.pi * rng.uniform(200, 2000) * np.arange(n) / rate) * np.exp(-np.arange(n) / rate * 20)
        audio[begin : begin + n] += 0.3 * tone
    found = audio_onsets(np.stack([audio, audio], axis=1), rate)
    assert len(found) == len(planted)
    assert np.abs(found - planted).max() < 0.025


def test_silence_has_no_onsets():
    assert len(audio_onsets(np.zeros(22050), 22050)) == 0
    with pytest.raises(ValueError, match="samples"):
        audio_onsets(np.full(22050, np.nan), 22050)
