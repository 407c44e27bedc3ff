"""Percentile matching between pictures and music."""

import json
from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.errors import CmtError
from cmt.music.profile import profile_of_song
from cmt.planning.calibration import Calibration, read_calibration
from cmt.planning.liveliness import CHANGE_COST, LEVEL_ARC, LEVELS, phrased, profile_of_video, relative_percentiles
from cmt.planning.sheet import Sheet
from cmt.writing.closing import closing_of
from cmt.writing.orders import MOST_AT_ONCE
from midi_io.song import Instrument, Note, Song, Timeline
from video_rhythm import VisualBeat

EVEN = Calibration(
    speed_quantiles=(0.0, 1.0, 2.0),
    saliency_quantiles=(0.0, 1.0),
    density_shares=((0.0,) + (1 / 16,) * 16, (0.0,) * 9 + (1 / 8,) * 8),
    strength_shares=((0.0, 0.5, 0.25, 0.25),) * 5,
)


def test_the_fastest_share_of_bars_gets_the_densest_share_of_densities():
    assert EVEN.density_at(EVEN.speed_percentile(2.0), with_drums=False) == 16
    assert EVEN.density_at(EVEN.speed_percentile(1.0), with_drums=False) == 8
    assert EVEN.density_at(EVEN.speed_percentile(1.0), with_drums=True) == 12


def test_a_still_picture_gets_calm_music_not_silence():
    assert EVEN.density_at(EVEN.speed_percentile(0.0), with_drums=False) == 1


def test_density_grows_with_speed():
    densities = [EVEN.density_at(EVEN.speed_percentile(speed / 10), with_drums=False) for speed in range(30)]
    assert densities == sorted(densities)


def test_strength_is_read_from_the_instruments_distribution():
    assert [EVEN.strength_at(p, Instrument.PIANO) for p in (0.0, 0.5, 0.6, 0.9, 1.0)] == [1, 1, 2, 3, 3]


def test_the_profile_of_a_song_counts_onsets_and_notes():
    song = Song.steady(
        (
            Note(0, Instrument.PIANO, 60, 4),
            Note(0, Instrument.PIANO, 64, 4),
            Note(0, Instrument.BASS, 40, 4),
            Note(30, Instrument.DRUMS, 36, 1),
        ),
        120,
        48,
    )
    profile = profile_of_song(song)
    assert profile.density == (1, 1, 0)
    assert [(n.bar, n.position, n.instrument, n.strength) for n in profile.simu_notes] == [
        (0, 0, Instrument.PIANO, 2),
        (0, 0, Instrument.BASS, 1),
        (1, 14, Instrument.DRUMS, 1),
    ]


def test_a_calm_video_and_a_lively_one_have_arcs_of_the_same_shape():
    calm, lively = [0.01, 0.02, 0.04, 0.02, 0.005], [0.1, 0.2, 0.4, 0.2, 0.05]
    arcs = [relative_percentiles(speeds, centre) for speeds, centre in ((calm, 0.35), (lively, 0.65))]
    for arc, centre in zip(arcs, (0.35, 0.65), strict=True):
        assert arc[1] == arc[3] == pytest.approx(centre)
        assert arc[4] < arc[0] < arc[1] < arc[2]
        assert arc[4] == pytest.approx(centre - 0.35)  # two octaves below, the others but one
    assert np.array(arcs[1]) - np.array(arcs[0]) == pytest.approx([0.3] * 5, abs=0.02)


@given(st.lists(st.floats(0, 10), max_size=20))
def test_relative_percentiles_keep_the_order_and_stay_in_range(speeds):
    percentiles = relative_percentiles(speeds, 0.5)
    assert all(0 <= percentile <= 1 for percentile in percentiles)
    order = np.argsort(speeds)
    assert np.all(np.diff(np.array(percentiles)[order]) >= 0) if speeds else percentiles == []


def test_an_arc_is_not_made_of_nothing():
    percentiles = relative_percentiles([0.100, 0.101, 0.099], 0.5)
    assert max(percentiles) - min(percentiles) < 0.05


def video(speeds, beats=()):
    """Of a video of 8 s whose speed changes every second what a profile is made of."""
    moved = np.concatenate([[0.0], np.cumsum(speeds)])

    def mean_speed(borders):
        return np.diff(np.interp(borders, np.arange(9), moved)) / np.diff(borders)

    return SimpleNamespace(
        flow=SimpleNamespace(mean_speed=mean_speed),
        visual_beats=tuple(VisualBeat(*beat) for beat in beats),
        scenes=(),
        duration=8.0,
    )


BAND = (Instrument.DRUMS, Instrument.PIANO)
STEADY = Sheet(Timeline.steady(120.0, 64), BAND)


def test_relative_dynamics_give_a_calm_video_an_arc_and_absolute_ones_do_not():
    calm = video([0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.01, 0.01])
    calibration = read_calibration()
    relative = profile_of_video(calm, STEADY, calibration, "relative").density
    absolute = profile_of_video(calm, STEADY, calibration, "absolute").density
    assert relative[0] < relative[1] <= relative[2]
    assert np.ptp(relative[:3]) > np.ptp(absolute[:3])


def test_a_still_video_is_calm_in_both():
    still = video([0.0] * 8)
    for dynamics in ("absolute", "relative"):
        density = profile_of_video(still, STEADY, EVEN, dynamics).density
        assert density == (9, 9, 9, closing_of(STEADY.timeline).density)  # the least with drums


def test_a_marker_asks_all_instruments_for_an_accent():
    profile = profile_of_video(video([0.1] * 8), STEADY, EVEN, "absolute", [3.0])
    assert [(note.bar, note.position, note.instrument) for note in profile.simu_notes] == [
        (1, 8, Instrument.DRUMS),
        (1, 8, Instrument.PIANO),
    ]


def test_bars_that_are_cut_off_get_their_share_of_density():
    sheet = Sheet(Timeline.steady(120.0, 38, 12), BAND)
    profile = profile_of_video(video([5.0] * 8, [(0.01, 9.0)]), sheet, EVEN, "absolute")
    assert profile.density == (4, 16, 6)
    longer_sheet = Sheet(Timeline.steady(120.0, 54, 12), BAND)
    longer = profile_of_video(video([5.0] * 8), longer_sheet, EVEN, "absolute")
    assert longer.density == (
        4,
        16,
        closing_of(longer_sheet.timeline).density,
        0,
    )  # behind the closing bar its last notes ring
    assert {(note.bar, note.position) for note in profile.simu_notes} == {(0, 12)}


def test_where_the_music_rings_no_beat_asks_but_a_marker_does():
    beats, markers = [(7.0, 9.0), (7.5, 9.0)], [7.75]  # in the last of four bars, on its third and fourth beat
    profile = profile_of_video(video([1.0] * 8, beats), STEADY, EVEN, "relative", markers)
    assert sorted({(note.bar, note.position) for note in profile.simu_notes}) == [(3, 8), (3, 14)]


def test_a_level_is_left_when_the_picture_moves_far_enough_or_long_enough():
    assert phrased([0, 0, 1, 0, -1, -1, 0]) == [0, 0, 1, 0, -1, -1, 0]
    assert phrased([0, 0, 0.5, 0, 0]) == [0] * 5
    assert phrased([0, 0, 0.5, 0.5, 0.5, 0.5, 0.5]) == [0, 0, 1, 1, 1, 1, 1]
    assert phrased([0.3]) == [0]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=6))
def test_no_other_levels_follow_the_picture_at_less_cost(arcs):
    def cost(levels):
        far = sum(abs(arc - LEVEL_ARC * level) for arc, level in zip(arcs, levels, strict=True))
        return far + CHANGE_COST * sum(abs(a - b) for a, b in pairwise(levels))

    assert cost(phrased(arcs)) == pytest.approx(min(map(cost, product(LEVELS, repeat=len(arcs)))))


@pytest.mark.parametrize("density", range(1, 17))
def test_a_density_lies_at_the_percentile_of_it(density):
    for calibration in (EVEN, read_calibration()):
        percentile = calibration.percentile_of_density(density)
        assert calibration.density_at(percentile, with_drums=True) == max(density, 9 if calibration is EVEN else 4)
        assert calibration.percentile_of_density(0) == calibration.percentile_of_density(1)
        assert calibration.percentile_of_density(99) == calibration.percentile_of_density(16)


def test_the_strongest_beat_asks_for_what_musicians_play():
    for instrument, most in MOST_AT_ONCE.items():
        assert 1 <= read_calibration().strength_at(1.0, instrument) <= most


def test_the_shipped_calibration_can_be_read():
    calibration = read_calibration()
    assert calibration.density_at(calibration.speed_percentile(100.0), with_drums=True) == 16
    assert calibration.saliency_percentile(1e9) == 1.0


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"speed_quantiles": [0]})])
def test_a_broken_calibration_is_named(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(CmtError, match=r"calibration\.json: not a calibration"):
        read_calibration(path)
