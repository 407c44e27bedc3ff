"""What each choice of the training is worth: the same network trained for the same time, with and without it.

    python benchmarks/choices.py --pack lpd5_16th_labelled.npz.xz -o out/choices [--minutes 4] [--preset tiny]
        [--choice "no echoes" ...] [--seeds 3] [--jobs 2]

Rows are choices; columns are nats per word on held-out excerpts, on held-out pieces joined from an opening and an
ending, and on pieces spliced from two songs: the mean over seeds, and with several of them the range. The last column
is how much worse than what is shipped a choice is on excerpts, seed by seed. Minutes are those of one processor core;
other work on the machine still slows them down, so the words that each network read stand beside its losses. What is
in the output folder already, trained as now, is not trained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from equal_time import EXCERPTS, JOINED, SPLICED, Trial, base_config, final_losses, n_word_of, train_all

from cmt.config import PRESETS, SheetKind

AS_SHIPPED = "as shipped"
MODEL_CHOICES = {
    "no echoes": {"echo_bars": ()},
    "no metre": {"metre": False},
    "independent heads": {"chained_heads": False},
    "no cues": {"cues": False},
}
TRAIN_CHOICES = {
    "no joined pieces": {"joined_share": 0.0},
    "no splices": {"splice_share": 0.0},
    "moved at random": {"transpose": "random"},
    "no average": {"average": 0.0},
    "AdamW alone": {"optimizer": "adamw", "learning_rate": 1e-3},
    "AdamW alone at the same rate": {"optimizer": "adamw"},
    "no sheet": {"never_told": get_args(SheetKind)},
    "no chords told": {"never_told": ("chords",)},
    "no planned repeats": {"never_told": ("repeats",)},
    "no accents told": {"never_told": ("accents",)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--preset", choices=list(PRESETS), default="tiny")
    parser.add_argument("--choice", action="append", choices=[*MODEL_CHOICES, *TRAIN_CHOICES])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    names = [AS_SHIPPED, *(arguments.choice or [*MODEL_CHOICES, *TRAIN_CHOICES])]
    trials = {
        (name, seed): Trial(
            f"{name} {seed}" if seed else name,
            replace(PRESETS[arguments.preset], **MODEL_CHOICES.get(name, {})),
            replace(base_config(arguments.minutes), seed=seed, **TRAIN_CHOICES.get(name, {})),
        )
        for seed in range(arguments.seeds)
        for name in names
    }
    train_all(list(trials.values()), arguments.pack, arguments.output, arguments.minutes, arguments.jobs)
    print("\n| | words | excerpts | of it, per note | joined | spliced | worse than as shipped, by seed |")
    print("|---|---|---|---|---|---|---|")
    shipped: list[float] = []
    for name in names:
        rows, words = [], []
        for seed in range(arguments.seeds):
            trial = trials[name, seed]
            excerpts, joined, spliced = (
                final_losses(trial, arguments.pack, arguments.output, kind) for kind in (EXCERPTS, JOINED, SPLICED)
            )
            rows.append((excerpts["total"], excerpts["note"], joined["total"], spliced["total"]))
            words.append(n_word_of(arguments.output / trial.folder) / 1e6)
        shipped = shipped or [row[0] for row in rows]
        worse = ", ".join(f"{row[0] - of_shipped:+.3f}" for row, of_shipped in zip(rows, shipped, strict=True))
        cells = [of_seeds(words, 2) + " M", *(of_seeds(column, 3) for column in zip(*rows, strict=True)), worse]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def of_seeds(values: Sequence[float], n_digit: int) -> str:
    """Mean, and the range where there are several."""
    mean = f"{sum(values) / len(values):.{n_digit}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{n_digit}f} to {max(values):.{n_digit}f})"


if __name__ == "__main__":
    main()
