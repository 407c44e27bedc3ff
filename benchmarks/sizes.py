"""Which size of network learns most in a given time?

    python benchmarks/sizes.py --pack lpd5_16th_labelled.npz.xz -o out/sizes [--minutes 8] [--jobs 2]
        [--picture docs/sizes.png]

Sizes from the preset `tiny` to twice the preset `small`, each trained for the same time of one processor core; the
table has their parameters, words and nats per word on held-out excerpts.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from math import prod
from pathlib import Path

from equal_time import Trial, base_config, draw_curves, final_losses, n_word_of, train_all

from cmt.config import PRESETS
from cmt.network.weights import weight_shapes

SIZES = {
    "tiny": PRESETS["tiny"],
    "small": PRESETS["small"],
    "larger": replace(PRESETS["small"], d_model=256, n_layer=8, n_head=4, d_feed_forward=1024),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    trials = [Trial(name, config, base_config(arguments.minutes)) for name, config in SIZES.items()]
    train_all(trials, arguments.pack, arguments.output, arguments.minutes, arguments.jobs)
    print("\n| | parameters | words | nats per word | per note |")
    print("|---|---|---|---|---|")
    for trial in trials:
        n_parameter = sum(prod(shape) for shape in weight_shapes(trial.model).values())
        n_word = n_word_of(arguments.output / trial.folder)
        losses = final_losses(trial, arguments.pack, arguments.output)
        cells = (
            f"{n_parameter / 1e6:.2f} M",
            f"{n_word / 1e6:.2f} M",
            f"{losses['total']:.3f}",
            f"{losses['note']:.3f}",
        )
        print(f"| {trial.name} | " + " | ".join(cells) + " |", flush=True)
    if arguments.picture is not None:
        runs = {trial.name: arguments.output / trial.folder for trial in trials}
        draw_curves(runs, "val_total", "nats per word, held-out excerpts", arguments.picture)


if __name__ == "__main__":
    main()
