"""What a `Song` promises: notes in order, values in range, lengths in bars and seconds."""

from __future__ import annotations

import pytest

from midi_io import Instrument, Note, Song

PIANO = Instrument.PIANO


def test_notes_are_sorted_by_position_then_instrument_then_pitch():
    late = Note(8, Instrument.DRUMS, 36, 1)
    low = Note(0, PIANO, 60, 4)
    high = Note(0, PIANO, 64, 4)
    bass = Note(0, Instrument.BASS, 36, 4)
    assert Song((late, bass, high, low), 120.0, 16).notes == (low, high, bass, late)


def test_a_sixteenth_at_120_bpm_lasts_an_eighth_of_a_second():
    song = Song((), 120.0, 32)
    assert song.seconds_per_position == 0.125
    assert song.duration == 4.0


@pytest.mark.parametrize(("length", "n_bar"), [(0, 0), (0.25, 1), (16, 1), (16.5, 2), (32, 2)])
def test_a_begun_bar_counts_whole(length, n_bar):
    assert Song((), 120.0, length).n_bar == n_bar


def test_instruments_are_those_that_play():
    song = Song((Note(0, Instrument.STRINGS, 60, 1), Note(1, Instrument.DRUMS, 36, 1)), 120.0, 16)
    assert song.instruments == (Instrument.DRUMS, Instrument.STRINGS)


def test_transposing_moves_pitches_but_not_drums():
    song = Song((Note(0, Instrument.DRUMS, 36, 1), Note(0, PIANO, 60, 1)), 120.0, 16)
    assert [note.pitch for note in song.transposed(3).notes] == [36, 63]


def test_transposing_out_of_range_keeps_the_pitch_class():
    song = Song((Note(0, PIANO, 2, 1), Note(0, PIANO, 126, 1)), 120.0, 16)
    assert [note.pitch for note in song.transposed(-5).notes] == [9, 121]
    assert [note.pitch for note in song.transposed(5).notes] == [7, 119]


@pytest.mark.parametrize(
    "note",
    [
        Note(-1, PIANO, 60, 1),
        Note(0, PIANO, 60, 0),
        Note(0, PIANO, 128, 1),
        Note(0, PIANO, -1, 1),
        Note(0, PIANO, 60, 1, 0),
        Note(0, PIANO, 60, 1, 128),
    ],
)
def test_a_note_out_of_range_is_refused(note):
    with pytest.raises(ValueError, match="note before the start|out of the MIDI range"):
        Song((note,), 120.0, 16)


@pytest.mark.parametrize(("tempo", "length"), [(0.0, 16), (-90.0, 16), (float("nan"), 16), (120.0, -1)])
def test_a_song_without_tempo_or_of_negative_length_is_refused(tempo, length):
    with pytest.raises(ValueError, match="tempo|length"):
        Song((), tempo, length)
