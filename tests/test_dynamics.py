"""How a song is played: louder on the beat, at accents and towards the summit of a phrase; rings at the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_io import Instrument, Note, Song, close_ending, perform

PIANO, BASS, DRUMS, STRINGS = Instrument.PIANO, Instrument.BASS, Instrument.DRUMS, Instrument.STRINGS


@st.composite
def songs(draw):
    note = st.builds(
        Note, st.integers(0, 70), st.sampled_from(Instrument), st.integers(58, 64), st.integers(1, 20), st.just(80)
    )
    return Song.steady(tuple(draw(st.lists(note, max_size=40))), 120.0, draw(st.integers(0, 640)) / 10)


def velocities(song, accents=()):
    return [note.velocity for note in perform(song, accents).notes]


def sixteenths(instrument=PIANO, n_bar=1):
    return Song.steady(tuple(Note(position, instrument, 60, 1) for position in range(16 * n_bar)), 120.0, 16 * n_bar)


def test_a_downbeat_is_louder_than_a_beat_than_an_offbeat_than_what_lies_between():
    loudness = velocities(sixteenths())
    assert loudness[0] > loudness[4] > loudness[2] > loudness[1]
    assert loudness[8] > loudness[12] - 3


def test_a_phrase_grows_and_the_next_one_begins_anew_and_answers():
    downbeats = velocities(sixteenths(n_bar=9))[::16]
    assert downbeats[0] < downbeats[1] < downbeats[2] < downbeats[3] > downbeats[4]
    assert downbeats[3] - downbeats[0] >= 8  # 8 more are heard: about a decibel
    assert downbeats[4] > downbeats[0] == downbeats[8]


def test_a_bar_with_more_to_play_is_louder():
    def four_bars(n_in_third):
        onsets = [*range(0, 32, 4), *range(32, 32 + n_in_third), *range(48, 64, 4)]
        return velocities(Song.steady(tuple(Note(onset, BASS, 40, 1) for onset in onsets), 120.0, 64))[8]

    assert four_bars(1) < four_bars(4) < four_bars(8) < four_bars(12) == four_bars(16)


def test_an_accented_position_is_louder_and_no_other_changes():
    plain, accented = velocities(sixteenths()), velocities(sixteenths(), accents=[5])
    louder = [position for position in range(16) if accented[position] != plain[position]]
    assert louder == [5]
    assert accented[5] > max(plain[4], plain[6])


def test_accents_outside_the_piece_do_no_harm():
    assert velocities(sixteenths(), accents=[-3, 999]) == velocities(sixteenths())


@pytest.mark.parametrize("key", [36, 38, 42, 50, 56, 70])
def test_an_accent_is_louder_than_the_drum_ever_is_without(key):
    drums = Song.steady(tuple(Note(position, DRUMS, key, 1) for position in range(16)), 120.0, 16)
    plain = velocities(drums)
    for position in range(16):
        assert velocities(drums, accents=[position])[position] > max(plain)


def test_the_bass_carries_and_held_chords_stay_behind():
    bass = velocities(sixteenths(BASS))[0]
    tune = velocities(Song.steady((Note(0, STRINGS, 72, 2),), 120.0, 16))[0]
    held = velocities(Song.steady(tuple(Note(0, STRINGS, pitch, 16) for pitch in (60, 64, 67, 72)), 120.0, 16))
    assert bass > velocities(sixteenths())[0]
    assert tune > max(held) + 15


def test_a_drummer_strikes_the_backbeat_ghosts_and_alternates():
    kick, snare, hat = (
        velocities(Song.steady(tuple(Note(position, DRUMS, key, 1) for position in range(16)), 120.0, 16))
        for key in (36, 38, 42)
    )
    assert min(snare[4], snare[12]) > max(snare[0], snare[8]) + 8 > snare[10] > snare[7] + 8
    assert snare[14] > snare[6], "a fill grows into the next bar"
    assert all(hat[beat] > hat[beat + 2] + 8 > hat[beat + 1] for beat in range(0, 16, 4))
    assert kick[0] > kick[4] > kick[10]


def test_a_tune_grows_as_it_rises():
    tune = [0, 2, 4, 5, 4, 2]
    louder = velocities(Song.steady(tuple(Note(4 * n, PIANO, 60 + pitch, 4) for n, pitch in enumerate(tune)), 120, 32))
    flat = velocities(Song.steady(tuple(Note(4 * n, PIANO, 60, 4) for n in range(6)), 120.0, 32))
    differences = [a - b for a, b in zip(louder, flat, strict=True)]
    assert differences[0] == 0 < min(differences[1:4])
    assert max(differences[4:]) < 0


@given(songs(), st.lists(st.integers(0, 70)))
def test_velocities_are_those_of_midi(song, accents):
    assert all(1 <= velocity <= 127 for velocity in velocities(song, accents))


def test_a_hi_hat_is_softer_than_a_kick():
    song = Song.steady((Note(0, DRUMS, 36, 1), Note(0, DRUMS, 42, 1)), 120.0, 16)
    kick, hat = velocities(song)
    assert hat < kick - 8


def test_the_top_of_a_chord_is_heard_above_the_rest():
    song = Song.steady(tuple(Note(0, PIANO, pitch, 4) for pitch in (60, 64, 67)), 120.0, 16)
    low, middle, top = velocities(song)
    assert top > low + 5
    assert low == middle


@given(songs(), st.lists(st.integers(0, 70)))
def test_performing_changes_nothing_but_velocity_and_twice_gives_the_same(song, accents):
    played = perform(song, accents)
    assert [note[:4] for note in played.notes] == [note[:4] for note in song.notes]
    assert (played.tempo, played.length) == (song.tempo, song.length)
    assert perform(song, iter(accents)) == played == perform(played, accents)


def test_the_last_notes_of_every_pitched_instrument_ring_to_the_end():
    song = Song.steady(
        (
            Note(16, DRUMS, 36, 1),
            Note(16, PIANO, 60, 2),
            Note(20, PIANO, 60, 2),
            Note(20, PIANO, 64, 1),
            Note(24, BASS, 36, 1),
            Note(24, DRUMS, 38, 1),
        ),
        120.0,
        32,
    )
    assert close_ending(song).notes == (
        Note(16, DRUMS, 36, 1),
        Note(16, PIANO, 60, 2),
        Note(20, PIANO, 60, 12),
        Note(20, PIANO, 64, 12),
        Note(24, DRUMS, 38, 1),
        Note(24, BASS, 36, 8),
    )


def test_an_instrument_silent_in_the_last_bar_does_not_come_back():
    song = Song.steady((Note(0, PIANO, 60, 2), Note(16, BASS, 36, 2)), 120.0, 32)
    assert close_ending(song).notes == (Note(0, PIANO, 60, 2), Note(16, BASS, 36, 16))


def test_a_last_bar_that_is_cut_off_soon_counts_with_the_one_before():
    song = Song.steady((Note(0, PIANO, 60, 2), Note(16, BASS, 36, 2), Note(24, PIANO, 64, 2)), 120.0, 37)
    assert close_ending(song).notes == (Note(0, PIANO, 60, 2), Note(16, BASS, 36, 21), Note(24, PIANO, 64, 13))


def test_without_a_start_in_the_last_bar_what_sounds_last_rings_on():
    song = Song.steady(
        (Note(0, PIANO, 60, 4), Note(8, PIANO, 62, 4), Note(4, BASS, 36, 8), Note(17, DRUMS, 36, 1)), 120.0, 32
    )
    ends = {(note.instrument, note.pitch): note.position + note.duration for note in close_ending(song).notes}
    assert ends == {(PIANO, 60): 4, (PIANO, 62): 32, (BASS, 36): 32, (DRUMS, 36): 18}


def test_notes_that_reach_beyond_the_end_all_end_there():
    song = Song.steady((Note(0, PIANO, 60, 40), Note(2, BASS, 36, 50)), 120.0, 32)
    assert close_ending(song).notes == (Note(0, PIANO, 60, 32), Note(2, BASS, 36, 30))


def test_what_rings_on_is_what_still_sounds_after_a_pitch_is_struck_again():
    song = Song.steady((Note(0, PIANO, 60, 10), Note(2, PIANO, 60, 4)), 120.0, 32)
    assert close_ending(song).notes == (Note(0, PIANO, 60, 2), Note(2, PIANO, 60, 30))


def test_a_length_between_two_sixteenths_is_rounded_up():
    song = Song.steady((Note(16, PIANO, 60, 1),), 120.0, 20.3)
    assert close_ending(song).notes == (Note(16, PIANO, 60, 5),)


@pytest.mark.parametrize("notes", [(), (Note(0, DRUMS, 36, 1),)])
def test_a_song_without_pitched_notes_is_left_alone(notes):
    song = Song.steady(notes, 120.0, 32)
    assert close_ending(song) == song


@given(songs())
def test_closing_keeps_every_onset_and_no_pitch_sounds_twice_at_once(song):
    closed = close_ending(song)
    assert {note[:3] for note in closed.notes} == {note[:3] for note in song.notes}
    heard = set()
    for note in closed.notes:
        for position in range(note.position, note.position + note.duration):
            assert (position, note.instrument, note.pitch) not in heard
            heard.add((position, note.instrument, note.pitch))


@given(songs())
def test_closing_an_ending_again_changes_nothing(song):
    closed = close_ending(song)
    assert close_ending(closed) == closed
