"""The structureness indicator: the quick way against the definition, and cases worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.metrics import structureness, structureness_at_scales
from cmt.metrics.structure import (
    MAX_FRAMES,
    PENALTY,
    WARPED,
    _diagonal_sums,
    _fitness_of_length,
    chroma,
    fitness_of_segment,
    largest_fitness,
    self_similarity,
)
from midi_io.song import Instrument, Note, Song

PIANO = Instrument.PIANO


def song_of_beats(pitches, tempo=120.0):
    """One chord a beat; each beat is a list of pitches."""
    notes = [Note(4 * beat, PIANO, pitch, 4) for beat, chord in enumerate(pitches) for pitch in chord]
    return Song.steady(tuple(notes), tempo, 4 * len(pitches))


def scape_plot(similarity):
    """(n, n) fitness of the segment of `row + 1` frames from frame `column` on, the quick way; NaN beyond the end."""
    n, sums = len(similarity), _diagonal_sums(similarity)
    plot = np.full((n, n), np.nan)
    for length in range(1, n + 1):
        plot[length - 1, : n - length + 1] = _fitness_of_length(sums, length)
    return plot


@st.composite
def similarities(draw):
    n = draw(st.integers(1, 9))
    levels = draw(st.lists(st.sampled_from([PENALTY, 0.0, 0.25, 0.7, 1.0]), min_size=n * n, max_size=n * n))
    matrix = np.array(levels).reshape(n, n)
    np.fill_diagonal(matrix, 1.0)
    return matrix


@given(similarities())
def test_the_quick_way_is_the_definition(matrix):
    n = len(matrix)
    plot = scape_plot(matrix)
    for length in range(1, n + 1):
        for start in range(n):
            if start + length > n:
                assert math.isnan(plot[length - 1, start])
            else:
                assert plot[length - 1, start] == fitness_of_segment(matrix, start, length)


@given(similarities(), st.integers(1, 9), st.integers(1, 9))
def test_stopping_early_changes_nothing(matrix, low, high):
    n = len(matrix)
    low, high = min(low, n), min(max(low, high), n)
    assert largest_fitness(matrix, low, high) == max(0.0, np.nanmax(scape_plot(matrix)[low - 1 : high]))


def test_the_definition_by_another_road():
    """All families of diagonal repetitions, by trying each."""
    rng = np.random.default_rng(3)
    matrix = rng.choice([PENALTY, 0.5, 0.75, 1.0], (7, 7))
    np.fill_diagonal(matrix, 1.0)

    def families(first, length):
        yield ()
        for begin in range(first, 8 - length):
            for rest in families(begin + length, length):
                yield (begin, *rest)

    for length in range(1, 8):
        for start in range(8 - length):
            scored = []
            for family in families(0, length):
                score = sum(matrix[begin + k, start + k] for begin in family for k in range(length))
                scored.append((score, -len(family)))
            score, n_repeat = max(scored)
            explained = (score - length) / (-n_repeat * length)
            covered = (-n_repeat * length - length) / 7
            expected = 2 * explained * covered / (explained + covered) if explained + covered else 0
            assert fitness_of_segment(matrix, start, length) == pytest.approx(expected)


def test_one_exact_repetition_by_hand():
    """A B A C in parts of four frames: A explains 4 frames more than its own 4, of 8, and covers 4 of 16."""
    matrix = np.full((16, 16), PENALTY)
    np.fill_diagonal(matrix, 1.0)
    for k in range(4):
        matrix[8 + k, k] = matrix[k, 8 + k] = 1.0
    explained, covered = 4 / 8, 4 / 16
    assert scape_plot(matrix)[3, 0] == pytest.approx(2 * explained * covered / (explained + covered))
    assert scape_plot(matrix)[3, 4] == 0  # B never returns
    assert scape_plot(matrix)[15, 0] == 0  # the whole song explains nothing but itself


def test_warped_paths_follow_a_repetition_at_half_the_speed():
    """The segment 0-1-2 comes again with each frame lasting two: only paths with steps of two can follow."""
    matrix = np.full((9, 9), PENALTY)
    np.fill_diagonal(matrix, 1.0)
    for row, column in ((3, 0), (5, 1), (7, 2)):
        matrix[row, column] = 1.0
    assert fitness_of_segment(matrix, 0, 3) == 0
    assert fitness_of_segment(matrix, 0, 3, WARPED) == pytest.approx(2 * 0.5 * (5 / 9) / (0.5 + 5 / 9))


def random_chords(n, seed=0):
    rng = np.random.default_rng(seed)
    return [sorted(60 + rng.choice(12, 3, replace=False)) for _ in range(n)]


def test_a_phrase_that_returns_is_structure_and_chance_is_not():
    phrase = random_chords(16)
    # 16 beats at 120 BPM are 8 s.
    repeated, through = song_of_beats(phrase * 4), song_of_beats(random_chords(64, 1))
    assert structureness(repeated, 8, 15).value > 0.7
    assert structureness(through, 8, 15).value < 0.2


def test_a_song_that_is_one_chord_is_all_structure():
    # The largest fitness there can be: segments of 6 beats (3 s) explain all but themselves of 48.
    assert structureness(song_of_beats([[60, 64, 67]] * 48), 3, 8).value == pytest.approx(1 - 6 / 48)


def test_silence_repeats_nothing():
    song = Song.steady((Note(0, PIANO, 60, 1),), 120, 16 * 8)
    assert np.array_equal(self_similarity(song)[10:, 10:], np.where(np.eye(22), 1, PENALTY))
    assert structureness(song, 3, 8).value == 0


def test_the_scales_are_lengths_in_seconds():
    short = song_of_beats(random_chords(12))  # 6 s
    values = structureness_at_scales(short)
    assert values["short"].value >= 0 and values["short"].reason == ""
    assert math.isnan(values["middle"].value) and values["middle"].reason == "shorter than 8 s"
    assert math.isnan(values["long"].value) and values["long"].reason == "shorter than 15 s"


def test_each_scale_has_its_own_reason_whatever_their_order():
    scales = {"long": (15, math.inf), "between": (0.51, 0.9), "short": (3, 8), "middle": (8, 15)}
    values = structureness_at_scales(song_of_beats(random_chords(12)), scales)
    assert {name: measurement.reason for name, measurement in values.items()} == {
        "long": "shorter than 15 s",
        "between": "no whole beat between 0.51 and 0.9 s",
        "short": "",
        "middle": "shorter than 8 s",
    }


def test_slower_music_has_the_same_phrases_at_longer_scales():
    phrase = random_chords(8)
    fast, slow = song_of_beats(phrase * 6, tempo=120), song_of_beats(phrase * 6, tempo=60)
    assert structureness(fast, 4, 6).value == structureness(slow, 8, 12).value


def test_no_notes_and_drums_alone_have_no_structureness():
    for song in (Song.steady((), 120, 160), Song.steady((Note(0, Instrument.DRUMS, 36, 1),), 120, 160)):
        measurement = structureness(song, 3, 8)
        assert math.isnan(measurement.value) and measurement.reason == "no pitched notes"


@pytest.mark.parametrize("scale", [(0, 8), (8, 3), (-1, 2)])
def test_a_scale_that_is_none_raises(scale):
    with pytest.raises(ValueError, match="seconds"):
        structureness(song_of_beats(random_chords(20)), *scale)


@pytest.mark.parametrize("matrix", [np.ones((2, 3)), np.full((2, 2), 1.5), np.zeros((2, 2)), np.ones((0, 0))])
def test_a_matrix_that_is_no_similarity_raises(matrix):
    with pytest.raises(ValueError, match=r"square|diagonal"):
        largest_fitness(matrix, 1, 1)


def test_chroma_counts_sixteenths_and_leaves_drums_out():
    song = Song.steady((Note(2, PIANO, 61, 4), Note(0, PIANO, 60, 1), Note(0, Instrument.DRUMS, 36, 1)), 120, 9)
    values = chroma(song)
    assert values.shape == (3, 12)
    assert values[0, :2].tolist() == [1, 2] and values[1, 1] == 2 and values.sum() == 5


def test_a_song_of_hours_is_looked_at_in_part():
    hours = Song.steady(tuple(Note(16 * bar, PIANO, 60 + bar % 5, 8) for bar in range(18_000)), 120, 16 * 18_000)
    assert len(self_similarity(hours)) == MAX_FRAMES
