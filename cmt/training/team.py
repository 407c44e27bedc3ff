"""The processes that train together."""

from __future__ import annotations

import os

import torch
from torch import Tensor, distributed, nn

from cmt.training.dataset import Place
from cmt.training.device import AUTO, device_of


def use_threads(n_thread: int) -> None:
    """Let torch compute with so many threads in this process."""
    torch.set_num_threads(n_thread)


def team_of() -> tuple[int, int]:
    """The number of this process on its machine, and how many processes train together, as torchrun says."""
    return int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


class Team:
    """The processes that train together: one, or those that torchrun started."""

    def __init__(self, device: str = AUTO) -> None:
        """`device` is what each computes on, as in `cmt.training.device.device_of`.

        Raises
        ------
        CmtError
            If it is not there.
        """
        self.rank = int(os.environ.get("RANK", "0"))
        self.local_rank, self.size = team_of()
        self.device = device_of(device, self.local_rank, self.size)
        if self.size > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def agree(self, done: float, due: bool) -> tuple[float, bool]:
        """The first process's share of the work that is done, and whether a checkpoint is due."""
        if self.size == 1:
            return done, due
        told = torch.tensor([done, float(due)], dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told[0]), bool(told[1])

    def sum(self, values: list[float]) -> list[float]:
        """Each value summed over all processes."""
        if self.size == 1:
            return values
        joined = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(joined)
        return joined.tolist()

    def add_up(self, values: Tensor) -> None:
        """Replace the values (...) by the sum of every process's, in place."""
        if self.size > 1:
            distributed.all_reduce(values)

    def gather(self, place: Place) -> list[Place]:
        """Every process's place."""
        if self.size == 1:
            return [place]
        places = [torch.zeros(2, dtype=torch.int64, device=self.device) for _ in range(self.size)]
        distributed.all_gather(places, torch.tensor(place, device=self.device))
        return [Place(*told.tolist()) for told in places]

    def average_gradients(self, model: nn.Module) -> None:
        """Every process's gradients become the mean of all."""
        if self.size == 1:
            return
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        joined = torch.cat([gradient.flatten() for gradient in gradients])
        self.add_up(joined)
        joined /= self.size
        for gradient, mean in zip(gradients, torch.split(joined, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))
