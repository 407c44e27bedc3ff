"""Any model's output is a valid song that keeps its orders."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import QUICK

from cmt.config import GenerateConfig
from cmt.music.chords import Chord, Quality, number_of
from cmt.music.cues import CueReader
from cmt.music.encoding import decode, encode, timing_bins
from cmt.music.key import Key
from cmt.music.lead_sheet import empty_sheet
from cmt.music.profile import RhythmProfile, SimuNote, profile_of_song
from cmt.music.words import CompoundWord, Genre, Mode, initial_words
from cmt.network.decoder import Decoder
from cmt.planning.control import draw_orders
from cmt.training.model import MusicTransformer, weights_of
from cmt.writing.closing import closing_of
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import KEPT_BARS, PieceRequest, write_piece, write_pieces
from cmt.writing.ranges import PITCH_RANGES
from midi_io.song import Instrument, Timeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return Decoder(QUICK, weights_of(MusicTransformer(QUICK)))


ORDERS = st.dictionaries(
    st.integers(0, 3),
    st.builds(
        BarOrders,
        st.none(),
        st.dictionaries(st.tuples(st.integers(0, 15), st.sampled_from(Instrument)), st.integers(1, 4), max_size=5),
    ),
)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), start=st.integers(0, 15), length=st.floats(49, 64), orders=ORDERS)
def test_any_model_output_decodes_to_a_valid_song(untrained, seed, start, length, orders):
    orders = {
        bar: BarOrders(
            order.density, {place: s for place, s in order.strengths.items() if start <= bar * 16 + place[0] < length}
        )
        for bar, order in orders.items()
    }
    piece = write_piece(
        untrained,
        PieceRequest(Timeline.steady(120, length, start)),
        orders,
        GenerateConfig(seed=seed, temperature=1.5),
    )
    song = piece.song
    assert (song.n_bar, song.start, song.length) == (4, start, length)
    assert song.duration == pytest.approx((length - start) / 8)
    assert song.notes[-1].position >= 16 * closing_of(piece.song.timeline).bar, "the closing bar is not silent"
    ends: dict = {}
    for note in song.notes:
        assert start <= note.position < length
        low, high = PITCH_RANGES[note.instrument]
        assert low <= note.pitch <= high
        assert ends.get((note.instrument, note.pitch), 0) <= note.position, "no pitch sounds twice at once"
        ends[note.instrument, note.pitch] = note.position + note.duration
    at_home = decode(piece.words, piece.song.timeline)
    assert np.array_equal(encode(at_home).fields[:, :4], piece.words.fields[:, :4])
    obtained = {(n.bar, n.position, n.instrument): n.strength for n in profile_of_song(at_home).simu_notes}
    for bar, order in orders.items():
        for (position, instrument), strength in order.strengths.items():
            assert obtained[bar, position, instrument] == strength


def test_densities_that_are_ordered_are_kept_to_the_letter(untrained):
    wishes = RhythmProfile((16, 1, 7, 12), (SimuNote(2, 3, Instrument.GUITAR, 4),))
    orders = draw_orders(wishes, 1.0, seed=0)
    piece = write_piece(untrained, PieceRequest(Timeline.steady(120, 64)), orders, GenerateConfig())
    assert profile_of_song(piece.song).density == wishes.density


def test_orders_that_cannot_be_kept_are_named(untrained):
    orders = {0: BarOrders(20, {(0, Instrument.BASS): 20})}
    piece = write_piece(untrained, PieceRequest(Timeline.steady(120, 32)), orders, GenerateConfig())
    assert [line.split(":")[0] for line in piece.notes] == ["bar 1", "bass"]
    assert profile_of_song(piece.song).density[0] == 16


def test_orders_that_nobody_gives_change_nothing(untrained):
    request = PieceRequest(Timeline.steady(96.0, 50), Genre.POP, tuple(Instrument))
    wishes = RhythmProfile((5, 6, 7, 5), (SimuNote(1, 3, Instrument.GUITAR, 4),))
    free = write_piece(untrained, request, {}, GenerateConfig(seed=3))
    assert write_piece(untrained, request, draw_orders(wishes, 0.0, seed=3), GenerateConfig(seed=3)).song == free.song
    assert write_piece(untrained, request, draw_orders(wishes, 0.7, seed=3), GenerateConfig(seed=3)).song != free.song


def test_the_same_seed_writes_the_same_piece_and_another_another(untrained):
    def notes(seed):
        return write_piece(untrained, PieceRequest(Timeline.steady(120, 32)), {}, GenerateConfig(seed=seed)).song.notes

    assert notes(1) == notes(1)
    assert notes(1) != notes(2)


@pytest.mark.parametrize("genre", [None, Genre.ROCK])
def test_takes_side_by_side_are_the_pieces_of_their_seeds(untrained, genre):
    request = PieceRequest(Timeline.steady(120, 40), genre, tuple(Instrument))
    orders = [{1: BarOrders(density)} for density in (3, 16, 0)]
    bars = []
    takes = write_pieces(untrained, request, orders, GenerateConfig(), (5, 0, 7), lambda *done: bars.append(done))
    for take, its_orders, seed in zip(takes, orders, (5, 0, 7), strict=True):
        alone = write_piece(untrained, request, its_orders, GenerateConfig(seed=seed))
        assert np.array_equal(take.words.fields, alone.words.fields)
        assert (take.song, take.key) == (alone.song, alone.key)
    assert len({len(take.words.fields) for take in takes}) == 3, "the takes do not end together"
    assert bars == sorted(set(bars)) and bars[-1] == (9, 9)


def test_guidance_drives_the_genre_and_nothing_without_one(untrained):
    def notes(genre, guidance):
        return write_piece(
            untrained, PieceRequest(Timeline.steady(120, 32), genre), {}, GenerateConfig(guidance=guidance)
        ).song.notes

    assert notes(Genre.ROCK, 0.0) == notes(None, 1.0)
    assert notes(None, 5.0) == notes(None, 1.0)
    assert notes(Genre.ROCK, 5.0) != notes(Genre.ROCK, 1.0)


def test_just_the_instruments_that_were_asked_for_play(untrained):
    for wanted in [(Instrument.BASS,), (Instrument.DRUMS, Instrument.STRINGS), tuple(Instrument)]:
        piece = write_piece(untrained, PieceRequest(Timeline.steady(120, 16), Genre.ROCK, wanted), {}, GenerateConfig())
        assert piece.song.instruments == wanted


def test_the_piece_is_moved_to_the_key_that_was_asked_for(untrained):
    request = PieceRequest(Timeline.steady(120, 32), tonic=6, mode=Mode.MINOR)
    piece = write_piece(untrained, request, {}, GenerateConfig())
    at_home = decode(piece.words, request.timeline)
    moved = {
        (b.pitch - a.pitch) % 12 for a, b in zip(at_home.notes, piece.song.notes, strict=False) if a.instrument != 0
    }
    assert piece.key == Key(6, Mode.MINOR)
    assert moved == {9}  # from A up to F sharp


def test_a_long_piece_goes_on_from_the_bars_that_are_still_known(untrained, monkeypatch):
    monkeypatch.setattr("cmt.writing.pieces.HEARD_BARS", 16)
    orders = {bar: BarOrders(1, {(0, Instrument.BASS): 1}) for bar in range(50)}
    request = PieceRequest(Timeline.steady(120, 50 * 16), Genre.POP, (Instrument.BASS,))
    heard = []
    step = untrained.step

    def listening(words, positions, timings, state, told):
        hidden = step(words, positions, timings, state, told)
        heard.append((words[0], positions[0], timings[0], hidden[0]))
        return hidden

    monkeypatch.setattr(untrained, "step", listening)
    words = write_piece(untrained, request, orders, GenerateConfig(seed=3)).words
    monkeypatch.setattr(untrained, "step", step)
    assert max(position for _, position, _, _ in heard) < 2 * 16 * 16, "positions stay within those of training"
    takes = write_pieces(untrained, request, [orders] * 2, GenerateConfig(), (4, 3))
    assert np.array_equal(takes[1].words.fields, words.fields)

    # What the network knows at the end is what a network knows that has heard just the bars from 40 on.
    known = [i for i, position in enumerate(words.positions) if position >= (48 - KEPT_BARS) * 16]
    state = untrained.new_state()
    untrained.start([initial_words(Genre.POP, None, 120, (Instrument.BASS,))], state)
    cues = CueReader(empty_sheet(50))
    told = [
        cues.hear(CompoundWord(*word), position)
        for word, position in zip(words.fields.tolist(), words.positions.tolist(), strict=True)
    ]
    for i in known[:-1]:
        word, position = CompoundWord(*words.fields[i].tolist()), int(words.positions[i])
        timing = int(timing_bins(np.array([position]), 50 * 16)[0])
        hidden = untrained.step([word], [position - 32 * 16], [timing], state, [told[i]])
    assert np.allclose(hidden[0], heard[-1][3], atol=1e-5)


RESTS = st.dictionaries(
    st.integers(0, 3),
    st.frozensets(st.tuples(st.integers(0, 15), st.sampled_from(Instrument)), max_size=60),
)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), rests=RESTS)
def test_an_instrument_neither_begins_in_a_rest_nor_rings_into_it(untrained, seed, rests):
    orders = {bar: BarOrders(rests=places) for bar, places in rests.items()}
    request = PieceRequest(Timeline.steady(120, 60), instruments=tuple(Instrument))
    song = write_piece(untrained, request, orders, GenerateConfig(seed=seed, temperature=1.5)).song
    for note in song.notes:
        for position in range(note.position, note.position + note.duration):
            bar, in_bar = divmod(position, 16)
            assert (in_bar, note.instrument) not in rests.get(bar, ())
    assert song.instruments == tuple(Instrument)


def test_where_all_rest_nothing_sounds_and_who_rests_in_the_second_half_enters_before(untrained):
    everyone = frozenset((position, instrument) for position in range(16) for instrument in Instrument)
    bass = frozenset((position, Instrument.BASS) for position in range(16))
    orders = {0: BarOrders(3), 1: BarOrders(rests=bass), 2: BarOrders(rests=bass), 3: BarOrders(rests=everyone)}
    song = write_piece(
        untrained, PieceRequest(Timeline.steady(120, 64), instruments=tuple(Instrument)), orders, GenerateConfig()
    ).song
    assert profile_of_song(song).density[0] == 3 and profile_of_song(song).density[3] == 0
    assert max(note.position + note.duration for note in song.notes) <= 48
    assert {note.position // 16 for note in song.notes if note.instrument is Instrument.BASS} == {0}


def test_notes_lean_to_chords_that_are_asked_for(untrained, monkeypatch):
    monkeypatch.setattr("cmt.writing.pieces.CHORD_LEAN_IF_ASKED", 20.0)
    sheet = replace(empty_sheet(4), chords=np.full(8, number_of(Chord(0, Quality.MAJOR))))

    def share(has_chords: bool) -> float:
        request = PieceRequest(Timeline.steady(120, 64), tonic=0, mode=Mode.MAJOR, has_chords=has_chords)
        (piece,) = write_pieces(untrained, request, [{}], GenerateConfig(seed=1), [1], sheets=[sheet])
        pitches = [n.pitch % 12 for n in piece.song.notes if n.instrument is not Instrument.DRUMS and n.position < 48]
        return sum(pitch in (0, 4, 7) for pitch in pitches) / len(pitches)

    assert share(True) > 1.5 * share(False), "the highest notes of large chords have no choice left"
