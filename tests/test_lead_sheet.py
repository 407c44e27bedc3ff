"""Form, lead sheets and cues: found in songs whose form is known, and told word by word as at once."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmt.music.cues import CUE_SIZES, MOST_SIXTEENTHS, NOTHING_TOLD, CueReader, Cues, bar_cues, cues_of_words
from cmt.music.encoding import NoteArrays, encode_notes
from cmt.music.form import form_of
from cmt.music.lead_sheet import CRASH, FILL, KICK, SNARE, TICK, empty_sheet, sheet_of
from cmt.music.words import CompoundWord
from midi_io.song import Instrument

PHRASES = 4


def notes_of(rows):
    return NoteArrays(*np.array(sorted(set(rows))).T)


def phrase(seed, begin, instruments=(Instrument.PIANO, Instrument.BASS)):
    """Four bars of some random notes, begun at a bar."""
    rng = np.random.default_rng(seed)
    return [
        (16 * (begin + bar) + int(position), instrument, int(rng.integers(40, 70)), 2)
        for bar in range(PHRASES)
        for instrument in instruments
        for position in rng.choice(16, 5, replace=False)
    ]


def song_of_form(form):
    return notes_of([row for k, letter in enumerate(form) for row in phrase(ord(letter), PHRASES * k)])


def test_bars_that_return_are_found_with_their_lags():
    form = form_of(song_of_form("ABAAB"), 20)
    assert form.lags.tolist() == [0] * 8 + [8] * 4 + [12] * 8
    both = (1 << Instrument.PIANO) + (1 << Instrument.BASS)
    assert form.exact.tolist() == [0] * 8 + [both] * 12


def test_a_varied_bar_repeats_but_not_exactly():
    rows = phrase(1, 0) + [row for row in phrase(1, 4)]
    rows = [
        (p, i, pitch + (i == Instrument.PIANO and p == max(r[0] for r in rows if r[1] == i)), d)
        for p, i, pitch, d in rows
    ]
    form = form_of(notes_of(rows), 8)
    assert form.lags[4:].tolist() == [4] * 4
    assert form.exact[4:].tolist() == [(1 << 1) + (1 << 3)] * 3 + [1 << 3]


def test_sections_begin_where_the_texture_changes_and_alike_ones_share_a_letter():
    quiet, full = (Instrument.PIANO,), tuple(Instrument)
    parts = [(1, quiet), (2, quiet), (3, full), (4, full), (1, quiet), (2, quiet)]
    rows = [row for k, (seed, who) in enumerate(parts) for row in phrase(seed, PHRASES * k, who)]
    form = form_of(notes_of(rows), 24)
    assert np.flatnonzero(form.begins).tolist() == [0, 8, 16]
    assert form.letters[[0, 8, 16]].tolist() == [0, 1, 0]


def test_the_sheet_says_who_plays_and_what_the_drums_do():
    drums = [(p, Instrument.DRUMS, key, 1) for p, key in ((0, 36), (0, 49), (4, 38), (2, 42), (6, 42))]
    fill = [(16 * 7 + p, Instrument.DRUMS, key, 1) for p, key in ((8, 45), (10, 45), (12, 43), (14, 41))]
    bass = [(16 * bar, Instrument.BASS, 40, 4) for bar in range(4)]
    sheet = sheet_of(notes_of(drums + fill + bass), 8)
    assert sheet.players.tolist() == [0b1001, 0b1000, 0b1000, 0b1000, 0, 0, 0, 0b1]
    assert sheet.kit.tolist() == [KICK | SNARE | TICK | CRASH, 0, 0, 0, 0, 0, 0, FILL]
    assert sheet.accents == frozenset({0})
    assert sheet.plays(0, Instrument.DRUMS) and not sheet.plays(1, Instrument.DRUMS)


def test_an_empty_sheet_tells_nothing_but_the_place_of_last_notes():
    cues = bar_cues(empty_sheet(3))
    assert not cues.by_half.any() and not cues.by_bar.any() and not cues.by_position.any()
    told = CueReader(empty_sheet(3)).hear(CompoundWord(1, 17, 5, 0, 0, 0, 0), 0)
    assert told == NOTHING_TOLD


def test_the_next_accent_is_counted_down_to():
    sheet = replace(empty_sheet(3), accents=frozenset({3, 40}))
    told = bar_cues(sheet).by_position.tolist()
    assert told[:5] == [4, 3, 2, 1, 1 + MOST_SIXTEENTHS]
    assert told[39:42] == [2, 1, 1 + MOST_SIXTEENTHS]


@pytest.mark.parametrize("first_bar", [0, 3])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_cues_word_by_word_are_those_at_once(first_bar, seed):
    rng = np.random.default_rng(seed)
    n_bar = 6
    rows = rng.integers([0, 0, 40, 1], [16 * n_bar, 5, 80, 20], (80, 4))
    notes = notes_of([tuple(row) for row in rows.tolist()])
    _, first = np.unique(np.stack(notes[:3]), axis=1, return_index=True)
    words = encode_notes(NoteArrays(*(column[first] for column in notes)), n_bar)
    lags = np.minimum(rng.integers(0, 4, n_bar), np.arange(n_bar))
    sheet = replace(sheet_of(notes, n_bar), lags=lags, exact=rng.integers(0, 32, n_bar))
    kept = words.positions >= 16 * first_bar
    fields, positions = words.fields[kept], words.positions[kept]
    cues, sounding = cues_of_words(fields, positions, sheet)
    assert (cues < np.array(CUE_SIZES)).all() and (cues >= 0).all()
    reader = CueReader(sheet)
    for k, (row, position) in enumerate(zip(fields.tolist(), positions.tolist(), strict=True)):
        told = reader.hear(CompoundWord(*row), position)
        assert told.cues == Cues(*cues[k].tolist())
        assert list(told.sounding) == np.flatnonzero(sounding[k]).tolist()
        bar = min(position // 16, n_bar - 1)
        assert told.lag == lags[bar]


def test_a_player_hears_who_spoke_before_and_not_itself():
    rows = [
        (0, Instrument.PIANO, 60, 8),
        (0, Instrument.GUITAR, 64, 4),
        (4, Instrument.PIANO, 67, 4),
        (6, Instrument.BASS, 36, 2),
    ]
    words = encode_notes(notes_of(rows), 1)
    reader = CueReader(empty_sheet(1))
    heard = {}
    for row, position in zip(words.fields.tolist(), words.positions.tolist(), strict=True):
        word = CompoundWord(*row)
        told = reader.hear(word, position)
        if word.type == 1 and word.instrument:
            heard[position, word.instrument - 1] = (told.sounding, told.cues.last_pitch)
    assert heard == {
        (0, Instrument.PIANO): ((), 0),
        (0, Instrument.GUITAR): ((0,), 0),
        (4, Instrument.PIANO): ((), 61),  # the guitar's E ends where the piano's G begins
        (6, Instrument.BASS): ((0, 7), 0),
    }
