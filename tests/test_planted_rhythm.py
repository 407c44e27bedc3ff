"""Clips with a planted beat, through noise, shaken cameras, frame rates and sizes; scored as beat trackers are."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from synthetic import Picture, texture, write_clip

from video_rhythm import VideoRhythm, analyze

pytestmark = pytest.mark.slow

WINDOW = 0.07
"""Seconds, as in mir_eval.beat."""
SIZE = (72, 128)
SECONDS = 6.5
FIRST = 0.35


def f_measure(found, planted) -> float:
    """Each planted beat may be met by one found beat within 70 ms, and the reverse."""
    found, planted = list(found), list(planted)
    hits, i, j = 0, 0, 0
    while i < len(found) and j < len(planted):
        if abs(found[i] - planted[j]) <= WINDOW:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[i] < planted[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / max(len(found) + len(planted), 1)


def bouncing(time: float, bpm: float) -> tuple[float, float]:
    """Height of a ball as a share of its way, with its rebound on each beat, and where it is from left to right."""
    phase = ((time - FIRST) / (60 / bpm)) % 1.0
    return 1 - 4 * phase * (1 - phase), 0.5


def swinging(time: float, bpm: float) -> tuple[float, float]:
    """A wiper: thrown to the other side on each beat, coming to rest there."""
    beat, phase = divmod((time - FIRST) / (60 / bpm), 1.0)
    way = 1 - (1 - min(phase / 0.6, 1.0)) ** 3
    return 0.5, way if beat % 2 == 0 else 1 - way


def scene(
    place, bpm: float, fps: float, size=SIZE, seconds: float = SECONDS, noise: float = 0.0, shake: float = 0.0
) -> Iterator[Picture]:
    """A patterned ball over a textured ground; `shake` is how far the camera trembles, as a share of the height."""
    # Drawn four times as large: what moves by parts of a pixel moves so in the clip, as before a lens.
    height, width = 4 * size[0], 4 * size[1]
    rng = np.random.default_rng(0)
    margin = int(np.ceil(4 * shake * height)) + 2
    side = round(0.42 * height)
    ground = 40 + texture(height + 2 * margin, width + 2 * margin, seed=3, grain=height // 6) // 3
    ball = 90 + texture(side, side, seed=1, grain=height // 10) // 2
    # A hand trembles at a few hertz, smoothly.
    hertz, begin = rng.uniform(0.4, 2.5, (2, 4)), rng.uniform(0, 6.28, (2, 4))
    for index in range(round(seconds * fps)):
        time = index / fps
        down, right = shake * height * np.sin(6.28 * hertz * time + begin).sum(axis=1)
        top, left = margin + round(down), margin + round(right)
        row, column = place(time, bpm)
        y = margin + round(row * (height - side))
        x = margin + round(width * 0.15 + column * (width * 0.7 - side))
        picture = ground[top : top + height, left : left + width].copy()
        y, x = y - top, x - left
        rows, columns = slice(max(y, 0), max(y + side, 0)), slice(max(x, 0), max(x + side, 0))
        part = picture[rows, columns]
        part[:] = ball[rows.start - y :, columns.start - x :][: part.shape[0], : part.shape[1]]
        small = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
        yield np.clip(small + noise * rng.standard_normal(size), 0, 255).astype(np.uint8)


def score(rhythm: VideoRhythm, bpm: float) -> float:
    beats = [beat.time for beat in rhythm.visual_beats]
    # What a ball in the air or a resting wiper does before the first beat is nobody's business.
    return f_measure([time for time in beats if time > FIRST - 0.1], np.arange(FIRST, rhythm.duration - 0.05, 60 / bpm))


CASES = [(bpm, fps) for bpm, fps in zip((60, 75, 90, 120, 150), (24, 29.97, 60, 24, 29.97), strict=True)]


@pytest.mark.parametrize(("bpm", "fps"), CASES)
@pytest.mark.parametrize("place", [bouncing, swinging])
def test_planted_beats_are_found(tmp_path, place, bpm, fps):
    """By turns in a picture with much noise and by a shaken camera: each movement in both, at slow and quick tempi."""
    is_shaken = (CASES.index((bpm, fps)) + (place is swinging)) % 2
    shaken = dict(noise=3.0, shake=0.004) if is_shaken else dict(noise=6.0)
    rhythm = analyze(write_clip(tmp_path / "a.mp4", scene(place, bpm, fps, **shaken), fps))
    assert score(rhythm, bpm) >= 0.9
    assert rhythm.tempo == pytest.approx(bpm, rel=0.02)
    assert rhythm.cuts == () and rhythm.fades == ()


def travel(time: float) -> float:
    """Where the camera is, in heights of the picture: each second at a speed of its own."""
    speeds = (0.06, 0.3, 0.1, 0.5, 0.2, 0.4)
    return sum(speed * min(max(time - second, 0.0), 1.0) for second, speed in enumerate(speeds))


def travelling(fps: float, size: tuple[int, int]) -> Iterator[Picture]:
    wide = texture(360, 360 * 4, seed=9, grain=40)
    for index in range(round(6 * fps)):
        left = 360 * travel(index / fps)
        shift = np.float32([[1, 0, -left], [0, 1, 0]])
        yield cv2.resize(cv2.warpAffine(wide, shift, (640, 360)), size[::-1], interpolation=cv2.INTER_AREA)


def test_one_scene_at_two_sizes_and_two_frame_rates_has_the_same_speeds(tmp_path):
    """Bars of a second: they correlate and agree within a tenth."""
    small, large = (
        analyze(write_clip(tmp_path / f"{fps}.mp4", travelling(fps, size), fps)).flow.mean_speed(np.arange(7.0))
        for fps, size in ((24, (180, 320)), (60, (360, 640)))
    )
    assert np.corrcoef(small, large)[0, 1] >= 0.95
    assert small == pytest.approx(large, rel=0.1)
