"""Muon: steps along the nearest orthogonal matrix of a gradient's momentum, for the matrices inside a network.

A gradient mostly repeats a few directions; made orthogonal, a step learns in all of them alike. Source: Jordan et al.,
*Muon: An optimizer for hidden layers in neural networks* (2024), with the step's size by Liu et al., *Muon is scalable
for LLM training* (arXiv 2502.16982, 2025), which makes a rate mean what it means to AdamW. `torch.optim.Muon`
multiplies in bf16, which a processor without it does ten times slower than in float32.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic that brings singular values near 1, by Jordan et al."""
NEWTON_SCHULZ_STEPS = 5
SIZE_OF_ADAMW = 0.2
"""Root mean square of AdamW's usual steps, in rates (Liu et al.)."""


class Muon(torch.optim.Optimizer):
    """For matrices, each with the number of parts that are orthogonal for themselves.

    Parameters
    ----------
    matrices
        (n_out, n_in) parameters with the number of equal parts that n_out has: 3 for queries, keys and values in one.
    lr
        Rate, of AdamW's size.
    weight_decay
        Share, times the rate, that each weight loses at a step.
    """

    def __init__(self, matrices: Iterable[tuple[Tensor, int]], lr: float, weight_decay: float) -> None:
        by_parts: dict[int, list[Tensor]] = {}
        for matrix, n_part in matrices:
            by_parts.setdefault(n_part, []).append(matrix)
        groups = [{"params": each, "n_part": n_part} for n_part, each in by_parts.items()]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum"] = torch.zeros_like(matrix)
                state["momentum"].lerp_(matrix.grad, 1 - MOMENTUM)
                ahead = matrix.grad.lerp(state["momentum"], MOMENTUM)  # Nesterov's
                parts = [orthogonal(part) * _size(part) for part in ahead.chunk(group["n_part"])]
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(torch.cat(parts), alpha=-group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """(n, m) with nearly the same singular vectors and singular values of about 1 (0.7 to 1.2)."""
    upright = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if upright else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if upright else x


def _size(matrix: Tensor) -> float:
    """What makes the root mean square of an orthogonal matrix of this shape AdamW's."""
    return SIZE_OF_ADAMW * float(max(matrix.shape)) ** 0.5
