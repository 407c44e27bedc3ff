"""The planner over whole pieces, from plan words to the loss; `cmt.network.planner` is the same bar by bar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cmt.config import ModelConfig
from cmt.music.form import MAX_LAG
from cmt.music.plan_words import (
    N_ECHO,
    PLAN_CUE_SIZES,
    PLAN_FIELDS,
    PLAN_SIZES,
    SEES_SOURCE,
    echo_bars,
    recalls,
)
from cmt.music.words import INITIAL_SIZES, N_INITIAL_STEP
from cmt.training.model import Layer, gathered, initialise
from cmt.training.plan_dataset import PlanExample


class PlanBatch(NamedTuple):
    """Sheets side by side, padded at their ends."""

    initial: Tensor
    """The initial words (batch, 10)."""
    words: Tensor
    """The plan words (batch, bar, 9)."""
    cues: Tensor
    """What each bar is told (batch, bar, cue)."""
    echoes: Tensor
    """The bars whose words each bar is told (batch, bar, echo), -1 where there is none."""
    sources: Tensor
    """The bar that each bar repeats (batch, bar, 1), -1 where it is new."""
    recalls: Tensor
    """The lag of a section that returns as it was (batch, bar)."""
    chosen: Tensor
    """Whether there is something to choose (batch, bar, 9)."""
    mask: Tensor
    """The mask (batch, bar), true where there is a bar."""


class PlanHeads(nn.Module):
    """A word's attributes in a chain: each sees those before it, and of those behind the lag the bar repeated."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.hidden = nn.ModuleDict({name: nn.Linear(d, d) for name in PLAN_FIELDS})
        self.source = nn.ModuleDict({name: nn.Linear(d, d, bias=False) for name in SEES_SOURCE})
        self.recall = nn.Embedding(MAX_LAG + 1, d)
        self.seen = nn.ModuleDict(
            {
                f"{name}_{earlier}": nn.Embedding(getattr(PLAN_SIZES, earlier), d)
                for number, name in enumerate(PLAN_FIELDS)
                for earlier in PLAN_FIELDS[:number]
            }
        )
        self.out = nn.ModuleDict({name: nn.Linear(d, size) for name, size in PLAN_SIZES._asdict().items()})

    def logits(self, name: str, hidden: Tensor, words: Tensor, source: Tensor, recall: Tensor) -> Tensor:
        """Logits (bar, value) from hidden (bar, d_model), words (bar, 9), sources' vectors (bar, d_model), (bar,)."""
        x = self.hidden[name](hidden)
        for k, earlier in enumerate(PLAN_FIELDS[: PLAN_FIELDS.index(name)]):
            x = x + self.seen[f"{name}_{earlier}"](words[:, k])
        if name == "lag":
            x = x + self.recall(recall)
        if name in SEES_SOURCE:
            x = x + self.source[name](source)
        logits: Tensor = self.out[name](functional.gelu(x))
        return logits


class PlannerNetwork(nn.Module):
    """Initial words, cues and the bars before in, each bar's attributes out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        d = config.d_model
        self.words = nn.ModuleList(nn.Embedding(size, d) for size in PLAN_SIZES)
        self.cues = nn.ModuleList(nn.Embedding(size, d) for size in PLAN_CUE_SIZES)
        self.initial = nn.ModuleList(nn.Embedding(size, d) for size in INITIAL_SIZES)
        self.echo_in = nn.Linear(N_ECHO * d, d, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(d)
        self.heads = PlanHeads(config)
        self.apply(initialise)
        for table in self._mood_tables():  # nothing is expected of a mood until it proves right
            nn.init.zeros_(table)

    def cue_tables(self) -> list[Tensor]:
        """The tables that begin with zeros: those of the mood."""
        return self._mood_tables()

    def _mood_tables(self) -> list[Tensor]:
        return [weight for table in self.initial[N_INITIAL_STEP:] for weight in table.parameters()]

    def inner_matrices(self) -> list[tuple[Tensor, int]]:
        """The matrices (n_out, n_in) that map hidden vectors to hidden vectors, each with the number of maps in it."""
        outputs = set(self.heads.out.values())
        linear = [module for module in self.modules() if isinstance(module, nn.Linear) and module not in outputs]
        thrice = {layer.attention_in for layer in self.layers}  # queries, keys and values
        return [(module.weight, 3 if module in thrice else 1) for module in linear]

    def use_kernel(self, kernel: str) -> None:
        """Multiply out whole sequences by one of `cmt.config.KERNELS`."""
        for layer in self.layers:
            assert isinstance(layer, Layer)  # for the type checker
            layer.kernel = kernel

    def hidden(self, batch: PlanBatch) -> tuple[Tensor, Tensor]:
        """(batch, bar, d_model) what is known before each bar, and the vectors of the bars that are repeated."""
        vectors = self._sum(self.words, batch.words)
        x = self._sum(self.cues, batch.cues) + self._sum(self.initial, batch.initial)[:, None]
        x = self.dropout(x + self.echo_in(gathered(vectors, batch.echoes)))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x), gathered(vectors, batch.sources)

    def losses(self, batch: PlanBatch) -> dict[str, Tensor]:
        """The sum, a scalar, of -log p over the bars in which there is something to choose, in nats, by attribute."""
        hidden, source = self.hidden(batch)
        losses = {}
        for k, name in enumerate(PLAN_FIELDS):
            rows = batch.mask & batch.chosen[..., k]
            words = batch.words[rows]
            logits = self.heads.logits(name, hidden[rows], words, source[rows], batch.recalls[rows])
            losses[name] = functional.cross_entropy(logits.float(), words[:, k], reduction="sum")
        return losses

    @staticmethod
    def _sum(tables: nn.ModuleList, values: Tensor) -> Tensor:
        """The sum of the tables' rows (..., d_model) at the values (..., table)."""
        return torch.stack([table(values[..., k]) for k, table in enumerate(tables)]).sum(0)


def collate_plans(drawn: list[PlanExample], config: ModelConfig, device: torch.device | str = "cpu") -> PlanBatch:
    """Examples as tensors, padded at their ends."""
    longest = max(len(example.words) for example in drawn)

    def padded(arrays: list[np.ndarray], dtype: type = np.int64) -> Tensor:
        out = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype)
        for row, array in zip(out, arrays, strict=True):
            row[: len(array)] = array
        return torch.from_numpy(out).to(device)

    lags = [example.words[:, PLAN_FIELDS.index("lag")] for example in drawn]
    lengths = torch.tensor([len(example.words) for example in drawn])
    return PlanBatch(
        torch.tensor([example.initial for example in drawn], device=device),
        padded([example.words for example in drawn]),
        padded([example.cues for example in drawn]),
        padded([echo_bars(its)[:-1] for its in lags]),
        padded([np.where(its > 0, np.arange(len(its)) - its, -1)[:, None] for its in lags]),
        padded([recalls(example.words) for example in drawn]),
        padded([example.chosen for example in drawn], np.bool_),
        (torch.arange(longest)[None] < lengths[:, None]).to(device),
    )
