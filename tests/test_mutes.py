"""When instruments must be silent."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmt.errors import CmtError
from cmt.planning.mutes import Mute, check_mutes, cut_at_rests, muted_throughout, parse_mute, rests_of
from cmt.planning.sheet import Sheet
from midi_io.song import Instrument, Note, Timeline

DRUMS, BASS = Instrument.DRUMS, Instrument.BASS


@given(st.sampled_from(Instrument), st.floats(0, 1e4), st.floats(0.01, 1e4) | st.just(math.inf))
def test_a_mute_is_read_as_it_is_written(instrument, begin, lasting):
    begin = float(f"{begin:g}")
    end = begin + lasting if math.isinf(lasting) else float(f"{begin + lasting:g}")
    if begin < end and "e" not in f"{begin:g}{end:g}":
        mute = Mute(instrument, begin, end)
        assert parse_mute(str(mute)) == mute


@pytest.mark.parametrize("text", ["", "drums", "drums@", "drums@4", "kazoo@0-4", "drums@4-4", "drums@8-4", "drums@a-4"])
def test_what_is_no_mute_is_told_how_to_write_one(text):
    with pytest.raises(CmtError, match=r"write INSTRUMENT@BEGIN-END in seconds, e.g. drums@0-4"):
        parse_mute(text)


def test_every_sixteenth_that_reaches_into_a_mute_is_a_rest():
    steady = Timeline.steady(120.0, 32)  # a sixteenth is an eighth of a second
    assert rests_of([Mute(DRUMS, 0.5, 1.0)], steady) == {DRUMS: frozenset(range(4, 8))}
    assert rests_of([Mute(DRUMS, 0.51, 1.01)], steady) == {DRUMS: frozenset(range(4, 9))}
    assert rests_of([Mute(BASS, 3.0, math.inf)], Timeline.steady(120.0, 27.5)) == {BASS: frozenset(range(24, 28))}
    both = rests_of([Mute(DRUMS, 0, 0.25), Mute(DRUMS, 1, 1.25)], steady)
    assert both == {DRUMS: frozenset({0, 1, 8, 9})}
    pickup = Timeline.steady(120.0, 32, 12)
    assert rests_of([Mute(DRUMS, 0, 0.5)], pickup) == {DRUMS: frozenset(range(12, 16))}


def test_who_plays_is_who_does_not_rest():
    playing = Sheet(Timeline.steady(120, 16), (BASS, DRUMS), {DRUMS: frozenset({3})}).playing
    assert playing(2) == (DRUMS, BASS) and playing(3) == (BASS,)


def test_mutes_that_meet_can_last_throughout():
    assert muted_throughout([Mute(DRUMS, 0, 4), Mute(DRUMS, 2, 9)], 9.0) == {DRUMS}
    assert muted_throughout([Mute(DRUMS, 0, 4), Mute(DRUMS, 5, 9)], 9.0) == set()
    assert muted_throughout([Mute(DRUMS, 0, math.inf), Mute(BASS, 1, math.inf)], 9.0) == {DRUMS}


def test_a_mute_after_the_end_is_named():
    check_mutes([Mute(DRUMS, 0, 100)], 5.0)
    with pytest.raises(CmtError, match=r"`mutes` bass@5- lies outside the piece, which lasts 5.000 s"):
        check_mutes([Mute(BASS, 5, math.inf)], 5.0)


def test_no_note_rings_into_a_rest():
    notes = [Note(0, BASS, 40, 16), Note(0, DRUMS, 36, 16), Note(8, BASS, 40, 2)]
    cut = cut_at_rests(notes, {BASS: frozenset({4, 12})})
    assert [note.duration for note in cut] == [4, 16, 2]
