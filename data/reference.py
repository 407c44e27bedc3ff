"""Make cmt/assets/reference.json: what LPD's songs score, by genre, and the genre classifier.

    python data/reference.py --pack lpd5_16th_labelled.npz.xz -o cmt/assets/reference.json [--jobs 2]

Metrics: up to 100 songs of each genre, drawn with a seed from all splits, each measured on 16 bars from its middle
and as a whole. Sample: 40 of each genre, their features on the same 16 bars, for the comparison of distances.
Classifier: two excerpts of 16 bars of every training song; how well it does is measured on training songs by
five-fold cross-validation (all excerpts of a song in one fold) and on the validation songs.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, song_of_pack
from cmt.evaluation.reference import (
    SHIPPED_BARS,
    SongMeasures,
    distributions_of,
    excerpt,
    measure_reference_song,
    packed_features,
)
from cmt.metrics.genre import genre_features, learn_classifier
from cmt.music.words import Genre
from midi_io.song import Song

SONGS_PER_GENRE = 100
SAMPLED_PER_GENRE = 40
EXCERPTS_PER_SONG = 2
N_FOLD = 5
DECAY = 0.03
SHORTEST = 24
"""Bars of the shortest song from which an excerpt is taken."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True, help="pack of songs; may be repeated")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    train, held_out = read_corpus(arguments.pack, "train"), read_corpus(arguments.pack, "val")
    with ProcessPoolExecutor(arguments.jobs) as executor:
        content = {
            "source": "LPD-cleansed (Dong et al., CC BY 4.0) merged to five tracks on the sixteenth grid, six genres; "
            "made by data/reference.py",
            **measure_genres([train, held_out], executor),
            "genre_classifier": classifier_of(train, held_out, executor),
        }
    text = json.dumps(content, separators=(",", ":"))
    arguments.output.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


def measure_genres(corpora: list[Corpus], executor: ProcessPoolExecutor) -> dict:
    """Distributions of the metrics by genre, and the sample of features."""
    rng = np.random.default_rng(0)
    genres: dict[str, dict] = {}
    everything: dict[str, list[SongMeasures]] = {str(SHIPPED_BARS): [], "whole": []}
    lengths: list[int] = []
    sample: list[SongMeasures] = []
    for genre in Genre:
        songs = drawn_songs(corpora, genre, rng)
        measures = {
            str(SHIPPED_BARS): measured([excerpt(song, SHIPPED_BARS) for song in songs], executor, genre.label),
            "whole": measured(songs, executor, f"{genre.label}, whole"),
        }
        bars = [song.n_bar for song in songs]
        genres[genre.label] = {length: part_of(found, bars) for length, found in measures.items()}
        sample += measures[str(SHIPPED_BARS)][:SAMPLED_PER_GENRE]
        for length, found in measures.items():
            everything[length] += found
        lengths += bars
    genres["all"] = {length: part_of(found, lengths) for length, found in everything.items()}
    features = [packed_features(song.features) for song in sample if song.features is not None]
    frechet = [[float(f"{value:.5g}") for value in song.frechet] for song in sample if song.frechet is not None]
    return {"genres": genres, "sample": {"bars": SHIPPED_BARS, "features": features, "frechet": frechet}}


def drawn_songs(corpora: list[Corpus], genre: Genre, rng: np.random.Generator) -> list[Song]:
    """Songs of a genre in a random order."""
    places = [
        (corpus, index)
        for corpus in corpora
        for index, song in enumerate(corpus.songs)
        if song.genre == genre and song.n_bar >= SHORTEST
    ]
    chosen = rng.permutation(len(places))[:SONGS_PER_GENRE]
    return [song_of_pack(*places[i]) for i in chosen]


def measured(songs: list[Song], executor: ProcessPoolExecutor, label: str) -> list[SongMeasures]:
    """The measures of songs, with a progress bar."""
    return list(tqdm(executor.map(measure_reference_song, songs), total=len(songs), desc=label))


def part_of(measures: list[SongMeasures], bars: list[int]) -> dict:
    """What the JSON file keeps of songs of one length."""
    return {
        "songs": len(measures),
        "median_bars": float(np.median(bars)),
        "metrics": {
            name: {"n": d.n, "mean": round(d.mean, 5), "quantiles": [float(f"{q:.5g}") for q in d.quantiles]}
            for name, d in distributions_of(m.values for m in measures).items()
        },
    }


def classifier_of(train: Corpus, held_out: Corpus, executor: ProcessPoolExecutor) -> dict:
    """Weights, and how often they are right."""
    features, genres, songs = excerpts_of(train, executor, "learn")
    guesses = np.zeros(len(genres), dtype=int)
    for fold in range(N_FOLD):
        held = songs % N_FOLD == fold
        guesses[held] = learn_classifier(features[~held], genres[~held], DECAY).probabilities(features[held]).argmax(1)
    classifier = learn_classifier(features, genres, DECAY)
    val_features, val_genres, _ = excerpts_of(held_out, executor, "held out")
    val_guesses = classifier.probabilities(val_features).argmax(axis=1)
    return {
        **{name: np.round(getattr(classifier, name), 5).tolist() for name in classifier._fields},
        "held_out": {
            "excerpt_bars": SHIPPED_BARS,
            "chance": round(1 / len(Genre), 4),
            "cross_validation": accuracy(genres, guesses, len(np.unique(songs))),
            "validation": accuracy(val_genres, val_guesses, len(val_genres) // EXCERPTS_PER_SONG),
        },
    }


def excerpts_of(corpus: Corpus, executor: ProcessPoolExecutor, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (excerpt, feature), genres (excerpt,) and songs (excerpt,)."""
    rng = np.random.default_rng(0)
    cuts, genres, songs = [], [], []
    for index, info in enumerate(corpus.songs):
        if info.genre is None or info.n_bar < SHORTEST:
            continue
        for begin in rng.integers(4, info.n_bar - SHIPPED_BARS - 3, EXCERPTS_PER_SONG):
            cut = song_of_pack(corpus, index, int(begin), SHIPPED_BARS)
            cuts.append(cut)
            genres.append(int(info.genre))
            songs.append(index)
    run = partial(executor.map, chunksize=16)
    features = list(tqdm(run(genre_features, cuts), total=len(cuts), desc=label))
    return np.array(features), np.array(genres), np.array(songs)


def accuracy(genres: np.ndarray, guesses: np.ndarray, n_song: int) -> dict:
    """Overall, by genre, and the mean of the genres, which does not favour the large ones."""
    recalls = {g.label: float((guesses[genres == g] == g).mean()) for g in Genre if (genres == g).any()}
    return {
        "songs": n_song,
        "excerpts": len(genres),
        "accuracy": round(float((guesses == genres).mean()), 4),
        "balanced_accuracy": round(float(np.mean(list(recalls.values()))), 4),
        "recall": {label: round(value, 4) for label, value in recalls.items()},
        "excerpts_by_genre": {g.label: int((genres == g).sum()) for g in Genre},
    }


if __name__ == "__main__":
    main()
