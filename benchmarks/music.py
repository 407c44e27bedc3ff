"""Is it music? Pieces of the model beside held-out songs and beside an untrained model.

    python benchmarks/music.py --pack lpd5_16th_labelled.npz.xz [--checkpoint FILE] [--pieces 20] [--bars 16]

Each number is the mean over pieces, with the standard error. Excerpts of held-out songs are as long
as the pieces. Below, two genres are compared feature by feature (Mann-Whitney U, two-sided).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.stats import mannwhitneyu

from cmt.checkpoint import load_checkpoint
from cmt.config import GenerateConfig
from cmt.dataset import cut_notes, read_packs
from cmt.encoding import decode, encode_notes
from cmt.generate import PieceRequest, write_piece
from cmt.metrics import different_bars, grooving_similarity, onsets, pattern_repetition, pitch_class_entropy
from cmt.model import MusicTransformer
from cmt.words import Genre
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

METRICS: dict[str, Callable[[Song], float]] = {
    "pitch-class entropy, 1 bar (bits)": lambda song: pitch_class_entropy(song, 1),
    "pitch-class entropy, 4 bars (bits)": pitch_class_entropy,
    "grooving similarity": grooving_similarity,
    "different bars": different_bars,
    "drum patterns repeated": lambda song: pattern_repetition(song, Instrument.DRUMS),
    "bass patterns repeated": lambda song: pattern_repetition(song, Instrument.BASS),
    "density": lambda song: float(onsets(song).sum(axis=1).mean()),
    "notes a bar": lambda song: len(song.notes) / song.n_bar,
    "instruments": lambda song: float(len(song.instruments)),
}

FEATURES: dict[str, Callable[[Song], float]] = {
    **METRICS,
    **{f"{i.label}: share of notes": lambda song, i=i: _share(song, i) for i in Instrument},
    "mean pitch of guitar": lambda song: _mean_pitch(song, Instrument.GUITAR),
    "mean pitch of bass": lambda song: _mean_pitch(song, Instrument.BASS),
    "mean duration (sixteenths)": lambda song: float(np.mean([n.duration for n in song.notes if n.instrument])),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--pieces", type=int, default=20)
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--genres", nargs=2, default=["metal", "country"], choices=[genre.label for genre in Genre])
    parser.add_argument("--genre-pieces", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    trained = load_checkpoint(arguments.checkpoint).model
    torch.manual_seed(0)
    untrained = MusicTransformer(trained.config).eval()
    genres = [list(Genre)[i % len(Genre)] for i in range(arguments.pieces)]
    sets = {
        "held-out songs": real_excerpts(arguments.pack, arguments.pieces, arguments.bars),
        "this model": [write(trained, seed, genre, arguments.bars) for seed, genre in enumerate(genres)],
        "untrained": [write(untrained, seed, genre, arguments.bars) for seed, genre in enumerate(genres)],
    }
    print(f"{arguments.pieces} pieces of {arguments.bars} bars each, mean and standard error")
    print_table(sets)
    one, other = (Genre[name.upper()] for name in arguments.genres)
    seeds = range(1000, 1000 + arguments.genre_pieces)
    compare(
        {genre.label: [write(trained, seed, genre, arguments.bars) for seed in seeds] for genre in (one, other)},
    )


def real_excerpts(packs: list[Path], n: int, n_bar: int) -> list[Song]:
    """Excerpts from the middle of held-out songs."""
    corpus = read_packs(packs, "val")
    rng = np.random.default_rng(0)
    long_enough = [i for i, song in enumerate(corpus.songs) if song.n_bar >= n_bar + 8 and song.genre is not None]
    excerpts = []
    for index in rng.choice(long_enough, size=min(n, len(long_enough)), replace=False):
        begin = int(rng.integers(4, corpus.songs[index].n_bar - n_bar - 3))
        notes = cut_notes(corpus.notes_of(index), begin, n_bar)
        excerpts.append(decode(encode_notes(notes, n_bar), corpus.songs[index].tempo or 120.0))
    return excerpts


def write(model: MusicTransformer, seed: int, genre: Genre, n_bar: int) -> Song:
    """A piece without a video."""
    request = PieceRequest(n_bar * POSITIONS_PER_BAR, 120.0, genre, tuple(Instrument))
    return write_piece(model, request, {}, GenerateConfig(seed=seed)).song


def print_table(sets: dict[str, list[Song]]) -> None:
    """A row for each metric; says whether the model lies closer to the real songs than the untrained one."""
    print(f"{'':36}" + "".join(f"{name:>20}" for name in sets))
    for name, metric in METRICS.items():
        values = {label: np.array([metric(song) for song in songs]) for label, songs in sets.items()}
        cells = (f"{np.nanmean(v):.3f} +- {np.nanstd(v) / np.sqrt(len(v)):.3f}" for v in values.values())
        real, trained, untrained = (np.nanmean(v) for v in values.values())
        closer = "closer" if abs(trained - real) < abs(untrained - real) else "NOT closer"
        print(f"{name:36}" + "".join(f"{cell:>20}" for cell in cells) + f"  {closer}")


def compare(sets: dict[str, list[Song]]) -> None:
    """A row for each feature of two genres, with the probability of so large a difference by chance."""
    one, other = sets
    print(f"\n{one} and {other}, {len(sets[one])} pieces each")
    for name, feature in FEATURES.items():
        a, b = (np.array([feature(song) for song in songs]) for songs in sets.values())
        a, b = a[np.isfinite(a)], b[np.isfinite(b)]
        p = mannwhitneyu(a, b).pvalue if len(a) and len(b) and np.ptp(np.r_[a, b]) else 1.0
        print(f"{name:36}{np.mean(a):12.3f}{np.mean(b):12.3f}    p = {p:.4f}{'  *' if p < 0.05 else ''}")


def _share(song: Song, instrument: Instrument) -> float:
    return sum(note.instrument == instrument for note in song.notes) / max(1, len(song.notes))


def _mean_pitch(song: Song, instrument: Instrument) -> float:
    pitches = [note.pitch for note in song.notes if note.instrument == instrument]
    return float(np.mean(pitches)) if pitches else float("nan")


if __name__ == "__main__":
    main()
