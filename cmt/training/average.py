"""A moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class Average:
    """A moving average of the weights: what is validated, saved and heard. It is better than the weights themselves."""

    def __init__(self, model: nn.Module, share: float) -> None:
        self.share = share
        self.n_step = 0
        self.weights = [parameter.detach().clone() for parameter in model.parameters()]

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """One step more; the first steps count for more, or the average would remember chance."""
        kept = min(self.share, (1 + self.n_step) / (10 + self.n_step))
        self.n_step += 1
        torch._foreach_lerp_(self.weights, list(model.parameters()), 1 - kept)

    @contextmanager
    def worn_by(self, model: nn.Module) -> Iterator[None]:
        """Give the model the average's weights while the block runs."""
        self._exchange(model)
        try:
            yield
        finally:
            self._exchange(model)

    def _exchange(self, model: nn.Module) -> None:
        for k, parameter in enumerate(model.parameters()):
            parameter.data, self.weights[k] = self.weights[k], parameter.data
