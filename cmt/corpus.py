"""A corpus: songs of one split, their notes joined into columns, and how packs of songs are read."""

from __future__ import annotations

import io
import json
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.encoding import NoteArrays
from cmt.errors import CmtError
from cmt.key import estimate_key, semitones_to_home
from cmt.words import Genre, Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument

_PACK_ARRAYS = ("offsets", "dt", "track", "pitch", "dur")


class SongInfo(NamedTuple):
    """What is known of a song beside its notes."""

    name: str
    """md5 of the file it came from."""
    genre: Genre | None
    mode: Mode
    tempo: float | None
    """BPM, or None where unknown."""
    semitones_home: int
    """The move, -6..5, that brings it to C major or A minor."""
    n_bar: int


@dataclass(frozen=True)
class Corpus:
    """Songs of one split, their notes joined into columns."""

    songs: tuple[SongInfo, ...]
    offsets: np.ndarray
    """(n_song + 1,) song i has the notes offsets[i]:offsets[i + 1]."""
    notes: NoteArrays
    """Positions count from each song's own start."""

    def notes_of(self, index: int) -> NoteArrays:
        """The notes of one song."""
        a, b = self.offsets[index], self.offsets[index + 1]
        return NoteArrays(*(column[a:b] for column in self.notes))


def read_packs(paths: list[Path], split: str) -> Corpus:
    """The songs of a split (`train`, `val`) of packs such as ``lpd5_16th_labelled.npz.xz``.

    Each pack has its list of songs beside it, ``songs_labelled.json.xz``.

    Raises
    ------
    CmtError
        If a file is missing or is no such pack, or if no song is in the split.
    """
    parts = [_read_pack(path, split) for path in paths]
    songs = tuple(song for part in parts for song in part.songs)
    if not songs:
        raise CmtError(f"no song of split {split!r} in {', '.join(map(str, paths))}")
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    notes = NoteArrays(*(np.concatenate(columns) for columns in zip(*(part.notes for part in parts), strict=True)))
    return Corpus(songs, np.r_[0, np.cumsum(counts)], notes)


def _read_pack(path: Path, split: str) -> Corpus:
    infos = _read_song_list(path)
    arrays = _read_arrays(path)
    offsets = arrays["offsets"]
    if len(infos) != len(offsets) - 1:
        raise CmtError(
            f"{path}: {len(offsets) - 1} songs, but {len(infos)} in its song list; they do not belong together"
        )
    chosen = [i for i, info in enumerate(infos) if info["split"] == split]
    songs, counts, columns = [], [0], []
    for i in chosen:
        a, b = offsets[i], offsets[i + 1]
        notes = NoteArrays(
            np.cumsum(arrays["dt"][a:b], dtype=np.int32), arrays["track"][a:b], arrays["pitch"][a:b], arrays["dur"][a:b]
        )
        songs.append(_song_info(infos[i], notes))
        columns.append(notes)
        counts.append(b - a)
    empty = NoteArrays(*(np.zeros(0, dtype=np.uint8) for _ in NoteArrays._fields))
    joined = NoteArrays(*(np.concatenate(c) for c in zip(*(columns or [empty]), strict=True)))
    return Corpus(tuple(songs), np.cumsum(counts), joined)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with lzma.open(path) as file:
            pack = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return {name: pack[name] for name in _PACK_ARRAYS}
    except FileNotFoundError:
        raise CmtError(f"{path}: no such file") from None
    except (OSError, lzma.LZMAError, ValueError, KeyError, EOFError) as error:
        raise CmtError(f"{path}: not a pack of songs ({error})") from None


def _read_song_list(path: Path) -> list[dict]:
    list_path = path.with_name(path.name.replace("lpd5_16th_", "songs_").replace(".npz.xz", ".json.xz"))
    try:
        with lzma.open(list_path, "rt", encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        if not path.exists():
            raise CmtError(f"{path}: no such file; check the name") from None
        raise CmtError(f"{path}: its song list {list_path.name} is not beside it") from None
    except (OSError, lzma.LZMAError, ValueError, EOFError) as error:
        raise CmtError(f"{list_path}: not a list of songs ({error})") from None


def _song_info(info: dict, notes: NoteArrays) -> SongInfo:
    pitched = notes.instrument != Instrument.DRUMS
    histogram = np.bincount(notes.pitch[pitched] % 12, weights=notes.duration[pitched], minlength=12)
    key = estimate_key(histogram)
    return SongInfo(
        name=info["md5"],
        genre=Genre[info["genre"].upper()] if info.get("genre") else None,
        mode=key.mode,
        tempo=info.get("bpm"),
        semitones_home=semitones_to_home(key),
        n_bar=int(notes.position.max(initial=0)) // POSITIONS_PER_BAR + 1,
    )


def cut_notes(notes: NoteArrays, begin: int, n_bar: int, semitones: int = 0) -> NoteArrays:
    """The notes that start in `n_bar` bars from bar `begin`, counted anew, all but the drums transposed."""
    a, b = np.searchsorted(notes.position, [begin * POSITIONS_PER_BAR, (begin + n_bar) * POSITIONS_PER_BAR])
    position, instrument, pitch, duration = (column[a:b].astype(np.int64) for column in notes)
    moved = pitch + semitones
    moved = np.where(moved < 0, moved + 12, np.where(moved > 127, moved - 12, moved))
    return NoteArrays(
        position - begin * POSITIONS_PER_BAR,
        instrument,
        np.where(instrument == Instrument.DRUMS, pitch, moved),
        duration,
    )
