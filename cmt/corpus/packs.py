"""Packs: many songs in one compressed file, as training reads them."""

from __future__ import annotations

import io
import json
import lzma
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.corpus.songs import Corpus, song_info
from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.words import Genre

PACK_SUFFIX = ".npz.xz"


_PACK_ARRAYS = ("offsets", "dt", "track", "pitch", "dur")


class PackSongs(NamedTuple):
    """All songs of a pack."""

    infos: list[dict[str, Any]]
    """The list's entry for each song: md5, genre, bpm, split."""
    arrays: dict[str, np.ndarray]
    """The pack's own columns, `dt` among them: sixteenths since the note before."""

    def notes_of(self, index: int) -> NoteArrays:
        """The notes of one song, positions from its start."""
        a, b = self.arrays["offsets"][index : index + 2]
        dt, instrument, pitch, duration = (self.arrays[name][a:b] for name in _PACK_ARRAYS[1:])
        return NoteArrays(np.cumsum(dt, dtype=np.int32), instrument, pitch, duration)


def read_pack(path: Path, split: str) -> Corpus:
    """The songs of a split of one pack. Its list of songs lies beside it, ``songs_labelled.json.xz``."""
    pack = read_pack_songs(path)
    songs, counts, columns = [], [0], []
    for i, info in enumerate(pack.infos):
        if info["split"] != split:
            continue
        notes = pack.notes_of(i)
        songs.append(song_info(info["md5"], genre_of_pack(info), info.get("bpm"), notes))
        columns.append(notes)
        counts.append(len(notes.position))
    empty = NoteArrays(*(np.zeros(0, dtype=np.uint8) for _ in NoteArrays._fields))
    joined = NoteArrays(*(np.concatenate(c) for c in zip(*(columns or [empty]), strict=True)))
    return Corpus(tuple(songs), np.cumsum(counts), joined)


def read_pack_songs(path: Path) -> PackSongs:
    """All songs of a pack.

    Raises
    ------
    CmtError
        If it or its list of songs is missing or is none.
    """
    infos = read_song_list(path)
    arrays = _read_arrays(path)
    n_song = len(arrays["offsets"]) - 1
    if len(infos) != n_song:
        raise CmtError(f"{path}: {n_song} songs, but {len(infos)} in its song list; they do not belong together")
    return PackSongs(infos, arrays)


def genre_of_pack(info: dict[str, Any]) -> Genre | None:
    """The genre that a pack's list gives to a song."""
    return Genre[info["genre"].upper()] if info.get("genre") else None


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with lzma.open(path) as file:
            pack = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return {name: pack[name] for name in _PACK_ARRAYS}
    except FileNotFoundError:
        raise CmtError(f"{path}: no such file") from None
    except (OSError, lzma.LZMAError, ValueError, KeyError, EOFError) as error:
        raise CmtError(f"{path}: not a pack of songs ({error})") from None


def read_song_list(path: Path) -> list[dict[str, Any]]:
    """What the list beside a pack says of its songs, in their order.

    Raises
    ------
    CmtError
        If the pack or its list is missing, or the list is none.
    """
    list_path = path.with_name(path.name.replace("lpd5_16th_", "songs_").replace(".npz.xz", ".json.xz"))
    try:
        with lzma.open(list_path, "rt", encoding="utf-8") as file:
            infos: list[dict[str, Any]] = json.load(file)
        if not all(isinstance(info[name], str) for info in infos for name in ("md5", "split")):
            raise ValueError("a song without md5 or split")
        return infos
    except FileNotFoundError:
        if not path.exists():
            raise CmtError(f"{path}: no such file; check the name") from None
        raise CmtError(f"{path}: its song list {list_path.name} is not beside it") from None
    except (OSError, lzma.LZMAError, ValueError, KeyError, TypeError, EOFError, RecursionError) as error:
        raise CmtError(f"{list_path}: not a list of songs ({error})") from None
