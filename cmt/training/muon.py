"""Muon: steps along the nearest orthogonal matrix of a gradient's momentum, for the matrices inside a network.

A gradient mostly repeats a few directions; made orthogonal, a step learns in all of them alike. Source: Jordan et al.,
*Muon: An optimizer for hidden layers in neural networks* (2024), with the step's size by Liu et al., *Muon is scalable
for LLM training* (arXiv 2502.16982, 2025), which makes a rate mean what it means to AdamW. `torch.optim.Muon`
multiplies in bf16, which a processor without it does ten times slower than in float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""The coefficients, by Jordan et al., of the quintic that brings singular values near 1."""
NEWTON_SCHULZ_STEPS = 5
SIZE_OF_ADAMW = 0.2
"""The root mean square of AdamW's usual steps, in rates (Liu et al.)."""


class Team(Protocol):
    """Processes that train together."""

    rank: int
    size: int

    def add_up(self, values: Tensor) -> None:
        """Replace the values (...) by the sum of every process's, in place."""


class Muon(torch.optim.Optimizer):
    """Muon for matrices, each with the number of its parts that are made orthogonal on their own.

    Parameters
    ----------
    matrices
        (n_out, n_in) parameters with the number of equal parts that n_out has: 3 for queries, keys and values in one.
    lr
        The rate, of AdamW's size.
    weight_decay
        The share, times the rate, that each weight loses at a step.
    team
        The processes that have the same gradients and share the work, or None.
    """

    def __init__(
        self,
        matrices: Iterable[tuple[Tensor, int]],
        lr: float,
        weight_decay: float,
        team: Team | None = None,
    ) -> None:
        by_parts: dict[int, list[Tensor]] = {}
        for matrix, n_part in matrices:
            by_parts.setdefault(n_part, []).append(matrix)
        groups = [{"params": each, "n_part": n_part} for n_part, each in by_parts.items()]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})
        self._team = team

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        matrices = [(m, group) for group in self.param_groups for m in group["params"] if m.grad is not None]
        if not matrices:
            return
        steps = torch.zeros(sum(matrix.numel() for matrix, _ in matrices), device=matrices[0][0].device)
        of_each = torch.split(steps, [matrix.numel() for matrix, _ in matrices])
        for k, ((matrix, group), step) in enumerate(zip(matrices, of_each, strict=True)):
            ahead = self._ahead(matrix)
            if self._team is None or k % self._team.size == self._team.rank:
                parts = [orthogonal(part) * _size(part) for part in ahead.chunk(group["n_part"])]
                step.copy_(torch.cat(parts).flatten())
        if self._team is not None:
            self._team.add_up(steps)
        for (matrix, group), step in zip(matrices, of_each, strict=True):
            matrix.mul_(1 - group["lr"] * group["weight_decay"])
            matrix.add_(step.view_as(matrix), alpha=-group["lr"])

    def _ahead(self, matrix: Tensor) -> Tensor:
        """The gradient after Nesterov's momentum."""
        assert matrix.grad is not None
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(matrix.grad, 1 - MOMENTUM)
        return matrix.grad.lerp(momentum, MOMENTUM)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix (n, m) of the same singular vectors.

    Its singular values are about 1 where those of `matrix` were above about 1/500 of the matrix's norm.
    """
    upright = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if upright else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if upright else x


def _size(matrix: Tensor) -> float:
    """The factor that brings the root mean square of an orthogonal matrix of this shape to that of AdamW's steps."""
    root: float = float(max(matrix.shape)) ** 0.5
    return SIZE_OF_ADAMW * root
