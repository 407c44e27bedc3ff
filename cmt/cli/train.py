"""`cmt train`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from cmt.cli.options import FILE
from cmt.config import PRESETS, TrainConfig


@click.command()
@click.argument("corpora", metavar="CORPUS...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", "run", type=FILE, required=True, help="Folder of the run: checkpoints and losses.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="small", show_default=True)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="How long to train, over all sessions of the run.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder.")
@click.option(
    "--transpose",
    type=click.Choice(["home", "random"]),
    default=TrainConfig.transpose,
    show_default=True,
    help="Bring songs to C major / A minor, or move them at random.",
)
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), default=TrainConfig.learning_rate, show_default=True
)
@click.option(
    "--heads",
    type=click.Choice(["preset", "chained", "independent"]),
    default="preset",
    show_default=True,
    help="How a word's attributes are drawn.",
)
@click.option(
    "--kernel",
    type=click.Choice(["chunked", "fast-transformers"]),
    default=TrainConfig.kernel,
    show_default=True,
    help="Who multiplies out the attention; the numbers are the same.",
)
@click.option("--threads", type=click.IntRange(1), help="Threads of torch. Left out, torch decides.")
@click.option("--seed", type=click.IntRange(0), default=TrainConfig.seed, show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def train(
    corpora: tuple[Path, ...],
    run: Path,
    preset: str,
    minutes: float,
    resume: bool,
    transpose: str,
    learning_rate: float,
    heads: str,
    kernel: str,
    threads: int | None,
    seed: int,
    quiet: bool,
) -> None:
    """Train a model on CORPUS: folders that cmt prepare made, or packs such as lpd5_16th_labelled.npz.xz.

    The folder always holds the newest model.safetensors (for cmt generate --checkpoint),
    state.safetensors (for --resume) and losses.jsonl.
    """
    import torch

    from cmt.corpus import read_corpus
    from cmt.train import train as train_model

    if threads:
        torch.set_num_threads(threads)
    model_config = PRESETS[preset]
    if heads != "preset":
        model_config = replace(model_config, chained_heads=heads == "chained")
    config = TrainConfig(transpose=transpose, learning_rate=learning_rate, seed=seed, kernel=kernel)
    corpus, validation = read_corpus(corpora, "train"), read_corpus(corpora, "val")
    if not quiet:
        click.echo(f"{len(corpus.songs)} songs to learn from, {len(validation.songs)} held out")
    progress = train_model(
        corpus,
        validation,
        run,
        model_config,
        config,
        minutes=minutes,
        resume=resume,
        show_progress=not quiet and sys.stderr.isatty(),
    )
    losses = progress.losses
    click.echo(
        f"{progress.step} steps, {progress.n_word / 1e6:.2f} M words, validation {losses['total']:.3f} nats a word "
        f"({losses['note']:.3f} a note); wrote {run / 'model.safetensors'}"
    )
