"""Keys are estimated, named, and reached by transposition."""

import pytest

from cmt.errors import CmtError
from cmt.music.key import Key, key_of_song, parse_key, semitones_to_home
from cmt.music.words import Mode
from midi_io.song import Instrument, Note, Song

C_MAJOR = [60, 64, 67, 65, 69, 72, 67, 71, 74, 60, 64, 67]
A_MINOR = [57, 60, 64, 62, 65, 69, 64, 68, 71, 57, 60, 64]


def song_of(pitches, transposed=0):
    notes = [Note(i, Instrument.PIANO, pitch + transposed, 1) for i, pitch in enumerate(pitches)]
    drums = [Note(i, Instrument.DRUMS, 37, 1) for i in range(16)]  # 37 is no C sharp
    return Song.steady((*notes, *drums), 120, 16)


@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_cadence_is_found_in_every_transposition(tonic):
    assert key_of_song(song_of(C_MAJOR, tonic)) == Key(tonic, Mode.MAJOR)
    assert key_of_song(song_of(A_MINOR, tonic)) == Key((9 + tonic) % 12, Mode.MINOR)


@pytest.mark.parametrize("tonic", range(12))
def test_home_is_c_major_or_a_minor(tonic):
    song = song_of(C_MAJOR, tonic)
    assert key_of_song(song.transposed(semitones_to_home(key_of_song(song)))) == Key(0, Mode.MAJOR)


def test_drums_are_never_transposed():
    drums = [note.pitch for note in song_of(C_MAJOR).transposed(5).notes if note.instrument is Instrument.DRUMS]
    assert set(drums) == {37}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("F#:minor", (6, Mode.MINOR)), ("gb", (6, None)), (":major", (None, Mode.MAJOR)), ("Bb:Major", (10, Mode.MAJOR))],
)
def test_keys_are_read_as_musicians_write_them(text, expected):
    assert parse_key(text) == expected


@pytest.mark.parametrize("text", ["H:minor", "C:dorian", "", "F#minor"])
def test_a_key_that_does_not_exist_is_refused_with_those_that_do(text):
    with pytest.raises(CmtError, match=r"C, C#, D, Eb.*major, minor"):
        parse_key(text)
