"""A corpus: songs of one split, their notes joined into columns; read from a prepared folder or from packs.

The layout of the folder is told in docs/corpus.md.
"""

from __future__ import annotations

import io
import json
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.key import estimate_key, semitones_to_home
from cmt.music.words import VOCABULARY_VERSION, Genre, Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument

SONGS = "songs.json"
"""The file that lists a prepared corpus's songs; the columns of their notes lie beside it, ``position.npy`` etc."""
CORPUS_FORMAT = 1
"""The number goes up when the files of a prepared corpus change their meaning."""
COLUMN_TYPES = NoteArrays(position=np.int32, instrument=np.uint8, pitch=np.uint8, duration=np.uint8)  # type: ignore[arg-type]
"""The types of the columns on disk."""
SPLITS = ("train", "val")
PACK_SUFFIX = ".npz.xz"
_PACK_ARRAYS = ("offsets", "dt", "track", "pitch", "dur")


class SongInfo(NamedTuple):
    """The facts known of a song beside its notes."""

    name: str
    """The md5 of the file that the song came from."""
    genre: Genre | None
    mode: Mode
    tempo: float | None
    """BPM, or None where unknown."""
    semitones_home: int
    """The number of semitones, -6..5, that brings it to C major or A minor."""
    n_bar: int


@dataclass(frozen=True)
class Corpus:
    """Songs of one split, their notes joined into columns."""

    songs: tuple[SongInfo, ...]
    offsets: np.ndarray
    """The offsets (n_song + 1,): song i has the notes offsets[i]:offsets[i + 1]."""
    notes: NoteArrays
    """The notes of all songs, whose positions count from each song's own start."""

    def notes_of(self, index: int) -> NoteArrays:
        """The notes of one song."""
        a, b = self.offsets[index], self.offsets[index + 1]
        return NoteArrays(*(column[a:b] for column in self.notes))


def read_corpus(paths: Sequence[Path], split: str) -> Corpus:
    """The songs of a split (`train`, `val`) of folders that ``cmt prepare`` made, and of packs.

    A pack is a file such as ``lpd5_16th_labelled.npz.xz``. The notes of one folder stay on disk, mapped into memory;
    those of several paths are read and joined.

    Raises
    ------
    CmtError
        If a path is missing, is neither, is of another version, or if no song is in the split.
    """
    parts = [read_folder(path, split) if path.is_dir() else read_pack(path, split) for path in paths]
    if not any(part.songs for part in parts):
        raise CmtError(f"no song of split {split!r} in {', '.join(map(str, paths))}")
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Corpus]) -> Corpus:
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    notes = NoteArrays(*(np.concatenate(columns) for columns in zip(*(part.notes for part in parts), strict=True)))
    return Corpus(tuple(song for part in parts for song in part.songs), np.r_[0, np.cumsum(counts)], notes)


class Entry(NamedTuple):
    """A song's line in a prepared corpus."""

    info: SongInfo
    split: str
    n_note: int


def write_folder(folder: Path, entries: Sequence[Entry], columns: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write the files that `read_folder` reads, the songs sorted by split.

    `columns` are the fields of `NoteArrays`, each with an array (n_note,) for the notes of all songs, in the order of
    the entries; one is in memory at a time.
    """
    for name, column in columns:
        np.save(folder / f"{name}.npy", column, allow_pickle=False)
    songs = [
        {
            **entry.info._asdict(),
            "genre": entry.info.genre.label if entry.info.genre is not None else None,
            "mode": entry.info.mode.label,
            "split": entry.split,
            "n_note": entry.n_note,
        }
        for entry in entries
    ]
    content = {"format": CORPUS_FORMAT, "vocabulary": VOCABULARY_VERSION, "songs": songs}
    (folder / SONGS).write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")


def read_folder(folder: Path, split: str) -> Corpus:
    """The songs of a split of a prepared corpus, its notes mapped into memory.

    Raises
    ------
    CmtError
        If it is no such folder, is damaged or of another version.
    """
    entries = _read_entries(folder)
    offsets = np.cumsum([0, *(entry.n_note for entry in entries)])
    chosen = [i for i, entry in enumerate(entries) if entry.split == split]
    first, last = (chosen[0], chosen[-1] + 1) if chosen else (0, 0)
    if last - first != len(chosen):
        raise CmtError(f"{folder}: damaged, its songs are not sorted by split; {_REBUILD.format(folder)}")
    notes = NoteArrays(*(_mapped(folder, name, int(offsets[-1])) for name in NoteArrays._fields))
    a, b = offsets[first], offsets[last]
    return Corpus(
        tuple(entry.info for entry in entries[first:last]),
        offsets[first : last + 1] - a,
        NoteArrays(*(column[a:b] for column in notes)),
    )


_REBUILD = "make it anew with cmt prepare SOURCE -o {}"


def _read_entries(folder: Path) -> list[Entry]:
    path = folder / SONGS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CmtError(f"{folder}: not a corpus, it has no {SONGS}; {_REBUILD.format(folder)}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CmtError(f"{path}: not a list of songs ({error}); {_REBUILD.format(folder)}") from None
    versions = (content.get("format"), content.get("vocabulary")) if isinstance(content, dict) else (None, None)
    if versions != (CORPUS_FORMAT, VOCABULARY_VERSION):
        raise CmtError(
            f"{folder}: a corpus of format {versions[0]} and vocabulary {versions[1]}, where {CORPUS_FORMAT} and "
            f"{VOCABULARY_VERSION} are needed; {_REBUILD.format(folder)}"
        )
    try:
        return [_entry(song) for song in content["songs"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CmtError(f"{path}: damaged ({type(error).__name__}: {error}); {_REBUILD.format(folder)}") from None


def _entry(song: dict[str, Any]) -> Entry:
    info = SongInfo(
        name=str(song["name"]),
        genre=None if song["genre"] is None else Genre[song["genre"].upper()],
        mode=Mode[song["mode"].upper()],
        tempo=None if song["tempo"] is None else float(song["tempo"]),
        semitones_home=int(song["semitones_home"]),
        n_bar=int(song["n_bar"]),
    )
    if info.n_bar < 1 or int(song["n_note"]) < 0:
        raise ValueError(f"a song of {info.n_bar} bars and {song['n_note']} notes")
    return Entry(info, str(song["split"]), int(song["n_note"]))


def _mapped(folder: Path, name: str, n_note: int) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        column = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CmtError(f"{path}: not a column of notes ({error}); {_REBUILD.format(folder)}") from None
    wanted = getattr(COLUMN_TYPES, name)
    if not isinstance(column, np.ndarray) or column.dtype != wanted or column.shape != (n_note,):
        raise CmtError(
            f"{path}: damaged, {n_note} notes of {np.dtype(wanted)} were to be in it; {_REBUILD.format(folder)}"
        )
    return column


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


def song_info(name: str, genre: Genre | None, tempo: float | None, notes: NoteArrays) -> SongInfo:
    """The facts known of a song, its key and length found in its notes."""
    pitched = notes.instrument != Instrument.DRUMS
    histogram = np.bincount(notes.pitch[pitched] % 12, weights=notes.duration[pitched], minlength=12)
    key = estimate_key(histogram)
    n_bar = int(notes.position.max(initial=0)) // POSITIONS_PER_BAR + 1
    return SongInfo(name, genre, key.mode, tempo, semitones_to_home(key), n_bar)


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
