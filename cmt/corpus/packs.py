"""Packs: many songs in one compressed file, as training reads them."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.corpus.songs import Corpus, song_info
from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.words import Genre
from midi_io.input_file import json_in, unpacked_of
from midi_io.limits import MOST_LIST_BYTES, MOST_PACK_BYTES
from midi_io.song import Instrument

PACK_SUFFIX = ".npz.xz"


MOST_DURATION, MOST_WAIT = 2**16, 2**20
"""A note of a pack lasts at most so many sixteenths, and comes so many after the note before."""
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
        content = unpacked_of(path, MOST_PACK_BYTES)
        if not content.startswith(b"PK"):  # numpy would say that it might be a pickle, and how to load one
            raise ValueError("it holds no zip archive")
        with np.load(io.BytesIO(content), allow_pickle=False) as pack:
            if sum(member.file_size for member in pack.zip.infolist()) > MOST_PACK_BYTES:
                raise ValueError(f"its arrays have more than {MOST_PACK_BYTES / 2**20:g} MiB")
            arrays = {name: pack[name] for name in _PACK_ARRAYS}
        _check_arrays(arrays)
    except CmtError:
        raise
    except Exception as error:
        # Whatever the first wrong byte leads zipfile, zlib and numpy to; for the user all mean the same.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CmtError(f"{path}: not a pack of songs ({reason}); check the file") from None
    return arrays


def _check_arrays(arrays: dict[str, np.ndarray]) -> None:
    """Raise a ValueError if arrays are not those of notes."""
    offsets, *columns = (arrays[name] for name in _PACK_ARRAYS)
    if any(array.ndim != 1 or array.dtype.kind not in "iu" for array in arrays.values()):
        raise ValueError("an array that is no column of whole numbers")
    if len(set(map(len, columns))) > 1:
        raise ValueError("columns of different lengths")
    steps = np.diff(offsets.astype(np.int64))
    if not len(offsets) or offsets[0] != 0 or (steps < 0).any() or int(offsets[-1]) > len(columns[0]):
        raise ValueError("songs that begin where no note is")
    for name, most in (("track", len(Instrument) - 1), ("pitch", 127), ("dur", MOST_DURATION), ("dt", MOST_WAIT)):
        column = arrays[name]
        if len(column) and not 0 <= int(column.min()) <= int(column.max()) <= most:
            raise ValueError(f"{name} is not in 0..{most}")


def read_song_list(path: Path) -> list[dict[str, Any]]:
    """What the list beside a pack says of its songs, in their order.

    Raises
    ------
    CmtError
        If the pack or its list is missing, or the list is none.
    """
    list_path = path.with_name(path.name.replace("lpd5_16th_", "songs_").replace(".npz.xz", ".json.xz"))
    if not list_path.exists():
        if not path.exists():
            raise CmtError(f"{path}: no such file; check the name")
        raise CmtError(f"{path}: its song list {list_path.name} is not beside it")
    try:
        infos: list[dict[str, Any]] = json_in(unpacked_of(list_path, MOST_LIST_BYTES))
        if not all(isinstance(info[name], str) for info in infos for name in ("md5", "split")):
            raise ValueError("a song without md5 or split")
        for info in infos:
            genre_of_pack(info)
            if not (info.get("bpm") is None or (isinstance(info["bpm"], int | float) and 0 < info["bpm"] < math.inf)):
                raise ValueError("a bpm that is no tempo")
        return infos
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CmtError(f"{list_path}: not a list of songs ({error})") from None
