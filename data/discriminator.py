"""Make cmt/assets/discriminator.json: real songs against what the model writes, and how well they are told apart.

    cmt sample -n 192 --seed 70000 -o written
    python data/discriminator.py PACK [PACK ...] --written written [FOLDER ...] -o cmt/assets/discriminator.json

The folders hold MIDI files that the model wrote, the genres in turn, as `cmt sample`, `benchmarks/pieces.py` and
`benchmarks/takes.py write` name them. Real songs are the training songs of the packs, as many of each genre; of each is
taken what a piece of the same length is: its opening joined to its ending, in a length drawn from those of the written
pieces. All go through the same features (`cmt.metrics.window_features`).

Written pieces and songs are split in two halves that share neither: pieces by sixes, so that each half has every genre,
songs by the first digit of their md5. The first half makes the discriminator that ranks takes. The second makes the
`independent` one, by which a benchmark measures. Each is measured on the other's pieces, beside real songs that neither
has learnt from: the packs' validation songs.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, cut_notes
from cmt.metrics.discriminator import VERSION, Discriminator, as_json, learn_discriminator
from cmt.metrics.window_features import WINDOW, features_of_windows
from cmt.music.encoding import NoteArrays, notes_of_song
from cmt.music.words import Genre
from midi_io import read_midi
from midi_io.song import POSITIONS_PER_BAR

DECAY = 0.1
"""How strongly weights are held small. From 0.003 to 0.1 songs are told from pieces as well (areas of 0.93 to 0.95),
and the two discriminators agree the more on what was written: their correlation rises from 0.55 to 0.72."""
Rows = np.ndarray
"""(window, feature) of a piece."""


class Half(NamedTuple):
    """What one discriminator learns from: the windows of each real song and of each written piece."""

    real: list[Rows]
    written: list[Rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packs", type=Path, nargs="+")
    parser.add_argument("--written", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=720, help="real songs to learn from")
    arguments = parser.parse_args()
    lengths: list[int] = []
    written: tuple[list[Rows], list[Rows]] = ([], [])
    for folder in arguments.written:
        for path in tqdm(sorted(folder.glob("*.mid")), desc=folder.name):
            number = int(path.stem.partition("_")[0])  # takes of one case have the same number
            song = read_midi(path)
            rows = features_of_windows(notes_of_song(song), max(1, song.n_bar))
            if len(rows):
                lengths.append(song.n_bar)
                written[number // len(Genre) % 2].append(rows)
    names, real = real_pieces(read_corpus(arguments.packs, "train"), arguments.songs, lengths)
    _, held_out = real_pieces(read_corpus(arguments.packs, "val"), arguments.songs, lengths)
    is_even = [int(name[0], 16) % 2 == 0 for name in names]
    halves = [
        Half([rows for rows, even in zip(real, is_even, strict=True) if even is wanted], written[k])
        for k, wanted in enumerate((True, False))
    ]
    ours, other = (rating(learnt(half), its.written) for half, its in ((halves[0], halves[1]), (halves[1], halves[0])))
    content = {
        "version": VERSION,
        "source": "LPD-cleansed (Dong et al., CC BY 4.0) and pieces that cmt wrote; made by data/discriminator.py",
        "window_bars": WINDOW,
        "pieces": {"real": [len(half.real) for half in halves], "written": [len(half.written) for half in halves]},
        "held_out_songs": len(held_out),
        "decay": DECAY,
        "auc": {
            "windows": [
                auc_of_windows(*pair) for pair in ((ours, held_out, written[1]), (other, held_out, written[0]))
            ],
            "pieces": [auc_of_pieces(*pair) for pair in ((ours, held_out, written[1]), (other, held_out, written[0]))],
            "held_out_against_learnt_songs": auc_of_pieces(ours, held_out, halves[1].real),
        },
        "discriminator": as_json(ours),
        "independent": as_json(other),
    }
    arguments.output.write_text(in_lines(content) + "\n", encoding="utf-8")
    print(json.dumps({key: content[key] for key in ("pieces", "held_out_songs", "auc")}, indent=1))
    rated = [[one.of_features(rows).mean() for half in halves for rows in half.written] for one in (ours, other)]
    print(f"correlation of the two over written pieces: {np.corrcoef(rated)[0, 1]:.2f}")
    print_weights(ours)


def in_lines(content: dict[str, object]) -> str:
    """JSON with a line for each list of numbers."""
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), json.dumps(content, indent=1))


def real_pieces(corpus: Corpus, n_song: int, lengths: Sequence[int]) -> tuple[list[str], list[Rows]]:
    """Names of songs, as many of each genre, and the windows of their openings joined to their endings."""
    rng = np.random.default_rng(0)
    names, pieces = [], []
    for genre in Genre:
        chosen = [index for index, song in enumerate(corpus.songs) if song.genre == genre and song.n_bar >= WINDOW]
        for index in tqdm(rng.permutation(chosen)[: n_song // len(Genre)], desc=genre.label):
            song = corpus.songs[index]
            n_bar = min(song.n_bar, int(rng.choice(lengths)))
            rows = features_of_windows(opening_and_ending(corpus.notes_of(index), song.n_bar, n_bar), n_bar)
            if len(rows):
                names.append(song.name)
                pieces.append(rows)
    return names, pieces


def opening_and_ending(notes: NoteArrays, n_bar: int, wanted: int) -> NoteArrays:
    """The first and the last bars of a song of `n_bar` bars, `wanted` in all."""
    first = wanted // 2 if wanted < n_bar else wanted
    opening, ending = cut_notes(notes, 0, first), cut_notes(notes, n_bar - (wanted - first), wanted - first)
    ending = ending._replace(position=ending.position + first * POSITIONS_PER_BAR)
    return NoteArrays(*(np.concatenate(columns) for columns in zip(opening, ending, strict=True)))


def learnt(half: Half) -> Discriminator:
    """A discriminator of both kinds."""
    features = np.concatenate([*half.real, *half.written])
    is_real = np.arange(len(features)) < sum(map(len, half.real))
    return learn_discriminator(features, is_real, DECAY)


def rating(one: Discriminator, written: list[Rows]) -> Discriminator:
    """The discriminator, which knows how it rates pieces that it has not learnt from."""
    rated = [one.of_features(rows).mean() for rows in written]
    return one._replace(written=(float(np.mean(rated)), float(np.std(rated))))


def auc_of_windows(one: Discriminator, real: list[Rows], written: list[Rows]) -> float:
    """How often a real window is rated higher than a written one."""
    return auc(one.of_features(np.concatenate(real)), one.of_features(np.concatenate(written)))


def auc_of_pieces(one: Discriminator, real: list[Rows], written: list[Rows]) -> float:
    """How often a real piece is rated higher than a written one."""
    return auc(*(np.array([one.of_features(rows).mean() for rows in pieces]) for pieces in (real, written)))


def auc(real: np.ndarray, written: np.ndarray) -> float:
    """How often a real one is rated higher than a written one; 0.5 is chance."""
    return round(float((real[:, None] > written).mean() + 0.5 * (real[:, None] == written).mean()), 3)


def print_weights(one: Discriminator, most: int = 12) -> None:
    """The features that weigh most, what is real first."""
    features = as_json(one)["features"]
    assert isinstance(features, dict)
    ordered = sorted(features, key=lambda name: -features[name][2])
    for title, names in (("real", ordered[:most]), ("written", ordered[: -most - 1 : -1])):
        print(f"more of it is {title}: " + "; ".join(f"{name} {features[name][2]:+.2f}" for name in names))


if __name__ == "__main__":
    main()
