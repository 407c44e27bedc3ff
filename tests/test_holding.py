"""Notes before a long rest are held until music goes on, and nothing else changes."""

import numpy as np
import pytest

from cmt.music.encoding import decode, encode
from cmt.writing.holding import held
from cmt.writing.orders import BarOrders
from midi_io.song import Instrument, Note, Song, Timeline

PIANO, BASS, DRUMS = Instrument.PIANO, Instrument.BASS, Instrument.DRUMS
SECOND = 8
"""Sixteenths of a second at 120 BPM."""


def song_of(*notes, n_bar=4):
    return Song(tuple(notes), Timeline.steady(120.0, 16 * n_bar))


def durations(song, orders=None, anew=None):
    words = held(encode(song), song.timeline, orders or {}, anew)
    return [note.duration for note in decode(words, song.timeline).notes]


def test_the_last_notes_before_a_rest_of_more_than_a_second_are_held_until_the_next():
    song = song_of(Note(0, PIANO, 60, 2), Note(0, PIANO, 64, 2), Note(1, BASS, 36, 1), Note(20, BASS, 38, 1))
    assert durations(song) == [20, 20, 19, 1]
    short = song_of(Note(0, PIANO, 60, 2), Note(0, BASS, 36, 1), Note(20, BASS, 38, 1))
    assert durations(short) == [20, 1, 1], "what was over before is not held"


def test_a_second_is_a_rest_that_may_be_and_drums_fill_none():
    rest = song_of(Note(0, PIANO, 60, 2), Note(2 + SECOND, PIANO, 62, 2))
    assert durations(rest) == [2, 2]
    drums = [Note(place, DRUMS, 42, 1) for place in range(0, 32, 2)]
    song = song_of(Note(0, PIANO, 60, 2), *drums, Note(3 + SECOND, PIANO, 62, 2))
    assert [
        note.duration
        for note in decode(held(encode(song), song.timeline, {}), song.timeline).notes
        if note.instrument is PIANO
    ] == [11, 2]


def test_nothing_is_held_into_its_own_rest_or_a_bar_that_is_ordered_to_be_empty():
    song = song_of(Note(0, PIANO, 60, 2), Note(40, PIANO, 62, 2))
    assert durations(song, {1: BarOrders(density=0)}) == [16, 2]
    assert durations(song, {1: BarOrders(rests=frozenset({(4, PIANO)}))}) == [20, 2]
    assert durations(song, {1: BarOrders(rests=frozenset({(4, BASS)}))}) == [40, 2]


def test_a_note_lasts_four_bars_at_most_and_what_comes_last_is_the_endings():
    song = song_of(Note(0, PIANO, 60, 2), Note(80, PIANO, 62, 2), n_bar=8)
    assert durations(song) == [64, 2]


def test_only_what_is_written_anew_is_changed():
    song = song_of(Note(0, PIANO, 60, 2), Note(30, PIANO, 62, 2), Note(60, PIANO, 64, 2))
    assert durations(song, anew={1: frozenset({PIANO})}) == [2, 30, 2]
    assert durations(song, anew={1: frozenset({BASS})}) == [2, 2, 2]


@pytest.mark.parametrize("notes", [(), (Note(8, DRUMS, 36, 1),), (Note(0, PIANO, 60, 4),)])
def test_words_without_a_rest_are_the_same_object(notes):
    words = encode(song_of(*notes))
    assert held(words, Timeline.steady(120.0, 64), {}) is words


def test_a_word_loses_nothing_but_its_duration():
    song = song_of(Note(0, PIANO, 60, 2), Note(30, PIANO, 62, 2))
    before = encode(song)
    after = held(before, song.timeline, {})
    changed = before.fields != after.fields
    assert changed.sum() == 1 and np.array_equal(before.positions, after.positions)
