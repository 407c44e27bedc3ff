"""Make cmt/assets/discriminator.json: real songs against what the model writes, and how well they are told apart.

    cmt sample -n 240 --seed 70000 -o written
    python data/discriminator.py written PACK [PACK ...] -o cmt/assets/discriminator.json

`written` holds the MIDI files of ``cmt sample``. The discriminator learns from the songs of LPD whose md5 begins with
an even digit and from every second song that was written. The others are held out: on them it is measured, and a
second one, `independent`, which learns from them alone, is what a benchmark may measure by.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, cut_notes
from cmt.metrics.discriminator import WINDOW, Discriminator, features_of_windows, learn_discriminator
from cmt.music.encoding import notes_of_song
from cmt.music.words import Genre
from midi_io import read_midi

DECAY = 0.003
LENGTHS = (8, 16, 32, 64)
"""The bars of excerpts, which are as long as the songs of ``cmt sample``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("written", type=Path)
    parser.add_argument("packs", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=480, help="excerpts of real songs")
    arguments = parser.parse_args()
    written = [windows_of_file(path) for path in tqdm(sorted(arguments.written.glob("*.mid")), desc="written")]
    names, real = excerpts(read_corpus(arguments.packs, "train"), arguments.songs)
    even = np.array([int(name[0], 16) % 2 == 0 for name in names])
    halves = [
        ([its for its, ours in zip(real, even == first, strict=True) if ours], written[0 if first else 1 :: 2])
        for first in (True, False)
    ]
    ours, other = (learnt(*half) for half in halves)
    content = {
        "source": "LPD-cleansed (Dong et al., CC BY 4.0) and songs of the shipped model; made by data/discriminator.py",
        "window_bars": WINDOW,
        "songs": {"real": [len(half[0]) for half in halves], "written": [len(half[1]) for half in halves]},
        "auc": {
            "windows": auc(ours, *(np.concatenate(its) for its in halves[1])),
            "songs": auc(ours, *(np.array([row.mean(axis=0) for row in its]) for its in halves[1])),
        },
        "discriminator": rounded(ours),
        "independent": rounded(other),
    }
    arguments.output.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps({key: content[key] for key in ("songs", "auc")}, indent=1))


def windows_of_file(path: Path) -> np.ndarray:
    """(window, feature) of a MIDI file."""
    song = read_midi(path)
    return features_of_windows(notes_of_song(song), max(1, song.n_bar))


def excerpts(corpus: Corpus, n_song: int) -> tuple[list[str], list[np.ndarray]]:
    """Names of songs, as many of each genre, and (window, feature) of an excerpt of each."""
    rng = np.random.default_rng(0)
    names, rows = [], []
    for genre in Genre:
        chosen = [index for index, song in enumerate(corpus.songs) if song.genre == genre and song.n_bar >= WINDOW]
        for index in tqdm(rng.permutation(chosen)[: n_song // len(Genre)], desc=genre.label):
            song = corpus.songs[index]
            n_bar = min(song.n_bar, int(rng.choice(LENGTHS)))
            begin = int(rng.integers(song.n_bar - n_bar + 1))
            found = features_of_windows(cut_notes(corpus.notes_of(index), begin, n_bar), n_bar)
            if len(found):
                names.append(song.name)
                rows.append(found)
    return names, rows


def learnt(real: list[np.ndarray], written: list[np.ndarray]) -> Discriminator:
    """A discriminator of both, and how it rates what was written."""
    features = np.concatenate([*real, *written])
    is_real = np.arange(len(features)) < sum(map(len, real))
    found = learn_discriminator(features, is_real, DECAY)
    rated = [found.of_features(its).mean() for its in written]
    return found._replace(written=np.array([np.mean(rated), np.std(rated)]))


def auc(discriminator: Discriminator, real: np.ndarray, written: np.ndarray) -> float:
    """How often a real one is rated higher than a written one; 0.5 is chance."""
    a, b = discriminator.of_features(real), discriminator.of_features(written)
    return round(float((a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean()), 3)


def rounded(discriminator: Discriminator) -> dict[str, object]:
    """The discriminator's numbers as lists."""
    return {name: np.round(getattr(discriminator, name), 5).tolist() for name in Discriminator._fields}


if __name__ == "__main__":
    main()
