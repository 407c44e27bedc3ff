"""What is learnt: notes from lead sheets, or lead sheets from songs; the loop is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmt.config import ModelConfig, TrainConfig
from cmt.corpus.songs import Corpus
from cmt.music.plan_words import PLAN_FIELDS
from cmt.music.words import CHAIN
from cmt.network.checkpoint import Tensors, save_checkpoint
from cmt.network.planner import save_planner
from cmt.training.collate import collate
from cmt.training.dataset import Place, batches, validation_batches
from cmt.training.model import MusicTransformer
from cmt.training.plan_dataset import plan_batches, plan_validation
from cmt.training.planner import PlannerNetwork, collate_plans


@dataclass(frozen=True)
class Task:
    """A network, what it reads, and what is kept of it. Examples and batches are the task's own types."""

    attributes: tuple[str, ...]
    """The attributes of a word that are learnt, each with a loss of its own."""
    network: Callable[[ModelConfig], Any]
    """A new network with `config`, `losses`, `inner_matrices` and `use_kernel`, as MusicTransformer's."""
    batches: Callable[[Corpus, TrainConfig, Place, int], Iterator[tuple[list[Any], Place]]]
    """Endless batches of examples, from a place on, for the process of a rank."""
    held_out: Callable[[Corpus, TrainConfig], list[list[Any]]]
    """The batches that a run is validated on."""
    collate: Callable[..., Any]
    """Examples, the configuration and the device in; a batch with its `mask` out."""
    save: Callable[[ModelConfig, Tensors, Path, Mapping[str, object]], None]
    """Write a checkpoint to write music with."""


NOTES = Task(("type", *CHAIN), MusicTransformer, batches, validation_batches, collate, save_checkpoint)
PLANS = Task(PLAN_FIELDS, PlannerNetwork, plan_batches, plan_validation, collate_plans, save_planner)


def task_of(config: ModelConfig) -> Task:
    """What a network of this configuration learns."""
    return PLANS if config.plans else NOTES
