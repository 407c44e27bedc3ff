"""Scenes of a video: what they look like, and which are the same place again."""

import numpy as np
import pytest
from synthetic import texture, write_clip

from video_rhythm import analyze
from video_rhythm.looks import MOST, LookKeeper, look_of
from video_rhythm.scenes import SHORTEST

RED, BLUE, GREY = (200, 40, 30), (30, 60, 190), (128, 128, 128)


def plain(colour, size=(90, 160)):
    return np.full((*size, 3), colour, np.uint8)


def ground(colour, seed=0, size=(96, 160)):
    """A texture in one colour, as light as it is."""
    grain = texture(*size, seed=seed).astype(float)[..., None]
    return np.clip(np.array(colour) * (0.7 + 0.6 * grain / 255), 0, 255).astype(np.uint8)


def film(path, shots, fps=10):
    """A video of shots, each a colour, a seed of its texture, and seconds."""
    return analyze(
        write_clip(path, (ground(colour, seed) for colour, seed, s in shots for _ in range(round(s * fps))), fps)
    )


def test_the_look_of_plain_colours():
    red, blue, grey = (look_of(0.0, plain(colour)) for colour in (RED, BLUE, GREY))
    assert red.warmth == pytest.approx(1) and blue.warmth == pytest.approx(-1) and grey.warmth == 0
    assert red.saturation == pytest.approx(170 / 255) and grey.saturation == 0
    assert grey.luminance == pytest.approx(128 / 255) and grey.contrast == pytest.approx(0)
    assert grey.mean_colour == pytest.approx((128 / 255,) * 3)
    assert red.flatness == 1 and red.hues.argmax() == 0 and blue.hues.argmax() == 8
    for look in (red, blue, grey):
        assert look.histogram.sum() == pytest.approx(1)


def test_bars_of_a_letterbox_do_not_darken_a_picture():
    picture = plain(BLUE)
    picture[:20] = picture[-20:] = 0
    assert look_of(0.0, picture).luminance == pytest.approx(look_of(0.0, plain(BLUE)).luminance)
    assert look_of(0.0, plain((0, 0, 0))).luminance == 0


def test_a_camera_is_less_flat_than_a_drawing():
    rng = np.random.default_rng(0)
    assert look_of(0.0, rng.integers(0, 255, (90, 160, 3)).astype(np.uint8)).flatness < 0.1


def test_a_long_video_has_no_more_looks_than_a_short_one():
    keeper = LookKeeper()
    for time in np.arange(0, 2000, 0.25):
        if keeper.wants(time):
            keeper.take(time, plain(GREY, (4, 6)))
    looks = keeper.looks()
    assert MOST / 2 <= len(looks) <= MOST
    assert np.ptp(np.diff([look.time for look in looks])) < 1e-9


def test_scenes_begin_at_cuts_and_a_place_that_comes_again_is_known(tmp_path):
    rhythm = film(tmp_path / "film.mp4", [(RED, 0, 3), (BLUE, 1, 3), (RED, 0, 3), (GREY, 2, 3)])
    scenes = rhythm.scenes
    assert [scene.begin for scene in scenes] == pytest.approx([0, 3, 6, 9], abs=0.01)
    assert [scene.end for scene in scenes] == pytest.approx([3, 6, 9, 12], abs=0.01)
    assert [scene.colour for scene in scenes] == ["red", "blue", "red", "grey"]
    assert [scene.same_as for scene in scenes] == [None, None, 0, None]
    assert all(scene.speed < 0.01 and scene.cuts_per_minute > 0 for scene in scenes)


def test_a_cut_to_the_same_place_begins_no_scene(tmp_path):
    rhythm = film(tmp_path / "film.mp4", [(RED, 0, 3), (RED, 5, 3)])
    assert len(rhythm.cuts) == 1 and len(rhythm.scenes) == 1


def test_shots_in_quick_succession_are_no_scenes_each(tmp_path):
    rhythm = film(tmp_path / "film.mp4", [(RED, 0, 0.8), (BLUE, 1, 0.8), (GREY, 2, 0.8)] * 3)
    assert len(rhythm.cuts) == 8
    assert all(scene.duration >= SHORTEST for scene in rhythm.scenes)
    assert max(scene.cuts_per_minute for scene in rhythm.scenes) > 40
    assert rhythm.scenes[0].begin == 0 and rhythm.scenes[-1].end == rhythm.duration


def test_a_video_shorter_than_a_scene_is_one(tmp_path):
    (scene,) = film(tmp_path / "film.mp4", [(BLUE, 0, 1)]).scenes
    assert (scene.begin, scene.colour, scene.same_as) == (0, "blue", None)
