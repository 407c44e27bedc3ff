"""A corpus as a folder: one array a file, mapped into memory, so that it may be larger than that."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.corpus.songs import Corpus, SongInfo
from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.words import MAX_DURATION, VOCABULARY_VERSION, Genre, Mode
from midi_io.input_file import check_ordinary, json_of
from midi_io.limits import MOST_LIST_BYTES
from midi_io.song import POSITIONS_PER_BAR, Instrument

SONGS = "songs.json"
"""The file that lists a prepared corpus's songs; the columns of their notes lie beside it, ``position.npy`` etc."""


CORPUS_FORMAT = 1
"""The number goes up when the files of a prepared corpus change their meaning."""


COLUMN_TYPES = NoteArrays(position=np.int32, instrument=np.uint8, pitch=np.uint8, duration=np.uint8)  # type: ignore[arg-type]
"""The types of the columns on disk."""


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
    corpus = Corpus(
        tuple(entry.info for entry in entries[first:last]),
        offsets[first : last + 1] - a,
        NoteArrays(*(column[a:b] for column in notes)),
    )
    if not _is_sound(corpus):
        raise CmtError(f"{folder}: damaged, it has notes that cannot be; {_REBUILD.format(folder)}")
    return corpus


_REBUILD = "make it anew with cmt prepare SOURCE -o {}"


def _read_entries(folder: Path) -> list[Entry]:
    path = folder / SONGS
    if not path.exists():
        raise CmtError(f"{folder}: not a corpus, it has no {SONGS}; {_REBUILD.format(folder)}")
    try:
        content = json_of(path, MOST_LIST_BYTES)
    except ValueError as error:
        raise CmtError(f"{path}: not a list of songs ({error}); {_REBUILD.format(folder)}") from None
    versions = (content.get("format"), content.get("vocabulary")) if isinstance(content, dict) else (None, None)
    if versions != (CORPUS_FORMAT, VOCABULARY_VERSION):
        raise CmtError(
            f"{folder}: a corpus of format {versions[0]} and vocabulary {versions[1]}, where {CORPUS_FORMAT} and "
            f"{VOCABULARY_VERSION} are needed; {_REBUILD.format(folder)}"
        )
    try:
        return [_entry(song) for song in content["songs"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
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
    if info.tempo is not None and not 0 < info.tempo < math.inf:
        raise ValueError(f"a tempo of {info.tempo}")
    if not 1 <= info.n_bar < 2**31 or not 0 <= int(song["n_note"]) < 2**31:
        raise ValueError(f"a song of {info.n_bar} bars and {song['n_note']} notes")
    return Entry(info, str(song["split"]), int(song["n_note"]))


def _is_sound(corpus: Corpus) -> bool:
    """Whether all notes have values that notes may have, and begin in their song's bars."""
    notes = corpus.notes
    if not len(notes.position):
        return True
    played = np.flatnonzero(np.diff(corpus.offsets))
    last = np.maximum.reduceat(notes.position, corpus.offsets[played])
    ends = np.array([corpus.songs[song].n_bar for song in played], np.int64) * POSITIONS_PER_BAR
    return bool(
        notes.position.min() >= 0
        and (last < ends).all()
        and notes.instrument.max() < len(Instrument)
        and notes.pitch.max() <= 127
        and 1 <= notes.duration.min() <= notes.duration.max() <= MAX_DURATION
    )


def _mapped(folder: Path, name: str, n_note: int) -> np.ndarray:
    path = folder / f"{name}.npy"
    check_ordinary(path)
    try:
        column = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # whatever the first wrong byte leads numpy to
        # What numpy takes for no array of its own it takes for a pickle, and says how to run what is in it.
        reason = "it is no array" if "pickle" in str(error) else " ".join(str(error).split())[:120]
        raise CmtError(f"{path}: not a column of notes ({reason}); {_REBUILD.format(folder)}") from None
    wanted = getattr(COLUMN_TYPES, name)
    if not isinstance(column, np.ndarray) or column.dtype != wanted or column.shape != (n_note,):
        raise CmtError(
            f"{path}: damaged, {n_note} notes of {np.dtype(wanted)} were to be in it; {_REBUILD.format(folder)}"
        )
    return column
