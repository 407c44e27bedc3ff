"""Chords: names, numbers, and an estimator that is given progressions that it can be held to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.errors import CmtError
from cmt.music.chords import (
    INTERVALS,
    N_CHORD,
    NO_CHORD,
    Chord,
    Quality,
    chord_of,
    estimate_chords,
    names_of,
    number_of,
    parse_chord,
    transposed_numbers,
)
from cmt.music.encoding import NoteArrays
from midi_io.song import Instrument

CHORDS = st.builds(Chord, st.integers(0, 11), st.sampled_from(Quality))


def played(chords, with_bass=True, n_bar=None):
    """Notes of half bars: the chord in the strings, held, and its root in the bass."""
    rows = []
    for half, chord in enumerate(chords):
        rows += [(8 * half, Instrument.STRINGS, 60 + (chord.root + i) % 12, 8) for i in INTERVALS[chord.quality]]
        rows += [(8 * half, Instrument.BASS, 36 + chord.root, 8)] if with_bass else []
    return NoteArrays(*np.array(sorted(rows)).T)


@given(CHORDS)
def test_names_and_numbers_lead_back_to_the_chord(chord):
    assert parse_chord(str(chord)) == chord
    assert chord_of(number_of(chord)) == chord
    assert 0 < number_of(chord) < N_CHORD


@pytest.mark.parametrize(
    ("text", "chord"),
    [
        ("c", Chord(0, Quality.MAJOR)),
        ("Db", Chord(1, Quality.MAJOR)),
        ("Cb", Chord(11, Quality.MAJOR)),
        ("F#m7", Chord(6, Quality.MINOR_SEVENTH)),
        ("Bbmaj7", Chord(10, Quality.MAJOR_SEVENTH)),
        ("E5", Chord(4, Quality.POWER)),
        ("Asus4", Chord(9, Quality.SUSPENDED)),
        ("G7/B", Chord(7, Quality.DOMINANT)),
        ("Cm/Eb", Chord(0, Quality.MINOR)),
        ("F♯m7/C♯", Chord(6, Quality.MINOR_SEVENTH)),
        ("B♭", Chord(10, Quality.MAJOR)),
        (" Bdim ", Chord(11, Quality.DIMINISHED)),
    ],
)
def test_chords_are_read_as_people_write_them(text, chord):
    assert parse_chord(text) == chord


@pytest.mark.parametrize("text", ["H#7", "", "C##", "Cfoo", "7", "C G", "C/X", "C/", "C//G", "C/G/E", "X" * 9999])
def test_what_is_no_chord_is_refused_with_those_that_are(text):
    with pytest.raises(CmtError, match="maj7") as caught:
        parse_chord(text)
    assert len(str(caught.value)) < 250


@given(st.lists(CHORDS, min_size=1, max_size=8), st.integers(-12, 12))
def test_moved_chords_have_moved_roots(chords, semitones):
    numbers = np.array([NO_CHORD, -1, *map(number_of, chords)])
    moved = transposed_numbers(numbers, semitones)
    assert moved[:2].tolist() == [NO_CHORD, -1]
    assert [chord_of(n) for n in moved[2:].tolist()] == [chord.transposed(semitones) for chord in chords]


@pytest.mark.parametrize("names", ["C F G C", "Am Dm E7 Am", "Cmaj7 Am7 Dm7 G7", "E5 G5 A5 E5", "C Fm C G"])
def test_the_estimator_hears_what_is_played(names):
    chords = [parse_chord(name) for name in names.split() for _ in range(2)]
    assert names_of(estimate_chords(played(chords), len(chords) // 2)) == [str(chord) for chord in chords]


def test_a_passing_note_is_no_chord():
    chords = [parse_chord("C")] * 8
    notes = played(chords)
    passing = np.array([(12, Instrument.PIANO, 65, 1), (14, Instrument.PIANO, 69, 1), (30, Instrument.PIANO, 62, 2)]).T
    both = np.concatenate([np.stack(notes), passing], axis=1)
    assert set(names_of(estimate_chords(NoteArrays(*both[:, np.argsort(both[0], kind="stable")]), 4))) == {"C"}


def test_the_bass_tells_chords_of_the_same_notes_apart():
    above = [(0, Instrument.PIANO, pitch, 16) for pitch in (60, 64, 67, 69)]  # C6 or Am7
    for root, name in ((45, "Am7"), (36, "C")):
        notes = NoteArrays(*np.array([*above, (0, Instrument.BASS, root, 16)]).T)
        assert set(names_of(estimate_chords(notes, 1))) == {name}


def test_silence_takes_the_chord_around_it_and_drums_alone_have_none():
    notes = played([parse_chord("F")] * 2)
    assert names_of(estimate_chords(notes, 3)) == ["F"] * 6
    drums = NoteArrays(*np.array([(0, Instrument.DRUMS, 36, 1)]).T)
    assert estimate_chords(drums, 2).tolist() == [NO_CHORD] * 4
    assert estimate_chords(drums, 0).tolist() == []
