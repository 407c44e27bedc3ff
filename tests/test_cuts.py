"""Cuts are found to the frame; fades, flashes, pans and lamps are none."""

from itertools import pairwise

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


def timed_cuts(times, pictures, colours=None) -> tuple[float, ...]:
    finder = CutFinder()
    for number, (time, picture) in enumerate(zip(times, pictures, strict=True)):
        finder.take(time, np.ascontiguousarray(picture), None if colours is None else colours[number])
    return finder.cuts()


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 7.0])
def test_slides_that_are_stored_once_each_are_cut(seconds):
    times = np.arange(8) * seconds
    assert timed_cuts(times, [picture for seed in range(8) for picture in shot(seed, 1)]) == pytest.approx(times[1:])


def test_slides_of_one_picture_a_second_are_cut():
    """Shots of one, two and three stored pictures."""
    lengths = [1, 2, 3, 1, 1, 2]
    pictures = [picture for seed, n in enumerate(lengths) for picture in shot(seed, n)]
    assert timed_cuts(range(len(pictures)), pictures) == pytest.approx(np.cumsum(lengths)[:-1])


def test_slides_that_are_alike_but_for_their_colours_are_cut():
    """Two photographs of one place: the structure changes less than half."""
    one, other = (texture(96, 160, seed, grain=20).astype(float) for seed in (0, 1))
    alike = (0.5 * one + 0.5 * other).astype(np.uint8)
    colours = [card(200, 90), card(170, 120)]
    assert timed_cuts([0, 2], [one.astype(np.uint8), alike], colours) == (2.0,)
    assert timed_cuts([0, 2], [one.astype(np.uint8), alike], [colours[0]] * 2) == ()


def test_steps_of_motion_that_rests_between_them_are_no_cut():
    """Eight pictures a second, shown as 25 by repeating; each step changes a part of the picture much."""
    room = texture(96, 160, 0, grain=20)
    pictures = []
    for number, seed in enumerate([1, 2, 3, 4, 5, 6, 7, 8]):
        picture, left = room.copy(), 10 * number
        picture[20:, left : left + 50] = texture(96, 160, seed, grain=20)[20:, :50]
        pictures += [picture] * 3
    assert cuts_of(pictures) == ()


def test_a_cut_in_the_dark_is_a_cut():
    one, other = (16 + texture(96, 160, seed, grain=20) // 20 for seed in (0, 1))
    assert cuts_of([one] * 20 + [other] * 20) == pytest.approx((0.8,))
    assert cuts_of([one + 60] * 20 + [other + 60] * 20) == (), "in the light nobody sees it"


def test_a_scene_that_is_watched_once_a_second_is_not_cut():
    """A third of the picture is another one each time: people who walk through a room."""
    room, rng = texture(96, 160, 0, grain=20), np.random.default_rng(0)
    pictures = []
    for seed in range(20):
        picture, left = room.copy(), int(rng.integers(0, 120))
        picture[30:, left : left + 40] = texture(96, 160, 50 + seed, grain=20)[30:, :40]
        pictures.append(picture)
    assert timed_cuts(range(20), pictures) == ()


@pytest.mark.parametrize("shares", [(0.5,), (0.4,), (0.3, 0.7), (0.35, 0.65), (0.2, 0.8)])
@pytest.mark.parametrize("fps", [25, 50])
def test_a_cut_that_is_mixed_is_a_cut(shares, fps):
    """A frame rate that was made by blending; and two fields of one picture, which are mixed half and half."""
    one, other = (texture(96, 160, seed, grain=20).astype(float) for seed in (0, 1))
    mixed = [(one * (1 - share) + other * share).astype(np.uint8) for share in shares]
    pictures = [*shot(0, 30), *mixed, *shot(1, 30)]
    (cut,) = cuts_of(pictures, fps)
    assert 30 / fps <= cut <= (30 + len(shares)) / fps + 1e-6


@pytest.mark.parametrize(("filmed", "fps"), [(12.5, 50), (24, 120), (25, 100)])
def test_a_cut_that_is_mixed_over_many_pictures_at_a_high_rate_is_a_cut(filmed, fps):
    """Motion, and a cut after a second, brought to four and five times the rate by blending."""
    count = round(filmed)
    pages = [texture(96, 160 + count, seed, grain=20).astype(float) for seed in (0, 1)]
    seen = [page[:, left : left + 160] for page in pages for left in range(count)]
    times = np.arange(len(seen) * fps / filmed - fps / filmed) / fps * filmed
    whole = (times + 1e-9).astype(int)
    blended = [
        (seen[n] * (1 - share) + seen[n + 1] * share).astype(np.uint8)
        for n, share in zip(whole, times - whole, strict=True)
    ]
    assert cuts_of(blended, fps) == pytest.approx((count / filmed,), abs=1 / filmed)


def test_a_cut_between_two_fields_is_a_cut():
    one, other = (texture(96, 160, seed, grain=20) for seed in (0, 1))
    both = one.copy()
    both[1::2] = other[1::2]
    (cut,) = cuts_of([one] * 30 + [both] + [other] * 30)
    assert cut in (pytest.approx(1.2), pytest.approx(1.24))


@pytest.mark.parametrize("n", [4, 6, 10])
def test_a_short_dissolve_is_no_cut(n):
    one, other = (texture(96, 160, seed, grain=20).astype(float) for seed in (0, 1))
    shares = np.concatenate([np.zeros(20), np.linspace(0, 1, n + 2), np.ones(20)])
    assert cuts_of([(one * (1 - share) + other * share).astype(np.uint8) for share in shares]) == ()


def test_a_pan_whose_pictures_are_blended_is_no_cut():
    pictures = [picture.astype(float) for picture in pan(1.5, FPS, 0.5)]
    blended = [(one + other) / 2 for one, other in pairwise(pictures)]
    assert cuts_of(np.array(blended).astype(np.uint8)) == ()


@pytest.mark.parametrize("n", [1, 2])
def test_a_flash_that_is_mixed_is_no_cut(n):
    picture = texture(96, 160, 0, grain=20).astype(float)
    levels = [0.0] * 30 + [0.5] + [1.0] * n + [0.5] + [0.0] * 30
    assert cuts_of([(picture * (1 - level) + 250 * level).astype(np.uint8) for level in levels]) == ()


def card(red: float, blue: float) -> np.ndarray:
    """The colours (18, 32, 2), Cb and Cr, of a card with a margin."""
    colours = np.full((18, 32, 2), 128, np.float32)
    colours[3:15, 4:28] = blue, red
    return colours


def test_a_cut_of_colour_alone_is_a_cut():
    grey = shot(0, 75)
    cards = [card(200, 90)] * 25 + [card(90, 190)] * 25 + [card(60, 80)] * 25
    assert timed_cuts(np.arange(75) / FPS, grey, cards) == pytest.approx((1.0, 2.0))
    assert timed_cuts(np.arange(75) / FPS, grey) == ()


def test_colours_that_turn_slowly_or_flash_or_stay_are_no_cut():
    turning = [card(200 - 2 * k, 90 + 2 * k) for k in range(50)]
    flashing = [card(200, 90)] * 24 + [card(60, 200)] * 2 + [card(200, 90)] * 24
    for colours in (turning, flashing, [card(200, 90)] * 50):
        assert timed_cuts(np.arange(50) / FPS, shot(0, 50), colours) == ()


def test_black_and_no_pictures_have_no_cuts():
    assert cuts_of([np.full((96, 160), 16, np.uint8)] * 30) == ()
    assert cuts_of([]) == ()
    assert cuts_of(shot(0, 1)) == ()
