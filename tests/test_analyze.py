"""From a file to its rhythm: clips with a planted answer."""

import tracemalloc

import numpy as np
import pytest
from synthetic import hop, moving_square, pan, texture, write_clip

from video_rhythm import VideoRhythm, analyze


@pytest.mark.slow
@pytest.mark.parametrize("fps", [24, 30, 60])
@pytest.mark.parametrize("bpm", [60, 90, 128])
def test_a_square_that_hops_is_heard_at_its_tempo(tmp_path, fps, bpm):
    rhythm = analyze(write_clip(tmp_path / "a.mp4", moving_square(hop(bpm, first=0.31), 8.0, fps), fps))
    assert rhythm.tempo == pytest.approx(bpm, rel=0.01)
    planted = np.arange(0.31, 7.9, 60 / bpm)
    beats = np.array([beat.time for beat in rhythm.visual_beats])
    assert np.abs(beats[:, None] - planted).min(axis=0).max() < 0.04
    assert len(beats) == len(planted)
    assert rhythm.cuts == ()


def bars(tempo, n_bar):
    """(n_bar + 1,) seconds at which bars of 4/4 begin, and the last one's end."""
    return np.arange(n_bar + 1) * 240.0 / tempo


def test_cuts_are_visual_beats_to_the_frame(tmp_path):
    pictures = [texture(96, 160, seed, grain=20) for seed in (0, 1, 2) for _ in range(25)]
    rhythm = analyze(write_clip(tmp_path / "a.mp4", pictures, 25))
    assert rhythm.cuts == pytest.approx((1.0, 2.0), abs=1e-3)
    assert [beat.time for beat in rhythm.visual_beats] == pytest.approx([1.0, 2.0], abs=1e-3)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_rhythm(tmp_path, level):
    rhythm = analyze(write_clip(tmp_path / "a.mp4", [np.full((96, 160), level, np.uint8)] * 50, 25))
    assert (rhythm.tempo, rhythm.visual_beats, rhythm.cuts) == (None, (), ())
    assert rhythm.flow.mean_speed(bars(120.0, 1)).tolist() == [0.0]


def test_a_gliding_picture_has_speed_but_no_rhythm(tmp_path):
    rhythm = analyze(write_clip(tmp_path / "a.mp4", pan(4.0, 25, 0.2), 25))
    assert rhythm.flow.mean_speed(bars(120.0, 2)) == pytest.approx([0.2, 0.2], rel=0.12)
    assert rhythm.tempo is None and len(rhythm.visual_beats) <= 1


def test_a_clip_of_one_second_as_gif_has_a_rhythm(tmp_path):
    pictures = moving_square(hop(120), 1.1, 20)
    rhythm = analyze(write_clip(tmp_path / "a.gif", pictures, 20, codec="gif"))
    assert rhythm.duration == pytest.approx(1.1, abs=0.02)
    assert np.isfinite(rhythm.flow.mean_speed(bars(218.0, 1))).all()


def test_uneven_frame_times_do_not_move_the_beats(tmp_path):
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.choice([1 / 60, 1 / 30, 1 / 20], 300))
    times -= times[0]
    place = hop(90, first=0.4)
    squares = [next(iter(moving_square(lambda _, t=t: place(t), 1 / 25, 25))) for t in times]
    rhythm = analyze(write_clip(tmp_path / "a.mkv", squares, 25, times=times.tolist()))
    assert rhythm.tempo == pytest.approx(90, rel=0.02)


def test_a_fade_of_a_still_picture_is_no_motion_and_no_beat(tmp_path):
    shots = [texture(96, 160, seed, grain=20).astype(float) for seed in (0, 1)]
    levels = np.concatenate([np.zeros(20), np.linspace(0, 1, 25), np.ones(30), np.linspace(1, 0, 25), np.zeros(10)])
    dissolve = np.concatenate([np.zeros(52), np.linspace(0, 1, 16), np.ones(42)])
    rng = np.random.default_rng(0)
    pictures = [
        np.clip(16 + ((1 - d) * shots[0] + d * shots[1]) * level * 0.8 + rng.normal(0, 1, (96, 160)), 0, 255)
        for level, d in zip(levels, dissolve, strict=True)
    ]
    rhythm = analyze(write_clip(tmp_path / "a.mp4", [picture.astype(np.uint8) for picture in pictures], 25))
    assert [fade.kind.value for fade in rhythm.fades] == ["fade in", "dissolve", "fade out"]
    assert rhythm.cuts == () and len(rhythm.visual_beats) == 0
    assert rhythm.flow.speed.max() < 0.02


def test_progress_grows_and_reaches_the_end(tmp_path):
    calls = []
    path = write_clip(tmp_path / "a.mp4", pan(2.0, 25, 0.1), 25)
    rhythm = analyze(path, progress=lambda done, total: calls.append((done, total)))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1] == (rhythm.duration, rhythm.duration)


@pytest.mark.parametrize(("tempo", "n_bar"), [(120.0, 1), (3000.0, 40), (30.0, 4), (120.0, 5)])
def test_mean_speed_is_finite_for_any_bars(tmp_path, tempo, n_bar):
    rhythm = analyze(write_clip(tmp_path / "a.mp4", pan(1.0, 25, 0.1), 25))
    speeds = rhythm.flow.mean_speed(bars(tempo, n_bar))
    assert speeds.shape == (n_bar,) and np.isfinite(speeds).all() and (speeds >= 0).all()


def test_measuring_again_gives_the_same(tmp_path):
    path = write_clip(tmp_path / "a.mp4", moving_square(hop(100), 3.0, 25), 25)
    first, second = analyze(path), analyze(path)
    assert isinstance(first, VideoRhythm)
    assert (first.saliency == second.saliency).all()
    assert (first.visual_beats, first.cuts, first.tempo) == (second.visual_beats, second.cuts, second.tempo)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pictures(tmp_path):
    peaks = []
    for seconds in (30.0, 60.0):
        path = write_clip(tmp_path / f"{seconds}.mp4", pan(seconds, 4, 0.02), 4)
        tracemalloc.start()
        analyze(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 300_000  # 120 pictures of 15 kB would be 1.8 MB


def test_nothing_is_printed(tmp_path, capfd):
    content = bytearray(write_clip(tmp_path / "a.avi", pan(3.0, 25, 0.1), 25).read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(range(250)) * 8
    (tmp_path / "b.avi").write_bytes(content)
    analyze(tmp_path / "b.avi")
    assert capfd.readouterr() == ("", "")
