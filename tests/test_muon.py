"""Steps of Muon are orthogonal, of AdamW's size, and only for the matrices inside the network."""

from dataclasses import replace

import pytest
import torch
from networks import TINY
from torch import nn

from cmt.config import PRESETS
from cmt.training.model import MusicTransformer
from cmt.training.muon import Muon, orthogonal

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (1, 5)])
def test_singular_values_become_alike_and_singular_vectors_stay(shape):
    generator = torch.Generator().manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    spread = torch.logspace(-1, 1, min(shape))
    turned = u.T @ orthogonal(u @ torch.diag(spread) @ v) @ v.T
    assert torch.allclose(turned, torch.diag(turned.diag()), atol=1e-4)
    assert turned.diag().min() > 0.5 and turned.diag().max() < 1.3


def test_a_step_has_adamws_size_and_weights_decay():
    torch.manual_seed(0)
    matrix = nn.Parameter(torch.ones(64, 96))
    matrix.grad = torch.randn(64, 96) * 1e-3
    Muon([(matrix, 1)], lr=0.01, weight_decay=0.5).step()
    moved = matrix.detach() - (1 - 0.01 * 0.5)
    assert moved.square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.15)


def test_each_part_is_orthogonal_for_itself():
    torch.manual_seed(0)
    gradients = [torch.randn(16, 16) * scale for scale in (1.0, 1e-3, 10.0)]
    joined = nn.Parameter(torch.zeros(48, 16))
    joined.grad = torch.cat(gradients)
    apart = [nn.Parameter(torch.zeros(16, 16)) for _ in gradients]
    for matrix, gradient in zip(apart, gradients, strict=True):
        matrix.grad = gradient
    Muon([(joined, 3)], lr=0.1, weight_decay=0.0).step()
    Muon([(matrix, 1) for matrix in apart], lr=0.1, weight_decay=0.0).step()
    assert torch.allclose(joined, torch.cat(apart), atol=1e-6)


def test_a_matrix_without_a_gradient_stays():
    matrix = nn.Parameter(torch.ones(4, 4))
    Muon([(matrix, 1)], lr=0.1, weight_decay=0.5).step()
    assert (matrix == 1).all()


@pytest.mark.parametrize("config", [PRESETS["tiny"], replace(TINY, chained_heads=False, pre_norm=False)])
def test_inner_matrices_are_neither_tables_nor_outputs(config):
    model = MusicTransformer(config)
    inner = dict(model.inner_matrices())
    names = {name: inner[p] for name, p in model.named_parameters() if p in inner}
    assert len(names) == len(inner)
    assert names["layers.0.attention_in.weight"] == 3 and names["embedding.w_in.weight"] == 1
    assert not any(
        part in name for name in names for part in ("tables", "heads.out.", "type_out", "seen", "bias", "norm")
    )


def test_processes_share_the_work():
    class Team:
        """Two processes; what the other one brings is known."""

        size = 2

        def __init__(self, rank):
            self.rank, self.brought = rank, None

        def add_up(self, values):
            self.brought = values.clone()
            if others is not None:
                values += others

    torch.manual_seed(0)
    gradients = [torch.randn(8, 8) for _ in range(3)]

    def moved(team):
        matrices = [nn.Parameter(torch.zeros(8, 8)) for _ in gradients]
        for matrix, gradient in zip(matrices, gradients, strict=True):
            matrix.grad = gradient.clone()
        Muon([(matrix, 1) for matrix in matrices], lr=0.1, weight_decay=0.0, team=team).step()
        return torch.cat(matrices)

    others = None
    teams = [Team(0), Team(1)]
    for team in teams:
        moved(team)
    assert [[bool(part.any()) for part in team.brought.split(64)] for team in teams] == [
        [True, False, True],
        [False, True, False],
    ]
    others = teams[1].brought
    assert torch.equal(moved(Team(0)), moved(None))
