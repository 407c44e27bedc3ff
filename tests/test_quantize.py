"""Ticks become positions, and a pitch sounds once at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_io import Instrument, Note
from midi_io.quantize import nearest_position, quantize_span, without_overlaps

instruments = st.sampled_from(Instrument)
notes = st.builds(Note, st.integers(0, 40), instruments, st.integers(58, 62), st.integers(1, 20), st.integers(1, 127))


@pytest.mark.parametrize(
    ("tick", "position"), [(0, 0), (59, 0), (60, 1), (120, 1), (179, 1), (180, 2), (480, 4), (480 * 4, 16)]
)
def test_a_tick_goes_to_the_nearest_sixteenth(tick, position):
    assert nearest_position(tick, 480) == position


@given(st.integers(0, 10**6), st.integers(1, 2000))
def test_every_sixteenth_is_its_own_nearest_whatever_the_resolution(position, quarter_of_a_beat):
    assert nearest_position(position * quarter_of_a_beat, 4 * quarter_of_a_beat) == position


def test_touching_notes_still_touch():
    first = quantize_span(0, 130, 480)
    second = quantize_span(130, 350, 480)
    assert first == (0, 1)
    assert second == (1, 2)


@pytest.mark.parametrize("end", [240, 250, 299])
def test_a_note_shorter_than_the_grid_lasts_one_sixteenth(end):
    assert quantize_span(240, end, 480) == (2, 1)


def test_a_note_ends_where_its_pitch_is_struck_again():
    long = Note(0, Instrument.PIANO, 60, 16)
    again = Note(4, Instrument.PIANO, 60, 2)
    assert without_overlaps([again, long]) == [long._replace(duration=4), again]


def test_of_equal_onsets_the_longest_and_loudest_stays():
    soft = Note(0, Instrument.PIANO, 60, 16, 30)
    loud = Note(0, Instrument.PIANO, 60, 2, 90)
    assert without_overlaps([soft, loud]) == [Note(0, Instrument.PIANO, 60, 16, 90)]


def test_other_pitches_and_other_instruments_are_left_alone():
    chord = [Note(0, Instrument.PIANO, 60, 8), Note(0, Instrument.PIANO, 64, 8), Note(2, Instrument.STRINGS, 60, 8)]
    assert without_overlaps(chord) == chord


@given(st.lists(notes, max_size=30))
def test_no_pitch_sounds_twice_at_once(some_notes):
    heard = set()
    for note in without_overlaps(some_notes):
        for position in range(note.position, note.position + note.duration):
            assert (position, note.instrument, note.pitch) not in heard
            heard.add((position, note.instrument, note.pitch))


@given(st.lists(notes, max_size=30))
def test_removing_overlaps_keeps_every_onset(some_notes):
    kept = without_overlaps(some_notes)
    assert {note[:3] for note in kept} == {note[:3] for note in some_notes}
    assert without_overlaps(kept) == kept
