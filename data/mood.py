"""Make cmt/assets/mood.json: the estimator of a song's mood from its notes, and how good it is.

    python data/mood.py moods.json PACK [PACK ...] -o cmt/assets/mood.json

`moods.json` holds a valence and an arousal by md5, from the Deezer mood detection dataset. The estimator learns from
the songs whose md5 begins with an even digit. Those of an odd one are held out: on them its quality is measured, and a
second estimator, `independent_estimator`, which learns from them alone, is what a benchmark may measure by.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus
from cmt.metrics.mood import MoodEstimator, learn_estimator, mood_features, read_estimator
from cmt.metrics.mood_curve import WINDOW, heard_in_windows

DECAY = 200.0
N_FOLD = 10
EVERY = 20
"""The scale of stretches of a song is measured on every so-and-so-many-th song."""
AXES = ("valence", "arousal")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moods", type=Path)
    parser.add_argument("packs", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    labels = json.loads(arguments.moods.read_text(encoding="utf-8"))
    corpora = [read_corpus(arguments.packs, split) for split in ("train", "val")]
    names, features = features_of(corpora)
    labelled = np.array([name in labels for name in names])
    even = np.array([int(name[0], 16) % 2 == 0 for name in names])
    moods = np.array([[labels.get(name, {}).get(axis, np.nan) for axis in AXES] for name in names])
    learnt, held_out = labelled & even, labelled & ~even
    estimator = with_thirds(learn_estimator(features[learnt], moods[learnt], DECAY), features)
    other = with_thirds(learn_estimator(features[held_out], moods[held_out], DECAY), features)
    content = {
        "source": "LPD-cleansed (Dong et al., CC BY 4.0); labels of the Deezer mood detection dataset (Delbouys et "
        "al., ISMIR 2018); made by data/mood.py",
        "songs": {"learnt": int(learnt.sum()), "held_out": int(held_out.sum())},
        "spearman": {
            "held_out": correlations(estimator.of_features(features[held_out]), moods[held_out]),
            "cross_validation": cross_validation(features[labelled], moods[labelled]),
            "between_the_two": correlations(estimator.of_features(features), other.of_features(features)),
        },
        "quadrants": {"held_out": quadrants(estimator.of_features(features[held_out]), moods[held_out])},
        "windows": windows(corpora, estimator),
        "estimator": rounded(estimator),
        "independent_estimator": rounded(other),
    }
    arguments.output.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps({key: content[key] for key in ("songs", "spearman", "quadrants")}, indent=1))


def features_of(corpora: list[Corpus]) -> tuple[list[str], np.ndarray]:
    """The names of all songs, and their features (song, feature)."""
    names, rows = [], []
    for corpus in corpora:
        for index, song in enumerate(tqdm(corpus.songs, desc="features")):
            names.append(song.name)
            rows.append(mood_features(corpus.notes_of(index), song.n_bar, song.tempo))
    return names, np.array(rows)


def windows(corpora: list[Corpus], estimator: MoodEstimator) -> dict[str, object]:
    """Mean and standard deviation of what the estimator hears in stretches of songs."""
    estimator = read_estimator(rounded(estimator))
    heard, n_song = [], 0
    for corpus in corpora:
        for index in tqdm(range(0, len(corpus.songs), EVERY), desc="windows"):
            song = corpus.songs[index]
            found = heard_in_windows(estimator, corpus.notes_of(index), song.n_bar, song.tempo)
            heard += [its for its in found if its is not None]
            n_song += 1
    mean, spread = np.mean(heard, axis=0), np.std(heard, axis=0)
    return {
        "bars": WINDOW,
        "songs": n_song,
        "number": len(heard),
        "mean": np.round(mean, 4).tolist(),
        "spread": np.round(spread, 4).tolist(),
    }


def with_thirds(estimator: MoodEstimator, features: np.ndarray) -> MoodEstimator:
    """The estimator with the borders between the thirds of what it estimates of all songs."""
    return estimator._replace(thirds=np.quantile(estimator.of_features(features), [1 / 3, 2 / 3], axis=0).T)


def cross_validation(features: np.ndarray, moods: np.ndarray) -> dict[str, float]:
    """The quality of an estimator that learns from nine tenths of all labelled songs, on the tenth that is left."""
    folds = np.random.default_rng(0).permutation(len(features)) % N_FOLD
    guesses = np.zeros_like(moods)
    for fold in range(N_FOLD):
        held = folds == fold
        guesses[held] = learn_estimator(features[~held], moods[~held], DECAY).of_features(features[held])
    return correlations(guesses, moods)


def correlations(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Spearman's correlation of each axis."""
    return {axis: round(float(spearmanr(a[:, k], b[:, k])[0]), 3) for k, axis in enumerate(AXES)}


def quadrants(guesses: np.ndarray, moods: np.ndarray) -> dict[str, float]:
    """How often the quadrant, borders at the medians, is right: the mean over the four; chance is 0.25."""
    found, true = ((values > np.median(values, axis=0)) @ [1, 2] for values in (guesses, moods))
    return {"balanced_accuracy": round(float(np.mean([(found[true == q] == q).mean() for q in range(4)])), 3)}


def rounded(estimator: MoodEstimator) -> dict[str, list]:
    """The estimator's numbers as lists."""
    return {name: np.round(getattr(estimator, name), 5).tolist() for name in estimator._fields}


if __name__ == "__main__":
    main()
