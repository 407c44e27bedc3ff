"""What a `Song` promises: notes in order, values in range, lengths in bars and seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_io import Instrument, Knot, Note, Song, Timeline

PIANO = Instrument.PIANO


def test_notes_are_sorted_by_position_then_instrument_then_pitch():
    late = Note(8, Instrument.DRUMS, 36, 1)
    low = Note(0, PIANO, 60, 4)
    high = Note(0, PIANO, 64, 4)
    bass = Note(0, Instrument.BASS, 36, 4)
    assert Song.steady((late, bass, high, low), 120.0, 16).notes == (low, high, bass, late)


def test_a_sixteenth_at_120_bpm_lasts_an_eighth_of_a_second():
    song = Song.steady((), 120.0, 32)
    assert song.seconds(1) == 0.125
    assert song.duration == 4.0


@pytest.mark.parametrize(("length", "n_bar"), [(0, 0), (0.25, 1), (16, 1), (16.5, 2), (32, 2)])
def test_a_begun_bar_counts_whole(length, n_bar):
    assert Song.steady((), 120.0, length).n_bar == n_bar


def test_instruments_are_those_that_play():
    song = Song.steady((Note(0, Instrument.STRINGS, 60, 1), Note(1, Instrument.DRUMS, 36, 1)), 120.0, 16)
    assert song.instruments == (Instrument.DRUMS, Instrument.STRINGS)


def test_transposing_moves_pitches_but_not_drums():
    song = Song.steady((Note(0, Instrument.DRUMS, 36, 1), Note(0, PIANO, 60, 1)), 120.0, 16)
    assert [note.pitch for note in song.transposed(3).notes] == [36, 63]


def test_transposing_out_of_range_keeps_the_pitch_class():
    song = Song.steady((Note(0, PIANO, 2, 1), Note(0, PIANO, 126, 1)), 120.0, 16)
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
    with pytest.raises(ValueError, match=r"note before the start|out of the MIDI range"):
        Song.steady((note,), 120.0, 16)


@pytest.mark.parametrize(
    ("tempo", "length"),
    [(0.0, 16), (-90.0, 16), (float("nan"), 16), (float("inf"), 16), (120.0, -1), (120.0, float("inf"))],
)
def test_a_song_without_tempo_or_of_negative_length_is_refused(tempo, length):
    with pytest.raises(ValueError, match=r"tempo|length"):
        Song.steady((), tempo, length)


STEPS = st.lists(st.tuples(st.floats(0.1, 50), st.floats(0.01, 5)), min_size=1, max_size=8)


@given(start=st.floats(0, 15), steps=STEPS, place=st.floats(-1, 300))
def test_position_inverts_seconds(start, steps, place):
    knots = [Knot(start, 0.0)]
    for position, seconds in steps:
        knots.append(Knot(knots[-1].position + position, knots[-1].seconds + seconds))
    timeline = Timeline.through(knots)
    assert timeline.position(timeline.seconds(place)) == pytest.approx(place, abs=1e-6)
    assert [timeline.seconds(knot.position) for knot in knots] == pytest.approx([knot.seconds for knot in knots])


def test_a_pickup_shortens_the_first_bar():
    timeline = Timeline.steady(120.0, 36, 12)
    song = Song((Note(12, PIANO, 60, 1),), timeline)
    assert (song.start, song.n_bar, song.duration) == (12, 3, 3.0)
    assert timeline.bar_borders == [0.0, 0.5, 2.5, 3.0]
    with pytest.raises(ValueError, match="before the start"):
        Song((Note(11, PIANO, 60, 1),), timeline)


@pytest.mark.parametrize(
    "knots",
    [
        (),
        (Knot(0, 0.0),),
        (Knot(0, 1.0), Knot(1, 2.0)),
        (Knot(0, 0.0), Knot(0, 1.0)),
        (Knot(0, 0.0), Knot(1, 0.0)),
        (Knot(-1, 0.0), Knot(1, 1.0)),
        (Knot(0, 0.0), Knot(float("nan"), 1.0)),
    ],
)
def test_a_timeline_that_goes_back_is_refused(knots):
    with pytest.raises(ValueError, match=r"knots"):
        Timeline(knots, 16)
