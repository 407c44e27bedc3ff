"""Words say everything about a song that the model must know, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from strategies import songs

from cmt.music.encoding import NoteArrays, Words, decode, dump, encode, encode_notes, timing_bin, timing_bins
from cmt.music.profile import profile_of_song
from cmt.music.words import BAR, FIELD_SIZES, CompoundWord, WordType
from midi_io.song import Instrument, Note, Song, Timeline

TWO_BARS = Song.steady(
    (
        Note(0, Instrument.DRUMS, 36, 1),
        Note(0, Instrument.PIANO, 60, 8),
        Note(0, Instrument.PIANO, 64, 8),
        Note(8, Instrument.DRUMS, 38, 1),
        Note(20, Instrument.BASS, 40, 12),
    ),
    tempo=120,
    length=32,
)


@given(songs())
def test_decode_inverts_encode(song):
    assert decode(encode(song), song.timeline) == song


@given(songs())
def test_every_value_lies_within_its_vocabulary(song):
    fields = encode(song).fields
    assert (fields.max(axis=0) < np.array(FIELD_SIZES)).all()


@given(songs())
def test_bars_and_beats_announce_what_follows(song):
    words = encode(song)
    profile = profile_of_song(song)
    rows = [CompoundWord(*row) for row in words.fields.tolist()]
    densities = [row.density - 1 for row in rows if row.position == BAR]
    strengths = [row.strength for row in rows if row.type == WordType.RHYTHM and row.position != BAR]
    assert tuple(densities) == profile.density
    assert strengths == [note.strength for note in profile.simu_notes]


def test_density_counts_down_within_a_bar():
    beats = [
        row for row in encode(TWO_BARS).fields.tolist() if row[0] == WordType.RHYTHM and CompoundWord(*row).strength
    ]
    assert [CompoundWord(*row).density - 1 for row in beats] == [1, 1, 0, 0]


def test_words_of_a_small_song_read_as_written():
    assert dump(encode(TWO_BARS)).splitlines() == [
        "bar 0 density=2",
        "   0 drums strength=1 left=1",
        "    note pitch=36 duration=1",
        "   0 piano strength=2 left=1",
        "    note pitch=60 duration=8",
        "    note pitch=64 duration=8",
        "   8 drums strength=1 left=0",
        "    note pitch=38 duration=1",
        "bar 1 density=1",
        "   4 bass strength=1 left=0",
        "    note pitch=40 duration=12",
        "end",
    ]


def test_of_equal_notes_the_longest_stays():
    notes = NoteArrays(*(np.array(column) for column in ([0, 0], [1, 1], [60, 60], [2, 5])))
    assert encode_notes(notes, 1).fields[:, 6].max() == 5
    assert (encode_notes(notes, 1).fields[:, 0] == WordType.NOTE).sum() == 1


def test_a_repeated_pitch_ends_the_note_before_it():
    rows = [
        CompoundWord(1, BAR, 3, 0, 0, 0, 0),
        CompoundWord(1, 1, 2, 1, 2, 0, 0),
        CompoundWord(2, 0, 0, 0, 2, 61, 16),
        CompoundWord(1, 5, 1, 1, 2, 0, 0),
        CompoundWord(2, 0, 0, 0, 2, 61, 4),
    ]
    song = decode(Words(np.array(rows, dtype=np.uint8), np.zeros(5, dtype=np.int32)), Timeline.steady(100, 16))
    assert [(note.position, note.duration) for note in song.notes] == [(0, 4), (4, 4)]


@pytest.mark.parametrize("row", [CompoundWord(1, 1, 1, 1, 1, 0, 0), CompoundWord(2, 0, 0, 0, 1, 40, 1)])
def test_words_before_the_first_bar_are_refused(row):
    with pytest.raises(ValueError, match="before"):
        decode(Words(np.array([row], dtype=np.uint8), np.zeros(1, dtype=np.int32)), Timeline.steady(120, 16))


def test_beat_timing_runs_from_0_to_100():
    assert timing_bins(np.array([0, 8, 16, 32]), 32).tolist() == [0, 25, 50, 100]


@pytest.mark.parametrize("n_position", [1, 32, 48, 1001])
def test_the_timing_of_one_word_is_that_of_many(n_position: int):
    bins = timing_bins(np.arange(n_position + 3), n_position).tolist()
    assert [timing_bin(position, n_position) for position in range(n_position + 3)] == bins
