"""The loss of a checkpoint on a corpus: what a validation of its training measures, with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmt.config import PLANNER_TRAINING, ModelConfig, TrainConfig
from cmt.corpus.songs import Corpus
from cmt.errors import CmtError
from cmt.machine.progress import Progress, no_progress
from cmt.metrics.distribution import N_BOOTSTRAP, Interval
from cmt.network.checkpoint import config_from, load_tensors
from cmt.training.dataset import without_augmentation
from cmt.training.device import AUTO, check_precision, device_of
from cmt.training.loop import validate
from cmt.training.run_folder import start_from
from cmt.training.task import task_of


@dataclass(frozen=True)
class HeldOutLoss:
    """What a network expects of songs."""

    per_word: dict[str, Interval]
    """Nats a word by attribute, and their sum as `total`; of a planner, nats a bar. The intervals are 95 %, by 2,000
    bootstrap samples of the pieces (percentiles; Efron 1979)."""
    n_piece: int
    n_word: int
    """The words of the pieces; of a planner their bars."""
    is_planner: bool


def loss_on(
    checkpoint: Path,
    corpus: Corpus,
    *,
    n_word: int | None = None,
    device: str = AUTO,
    precision: str = "fp32",
    seed: int = 0,
    progress: Progress = no_progress,
) -> HeldOutLoss:
    """The loss of a checkpoint, of notes or of lead sheets, on pieces of a corpus.

    The pieces are those that a validation of the checkpoint's own training draws from these songs.

    Parameters
    ----------
    n_word
        The words that are read, or a few more; None is as many as a validation of the training reads.
    device, precision
        As in `cmt.training.loop.train`.
    seed
        Of the intervals.

    Raises
    ------
    CmtError
        If the checkpoint cannot be read or the device is not there.
    """
    where = device_of(device)
    check_precision(precision, where)
    tensors, description = load_tensors(checkpoint, "give the model.safetensors of another run")
    model_config, config = _settings_of(checkpoint, description)
    config = replace(config, precision=precision, validation_words=n_word or config.validation_words)
    task = task_of(model_config)
    model: Any = task.network(model_config)
    if set(tensors) != set(model.state_dict()):
        raise CmtError(f"{checkpoint}: its weights do not fit its configuration; train it anew")
    start_from(checkpoint, model)
    model = model.to(where)
    groups = task.held_out(corpus, without_augmentation(config))
    pieces = [piece for group in groups for piece in group]
    rows, words = [], []
    for number, piece in enumerate(pieces, start=1):
        losses = validate(model, [[piece]], config, task=task)
        n = len(piece.timing) if hasattr(piece, "timing") else len(piece.words)
        rows.append([losses[name] * n for name in (*task.attributes, "total")])
        words.append(n)
        progress("loss", number, len(pieces))
    found = _ratios(np.array(rows), np.array(words), seed)
    names = (*task.attributes, "total")
    return HeldOutLoss(dict(zip(names, found, strict=True)), len(pieces), sum(words), model_config.plans)


def _settings_of(path: Path, description: Mapping[str, Any]) -> tuple[ModelConfig, TrainConfig]:
    """The sizes of a checkpoint's network and how it was trained; today's settings where it does not say."""
    try:
        model_config = config_from(description["model"])
    except (KeyError, TypeError, ValueError):
        raise CmtError(f"{path}: damaged, or not a checkpoint of cmt; train it anew") from None
    config = PLANNER_TRAINING if model_config.plans else TrainConfig()
    told = description.get("provenance", {}).get("train", {})
    known = {field.name for field in fields(TrainConfig)}
    return model_config, replace(config, **{name: value for name, value in told.items() if name in known})


def _ratios(losses: NDArray[np.float64], words: NDArray[np.int64], seed: int) -> list[Interval]:
    """The losses (piece, column) a word, with intervals over the pieces."""
    n = len(words)
    means = losses.sum(axis=0) / words.sum()
    if n < 2:
        return [Interval(float(mean), float("nan"), float("nan"), n) for mean in means]
    draws = np.random.default_rng(seed).integers(n, size=(N_BOOTSTRAP, n))
    drawn = losses[draws].sum(axis=1) / words[draws].sum(axis=1)[:, None]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return [Interval(float(mean), float(a), float(b), n) for mean, a, b in zip(means, low, high, strict=True)]
