"""Is a checkpoint better than the one before it? Its loss by attribute, and the music that it writes.

    python benchmarks/checkpoints.py --pack lpd5_16th_labelled.npz.xz --checkpoint before.safetensors \\
        --checkpoint after.safetensors -o out/checkpoints [--pieces 30] [--bars 16 --bars 64] [--jobs 2]

Every checkpoint reads the same pieces of the pack's held-out songs, and writes pieces of each length, the six genres in
turn, without a video. Real music is the last bars of held-out songs, as many as a piece has. The values are those of
`cmt evaluate` on the MIDI files, which stay in the output folder: written pieces that are there already are not written
again. The sheet of each is the shipped planner's. A mark stands where the last checkpoint lies nearer to real songs
than the first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from cmt.config import GenerateConfig, TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, cut_notes
from cmt.evaluation.evaluate import Evaluation, evaluate, pairs_of
from cmt.metrics.distribution import mean_interval
from cmt.metrics.ending import ending_of
from cmt.music.encoding import decode, encode_notes
from cmt.network.checkpoint import config_from, load_tensors
from cmt.soundtrack.sampling import SampleWishes, sample_songs
from cmt.training.dataset import validation_batches, without_augmentation
from cmt.training.loop import validate
from cmt.training.model import MusicTransformer
from cmt.training.task import NOTES
from midi_io import read_midi, write_midi
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

METRICS = (
    "pitch_class_entropy_1",
    "pitch_class_entropy_4",
    "grooving_similarity",
    "structureness_short",
    "structureness_middle",
    "structureness_long",
    "scale_consistency",
    "empty_bars",
    "density",
    "drum_consistency",
)
ENDINGS = {"last bar : inner bars, onsets": "activity", "ends on the tonic": "tonic", "closes": "closes"}
REAL = "real songs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=30)
    parser.add_argument("--bars", type=int, action="append")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    held_out = read_corpus(arguments.pack, "val")
    print_losses(arguments.checkpoint, held_out)
    for n_bar in arguments.bars or [16, 64]:
        folders = {REAL: arguments.output / f"{n_bar}_bars" / "real"}
        cut_endings(held_out, arguments.pieces, n_bar, folders[REAL])
        for checkpoint in arguments.checkpoint:
            folders[checkpoint.stem] = arguments.output / f"{n_bar}_bars" / checkpoint.stem
            write_set(checkpoint, arguments.pieces, n_bar, folders[checkpoint.stem])
        print(f"\n{arguments.pieces} pieces of {n_bar} bars\n")
        print_music(folders, arguments.jobs)


def print_losses(checkpoints: list[Path], held_out: Corpus) -> None:
    """Nats a word by attribute, on the same words for all."""
    pieces = validation_batches(held_out, without_augmentation(TrainConfig()))
    losses = [validate(network_of(checkpoint), pieces, TrainConfig()) for checkpoint in checkpoints]
    print("| nats a word | " + " | ".join(checkpoint.stem for checkpoint in checkpoints) + " |")
    print("|---|" + "---|" * len(checkpoints))
    for name in (*NOTES.attributes, "total"):
        print(f"| {name} | " + " | ".join(f"{each[name]:.4f}" for each in losses) + " |")


def network_of(checkpoint: Path) -> MusicTransformer:
    """The network as training has it."""
    tensors, description = load_tensors(checkpoint)
    network = MusicTransformer(config_from(description["model"]))
    network.load_state_dict({name: torch.from_numpy(weight.astype(np.float32)) for name, weight in tensors.items()})
    return network


def cut_endings(held_out: Corpus, n: int, n_bar: int, folder: Path) -> None:
    """The last bars of held-out songs of the six genres, as MIDI files."""
    folder.mkdir(parents=True, exist_ok=True)
    fitting = [i for i, song in enumerate(held_out.songs) if song.n_bar >= n_bar and song.genre is not None]
    for index in np.random.default_rng(0).permutation(fitting)[: max(n, 60)]:
        song = held_out.songs[index]
        notes = cut_notes(held_out.notes_of(index), song.n_bar - n_bar, n_bar)
        write_midi(
            decode(encode_notes(notes, n_bar), Timeline.steady(song.tempo or 120.0, n_bar * POSITIONS_PER_BAR)),
            folder / f"{index}.mid",
        )


def write_set(
    checkpoint: Path,
    n: int,
    n_bar: int,
    folder: Path,
    instruments: tuple[Instrument, ...] | None = tuple(Instrument),
) -> None:
    """Pieces of the six genres in turn, unless the folder is there already; None draws who plays."""
    if not folder.exists():
        wishes = SampleWishes(bars=n_bar, tempo=120.0, instruments=instruments)
        sample_songs(n, folder, wishes, GenerateConfig(), checkpoint=checkpoint)


def print_music(folders: dict[str, Path], jobs: int) -> None:
    """A row for each metric: mean and half the width of its 95 % interval."""
    sets = {
        label: evaluate(pairs_of([folder]), folders[REAL], audio=False, jobs=jobs) for label, folder in folders.items()
    }
    print("| | " + " | ".join(sets) + " | nearer |")
    print("|---|" + "---|" * (len(sets) + 1))
    for name in METRICS:
        print_row(name.replace("_", " "), [interval_of(evaluation, name) for evaluation in sets.values()])
    for label, attribute in ENDINGS.items():
        print_row(label, [ending_interval(folder, attribute) for folder in folders.values()])
    overlaps = [
        float(np.nanmean([each.overlapping_area.mean for each in evaluation.comparison.values()]))
        for evaluation in sets.values()
    ]
    print_row("overlapping area, mean of nine features", [(overlap, float("nan")) for overlap in overlaps])


def interval_of(evaluation: Evaluation, name: str) -> tuple[float, float]:
    """Mean and half the width of its interval."""
    (row,) = (row for row in evaluation.rows if row.name == name)
    return row.interval.mean, (row.interval.high - row.interval.low) / 2


def ending_interval(folder: Path, attribute: str) -> tuple[float, float]:
    """The same of how the pieces of a folder end."""
    interval = mean_interval([getattr(ending_of(read_midi(path)), attribute) for path in sorted(folder.glob("*.mid"))])
    return interval.mean, (interval.high - interval.low) / 2


def print_row(label: str, values: list[tuple[float, float]]) -> None:
    """The values of a metric; whether the last lies nearer to the first, which is real, than the second does."""
    cells = [f"{mean:.3f}" + ("" if half != half else f" ± {half:.3f}") for mean, half in values]
    real, before, *_, after = (mean for mean, _ in [*values[:2], values[-1]])
    mark = "same" if after == before else "yes" if abs(after - real) < abs(before - real) else "no"
    print(f"| {label} | " + " | ".join(cells) + f" | {mark} |")


if __name__ == "__main__":
    main()
