"""Of all impacts, the steadiest and strongest chain is chosen."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import video_rhythm.beats
from video_rhythm.beats import choose_beats
from video_rhythm.impacts import Impact
from video_rhythm.tempo import autocorrelation


def at(times, saliency: float = 0.01) -> list[Impact]:
    return [Impact(float(time), saliency) for time in times]


def times_of(beats) -> list[float]:
    return [beat.time for beat in beats]


def test_a_steady_pulse_is_kept_whole():
    impacts = at(np.arange(0.4, 20, 0.5))
    assert times_of(choose_beats(20.0, impacts)) == times_of(impacts)


def test_the_first_impact_is_not_lost():
    assert times_of(choose_beats(5.0, at([1.0, 2.0, 3.0]))) == [1.0, 2.0, 3.0]


def test_weak_impacts_off_the_pulse_are_left_out():
    pulse = at(np.arange(0.5, 20, 0.5))
    off = at([3.2, 7.31, 11.18, 15.34], 0.0005)
    chosen = times_of(choose_beats(20.0, sorted(pulse + off)))
    assert chosen == times_of(pulse)


def test_of_two_close_impacts_the_one_on_the_pulse_is_taken():
    pulse = at(np.arange(0.5, 20, 0.5))
    beside = at([10.15], 0.01)
    assert 10.15 not in times_of(choose_beats(20.0, sorted(pulse + beside)))


def test_a_pause_does_not_end_the_beats():
    impacts = at([1.0, 1.5, 2.0, 2.5, 20.0, 20.5, 21.0])
    assert times_of(choose_beats(25.0, impacts)) == times_of(impacts)


def test_nothing_that_moves_has_no_beats():
    assert choose_beats(10.0, []) == ()


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0.001, 1.0)), min_size=1, max_size=60))
def test_beats_are_impacts_in_order_and_apart(pairs):
    impacts = [Impact(*pair) for pair in sorted(pairs)]
    beats = choose_beats(60.0, impacts)
    assert len(beats) >= 1
    assert set(beats) <= set(impacts)
    assert (np.diff(times_of(beats)) >= 0.25 - 1e-9).all()


def test_an_hour_takes_sixty_times_as_long_as_a_minute(monkeypatch):
    """Counted in values of the envelope that are looked at: the work grows with the length, not with its square."""
    n_value = 0

    def counted(values, n_lag):
        nonlocal n_value
        n_value += len(values)
        return autocorrelation(values, n_lag)

    monkeypatch.setattr(video_rhythm.beats, "autocorrelation", counted)
    rng = np.random.default_rng(0)
    n_values = []
    for duration, n_impact in ((60.0, 80), (3600.0, 4800)):
        times, saliencies = rng.uniform(0, duration, n_impact), rng.uniform(0.001, 0.1, n_impact)
        impacts = sorted(Impact(float(time), float(saliency)) for time, saliency in zip(times, saliencies, strict=True))
        n_value = 0
        assert choose_beats(duration, impacts)
        n_values.append(n_value)
    assert 0 < n_values[1] < 1.2 * 60 * n_values[0]
