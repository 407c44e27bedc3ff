"""How like songs come out of LPD's files and out of the packs.

    python benchmarks/corpus.py CORPUS PACK...

CORPUS is what ``cmt prepare`` made of the files. Songs that are in both are compared note by note and word by word.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cmt.corpus.reading import SPLITS, read_corpus
from cmt.corpus.songs import Corpus, SongInfo
from cmt.music.encoding import NoteArrays, encode_notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("pack", type=Path, nargs="+")
    arguments = parser.parse_args()
    ours = songs_by_name([read_corpus([arguments.corpus], split) for split in SPLITS])
    theirs = songs_by_name([read_corpus([pack], split) for pack in arguments.pack for split in SPLITS])
    both = sorted(ours.keys() & theirs.keys())
    n_equal = n_word = n_common = 0
    agreeing = dict.fromkeys(("tempo", "mode", "semitones_home", "genre"), 0)
    for name in both:
        (info, notes), (pack_info, pack_notes) = ours[name], theirs[name]
        n_equal += all(np.array_equal(a, b) for a, b in zip(notes, pack_notes, strict=True))
        words, pack_words = words_of(info, notes), words_of(pack_info, pack_notes)
        n_word += len(pack_words)
        n_common += len(words & pack_words)
        for field in agreeing:
            agreeing[field] += getattr(info, field) == getattr(pack_info, field)
    print(f"{len(ours)} songs in the corpus, {len(both)} of them in the packs too")
    print(
        f"{n_equal} have the same notes; of {n_word} words of the packs {n_common} ({n_common / n_word:.4%}) are equal"
    )
    print("the same " + ", ".join(f"{field}: {n}" for field, n in agreeing.items()))


def songs_by_name(corpora: list[Corpus]) -> dict[str, tuple[SongInfo, NoteArrays]]:
    return {song.name: (song, corpus.notes_of(i)) for corpus in corpora for i, song in enumerate(corpus.songs)}


def words_of(info: SongInfo, notes: NoteArrays) -> set[tuple[int, ...]]:
    """Each word with its position: no two of a song are equal."""
    words = encode_notes(notes, info.n_bar)
    return {(position, *row) for position, row in zip(words.positions.tolist(), words.fields.tolist(), strict=True)}


if __name__ == "__main__":
    main()
