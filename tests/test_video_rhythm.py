"""A video's rhythm, against clips of which it is known."""

import numpy as np
import pytest
from clips import draw_clip, draw_pictures

from video_rhythm import VideoError, analyze

pytestmark = pytest.mark.slow


def noise(size, seed):
    """A texture without motion of its own, (rows, columns, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (size[1] // 4, size[0] // 4, 3), dtype=np.uint8)
    return np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1)


def panned(size, fps, seconds, speed):
    """A texture that moves to the right by `speed` diagonals a second."""
    wide = np.repeat(noise((size[0], size[1]), 0), 2, axis=1)
    wide = np.concatenate([wide, wide], axis=1)
    step = speed * float(np.hypot(*size)) / fps
    for index in range(round(seconds * fps)):
        shift = round(index * step) % (wide.shape[1] // 2)
        yield wide[:, shift : shift + size[0]]


def pulsing(fps, seconds, period, size=(160, 96)):
    """A texture that jerks to the right once in a period (seconds) and rests in between."""
    wide = np.concatenate([noise(size, 1)] * 4, axis=1)
    shift = 0.0
    for index in range(round(seconds * fps)):
        phase = (index / fps) % period
        shift += 60.0 / fps if phase < 0.2 else 0.0
        yield wide[:, round(shift) % (2 * size[0]) :][:, : size[0]]


@pytest.mark.parametrize("fps", [12, 25, 60])
@pytest.mark.parametrize("size", [(160, 96), (480, 288)])
def test_planted_motion_is_measured_whatever_the_size_and_frame_rate(tmp_path, fps, size):
    clip = draw_pictures(tmp_path / "pan.mp4", panned(size, fps, 2.0, speed=0.2), fps)
    rhythm = analyze(clip)
    assert np.median(rhythm.flow.speed) == pytest.approx(0.2, rel=0.12)


def test_motion_that_strikes_at_90_bpm_is_heard_at_90(tmp_path):
    clip = draw_pictures(tmp_path / "pulse.mp4", pulsing(30, 10.0, 60 / 90), 30)
    rhythm = analyze(clip)
    assert rhythm.tempo == pytest.approx(90, rel=0.03)
    assert rhythm.tempo_confidence > 0.5
    planted = np.arange(1, 15) * 60 / 90
    found = np.array([beat.time for beat in rhythm.visual_beats])
    assert (np.abs(found[:, None] - planted).min(axis=0) < 0.07).mean() >= 0.9


def test_a_hard_cut_is_found_to_the_frame(tmp_path):
    pictures = [noise((160, 96), 0)] * 20 + [noise((160, 96), 7)] * 25 + [noise((160, 96), 9)] * 20
    rhythm = analyze(draw_pictures(tmp_path / "cuts.mp4", pictures, 25))
    assert rhythm.cuts == pytest.approx((20 / 25, 45 / 25), abs=1e-3)
    assert {round(beat.time, 3) for beat in rhythm.visual_beats} == {0.8, 1.8}
    assert rhythm.flow.speed.max() < 0.01  # what lies across a cut is no motion


def test_a_still_picture_has_no_rhythm(tmp_path):
    rhythm = analyze(draw_clip(tmp_path / "still.mp4", 3.0, still=True))
    assert rhythm.tempo is None and rhythm.visual_beats == () and rhythm.cuts == ()
    assert rhythm.flow.mean_speed(np.array([0.0, 2.0, 4.0])) == pytest.approx([0, 0], abs=1e-3)


def test_a_fast_half_is_faster_than_a_calm_one(tmp_path):
    rhythm = analyze(draw_clip(tmp_path / "clip.mp4", 8.0, fps=24))
    calm, fast = rhythm.flow.mean_speed(np.array([0.0, 4.0, 8.0]))
    assert fast > 2 * calm > 0


def test_mean_speed_is_finite_for_bars_beyond_the_end_and_shorter_than_a_sample(tmp_path):
    rhythm = analyze(draw_clip(tmp_path / "clip.mp4", 1.0))
    for tempo, n_bar in [(30, 5), (400, 2), (20_000, 80)]:
        assert np.isfinite(rhythm.flow.mean_speed(np.arange(n_bar + 1) * 240 / tempo)).all()


def test_progress_reaches_the_end(tmp_path):
    calls = []
    rhythm = analyze(draw_clip(tmp_path / "clip.mp4", 2.0), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (rhythm.duration, rhythm.duration)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, "missing.mp4"),
        ("empty.mp4", b"", "empty.mp4"),
        ("text.mp4", b"no video", "text.mp4"),
        ("zeros.mp4", bytes(5000), "zeros.mp4"),
    ],
)
def test_what_is_no_video_is_named_in_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=message) as caught:
        analyze(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_video(tmp_path):
    with pytest.raises(VideoError, match=r"folder|directory"):
        analyze(tmp_path)


@pytest.mark.parametrize(("seconds", "message"), [(0.1, "one picture|too short"), (0.3, "too short")])
def test_what_is_too_short_for_a_rhythm_is_refused(tmp_path, seconds, message):
    with pytest.raises(VideoError, match=message):
        analyze(draw_clip(tmp_path / "short.mp4", seconds, fps=10))


def test_a_truncated_video_gives_what_can_be_read_or_one_line(tmp_path):
    whole = draw_clip(tmp_path / "whole.avi", 4.0).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 2 // 3])
    rhythm = analyze(tmp_path / "cut.avi")
    assert 1.0 < rhythm.duration < 4.0


def test_damage_in_the_middle_is_a_warning(tmp_path):
    content = bytearray(draw_clip(tmp_path / "whole.avi", 4.0, size=(320, 192)).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    (tmp_path / "damaged.avi").write_bytes(content)
    rhythm = analyze(tmp_path / "damaged.avi")
    assert rhythm.duration > 2.0
