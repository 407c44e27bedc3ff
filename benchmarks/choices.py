"""What each choice of the training is worth: the same network trained for the same time, with and without it.

    python benchmarks/choices.py --pack lpd5_16th_labelled.npz.xz -o out/choices [--minutes 4] [--preset tiny]
        [--start-from model.safetensors] [--choice "no echoes" ...] [--jobs 2] [--picture docs/choices.png]

Rows are choices; columns are nats per word on held-out excerpts, on held-out pieces joined from an opening and an
ending, and on pieces spliced from two songs. Networks that are left without a control attribute do not pay for it; what
all of them can be compared by is pitch and duration per note. The picture has their curves (fig. 5 of the paper).
Minutes are those of one processor core: other work on the machine does not count. A choice that is in the output folder
already is not trained again.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from cmt.checkpoint import config_from, load_tensors, save_checkpoint
from cmt.config import CONTROLS, PRESETS, ModelConfig, TrainConfig
from cmt.corpus import read_corpus
from cmt.dataset import validation_batches, without_augmentation
from cmt.model import MusicTransformer
from cmt.train import LOSSES, STATE, train, validate
from cmt.workers import Workers

AS_SHIPPED = "as shipped"
MODEL_CHOICES = {
    "no echoes": {"echo_bars": ()},
    "no metre": {"metre": False},
    "independent heads": {"chained_heads": False},
    **{f"no {name}": {"left_out": (name,)} for name in CONTROLS},
    "no control attribute": {"left_out": CONTROLS},
}
TRAIN_CHOICES = {
    "no joined pieces": {"joined_share": 0.0},
    "no splices": {"splice_share": 0.0},
    "no average": {"average": 0.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--preset", choices=list(PRESETS), default="tiny")
    parser.add_argument("--start-from", type=Path)
    parser.add_argument("--choice", action="append", choices=[*MODEL_CHOICES, *TRAIN_CHOICES])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    names = [AS_SHIPPED, *(arguments.choice or [*MODEL_CHOICES, *TRAIN_CHOICES])]
    work = partial(
        outcome,
        packs=arguments.pack,
        output=arguments.output,
        preset=arguments.preset,
        minutes=arguments.minutes,
        start_from=arguments.start_from,
    )
    print("| | excerpts | of it, per note | joined | spliced |")
    print("|---|---|---|---|---|")
    with Workers(arguments.jobs) as workers:
        for name, losses in zip(names, workers.map(work, names), strict=True):
            print(f"| {name} | " + " | ".join(f"{loss:.3f}" for loss in losses) + " |", flush=True)
    if arguments.picture is not None:
        draw({name: arguments.output / folder_name(name) for name in names}, arguments.picture)


def outcome(
    name: str, packs: list[Path], output: Path, preset: str, minutes: float, start_from: Path | None
) -> tuple[float, ...]:
    """Nats a word on held-out excerpts, a note of them, on joined pieces, on spliced ones."""
    torch.set_num_threads(1)
    run = output / folder_name(name)
    model_config = replace(PRESETS[preset], **MODEL_CHOICES.get(name, {}))
    config = replace(
        TrainConfig(words_per_step=3072, checkpoint_minutes=minutes / 12, average=0.99), **TRAIN_CHOICES.get(name, {})
    )
    held_out = read_corpus(packs, "val")
    if not (run / STATE).exists():
        start = (
            None
            if start_from is None
            else start_of(start_from, model_config, output / f"start_{folder_name(name)}.safetensors")
        )
        corpus = read_corpus(packs, "train")
        train(corpus, held_out, run, model_config, config, minutes=minutes, start_from=start, show_progress=False)
    network = averaged_network(run, model_config)
    plain = without_augmentation(TrainConfig())
    sets = (
        plain,
        replace(plain, joined_share=1.0, whole_song_share=0.0),
        replace(plain, splice_share=1.0, whole_song_share=0.0),
    )
    excerpts, joined, spliced = (validate(network, validation_batches(held_out, each), plain) for each in sets)
    return excerpts["total"], excerpts["note"], joined["total"], spliced["total"]


def folder_name(name: str) -> str:
    return name.replace(" ", "_")


def start_of(checkpoint: Path, config: ModelConfig, fitting: Path) -> Path:
    """The checkpoint, without the weights that a network of this configuration has no use for."""
    tensors, _ = load_tensors(checkpoint)
    wanted = MusicTransformer(config).state_dict()
    fitting.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(config, {name: weight for name, weight in tensors.items() if name in wanted}, fitting, {})
    return fitting


def averaged_network(run: Path, config: ModelConfig) -> MusicTransformer:
    """The network with the averaged weights of a run."""
    tensors, description = load_tensors(run / STATE)
    assert config_from(description["model"]) == config
    network = MusicTransformer(config)
    prefix = "average."
    weights = {name.removeprefix(prefix): torch.from_numpy(w) for name, w in tensors.items() if name.startswith(prefix)}
    network.load_state_dict(weights)
    return network


def draw(runs: dict[str, Path], picture: Path) -> None:
    """Held-out nats a note over the minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="minutes of one processor core", ylabel="nats a note, held-out excerpts")
    for name, run in runs.items():
        with open(run / LOSSES, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        axes.plot([float(row["minutes"]) for row in rows], [float(row["val_note"]) for row in rows], label=name)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(picture)


if __name__ == "__main__":
    main()
