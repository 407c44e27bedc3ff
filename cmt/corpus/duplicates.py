"""Which songs are the same: exactly, in another key, or nearly.

Two songs count as one if their notes are equal but for a transposition, or if half of the shorter one's tune is in
the other. A tune is the set of its *shingles*: runs of simu-notes, described by what neither a transposition nor a
shift along the grid changes. To save memory only shingles with small hashes are kept, the same ones in every song
(FracMinHash: Irber et al., "Lightweight compositional analysis of metagenomes with FracMinHash", 2022), so which songs
are found does not depend on how many there are, on their order or on who read them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from cmt.music.encoding import NoteArrays
from midi_io.song import Instrument

SHINGLE_STEPS = 8
"""A shingle holds the eight steps between nine simu-notes that follow each other."""
KEPT_SHARE = 4
"""One shingle of this many is kept."""
FEWEST_SHINGLES = 16
"""A tune of fewer kept shingles is too plain to tell by: only exact duplicates of it are found."""
SAME_SHARE = 0.5
"""Songs are near-duplicates if at least this share of the smaller one's shingles is in the other."""
MOST_SONGS = 200
"""A shingle in more songs than this is a commonplace (a repeated note, a scale) and tells nothing."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


def fingerprint(notes: NoteArrays) -> str:
    """A hash of all notes that a transposition of all but the drums leaves as it is; hexadecimal.

    Positions count from the first note's bar, as in a corpus; equal notes may come in any order.
    """
    position, instrument, pitch, duration = (column.astype(np.int64) for column in notes)
    pitched = instrument != Instrument.DRUMS
    lowest = pitch[pitched].min(initial=127)
    columns = np.stack([position, instrument, np.where(pitched, pitch - lowest, pitch), duration])
    columns = columns[:, np.lexsort(columns[::-1])]
    return hashlib.blake2b(np.ascontiguousarray(columns, dtype="<i4").tobytes(), digest_size=16).hexdigest()


def shingles(notes: NoteArrays) -> np.ndarray:
    """The kept shingles of a song's tune, (n_shingle,) uint64, sorted, each once.

    The tune is what sounds beside the drums, whoever plays it: copies of a song often differ in their sounds.
    Where there are only drums, they are the tune.
    """
    pitched = notes.instrument != Instrument.DRUMS
    chosen = pitched if pitched.any() else ~pitched
    doubled = notes.position[chosen].astype(np.int64) * 128 + notes.pitch[chosen]
    position, pitch = np.divmod(np.unique(doubled), 128)
    if not len(position):
        return np.zeros(0, dtype=np.uint64)
    first = np.flatnonzero(np.r_[True, np.diff(position) != 0])
    onset, lowest = position[first], pitch[first]
    above = pitch - np.repeat(lowest, np.diff(np.r_[first, len(pitch)]))
    shape = np.add.reduceat(_mixed(above), first)
    # One step: how long until the next simu-note, how its lowest note moves, what stands above it.
    step = _mixed(np.diff(onset) * 256 + np.diff(lowest) + 128) + shape[1:]
    n_shingle = len(step) - SHINGLE_STEPS + 1
    if n_shingle < 1:
        return np.zeros(0, dtype=np.uint64)
    run = shape[:n_shingle].copy()
    for offset in range(SHINGLE_STEPS):
        run = _mixed(run) + step[offset : offset + n_shingle]
    run = _mixed(run)
    return np.unique(run[run < np.uint64(2**64 // KEPT_SHARE)])


def groups(fingerprints: Sequence[str], tunes: Sequence[np.ndarray]) -> np.ndarray:
    """For each song the index of the first song of its group, (n_song,); a song alike no other is its own.

    `tunes` are what `shingles` gave. Alike is passed on: if a is alike b and b alike c, all three are one group.
    """
    first_of: dict[str, int] = {}
    leader = np.array([first_of.setdefault(mark, i) for i, mark in enumerate(fingerprints)], dtype=np.int64)
    for a, b in _alike(tunes, np.unique(leader)):
        low, high = sorted((_root(leader, a), _root(leader, b)))
        leader[high] = low
    return np.array([_root(leader, i) for i in range(len(leader))], dtype=np.int64)


def _alike(tunes: Sequence[np.ndarray], chosen: np.ndarray) -> list[tuple[int, int]]:
    """Pairs among the chosen songs that share enough of the smaller one's tune."""
    songs = [int(i) for i in chosen if len(tunes[i]) >= FEWEST_SHINGLES]
    if len(songs) < 2:
        return []
    sizes = np.array([len(tunes[i]) for i in songs])
    hashes = np.concatenate([tunes[i] for i in songs])
    owners = np.repeat(np.arange(len(songs)), sizes)
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    first = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    spread = np.repeat(np.diff(np.r_[first, len(hashes)]), np.diff(np.r_[first, len(hashes)]))
    telling = (spread > 1) & (spread <= MOST_SONGS)
    hashes, owners = hashes[telling], owners[telling]
    # Equal hashes lie side by side: each distance between two of them gives its pairs at once.
    codes, counts = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for distance in range(1, MOST_SONGS):
        same = np.flatnonzero(hashes[distance:] == hashes[:-distance])
        if not len(same):
            break
        met, times = np.unique(owners[same] * len(songs) + owners[same + distance], return_counts=True)
        codes, where = np.unique(np.r_[codes, met], return_inverse=True)
        counts = np.bincount(where, weights=np.r_[counts, times], minlength=len(codes)).astype(np.int64)
    a, b = np.divmod(codes, len(songs))
    enough = counts >= SAME_SHARE * np.minimum(sizes[a], sizes[b])
    return [(songs[i], songs[j]) for i, j in zip(a[enough], b[enough], strict=True)]


def _root(leader: np.ndarray, index: int) -> int:
    while leader[index] != index:
        leader[index] = leader[leader[index]]
        index = int(leader[index])
    return index


def _mixed(values: np.ndarray) -> np.ndarray:
    """Well-spread 64-bit hashes of numbers: the finaliser of SplitMix64 (Steele et al., OOPSLA 2014)."""
    z = values.astype(np.uint64) + _ODD
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = z ^ (z >> np.uint64(31))
    return mixed
