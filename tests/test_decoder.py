"""The network word by word gives what the network at once gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import TINY, example, network

from cmt.config import PRESETS
from cmt.music.cues import CueReader, Cues, Told
from cmt.music.words import FIELD_SIZES, FIELDS, INITIAL_SIZES, CompoundWord, InitialWords, WordType
from cmt.network.arithmetic import gelu, position_encoding
from cmt.network.decoder import Decoder
from cmt.network.weights import weight_shapes
from cmt.training.collate import collate
from cmt.training.model import MusicTransformer, attribute_masks, weights_of
from cmt.training.model import position_encoding as position_encoding_at_once


@torch.no_grad()
def test_generation_by_state_is_generation_by_rerunning_the_prefix(model):
    # Its bars repeat each other now and then, so that there are echoes that the sheet plans.
    sheet = replace(example(5).sheet, lags=np.array([0, 1, 1, 3, 2]), exact=np.array([0, 3, 5, 0, 16]))
    batch = collate([example(5)._replace(sheet=sheet)], model.config)
    cues = CueReader(sheet)
    at_once = model.hidden(batch)[0].numpy()
    decoder = Decoder(model.config, weights_of(model))
    state = decoder.new_state()
    hidden = decoder.start([InitialWords(*batch.initial[0].tolist())], state)
    for i in range(batch.mask.shape[1]):
        assert np.allclose(hidden[0], at_once[i], atol=1e-5)
        word = CompoundWord(*batch.fields[0, i].tolist())
        position = int(batch.positions[0, i])
        told = cues.hear(word, position)
        hidden = decoder.step([word], [position], [int(batch.timing[0, i])], state, [told])


def test_pieces_side_by_side_are_pieces_alone_to_the_last_bit(model):
    decoder = Decoder(model.config, weights_of(model))
    rng = np.random.default_rng(0)
    initials = [InitialWords(*rng.integers(INITIAL_SIZES).tolist()) for _ in range(5)]
    words = [[CompoundWord(*rng.integers(FIELD_SIZES).tolist()) for _ in range(5)] for _ in range(6)]
    positions = np.sort(rng.integers(0, 99, (6, 5)), axis=0).tolist()
    timings = rng.integers(0, 101, (6, 5)).tolist()

    def heard(rows):
        state = decoder.new_state(len(rows))
        hidden = [decoder.start([initials[row] for row in rows], state)]
        for at, where, when in zip(words, positions, timings, strict=True):
            hidden.append(decoder.step(*([column[row] for row in rows] for column in (at, where, when)), state))
        return np.stack(hidden)

    together = heard(range(5))
    for row in range(5):
        assert np.array_equal(together[:, row], heard([row])[:, 0])


def test_rows_that_are_kept_go_on_as_before(model):
    decoder = Decoder(model.config, weights_of(model))
    initials = [InitialWords(genre=genre) for genre in range(4)]
    state, fewer = decoder.new_state(4), decoder.new_state(4)
    decoder.start(initials, state)
    decoder.start(initials, fewer)
    fewer.keep([1, 3])
    word = CompoundWord(1, 17, 5, 0, 0, 0, 0)
    hidden = decoder.step([word] * 4, [0] * 4, [0] * 4, state)
    assert np.array_equal(decoder.step([word] * 2, [0] * 2, [0] * 2, fewer), hidden[[1, 3]])


@torch.no_grad()
def test_logits_of_a_word_are_those_of_the_network_at_once(model):
    batch = collate([example()], model.config)
    hidden, fields = model.hidden(batch)[0], batch.fields[0]
    decoder = Decoder(model.config, weights_of(model))
    for i in range(0, len(fields), 7):
        known = dict(zip(FIELDS, fields[i].tolist(), strict=True))
        type_logits = decoder.logits("type", hidden[i : i + 1].numpy(), known)
        assert np.allclose(type_logits[0], model.heads.type_out(hidden[i]), atol=1e-5)
        for name in attribute_masks(fields):
            ours = decoder.logits(name, hidden[i : i + 1].numpy(), known)
            assert np.allclose(ours[0], model.heads.logits(name, hidden[i], fields[i]), atol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_weights_called_for_are_those_of_the_network(preset):
    shapes = {name: tuple(tensor.shape) for name, tensor in MusicTransformer(PRESETS[preset]).state_dict().items()}
    assert weight_shapes(PRESETS[preset]) == shapes


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: w.pop("norm.bias"), "norm.bias is missing"),
        (lambda w: w.update({"norm.bias": np.zeros(3)}), r"norm.bias is \(3,\), not \(128,\)"),
        (lambda w: w.update({"more": np.zeros(3)}), "more is not known"),
    ],
)
def test_other_weights_are_refused_by_name(spoil, message):
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(TINY).items()}
    spoil(weights)
    with pytest.raises(ValueError, match=message):
        Decoder(TINY, weights)


def test_gelu_is_exact():
    x = np.linspace(-9, 9, 20_001, dtype=np.float32)
    ours = gelu(x, out=np.empty_like(x))
    assert np.allclose(ours, torch.nn.functional.gelu(torch.from_numpy(x)), rtol=0, atol=2e-6)
    assert np.array_equal(gelu(x, out=x), ours)


@pytest.mark.parametrize("position", [0, 3, 1000, 80_000])
def test_position_encoding_is_that_of_the_network_at_once(position):
    assert np.allclose(
        position_encoding(position, 64),
        position_encoding_at_once(torch.tensor([position]), 64),
        atol=2e-2 if position > 9999 else 1e-4,
    )


@torch.no_grad()
def test_what_pitches_are_relative_to_counts_word_by_word_as_at_once():
    model = network("with cues")
    batch = collate([example(4)], model.config)
    decoder = Decoder(model.config, weights_of(model))
    fields, positions, cues = batch.fields[0], batch.positions[0], batch.cues[0]
    rows = (fields[:, 0] == WordType.NOTE).nonzero()[:, 0]
    at_once = model.relative(fields[rows], positions[rows], cues[rows]).numpy()
    assert len({row.tobytes() for row in at_once}) > 5
    for row, ours in zip(rows.tolist(), at_once, strict=True):
        told = Told(Cues(*cues[row - 1].tolist()))  # what the word before the note was told
        instrument, position = int(fields[row, FIELDS.index("instrument")]), int(positions[row]) % 16
        assert np.allclose(decoder.relative_to(told, instrument, position), ours, atol=1e-6)
