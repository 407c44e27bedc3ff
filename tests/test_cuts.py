"""Cuts are found to the frame; fades, flashes, pans and lamps are none."""

import numpy as np
import pytest
from synthetic import pan, texture

from video_rhythm.cuts import CutFinder

FPS = 25


def cuts_of(pictures, fps: float = FPS) -> tuple[float, ...]:
    finder = CutFinder()
    for index, picture in enumerate(pictures):
        finder.take(index / fps, np.ascontiguousarray(picture))
    return finder.cuts()


def shot(seed: int, n: int) -> list[np.ndarray]:
    return [texture(96, 160, seed, grain=20)] * n


@pytest.mark.parametrize("fps", [12.5, 25, 60])
def test_hard_cuts_are_found_to_the_frame(fps):
    lengths = [round(seconds * fps) for seconds in (1.0, 0.5, 2.0, 0.4, 1.0)]
    pictures = [picture for seed, n in enumerate(lengths) for picture in shot(seed, n)]
    assert cuts_of(pictures, fps) == pytest.approx(np.cumsum(lengths)[:-1] / fps)


def test_a_cut_to_and_from_black_is_a_cut():
    black = [np.full((96, 160), 16, np.uint8)] * 20
    assert cuts_of(shot(0, 20) + black + shot(1, 20)) == pytest.approx((0.8, 1.6))


def test_a_cut_between_two_pans_is_a_cut():
    first, second = (list(pan(1.0, FPS, 0.3)) for _ in range(2))
    turned = [picture[::-1, ::-1] for picture in second]
    assert cuts_of(first + turned) == pytest.approx((1.0,))


def test_a_cut_to_a_plain_wall_is_a_cut():
    wall = [np.full((96, 160), 120, np.uint8)] * 25
    assert cuts_of(shot(0, 25) + wall) == pytest.approx((1.0,))


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_between_bars_is_a_cut(seed):
    """Shots of one brightness and little contrast: all that the pictures share are the bars."""
    one, other = (130 + (texture(96, 160, seed + k, grain=20) // 6) for k in (0, 10))
    for picture in (one, other):
        picture[:14] = picture[-14:] = 16
    assert cuts_of([one] * 20 + [other] * 20) == pytest.approx((0.8,))


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_a_flash_that_dies_away_is_no_cut(seconds):
    picture = texture(96, 160, 0, grain=20).astype(float)
    levels = np.concatenate([np.zeros(30), np.ones(2), np.linspace(1, 0, round(seconds * FPS)), np.zeros(30)])
    assert cuts_of([(picture * (1 - level) + 250 * level).astype(np.uint8) for level in levels]) == ()


def test_noise_in_the_dark_is_no_cut():
    rng = np.random.default_rng(0)
    dark = 24 + 6 * rng.standard_normal((60, 96, 160))
    assert cuts_of(np.clip(dark, 0, 255).astype(np.uint8)) == ()


def test_a_fade_is_no_cut():
    bright = texture(96, 160, 0, grain=20).astype(float)
    levels = np.concatenate([np.ones(20), np.linspace(1, 0, 15), np.zeros(10), np.linspace(0, 1, 15), np.ones(20)])
    assert cuts_of([(bright * level).astype(np.uint8) for level in levels]) == ()


def test_a_dissolve_is_no_cut():
    one, other = texture(96, 160, 0, grain=20).astype(float), texture(96, 160, 1, grain=20).astype(float)
    shares = np.concatenate([np.zeros(20), np.linspace(0, 1, 12), np.ones(20)])
    assert cuts_of([(one * (1 - share) + other * share).astype(np.uint8) for share in shares]) == ()


def test_a_lamp_switched_on_is_no_cut():
    dark = texture(96, 160, 0, grain=20) // 3
    assert cuts_of([dark] * 20 + [dark * 2 + 40] * 20) == ()


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_no_cut(length):
    white = [np.full((96, 160), 250, np.uint8)] * length
    assert cuts_of(shot(0, 25) + white + shot(0, 25)) == ()


def test_a_fast_pan_is_no_cut():
    assert cuts_of(pan(1.5, FPS, 0.8)) == ()


def test_a_page_scrolled_at_once_is_no_cut():
    page = texture(400, 160, 5, grain=12)
    rest = [page[:96]] * 20
    scroll = [page[20 * i : 20 * i + 96] for i in range(1, 13)]
    assert cuts_of(rest + scroll + [page[240:336]] * 20) == ()


def test_black_and_no_pictures_have_no_cuts():
    assert cuts_of([np.full((96, 160), 16, np.uint8)] * 30) == ()
    assert cuts_of([]) == ()
    assert cuts_of(shot(0, 1)) == ()
