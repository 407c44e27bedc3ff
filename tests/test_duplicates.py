"""Copies of a song are found, in other keys, at other places, a little changed; other songs are not."""

import numpy as np
import pytest

from cmt.corpus.duplicates import fingerprint, groups, shingles
from cmt.music.encoding import NoteArrays
from midi_io.song import Instrument


def tune(seed: int, n_bar: int = 48) -> NoteArrays:
    """A song that is like no other: chords, a bass and drums that repeat."""
    rng = np.random.default_rng(seed)
    notes = []
    for bar in range(n_bar):
        for position in np.flatnonzero(rng.random(16) < 0.5):
            notes += [(16 * bar + position, Instrument.PIANO, pitch, 2) for pitch in rng.integers(48, 84, 2)]
        notes += [(16 * bar + position, Instrument.BASS, 40 + rng.integers(12), 4) for position in (0, 8)]
        notes += [(16 * bar + position, Instrument.DRUMS, 36 + position % 8, 1) for position in range(0, 16, 4)]
    return NoteArrays(*np.array(sorted(set(notes)), dtype=np.int64).T)


def transposed(notes: NoteArrays, semitones: int) -> NoteArrays:
    return notes._replace(pitch=np.where(notes.instrument == Instrument.DRUMS, notes.pitch, notes.pitch + semitones))


def shifted(notes: NoteArrays, positions: int) -> NoteArrays:
    return notes._replace(position=notes.position + positions)


def changed(notes: NoteArrays, share: float) -> NoteArrays:
    """Some notes a semitone higher, by chance."""
    wrong = np.random.default_rng(0).random(len(notes.pitch)) < share
    return notes._replace(pitch=notes.pitch + wrong)


def other_sounds(notes: NoteArrays) -> NoteArrays:
    return notes._replace(
        instrument=np.where(notes.instrument == Instrument.PIANO, Instrument.STRINGS, notes.instrument),
        duration=notes.duration + 1,
    )


def without_drums(notes: NoteArrays) -> NoteArrays:
    return NoteArrays(*(column[notes.instrument != Instrument.DRUMS] for column in notes))


def first_half(notes: NoteArrays) -> NoteArrays:
    return NoteArrays(*(column[: len(notes.pitch) // 2] for column in notes))


def grouped(songs: list[NoteArrays]) -> list[int]:
    return groups([fingerprint(song) for song in songs], [shingles(song) for song in songs]).tolist()


def test_a_transposition_leaves_the_fingerprint_and_a_drum_or_a_note_does_not():
    song = tune(0)
    assert fingerprint(transposed(song, 5)) == fingerprint(song)
    assert fingerprint(NoteArrays(*(column[::-1] for column in song))) == fingerprint(song)
    assert fingerprint(song._replace(pitch=song.pitch + (song.instrument == Instrument.DRUMS))) != fingerprint(song)
    assert fingerprint(changed(song, 0.01)) != fingerprint(song)


@pytest.mark.parametrize(
    "copy",
    [
        lambda song: song,
        lambda song: transposed(song, -7),
        lambda song: shifted(song, 6),
        lambda song: changed(song, 0.02),
        other_sounds,
        without_drums,
        first_half,
        lambda song: shifted(transposed(changed(other_sounds(first_half(song)), 0.01), 3), 16),
    ],
)
def test_a_copy_is_found_among_others(copy):
    songs = [tune(1), tune(2), copy(tune(1)), tune(3)]
    assert grouped(songs) == [0, 1, 0, 3]


def test_songs_that_share_a_passage_are_two():
    one, other = tune(1), tune(2)
    quoted = [np.r_[a, b[: len(b) // 4]] for a, b in zip(one, shifted(other, 16 * 48), strict=True)]
    assert grouped([NoteArrays(*quoted), other]) == [0, 1]


def test_being_alike_is_passed_on():
    song = tune(1)
    begin, end = first_half(song), NoteArrays(*(column[len(song.pitch) // 2 :] for column in song))
    assert grouped([begin, end]) == [0, 1]
    assert grouped([begin, tune(2), end, song]) == [0, 1, 0, 0]


def test_the_order_of_the_songs_does_not_matter():
    songs = [tune(1), tune(2), transposed(tune(1), 2), changed(tune(2), 0.01), tune(3), tune(1)]
    sets = set()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(songs))
        leaders = grouped([songs[i] for i in order])
        by_leader: dict[int, list[int]] = {}
        for i, leader in zip(order.tolist(), leaders, strict=True):
            by_leader.setdefault(leader, []).append(i)
        sets.add(frozenset(frozenset(members) for members in by_leader.values()))
    assert sets == {frozenset({frozenset({0, 2, 5}), frozenset({1, 3}), frozenset({4})})}


def test_what_everybody_plays_makes_no_copies():
    """A repeated note, silence, drums alone: too plain to tell by, unless they are equal in all."""
    repeated = NoteArrays(*np.array([(2 * i, Instrument.BASS, 40, 2) for i in range(300)]).T)
    longer = NoteArrays(*np.array([(2 * i, Instrument.BASS, 45, 2) for i in range(400)]).T)
    silent = NoteArrays(*np.zeros((4, 0), dtype=np.int64))
    assert grouped([repeated, longer, silent, tune(1)]) == [0, 1, 2, 3]
    assert grouped([repeated, transposed(repeated, 1)]) == [0, 0]
    assert len(shingles(silent)) == 0 and len(shingles(repeated)) <= 1
