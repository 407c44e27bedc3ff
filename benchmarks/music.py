"""Is it music? Pieces of the model beside held-out songs and beside an untrained model.

    python benchmarks/music.py --pack lpd5_16th_labelled.npz.xz [--checkpoint FILE] [--pieces 20] [--bars 16]

Each number is the mean over pieces, with the standard error. Excerpts of held-out songs are as long
as the pieces. Below, two genres are compared: a line through the space of features that parts real
songs of the one from real songs of the other (Fisher's discriminant, learnt on training songs) is held
against held-out songs and against pieces written for each genre. The area under the ROC curve is 0.5 by
chance and 1 if every piece of the one lies beyond every piece of the other.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu

from cmt.config import GenerateConfig
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import cut_notes
from cmt.metrics import (
    different_bars,
    grooving_similarity,
    onsets,
    pattern_repetition,
    pitch_class_entropy,
)
from cmt.music.encoding import decode, encode_notes
from cmt.music.words import Genre
from cmt.network.checkpoint import load_checkpoint
from cmt.network.decoder import Decoder
from cmt.network.planner import Planner, load_planner
from cmt.network.weights import weight_shapes
from cmt.soundtrack.composing import write_songs
from cmt.soundtrack.sampling import SampleWishes, plan_of_song
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, Timeline

METRICS: dict[str, Callable[[Song], float]] = {
    "pitch-class entropy, 1 bar (bits)": lambda song: pitch_class_entropy(song, 1).value,
    "pitch-class entropy, 4 bars (bits)": lambda song: pitch_class_entropy(song).value,
    "grooving similarity": lambda song: grooving_similarity(song).value,
    "different bars": lambda song: different_bars(song).value,
    "drum patterns repeated": lambda song: pattern_repetition(song, Instrument.DRUMS).value,
    "bass patterns repeated": lambda song: pattern_repetition(song, Instrument.BASS).value,
    "density": lambda song: float(onsets(song).sum(axis=1).mean()),
    "notes a bar": lambda song: len(song.notes) / song.n_bar,
}

DRUM_KEYS = {
    "bass drum": (35, 36),
    "snare": (37, 38, 39, 40),
    "hi-hat": (42, 44, 46),
    "toms": (41, 43, 45, 47, 48, 50),
    "cymbals": (49, 51, 52, 53, 55, 57, 59),
}
"""Of the General MIDI percussion map."""
REAL_SONGS_PER_GENRE = 300
"""Training songs from which the discriminant of two genres is learnt."""

FEATURES: dict[str, Callable[[Song], float]] = {
    **METRICS,
    **{f"{i.label}: share of notes": lambda song, i=i: _share(song, i) for i in Instrument},
    **{f"{i.label}: mean pitch": lambda song, i=i: _mean(song, i, "pitch") for i in Instrument if i},
    **{f"{i.label}: mean duration": lambda song, i=i: _mean(song, i, "duration") for i in Instrument if i},
    **{f"{i.label}: notes at once": lambda song, i=i: _notes_at_once(song, i) for i in Instrument},
    **{
        f"drums: share of {name}": lambda song, keys=keys: _share_of_keys(song, keys)
        for name, keys in DRUM_KEYS.items()
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--pieces", type=int, default=20)
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--genres", nargs=2, default=["metal", "country"], choices=[genre.label for genre in Genre])
    parser.add_argument("--genre-pieces", type=int, default=10, help="0: no comparison of genres")
    arguments = parser.parse_args()
    trained = load_checkpoint(arguments.checkpoint).decoder
    untrained = untrained_like(trained)
    planner = load_planner().planner
    genres = [list(Genre)[i % len(Genre)] for i in range(arguments.pieces)]
    sets = {
        "held-out songs": real_excerpts(arguments.pack, arguments.pieces, arguments.bars),
        "this model": [write(trained, planner, seed, genre, arguments.bars) for seed, genre in enumerate(genres)],
        "untrained": [write(untrained, planner, seed, genre, arguments.bars) for seed, genre in enumerate(genres)],
    }
    print(f"{arguments.pieces} pieces of {arguments.bars} bars each, mean and standard error")
    print_table(sets)
    if not arguments.genre_pieces:
        return
    one, other = (Genre[name.upper()] for name in arguments.genres)
    seeds = range(1000, 1000 + arguments.genre_pieces)
    pieces = {genre: [write(trained, planner, seed, genre, arguments.bars) for seed in seeds] for genre in (one, other)}
    compare(pieces, arguments.pack, arguments.bars)


def real_excerpts(
    packs: list[Path], n: int, n_bar: int, split: str = "val", genres: tuple[Genre, ...] = tuple(Genre)
) -> list[Song]:
    """Excerpts from the middle of songs of the given genres."""
    corpus = read_corpus(packs, split)
    rng = np.random.default_rng(0)
    fitting = [i for i, song in enumerate(corpus.songs) if song.n_bar >= n_bar + 8 and song.genre in genres]
    excerpts = []
    for index in rng.choice(fitting, size=min(n, len(fitting)), replace=False):
        begin = int(rng.integers(4, corpus.songs[index].n_bar - n_bar - 3))
        notes = cut_notes(corpus.notes_of(index), begin, n_bar)
        excerpts.append(
            decode(
                encode_notes(notes, n_bar),
                Timeline.steady(corpus.songs[index].tempo or 120.0, n_bar * POSITIONS_PER_BAR),
            )
        )
    return excerpts


def untrained_like(trained: Decoder) -> Decoder:
    """The same network before training: Xavier's spread for matrices, nothing else learnt."""
    rng = np.random.default_rng(0)
    weights = {}
    for name, shape in weight_shapes(trained.config).items():
        if len(shape) == 1:
            weights[name] = np.full(shape, float("norm" in name and name.endswith("weight")), np.float32)
        else:
            weights[name] = rng.normal(0, (2 / sum(shape)) ** 0.5, shape).astype(np.float32)
    return Decoder(trained.config, weights)


def write(model: Decoder, planner: Planner, seed: int, genre: Genre, n_bar: int) -> Song:
    """A piece without a video, with all instruments, under a lead sheet of the planner's."""
    wishes = SampleWishes((genre,), tempo=120.0, bars=n_bar, instruments=tuple(Instrument))
    config = GenerateConfig(seed=seed, control=0.0)
    (take,) = write_songs(model, planner, [plan_of_song(wishes, config)], config, [seed])
    return take.piece.song


def print_table(sets: dict[str, list[Song]]) -> None:
    """A row for each metric; says whether the model lies closer to the real songs than the untrained one."""
    print(f"{'':36}" + "".join(f"{name:>20}" for name in sets))
    for name, metric in METRICS.items():
        values = {label: np.array([metric(song) for song in songs]) for label, songs in sets.items()}
        cells = (f"{np.nanmean(v):.3f} +- {np.nanstd(v) / np.sqrt(len(v)):.3f}" for v in values.values())
        real, trained, untrained = (np.nanmean(v) for v in values.values())
        closer = "closer" if abs(trained - real) < abs(untrained - real) else "NOT closer"
        print(f"{name:36}" + "".join(f"{cell:>20}" for cell in cells) + f"  {closer}")


def compare(pieces: dict[Genre, list[Song]], packs: list[Path], n_bar: int) -> None:
    """How well two genres are told apart by what tells real songs of them apart, and by the plainest features."""
    one, other = pieces

    def real(split: str, n: int) -> list[np.ndarray]:
        return [features(real_excerpts(packs, n, n_bar, split, (genre,))) for genre in pieces]

    learnt, held_out, written = (
        real("train", REAL_SONGS_PER_GENRE),
        real("val", 100),
        list(map(features, pieces.values())),
    )
    direction = discriminant(*learnt)
    print(f"\n{one.label} against {other.label}, by {len(FEATURES)} features of {n_bar} bars")
    for label, (a, b) in {"held-out songs": held_out, "this model's pieces": written}.items():
        u, p = mannwhitneyu(direction(a), direction(b))
        print(f"{label:36}area {u / len(a) / len(b):.3f}    p = {p:.2g}    ({len(a)} and {len(b)})")
    print(f"\n{'features that differ most':36}{one.label:>12}{other.label:>12}")
    p_values = mannwhitneyu(*written, nan_policy="omit").pvalue
    for k in np.argsort(np.nan_to_num(p_values, nan=1.0))[:8]:
        a, b = (np.nanmean(values[:, k]) for values in written)
        print(f"{list(FEATURES)[k]:36}{a:12.3f}{b:12.3f}    p = {p_values[k]:.4f}")


def features(songs: list[Song]) -> np.ndarray:
    """(song, feature); nan where a song has nothing to measure."""
    return np.array([[feature(song) for feature in FEATURES.values()] for song in songs])


def discriminant(one: np.ndarray, other: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A score (song,) of features (song, feature) that is high for what is like `one`, low for what is like `other`."""
    both = np.concatenate([one, other])
    middle, spread = np.nanmean(both, axis=0), np.nanstd(both, axis=0) + 1e-6

    def standard(values: np.ndarray) -> np.ndarray:
        return np.nan_to_num((values - middle) / spread)

    a, b = standard(one), standard(other)
    within = (np.cov(a.T) + np.cov(b.T)) / 2 + 0.1 * np.eye(len(middle))
    weights = np.linalg.solve(within, a.mean(axis=0) - b.mean(axis=0))
    return lambda values: standard(values) @ weights


def _share(song: Song, instrument: Instrument) -> float:
    return sum(note.instrument == instrument for note in song.notes) / max(1, len(song.notes))


def _mean(song: Song, instrument: Instrument, attribute: str) -> float:
    values = [getattr(note, attribute) for note in song.notes if note.instrument == instrument]
    return float(np.mean(values)) if values else float("nan")


def _notes_at_once(song: Song, instrument: Instrument) -> float:
    starts = [note.position for note in song.notes if note.instrument == instrument]
    return len(starts) / len(set(starts)) if starts else float("nan")


def _share_of_keys(song: Song, keys: tuple[int, ...]) -> float:
    pitches = [note.pitch for note in song.notes if note.instrument == Instrument.DRUMS]
    return sum(pitch in keys for pitch in pitches) / len(pitches) if pitches else float("nan")


if __name__ == "__main__":
    main()
