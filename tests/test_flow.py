"""Speed is measured in diagonals per second, whatever the size and the frame rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import pan, texture

from video_rhythm.flow import N_DIRECTION, FlowMeter, FlowSeries, share_among_directions
from video_rhythm.impacts import motion_saliency

pytestmark = pytest.mark.slow


def measure(pictures, fps: float = 25.0, times=None, cuts=()) -> FlowSeries:
    meter = None
    for index, picture in enumerate(pictures):
        meter = meter or FlowMeter(picture.shape[1], picture.shape[0])
        meter.take(index / fps if times is None else times[index], np.ascontiguousarray(picture))
    assert meter is not None
    return meter.series(cuts)


@pytest.mark.parametrize("fps", [12, 24, 25, 30, 60])
@pytest.mark.parametrize("size", [(96, 160), (180, 320), (320, 180)])
def test_a_pan_has_its_speed(fps, size):
    assert measure(pan(1.5, fps, 0.3, size), fps).speed.mean() == pytest.approx(0.3, rel=0.12)


@pytest.mark.parametrize(("quarter_turns", "direction"), [(0, 0), (1, 9), (2, 6), (3, 3)])
def test_the_directogram_points_where_the_picture_goes(quarter_turns, direction):
    flow = measure(np.rot90(picture, quarter_turns) for picture in pan(1.0, 25, 0.3))
    assert int(flow.directogram.sum(axis=0).argmax()) == direction


def test_directions_sum_to_speed():
    flow = measure(pan(1.0, 25, 0.2))
    assert flow.directogram.sum(axis=1) == pytest.approx(flow.speed, rel=1e-5)
    assert flow.directogram.shape == (len(flow), N_DIRECTION)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-3.14, 3.14)), min_size=1, max_size=50))
def test_no_way_is_lost_among_directions(pixels):
    way, angle = np.array(pixels, dtype=np.float32).T
    shares = share_among_directions(way, angle)
    assert shares.sum() == pytest.approx(way.sum(), rel=1e-4, abs=1e-4)
    assert (shares >= -1e-5).all()


def test_a_still_picture_has_no_speed():
    assert measure([texture(96, 160)] * 30).speed.max() == 0.0


def test_black_has_no_speed():
    assert measure([np.full((96, 160), 16, np.uint8)] * 30).speed.max() == 0.0


@pytest.mark.parametrize("noise", [1.0, 4.0])
@pytest.mark.parametrize("level", [20, 128])
def test_noise_where_nothing_is_has_no_speed(noise, level):
    rng = np.random.default_rng(0)
    pictures = (level + noise * rng.standard_normal((180, 320)) for _ in range(30))
    assert measure(picture.clip(0, 255).astype(np.uint8) for picture in pictures).speed.max() == 0.0


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_motion_in_the_dark_is_measured_through_the_noise(noise):
    rng = np.random.default_rng(0)
    pictures = (10 + picture / 8 + noise * rng.standard_normal(picture.shape) for picture in pan(1.5, 25, 0.1))
    assert measure(picture.clip(0, 255).astype(np.uint8) for picture in pictures).speed.mean() == pytest.approx(
        0.1, rel=0.12
    )


def test_a_letterbox_hardly_changes_the_speed():
    pictures = [np.pad(picture, ((23, 23), (0, 0))) for picture in pan(1.0, 25, 0.3, (134, 320))]
    assert measure(pictures).speed.mean() == pytest.approx(0.3, rel=0.2)


def test_a_flash_leaves_the_speed_around_it():
    pictures = list(pan(2.0, 25, 0.2))
    for index in (25, 26):
        pictures[index] = np.full_like(pictures[0], 250)
    speed = measure(pictures).speed
    assert np.delete(speed, range(22, 30)) == pytest.approx(0.2, rel=0.35)


def test_a_cut_is_no_motion():
    flow = measure([texture(96, 160, 0)] * 20 + [texture(96, 160, 1)] * 20, cuts=(0.8,))
    assert flow.speed.max() < 1e-3


def test_a_cut_amid_motion_takes_the_speed_around_it():
    pictures = list(pan(1.0, 25, 0.3)) + [picture[::-1] for picture in pan(1.0, 25, 0.3)]
    assert measure(pictures, cuts=(1.0,)).speed == pytest.approx(0.3, rel=0.35)


@pytest.mark.parametrize("shown", [2, 3])
def test_pictures_shown_more_than_once_make_no_holes(shown):
    fps = 24
    pictures = [picture for picture in pan(3.0, fps / shown, 0.2) for _ in range(shown)]
    flow = measure(pictures, fps)
    assert flow.speed[4:-4].min() > 0.1
    assert flow.speed.mean() == pytest.approx(0.2, rel=0.15)


def test_a_cut_is_not_spread_over_the_repeats_before_it():
    fps, shown = 30, 3
    pictures = [picture for picture in pan(1.0, fps / shown, 0.05) for _ in range(shown)]
    pictures += [texture(96, 160, seed=4)] * 30
    assert measure(pictures, fps, cuts=(1.0,)).speed.max() < 0.15


def test_a_halt_stays_a_halt():
    moving = list(pan(1.0, 25, 0.3))
    flow = measure(moving + [moving[-1]] * 25)
    assert flow.speed[flow.times > 1.1].max() == 0.0


def test_a_picture_shown_for_seconds_stands_still_until_the_next():
    pictures = list(pan(0.4, 25, 0.3))
    times = [index / 25 for index in range(9)] + [5.0]
    flow = measure(pictures, times=times)
    assert flow.mean_speed(np.array([1.0, 4.0]))[0] < 0.01


@given(
    steps=st.lists(st.floats(0.03, 0.3), min_size=1, max_size=30),
    borders=st.lists(st.floats(0, 20), min_size=2, max_size=10, unique=True),
)
def test_mean_speed_of_constant_motion_is_that_speed(steps, borders):
    edges = np.concatenate([[0.0], np.cumsum(steps)])
    flow = FlowSeries(edges[:-1], np.full(len(steps), 0.4), np.zeros((len(steps), 12), np.float32), float(edges[-1]))
    means = flow.mean_speed(np.array(sorted(borders)))
    assert np.isfinite(means).all()
    wide = np.diff(sorted(borders)) > 1e-6
    assert means[wide] == pytest.approx(0.4, rel=1e-3)


def test_mean_speed_of_nothing_is_zero():
    empty = FlowSeries(np.zeros(0), np.zeros(0), np.zeros((0, 12), np.float32), 0.0)
    assert empty.mean_speed(np.arange(4.0)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("block", [1, 7, 32])
def test_long_videos_are_worked_out_part_by_part(monkeypatch, block):
    """The numbers are those of all at once, to the last bit."""
    pictures = [*pan(1.0, 25, 0.3), *list(pan(1.0, 25, 0.6))[::-1]]
    whole = measure(pictures, cuts=(1.0,))
    monkeypatch.setattr("video_rhythm.flow.BLOCK", block)
    monkeypatch.setattr("video_rhythm.impacts.BLOCK", block)
    parts = measure(pictures, cuts=(1.0,))
    assert np.array_equal(parts.directogram, whole.directogram)
    saliency = motion_saliency(parts, (1.0,))
    monkeypatch.undo()
    assert np.array_equal(saliency, motion_saliency(whole, (1.0,)))
