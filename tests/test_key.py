"""Keys are estimated, named, and reached by transposition."""

import pytest

from cmt.errors import CmtError
from cmt.music.chords import key_of_chords, parse_chord, share_in_scale
from cmt.music.key import KEYS, Key, WishedKey, key_of_song, parse_key, semitones_to_home
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
    [
        ("F#:minor", (6, Mode.MINOR)),
        ("gb", (6, None)),
        (":major", (None, Mode.MAJOR)),
        ("Bb:Major", (10, Mode.MAJOR)),
        ("F♯", (6, None)),
    ],
)
def test_keys_are_read_as_musicians_write_them(text, expected):
    assert parse_key(text) == expected


@pytest.mark.parametrize("text", ["H:minor", "C:dorian", "", "F#minor"])
def test_a_key_that_does_not_exist_is_refused_with_those_that_do(text):
    with pytest.raises(CmtError, match=r"C, C#, D, Eb.*major, minor"):
        parse_key(text)


def row_of(text):
    return [parse_chord(name) for name in text.split()]


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("C G Am F", "C:major"),
        ("Am F C G", "A:minor"),
        ("Em B7 Em", "E:minor"),
        ("Dm G C", "C:major"),
        ("Dm7 G7 Cmaj7", "C:major"),
        ("F G Em Am", "A:minor"),
        ("D A Bm G", "D:major"),
        ("Am G F E", "A:minor"),
        ("C7 F7 C7 G7", "C:major"),
        ("E5 G5 A5 E5", "E:minor"),
        ("Bb Gm Eb F", "Bb:major"),
        ("C", "C:major"),
        ("F#m", "F#:minor"),
    ],
)
def test_chords_have_the_key_of_their_notes_and_of_the_first_and_the_last(chords, key):
    assert str(key_of_chords(row_of(chords))) == key
    up = [chord.transposed(5) for chord in row_of(chords)]
    assert key_of_chords(up) == ((KEYS[key].tonic + 5) % 12, KEYS[key].mode)


def test_what_is_wished_of_a_key_stays_and_the_rest_is_the_chords():
    chords = row_of("C G Am F")
    assert key_of_chords(chords, WishedKey(None, Mode.MINOR)) == Key(9, Mode.MINOR)
    assert key_of_chords(chords, WishedKey(7)) == Key(7, Mode.MAJOR)
    assert key_of_chords(chords, WishedKey(6, Mode.MINOR)) == Key(6, Mode.MINOR)
    assert share_in_scale(chords, KEYS["C:major"]) == 1.0
    assert share_in_scale(row_of("C F#"), KEYS["C:major"]) == 0.5
    with pytest.raises(ValueError, match="no chords"):
        key_of_chords([])


@pytest.mark.parametrize(
    ("key", "chords", "spelled"),
    [
        ("Eb:major", "C# G#m F#", "Db Abm Gb"),
        ("E:major", "Abm Ebdim Bb", "G#m D#dim A#"),
        ("C:major", "C# Eb F# Ab Bb", "Db Eb F# Ab Bb"),
        ("A:minor", "Abdim Bb Eb", "G#dim Bb Eb"),
        ("C#:major", "C# Ebm F#", "Db Ebm Gb"),
        ("Ab:minor", "Abm Eb7 B", "G#m D#7 B"),
    ],
)
def test_chords_are_spelled_as_in_their_key(key: str, chords: str, spelled: str):
    parsed = [parse_chord(chord) for chord in chords.split()]
    names = [chord.spelled(KEYS[key]) for chord in parsed]
    assert names == spelled.split()
    assert [parse_chord(name) for name in names] == parsed
