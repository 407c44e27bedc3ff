"""Shards: some songs on their way into a corpus, read together and kept in one file until the corpus is whole.

A shard's name tells what it was made of, so a run that was cut off goes on with the shards that it left, and a shard of
other files, of changed files or of another rule is simply not found.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.corpus.folder import COLUMN_TYPES
from cmt.corpus.intake import LeftOutSong, Rhythm, TakenSong
from cmt.music.encoding import NoteArrays
from midi_io.input_file import content_of, json_in
from midi_io.limits import MOST_SHARD_BYTES
from midi_io.whole_file import whole_file

_COLUMNS = NoteArrays._fields
_ARRAYS = ("notes", "shingles", "rhythm")
"""The fields of TakenSong that are not in its line of the list."""


class Shard(NamedTuple):
    """Songs with their arrays joined, in the order in which they were read."""

    songs: list[dict[str, Any]]
    """The taken songs: the fields of TakenSong but its arrays, and `n_note`, `n_shingle`, `n_word`."""
    left_out: list[LeftOutSong]
    columns: NoteArrays
    shingles: np.ndarray
    density: np.ndarray
    """The density of each song (n_song, 17), as in Rhythm."""
    strength: np.ndarray
    """The strength of each song (n_song, 5, 17), as in Rhythm."""


def joined_shard(results: Sequence[TakenSong | LeftOutSong]) -> Shard:
    """The results of reading some files as a shard."""
    taken = [result for result in results if isinstance(result, TakenSong)]
    songs = []
    for song in taken:
        line = {name: value for name, value in song._asdict().items() if name not in _ARRAYS}
        sizes = {"n_note": len(song.notes.position), "n_shingle": len(song.shingles), "n_word": song.rhythm.n_word}
        songs.append(line | sizes)
    empty = [Rhythm(0, np.zeros(17), np.zeros((5, 17)))]
    rhythms = [song.rhythm for song in taken] or empty
    n_song = len(taken)
    return Shard(
        songs,
        [result for result in results if isinstance(result, LeftOutSong)],
        NoteArrays(
            *(
                _concatenated([getattr(song.notes, name) for song in taken], getattr(COLUMN_TYPES, name))
                for name in _COLUMNS
            )
        ),
        _concatenated([song.shingles for song in taken], np.uint64),
        np.array([rhythm.density for rhythm in rhythms], dtype=np.int64)[:n_song],
        np.array([rhythm.strength for rhythm in rhythms], dtype=np.int64)[:n_song],
    )


def appended(shards: Sequence[Shard]) -> Shard:
    """Several shards as one."""
    return Shard(
        [song for shard in shards for song in shard.songs],
        [song for shard in shards for song in shard.left_out],
        NoteArrays(*(np.concatenate(parts) for parts in zip(*(shard.columns for shard in shards), strict=True))),
        np.concatenate([shard.shingles for shard in shards]),
        np.concatenate([shard.density for shard in shards]),
        np.concatenate([shard.strength for shard in shards]),
    )


def write_shard(shard: Shard, path: Path) -> None:
    """Write a shard, whole or not at all."""
    lists = json.dumps({"songs": shard.songs, "left_out": shard.left_out}).encode("ascii")
    arrays: dict[str, Any] = {
        "lists": np.frombuffer(lists, dtype=np.uint8),
        "shingles": shard.shingles,
        "density": shard.density,
        "strength": shard.strength,
        **shard.columns._asdict(),
    }
    with whole_file(path) as unfinished:
        np.savez(unfinished, **arrays)


def read_shard(path: Path) -> Shard | None:
    """The inverse of `write_shard`; None if there is no such shard, or it did not survive whatever cut the run off."""
    try:
        content = io.BytesIO(content_of(path, MOST_SHARD_BYTES))
        with np.load(content, allow_pickle=False) as arrays:
            lists = json_in(arrays["lists"].tobytes())
            return Shard(
                lists["songs"],
                [LeftOutSong(*song) for song in lists["left_out"]],
                NoteArrays(*(arrays[name] for name in _COLUMNS)),
                arrays["shingles"],
                arrays["density"],
                arrays["strength"],
            )
    except Exception:  # whatever the first wrong byte leads zipfile, zlib and numpy to: the shard is made again
        return None


def read_column(path: Path, name: str) -> np.ndarray:
    """One column (n_note,) of the notes of a whole shard."""
    with np.load(path, allow_pickle=False) as arrays:
        column: np.ndarray = arrays[name]
    return column


def _concatenated(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)
