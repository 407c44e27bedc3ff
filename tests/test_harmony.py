"""Pitches lean to the chord of the lead sheet, and the bass to its root."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.music.chords import N_CHORD, NO_CHORD, chord_of, number_of, parse_chord
from cmt.music.lead_sheet import UNKNOWN
from cmt.music.words import FIELD_SIZES
from cmt.writing.harmony import CHORD_LEAN, CLASH, OFF_BEAT, ON_BEAT, ROOT, clash_lean, pitch_lean
from midi_io.song import Instrument

PITCHED = [instrument for instrument in Instrument if instrument is not Instrument.DRUMS]
CHORDS = st.integers(NO_CHORD + 1, N_CHORD - 1)
POSITIONS = st.integers(0, 15)


def lean_by_pitch_class(chord, instrument, position, **options):
    """(12,) what each pitch class gains, the same in every octave."""
    lean = pitch_lean(chord, instrument, position, **options)
    assert lean.shape == (FIELD_SIZES.pitch,)
    by_class = np.array([lean[1 + pitch_class] for pitch_class in range(12)])
    assert np.array_equal(lean[1:], np.resize(by_class, FIELD_SIZES.pitch - 1))
    return by_class


@given(CHORDS, st.sampled_from(PITCHED), POSITIONS)
def test_the_notes_of_the_chord_gain_and_no_other(chord, instrument, position):
    gains = lean_by_pitch_class(chord, instrument, position)
    assert set(np.flatnonzero(gains).tolist()) == chord_of(chord).pitch_classes
    assert gains.min() == 0 and pitch_lean(chord, instrument, position)[0] == 0


@given(CHORDS, POSITIONS)
def test_a_beat_leans_more_than_what_lies_between_and_all_notes_of_the_chord_alike(chord, position):
    gains = lean_by_pitch_class(chord, Instrument.PIANO, position)
    assert gains.max() == pytest.approx(CHORD_LEAN * (ON_BEAT if position % 4 == 0 else OFF_BEAT))
    assert len(set(gains[gains > 0].tolist())) == 1
    assert ON_BEAT > OFF_BEAT


@given(CHORDS, POSITIONS)
def test_the_bass_leans_to_the_root_where_a_half_bar_begins(chord, position):
    gains = lean_by_pitch_class(chord, Instrument.BASS, position)
    others = np.delete(gains, chord_of(chord).root)
    if position in (0, 8):
        assert gains[chord_of(chord).root] > others.max()
    else:
        assert gains[chord_of(chord).root] == others.max()


@pytest.mark.parametrize("instrument", Instrument)
@pytest.mark.parametrize("chord", [UNKNOWN, NO_CHORD])
def test_without_a_chord_there_is_no_lean(instrument, chord):
    assert pitch_lean(chord, instrument, 0) is None


@given(st.integers(UNKNOWN, N_CHORD - 1), POSITIONS)
def test_drums_have_no_chord(chord, position):
    assert pitch_lean(chord, Instrument.DRUMS, position) is None


def test_the_strength_scales_the_lean_and_none_is_none():
    chord = number_of(parse_chord("F#m7"))
    single, double = (lean_by_pitch_class(chord, Instrument.BASS, 8, strength=strength) for strength in (0.75, 1.5))
    assert single.tolist() == [0, 0.75, 0, 0, 0.75, 0, 0.75 * (1 + ROOT), 0, 0, 0.75, 0, 0]
    assert np.allclose(double, 2 * single)
    assert pitch_lean(chord, Instrument.BASS, 8, strength=0) is None


def test_a_lean_that_is_handed_out_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        pitch_lean(1, Instrument.BASS, 0)[1] = 5


def test_a_semitone_beside_what_sounds_loses_unless_it_is_the_chords():
    e_in_c_seventh = clash_lean((4, 7), number_of(parse_chord("Cmaj7")))
    losing = {(pitch - 1) % 12 for pitch in range(1, FIELD_SIZES.pitch) if e_in_c_seventh[pitch]}
    assert losing == {3, 5, 6, 8} and e_in_c_seventh.min() == np.float32(CLASH) < 0
    b_beside_c = clash_lean((0,), number_of(parse_chord("Cmaj7")))
    assert not b_beside_c[1 + 71] and b_beside_c[1 + 73]


def test_nothing_clashes_with_nothing():
    assert clash_lean((), 1) is None
    with pytest.raises(ValueError, match="read-only"):
        clash_lean((0,), UNKNOWN)[0] = 1
