"""The mood of pictures by formula, and what follows from it: tempo, mode, key, who plays."""

from dataclasses import replace

import numpy as np
import pytest

from cmt.config import GenerateConfig
from cmt.grid.solver import fit_grid
from cmt.music.words import Mode
from cmt.planning.calibration import read_calibration
from cmt.planning.mood import (
    certainty_of,
    mood_of_video,
    moods_of_bars,
    moods_of_scenes,
    scenes_seen,
    suited_tempo,
    valence_of,
)
from cmt.planning.plan import MAJOR_SHARE, major_probability, origin_of, plan_music
from cmt.planning.wishes import ALL_INSTRUMENTS, Wishes, settled
from cmt.report.scenes import MoodSeen
from midi_io.song import Instrument
from video_rhythm import Scene, VideoRhythm, VisualBeat
from video_rhythm.flow import FlowSeries

CALIBRATION = read_calibration()
USUAL = Scene(0, 10, 0.42, 0.2, 0.12, 0, 0.2, "green", (0.4, 0.5, 0.3), 20, 0.05, 0.0, 0.0, 0.0, None)


def video(speed=0.0, beats=(), seconds=20.0, scenes=None, n_frame=600):
    times = np.arange(0.0, seconds, 1 / 30)
    speeds = np.full(len(times), speed)
    scenes = (USUAL._replace(end=seconds, beats_per_second=len(beats) / seconds),) if scenes is None else scenes
    return VideoRhythm(
        "clip.mp4", 0, seconds, 30.0, n_frame, 160, 90, FlowSeries(times, speeds, speeds, seconds), speeds,
        tuple(VisualBeat(time, 0.5) for time in beats), (), None, 0.0, (), scenes=scenes,
    )  # fmt: skip


STILL, LIVELY = video(0.0), video(0.4, np.arange(0.6, 19, 0.65).tolist())


def test_light_and_colour_are_pleasant_and_what_is_usual_is_neutral():
    assert valence_of(0.42, 0.12) == pytest.approx(0)
    assert -1 <= valence_of(0.0, 0.0) < -0.5 < 0 < valence_of(0.42, 0.3) < valence_of(0.7, 0.3) <= 1


def test_motion_beats_and_cuts_are_exciting():
    calm, lively = mood_of_video(STILL, CALIBRATION).arousal, mood_of_video(LIVELY, CALIBRATION).arousal
    (cut,) = moods_of_scenes(video(scenes=(USUAL._replace(end=20, cuts_per_minute=40.0),)), CALIBRATION)
    assert -1 <= calm < cut.arousal < lively <= 1 and calm < -0.5 < 0.3 < lively


@pytest.mark.parametrize(
    "change", [{"flatness": 0.95}, {"n_look": 1}, {"spread": 0.5}, {"saturation": 0.0}], ids=lambda c: next(iter(c))
)
def test_it_is_less_sure_of_what_looks_drawn_or_was_hardly_seen_or_changes_or_has_no_colour(change):
    assert certainty_of(USUAL) == 1
    assert 0 <= certainty_of(USUAL._replace(**change)) <= 0.4


def test_the_mood_of_a_video_leans_to_what_is_sure():
    dark = USUAL._replace(luminance=0.1)
    drawn = USUAL._replace(begin=10, end=20, luminance=0.9, flatness=1.0)
    assert mood_of_video(video(scenes=(dark, drawn)), CALIBRATION).valence < -0.5


def test_the_curve_has_a_mood_for_each_bar_and_follows_the_scenes():
    dark, light = USUAL._replace(luminance=0.1), USUAL._replace(begin=10, end=20, luminance=0.8)
    curve = moods_of_bars(video(scenes=(dark, light)), CALIBRATION, list(np.arange(0, 21, 2.0)))
    assert len(curve) == 10
    assert [mood.valence < 0 for mood in curve] == [True] * 5 + [False] * 5
    assert all(abs(value) <= 1 for mood in curve for value in mood)


def test_what_is_reported_of_scenes_is_what_was_seen():
    (seen,) = scenes_seen(LIVELY, CALIBRATION)
    assert (seen.begin, seen.end, seen.colour, seen.same_as) == (0, 20, "green", None)
    assert seen.mood == moods_of_scenes(LIVELY, CALIBRATION)[0]


def test_a_suited_tempo_rises_with_arousal_and_decides_where_nothing_else_does():
    tempi = [suited_tempo(arousal) for arousal in np.linspace(-1, 1, 21)]
    assert tempi == sorted(tempi) and (tempi[0], tempi[-1]) == pytest.approx((72, 144))
    for tempo in (75.0, 100.0, 140.0):
        assert fit_grid(60.0, suited_tempo=tempo).tempo == pytest.approx(tempo, rel=0.03)
    with pytest.raises(ValueError, match="suited tempo"):
        fit_grid(60.0, suited_tempo=0.0)


def test_a_dark_picture_is_rather_in_minor_and_one_without_certainty_as_songs_are():
    dark, bright = MoodSeen(-0.9, 0, 1.0), MoodSeen(0.9, 0, 1.0)
    assert major_probability(None, dark) < 0.2 < MAJOR_SHARE[None] < 0.9 < major_probability(None, bright)
    assert major_probability(None, dark._replace(certainty=0)) == pytest.approx(MAJOR_SHARE[None])
    assert major_probability(None, None) == MAJOR_SHARE[None]


def plan(rhythm, wishes=None, **config):
    return plan_music(rhythm, settled(wishes or Wishes(), rhythm.duration), GenerateConfig(**config))


@pytest.mark.parametrize("dynamics", ["relative", "absolute"])
def test_a_still_video_gets_calm_music_and_a_lively_one_lively_music(dynamics):
    still, lively = plan(STILL, dynamics=dynamics), plan(LIVELY, dynamics=dynamics)
    assert still.timeline.tempo < 0.7 * lively.timeline.tempo
    assert Instrument.DRUMS not in still.players and len(still.players) <= 3
    assert Instrument.DRUMS in lively.players
    assert max(still.liveliness) < 0.2 < 0.4 < min(lively.liveliness)
    assert max(still.paces) < 0.25 < 0.6 < min(lively.paces)


def test_what_the_user_says_wins_over_what_is_seen():
    assert plan(STILL, Wishes(instruments=("drums", "bass"))).players == (Instrument.DRUMS, Instrument.BASS)
    assert plan(STILL, Wishes(instruments=ALL_INSTRUMENTS)).players == ALL_INSTRUMENTS
    assert Instrument.DRUMS in plan(STILL, Wishes(form="AABA")).players
    assert plan(STILL, Wishes(tempo=150.0)).timeline.tempo == pytest.approx(150)
    assert plan(STILL, Wishes(key=":major")).mode(0) is Mode.MAJOR
    assert Instrument.DRUMS in plan(STILL, control=0.0).players


def test_the_key_is_drawn_by_the_seed_and_the_video_and_not_by_its_name():
    assert origin_of(STILL) == origin_of(replace(STILL, path="another.mp4")) != origin_of(video(n_frame=601))
    assert plan(STILL).request.origin == origin_of(STILL)


def test_a_video_of_which_nothing_was_looked_at_goes_by_its_motion():
    assert max(plan(video(scenes=())).paces) < 0.1
    assert Instrument.DRUMS in plan(video(0.4, scenes=())).players
