"""The folder of a training: what it holds, and how a training begins, stops and goes on."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cmt.config import ModelConfig, TrainConfig
from cmt.errors import CmtError
from cmt.machine.files import ready_folder
from cmt.machine.locks import only_run
from cmt.network.checkpoint import Tensors, config_from, load_tensors, save_tensors
from cmt.training.average import Average
from cmt.training.dataset import Place
from cmt.training.model import weights_of
from cmt.training.picture import draw_losses
from cmt.training.team import Team
from midi_io.whole_file import check_place, whole_file

STATE = "state.safetensors"
"""The file in the run's folder with everything needed to go on."""
MODEL = "model.safetensors"
"""The file in the run's folder with the newest weights, averaged, in fp16: a checkpoint to generate with."""
BEST = "best.safetensors"
"""The file in the run's folder with the weights of the lowest validation loss."""
LOSSES = "losses.csv"
"""The table in the run's folder with a line for each validation."""
CONFIG = "config.json"
"""The file in the run's folder that tells people the sizes of the network and how it is trained."""
OPTIONS = "config.toml"
"""The file in the run's folder with the options of the command line that ask for the run again."""
PICTURE = "loss.png"
"""The picture in the run's folder of its losses."""


@dataclass
class Progress:
    """How far a training has come."""

    step: int = 0
    n_word: int = 0
    """The number of words learnt from, padding not counted."""
    seconds: float = 0.0
    """The seconds of the clock that the run took, over all sessions."""
    skipped: int = 0
    """The number of steps that were left out because their loss was no number."""
    history: list[dict[str, float]] = field(default_factory=list)
    """A row for each validation: step, words, minutes, learning_rate, skipped; train_* since the last one and val_*,
    nats per word by attribute and in total."""

    @property
    def step_saved(self) -> int:
        """The step of the last checkpoint."""
        return int(self.history[-1]["step"]) if self.history else 0

    @property
    def losses(self) -> dict[str, float]:
        """The losses of the last validation, by attribute, `total` and `note`."""
        return {name[4:]: value for name, value in self.history[-1].items() if name.startswith("val_")}


@contextmanager
def begin(
    run: Path, model_config: ModelConfig, config: TrainConfig, resume: bool, team: Team, options: str = ""
) -> Iterator[None]:
    """Make the folder of a run, or see that there is one to go on with; no other run may write it until the block ends.

    `options` are the content of OPTIONS; there is none if they are empty. Where a run ends before its first checkpoint,
    nothing of it stays.

    Raises
    ------
    CmtError
        If it holds a run and `resume` is not asked, or the other way round; if it or a file in it cannot be written, or
        another run is writing it.
    """
    if resume:
        settings_of(run)
    if team.rank:
        yield
        return
    if not resume:
        check_free(run)
    is_new = not run.exists()
    ready_folder(run)
    try:
        with only_run(run, "a training"):
            for name in (MODEL, BEST, LOSSES, PICTURE, CONFIG, OPTIONS):  # what is written in minutes or hours, too
                check_place(run / name)
            new = [run / name for name in (CONFIG, OPTIONS) if not (run / name).exists()]
            if not resume:
                _describe(run, model_config, config)
            if options:
                with whole_file(run / OPTIONS) as unfinished:
                    unfinished.write_text(options, encoding="utf-8", errors="replace")
            try:
                yield
            finally:
                if not any((run / name).exists() for name in (STATE, MODEL)):  # it has not come to its first checkpoint
                    for file in new:
                        file.unlink(missing_ok=True)
    finally:
        if is_new:
            with suppress(OSError):  # it is not empty
                run.rmdir()


def check_free(run: Path) -> None:
    """Raise a CmtError if a folder holds a training already."""
    if (run / STATE).exists():
        raise CmtError(f"{run}: holds a training already; go on with `resume` or choose another `folder`")


def settings_of(run: Path) -> tuple[ModelConfig, TrainConfig]:
    """The sizes of a run's network and how it is trained.

    Raises
    ------
    CmtError
        If there is no run, or one of an older version.
    """
    if not (run / STATE).exists():
        raise CmtError(f"{run}: holds no training to go on with; leave `resume` out")
    _, description = load_tensors(run / STATE, f"begin a new run with `start_from` {run / MODEL}")
    try:
        settings = {**description["train"], "never_told": tuple(description["train"].get("never_told", ()))}
        return config_from(description["model"]), TrainConfig(**settings)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CmtError(f"{run}: was begun by an older cmt; begin a new run with `start_from` {run / MODEL}") from None


def _describe(run: Path, model_config: ModelConfig, config: TrainConfig) -> None:
    description = json.dumps({"model": asdict(model_config), "train": asdict(config)}, indent=1)
    with whole_file(run / CONFIG) as unfinished:
        unfinished.write_text(description, encoding="utf-8")


def start_from(path: Path, model: Any) -> None:
    """Give the network a checkpoint's weights; what the checkpoint lacks stays as it is.

    Raises
    ------
    CmtError
        If the file is no checkpoint, or one of other sizes.
    """
    tensors, _ = load_tensors(path, "leave `start_from` out")
    fitting = {name: torch.from_numpy(weight.astype(np.float32)) for name, weight in tensors.items()}
    mine = model.state_dict()
    for name, weight in fitting.items():
        if not torch.isfinite(weight).all():
            raise CmtError(f"{path}: {name} holds values that are no numbers; begin with another checkpoint")
        if name not in mine or mine[name].shape != weight.shape:
            raise CmtError(f"{path}: a model of other sizes ({name}); give the `model_config` that it was trained with")
    model.load_state_dict(fitting, strict=False)


def save(
    run: Path,
    model: Any,
    optimizers: list[torch.optim.Optimizer],
    average: Average,
    progress: Progress,
    places: list[Place],
    config: TrainConfig,
    save_model: Callable[[ModelConfig, Tensors, Path, Mapping[str, object]], None],
) -> None:
    """Write all that is needed to go on, the newest and the best model, and the losses; each file whole or not at all.

    `places` are how far each process has come in its examples; `save_model` writes a checkpoint to write music with.
    """
    tensors = {f"model.{name}": weight for name, weight in weights_of(model).items()}
    with average.worn_by(model):
        averaged = {name: weight.copy() for name, weight in weights_of(model).items()}
    tensors |= {f"average.{name}": weight for name, weight in averaged.items()}
    for number, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            prefix = f"optimizer.{number}.{index}."
            tensors |= {prefix + name: torch.as_tensor(value).cpu().numpy() for name, value in state.items()}
    description = {
        "progress": asdict(progress),
        "places": places,
        "averaged": average.n_step,
        "model": asdict(model.config),
        "train": asdict(config),
        "optimizers": _names(optimizers),
    }
    provenance = {
        "step": progress.step,
        "words": progress.n_word,
        "minutes": progress.seconds / 60,
        "validation": progress.losses,
        "train": asdict(config),
    }
    save_model(model.config, averaged, run / MODEL, provenance)
    if progress.losses["total"] <= min(row["val_total"] for row in progress.history):
        save_model(model.config, averaged, run / BEST, provenance)
    with whole_file(run / LOSSES) as unfinished, open(unfinished, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, progress.history[0])
        table.writeheader()
        table.writerows(progress.history)
    draw_losses(progress.history, config.warmup_steps, run / PICTURE)
    _describe(run, model.config, config)
    save_tensors(tensors, description, run / STATE)  # last: what was cut short before it is made again


def resume(
    run: Path, model: Any, optimizers: list[torch.optim.Optimizer], average: Average, team: Team
) -> tuple[Progress, Place]:
    """Bring everything to where the run was: how far that is, and this process's place in its examples.

    Raises
    ------
    CmtError
        If the run was begun with another network or another optimizer, or its state is damaged.
    """
    tensors, description = load_tensors(run / STATE, f"begin a new run with `start_from` {run / MODEL}")
    try:
        return _resume(run, tensors, description, model, optimizers, average, team)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
        raise CmtError(f"{run / STATE}: is damaged; begin a new run with `start_from` {run / MODEL}") from None


def _resume(
    run: Path,
    tensors: Tensors,
    description: dict[str, Any],
    model: Any,
    optimizers: list[torch.optim.Optimizer],
    average: Average,
    team: Team,
) -> tuple[Progress, Place]:
    if config_from(description["model"]) != model.config:
        raise CmtError(f"{run}: was begun with another model; give the same `model_config`")
    if description["optimizers"] != _names(optimizers):
        raise CmtError(f"{run}: was begun with another optimizer; give the same `optimizer`")

    def part(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): torch.from_numpy(tensor)
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }

    model.load_state_dict(part("model."))
    averaged = part("average.")
    for kept, (name, _) in zip(average.weights, model.named_parameters(), strict=True):
        if averaged[name].shape != kept.shape:
            raise ValueError("an average of other sizes")
        kept.copy_(averaged[name])
    average.n_step = _counted(description["averaged"])
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in part(f"optimizer.{number}.").items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
        _check_state(state, [weight for group in optimizer.param_groups for weight in group["params"]])
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    places = [Place(*map(_counted, place)) for place in description["places"]]
    # With another number of processes none can go on where it was: all begin a pool that nobody has begun.
    unused = Place(1 + max(place.pool for place in places))
    place = places[team.rank] if len(places) == team.size else unused
    return _progress_from(description["progress"]), place


def _check_state(state: Mapping[int, Mapping[str, Tensor]], weights: list[Tensor]) -> None:
    """Raise a ValueError or an IndexError for the state of an optimizer of other weights; torch finds out too late."""
    if len({frozenset(of_weight) for of_weight in state.values()}) > 1:
        raise ValueError("an optimizer that knows more of one weight than of another")
    for index, of_weight in state.items():
        if any(tensor.ndim and tensor.shape != weights[index].shape for tensor in of_weight.values()):
            raise ValueError("an optimizer of other weights")


def _progress_from(content: dict[str, Any]) -> Progress:
    progress, rows = Progress(**content), content["history"]
    for number in (progress.step, progress.n_word, progress.skipped):
        _counted(number)
    if not 0 <= progress.seconds < math.inf:
        raise ValueError("seconds that no clock shows")
    for row in rows:
        if set(row) != set(rows[0]) or not {"step", "minutes", "val_total"} <= set(row):
            raise ValueError("a validation without its numbers")
        if not all(isinstance(value, int | float) for value in row.values()):
            raise ValueError("a loss that is no number")
    return progress


def _counted(number: Any) -> int:
    """The number, if it is one of things that are counted."""
    if not isinstance(number, int) or number < 0:
        raise ValueError(f"{number!r} is no count")
    return number


def _names(optimizers: list[torch.optim.Optimizer]) -> list[str]:
    return [type(optimizer).__name__ for optimizer in optimizers]
