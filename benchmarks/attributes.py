"""What the three control attributes are worth: the paper's figure 5 and lines 1 to 5 of its table 1.

    python benchmarks/attributes.py --pack lpd5_16th_labelled.npz.xz -o out/attributes [--minutes 6] [--preset tiny]
        [--pieces 30] [--bars 16] [--jobs 2] [--docs docs]

Five networks that know of none of density, strength and beat timing, of one of them, or of all, each trained for the
same time of one processor core; then each writes pieces without a video, the six genres in turn, the instruments left
open to it, and the pieces are measured beside the last bars of held-out songs. Networks that are left without an
attribute do not pay for it: curves are of nats per note, its pitch and its duration, which all have. `--docs` is the
folder that gets attributes.md and attributes.png.
"""

from __future__ import annotations

import argparse
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

from checkpoints import REAL, cut_endings, print_music, write_set
from equal_time import Trial, base_config, draw_curves, final_losses, n_word_of, train_all

from cmt.config import CONTROLS, PRESETS
from cmt.corpus.reading import read_corpus
from cmt.network.checkpoint import load_checkpoint
from cmt.training.run_folder import MODEL

KNOWN = {
    "1 none": (),
    "2 density": ("density",),
    "3 strength": ("strength",),
    "4 beat timing": ("timing",),
    "5 all three": CONTROLS,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--preset", choices=list(PRESETS), default="tiny")
    parser.add_argument("--pieces", type=int, default=30)
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--docs", type=Path)
    arguments = parser.parse_args()
    output: Path = arguments.output
    trials = [
        Trial(
            name,
            replace(PRESETS[arguments.preset], left_out=tuple(each for each in CONTROLS if each not in known)),
            base_config(arguments.minutes),
        )
        for name, known in KNOWN.items()
    ]
    train_all(trials, arguments.pack, output, arguments.minutes, arguments.jobs)
    pieces = output / f"pieces_of_{arguments.bars}_bars"
    folders = {REAL: pieces / "real"}
    cut_endings(read_corpus(arguments.pack, "val"), arguments.pieces, arguments.bars, folders[REAL])
    for trial in trials:
        checkpoint = output / trial.folder / MODEL
        folders[trial.name] = pieces / trial.folder / load_checkpoint(checkpoint).sha256[:12]
        write_set(checkpoint, arguments.pieces, arguments.bars, folders[trial.name], instruments=None)
    page = StringIO()
    with redirect_stdout(page):
        print("| knows of | words read | nats per note |\n|---|---|---|")
        for trial in trials:
            losses = final_losses(trial, arguments.pack, output)
            n_word = n_word_of(output / trial.folder)
            print(f"| {trial.name} | {n_word / 1e6:.2f} M | {losses['note']:.3f} |")
        print()
        print_music(folders, arguments.jobs)
    print(page.getvalue())
    if arguments.docs is not None:
        title = (
            f"Each network was trained for {arguments.minutes:g} minutes of one processor core with the preset "
            f"`{arguments.preset}`;\neach wrote {arguments.pieces} pieces of {arguments.bars} bars "
            "(`python benchmarks/attributes.py`). *Nearer* says whether the last network's\n"
            "music is nearer to real songs than the first's.\n"
        )
        heading = "# What the control attributes are worth\n"
        picture = "![held-out loss of a note over the minutes](attributes.png)\n"
        (arguments.docs / "attributes.md").write_text("\n".join((heading, title, page.getvalue(), picture)), "utf-8")
        runs = {trial.name: output / trial.folder for trial in trials}
        draw_curves(runs, "val_note", "nats per note, held-out excerpts", arguments.docs / "attributes.png")


if __name__ == "__main__":
    main()
