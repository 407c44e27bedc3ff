"""Bars that are written anew between others that stay."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from cmt.config import PRESETS, GenerateConfig
from cmt.music.encoding import decode, encode, notes_of_song
from cmt.music.lead_sheet import empty_sheet, sheet_of
from cmt.music.profile import profile_of_song
from cmt.music.words import BAR, CompoundWord, Mode, WordType
from cmt.network.decoder import Decoder
from cmt.training.model import MusicTransformer, weights_of
from cmt.writing.closing import ENDINGS
from cmt.writing.orders import MOST_AT_ONCE, BarOrders
from cmt.writing.pieces import PieceRequest, write_pieces
from cmt.writing.ranges import PITCH_RANGES
from cmt.writing.rewriting import Rewriting
from midi_io.song import Instrument, Note, Song, Timeline

pytestmark = pytest.mark.slow

SEEDS = range(12)
EVERYONE = frozenset(Instrument)


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    model = MusicTransformer(replace(PRESETS["tiny"], d_model=32, n_layer=1, n_head=2, d_feed_forward=32))
    return Decoder(model.config, weights_of(model))


def some_orders(rng, n_bar, rests):
    """A density in half of the bars, a stroke in some; rests where they are said."""
    orders = {}
    for bar in range(n_bar):
        density = int(rng.integers(2, 10)) if rng.random() < 0.5 else None
        strengths = {}
        if rng.random() < 0.4:
            strengths[int(rng.integers(16)), Instrument(int(rng.integers(5)))] = 1 if rng.random() < 0.5 else None
        orders[bar] = BarOrders(density, strengths, rests.get(bar, frozenset()))
    return orders


@cache
def written(model, seed, n_bar=6):
    """A piece with orders, a lead sheet that repeats bars, a rest, and one of the endings."""
    rng = np.random.default_rng(seed)
    timeline = Timeline.steady(120.0, 16 * n_bar - int(rng.integers(8)), int(rng.integers(2)) * 12)
    rests = {3: frozenset((position, Instrument.PIANO) for position in range(16))}
    orders = some_orders(rng, n_bar, rests)
    ending = list(ENDINGS.values())[seed % len(ENDINGS)]
    request = PieceRequest(timeline, None, tuple(Instrument), 0, Mode.MAJOR, ending)
    (first,) = write_pieces(model, request, [{}], GenerateConfig(seed=seed), [seed], None, [empty_sheet(n_bar)])
    sheet = replace(sheet_of(notes_of_song(first.song), n_bar), accents=frozenset(), mode=Mode.MAJOR)
    lags = np.array([0, 0, 1, 2, 2, 4])
    sheet = replace(sheet, lags=lags, exact=np.where(lags > 0, rng.integers(0, 32, n_bar), 0))
    (piece,) = write_pieces(model, request, [orders], GenerateConfig(seed=seed), [seed], None, [sheet])
    return request, orders, sheet, piece


def rewritten(model, request, orders, sheet, piece, anew, seed):
    config = GenerateConfig(seed=seed)
    return write_pieces(model, request, [orders], config, [seed], None, [sheet], Rewriting(piece.words, anew))[0]


def outside(song, anew):
    return [note for note in song.notes if note.instrument not in anew.get(note.position // 16, ())]


def assert_legal(piece, request, orders):
    """The words announce what comes, orders hold, and every note can be played."""
    song, length = piece.song, request.timeline.length
    bar, onsets, left, strength = -1, set(), None, 0
    for row in piece.words.fields.tolist():
        word = CompoundWord(*row)
        if word.type == WordType.RHYTHM:
            assert strength == 0
            if word.position == BAR:
                assert not left
                bar, onsets, left, before = bar + 1, set(), word.density - 1, (-1, -1)
            else:
                assert (word.position, word.instrument) > before
                before = (word.position, word.instrument)
                onsets.add(word.position)
                left, strength, lowest = word.density - 1, word.strength, 0
                assert 1 <= strength <= MOST_AT_ONCE[Instrument(word.instrument - 1)]
        elif word.type == WordType.NOTE:
            assert strength > 0 and word.pitch > lowest
            strength, lowest = strength - 1, word.pitch
            low, high = PITCH_RANGES[Instrument(word.instrument - 1)]
            assert low <= word.pitch - 1 <= high
        else:
            assert strength == 0 and not left
    assert word.type == WordType.END and bar == request.timeline.n_bar - 1
    assert all(note.position + note.duration <= int(np.ceil(length)) for note in song.notes)
    profile = profile_of_song(song)
    strengths = {(note.bar, note.position, note.instrument): note.strength for note in profile.simu_notes}
    sounding = {
        (position, note.instrument)
        for note in song.notes
        for position in range(note.position, note.position + note.duration)
    }
    for number, its in orders.items():
        kept = its.density is not None and all(1 <= density <= 16 for density in [its.density])
        able = 16 if 0 < number < request.timeline.n_bar - 1 else 0
        if kept and able:
            assert profile.density[number] == max(its.density, len(its.positions()))
        for (position, instrument), strength in its.strengths.items():
            if (position, instrument) in its.rests or not able:
                continue
            assert strengths[number, position, instrument] >= 1
            assert strength in (None, strengths[number, position, instrument])
        for position, instrument in its.rests:
            assert (16 * number + position, instrument) not in sounding


@pytest.mark.parametrize("seed", SEEDS)
def test_every_note_outside_stays_and_what_is_new_is_legal(untrained, seed):
    request, orders, sheet, piece = written(untrained, seed)
    assert_legal(piece, request, orders)
    rng = np.random.default_rng(seed)
    n_bar = request.timeline.n_bar
    first = int(rng.integers(n_bar))
    stretch = range(first, min(n_bar, first + 1 + int(rng.integers(3))))
    one = Instrument(int(rng.integers(5)))
    for anew in (
        dict.fromkeys(stretch, EVERYONE),
        dict.fromkeys(stretch, frozenset([one])),
        {0: frozenset([Instrument.PIANO, one]), 4: frozenset([Instrument.DRUMS])},
    ):
        new = rewritten(untrained, request, orders, sheet, piece, anew, seed + 100)
        assert outside(new.song, anew) == outside(piece.song, anew)
        assert_legal(new, request, orders)
        assert decode(new.words, request.timeline) == new.song  # it stands in its home key


def test_what_is_written_anew_is_other_music_also_where_the_plan_repeats(untrained):
    changed = 0
    for seed in SEEDS[:3]:
        request, orders, sheet, piece = written(untrained, seed)
        anew = {4: EVERYONE, 5: EVERYONE}  # bar 4 repeats bar 2, bar 5 repeats bar 1
        new = rewritten(untrained, request, orders, sheet, piece, anew, seed + 1)
        changed += new.song != piece.song
    assert changed == 3


def test_the_same_seed_writes_the_same_anew_and_another_another(untrained):
    given = written(untrained, 1)
    anew = dict.fromkeys(range(2, 5), EVERYONE)
    songs = [rewritten(untrained, *given, anew, seed).song for seed in (5, 5, 6)]
    assert songs[0] == songs[1] != songs[2]


def test_notes_that_are_held_into_new_bars_sound_on_and_are_not_struck_meanwhile(untrained):
    for seed in SEEDS[:4]:
        request, orders, sheet, piece = written(untrained, seed)
        anew = dict.fromkeys(range(3, 5), EVERYONE)
        new = rewritten(untrained, request, orders, sheet, piece, anew, seed + 1).song
        held = [note for note in piece.song.notes if note.position < 48 < note.position + note.duration]
        assert set(held) <= set(new.notes)
        for note in held:
            strokes = {other.position for other in new.notes if other[1:3] == note[1:3]}
            assert not strokes & set(range(note.position + 1, note.position + note.duration))


def test_new_notes_end_where_their_instrument_plays_its_next_kept_note(untrained):
    for seed in SEEDS[:4]:
        request, orders, sheet, piece = written(untrained, seed)
        anew = dict.fromkeys(range(2, 4), EVERYONE)
        new = rewritten(untrained, request, orders, sheet, piece, anew, seed + 1).song
        for note in new.notes:
            if note.position // 16 in anew:
                behind = [n.position for n in new.notes if n.instrument is note.instrument and n.position >= 64]
                assert note.position + note.duration <= min(behind, default=10_000)


def test_a_stroke_that_cut_a_kept_note_short_leaves_it_short(untrained):
    words = encode(piece_with_a_cut())
    anew = {1: EVERYONE}
    request = PieceRequest(Timeline.steady(120.0, 48), None, None, 0, Mode.MAJOR)
    (new,) = write_pieces(
        untrained, request, [{}], GenerateConfig(), [3], None, [empty_sheet(3)], Rewriting(words, anew)
    )
    assert outside(new.song, anew) == outside(decode(words, request.timeline), anew)


def piece_with_a_cut():
    """A long note that is struck again in the second bar."""
    notes = [Note(8, Instrument.BASS, 36, 24), Note(20, Instrument.BASS, 36, 4), Note(32, Instrument.PIANO, 60, 16)]
    return Song.steady(notes, 120.0, 48)
