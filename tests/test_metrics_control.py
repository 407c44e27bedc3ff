"""Control errors, worked out by hand."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.metrics import Measurement
from cmt.metrics.control import (
    density_error,
    density_rank_correlation,
    guess_key,
    instrument_score,
    key_score,
    length_error,
    rank_correlation,
    strength_error,
    tempo_error,
    time_error,
    why_no_key,
)
from cmt.music.profile import SimuNote, profile_of_song
from cmt.music.words import Mode
from midi_io.song import Instrument, Note, Song

DRUMS, PIANO, BASS = Instrument.DRUMS, Instrument.PIANO, Instrument.BASS
MAJOR, MINOR = Mode.MAJOR, Mode.MINOR


def why_not(measurement):
    """The reason of a measurement that has no value."""
    assert math.isnan(measurement.value)
    return measurement.reason


def song_of_densities(*densities):
    """Bars of piano with that many onsets, two notes each."""
    notes = [Note(16 * b + i, PIANO, p, 1) for b, n in enumerate(densities) for i in range(n) for p in (60, 64)]
    return Song.steady(tuple(notes), 120, 16 * len(densities))


def test_density_as_asked_has_no_error():
    assert density_error([4, 0, 16], song_of_densities(4, 0, 16)).value == 0


def test_density_error_by_hand():
    # Distances 2 and 4 over the two bars that were asked, mean 3, in units of 10.90.
    assert density_error([6, None, 4], song_of_densities(4, 9, 8)).value == pytest.approx(3 / 10.90)


def test_bars_beyond_the_song_are_empty():
    assert density_error([4, 4], song_of_densities(4)).value == pytest.approx(2 / 10.90)


def test_strength_error_by_hand():
    song = song_of_densities(2)
    asked = [SimuNote(0, 0, PIANO, 2), SimuNote(0, 1, PIANO, 3), SimuNote(0, 5, DRUMS, 2), SimuNote(3, 0, PIANO, 0)]
    # Distances 0, 1, 2 (there is no such simu-note) and 0.
    assert strength_error(asked, song).value == pytest.approx(3 / 4 / 1.83)


def test_a_song_has_the_strengths_that_it_has():
    song = song_of_densities(3, 7)
    assert strength_error(profile_of_song(song).simu_notes, song).value == 0


def test_rank_correlation_of_densities():
    song = song_of_densities(1, 2, 4, 8)
    assert density_rank_correlation([2, 3, 5, 16], song).value == 1
    assert density_rank_correlation([16, 8, 2, 1], song).value == -1
    assert "3 bars" in why_not(density_rank_correlation([1, None, 2, 3], song))
    assert why_not(density_rank_correlation([5, 5, 5, 5], song)) == "fewer than two different values"


def test_ties_share_their_rank():
    # Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: 4.5 / sqrt(4.5 * 5).
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]).value == pytest.approx(4.5 / math.sqrt(22.5))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=20))
def test_rank_correlation_is_scipys(pairs):
    stats = pytest.importorskip("scipy.stats")
    one, other = zip(*pairs, strict=True)
    if len(set(one)) > 1 and len(set(other)) > 1:
        expected = float(stats.spearmanr(one, other).statistic)
        assert rank_correlation(one, other).value == pytest.approx(expected, abs=1e-9)


def test_length_and_tempo():
    song = Song.steady((), 120, 32)  # 4 s
    assert length_error(song, 4) == time_error(song, 4) == tempo_error(song, 120) == 0
    assert length_error(song, 5) == pytest.approx(1) and time_error(song, 5) == pytest.approx(0.2)
    assert tempo_error(song, 90) == 30


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
def test_a_length_or_tempo_that_is_none_raises(seconds):
    for metric in (length_error, time_error, tempo_error):
        with pytest.raises(ValueError, match="above 0"):
            metric(Song.steady((), 120, 32), seconds)


def test_instruments():
    song = Song.steady((Note(0, PIANO, 60, 1), Note(0, BASS, 40, 1), Note(0, DRUMS, 36, 1)), 120, 16)
    assert instrument_score(song, [DRUMS, PIANO, BASS]) == (Measurement(1.0), Measurement(1.0))
    assert instrument_score(song, [PIANO, Instrument.STRINGS]) == (Measurement(1 / 3), Measurement(1 / 2))
    assert {why_not(part) for part in instrument_score(Song.steady((), 120, 16), [PIANO])} == {"no instrument plays"}
    assert {why_not(part) for part in instrument_score(song, [])} == {"no instrument was asked"}


def test_where_nothing_was_asked_there_is_a_reason():
    song = song_of_densities(4)
    assert why_not(density_error([None], song)) == "no bar's density was asked"
    assert why_not(strength_error([], song)) == "no simu-note's strength was asked"


def test_what_cannot_be_asked_raises():
    song = song_of_densities(4)
    with pytest.raises(ValueError, match="0 to 16"):
        density_error([17], song)
    with pytest.raises(ValueError, match="simu-note"):
        strength_error([SimuNote(0, 16, PIANO, 1)], song)
    with pytest.raises(ValueError, match="one length"):
        rank_correlation([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="tonic"):
        key_score((12, MAJOR), (0, MAJOR))


@pytest.mark.parametrize(("tonic", "mode"), list(product((0, 4, 11), Mode)))
def test_cadences_tell_their_key(tonic, mode):
    third = 4 - mode
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7), (0, 12)]
    notes = [Note(16 * b, PIANO, 48 + tonic + degree, 16) for b, chord in enumerate(chords) for degree in chord]
    guess = guess_key(Song.steady(tuple(notes), 120, 80))
    assert (guess.tonic, guess.mode) == (tonic, mode)
    assert 0 < guess.correlation <= 1
    assert why_no_key(Song.steady(tuple(notes), 120, 80)) == ""


def test_drums_and_all_pitch_classes_alike_have_no_key():
    drums = Song.steady((Note(0, DRUMS, 36, 1),), 120, 16)
    chromatic = Song.steady(tuple(Note(i, PIANO, 60 + i, 1) for i in range(12)), 120, 16)
    for song, reason in ((drums, "no pitched notes"), (chromatic, "all pitch classes sound equally long")):
        assert guess_key(song) is None
        assert why_no_key(song) == reason


def test_key_scores_of_mirex():
    c = (0, MAJOR)
    assert key_score(c, (0, MAJOR)) == 1
    assert key_score(c, (7, MAJOR)) == 0.5
    assert key_score(c, (9, MINOR)) == key_score((9, MINOR), c) == 0.3
    assert key_score(c, (0, MINOR)) == 0.2
    assert key_score(c, (2, MAJOR)) == key_score(c, (5, MAJOR)) == 0
