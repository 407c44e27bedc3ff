"""A planted tempo is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rhythm.impacts import Impact
from video_rhythm.tempo import visual_tempo


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
