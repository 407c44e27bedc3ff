"""Echoes tell what followed at the same place, and nothing of what is to come."""

import numpy as np
import pytest
from networks import ECHO_BARS, example

from cmt.music.encoding import encode
from cmt.music.words import CompoundWord
from cmt.network.echo import NONE, EchoMemory, agreement, echoes, places
from midi_io.song import Instrument, Note, Song

BARS = (1, 2, 4)


def repeated(n_bar, bars_of_pattern):
    """A song that repeats a pattern of so many bars to the letter."""
    drawn = np.random.default_rng(0).integers([0, 0, 40], [16 * bars_of_pattern, 5, 80], (20 * bars_of_pattern, 3))
    pattern = {(position, Instrument(track), pitch) for position, track, pitch in drawn.tolist()}
    notes = [
        Note(position + 16 * bars_of_pattern * k, track, pitch, 2)
        for k in range(n_bar // bars_of_pattern)
        for position, track, pitch in pattern
    ]
    return encode(Song.steady(tuple(notes), 120, 16 * n_bar))


def test_words_stand_in_the_order_of_their_places():
    words = example()
    assert (np.diff(places(words.fields, words.positions)) > 0).all()


@pytest.mark.parametrize("bars_of_pattern", [1, 2])
def test_where_music_repeats_itself_the_echo_foretells_every_word(bars_of_pattern):
    words = repeated(8, bars_of_pattern)
    echo = echoes(words.fields, words.positions, BARS)
    inside = (words.positions >= 16 * bars_of_pattern) & (words.positions < 16 * 7)
    k = BARS.index(bars_of_pattern)
    (at,) = np.nonzero(inside)
    assert (words.fields[at + 1] == words.fields[echo[at, k]]).all()
    shares = agreement(words.fields, echo)
    settled = words.positions >= 16 * 6
    assert (shares[settled & inside][:, [k, len(BARS) + k]] == 1).all()
    if bars_of_pattern == 2:  # the echo of one bar is wrong
        assert shares[:, 0].max() < 1


def test_there_is_no_echo_before_the_piece():
    words = repeated(8, 1)
    echo = echoes(words.fields, words.positions, BARS)
    for k, bars in enumerate(BARS):
        assert ((echo[:, k] == NONE) == (words.positions < 16 * bars)).all()
    assert not agreement(words.fields, echo)[words.positions < 16].any()


def test_echoes_tell_nothing_of_what_is_to_come():
    words = example(n_bar=6)
    echo = echoes(words.fields, words.positions, BARS)
    assert (echo <= np.arange(len(echo))[:, None]).all()
    cut = len(echo) // 2
    before = echoes(words.fields[:cut], words.positions[:cut], BARS)
    assert (before == echo[:cut]).all()
    assert (agreement(words.fields[:cut], before) == agreement(words.fields, echo)[:cut]).all()


def test_word_by_word_the_echoes_are_the_same(monkeypatch):
    monkeypatch.setattr("cmt.network.echo._MANY_WORDS", 50)  # so that what is too old is forgotten
    for words in (repeated(8, 2), example(n_bar=12)):
        echo, memory = echoes(words.fields, words.positions, BARS), EchoMemory(BARS)
        shares = agreement(words.fields, echo)
        for i, (row, position) in enumerate(zip(words.fields.tolist(), words.positions.tolist(), strict=True)):
            found = memory.hear(CompoundWord(*row), position)
            assert found == [None if j == NONE else CompoundWord(*words.fields[j].tolist()) for j in echo[i].tolist()]
            assert memory.agreement() == pytest.approx(shares[i].tolist())
    assert len(memory._places) < len(words.positions)


def test_a_memory_that_is_moved_foretells_the_same():
    piece = example(n_bar=4)
    stays, moves = EchoMemory(ECHO_BARS), EchoMemory(ECHO_BARS)
    half = len(piece.fields) // 2
    for i, (row, position) in enumerate(zip(piece.fields.tolist(), piece.positions.tolist(), strict=True)):
        if i == half:
            moves.move(-32)
        word = CompoundWord(*row)
        assert moves.hear(word, position - 32 * (i >= half)) == stays.hear(word, position)
        assert moves.agreement() == stays.agreement()
    assert any(stays.agreement())
