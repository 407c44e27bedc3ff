"""The mood as the networks hear it: an estimator labels songs, wishes and pictures become thirds, bar by bar."""

import dataclasses

import numpy as np
import pytest

from cmt.config import PLANNER, GenerateConfig
from cmt.errors import CmtError
from cmt.meaning.sections import parse_section_of_mood, written_section
from cmt.metrics.mood import learn_estimator, mood_features, shipped_estimator
from cmt.music.encoding import NoteArrays, notes_of_song
from cmt.music.words import FREE, InitialWords, Mode, asked_third, initial_words
from cmt.network.planner import Planner, planner_shapes
from cmt.planning.energy import energy_of_sections
from cmt.planning.plan import plan_music
from cmt.planning.telling import ToldOfBar, mode_of_mood, thirds_of
from cmt.planning.wishes import Wishes, settled
from cmt.report.scenes import MoodSeen
from cmt.training.model import weights_of
from cmt.training.planner import PlannerNetwork
from midi_io.song import Instrument, Note, Song


def _song(chord, tempo, step, pitch):
    """Four bars of broken chords and a pulse of drums."""
    notes = [Note(p, Instrument.PIANO, pitch + chord[p // step % len(chord)], step) for p in range(0, 64, step)]
    notes += [Note(p, Instrument.DRUMS, 42, 1) for p in range(0, 64, step)]
    return Song.steady(notes, tempo, 64)


BRIGHT = _song((0, 4, 7, 12), 140.0, 2, 72)
GLOOMY = _song((0, 3, 7), 66.0, 16, 45)


def test_fast_major_sounds_more_pleasant_and_more_excited_than_slow_minor():
    bright, gloomy = (shipped_estimator().of_song(song) for song in (BRIGHT, GLOOMY))
    assert bright.valence > gloomy.valence
    assert bright.arousal > gloomy.arousal


def test_silence_has_no_mood():
    assert shipped_estimator().of_song(Song.steady([], 120.0, 64)) is None


def test_every_feature_of_a_song_of_drums_alone_is_a_number_or_unknown():
    drums = notes_of_song(Song.steady([Note(0, Instrument.DRUMS, 36, 1)], 120.0, 16))
    assert not np.isinf(mood_features(drums, 1, None)).any()
    assert shipped_estimator().estimate(drums, 1, None) is not None


def test_features_do_not_hang_on_the_key():
    notes = notes_of_song(BRIGHT)
    up = NoteArrays(notes.position, notes.instrument, notes.pitch + 2 * (notes.instrument > 0), notes.duration)
    a, b = (mood_features(columns, 4, 140.0) for columns in (notes, up))
    np.testing.assert_allclose(a[:17], b[:17])


def test_an_estimator_finds_what_is_there():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5))
    moods = features[:, :2] * [1.0, -2.0] + 0.3
    estimator = learn_estimator(features, moods, 1.0)
    np.testing.assert_allclose(estimator.of_features(features), moods, atol=0.05)


def test_a_third_of_songs_lies_on_each_side_of_the_borders():
    estimator = shipped_estimator()
    low, high = estimator.thirds[0]
    heard = estimator.of_song(BRIGHT)
    assert [estimator.third(heard._replace(valence=v))[0] for v in (low - 0.1, (low + high) / 2, high + 0.1)] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(("value", "third"), [(-1, 0), (-0.26, 0), (-0.2, 1), (0.25, 1), (0.3, 2), (None, None)])
def test_a_mood_asks_for_a_third(value, third):
    assert asked_third(value) == third


def test_a_picture_must_be_sure_of_its_valence():
    assert thirds_of(None, MoodSeen(0.9, -0.9, 0.9)) == (2, 0)
    assert thirds_of(None, MoodSeen(0.9, -0.9, 0.2)) == (None, 0)
    assert thirds_of((-0.9, 0.9), MoodSeen(0.9, -0.9, 0.9)) == (0, 2)
    assert thirds_of(None, None) == (None, None)


def test_valence_has_a_mode_unless_it_is_of_neither_colour():
    assert [mode_of_mood(valence) for valence in (-0.5, 0.0, 0.5)] == [Mode.MINOR, None, Mode.MAJOR]


def test_initial_words_hold_for_a_bar_what_is_told_of_it():
    piece = initial_words(mode=Mode.MAJOR, thirds=(2, 2))
    assert ToldOfBar().initial(piece) == piece._replace(valence=FREE, arousal=FREE)
    dark = ToldOfBar((0, 1), Mode.MINOR).initial(piece)
    assert (dark.mode, dark.valence, dark.arousal) == (1 + Mode.MINOR, 1, 2)


@pytest.mark.parametrize("text", ["0:calm", "12:0.9:dark", "20:free", "3:free:-0.36/-0.28", "12.5:drop:scary"])
def test_a_section_with_a_mood_is_read_as_it_was_written(text):
    section = parse_section_of_mood(text)
    assert parse_section_of_mood(written_section(section)) == section


def test_a_mood_alone_says_how_it_is_written():
    with pytest.raises(CmtError, match=r"12:free:dark"):
        parse_section_of_mood("12:dark")


@pytest.mark.parametrize("text", ["12:intense:blorp", "12:intense:", "12:intense:2/0", "12:loud:dark"])
def test_what_is_no_section_says_so_in_one_line(text):
    with pytest.raises(CmtError) as caught:
        parse_section_of_mood(text)
    assert "\n" not in str(caught.value)


def _plan(wishes):
    return plan_music(None, settled(wishes, 32.0), GenerateConfig(control=0))


def test_a_section_tells_its_bars_of_its_mood_and_the_others_keep_that_of_the_whole():
    sections = [parse_section_of_mood(text) for text in ("0:steady", "16:intense:dark", "24:free")]
    told = _plan(Wishes(mood=(0.8, 0.4), tempo=120, energy=energy_of_sections(sections))).told
    whole = ToldOfBar((2, 2))
    assert told == (whole,) * 8 + (ToldOfBar((0, 1), Mode.MINOR),) * 4 + (whole,) * 4


def test_a_mood_section_behind_the_end_is_a_mistake():
    energy = energy_of_sections([parse_section_of_mood("40:free:dark")])
    with pytest.raises(CmtError, match="outside the piece"):
        settled(Wishes(energy=energy), 32.0)


def test_a_mood_beyond_the_borders_is_refused():
    with pytest.raises(CmtError, match="from -1 to 1"):
        settled(Wishes(mood=(1.5, 0.0)), 32.0)


def test_a_planner_told_anew_of_the_same_piece_hears_the_same():
    config = dataclasses.replace(PLANNER, d_model=16, n_layer=1, n_head=2, d_feed_forward=16)
    planner = Planner(config, weights_of(PlannerNetwork(config)))
    assert set(planner_shapes(config)) == set(weights_of(PlannerNetwork(config)))
    piece = InitialWords(mode=1, valence=3)
    state, again = planner.start(piece), planner.start(InitialWords())
    planner.retell(piece, again)
    np.testing.assert_array_equal(state.initial, again.initial)
    planner.retell(piece._replace(mode=2), again)
    assert not np.array_equal(state.initial, again.initial)
