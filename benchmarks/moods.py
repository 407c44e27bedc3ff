"""Is the mood that is asked for heard in the notes? An estimator that learnt from other songs listens to pieces.

    python benchmarks/moods.py -o FOLDER [--pieces 60] [--seconds 32] [--untold] [--checkpoint FILE]
    python benchmarks/moods.py --real PACK [PACK ...] --labels moods.json

The moods are happy, tense, sad and calm: one for each quadrant of valence and arousal. The pieces take turns, each has
a seed of its own, no genre and no video; what is there already is not written again. `--untold` leaves the model's
words for mood free, so that tempo, mode, liveliness and drums alone speak.

Heard: `independent_estimator` of cmt/assets/mood.json, which learnt from songs that the estimator behind the model's
words has not seen. A piece's quadrant is told by the medians over the pieces (as many are asked to be on each side), or
over the songs. Right by chance: 0.25.

`--real`: the same for excerpts of 16 bars of songs with listeners' labels that this estimator has not learnt from. That
is all that can be asked of the pieces: notes without sound say little of a mood.
"""

from __future__ import annotations

import argparse
import json
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from cmt import GenerateConfig, Output, Wishes, make_soundtrack, read_midi
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import song_of_pack
from cmt.meaning.description import Description
from cmt.meaning.mood import mood_of_word
from cmt.meaning.wishing import described_wishes
from cmt.metrics.mood import MoodEstimator, read_estimator

WORDS = ("happy", "tense", "sad", "calm")
BARS = 16
N_DRAW = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--pieces", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=32.0)
    parser.add_argument("--untold", action="store_true")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--real", type=Path, nargs="+")
    parser.add_argument("--labels", type=Path)
    options = parser.parse_args()
    text = (resources.files("cmt") / "assets" / "mood.json").read_text(encoding="utf-8")
    estimator = read_estimator(json.loads(text)["independent_estimator"])
    if options.real:
        heard, meant = real_songs(estimator, options.real, options.labels)
        print_result("real songs", heard, meant, meant > np.median(meant, axis=0))
    if options.output:
        heard, meant = pieces(estimator, options)
        print_result("pieces", heard, meant, meant > 0)


def real_songs(
    estimator: MoodEstimator, packs: list[Path], labels: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(song, 2) what is heard in songs that the estimator does not know, and what listeners say."""
    moods = json.loads(labels.read_text(encoding="utf-8"))
    heard, meant = [], []
    for split in ("train", "val"):
        corpus = read_corpus(packs, split)
        for index, song in enumerate(corpus.songs):
            if song.name in moods and int(song.name[0], 16) % 2 == 0:
                begin = max(0, (song.n_bar - BARS) // 2)
                found = estimator.of_song(song_of_pack(corpus, index, begin, min(BARS, song.n_bar)))
                if found is not None:
                    heard.append(found)
                    meant.append((moods[song.name]["valence"], moods[song.name]["arousal"]))
    return np.array(heard), np.array(meant)


def pieces(estimator: MoodEstimator, options: argparse.Namespace) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(piece, 2) what is heard in pieces, written where they are not there yet, and what was asked."""
    options.output.mkdir(parents=True, exist_ok=True)
    heard, meant = [], []
    for number in range(options.pieces):
        mood = mood_of_word(WORDS[number % len(WORDS)])
        name = f"{number:03d}_{mood.words}"
        path = options.output / f"{name}.mid"
        if not path.exists():
            wishes = described_wishes(Description(mood=mood, origins={}), Wishes(length=options.seconds)).wishes
            if options.untold:
                wishes = Wishes(**{**vars(wishes), "mood": None})
            config = GenerateConfig(seed=9000 + number)
            make_soundtrack(
                None,
                options.output,
                wishes,
                config,
                output=Output(midi_only=True),
                name=name,
                checkpoint=options.checkpoint,
            )
            print(name, flush=True)
        found = estimator.of_song(read_midi(path))
        assert found is not None  # no piece is empty
        heard.append(found)
        meant.append((mood.valence, mood.arousal))
    return np.array(heard), np.array(meant)


def print_result(
    label: str, heard: NDArray[np.float64], meant: NDArray[np.float64], is_high: NDArray[np.bool_]
) -> None:
    """Correlations, how often each half and the quadrant are right, and the interval of that by drawing anew."""
    found = heard > np.median(heard, axis=0)
    print(f"{label}: {len(heard)}")
    for k, axis in enumerate(("valence", "arousal")):
        right = balanced(found[:, k].astype(int), is_high[:, k].astype(int), 2)
        rank = spearmanr(heard[:, k], meant[:, k]).statistic
        print(f"  {axis}: Spearman {rank:+.2f}, the half is right in {right:.2f} (chance 0.50)")
    a, b = found @ [1, 2], is_high @ [1, 2]
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(a), size=len(a)) for _ in range(N_DRAW)]
    low, high = np.quantile([balanced(a[draw], b[draw], 4) for draw in draws], [0.025, 0.975])
    print(f"  quadrant: balanced accuracy {balanced(a, b, 4):.2f} ({low:.2f} to {high:.2f}; chance 0.25)")


def balanced(found: NDArray[np.int64], true: NDArray[np.int64], n_class: int) -> float:
    """The mean over the classes that there are of how often each is found."""
    return float(np.mean([(found[true == k] == k).mean() for k in range(n_class) if (true == k).any()]))


if __name__ == "__main__":
    main()
