"""Values worked out by hand."""

import math
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given
from strategies import songs

from cmt.metrics import (
    Measurement,
    adjacent_grooving_similarity,
    density,
    different_bars,
    drum_consistency,
    empty_bars,
    grooving_similarity,
    onsets,
    pattern_repetition,
    pitch_class_entropy,
    pitch_entropy,
    polyphony,
    scale_consistency,
)
from midi_io.song import Instrument, Note, Song


def song_of(*notes, n_bar):
    return Song.steady(
        tuple(Note(position, instrument, pitch, 1) for position, instrument, pitch in notes), 120, 16 * n_bar
    )


PIANO, DRUMS = Instrument.PIANO, Instrument.DRUMS
METRICS = (
    pitch_class_entropy,
    pitch_entropy,
    grooving_similarity,
    adjacent_grooving_similarity,
    density,
    scale_consistency,
    polyphony,
    empty_bars,
    drum_consistency,
    different_bars,
)


def why_not(measurement):
    """The reason of a measurement that has no value."""
    assert math.isnan(measurement.value)
    return measurement.reason


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_song_has_no_value_but_a_reason(metric):
    assert re.search("no pitched notes|no bars|fewer than two bars|no drums", why_not(metric(Song.steady((), 120, 0))))


def test_a_measurement_is_a_number_to_numpy():
    measurements = [Measurement(0.5), Measurement(math.nan, "no notes")]
    assert float(measurements[0]) == 0.5
    assert np.array_equal(np.array(measurements, dtype=float), [0.5, math.nan], equal_nan=True)


def test_songs_that_threads_measure_by_turns_keep_their_values():
    """The notes of the last song are kept: they must never pass for another song's."""
    tunes = [song_of(*((i, PIANO, 60 + i % (n + 1)) for i in range(16)), n_bar=1) for n in range(8)]
    alone = [pitch_entropy(song) for song in tunes]
    assert len({measurement.value for measurement in alone}) == len(tunes)
    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(pitch_entropy, tunes * 50)) == alone * 50


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("malformed", [None, [(0, 1, 60, 1)]])
def test_what_is_no_song_raises(metric, malformed):
    with pytest.raises(ValueError, match=r"Song"):
        metric(malformed)


def test_windows_of_no_bars_raise():
    with pytest.raises(ValueError, match="n_bar"):
        pitch_class_entropy(song_of((0, PIANO, 60), n_bar=1), n_bar=0)


def test_drums_alone_have_no_pitches():
    drums = song_of((0, DRUMS, 36), (16, DRUMS, 36), n_bar=2)
    for metric in (pitch_class_entropy, pitch_entropy, scale_consistency, polyphony):
        assert why_not(metric(drums)) == "no pitched notes"
    for metric in (grooving_similarity, adjacent_grooving_similarity, drum_consistency):
        assert metric(drums) == Measurement(1.0)


def test_one_note_is_enough_for_pitches_and_too_little_for_rhythm():
    song = song_of((0, PIANO, 60), n_bar=1)
    assert pitch_class_entropy(song) == pitch_entropy(song) == Measurement(0.0)
    assert scale_consistency(song) == polyphony(song) == density(song) == Measurement(1.0)
    for metric in (grooving_similarity, adjacent_grooving_similarity):
        assert why_not(metric(song)) == "fewer than two bars"


def test_two_pitch_classes_equally_often_are_one_bit():
    assert pitch_class_entropy(song_of((0, PIANO, 60), (4, PIANO, 67), n_bar=1)).value == pytest.approx(1.0)


def test_all_twelve_pitch_classes_are_the_most_there_can_be():
    chromatic = song_of(*((i, PIANO, 60 + i) for i in range(12)), n_bar=1)
    assert pitch_class_entropy(chromatic).value == pytest.approx(math.log2(12))


def test_octaves_and_drums_add_nothing():
    assert pitch_class_entropy(song_of((0, PIANO, 48), (1, PIANO, 60), (2, DRUMS, 37), n_bar=1)).value == 0


def test_octaves_do_add_to_the_entropy_of_128_pitches():
    assert pitch_entropy(song_of((0, PIANO, 48), (1, PIANO, 60), (2, DRUMS, 37), n_bar=1)).value == pytest.approx(1.0)
    every_pitch = song_of(*((i % 16, PIANO, i) for i in range(128)), n_bar=1)
    assert pitch_entropy(every_pitch).value == pytest.approx(7.0)


def test_windows_slide_by_a_bar():
    song = song_of((0, PIANO, 60), (16, PIANO, 62), n_bar=2)
    assert pitch_class_entropy(song, n_bar=1).value == 0
    assert pitch_class_entropy(song, n_bar=2).value == pytest.approx(1.0)
    # Bars C, D, D: the windows CD and DD have 1 and 0 bits.
    song = song_of((0, PIANO, 60), (16, PIANO, 62), (32, PIANO, 62), n_bar=3)
    assert pitch_class_entropy(song, n_bar=2).value == pytest.approx(0.5)


def test_empty_windows_do_not_count():
    assert pitch_class_entropy(song_of((0, PIANO, 60), (1, PIANO, 61), n_bar=4), n_bar=1).value == pytest.approx(1.0)


def test_a_song_shorter_than_a_window_is_one_window():
    assert pitch_class_entropy(song_of((0, PIANO, 60), (1, PIANO, 61), n_bar=1), n_bar=4).value == pytest.approx(1.0)


def test_equal_bars_groove_alike():
    song = song_of((0, PIANO, 60), (16, DRUMS, 36), n_bar=2)
    assert grooving_similarity(song).value == adjacent_grooving_similarity(song).value == 1.0


def test_bars_that_differ_in_two_of_sixteen_positions():
    song = song_of((0, PIANO, 60), (17, PIANO, 60), n_bar=2)
    assert grooving_similarity(song).value == adjacent_grooving_similarity(song).value == pytest.approx(14 / 16)


def test_all_pairs_and_neighbours_differ():
    # Bars A, B, A: of three pairs one agrees wholly, of two neighbours none.
    song = song_of((0, PIANO, 60), (17, PIANO, 60), (32, PIANO, 60), n_bar=3)
    assert grooving_similarity(song).value == pytest.approx((2 * 14 / 16 + 1) / 3)
    assert adjacent_grooving_similarity(song).value == pytest.approx(14 / 16)


@given(songs())
def test_grooving_similarity_is_the_mean_over_all_pairs(song):
    grid = onsets(song)
    pairs = [(grid[i] == grid[j]).mean() for i in range(len(grid)) for j in range(i)]
    assume(pairs)
    assert grooving_similarity(song).value == pytest.approx(np.mean(pairs))


def test_density_counts_positions_not_notes():
    assert density(song_of((0, PIANO, 60), (0, DRUMS, 36), (5, PIANO, 60), n_bar=2)).value == 1


def test_a_scale_and_a_note_outside():
    c_major = [(i, PIANO, 60 + degree) for i, degree in enumerate((0, 2, 4, 5, 7, 9, 11))]
    assert scale_consistency(song_of(*c_major, n_bar=1)).value == 1
    assert scale_consistency(song_of(*c_major, (8, PIANO, 61), (9, DRUMS, 37), n_bar=1)).value == pytest.approx(7 / 8)
    chromatic = song_of(*((i, PIANO, 60 + i) for i in range(12)), n_bar=1)
    assert scale_consistency(chromatic).value == pytest.approx(7 / 12)


def test_polyphony_counts_pitches_while_one_sounds():
    notes = (Note(0, PIANO, 60, 4), Note(2, PIANO, 64, 4), Note(2, Instrument.STRINGS, 60, 2), Note(10, PIANO, 60, 2))
    # Sixteenths 0-1: one pitch, 2-3: two (60 twice is one), 4-5: one, 10-11: one.
    assert polyphony(Song.steady(notes, 120, 16)).value == pytest.approx(10 / 8)


@given(songs())
def test_polyphony_is_that_of_the_piano_roll(song):
    roll = np.zeros((400, 128), bool)
    for note in song.notes:
        if note.instrument != DRUMS:
            roll[note.position : note.position + note.duration, note.pitch] = True
    assume(roll.any())
    assert polyphony(song).value == pytest.approx(roll.sum() / roll.any(axis=1).sum())


def test_a_bar_in_which_a_note_goes_on_is_not_empty():
    held = Song.steady((Note(0, PIANO, 60, 17), Note(48, PIANO, 60, 1)), 120, 64)
    assert empty_bars(held).value == 1 / 4
    assert empty_bars(Song.steady((Note(0, PIANO, 60, 16),), 120, 64)).value == 3 / 4
    assert empty_bars(Song.steady((), 120, 64)).value == 1


def test_a_last_bar_that_is_not_full_counts():
    assert empty_bars(Song.steady((Note(0, PIANO, 60, 4),), 120, 20.5)).value == 1 / 2


def test_drum_patterns_share_strokes():
    steady = song_of(*((16 * bar + 4 * beat, DRUMS, 36) for bar in range(3) for beat in range(4)), n_bar=3)
    assert drum_consistency(steady).value == 1
    # {36 at 0, 38 at 4} and {36 at 0, 38 at 5}: one stroke of three is shared.
    one_of_three = song_of((0, DRUMS, 36), (4, DRUMS, 38), (16, DRUMS, 36), (21, DRUMS, 38), n_bar=2)
    assert drum_consistency(one_of_three).value == pytest.approx(1 / 3)
    assert "neighbouring" in why_not(drum_consistency(song_of((0, DRUMS, 36), (32, DRUMS, 36), n_bar=3)))


def test_a_loop_has_few_different_bars():
    assert different_bars(song_of(*((16 * bar, PIANO, 60) for bar in range(8)), n_bar=8)).value == 1 / 8
    assert different_bars(song_of(*((17 * bar, PIANO, 60) for bar in range(8)), n_bar=8)).value == 1


def test_bars_of_different_instruments_differ():
    assert different_bars(song_of((0, PIANO, 60), (16, Instrument.STRINGS, 60), n_bar=2)).value == 1


def test_repetition_counts_bars_that_have_a_twin():
    song = song_of((0, DRUMS, 36), (16, DRUMS, 38), (33, DRUMS, 36), n_bar=3)
    assert pattern_repetition(song, DRUMS).value == pytest.approx(2 / 3)
    assert why_not(pattern_repetition(song, PIANO)) == "fewer than two bars of piano"
