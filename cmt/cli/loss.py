"""`cmt loss`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cmt.cli.options import FILE, Bars
from cmt.cli.saying import say
from cmt.config import PRECISIONS
from cmt.machine.plural import count


@click.command()
@click.argument("checkpoint", type=FILE)
@click.argument("corpora", metavar="CORPUS...", type=FILE, nargs=-1, required=True)
@click.option("--split", type=click.Choice(["val", "train"]), default="val", show_default=True, help="Which songs.")
@click.option("--words", type=click.IntRange(1), help="Words to read; bars of a planner. Else as a validation does.")
@click.option("-o", "--output", type=FILE, help="JSON file for the numbers.")
@click.option("--device", metavar="auto|cpu|cuda|cuda:N", default="auto", show_default=True, help="What computes.")
@click.option("--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True, help="Of the products.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the intervals.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no table.")
def loss(
    checkpoint: Path,
    corpora: tuple[Path, ...],
    split: str,
    words: int | None,
    output: Path | None,
    device: str,
    precision: str,
    seed: int,
    quiet: bool,
) -> None:
    """Measure the loss of CHECKPOINT on CORPUS, in nats a word by attribute, as its training's validation does.

    CHECKPOINT writes notes or, of a planner, lead sheets. CORPUS is a folder that cmt prepare made, or a pack. Of songs
    that it learnt from (--split train) a network expects too much.
    """
    from cmt.corpus.reading import read_corpus
    from cmt.training.held_out import loss_on
    from midi_io.whole_file import check_not_read, check_writable, whole_file

    if output is not None:
        check_writable(output)
        check_not_read(output, (checkpoint, *corpora))
    corpus = read_corpus(corpora, split)
    bars = Bars(quiet)
    try:
        found = loss_on(checkpoint, corpus, n_word=words, device=device, precision=precision, seed=seed, progress=bars)
    finally:
        bars.close()
    unit = "bar" if found.is_planner else "word"
    if output is not None:
        content = {
            "checkpoint": str(checkpoint),
            "corpus": [str(path) for path in corpora],
            "split": split,
            "unit": f"nats a {unit}",
            "pieces": found.n_piece,
            f"{unit}s": found.n_word,
            "loss": {
                name: {"mean": its.mean, "low": its.low, "high": its.high} for name, its in found.per_word.items()
            },
        }
        with whole_file(output) as unfinished:
            unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if quiet:
        return
    say(f"{count(found.n_piece, 'piece')}, {count(found.n_word, unit)}; nats a {unit} [95 % interval]")
    for name, its in found.per_word.items():
        say(f"  {name.replace('_', ' '):14}{its.mean:8.4f} [{its.low:.4f}, {its.high:.4f}]")
    if output is not None:
        say(f"wrote    {output}")
