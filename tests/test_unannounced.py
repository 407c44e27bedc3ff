"""Networks that never knew of a control attribute write songs all the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import TINY

from cmt.config import CONTROLS, GenerateConfig
from cmt.music.encoding import timing_bins
from cmt.music.profile import profile_of_song
from cmt.music.words import BAR, FIELDS, WordType
from cmt.network.decoder import Decoder
from cmt.training.model import MusicTransformer, weights_of
from cmt.writing.orders import MOST_AT_ONCE, BarOrders
from cmt.writing.pieces import PieceRequest, write_piece
from midi_io.song import Instrument, Timeline

pytestmark = pytest.mark.slow

LEFT_OUT = [("density",), ("strength",), ("timing",), ("density", "strength"), CONTROLS]


def untrained(left_out):
    torch.manual_seed(0)
    config = replace(TINY, left_out=left_out)
    return Decoder(config, weights_of(MusicTransformer(config)))


def written(left_out, orders=None, seed=0, length=40):
    return write_piece(
        untrained(left_out), PieceRequest(Timeline.steady(120.0, length)), orders or {}, GenerateConfig(seed=seed)
    )


def field(words, name):
    return words.fields[:, FIELDS.index(name)]


@pytest.mark.parametrize("left_out", LEFT_OUT, ids=" ".join)
def test_a_piece_has_its_length_and_its_first_and_last_bar_sound(left_out):
    for seed in range(3):
        song = written(left_out, seed=seed).song
        assert song.length == 40
        assert max(note.position + note.duration for note in song.notes) <= 40
        bars = {note.position // 16 for note in song.notes}
        assert {0, 2} <= bars


@pytest.mark.parametrize("left_out", LEFT_OUT, ids=" ".join)
def test_its_words_say_nothing_of_what_was_left_out(left_out):
    words = written(left_out).words
    for name in CONTROLS[:2]:
        assert bool(field(words, name).any()) == (name not in left_out)


@pytest.mark.parametrize("left_out", LEFT_OUT, ids=" ".join)
def test_simu_notes_rise_and_are_playable(left_out):
    fields = written(left_out, length=64).words.fields.tolist()
    simu_notes, now = [], None
    for word_type, position, _, _, instrument, pitch, _ in fields:
        if word_type == WordType.NOTE:
            now[1].append(pitch)
        elif word_type == WordType.RHYTHM and position != BAR:
            now = (Instrument(instrument - 1), [])
            simu_notes.append(now)
    assert simu_notes
    for instrument, pitches in simu_notes:
        assert 1 <= len(pitches) <= MOST_AT_ONCE[instrument]
        assert pitches == sorted(set(pitches))


def test_bars_and_simu_notes_are_as_long_as_the_network_likes():
    words = written(("density", "strength"), length=320).words
    beats = (field(words, "type") == WordType.RHYTHM) & (field(words, "position") != BAR)
    assert len(np.unique(np.diff(np.flatnonzero(beats)))) > 2


def test_what_is_not_announced_cannot_be_ordered_and_that_is_said():
    rest = frozenset((position, instrument) for position in range(8, 16) for instrument in Instrument)
    orders = {1: BarOrders(4, {(2, Instrument.PIANO): 3}, rest)}
    piece = written(("density",), orders)
    assert piece.notes == ("the model was trained without density: what was ordered of it is left to the model",)
    assert not any(24 <= note.position < 32 for note in piece.song.notes)
    assert written(("density",)).notes == written(("strength",), {1: BarOrders(4)}).notes == ()


def test_what_is_announced_is_kept():
    profile = profile_of_song(written(("strength",), {1: BarOrders(4, {(2, Instrument.PIANO): 3})}).song)
    assert profile.density[1] == 4
    assert (1, 2, Instrument.PIANO) in {(note.bar, note.position, note.instrument) for note in profile.simu_notes}
    simu_notes = profile_of_song(written(("density",), {1: BarOrders(4, {(2, Instrument.PIANO): 3})}).song).simu_notes
    assert (1, 2, Instrument.PIANO, 3) in {(n.bar, n.position, n.instrument, n.strength) for n in simu_notes}


def test_a_model_without_timing_is_told_none(monkeypatch):
    heard = []
    decoder = untrained(("timing",))
    step = decoder.step
    monkeypatch.setattr(
        decoder,
        "step",
        lambda words, positions, timings, *rest: heard.extend(timings) or step(words, positions, timings, *rest),
    )
    write_piece(decoder, PieceRequest(Timeline.steady(120.0, 40)), {}, GenerateConfig())
    assert set(heard) == {0}
    assert timing_bins(np.array([20]), 48)[0] != 0
