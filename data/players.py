"""Print, by genre, how often piano, guitar and strings have no note in an excerpt of LPD's training songs.

They are USUAL_ABSENCES of cmt/planning/players.py: the shares of the sets of those who are absent, of excerpts of 24
bars from the middle in which at least one of the three plays.

python data/players.py --pack lpd5_16th_labelled.npz.xz
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import combinations
from pathlib import Path

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import cut_notes
from cmt.music.words import Genre
from midi_io.song import Instrument

N_BAR = 24
COLOURS = (Instrument.PIANO, Instrument.GUITAR, Instrument.STRINGS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True, help="pack of songs; may be repeated")
    corpus = read_corpus(parser.parse_args().pack, "train")
    counts: dict[Genre | None, Counter[tuple[Instrument, ...]]] = {genre: Counter() for genre in (None, *Genre)}
    for index, song in enumerate(corpus.songs):
        notes = cut_notes(corpus.notes_of(index), max(0, (song.n_bar - N_BAR) // 2), N_BAR)
        playing = set(notes.instrument.tolist())
        absent = tuple(one for one in COLOURS if one not in playing)
        for genre in {None, song.genre}:
            counts[genre][absent] += 1
    sets = [some for size in range(len(COLOURS)) for some in combinations(COLOURS, size)]
    for genre, counted in counts.items():
        known = sum(counted[absent] for absent in sets)
        shares = ", ".join(
            f"{'+'.join(one.label for one in absent) or 'nobody'} {counted[absent] / known:.3f}" for absent in sets
        )
        print(f"{genre.label if genre is not None else 'all':12} {shares}   {known} songs")


if __name__ == "__main__":
    main()
