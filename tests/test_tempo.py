"""A planted tempo is found; a planted grid chooses the number of bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rhythm.impacts import Impact
from video_rhythm.tempo import fit_tempo, visual_tempo


def pulse(bpm: float, duration: float, first: float = 0.3, jitter: float = 0.0, missing: float = 0.0, seed: int = 0):
    rng = np.random.default_rng(seed)
    times = np.arange(first, duration, 60 / bpm)
    times = times[rng.random(len(times)) >= missing]
    times = np.sort(times + rng.normal(0, jitter, len(times)))
    return [Impact(float(time), float(rng.uniform(0.005, 0.02))) for time in times]


@pytest.mark.parametrize("bpm", [60, 75, 90, 101.3, 120, 143, 160])
@pytest.mark.parametrize("duration", [12.0, 60.0])
def test_a_pulse_is_heard_at_its_tempo(bpm, duration):
    tempo, confidence = visual_tempo(duration, pulse(bpm, duration))
    assert tempo == pytest.approx(bpm, rel=0.01)
    assert confidence > 0.6


@pytest.mark.parametrize(("bpm", "reported"), [(45, 45), (90, 90), (160, 160), (180, 90), (220, 110)])
def test_octave_rule(bpm, reported):
    assert visual_tempo(40.0, pulse(bpm, 40.0)).tempo == pytest.approx(reported, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_a_pulse_with_gaps_and_jitter_is_heard(seed):
    impacts = pulse(97, 40.0, jitter=0.015, missing=0.3, seed=seed)
    tempo, confidence = visual_tempo(40.0, impacts)
    assert tempo == pytest.approx(97, rel=0.02)
    assert 0.15 < confidence < 0.9


def test_impacts_at_random_have_no_tempo():
    heard = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        duration = (5.0, 10.0, 20.0, 60.0)[seed % 4]
        times = np.sort(rng.uniform(0, duration, int(2 * duration)))
        times = times[np.diff(times, prepend=-1) > 0.1]
        heard.append(visual_tempo(duration, [Impact(float(time), 0.01) for time in times]).tempo)
    assert sum(tempo is not None for tempo in heard) <= 2


@pytest.mark.parametrize("n_impact", [0, 1, 2, 3])
def test_a_few_impacts_have_no_tempo(n_impact):
    assert visual_tempo(10.0, pulse(60, 10.0)[:n_impact]) == (None, 0.0)


@given(st.lists(st.floats(0, 30), max_size=40), st.floats(30, 40))
def test_tempo_and_confidence_stay_in_range(times, duration):
    tempo, confidence = visual_tempo(duration, [Impact(time, 0.01) for time in sorted(times)])
    assert tempo is None or 40 <= tempo <= 240
    assert 0 <= confidence <= 1


@given(
    duration=st.floats(0.5, 1000),
    hits=st.lists(st.floats(0, 1000), max_size=20),
    prior=st.none() | st.floats(30, 300),
)
def test_bars_last_exactly_as_long_as_the_video(duration, hits, prior):
    fit = fit_tempo(duration, hits, prior_tempo=prior)
    assert fit.n_bar >= 1 and fit.n_bar * 240 / fit.tempo == pytest.approx(duration, rel=1e-12)
    assert 0 <= fit.share_on_grid <= 1


@pytest.mark.parametrize("n_bar", [9, 12, 14, 17, 19])
def test_hits_on_beats_choose_the_number_of_bars(n_bar):
    beat = 30.0 / n_bar / 4
    hits = [beat * number for number in (3, 4, 8, 10, 16, 20, 21, 24, 28, 32)]
    fit = fit_tempo(30.0, hits)
    assert fit.n_bar == n_bar
    assert fit.share_on_grid == 1.0


def test_without_hits_the_tempo_is_comfortable():
    assert fit_tempo(60.0).tempo == pytest.approx(110, rel=0.03)


def test_a_prior_tempo_or_its_octave_is_kept_to():
    assert fit_tempo(60.0, prior_tempo=92.0).tempo == pytest.approx(92)
    assert fit_tempo(60.0, prior_tempo=184.0).tempo == pytest.approx(92)
    assert fit_tempo(60.0, prior_tempo=46.0).tempo == pytest.approx(92)


def test_a_sure_prior_outweighs_hits_that_an_unsure_one_does_not():
    hits = np.arange(1, 30) * 0.75  # at 80 BPM
    assert fit_tempo(24.0, hits, prior_tempo=100.0, prior_confidence=0.0).tempo == pytest.approx(80)
    assert fit_tempo(24.0, hits, prior_tempo=100.0, prior_confidence=1.0).tempo == pytest.approx(100)


def test_heavy_hits_outweigh_light_ones():
    at_80, at_100 = np.arange(1, 16) * 0.75, np.arange(1, 16) * 0.6
    hits = np.concatenate([at_80, at_100])
    assert fit_tempo(24.0, hits, [1.0] * 15 + [0.05] * 15).tempo == pytest.approx(80)
    assert fit_tempo(24.0, hits, [0.05] * 15 + [1.0] * 15).tempo == pytest.approx(100)


@pytest.mark.parametrize(("duration", "n_bar"), [(0.6, 1), (1.1, 1), (1.4, 1), (3.6, 2)])
def test_a_very_short_video_has_the_nearest_number_of_bars(duration, n_bar):
    assert fit_tempo(duration).n_bar == n_bar


@pytest.mark.parametrize(
    "bad",
    [
        dict(duration=0.0),
        dict(duration=float("nan")),
        dict(duration=5.0, tempo_range=(100.0, 50.0)),
        dict(duration=5.0, hits=[1.0], weights=[]),
        dict(duration=5.0, hits=[1.0], weights=[-1.0]),
        dict(duration=5.0, prior_tempo=0.0),
        dict(duration=5.0, prior_tempo=100.0, prior_confidence=1.5),
    ],
)
def test_numbers_out_of_range_are_a_programmers_mistake(bad):
    with pytest.raises(ValueError):
        fit_tempo(**bad)
