"""What each choice of the training is worth: the same network trained for the same time, with and without it.

    python benchmarks/choices.py --pack lpd5_16th_labelled.npz.xz -o out/choices [--minutes 4] [--preset tiny]
        [--choice "no echoes" ...] [--jobs 2]

Rows are choices; columns are nats per word on held-out excerpts, on held-out pieces joined from an opening and an
ending, and on pieces spliced from two songs. Minutes are those of one processor core; other work on the machine still
slows them down, so the words that each network read stand beside its losses. What is in the output folder already,
trained as now, is not trained again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from equal_time import EXCERPTS, JOINED, SPLICED, Trial, base_config, final_losses, n_word_of, train_all

from cmt.config import PRESETS

AS_SHIPPED = "as shipped"
MODEL_CHOICES = {
    "no echoes": {"echo_bars": ()},
    "no metre": {"metre": False},
    "independent heads": {"chained_heads": False},
}
TRAIN_CHOICES = {
    "no joined pieces": {"joined_share": 0.0},
    "no splices": {"splice_share": 0.0},
    "moved at random": {"transpose": "random"},
    "no average": {"average": 0.0},
    "AdamW alone": {"optimizer": "adamw", "learning_rate": 1e-3},
    "AdamW alone at the same rate": {"optimizer": "adamw"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--preset", choices=list(PRESETS), default="tiny")
    parser.add_argument("--choice", action="append", choices=[*MODEL_CHOICES, *TRAIN_CHOICES])
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    trials = [
        Trial(
            name,
            replace(PRESETS[arguments.preset], **MODEL_CHOICES.get(name, {})),
            replace(base_config(arguments.minutes), **TRAIN_CHOICES.get(name, {})),
        )
        for name in [AS_SHIPPED, *(arguments.choice or [*MODEL_CHOICES, *TRAIN_CHOICES])]
    ]
    train_all(trials, arguments.pack, arguments.output, arguments.minutes, arguments.jobs)
    print("\n| | words | excerpts | of it, per note | joined | spliced |")
    print("|---|---|---|---|---|---|")
    for trial in trials:
        excerpts, joined, spliced = (
            final_losses(trial, arguments.pack, arguments.output, kind) for kind in (EXCERPTS, JOINED, SPLICED)
        )
        losses = (excerpts["total"], excerpts["note"], joined["total"], spliced["total"])
        words = f"{n_word_of(arguments.output / trial.folder) / 1e6:.2f} M"
        print(f"| {trial.name} | {words} | " + " | ".join(f"{loss:.3f}" for loss in losses) + " |", flush=True)


if __name__ == "__main__":
    main()
