"""The pictures of films of hours: as large as those of minutes, and as true."""

import numpy as np
import pytest

from cmt.film import picture as film_picture
from cmt.soundtrack import picture
from video_rhythm.analyze import VideoRhythm
from video_rhythm.flow import FlowSeries


def rhythm_of(n_step: int) -> VideoRhythm:
    """A minute that moves in its second half."""
    times = np.arange(n_step) * 60 / n_step
    speed = np.where(times < 30, 0.0, 0.1)
    flow = FlowSeries(times, speed, np.zeros((n_step, 12), np.float32), 60.0)
    saliency = np.zeros(n_step)
    saliency[n_step // 3] = 1.0
    return VideoRhythm("x.mp4", 0, 60.0, 30.0, n_step, 160, 90, flow, saliency, (), (), None, 0.0, ())


def test_few_steps_of_the_motion_are_drawn_as_they_are():
    rhythm = rhythm_of(600)
    assert picture._speeds(rhythm)[1] is rhythm.flow.speed
    assert picture._saliencies(rhythm)[1] is rhythm.saliency


def test_of_many_steps_of_the_motion_their_mean_and_their_highest_saliency_are_drawn():
    rhythm = rhythm_of(10_007)
    times, speeds = picture._speeds(rhythm)
    assert len(times) == len(speeds) == picture._MOST_STEPS
    assert speeds[:1999].max() == 0.0
    assert speeds[2001:] == pytest.approx(0.1)
    times, saliency = picture._saliencies(rhythm)
    assert len(times) == len(saliency) == picture._MOST_STEPS
    assert times[saliency.argmax()] == pytest.approx(20.0, abs=0.02)
    assert saliency.max() == 1.0


@pytest.mark.parametrize(
    ("decoded", "shown", "expected"),
    [
        ([0, 1, 2], [0, 2, 1], [0, 1, 2]),
        ([0, 0, 0, 9], [0, 0, 1, 9], [0, 1, 2, 9]),
        ([None, None, 1], [2, 0, 1], [-1, 0, 1]),
        ([0, 1], [0, None], None),
    ],
)
def test_times_of_decoding_are_filled_in_and_rise(decoded, shown, expected):
    as_array = [np.array([film_picture._NO_TIME if one is None else one for one in some]) for some in (decoded, shown)]
    times = film_picture._complete_decode_times(*as_array)
    assert (None if times is None else times.tolist()) == expected


def test_many_notes_of_an_instrument_are_all_seen(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    from midi_io.song import Instrument, Note, Song

    monkeypatch.setattr(picture, "_MOST_NOTES", 50)
    song = Song.steady([Note(8 * n, Instrument.PIANO, 60, 1, 80) for n in range(120)], 120, 960 * 20)
    figure = Figure(figsize=(4, 1))
    axes = figure.subplots()
    picture._plot_piano_roll(axes, song, song.timeline.bar_borders[:2])
    assert len(axes.lines) == 3
    assert axes.get_legend_handles_labels()[1] == ["piano"]
    drawn = np.concatenate([line.get_xydata() for line in axes.lines])
    assert np.isfinite(drawn[:, 0]).sum() == 240
