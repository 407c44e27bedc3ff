"""Takes that are no music are told, each by its sign, and sound ones are left in peace."""

import pytest
from hypothesis import given
from strategies import songs

from cmt.metrics.degenerate import judge
from midi_io.song import Instrument, Note, Song

PIANO, DRUMS = Instrument.PIANO, Instrument.DRUMS


def melody(n_bar, pitches=(60, 62, 64, 65, 67, 69, 71)):
    notes = [Note(4 * i, PIANO, pitches[(i * i + i // 4) % len(pitches)], 4) for i in range(4 * n_bar)]
    return Song.steady(tuple(notes), 120, 16 * n_bar)


def only(song, word):
    reasons = judge(song).reasons
    assert len(reasons) == 1, reasons
    assert word in reasons[0]


def test_a_sound_take_has_no_reasons():
    assert not judge(melody(8)).degenerate
    assert judge(melody(8)).reasons == ()


def test_an_empty_song_is_silence():
    assert judge(Song.steady((), 120, 64)).reasons == ("silence: no notes",)


def test_what_is_no_song_raises():
    with pytest.raises(ValueError, match="Song"):
        judge("song.mid")


def test_silence():
    only(Song.steady(melody(4).notes, 120, 16 * 10), "6 of 10 bars are empty")
    late = [note._replace(position=note.position + 16 * 9) for note in melody(4).notes]
    only(Song.steady((*melody(4).notes, *late), 120, 16 * 13), "5 bars on end")


def test_a_held_note_is_no_silence():
    held = Song.steady((*melody(4).notes, Note(64, PIANO, 48, 64)), 120, 16 * 8)
    assert not judge(held).degenerate


def test_one_bar_looped():
    bar = melody(1).notes
    looped = Song.steady(tuple(n._replace(position=n.position + 16 * b) for b in range(8) for n in bar), 120, 128)
    only(looped, "8 of 8 sounding bars are the same")
    three = Song.steady(tuple(n for n in looped.notes if n.position < 48), 120, 48)
    assert not judge(three).degenerate  # too short to tell


def test_one_note_repeated():
    notes = [Note(3 * i, PIANO, 60, 1) for i in range(20)]
    only(Song.steady(tuple(notes), 120, 64), "20 of 20 notes are pitch 60")
    clicks = [Note(3 * i, DRUMS, 42, 1) for i in range(20)]
    only(Song.steady(tuple(clicks), 120, 64), "drum key 42")
    assert not judge(Song.steady(tuple(notes[:15]), 120, 48)).degenerate


def test_stuck_notes():
    stuck = Song.steady((*melody(12).notes, Note(0, Instrument.STRINGS, 48, 16 * 8 + 1)), 120, 16 * 12)
    only(stuck, "1, the longest sounds 8.1 bars")


def test_out_of_range():
    only(melody(8, pitches=(0, 1, 5, 60, 62, 64, 65)), "out of range")
    drums = Song.steady(tuple(Note(4 * i, DRUMS, 10 + i % 7, 1) for i in range(32)), 120, 128)
    only(drums, "32 of 32")


@given(songs())
def test_every_song_has_a_verdict(song):
    assert judge(song).degenerate == bool(judge(song).reasons)
