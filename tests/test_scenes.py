"""Scenes on bars: where sections begin, which of them come again, and what calm and lively ones ask."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from cmt.music.lead_sheet import UNKNOWN, no_orders
from cmt.planning.scenes import Scene, orders_of_picture, scenes_of
from cmt.planning.sheet import Sheet
from midi_io.song import Instrument, Timeline
from video_rhythm import VideoRhythm
from video_rhythm.flow import FlowSeries
from video_rhythm.thumbnails import Thumbnail

ALL = 0b11111
RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def film(colours, bars_each=4, cuts=None):
    """A video at 120 BPM, whose scenes of some bars have each one colour."""
    seconds = 2.0 * bars_each
    n_bar = bars_each * len(colours)
    times = np.arange(0.0, 2.0 * n_bar, 1 / 3)
    thumbnails = tuple(
        Thumbnail(t, np.full((9, 16, 3), colours[int(t // seconds)], np.uint8)) for t in np.arange(0, 2 * n_bar, 0.5)
    )
    still = np.zeros(len(times))
    rhythm = VideoRhythm(
        "film.mp4", 0, 2.0 * n_bar, 3.0, len(times), 160, 90, FlowSeries(times, still, still, 2.0 * n_bar), still, (),
        tuple(seconds * k for k in range(1, len(colours))) if cuts is None else cuts, None, 0.0, (), (), thumbnails,
    )  # fmt: skip
    return rhythm, Sheet(Timeline.steady(120, 16 * n_bar), tuple(Instrument))


def test_scenes_begin_at_cuts_and_a_place_seen_again_has_its_letter():
    rhythm, sheet = film([RED, GREEN, RED, BLUE])
    scenes = scenes_of(rhythm, sheet, (0.5,) * 16)
    assert [(scene.bar, scene.letter) for scene in scenes] == [(0, 0), (4, 1), (8, 0), (12, 2)]


def test_a_short_film_has_few_letters_and_its_borders_stay():
    colours = [(r, g, b) for r in (20, 120, 220) for g in (20, 220) for b in (20, 220)]
    for n_scene, most in ((3, 2), (5, 3), (8, 4), (12, 5)):
        rhythm, sheet = film(colours[:n_scene])
        scenes = scenes_of(rhythm, sheet, (0.5,) * sheet.timeline.n_bar)
        letters = [scene.letter for scene in scenes]
        assert len(letters) == n_scene and set(letters) == set(range(most))
        assert all(here != there for here, there in itertools.pairwise(letters))


def test_a_cut_within_one_scene_is_no_border():
    rhythm, sheet = film([RED, RED, RED])
    assert [scene.bar for scene in scenes_of(rhythm, sheet, (0.5,) * 12)] == [0]


def test_no_section_is_shorter_than_two_bars():
    rhythm, sheet = film([RED, GREEN, BLUE] * 4, bars_each=1)
    starts = [scene.bar for scene in scenes_of(rhythm, sheet, (0.5,) * 12)]
    assert all(b - a >= 2 for a, b in zip(starts, [*starts[1:], 12], strict=True))


def test_one_bar_is_one_scene():
    rhythm, sheet = film([RED], bars_each=1)
    assert len(scenes_of(rhythm, sheet, (0.5,))) == 1


SCENES = [Scene(0, 0, 0.1), Scene(4, 1, 0.9), Scene(8, 0, 0.5)]
LIVELINESS = (0.1,) * 4 + (0.9,) * 4 + (0.5,) * 4


def test_calm_scenes_rest_the_drums_and_everyone_plays_in_lively_ones():
    orders = orders_of_picture(SCENES, no_orders(12), LIVELINESS, 1.0, 0)
    assert np.flatnonzero(orders.begins == 1).tolist() == [0, 4, 8]
    assert orders.letters.tolist() == [0] * 4 + [1] * 4 + [0] * 4
    assert orders.energy.tolist() == [0] * 4 + [4] * 4 + [2] * 4
    assert orders.may_play.tolist() == [ALL - 1] * 4 + [ALL] * 8
    assert orders.must_play.tolist() == [0] * 4 + [ALL] * 4 + [0] * 4


def test_without_control_the_picture_says_where_sections_begin_and_no_more():
    orders = orders_of_picture(SCENES, no_orders(12), LIVELINESS, 0.0, 0)
    assert np.flatnonzero(orders.begins == 1).tolist() == [0, 4, 8]
    assert (orders.energy == UNKNOWN).all() and (orders.may_play == ALL).all() and not orders.must_play.any()


@pytest.mark.parametrize("control", [0.0, 1.0])
def test_a_scene_that_comes_again_repeats_its_bars(control):
    scenes = [Scene(0, 0, 0.5), Scene(3, 1, 0.5), Scene(7, 0, 0.5), Scene(12, 1, 0.5)]
    lags = orders_of_picture(scenes, no_orders(16), (0.5,) * 16, control, 0).lags
    longer = [UNKNOWN] * 2  # than it was before
    assert lags.tolist() == [UNKNOWN] * 7 + [7, 7, 7, *longer] + [9, 9, 9, UNKNOWN], "the last bar comes to rest"
    told = replace(no_orders(16), lags=np.array([UNKNOWN] * 8 + [0] + [UNKNOWN] * 7), letters=np.full(16, UNKNOWN))
    told.letters[12:] = 5
    lags = orders_of_picture(scenes, told, (0.5,) * 16, control, 0).lags
    assert lags.tolist() == [UNKNOWN] * 7 + [7, 0, 7, *longer] + [UNKNOWN] * 4, "the user's word stays"


@pytest.mark.parametrize("seed", range(5))
def test_more_control_orders_more_and_takes_nothing_away(seed):
    asked = [
        orders_of_picture(SCENES, no_orders(12), LIVELINESS, control, seed).energy != UNKNOWN
        for control in (0.0, 0.3, 0.7, 1.0)
    ]
    assert all((less <= more).all() for less, more in itertools.pairwise(asked))
    assert not asked[0].any() and asked[-1].all()


def test_what_is_ordered_already_stays():
    orders = no_orders(12, (Instrument.DRUMS,))
    orders = replace(orders, energy=np.full(12, 3), letters=np.full(12, 7), begins=np.zeros(12, np.int64))
    asked = orders_of_picture(SCENES, orders, LIVELINESS, 1.0, 0)
    assert set(asked.energy.tolist()) == {3} and set(asked.letters.tolist()) == {7} and not asked.begins.any()
    assert asked.may_play.all(), "drums that are alone play on"


def test_who_must_play_by_the_users_word_plays_in_a_calm_scene_too():
    orders = replace(no_orders(12), must_play=np.array([ALL] * 2 + [0] * 10))
    asked = orders_of_picture(SCENES, orders, LIVELINESS, 1.0, 0)
    assert asked.may_play.tolist() == [ALL] * 2 + [ALL - 1] * 2 + [ALL] * 8
    assert asked.must_play.tolist() == [ALL] * 2 + [0] * 2 + [ALL] * 4 + [0] * 4


def test_a_long_scene_may_have_sections_of_the_musics_own():
    orders = orders_of_picture([Scene(0, 0, 0.5)], no_orders(32), (0.5,) * 32, 1.0, 0)
    assert np.flatnonzero(orders.begins == UNKNOWN).tolist() == [8, 16, 24]
