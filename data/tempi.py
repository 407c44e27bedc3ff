"""Print the tempi between which the middle half of LPD's training songs lie, by genre.

They are TEMPO_QUARTILES of cmt/planning/plan.py.

python data/tempi.py --pack lpd5_16th_labelled.npz.xz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cmt.corpus.reading import read_corpus
from cmt.music.words import Genre


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True, help="pack of songs; may be repeated")
    songs = [song for song in read_corpus(parser.parse_args().pack, "train").songs if song.tempo]
    for genre in (None, *Genre):
        tempi = [song.tempo for song in songs if genre in (None, song.genre)]
        lower, upper = np.quantile(tempi, [0.25, 0.75])
        print(f"{genre.label if genre is not None else 'all':12} {lower:6.1f} {upper:6.1f}   {len(tempi)} songs")


if __name__ == "__main__":
    main()
