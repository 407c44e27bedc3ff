"""A piece that closes, and one that is cut off."""

import math

import pytest

from cmt.metrics.ending import ending_of
from midi_io.song import Instrument, Note, Song


def song_of(last_bar, n_bar=4):
    """Bars of eighths over C major, and then the onsets of the last one as (position, pitch)."""
    chord = [(0, 48), (4, 55), (8, 52), (12, 55)]
    notes = [Note(16 * bar + p, Instrument.BASS, k, 4) for bar in range(n_bar - 1) for p, k in chord]
    notes += [Note(16 * bar + p, Instrument.DRUMS, 42, 1) for bar in range(n_bar - 1) for p in range(0, 16, 2)]
    last = 16 * (n_bar - 1)
    return Song.steady(
        tuple(notes) + tuple(Note(last + p, Instrument.BASS, k, 4) for p, k in last_bar), 120.0, 16 * n_bar
    )


def test_a_held_tonic_closes():
    ending = ending_of(song_of([(0, 48)]))
    assert tuple(map(float, ending)) == (1 / 8, 1.0, 1.0)
    assert ending.closes.value == 1.0


@pytest.mark.parametrize(
    ("last_bar", "ending"),
    [
        ([(0, 43)], (1 / 8, 1.0, 0.0)),  # on the fifth
        ([(0, 48), (12, 48)], (2 / 8, 0.0, 1.0)),  # up to the last beat
        ([(p, 48) for p in range(8)], (1.0, 1.0, 1.0)),  # as busy as ever
        ([(0, 48), (8, 60), (8, 55)], (2 / 8, 1.0, 0.0)),  # the lowest of the last notes counts
    ],
)
def test_what_is_restless_or_away_from_home_does_not_close(last_bar, ending):
    assert tuple(map(float, ending_of(song_of(last_bar)))) == ending
    assert ending_of(song_of(last_bar)).closes.value == 0.0


def test_held_notes_belong_to_the_bar_in_which_they_begin():
    closed = song_of([(0, 48)])
    assert ending_of(Song.steady(closed.notes, 120.0, 16 * 6)) == ending_of(closed)


@pytest.mark.parametrize("song", [Song.steady((), 120.0, 64), song_of([(0, 48)], n_bar=2)])
def test_what_has_no_inner_bar_has_no_ending(song):
    ending = ending_of(song)
    for measurement in (*ending, ending.closes):
        assert math.isnan(measurement.value)
        assert measurement.reason == "no bar between the first and the last"


def test_drums_alone_end_without_a_tonic():
    ending = ending_of(Song.steady(tuple(Note(8 * i, Instrument.DRUMS, 36, 1) for i in range(8)), 120.0, 64))
    assert ending.rings.value == 1 and ending.closes.value == 0
    assert math.isnan(ending.tonic.value) and ending.tonic.reason == "no pitched notes"
