"""A library of music: which files it has, and what an index holds of each.

A library is MIDI files, pianorolls (.npz), packs of songs (.npz.xz), corpora that `cmt prepare` made, and folders of
all these. Every file gives entries, an unreadable one an entry with its reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.corpus.folder import SONGS
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus
from cmt.errors import CmtError
from cmt.machine.bugs import unexpected
from cmt.machine.files import LINKED, NO_FILE, file_state, leads_nowhere
from cmt.matching.index import instrument_bits
from cmt.matching.moods import curve_in_bytes
from cmt.matching.score import rhythm_of_onsets, rhythm_of_song
from cmt.music.encoding import notes_of_song
from cmt.music.key import home_key, key_of_song
from cmt.music.words import Genre, Mode
from midi_io import MIDI_SUFFIXES
from midi_io.midi_content import read_content
from midi_io.midi_file import song_of, ticks_of
from midi_io.pianoroll import read_pianoroll_ticks, song_of_roll
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

SPLITS = ("train", "val", "test")
"""The splits of packs and prepared corpora; an index takes them all."""
MOST_BARS = 20_000
"""A piece of more bars than this, ten hours at 120 BPM, is a broken file."""
DEFAULT_TEMPO = 120.0
"""The BPM of a song that says none, as in MIDI."""
_PACK_SUFFIX = ".npz.xz"
_PIANOROLL_SUFFIX = ".npz"


class Source(NamedTuple):
    """A file of the library, and what shows that it has changed."""

    path: str
    """The absolute path."""
    size: int
    changed: int
    """The time of its last change, in nanoseconds."""


class Entry(NamedTuple):
    """A piece as the index holds it, or the reason why a file has none; the columns of `SCHEMA`."""

    source: str
    source_size: int
    source_changed: int
    failure: str | None
    name: str = ""
    genre: str | None = None
    tonic: int = 0
    mode: str = Mode.MAJOR.label
    tempo: float = DEFAULT_TEMPO
    seconds: float = 0.0
    n_bar: int = 0
    n_note: int = 0
    instruments: int = 0
    density: bytes = b""
    strength: bytes = b""
    mood: bytes = b""


def find_sources(libraries: Sequence[Path]) -> list[Source]:
    """All files of music in the libraries, in order of their paths, each once.

    Raises
    ------
    CmtError
        If a library does not exist, is a file of another kind, or there is no music in any.
    """
    paths: set[Path] = set()
    for library in libraries:
        if library.is_dir():
            paths.update(_music_in(library.resolve()))
        elif not library.exists():
            raise CmtError(f"{library}: no such file or folder; check the name")
        elif _is_music(library):
            paths.add(library.resolve())
        else:
            raise CmtError(
                f"{library}: not a library; give a folder, MIDI files, pianorolls (.npz) or packs of songs (.npz.xz)"
            )
    if not paths:
        names = ", ".join(map(str, libraries))
        raise CmtError(f"{names}: no music found; give a folder of .mid files, .npz pianorolls or .npz.xz packs")
    sources = []
    for path in sorted(paths):
        state = file_state(path)
        if state != NO_FILE or os.path.lexists(path):  # else it has gone since the folder was listed
            sources.append(Source(str(path), *state))
    return sources


def _music_in(folder: Path) -> Iterator[Path]:
    """What is music by its name, be it a file or not, and folders that are not looked into: each is told of."""
    closed: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        linked = (name for name in folders if os.path.islink(os.path.join(parent, name)))
        yield from (Path(parent, name) for name in linked)
        yield from (path for path in (Path(parent, name) for name in names) if _is_music(path) or leads_nowhere(path))
    yield from closed


def is_pack(path: Path) -> bool:
    """Whether the file stands for many songs: a pack, or the list of songs of a prepared corpus."""
    return path.name.lower().endswith(_PACK_SUFFIX) or _is_list_of_corpus(path)


def _is_list_of_corpus(path: Path) -> bool:
    return path.name == SONGS and path.with_name("position.npy").is_file()


def is_pianoroll(path: Path) -> bool:
    """Whether the name is that of a pianoroll."""
    return path.name.lower().endswith(_PIANOROLL_SUFFIX)


def _is_music(path: Path) -> bool:
    is_midi = path.name.lower().endswith(MIDI_SUFFIXES)
    return not path.name.startswith(".") and (is_midi or is_pack(path) or is_pianoroll(path))


def read_sources(sources: Sequence[Source]) -> list[Entry]:
    """The entries of files, one or more for each."""
    return [entry for source in sources for entry in _read_source(source)]


def _read_source(source: Source) -> list[Entry]:
    try:
        source.path.encode()
    except UnicodeEncodeError:
        shown = shown_name(source.path)
        return [Entry(shown, source.size, source.changed, f"{shown}: its name is not UTF-8; rename it")]
    if os.path.isdir(source.path):
        why = LINKED if os.path.islink(source.path) else "cannot be read; check who may"
        return [Entry(*source, f"{source.path}: {why}")]
    try:
        if is_pack(Path(source.path)):
            return list(_entries_of_pack(source))
        return [_entry_of_song(source, _song_in_common_time(Path(source.path)))]
    except CmtError as error:
        return [Entry(*source, _in_utf8(" ".join(str(error).split())))]
    except Exception as error:  # one file's bug must not end the others' run
        return [Entry(*source, _in_utf8(unexpected(source.path, error)))]


def _in_utf8(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def _song_in_common_time(path: Path) -> Song:
    """The song in a file; a CmtError if it is not in 4/4, for its bars cannot be laid on those of a video."""
    midi = None if is_pianoroll(path) else read_content(path)
    ticks = read_pianoroll_ticks(path) if midi is None else ticks_of(midi)
    if not ticks.is_common_time:
        metre = f"is in {ticks.other_metres}" if ticks.other_metres else "has bars of other lengths than those of 4/4"
        raise CmtError(f"{path}: {metre}; only pieces in 4/4 throughout are matched")
    return song_of_roll(ticks) if midi is None else song_of(midi)


def shown_name(path: str) -> str:
    r"""A name as text that every file can hold; bytes that are not UTF-8 as ``\xff``."""
    try:
        return path.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair that stands for no byte
        return path.encode(errors="backslashreplace").decode()


def _entry_of_song(source: Source, song: Song) -> Entry:
    if not song.notes:
        raise CmtError(f"{source.path}: no notes")
    if song.notes[-1].position >= MOST_BARS * POSITIONS_PER_BAR:
        raise CmtError(f"{source.path}: longer than {MOST_BARS:,} bars; is it broken?")
    density, strength = rhythm_of_song(song)
    key = key_of_song(song)
    return Entry(
        *source,
        failure=None,
        genre=_genre_of_folder(Path(source.path)),
        tonic=key.tonic,
        mode=key.mode.label,
        tempo=song.tempo,
        seconds=song.duration,
        n_bar=len(density),
        n_note=len(song.notes),
        instruments=instrument_bits(song.instruments),
        density=density.tobytes(),
        strength=strength.tobytes(),
        mood=curve_in_bytes(notes_of_song(song), len(density), song.tempo).tobytes(),
    )


def _genre_of_folder(path: Path) -> str | None:
    """A file's nearest folder that is named after a genre says its genre."""
    labels = {genre.label for genre in Genre}
    return next((folder.name.lower() for folder in path.parents if folder.name.lower() in labels), None)


def _entries_of_pack(source: Source) -> Iterator[Entry]:
    for corpus in corpora_of_pack(Path(source.path)):
        for index, info in enumerate(corpus.songs):
            notes = corpus.notes_of(index)
            if not len(notes.position) or info.n_bar > MOST_BARS:
                continue
            density, strength = rhythm_of_onsets(notes.position)
            tempo = info.tempo or DEFAULT_TEMPO
            yield Entry(
                *source,
                failure=None,
                name=_in_utf8(info.name),
                genre=info.genre.label if info.genre is not None else None,
                tonic=(home_key(info.mode).tonic - info.semitones_home) % 12,
                mode=info.mode.label,
                tempo=tempo,
                seconds=info.n_bar * 240 / tempo,
                n_bar=len(density),
                n_note=len(notes.position),
                instruments=instrument_bits(Instrument(int(i)) for i in np.unique(notes.instrument)),
                density=density.tobytes(),
                strength=strength.tobytes(),
                mood=curve_in_bytes(notes, len(density), tempo).tobytes(),
            )


def corpora_of_pack(path: Path) -> Iterator[Corpus]:
    """All songs of a pack or a prepared corpus, split by split.

    Raises
    ------
    CmtError
        If it is no pack, or holds no song.
    """
    errors = []
    for split in SPLITS:
        try:
            yield read_corpus([path.parent if _is_list_of_corpus(path) else path], split)
        except CmtError as error:
            errors.append(error)
    if len(errors) == len(SPLITS):
        raise errors[0]
