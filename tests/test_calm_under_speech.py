"""The arrangement under speech: calm bars, soft drums, and what the user says comes first."""

import pytest
from clips import draw_clip

from cmt.config import GenerateConfig
from cmt.film.speech import Span
from cmt.planning.energy import Energy, Stretch
from cmt.planning.plan import plan_music
from cmt.planning.speech import CALM, bars_of_speech, soft_drums
from cmt.planning.wishes import Wishes, settled
from midi_io.song import Instrument, Note, Song, Timeline
from video_rhythm import analyze

DRUMS, BASS = Instrument.DRUMS, Instrument.BASS


def test_a_bar_is_speech_from_half_of_it_on():
    timeline = Timeline.steady(120.0, 64)  # bars of 2 s
    assert bars_of_speech((), timeline) == []
    assert bars_of_speech((Span(1.0, 2.9),), timeline) == [0]
    assert bars_of_speech((Span(2.0, 2.5), Span(3.0, 3.5), Span(5.0, 8.0)), timeline) == [1, 2, 3]
    assert bars_of_speech((Span(7.5, 99.0),), timeline) == []


def test_drums_are_soft_there_and_nobody_else():
    song = Song.steady((Note(0, DRUMS, 36, 1, 100), Note(0, BASS, 40, 1, 100), Note(16, DRUMS, 36, 1, 100)), 120.0, 32)
    assert soft_drums(song, ()) is song
    assert {(n.position, n.instrument): n.velocity for n in soft_drums(song, {0}).notes} == {
        (0, DRUMS): 75,
        (0, BASS): 100,
        (16, DRUMS): 100,
    }


@pytest.fixture(scope="module")
def rhythm(tmp_path_factory):
    return analyze(draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 12.0))


def plan(rhythm, speech=(), **wishes):
    return plan_music(rhythm, settled(Wishes(tempo=120.0, **wishes), rhythm.duration), GenerateConfig(), speech)


def test_without_speech_nothing_changes(rhythm):
    usual, spoken = plan(rhythm), plan(rhythm, (Span(0.0, 0.4),))
    assert spoken.calm_bars == frozenset()
    assert (usual.asked, usual.energies, usual.liveliness) == (spoken.asked, spoken.energies, spoken.liveliness)


def test_bars_under_speech_are_calm_whatever_the_picture_asks(rhythm):
    usual = plan(rhythm)
    spoken = plan(rhythm, (Span(6.0, 10.5),))
    assert spoken.calm_bars == {3, 4}
    for bar in range(usual.timeline.n_bar):
        if bar in spoken.calm_bars:
            assert spoken.energies[bar] == min(usual.liveliness[bar], CALM)
            assert spoken.asked.density[bar] < usual.asked.density[bar]
            assert spoken.orders(0.0, 0)[bar].density == spoken.asked.density[bar]
            assert spoken.sheet_orders.energy[bar] >= 0
        else:
            assert spoken.energies[bar] is None
            assert spoken.asked.density[bar] == usual.asked.density[bar]


def test_the_users_energy_comes_first(rhythm):
    own = Energy((Stretch(6.0, 8.0, 0.9, 0.9),), "--section", in_sections=True)
    spoken = plan(rhythm, (Span(6.0, 10.5),), energy=own)
    assert spoken.calm_bars == {4}
    assert spoken.energies[3] == pytest.approx(0.9)
