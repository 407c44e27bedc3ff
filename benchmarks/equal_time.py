"""Networks that differ in one thing, each trained for the same time of one processor core: what the studies share."""

from __future__ import annotations

import csv
import shutil
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from cmt.config import ModelConfig, TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.machine.workers import Workers
from cmt.network.checkpoint import config_from, load_tensors
from cmt.training.dataset import validation_batches, without_augmentation
from cmt.training.loop import train, validate
from cmt.training.model import MusicTransformer
from cmt.training.run_folder import LOSSES, STATE, settings_of

HELD_OUT_WORDS = 60_000
"""Read for each of the final losses; on the way there a third of it, so that it costs little of the time."""


@dataclass(frozen=True)
class Trial:
    """A network and how it is taught."""

    name: str
    model: ModelConfig
    train: TrainConfig

    @property
    def folder(self) -> str:
        return self.name.replace(" ", "_")


def base_config(minutes: float) -> TrainConfig:
    """What all trials of a study share: small steps, and eight validations."""
    return TrainConfig(
        words_per_step=3072,
        warmup_steps=60,
        average=0.99,
        checkpoint_minutes=minutes / 8.1,
        validation_words=HELD_OUT_WORDS // 3,
    )


def train_all(trials: list[Trial], packs: list[Path], output: Path, minutes: float, jobs: int) -> None:
    """A run's folder for each trial, several side by side; a run that is there with the same settings is kept."""
    work = partial(_train_one, packs=packs, output=output, minutes=minutes)
    with Workers(jobs) as workers:
        for trial, rate in zip(trials, workers.map(work, trials), strict=True):
            print(f"{trial.name}: {rate:.0f} words a second", flush=True)


def _train_one(trial: Trial, packs: list[Path], output: Path, minutes: float) -> float:
    """Words a second of the run."""
    torch.set_num_threads(1)
    run = output / trial.folder
    if not _is_done(run, trial, minutes):
        shutil.rmtree(run, ignore_errors=True)  # by the clock, and so not to be gone on with
        corpus, held_out = read_corpus(packs, "train"), read_corpus(packs, "val")
        train(
            corpus,
            held_out,
            run,
            trial.model,
            trial.train,
            minutes=minutes,
            clock=time.process_time,  # of one thread: what else the machine does takes nothing from a trial
            show_progress=False,
        )
    last = history_of(run)[-1]
    return float(last["words"]) / (60 * float(last["minutes"]))


def _is_done(run: Path, trial: Trial, minutes: float) -> bool:
    if not (run / STATE).exists() or settings_of(run) != (trial.model, trial.train):
        return False
    return float(history_of(run)[-1]["minutes"]) >= minutes


def history_of(run: Path) -> list[dict[str, str]]:
    """The rows of a run's losses.csv."""
    with open(run / LOSSES, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def n_word_of(run: Path) -> int:
    """Words that a run has learnt from: a busy machine's cores do less in the same time."""
    return int(history_of(run)[-1]["words"])


EXCERPTS = without_augmentation(TrainConfig(validation_words=HELD_OUT_WORDS))
JOINED = replace(EXCERPTS, joined_share=1.0, whole_song_share=0.0)
"""Openings joined to endings."""
SPLICED = replace(EXCERPTS, splice_share=1.0, whole_song_share=0.0)
"""From one song into another."""


def final_losses(trial: Trial, packs: list[Path], output: Path, kind: TrainConfig = EXCERPTS) -> dict[str, float]:
    """Held-out losses on pieces of a kind, in the keys that the network knows, told what it was told."""
    kind = replace(kind, transpose=trial.train.transpose, never_told=trial.train.never_told)
    tensors, description = load_tensors(output / trial.folder / STATE)
    network = MusicTransformer(config_from(description["model"]))
    average = "average."
    network.load_state_dict(
        {name.removeprefix(average): torch.from_numpy(w) for name, w in tensors.items() if name.startswith(average)}
    )
    return validate(network, validation_batches(read_corpus(packs, "val"), kind), kind)


def draw_curves(runs: dict[str, Path], column: str, label: str, picture: Path) -> None:
    """A column of each run's losses over its minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="minutes of one processor core", ylabel=label)
    for name, run in runs.items():
        rows = history_of(run)
        axes.plot([float(row["minutes"]) for row in rows], [float(row[column]) for row in rows], marker=".", label=name)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(picture)
