"""A planted grid is found, with its phase; hits at random plant none; a tempo map meets its hits exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cmt.grid.bend
from cmt.grid.agreement import Agreement, agreement, misses
from cmt.grid.bend import bend_grid
from cmt.grid.hits import Hit
from cmt.grid.solver import fit_grid
from midi_io.song import Knot, Timeline

SETTINGS = settings(max_examples=15, deadline=None)


def cuts(times, weight=1.0):
    return [Hit(float(at), weight, "cut") for at in times]


def tempi(grid):
    return [
        15 * (after.position - knot.position) / (after.seconds - knot.seconds)
        for knot, after in zip(grid.knots, grid.knots[1:], strict=False)
    ]


# The 19 cuts of a film that was cut to music at 120 BPM, in beats; the film ends inside a bar.
CUT_BEATS = (3, 7, 15, 17, 25, 33, 36, 40, 42, 44, 46, 54, 55, 57, 59, 61, 65, 67, 69)
MONTAGE = cuts(np.array(CUT_BEATS) / 2)


@given(
    duration=st.floats(0.5, 60),
    hits=st.lists(st.floats(0, 1), max_size=12),
    prior=st.none() | st.floats(30, 300),
    change=st.sampled_from([0.0, 0.08]),
)
@SETTINGS
def test_any_grid_is_exactly_as_long_as_the_video(duration, hits, prior, change):
    times = [share * duration for share in hits]
    grid = bend_grid(fit_grid(duration, cuts(times), prior_tempo=prior), cuts(times), change)
    assert grid.duration == duration
    assert grid.knots[0].seconds == 0 and grid.start == pytest.approx(round(grid.start))
    assert 0 <= grid.phase < 240 / 40
    met = agreement(grid, times)
    assert all(0 <= share <= 1 for share in met[1:])
    assert met.on_downbeats <= met.on_beats <= met.on_grid


@pytest.mark.parametrize("n_bar", [9, 12, 14, 17, 19])
def test_hits_on_beats_choose_the_number_of_bars(n_bar):
    beat = 30.0 / n_bar / 4
    grid = fit_grid(30.0, cuts(beat * number for number in (3, 4, 8, 10, 16, 20, 21, 24, 28, 32)))
    assert (grid.n_bar, grid.phase, grid.tempo) == (n_bar, 0, pytest.approx(8 * n_bar))


def test_without_hits_whole_bars_at_a_comfortable_tempo():
    grid = fit_grid(60.0)
    assert grid.tempo == pytest.approx(110, rel=0.03)
    assert grid.knots == (Knot(0, 0), Knot(16 * grid.n_bar, 60.0))


@pytest.mark.parametrize(("duration", "n_bar"), [(0.6, 1), (1.1, 1), (1.4, 1), (3.6, 2)])
def test_a_very_short_video_has_the_nearest_number_of_bars(duration, n_bar):
    assert fit_grid(duration).n_bar == n_bar


def test_a_film_cut_to_music_that_ends_inside_a_bar_gives_its_tempo_and_phase_back():
    grid = fit_grid(36.5, MONTAGE)
    times = [hit.time for hit in MONTAGE]
    assert grid.tempo == pytest.approx(120.0, abs=1e-6)
    assert misses(grid, times, 4).max() < 1e-6
    met = agreement(grid, times)
    assert (met.on_grid, met.on_beats) == (1.0, 1.0)
    assert met.on_grid_by_chance == pytest.approx(0.64, abs=0.05)
    assert met.on_beats_by_chance == pytest.approx(0.16, abs=0.05)


def test_the_wrong_tempo_says_what_it_misses_and_a_tempo_map_brings_it_back():
    times = [hit.time for hit in MONTAGE]
    stiff = fit_grid(36.5, MONTAGE, tempo=100.0)
    assert tempi(stiff)[-1] == pytest.approx(100.0)
    assert agreement(stiff, times).on_grid < 0.6
    bent = bend_grid(stiff, MONTAGE, 0.08)
    assert agreement(bent, times).on_grid == 1.0
    assert all(92 - 1e-6 <= tempo <= 108 + 1e-6 for tempo in tempi(bent)[1:])
    assert bent.duration == 36.5


@given(bpm=st.floats(80, 150), phase=st.floats(0, 1), seed=st.integers(0, 1000))
@SETTINGS
def test_a_planted_tempo_and_phase_are_found(bpm, phase, seed):
    rng = np.random.default_rng(seed)
    beats = np.arange(phase * 240 / bpm, 25.0, 60 / bpm)
    times = np.clip(np.sort(rng.choice(beats, 14, replace=False)) + rng.normal(0, 0.004, 14), 0, 25)
    # Light hits anywhere must not disturb the heavy ones.
    grid = fit_grid(25.0, cuts(times) + cuts(rng.uniform(0, 25, 6), 0.1))
    assert (misses(grid, times, 8) <= 0.04).mean() >= 0.9


def test_downbeats_choose_the_phase_among_beats():
    downbeats = np.arange(1.0, 30.0, 2.0)  # at 120 BPM, the first after two beats
    grid = fit_grid(30.0, cuts(downbeats))
    assert misses(grid, downbeats, 1).max() < 0.001
    assert grid.phase == pytest.approx(1.0, abs=0.001) and grid.tempo == pytest.approx(120, rel=1e-4)


@pytest.mark.slow
def test_hits_at_random_plant_no_grid():
    free = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        grid = fit_grid(20.0, cuts(rng.uniform(0, 20, 5 + seed)))
        free += grid.phase > 0 or abs(grid.length - 16 * grid.n_bar) > 1e-5
    assert free <= 2


def test_heavy_hits_outweigh_light_ones():
    at_80, at_100 = np.arange(1, 16) * 0.75, np.arange(1, 16) * 0.6
    assert fit_grid(24.0, cuts(at_80) + cuts(at_100, 0.05)).tempo == pytest.approx(80, rel=1e-3)
    assert fit_grid(24.0, cuts(at_80, 0.05) + cuts(at_100)).tempo == pytest.approx(100, rel=1e-3)


def test_a_prior_tempo_or_its_octave_is_kept_to():
    for prior in (92.0, 184.0, 46.0):
        assert fit_grid(60.0, prior_tempo=prior).tempo == pytest.approx(92)


def test_a_sure_prior_outweighs_hits_that_an_unsure_one_does_not():
    hits = cuts(np.arange(1, 30) * 0.75)  # at 80 BPM
    assert fit_grid(24.0, hits, prior_tempo=100.0).tempo == pytest.approx(80)
    sure = fit_grid(24.0, hits, prior_tempo=100.0, prior_confidence=1.0)
    assert sure.tempo == pytest.approx(100, rel=0.01)


@given(time=st.floats(0.3, 19.7))
@SETTINGS
def test_one_marker_is_met_on_a_downbeat_or_a_beat(time):
    grid = fit_grid(20.0, [Hit(time, 3.0, "marker")])
    assert misses(grid, [time], 4)[0] <= 0.04


def test_markers_outweigh_cuts():
    markers = [Hit(time, 3.0, "marker") for time in (2.25, 6.25, 12.25)]
    grid = fit_grid(20.0, cuts(np.arange(1, 19) * 1.0) + markers, tempo=120.0)
    assert misses(grid, [hit.time for hit in markers], 4).max() <= 0.01


@pytest.mark.parametrize("offset", [0.02, 0.04, 0.1, 0.13, 1.0, 1.9, 1.96, 1.99])
def test_a_pickup_begins_with_the_picture_and_bends_its_first_sixteenth_only(offset):
    grid = fit_grid(20.0, [Hit(time, 3.0, "marker") for time in np.arange(offset, 20, 2.0)], tempo=120.0)
    begin, *inner, end = grid.knots
    assert (begin.seconds, end.seconds) == (0.0, 20.0)
    if inner:
        assert len(inner) == 1 and inner[0].position - begin.position == pytest.approx(1)
        assert 0.5 <= inner[0].seconds / 0.125 <= 1.5
        assert grid.tempo == pytest.approx(120)
    assert misses(grid, np.arange(offset + 2, 20, 2.0), 1).max() < 0.02


@given(times=st.lists(st.floats(0.5, 39.5), min_size=1, max_size=15, unique=True), bpm=st.floats(70, 160))
@SETTINGS
def test_a_tempo_map_stays_in_its_range_and_changes_at_hits_only(times, bpm):
    hits = cuts(times)
    steady = fit_grid(40.0, tempo=bpm)
    grid = bend_grid(steady, hits, 0.08)
    assert grid.duration == 40.0
    changed = [knot.seconds for knot in grid.knots[1:-1]]
    bent = tempi(grid)
    if changed and changed[0] not in times:
        # The first sixteenth alone, so that the first hit is met at any phase.
        assert grid.knots[1].position - grid.start == pytest.approx(1)
        assert 0.5 - 1e-6 <= changed.pop(0) / (15 / bpm) <= 1.5 + 1e-6
        bent = bent[1:]
    assert all(bpm * 0.92 - 1e-6 <= tempo <= bpm * 1.08 + 1e-6 for tempo in bent)
    assert set(changed) <= set(times)
    if changed:
        assert misses(grid, changed, 16).max() < 1e-6  # where it changes it is exact
    assert agreement(grid, times).on_grid >= agreement(steady, times).on_grid - 0.35


def test_a_tempo_map_puts_distant_cuts_on_downbeats():
    times = [4.3, 8.2, 14.5, 18.3, 24.4, 28.2]
    grid = bend_grid(fit_grid(32.0, tempo=120.0), cuts(times), 0.08)
    assert misses(grid, times, 1).max() < 1e-6
    assert grid.length == 16 * 16


def test_hits_in_clusters_are_bent():
    clusters = np.concatenate([begin + np.arange(30) * 0.02 for begin in (1.0, 9.0, 40.0)])
    grid = bend_grid(fit_grid(60.0, tempo=110.0), cuts(clusters), 0.08)
    assert agreement(grid, clusters).on_grid >= 0.5


@pytest.mark.slow
def test_the_work_of_bending_a_film_grows_with_its_length(monkeypatch):
    """Counted in the hits whose rewards are weighed; five times the length, not 25 times the work."""
    n_weighed, reward = 0, cmt.grid.bend.reward

    def counted(misses, rewards):
        nonlocal n_weighed
        worth = reward(misses, rewards)
        n_weighed += worth.size
        return worth

    monkeypatch.setattr(cmt.grid.bend, "reward", counted)
    work = []
    for duration, n_cut in ((80.0, 9), (400.0, 45)):
        rng = np.random.default_rng(0)
        times = np.sort(rng.uniform(0, duration, n_cut))
        beats = [Hit(float(at), 0.3, "visual beat") for at in rng.uniform(0, duration, 10 * n_cut)]
        n_weighed = 0
        grid = bend_grid(fit_grid(duration, tempo=110.0), cuts(times) + beats, 0.08)
        work.append(n_weighed)
        assert grid.duration == duration
    assert agreement(grid, times).on_grid > 0.9
    assert 0 < work[1] < 15 * work[0]  # 8.4 times


def test_visual_beats_do_not_bend_the_tempo():
    beats = [Hit(time, 0.5, "visual beat") for time in (3.1, 5.3, 9.9)]
    steady = fit_grid(20.0, tempo=120.0)
    assert bend_grid(steady, beats, 0.08).knots == steady.knots


def test_chance_is_what_random_hits_get():
    grid = Timeline.through([Knot(0, 0.0), Knot(160, 20.0)])
    met = agreement(grid, np.random.default_rng(0).uniform(0, 20, 2000))
    assert met.on_grid == pytest.approx(0.64, abs=0.03)  # 80 ms of every 125 ms
    assert met.on_grid_by_chance == pytest.approx(0.64, abs=0.01)
    assert met.on_downbeats_by_chance == pytest.approx(0.04, abs=0.01)
    assert agreement(grid, [1.0, 2.5]) == agreement(grid, [1.0, 2.5])
    assert agreement(grid, []) == Agreement(0, 0, 0, 0, 0, 0, 0)


@pytest.mark.slow
def test_a_film_of_twenty_minutes_is_fitted():
    times = 0.77 + np.arange(0, 1190, 4.0)  # 120 BPM
    assert misses(fit_grid(1200.0, cuts(times)), times, 4).max() < 0.02


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"duration": 0.0}, "^duration 0.0 and tempo range"),
        ({"duration": float("nan")}, "^duration nan and tempo range"),
        ({"tempo_range": (100.0, 50.0)}, r"tempo range \(100.0, 50.0\) must be above 0 and in order$"),
        ({"tempo_range": (0.0, 50.0)}, r"tempo range \(0.0, 50.0\) must be above 0 and in order$"),
        ({"hits": [Hit(6.0, 1.0, "cut")]}, r"^a hit must lie in the video .* got Hit\(time=6.0"),
        ({"hits": [Hit(1.0, -1.0, "cut")]}, "^a hit must .* weigh 0 or more, got .*weight=-1.0"),
        ({"hits": [Hit(float("nan"), 1.0, "cut")]}, r"^a hit must lie in the video .* got Hit\(time=nan"),
        ({"tempo": 0.0}, "^tempo must be above 0, got 0.0$"),
        ({"prior_tempo": 0.0}, "^prior tempo must be above 0, got 0.0$"),
        ({"prior_tempo": 100.0, "prior_confidence": 1.5}, "^prior confidence must be from 0 to 1, got 1.5$"),
    ],
)
def test_numbers_out_of_range_are_a_programmers_mistake(bad, message):
    with pytest.raises(ValueError, match=message):
        fit_grid(**{"duration": 5.0, **bad})


@pytest.mark.parametrize("change", [-0.1, 1.0, float("nan")])
def test_a_change_out_of_range_is_a_programmers_mistake(change):
    with pytest.raises(ValueError, match=r"^tempo change must be from 0 to below 1, got "):
        bend_grid(fit_grid(5.0), (), change)


@pytest.mark.parametrize("knots", [(), ((0, 0),), ((0, 1), (1, 2)), ((0, 0), (0, 1)), ((16, 0), (32, 1))])
def test_a_grid_that_cannot_be_is_refused(knots):
    with pytest.raises(ValueError, match="knots"):
        Timeline.through(Knot(*knot) for knot in knots)
