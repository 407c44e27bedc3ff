"""Values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from strategies import songs

from cmt.metrics import different_bars, grooving_similarity, onsets, pattern_repetition, pitch_class_entropy
from midi_io.song import Instrument, Note, Song


def song_of(*notes, n_bar):
    return Song(tuple(Note(position, instrument, pitch, 1) for position, instrument, pitch in notes), 120, 16 * n_bar)


PIANO, DRUMS = Instrument.PIANO, Instrument.DRUMS


def test_two_pitch_classes_equally_often_are_one_bit():
    assert pitch_class_entropy(song_of((0, PIANO, 60), (4, PIANO, 67), n_bar=1)) == pytest.approx(1.0)


def test_all_twelve_pitch_classes_are_the_most_there_can_be():
    chromatic = song_of(*((i, PIANO, 60 + i) for i in range(12)), n_bar=1)
    assert pitch_class_entropy(chromatic) == pytest.approx(math.log2(12))


def test_octaves_and_drums_add_nothing():
    assert pitch_class_entropy(song_of((0, PIANO, 48), (1, PIANO, 60), (2, DRUMS, 37), n_bar=1)) == 0


def test_windows_are_taken_one_by_one():
    song = song_of((0, PIANO, 60), (16, PIANO, 62), n_bar=2)
    assert pitch_class_entropy(song, n_bar=1) == 0
    assert pitch_class_entropy(song, n_bar=2) == pytest.approx(1.0)


def test_an_empty_song_has_no_entropy_and_no_groove():
    assert math.isnan(pitch_class_entropy(song_of(n_bar=2)))
    assert math.isnan(grooving_similarity(song_of((0, PIANO, 60), n_bar=1)))


def test_equal_bars_groove_alike():
    assert grooving_similarity(song_of((0, PIANO, 60), (16, DRUMS, 36), n_bar=2)) == 1.0


def test_bars_that_differ_in_two_of_sixteen_positions():
    assert grooving_similarity(song_of((0, PIANO, 60), (17, PIANO, 60), n_bar=2)) == pytest.approx(14 / 16)


@given(songs())
def test_grooving_similarity_is_the_mean_over_all_pairs(song):
    grid = onsets(song)
    pairs = [(grid[i] == grid[j]).mean() for i in range(len(grid)) for j in range(i)]
    assert grooving_similarity(song) == pytest.approx(np.mean(pairs)) if pairs else True


def test_a_loop_has_few_different_bars():
    assert different_bars(song_of(*((16 * bar, PIANO, 60) for bar in range(8)), n_bar=8)) == 1 / 8
    assert different_bars(song_of(*((17 * bar, PIANO, 60) for bar in range(8)), n_bar=8)) == 1


def test_repetition_counts_bars_that_have_a_twin():
    song = song_of((0, DRUMS, 36), (16, DRUMS, 38), (33, DRUMS, 36), n_bar=3)
    assert pattern_repetition(song, DRUMS) == pytest.approx(2 / 3)
