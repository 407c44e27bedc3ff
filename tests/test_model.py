"""The network: two forms of one thing, and no look into the future."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import ECHO_BARS, TINY, example

from cmt.config import CONTROLS, PRESETS
from cmt.music.words import FIELDS, INITIAL_SIZES, InitialWords
from cmt.training.collate import collate
from cmt.training.model import CHAIN, MusicTransformer, position_encoding


@torch.no_grad()
def test_the_future_does_not_leak(model):
    batch = collate([example()], model.config)
    changed = batch.fields.clone()
    changed[:, 50:, 5] = 1
    changed[:, 50:, 1] = 3
    before, after = model.hidden(batch), model.hidden(batch._replace(fields=changed))
    assert torch.equal(before[:, :51], after[:, :51])
    assert not torch.allclose(before[:, 51:], after[:, 51:])


@torch.no_grad()
def test_padding_changes_nothing(model):
    alone = model.losses(collate([example(2)], model.config))
    other = model.losses(collate([example(5, seed=1)], model.config))
    together = model.losses(collate([example(2), example(5, seed=1)], model.config))
    for name in alone:
        assert together[name].item() == pytest.approx(alone[name].item() + other[name].item(), rel=1e-4)


@torch.no_grad()
def test_every_initial_word_matters(model):
    batch = collate([example()], model.config)
    before = model.hidden(batch)
    for k, size in enumerate(INITIAL_SIZES):
        changed = list(batch.initial[0].tolist())
        changed[k] = (changed[k] + 1) % size
        after = model.hidden(batch._replace(initial=torch.tensor([InitialWords(*changed)])))
        assert not torch.allclose(before, after)


def test_chained_heads_see_what_is_chosen_and_the_papers_do_not():
    hidden = torch.randn(1, TINY.d_model)
    fields = torch.tensor([[2, 0, 0, 0, 2, 60, 0]])
    other = torch.tensor([[2, 0, 0, 0, 2, 72, 0]])
    for chained in (True, False):
        torch.manual_seed(0)
        heads = MusicTransformer(replace(TINY, chained_heads=chained)).heads
        same = torch.equal(heads.logits("duration", hidden, fields), heads.logits("duration", hidden, other))
        assert same != chained


def test_every_attribute_is_learnt():
    model = MusicTransformer(replace(TINY, echo_bars=ECHO_BARS))
    losses = model.losses(collate([example()], model.config))
    assert set(losses) == {"type", *CHAIN}
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_paper_preset_has_the_papers_size():
    model = MusicTransformer(PRESETS["paper"])
    layers = sum(p.numel() for p in model.layers.parameters())
    assert layers == pytest.approx(37.83e6, rel=0.001)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(39.0e6, rel=0.01)


def test_position_encoding_is_equation_14_and_15():
    encoded = position_encoding(torch.tensor([3]), 8)[0]
    assert encoded[4].item() == pytest.approx(np.sin(3 / 10000 ** (4 / 8)), abs=1e-6)
    assert encoded[5].item() == pytest.approx(np.cos(3 / 10000 ** (4 / 8)), abs=1e-6)


@torch.no_grad()
def test_what_is_left_out_is_never_known_of():
    whole = collate([example()], TINY)
    for name in CONTROLS:
        config = replace(TINY, left_out=(name,))
        batch = collate([example()], config)
        told = batch.timing if name == "timing" else batch.fields[..., FIELDS.index(name)]
        assert not told.any()
        losses = MusicTransformer(config).losses(batch)
        assert [loss == 0 for loss in losses.values()] == [each == name for each in losses]
        untouched = [field for field in ("timing", "positions") if field != name]
        assert all(torch.equal(getattr(batch, field), getattr(whole, field)) for field in untouched)
