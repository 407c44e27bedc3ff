"""The training loop: step, validate, save, resume.

A run of so many steps is repeatable: stopped at any moment and resumed, it reads the same examples and comes to the
same losses as one that was never stopped. A run of so many minutes lowers its rate by the clock, and is not; of
processes that train together the first one's clock counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from cmt.config import ModelConfig, TrainConfig
from cmt.corpus.songs import Corpus
from cmt.errors import CmtError
from cmt.machine.extras import require
from cmt.music.words import WordType
from cmt.training import run_folder
from cmt.training.average import Average
from cmt.training.dataset import START, without_augmentation
from cmt.training.device import AUTO, autocast, check_precision
from cmt.training.model import Batch
from cmt.training.muon import Muon
from cmt.training.run_folder import Progress
from cmt.training.task import NOTES, Task, task_of
from cmt.training.team import Team

CUE_RATE = 8.0
"""The tables of cues, which begin with zeros, learn at this many times the rate: at the common rate AdamW would take
thousands of steps to bring them to the size of other tables."""
MOST_SKIPPED = 10
"""Training stops after this many steps in a row whose loss is no number."""


def train(
    corpus: Corpus,
    validation: Corpus,
    run: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    resume: bool = False,
    start_from: Path | None = None,
    tensorboard: bool = False,
    device: str = AUTO,
    options: str = "",
    clock: Callable[[], float] = time.monotonic,
    show_progress: bool = True,
) -> Progress:
    """Train until `minutes` of the clock are spent or `steps` are done; the folder always holds the newest checkpoint.

    Started by torchrun, the processes share each step: every one learns from batches of its own, their gradients are
    averaged, each validates a share, and the first one saves. On a CPU two processes of one thread each do more
    than one process of two threads.

    Parameters
    ----------
    start_from
        A checkpoint with whose weights a new run begins; weights that it lacks begin as in any run.
    tensorboard
        Whether the losses are written for TensorBoard too, into the run's folder.
    device
        What torch computes on, as in `cmt.training.device.device_of`.
    options
        The content of the file in the run's folder with which the run can be asked for again; none is written if empty.
    clock
        What counts the minutes, in seconds; by `time.process_time` a busy machine takes nothing from a run.

    Raises
    ------
    CmtError
        If the folder already holds a run and `resume` is not asked, or the other way round; if the loss stays
        no number; if a batch does not fit into the memory; if TensorBoard is asked for and not installed; if the device
        is not there, or has not the precision that is asked for.
    """
    if (minutes is None) == (steps is None):
        raise ValueError("either minutes or steps")
    if tensorboard:
        require("tensorboard", "tensorboard", "`tensorboard`")
    with ExitStack() as alone:
        training = _Training(
            corpus, validation, run, model_config, config, resume, start_from, device, options, clock, alone
        )
        return _train(training, config, minutes, steps, tensorboard=tensorboard, show_progress=show_progress)


def _train(
    training: _Training,
    config: TrainConfig,
    minutes: float | None,
    steps: int | None,
    *,
    tensorboard: bool,
    show_progress: bool,
) -> Progress:
    run = training.run
    progress, spent, team = training.progress, training.clock, training.team
    board = _board(run, progress) if tensorboard and team.rank == 0 else None
    saved_at = spent.seconds()
    with tqdm(total=100, bar_format=_BAR, disable=team.rank > 0 or not show_progress) as bar:
        while True:
            done = spent.seconds() / (60 * minutes) if minutes is not None else progress.step / (steps or 1)
            due = spent.seconds() - saved_at > 60 * config.checkpoint_minutes
            if config.validation_steps:
                due = progress.step % config.validation_steps == 0
            done, due = team.agree(done, due)
            if (due or done >= 1) and progress.step != progress.step_saved:
                row = training.save()
                saved_at = spent.seconds()
                if board is not None:
                    for name, value in row.items():
                        board.add_scalar(name.replace("_", "/", 1), value, progress.step)
            if (done >= 1 and progress.step) or _learns_no_more(progress, config):
                break
            loss = training.take_step(done)
            bar.n = min(100.0, round(100 * done, 1))
            bar.set_postfix_str(_in_words(progress, loss), refresh=True)
    if board is not None:
        board.close()
    return progress


class _Training:
    """A run under way: the network, what teaches it, and how far it has come."""

    def __init__(
        self,
        corpus: Corpus,
        validation: Corpus,
        run: Path,
        model_config: ModelConfig,
        config: TrainConfig,
        resume: bool,
        start_from: Path | None,
        device: str,
        options: str,
        clock: Callable[[], float],
        alone: ExitStack,
    ) -> None:
        self.team = Team(device)
        self.device = self.team.device
        check_precision(config.precision, self.device)
        self.run, self.config = run, config
        torch.manual_seed(config.seed)
        self.task = task_of(model_config)
        self.model: Any = self.task.network(model_config).to(self.device)
        self.model.use_kernel(_available(config.kernel))
        self.optimizers = _optimizers(self.model, config, self.team)
        if start_from is not None:
            run_folder.start_from(start_from, self.model)
        alone.enter_context(run_folder.begin(run, model_config, config, resume, self.team, options))
        self.average = Average(self.model, config.average)
        self.progress, self.place = Progress(), START
        if resume:
            self.progress, self.place = run_folder.resume(run, self.model, self.optimizers, self.average, self.team)
        self.clock = _Clock(self.progress.seconds, clock)
        self.held_out = self.task.held_out(validation, without_augmentation(config))[self.team.rank :: self.team.size]
        self.stream = self.task.batches(corpus, config, self.place, self.team.rank)
        self.rate = 0.0
        self.skipped_in_a_row = 0
        self._forget_losses()

    def take_step(self, share_done: float) -> float | None:
        """Learn from the next batches: nats per word, or None where they were no numbers and nothing was learnt."""
        config, progress = self.config, self.progress
        self.rate = learning_rate(progress.step, share_done, config)
        # Each step has a seed of its own: dropout, too, is the same in a resumed run.
        torch.manual_seed((config.seed * 1_000_003 + progress.step) * self.team.size + self.team.rank)
        drawn = []
        for _ in range(config.accumulate):
            examples, self.place = next(self.stream)
            drawn.append(self.task.collate(examples, self.model.config, self.device))
        losses = _step(self.model, self.optimizers, drawn, self.rate, config, self.team)
        progress.step += 1
        if losses is None:
            self._skip()
            return None
        self.skipped_in_a_row = 0
        self.average.follow(self.model)
        n_word = sum(int(batch.mask.sum()) for batch in drawn)
        progress.n_word += self.team.size * n_word
        self.words_since += n_word
        for name, loss in losses.items():
            self.losses_since[name] += loss
        return sum(losses.values()) / n_word

    def save(self) -> dict[str, float]:
        """Validate and write everything that is needed to go on; the row that the history gets."""
        progress = self.progress
        progress.seconds = self.clock.seconds()
        with self.average.worn_by(self.model):
            held_out = validate(self.model, self.held_out, self.config, self.team, self.task)
        learnt = {name: total / max(1, self.words_since) for name, total in self.losses_since.items()}
        row = {
            "step": progress.step,
            "words": progress.n_word,
            "minutes": round(progress.seconds / 60, 3),
            "learning_rate": self.rate,
            "skipped": progress.skipped,
            **{f"train_{name}": loss for name, loss in learnt.items()},
            "train_total": sum(learnt.values()),
            **{f"val_{name}": loss for name, loss in held_out.items()},
        }
        progress.history.append(row)
        places = self.team.gather(self.place)
        if self.team.rank == 0:
            run_folder.save(
                self.run, self.model, self.optimizers, self.average, progress, places, self.config, self.task.save
            )
        self._forget_losses()
        return row

    def _forget_losses(self) -> None:
        self.losses_since = dict.fromkeys(self.task.attributes, 0.0)
        self.words_since = 0

    def _skip(self) -> None:
        self.progress.skipped += 1
        self.skipped_in_a_row += 1
        if self.skipped_in_a_row == MOST_SKIPPED:
            raise CmtError(
                f"the loss was no number {MOST_SKIPPED} times in a row; go on from the last checkpoint "
                "with `resume` and a lower `learning_rate`"
            )


_BAR = "{percentage:3.0f}% |{bar}| {elapsed}<{remaining} {postfix}"


def _in_words(progress: Progress, loss: float | None) -> str:
    text = f"step {progress.step}, {progress.n_word / 1e6:.2f}M words"
    if loss is not None:
        text += f", loss {loss:.3f}"
    if progress.history:
        text += f", held-out {progress.losses['total']:.3f}"
    return text


def _learns_no_more(progress: Progress, config: TrainConfig) -> bool:
    """Early stopping: whether the last `patience` validations were all no better than one before them."""
    totals = [row["val_total"] for row in progress.history]
    return 0 < config.patience < len(totals) and min(totals[-config.patience :]) >= min(totals[: -config.patience])


def _board(run: Path, progress: Progress) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run / "tensorboard"), purge_step=progress.step + 1)


def learning_rate(step: int, share_done: float, config: TrainConfig) -> float:
    """Warm-up, plateau, then a linear fall to a fiftieth over the last `decay_share` of the time."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    left = (1.0 - share_done) / config.decay_share
    return config.learning_rate * warm * max(0.02, min(1.0, left))


@torch.no_grad()
def validate(
    model: Any, held_out: list[list[Any]], config: TrainConfig, team: Team | None = None, task: Task = NOTES
) -> dict[str, float]:
    """Nats per word by attribute, their sum as `total`, and `note`: nats per note word's pitch and duration, if any."""
    model.eval()
    device = next(model.parameters()).device
    sums = dict.fromkeys(task.attributes, 0.0)
    n_word = n_note = 0
    for group in held_out:
        batch = task.collate(group, model.config, device)
        with autocast(device.type, config.precision):
            losses = model.losses(batch)
        for name, loss in losses.items():
            sums[name] += loss.item()
        n_word += int(batch.mask.sum())
        if isinstance(batch, Batch):
            n_note += int((batch.fields[..., 0] == WordType.NOTE).sum())
    model.train()
    if team is not None:
        *totals, n_word, n_note = team.sum([*sums.values(), n_word, n_note])  # type: ignore[assignment]
        sums = dict(zip(sums, totals, strict=True))
    per_word = {name: total / n_word for name, total in sums.items()}
    per_word["total"] = sum(per_word.values())
    if n_note:
        per_word["note"] = (sums["pitch"] + sums["duration"]) / n_note
    return per_word


def _step(
    model: Any,
    optimizers: list[torch.optim.Optimizer],
    drawn: list[Any],
    rate: float,
    config: TrainConfig,
    team: Team,
) -> dict[str, float] | None:
    """Learn from batches as if they were one; their losses summed over words, or None where they are no numbers."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
    model.zero_grad(set_to_none=True)
    n_word = sum(int(batch.mask.sum()) for batch in drawn)
    sums: dict[str, float] = {}
    try:
        for batch in drawn:
            with autocast(batch.mask.device.type, config.precision):
                losses = model.losses(batch)
            torch.autograd.backward(torch.stack(list(losses.values())).sum() / n_word)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.item()
    except RuntimeError as error:  # torch.cuda.OutOfMemoryError is one too
        if "out of memory" in str(error) or "not enough memory" in str(error):
            raise CmtError(
                f"a batch of {config.words_per_step} words does not fit into the memory; "
                "halve `words_per_step` and double `accumulate`"
            ) from None
        raise
    team.average_gradients(model)
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_gradient_norm)
    if not math.isfinite(norm.item()):  # the same on every process: they have the same gradients
        return None
    for optimizer in optimizers:
        optimizer.step()
    return sums


def _available(kernel: str) -> str:
    if kernel == "fast-transformers" and find_spec("fast_transformers") is None:
        raise CmtError("fast-transformers is not installed; docs/how.md says how to build it, or leave `kernel` out")
    return kernel


def _optimizers(model: Any, config: TrainConfig, team: Team) -> list[torch.optim.Optimizer]:
    """The optimizers, each of which changes weights of its own."""
    inner = model.inner_matrices() if config.optimizer == "muon" else []
    moved = {matrix for matrix, _ in inner}
    quick = set(model.cue_tables())
    rest = [p for p in model.parameters() if p not in moved and p not in quick]
    groups = [
        {"params": [p for p in rest if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    if quick:
        tables = [p for p in model.parameters() if p in quick]
        groups.append({"params": tables, "weight_decay": 0.0, "rate_factor": CUE_RATE})
    adamw = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
    return [Muon(inner, config.learning_rate, config.weight_decay, team), adamw] if inner else [adamw]


class _Clock:
    """Seconds by `read` that the run has taken, `before` this session and in it."""

    def __init__(self, before: float, read: Callable[[], float]) -> None:
        self.read = read
        self.start = read() - before

    def seconds(self) -> float:
        return self.read() - self.start
