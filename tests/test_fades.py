"""Fades and dissolves are found as what they are, with begin and end; nothing else is one."""

import numpy as np
import pytest
from synthetic import hop, moving_square, pan, texture

from video_rhythm.cuts import CutFinder
from video_rhythm.fades import Fade, FadeFinder, FadeKind

pytestmark = pytest.mark.slow

FPS = 25
SIZE = (96, 160)


def fades_of(pictures, fps: float = FPS, cuts=()) -> tuple[Fade, ...]:
    finder = FadeFinder()
    for index, picture in enumerate(pictures):
        finder.take(index / fps, np.ascontiguousarray(picture))
    return finder.fades(cuts)


def cuts_of(pictures, fps: float = FPS) -> tuple[float, ...]:
    finder = CutFinder()
    for index, picture in enumerate(pictures):
        finder.take(index / fps, np.ascontiguousarray(picture))
    return finder.cuts()


def shot(seed: int) -> np.ndarray:
    return texture(*SIZE, seed, grain=20)


def blend(one, other, begin: float, end: float, seconds: float, fps: float = FPS, noise: float = 0.0):
    """`one` until `begin`, `other` from `end` on, in between more and more of it."""
    rng = np.random.default_rng(0)
    for index in range(round(seconds * fps)):
        share = np.clip((index / fps - begin) / (end - begin), 0, 1)
        picture = np.asarray(one, float) * (1 - share) + np.asarray(other, float) * share
        yield np.clip(picture + noise * rng.standard_normal(SIZE), 0, 255).astype(np.uint8)


def plain(level: int) -> np.ndarray:
    return np.full(SIZE, level, np.uint8)


@pytest.mark.parametrize("fps", [12, 24, 60])
@pytest.mark.parametrize("length", [0.4, 1.0, 2.2])
@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (shot(0), shot(1), FadeKind.DISSOLVE),
        (shot(0), plain(16), FadeKind.FADE_OUT),
        (plain(16), shot(0), FadeKind.FADE_IN),
        (shot(0), plain(235), FadeKind.FADE_OUT),
    ],
)
def test_a_fade_has_its_kind_its_begin_and_its_end(fps, length, one, other, kind):
    pictures = list(blend(one, other, 1.0, 1.0 + length, 2.0 + length, fps, noise=4.0))
    (fade,) = fades_of(pictures, fps)
    assert fade.kind is kind
    assert (fade.begin, fade.end) == pytest.approx((1.0, 1.0 + length), abs=0.1 + 1 / fps)
    assert cuts_of(pictures, fps) == ()


def test_a_dip_to_black_is_a_fade_out_and_a_fade_in():
    pictures = [*blend(shot(0), plain(16), 1.0, 1.6, 1.8), *blend(plain(16), shot(1), 0.2, 0.8, 1.8)]
    assert [fade.kind for fade in fades_of(pictures)] == [FadeKind.FADE_OUT, FadeKind.FADE_IN]


def test_a_dissolve_between_two_pans_is_one():
    shares = np.clip((np.arange(75) / FPS - 1.0) / 1.0, 0, 1)
    one, other = pan(3.0, FPS, 0.03, SIZE), (picture[::-1, ::-1] for picture in pan(3.0, FPS, 0.03, SIZE))
    pictures = [(a * (1 - s) + b * s).astype(np.uint8) for a, b, s in zip(one, other, shares, strict=True)]
    (fade,) = fades_of(pictures)
    assert fade.kind is FadeKind.DISSOLVE
    assert (fade.begin, fade.end) == pytest.approx((1.0, 2.0), abs=0.25)


@pytest.mark.parametrize("level", [0, 255])
def test_bars_of_a_letterbox_stay_black_in_a_fade_to_any_colour(level):
    one, other = shot(0), plain(level)
    for picture in (one, other):
        picture[:14] = picture[-14:] = 0
    (fade,) = fades_of(blend(one, other, 1.0, 2.0, 3.0))
    assert fade.kind is FadeKind.FADE_OUT
    assert (fade.begin, fade.end) == pytest.approx((1.0, 2.0), abs=0.1)


def test_a_fade_in_a_video_of_minutes_is_found_wherever_it_is():
    finder = FadeFinder()
    planted = [7.0, 38.5, 71.0, 99.3]
    for index in range(110 * 12):
        time = index / 12
        share = sum(np.clip(time - begin, 0, 1) for begin in planted)
        one, other = shot(int(share)), shot(int(share) + 1)
        finder.take(time, np.asarray(one * (1 - share % 1) + other * (share % 1), np.uint8))
        assert len(finder._times) <= 42 * 12
    fades = finder.fades()
    assert [fade.begin for fade in fades] == pytest.approx(planted, abs=0.15)
    assert [fade.end - fade.begin for fade in fades] == pytest.approx([1.0] * 4, abs=0.15)


@pytest.mark.parametrize(
    "pictures",
    [
        [shot(0)] * 40 + [shot(1)] * 40,
        [shot(0)] * 40 + [plain(250)] * 2 + [shot(0)] * 40,
        [shot(0)] * 40 + list(blend(plain(250), shot(0), 0.1, 0.5, 1.5)),
        list(pan(3.0, FPS, 0.05, SIZE)),
        list(pan(3.0, FPS, 0.3, SIZE)),
        list(pan(2.0, FPS, 0.9, SIZE)),
        list(moving_square(hop(100), 4.0, FPS, SIZE)),
        list(blend(shot(0) // 3, shot(0) // 3 * 2 + 40, 1.0, 2.0, 3.0)),
        [shot(0)] * 80,
        [plain(16)] * 80,
        [np.clip(20 + 5 * np.random.default_rng(i).standard_normal(SIZE), 0, 255).astype(np.uint8) for i in range(80)],
        [texture(600, 160, 5, grain=20)[row : row + 96] for row in [0] * 30 + list(range(0, 480, 12)) + [480] * 30],
    ],
    ids=[
        *("cut", "flash", "flash that dies away", "slow pan", "pan", "whip pan", "hopping square", "lamp turned up"),
        *("still", "black", "noise in the dark", "scrolled page"),
    ],
)
def test_what_else_changes_a_picture_is_no_fade_and_only_a_cut_a_cut(pictures, request):
    assert fades_of(pictures) == ()
    assert len(cuts_of(pictures)) == (1 if request.node.callspec.id == "cut" else 0)


def test_a_fade_ends_at_a_cut():
    pictures = [*blend(shot(0), plain(16), 0.6, 1.6, 1.4), *[shot(1)] * 25]
    (cut,) = cuts_of(pictures)
    assert cut == pytest.approx(1.4)
    assert all(fade.end <= 1.45 for fade in fades_of(pictures, cuts=(cut,)))


def test_no_pictures_have_no_fades():
    assert FadeFinder().fades() == ()
    assert fades_of([shot(0)]) == ()
