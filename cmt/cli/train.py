"""`cmt train`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from cmt.cli.flags import with_flags
from cmt.cli.options import FILE, NumberType
from cmt.cli.saying import say
from cmt.cli.stopping import Stopped
from cmt.cli.train_file import CORPUS, as_file, use_file
from cmt.config import (
    ADAMW_RATE,
    KERNELS,
    PLANNER,
    PLANNER_TRAINING,
    PRECISIONS,
    PRESETS,
    ModelConfig,
    Optimizer,
    TrainConfig,
)
from cmt.machine.extras import require
from cmt.machine.files import check_folder
from cmt.machine.plural import count

if TYPE_CHECKING:
    from cmt.training.run_folder import Progress

SHARE = NumberType(0, 1)
POSITIVE = NumberType(0, min_open=True)
MOST_THREADS = 1024
MOST_SEED = 2**32 - 1
"""torch takes seeds of 63 bits, and each step has its own."""
DEFAULT_MINUTES = 60.0
PLANNER_PRESET = "planner"
"""The preset of the network that writes lead sheets."""


def own(field: str) -> object:
    """The default of an option that is a field of the configuration."""
    return getattr(TrainConfig, field)


def is_given(option: str) -> bool:
    """Whether an option stands on the command line or in the file of --config."""
    source = click.get_current_context().get_parameter_source(option)
    return source in (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP)


def is_only_in_file(option: str) -> bool:
    """Whether an option stands in the file of --config and not on the command line."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.DEFAULT_MAP


def _preset_of(model_config: ModelConfig) -> dict[str, str]:
    """The options that give a network of these sizes; none where no preset has them."""
    for name, preset in {**PRESETS, PLANNER_PRESET: PLANNER}.items():
        if model_config == preset:
            return {"preset": name}
        if model_config == replace(preset, chained_heads=not preset.chained_heads) and not preset.plans:
            return {"preset": name, "heads": "chained" if model_config.chained_heads else "independent"}
    return {}


def _settings(
    preset: str, heads: str, asked: dict[str, Any], stored: tuple[ModelConfig, TrainConfig] | None
) -> tuple[ModelConfig, TrainConfig]:
    """The network's sizes and how it is trained: a preset's or those that a run is `stored` with, and what is asked."""
    model_config, config = {**PRESETS, PLANNER_PRESET: PLANNER}[preset], TrainConfig()
    if model_config.plans:  # its own settings, but for what is given
        config = PLANNER_TRAINING
        rate_too = {"learning_rate"} if is_given("optimizer") else set()
        asked = {name: value for name, value in asked.items() if is_given(name) or name in rate_too}
    if stored is not None:  # as the run was, but for what is given anew
        asked = {name: value for name, value in asked.items() if is_given(name)}
        model_config, config = (model_config if is_given("preset") else stored[0]), stored[1]
    if heads != "preset":
        if model_config.plans:
            raise click.UsageError("--heads is for networks that write notes; a planner's heads are chained")
        model_config = replace(model_config, chained_heads=heads == "chained")
    return model_config, replace(config, **asked)


def _goal(minutes: float | None, steps: int | None) -> tuple[float | None, int | None]:
    """How long to train, by the clock or by steps; the command line wins over the file."""
    if minutes is not None and steps is not None:
        if is_only_in_file("minutes") == is_only_in_file("steps"):
            raise click.UsageError("--minutes and --steps exclude each other")
        return (None, steps) if is_only_in_file("minutes") else (minutes, None)
    return (minutes or DEFAULT_MINUTES, None) if steps is None else (None, steps)


def _start(start_from: Path | None, resume: bool) -> Path | None:
    """The checkpoint that a run begins with; one that goes on has begun already."""
    if resume and start_from is not None:
        if is_only_in_file("start_from"):
            return None
        raise click.UsageError("--start-from begins a run, --resume goes on with one; leave one of them out")
    return start_from


def _show(progress: Progress, config: TrainConfig, run: Path) -> None:
    """Print what to warn of, and how the run ended."""
    if progress.skipped:
        say(f"warning: {count(progress.skipped, 'step')} left out, the loss was no number", err=True)
    if progress.step < config.warmup_steps:
        say(
            f"warning: the run ended inside its warm-up, after {progress.step} of {config.warmup_steps} steps: its "
            "rate never reached the peak; train longer, or give fewer --warmup-steps",
            err=True,
        )
    losses = progress.losses
    of_note = f" ({losses['note']:.3f} a note)" if "note" in losses else ""
    say(
        f"{progress.step} steps, {progress.n_word / 1e6:.2f} M words, validation {losses['total']:.3f} nats a word"
        f"{of_note}; wrote {run / 'model.safetensors'}"
    )


@click.command()
@click.argument("corpora", metavar="CORPUS...", type=FILE, nargs=-1)
@click.option(
    "--config",
    type=FILE,
    is_eager=True,
    expose_value=False,
    callback=use_file,
    help="TOML file of these options by name; the command line wins. Each run writes its own, config.toml.",
)
@click.option("-o", "--output", "run", type=FILE, required=True, help="Folder of the run: checkpoints and losses.")
@click.option(
    "--preset",
    type=click.Choice([*PRESETS, PLANNER_PRESET]),
    default="small",
    show_default=True,
    help="Sizes of the network that writes notes, or planner: the one that writes lead sheets.",
)
@click.option(
    "--minutes",
    type=POSITIVE,
    help=f"How long to train by the clock, over all sessions of the run.  [default: {DEFAULT_MINUTES:g}]",
)
@click.option("--steps", type=click.IntRange(1), help="Train so many steps instead: repeatable to the digit.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder.")
@click.option("--start-from", type=FILE, metavar="CHECKPOINT", help="Begin with the weights of a model that is there.")
@click.option(
    "--words-per-step",
    type=click.IntRange(64),
    default=own("words_per_step"),
    show_default=True,
    help=f"Words in a batch of one process; fewer need less memory. A planner reads bars, "
    f"{PLANNER_TRAINING.words_per_step} unless told otherwise.",
)
@click.option(
    "--accumulate", type=click.IntRange(1), default=own("accumulate"), show_default=True, help="Batches in a step."
)
@click.option(
    "--optimizer",
    type=click.Choice(get_args(Optimizer)),
    default=own("optimizer"),
    show_default=True,
    help="Muon for the matrices inside the network and AdamW for the rest, or AdamW for all.",
)
@click.option(
    "--learning-rate",
    type=POSITIVE,
    help=f"Its peak.  [default: {TrainConfig.learning_rate:g}, of adamw {ADAMW_RATE:g}]",
)
@click.option(
    "--warmup-steps",
    type=click.IntRange(1),
    default=own("warmup_steps"),
    show_default=True,
    help="First steps, over which the rate rises.",
)
@click.option(
    "--decay-share",
    type=NumberType(0, 1, min_open=True),
    default=own("decay_share"),
    show_default=True,
    help="Last share of the training over which the rate falls.",
)
@click.option(
    "--average",
    type=NumberType(0, 1, max_open=True),
    default=own("average"),
    show_default=True,
    help="What the moving average of the weights keeps of itself at each step; 0 is no average.",
)
@click.option(
    "--patience",
    type=click.IntRange(0),
    default=own("patience"),
    show_default=True,
    help="Stop after so many validations without a better one; 0 never.",
)
@click.option(
    "--transpose",
    type=click.Choice(["home", "random"]),
    default=own("transpose"),
    show_default=True,
    help="Bring songs to C major / A minor, or move them at random.",
)
@click.option(
    "--joined-share",
    type=SHARE,
    default=own("joined_share"),
    show_default=True,
    help="Share of examples that are a song's opening joined to its ending.",
)
@click.option(
    "--splice-share",
    type=SHARE,
    default=own("splice_share"),
    show_default=True,
    help="Share of examples that change from a song to another like it.",
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
    type=click.Choice(KERNELS),
    default=own("kernel"),
    show_default=True,
    help="Who multiplies out the attention; the numbers are the same.",
)
@click.option(
    "--checkpoint-minutes",
    type=POSITIVE,
    default=own("checkpoint_minutes"),
    show_default=True,
    help="Minutes between checkpoints, each with a validation.",
)
@click.option(
    "--validation-steps",
    type=click.IntRange(0),
    default=own("validation_steps"),
    show_default=True,
    help="Steps between checkpoints instead.",
)
@click.option(
    "--validation-words",
    type=click.IntRange(1),
    default=own("validation_words"),
    show_default=True,
    help=f"Words that a validation reads; a planner's are bars, {PLANNER_TRAINING.validation_words} unless told "
    "otherwise.",
)
@click.option(
    "--device",
    metavar="auto|cpu|cuda|cuda:N",
    default="auto",
    show_default=True,
    help="What computes: auto is a GPU where there is one; cuda:1 is the second GPU.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=own("precision"),
    show_default=True,
    help="Of the products; auto is bf16 where the hardware multiplies it, else fp32.",
)
@click.option("--tensorboard", is_flag=True, help="Write the losses for TensorBoard too.")
@click.option("--threads", type=click.IntRange(1, MOST_THREADS), help="Threads of torch. Left out, torch decides.")
@click.option("--seed", type=click.IntRange(0, MOST_SEED), default=own("seed"), show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def train(
    corpora: tuple[Path, ...],
    run: Path,
    preset: str,
    minutes: float | None,
    steps: int | None,
    resume: bool,
    start_from: Path | None,
    words_per_step: int,
    accumulate: int,
    optimizer: Optimizer,
    learning_rate: float | None,
    warmup_steps: int,
    decay_share: float,
    average: float,
    patience: int,
    transpose: str,
    joined_share: float,
    splice_share: float,
    heads: str,
    kernel: str,
    checkpoint_minutes: float,
    validation_steps: int,
    validation_words: int,
    device: str,
    precision: str,
    tensorboard: bool,
    threads: int | None,
    seed: int,
    quiet: bool,
) -> None:
    """Train a model on CORPUS: folders that cmt prepare made, or packs such as lpd5_16th_labelled.npz.xz.

    The folder always holds the newest model.safetensors (for cmt generate --checkpoint), best.safetensors with the
    lowest validation loss, state.safetensors (for --resume, at any moment), losses.csv, their picture loss.png, and
    config.toml, which --config takes. --resume keeps the settings of the run, but for those that are given anew.

    Several processes or machines share the work: torchrun --nproc-per-node 2 -m cmt train ...
    """
    from cmt.corpus.reading import read_corpus
    from cmt.training.device import check_precision, device_of
    from cmt.training.loop import train as train_model
    from cmt.training.run_folder import STATE, check_free, settings_of
    from cmt.training.team import team_of, use_threads

    if not corpora:
        raise click.UsageError(f"name the CORPUS to learn from, or give it as {CORPUS} in the file of --config")
    minutes, steps = _goal(minutes, steps)
    start_from = _start(start_from, resume)
    if tensorboard:
        require("tensorboard", "tensorboard", "--tensorboard")
    if threads:
        use_threads(threads)
    rate = learning_rate or (ADAMW_RATE if optimizer == "adamw" else TrainConfig.learning_rate)
    asked: dict[str, Any] = {
        "words_per_step": words_per_step,
        "accumulate": accumulate,
        "optimizer": optimizer,
        "learning_rate": rate,
        "warmup_steps": warmup_steps,
        "decay_share": decay_share,
        "average": average,
        "patience": patience,
        "transpose": transpose,
        "joined_share": joined_share,
        "splice_share": splice_share,
        "kernel": kernel,
        "checkpoint_minutes": checkpoint_minutes,
        "validation_steps": validation_steps,
        "validation_words": validation_words,
        "precision": precision,
        "seed": seed,
    }
    model_config, config = _settings(preset, heads, asked, settings_of(run) if resume else None)
    if config.joined_share + config.splice_share + config.whole_song_share > 1:
        most = 1 - config.whole_song_share
        raise click.UsageError(f"--joined-share and --splice-share are together more than {most:g}")
    warning = check_precision(config.precision, device_of(device, *team_of()))
    if warning:
        say(f"warning: {with_flags(warning)}", err=True)
    check_folder(run)
    if not resume:
        check_free(run)
    corpus, validation = read_corpus(corpora, "train"), read_corpus(corpora, "val")
    options = {
        CORPUS: corpora,
        **_preset_of(model_config),
        "minutes": minutes,
        "steps": steps,
        "start_from": start_from,
        **{name: getattr(config, name) for name in asked},
        "device": device,
        "threads": threads,
        "tensorboard": tensorboard,
    }
    if not quiet:
        say(f"{len(corpus.songs)} songs to learn from, {len(validation.songs)} held out")
    try:
        progress = train_model(
            corpus,
            validation,
            run,
            model_config,
            config,
            minutes=minutes,
            steps=steps,
            resume=resume,
            start_from=start_from,
            tensorboard=tensorboard,
            device=device,
            options=as_file(options),
            show_progress=not quiet and sys.stderr.isatty(),
        )
    except KeyboardInterrupt:
        if not (run / STATE).exists():
            raise
        raise Stopped("--resume goes on from the last checkpoint") from None
    _show(progress, config, run)
