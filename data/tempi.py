"""Print, by genre, the tempi between which the middle half of LPD's training songs lie, and how many are in major.

They are TEMPO_QUARTILES and MAJOR_SHARE of cmt/planning/plan.py.

python data/tempi.py --pack lpd5_16th_labelled.npz.xz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cmt.corpus.reading import read_corpus
from cmt.music.words import Genre, Mode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True, help="pack of songs; may be repeated")
    songs = read_corpus(parser.parse_args().pack, "train").songs
    for genre in (None, *Genre):
        chosen = [song for song in songs if genre in (None, song.genre)]
        tempi = [song.tempo for song in chosen if song.tempo]
        major = np.mean([song.mode == Mode.MAJOR for song in chosen])
        lower, upper = np.quantile(tempi, [0.25, 0.75])
        label = genre.label if genre is not None else "all"
        print(f"{label:12} {lower:6.1f} {upper:6.1f}  {major:5.2f}   {len(chosen)} songs")


if __name__ == "__main__":
    main()
