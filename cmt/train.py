"""The training loop: step, evaluate, save, resume."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed
from tqdm import tqdm

from cmt.checkpoint import Tensors, config_from, load_tensors, save_checkpoint, save_tensors
from cmt.config import ModelConfig, TrainConfig
from cmt.corpus import Corpus
from cmt.dataset import Example, batches, examples, validation_examples
from cmt.errors import CmtError
from cmt.model import Batch, MusicTransformer
from cmt.words import WordType

STATE = "state.safetensors"
"""In the run's folder: everything needed to go on."""
MODEL = "model.safetensors"
"""In the run's folder: fp16 weights for `cmt generate --checkpoint`."""
LOSSES = "losses.jsonl"
"""In the run's folder: a line for each validation."""


@dataclass
class Progress:
    """How far a training has come."""

    step: int = 0
    n_word: int = 0
    """Words learnt from, padding not counted."""
    seconds: float = 0.0
    """Time spent, over all sessions; CPU time of the process on a CPU, so that a busy machine does not count."""
    losses: dict[str, float] = field(default_factory=dict)
    """Of the last validation, nats per word by attribute and `total`."""


def collate(drawn: list[Example], device: torch.device | str = "cpu") -> Batch:
    """Examples as tensors, padded at their ends."""
    longest = max(len(example.timing) for example in drawn)

    def padded(arrays: list[np.ndarray]) -> Tensor:
        out = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=np.int64)
        for row, array in zip(out, arrays, strict=True):
            row[: len(array)] = array
        return torch.from_numpy(out).to(device)

    lengths = torch.tensor([len(example.timing) for example in drawn])
    return Batch(
        torch.tensor([example.initial for example in drawn], device=device),
        padded([example.fields for example in drawn]),
        padded([example.positions for example in drawn]),
        padded([example.timing for example in drawn]),
        (torch.arange(longest)[None] < lengths[:, None]).to(device),
    )


def train(
    corpus: Corpus,
    validation: Corpus,
    run: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    minutes: float,
    resume: bool = False,
    show_progress: bool = True,
) -> Progress:
    """Train until `minutes` are spent; the run's folder always holds the newest checkpoint.

    Started by torchrun, the processes share each step: every one learns from a batch of its own,
    their gradients are averaged, and the first one validates and saves. On a CPU two processes of one
    thread each do more than one process of two threads.

    Raises
    ------
    CmtError
        If the folder already holds a run and `resume` is not asked, or the other way round,
        or if the loss is no longer a number.
    """
    team = _Team()
    run.mkdir(parents=True, exist_ok=True)
    device = f"cuda:{team.local_rank}" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    model = MusicTransformer(model_config).to(device)
    model.use_kernel(_available(config.kernel))
    optimizer = _optimizer(model, config)
    rng = np.random.default_rng(config.seed)
    progress = _resume(run, model, optimizer, rng) if resume else _begin(run, model_config, config, team)
    if team.rank:
        rng = np.random.default_rng([config.seed, team.rank, progress.step])
    held_out = [[example] for example in validation_examples(validation, config)]
    held_out = list(_in_batches(held_out, config.words_per_step))
    stream = batches(examples(corpus, config, rng), config.words_per_step)
    clock = _Clock(device, progress.seconds)
    saved_at = clock.seconds()
    quiet = team.rank > 0 or not show_progress
    with tqdm(total=round(minutes * 60), initial=round(clock.seconds()), unit="s", disable=quiet) as bar:
        while (share_done := team.agree(clock.seconds() / (60 * minutes))) < 1:
            batch = collate(next(stream), device)
            rate = learning_rate(progress.step, share_done, config)
            loss = _step(model, optimizer, batch, rate, config, team)
            progress.step += 1
            progress.n_word += team.size * int(batch.mask.sum())
            bar.n = min(round(clock.seconds()), bar.total)
            bar.set_postfix(loss=f"{loss:.3f}", words=f"{progress.n_word / 1e6:.2f}M", refresh=True)
            if team.rank == 0 and clock.seconds() - saved_at > 60 * config.checkpoint_minutes:
                progress.seconds = saved_at = clock.seconds()
                _save(run, model, optimizer, rng, progress, validate(model, held_out, config), model_config, config)
    progress.seconds = clock.seconds()
    if team.rank == 0:
        _save(run, model, optimizer, rng, progress, validate(model, held_out, config), model_config, config)
    return progress


class _Team:
    """The processes that train together: one, or those that torchrun started."""

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", 0))
        self.local_rank = int(os.environ.get("LOCAL_RANK", 0))
        self.size = int(os.environ.get("WORLD_SIZE", 1))
        if self.size > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")

    def agree(self, value: float) -> float:
        """The first process's value."""
        if self.size == 1:
            return value
        told = torch.tensor([value], device=self.local_rank if torch.cuda.is_available() else "cpu")
        distributed.broadcast(told, 0)
        return float(told)

    def average_gradients(self, model: MusicTransformer) -> None:
        """Every process's gradients become the mean of all."""
        if self.size == 1:
            return
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        joined = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(joined)
        joined /= self.size
        for gradient, mean in zip(gradients, joined.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))


def learning_rate(step: int, share_done: float, config: TrainConfig) -> float:
    """Warm-up, plateau, then a linear fall to a fiftieth over the last `decay_share` of the time."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    left = (1.0 - share_done) / config.decay_share
    return config.learning_rate * warm * max(0.02, min(1.0, left))


@torch.no_grad()
def validate(model: MusicTransformer, held_out: list[list[Example]], config: TrainConfig) -> dict[str, float]:
    """Nats per word by attribute, their sum as `total`, and `note`: nats per note word's pitch and duration."""
    model.eval()
    device = next(model.parameters()).device
    sums: dict[str, float] = {}
    n_word = n_note = 0
    for group in held_out:
        batch = collate(group, device)
        with _autocast(device.type, config):
            losses = model.losses(batch)
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss.item()
        n_word += int(batch.mask.sum())
        n_note += int((batch.fields[..., 0] == WordType.NOTE).sum())
    model.train()
    per_word = {name: total / n_word for name, total in sums.items()}
    per_word["total"] = sum(per_word.values())
    per_word["note"] = (sums["pitch"] + sums["duration"]) / n_note
    return per_word


def weights_of(model: MusicTransformer) -> Tensors:
    """Every weight as an array, by name."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in model.state_dict().items()}


def _step(
    model: MusicTransformer,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    rate: float,
    config: TrainConfig,
    team: _Team,
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    with _autocast(batch.fields.device.type, config):
        losses = model.losses(batch)
    loss = torch.stack(list(losses.values())).sum() / batch.mask.sum()
    if not math.isfinite(loss.item()):
        raise CmtError("the loss is no longer a number; go on from the last checkpoint with a lower --learning-rate")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    team.average_gradients(model)
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_gradient_norm)
    optimizer.step()
    return loss.item()


def _available(kernel: str) -> str:
    if kernel == "fast-transformers" and find_spec("fast_transformers") is None:
        raise CmtError("fast-transformers is not installed; README.md says how to build it, or leave --kernel out")
    return kernel


def _optimizer(model: MusicTransformer, config: TrainConfig) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))


def _autocast(device_type: str, config: TrainConfig) -> torch.autocast:
    wanted = config.precision == "bf16" or (config.precision == "auto" and _multiplies_bf16(device_type))
    return torch.autocast(device_type, dtype=torch.bfloat16, enabled=wanted)


def _multiplies_bf16(device_type: str) -> bool:
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported()
    capabilities = torch.backends.cpu.get_cpu_capability()
    cpu_flags = Path("/proc/cpuinfo")
    return "AVX512" in capabilities and cpu_flags.is_file() and "avx512_bf16" in cpu_flags.read_text()


def _in_batches(singles: list[list[Example]], words_per_step: int) -> Iterator[list[Example]]:
    drawn = sorted((example for single in singles for example in single), key=lambda example: -len(example.timing))
    group: list[Example] = []
    for example in drawn:
        if group and len(group[0].timing) * (len(group) + 1) > words_per_step:
            yield group
            group = []
        group.append(example)
    yield group


class _Clock:
    """Seconds worked: CPU time of the process, halved for its threads, or wall time on a GPU."""

    def __init__(self, device: str, before: float) -> None:
        self.read = time.monotonic if device.startswith("cuda") else self._cpu_seconds
        self.start = self.read() - before

    def seconds(self) -> float:
        return self.read() - self.start

    @staticmethod
    def _cpu_seconds() -> float:
        return time.process_time() / torch.get_num_threads()


def _begin(run: Path, model_config: ModelConfig, config: TrainConfig, team: _Team) -> Progress:
    if team.rank:
        return Progress()
    if (run / STATE).exists():
        raise CmtError(f"{run}: holds a training already; go on with --resume or choose another folder")
    (run / "config.json").write_text(json.dumps({"model": asdict(model_config), "train": asdict(config)}, indent=1))
    return Progress()


def _save(
    run: Path,
    model: MusicTransformer,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    progress: Progress,
    losses: dict[str, float],
    model_config: ModelConfig,
    config: TrainConfig,
) -> None:
    progress.losses = losses
    tensors = {f"model.{name}": weight for name, weight in weights_of(model).items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value).cpu().numpy() for name, value in state.items()}
    description = {"progress": asdict(progress), "rng": rng.bit_generator.state, "model": asdict(model_config)}
    save_tensors(tensors, description, run / STATE)
    provenance = {"step": progress.step, "words": progress.n_word, "minutes": progress.seconds / 60}
    save_checkpoint(
        model_config, weights_of(model), run / MODEL, {**provenance, "validation": losses, "train": asdict(config)}
    )
    with open(run / LOSSES, "a", encoding="utf-8") as file:
        file.write(json.dumps({**provenance, **losses}) + "\n")


def _resume(run: Path, model: MusicTransformer, optimizer: torch.optim.Optimizer, rng: np.random.Generator) -> Progress:
    if not (run / STATE).exists():
        raise CmtError(f"{run}: holds no training to go on with; leave --resume out")
    tensors, description = load_tensors(run / STATE)
    if config_from(description["model"]) != model.config:
        raise CmtError(f"{run}: was begun with another model; give the same --preset")
    weights = {name[6:]: weight for name, weight in tensors.items() if name.startswith("model.")}
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = torch.from_numpy(tensor)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    rng.bit_generator.state = description["rng"]
    return Progress(**description["progress"])
