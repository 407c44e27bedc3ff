"""How much of what is written occurs in the songs that the model learnt from, beside held-out real songs?

    python benchmarks/memorised.py PACK [PACK ...] --pieces FOLDER [FOLDER ...] [--songs 190]

Two things are looked for, in any transposition, on the grid of sixteenths:

- passages of four bars, from every bar on: all onsets of all five instruments with their pitches; those of at least
  MIN_NOTES notes, MIN_PITCHED of them pitched;
- lines of twelve notes: the top line of piano, guitar, bass and strings, intervals and distances, from every note on;
  those of at least MIN_PITCHES different pitches.

A share is that of all such passages, or lines, of the pieces that occur in some training song. Held-out songs are the
packs' validation songs, of each an excerpt as long as one of the pieces. The last column is the share of pieces with
any such line.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import cut_notes
from cmt.music.encoding import NoteArrays, notes_of_song
from midi_io import read_midi
from midi_io.song import POSITIONS_PER_BAR, Instrument

N_BAR, N_NOTE = 4, 12
MIN_NOTES, MIN_PITCHED, MIN_PITCHES = 12, 6, 4
MOST_DISTANCE = 64
"""Onsets of a line farther apart than this, in sixteenths, count as so far apart."""
Hashes = NDArray[np.uint64]


class Found(NamedTuple):
    """What is looked for in a piece."""

    passages: Hashes
    lines: Hashes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packs", type=Path, nargs="+")
    parser.add_argument("--pieces", type=Path, nargs="+", required=True)
    parser.add_argument("--songs", type=int, default=190, help="held-out songs")
    options = parser.parse_args()
    songs = [read_midi(path) for folder in options.pieces for path in sorted(folder.rglob("*.mid"))]
    pieces = [found_in(notes_of_song(song)) for song in songs]
    held_out = list(held_out_pieces(options.packs, options.songs, [song.n_bar for song in songs]))
    asked = [
        np.unique(np.concatenate([its[kind] for its in (*pieces, *held_out)])) for kind in range(len(Found._fields))
    ]
    known = [np.zeros(len(hashes), bool) for hashes in asked]
    train = read_corpus(options.packs, "train")
    for index in tqdm(range(len(train.songs)), desc="training songs"):
        for hashes, flags, its in zip(asked, known, found_in(train.notes_of(index), is_query=False), strict=True):
            place = np.searchsorted(hashes, its)
            inside = place < len(hashes)
            place = place[inside]
            flags[place[hashes[place] == its[inside]]] = True
    print(f"{len(train.songs)} training songs")
    for title, sets in (("written", pieces), ("held-out songs", held_out)):
        print(f"{title:16}{len(sets):4} pieces  " + "  ".join(shares_of(sets, asked, known)))


def held_out_pieces(packs: list[Path], n_song: int, lengths: list[int]) -> Iterator[Found]:
    """An excerpt of each of so many held-out songs."""
    corpus = read_corpus(packs, "val")
    rng = np.random.default_rng(0)
    for index in rng.permutation(len(corpus.songs))[:n_song]:
        n_bar = min(corpus.songs[index].n_bar, int(rng.choice(lengths)))
        begin = int(rng.integers(corpus.songs[index].n_bar - n_bar + 1))
        yield found_in(cut_notes(corpus.notes_of(int(index)), begin, n_bar))


def shares_of(sets: list[Found], asked: list[Hashes], known: list[NDArray[np.bool_]]) -> Iterator[str]:
    """The share of passages and of lines that are known, and how many there are."""
    for kind, name in enumerate(Found._fields):
        hits = [known[kind][np.searchsorted(asked[kind], its[kind])] for its in sets]
        joined = np.concatenate(hits)
        yield f"{name} {joined.mean():.2%} of {len(joined)} (in {np.mean([its.any() for its in hits]):.0%} of pieces)"


def found_in(notes: NoteArrays, *, is_query: bool = True) -> Found:
    """The hashes of the passages and lines of a piece; of a query only those that are counted."""
    ordered = NoteArrays(*(np.asarray(column, np.int64) for column in notes))
    ordered = ordered.chosen(np.lexsort((ordered.pitch, ordered.instrument, ordered.position)))  # type: ignore[arg-type]
    lines = [
        lines_in(ordered.chosen(ordered.instrument == instrument), is_query=is_query)
        for instrument in Instrument
        if instrument is not Instrument.DRUMS
    ]
    return Found(passages_in(ordered, is_query=is_query), np.concatenate(lines))


def lines_in(own: NoteArrays, *, is_query: bool) -> Hashes:
    """The hash of each run of `N_NOTE` notes of a top line."""
    onsets, first = np.unique(own.position, return_index=True)
    if len(onsets) < N_NOTE:
        return np.zeros(0, np.uint64)
    top = np.maximum.reduceat(own.pitch, first)
    codes = (np.minimum(np.diff(onsets), MOST_DISTANCE) * 256 + np.diff(top) + 128).astype(np.uint64)
    powers = np.array([pow(6364136223846793005, k, 2**64) for k in range(N_NOTE - 1)], np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(mixed(codes), N_NOTE - 1)
    hashes = (windows * powers).sum(axis=1, dtype=np.uint64)
    if not is_query:
        return hashes
    pitches = np.sort(np.lib.stride_tricks.sliding_window_view(top, N_NOTE), axis=1)
    return np.asarray(hashes[1 + (np.diff(pitches, axis=1) > 0).sum(axis=1) >= MIN_PITCHES])


def passages_in(notes: NoteArrays, *, is_query: bool) -> Hashes:
    """The hash of each `N_BAR` bars, whatever their key: pitches count from the lowest of the first pitched onset."""
    if not len(notes.pitch):
        return np.zeros(0, np.uint64)
    n_bar = int(notes.position[-1]) // POSITIONS_PER_BAR + 1
    begins = np.arange(max(0, n_bar - N_BAR + 1))
    edges = [np.searchsorted(notes.position, POSITIONS_PER_BAR * (begins + k)) for k in (0, N_BAR)]
    pitched = np.flatnonzero(notes.instrument != Instrument.DRUMS)
    n_pitched = np.searchsorted(pitched, edges[1]) - np.searchsorted(pitched, edges[0])
    first = np.searchsorted(pitched, edges[0])
    some = n_pitched > 0 if not is_query else (n_pitched >= MIN_PITCHED) & (edges[1] - edges[0] >= MIN_NOTES)
    begins, edges, first = begins[some], [edge[some] for edge in edges], first[some]
    if not len(begins):
        return np.zeros(0, np.uint64)
    onset = notes.position[pitched[first]]
    last = np.searchsorted(notes.position[pitched], onset, side="right")
    lowest = np.array([notes.pitch[pitched[a:b]].min() for a, b in zip(first, last, strict=True)])
    counts = edges[1] - edges[0]
    passage = np.repeat(np.arange(len(begins)), counts)
    note = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(edges[0], counts)
    place = notes.position[note] - POSITIONS_PER_BAR * begins[passage]
    is_drum = notes.instrument[note] == Instrument.DRUMS
    pitch = np.where(is_drum, notes.pitch[note], notes.pitch[note] - lowest[passage] + 128)
    code = mixed(
        (place * len(Instrument) + notes.instrument[note]).astype(np.uint64) * np.uint64(512) + pitch.astype(np.uint64)
    )
    return np.add.reduceat(code, np.cumsum(counts) - counts)


def mixed(codes: Hashes) -> Hashes:
    """Numbers of 64 bits that look like chance (the finalizer of SplitMix64)."""
    codes = (codes + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    codes = (codes ^ (codes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ (codes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return codes ^ (codes >> np.uint64(31))


if __name__ == "__main__":
    main()
