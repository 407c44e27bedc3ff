"""What no take may have that nobody asked for: silence of the pitched instruments, and what can hardly be heard."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cmt.band.hearing import FRAME, SILENCE, estimated_levels
from cmt.config import GenerateConfig
from cmt.planning.mutes import parse_mute
from cmt.planning.plan import plan_music
from cmt.planning.wishes import Wishes, settled
from cmt.soundtrack.gate import Stretch, end_asked, faults, silence_asked, soft_stretches, without_pitch
from cmt.writing.orders import BarOrders
from midi_io.performance import STANDARD_BAND, exactly
from midi_io.song import Instrument, Note, Song, Timeline
from video_rhythm.fades import Fade, FadeKind

PIANO, BASS, STRINGS, DRUMS = Instrument.PIANO, Instrument.BASS, Instrument.STRINGS, Instrument.DRUMS


def song_of(*notes, n_bar=4):
    return Song(tuple(notes), Timeline.steady(120.0, 16 * n_bar))


def plan_of(**wishes):
    return plan_music(None, settled(Wishes(length=8.0, tempo=120.0, **wishes), 8.0), GenerateConfig())


def test_stretches_without_a_pitched_note_are_found_whatever_the_drums_do():
    hats = [Note(place, DRUMS, 42, 1) for place in range(64)]
    song = song_of(Note(8, PIANO, 60, 8), Note(40, BASS, 36, 24), *hats)
    assert without_pitch(song) == [Stretch(0.0, 1.0), Stretch(2.0, 5.0)]
    assert without_pitch(song, range(16, 32)) == [Stretch(0.0, 1.0), Stretch(4.0, 5.0)]
    assert without_pitch(song_of(*hats)) == [Stretch(0.0, 8.0)]
    assert without_pitch(song_of(Note(0, STRINGS, 60, 64))) == []


def test_silence_is_asked_by_instruments_mutes_and_empty_bars():
    assert silence_asked(plan_of(), {}) == frozenset()
    assert silence_asked(plan_of(instruments=("drums",)), {}) == frozenset(range(64))
    pitched = tuple(parse_mute(f"{one.label}@2-4") for one in Instrument if one is not DRUMS)
    assert silence_asked(plan_of(mutes=pitched), {}) == frozenset(range(16, 32))
    assert silence_asked(plan_of(mutes=pitched[1:]), {}) == frozenset(), "one of them may play"
    assert silence_asked(plan_of(), {3: BarOrders(density=0), 1: BarOrders(density=1)}) == frozenset(range(48, 64))


@pytest.mark.parametrize(
    ("fades", "end"),
    [
        ((), math.inf),
        ((Fade(FadeKind.FADE_OUT, 7.0, 8.9),), 7.0),
        ((Fade(FadeKind.FADE_OUT, 7.0, 8.0),), math.inf),
        ((Fade(FadeKind.FADE_IN, 7.0, 9.0),), math.inf),
        ((Fade(FadeKind.FADE_OUT, 7.0, 8.9), Fade(FadeKind.DISSOLVE, 8.9, 9.0)), math.inf),
    ],
)
def test_a_last_fade_to_a_plain_colour_asks_for_silence(fades, end):
    assert end_asked(SimpleNamespace(fades=fades, duration=9.0)) == end
    assert end_asked(None) == math.inf


def test_faults_are_said_with_the_longest_stretch():
    plan = plan_of()
    music = song_of(*(Note(place, PIANO, 60, 8, 80) for place in range(0, 64, 8)))
    assert faults(music, exactly(music), plan, {}) == ()
    hats = song_of(Note(0, PIANO, 60, 8, 80), *(Note(place, DRUMS, 42, 1, 80) for place in range(0, 64, 2)))
    assert faults(hats, exactly(hats), plan, {}) == ("no pitched note for 7.0 s, from 1.0 s on",)
    assert faults(hats, exactly(hats), replace(plan, sheet=replace(plan.sheet, instruments=(DRUMS,))), {}) == ()
    gap = song_of(Note(0, PIANO, 60, 4, 80), Note(24, PIANO, 60, 40, 80))
    (line,) = faults(gap, exactly(gap), plan, {1: BarOrders(density=0)})
    assert line.startswith("no pitched note for 2.0 s") or line.startswith("hardly to be heard")


def test_what_is_held_too_long_can_hardly_be_heard():
    """A piano's note has faded after some seconds, one of strings sounds as long as it is bowed."""
    for instrument, is_soft in ((PIANO, True), (STRINGS, False)):
        song = Song(
            (*(Note(place, PIANO, 60, 2, 100) for place in range(0, 32, 2)), Note(32, instrument, 55, 64, 40)),
            Timeline.steady(60.0, 96),
        )
        lines = faults(
            song, exactly(song), replace(plan_of(), sheet=replace(plan_of().sheet, timeline=song.timeline)), {}
        )
        assert bool(lines) == is_soft and all(line.startswith("hardly to be heard for") for line in lines)


def test_soft_stretches_are_those_below_the_limit_that_nobody_asked_for():
    levels = np.array([-20.0] * 10 + [-60.0] * 12 + [-30.0] * 5)
    ((begin, end),) = soft_stretches(levels)
    assert (begin, end) == pytest.approx((10 * FRAME, 22 * FRAME))
    assert soft_stretches(levels, [Stretch(1.0, 2.2)]) == []


def test_levels_follow_velocities_and_fall_to_silence():
    def level(velocity):
        song = song_of(Note(0, STRINGS, 60, 32, 100), Note(32, STRINGS, 60, 32, velocity))
        levels = estimated_levels(exactly(song))
        assert len(levels) == 80
        return levels[60] - levels[20]

    assert level(50) == pytest.approx(40 * math.log10(0.5), abs=0.1)
    assert level(100) == pytest.approx(0.0, abs=0.1)
    assert np.all(estimated_levels(exactly(song_of())) == SILENCE)
    song = song_of(Note(0, PIANO, 60, 8, 90))
    assert estimated_levels(exactly(song, STANDARD_BAND))[-1] == SILENCE
