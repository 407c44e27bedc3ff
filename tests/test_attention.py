"""Two forms of one attention."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cmt.config import EPSILON, PRESETS
from cmt.network.layers import RECENT, StackState
from cmt.training.attention import attend_sequence, feature_map, with_ones


def random_qkv(n_step, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, n_step, 8, generator=generator) for _ in range(3)]


def plain(q, k, v):
    """The definition, in float64 and quadratic time."""
    weights = (feature_map(q.double()) @ feature_map(k.double()).transpose(-1, -2)).tril()
    return (weights @ v.double()) / (weights.sum(-1, keepdim=True) + EPSILON)


@pytest.mark.parametrize("n_step", [1, 63, 64, 65, 200])
def test_attention_at_once_is_its_definition(n_step):
    q, k, v = random_qkv(n_step)
    assert torch.allclose(attend_sequence(q, k, v)[0].double(), plain(q, k, v), atol=1e-5)


@pytest.mark.parametrize("n_step", [1, RECENT, 150])
def test_attention_at_once_is_attention_step_by_step(n_step):
    q, k, v = random_qkv(n_step)
    at_once, _ = attend_sequence(q, k, v)
    state = StackState(replace(PRESETS["tiny"], n_layer=1, d_model=24, n_head=3), 2)
    for i in range(n_step):
        parts = q[:, :, i], k[:, :, i], with_ones(v[:, :, i])
        state.joined[:, 0] = np.concatenate([part.flatten(1) for part in parts], axis=1)
        state.attend(0)
        state.next_word()
        assert np.allclose(at_once[:, :, i].flatten(1), state.attended[:, 0, :-1], atol=1e-5)


def test_gradients_are_those_of_the_definition():
    q, k, v = (x.requires_grad_() for x in random_qkv(100))
    attend_sequence(q, k, v)[0].pow(2).sum().backward()
    ours = [x.grad.clone() for x in (q, k, v)]
    for x in (q, k, v):
        x.grad = None
    plain(q, k, v).pow(2).sum().backward()
    for mine, x in zip(ours, (q, k, v), strict=True):
        assert torch.allclose(mine, x.grad, rtol=1e-3, atol=1e-4)


def test_fast_transformers_gives_the_same_numbers():
    pytest.importorskip("fast_transformers", reason="the extra fast-transformers is not installed")
    q, k, v = random_qkv(100)
    for ours, theirs in zip(attend_sequence(q, k, v), attend_sequence(q, k, v, "fast-transformers"), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)
