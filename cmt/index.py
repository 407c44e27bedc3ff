"""A library's index: what matching needs to know of each piece, in columns, so that the music is read once.

An index is a folder of Parquet files, each of up to `SHARD_PIECES` pieces, with `index.json` beside them. Every file
of the library has its rows there, an unreadable one a row with its reason, so that only what is new or changed is
read again. Each Parquet file appears whole: an index that was cut short is an index of less.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cmt.corpus import SONGS, Corpus, read_corpus
from cmt.errors import CmtError
from cmt.key import Key, home_key, key_of_song
from cmt.matching import PieceBlock, rhythm_of_onsets, rhythm_of_song
from cmt.words import Genre, Mode
from cmt.workers import Workers
from midi_io import MIDI_SUFFIXES, MidiError, read_midi, read_pianoroll
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song
from midi_io.whole_file import whole_file

INDEX_VERSION = 1
"""Raised when columns change their meaning: an index of another version cannot be used."""
SHARD_PIECES = 4096
"""Most pieces of a Parquet file, but for what comes from one source."""
SPLITS = ("train", "val", "test")
"""Of packs and prepared corpora; an index takes them all."""
MOST_BARS = 20_000
"""A longer piece is a broken file: ten hours at 120 BPM."""
DEFAULT_TEMPO = 120.0
"""BPM of a song that says none, as in MIDI."""
_BATCH = 64
"""Files that a worker reads before it reports."""
_BLOCK_PIECES = 1024
_ABOUT = "index.json"
_PACK_SUFFIX = ".npz.xz"
_PIANOROLL_SUFFIX = ".npz"

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),  # absolute path of the file
        pa.field("source_size", pa.int64(), nullable=False),
        pa.field("source_changed", pa.int64(), nullable=False),  # nanoseconds
        pa.field("failure", pa.string()),  # why the file could not be read; then the rest is empty
        pa.field("name", pa.string(), nullable=False),  # of the song in a pack; else empty
        pa.field("genre", pa.string()),
        pa.field("tonic", pa.uint8(), nullable=False),  # 0 = C
        pa.field("mode", pa.string(), nullable=False),
        pa.field("tempo", pa.float32(), nullable=False),  # BPM
        pa.field("seconds", pa.float32(), nullable=False),
        pa.field("n_bar", pa.int32(), nullable=False),
        pa.field("n_note", pa.int32(), nullable=False),
        pa.field("instruments", pa.uint8(), nullable=False),  # bit i: Instrument(i) plays
        pa.field("density", pa.binary(), nullable=False),  # a byte for each bar
        pa.field("strength", pa.binary(), nullable=False),  # 16 bytes for each bar
    ]
)
_DETAILS = ("source", "name", "genre", "tonic", "mode", "tempo", "n_bar", "instruments")

Progress = Callable[[str, float, float | None], None]


class Source(NamedTuple):
    """A file of the library, and what shows that it has changed."""

    path: str
    """Absolute."""
    size: int
    changed: int
    """Nanoseconds."""


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


class PieceFilter(NamedTuple):
    """Which pieces may be chosen; None leaves it open."""

    genre: Genre | None = None
    """Pieces of unknown genre are left out, too."""
    instruments: tuple[Instrument, ...] | None = None
    """All of these play; others may."""
    tempo: tuple[float, float] | None = None
    """BPM, from and to."""
    tonic: int | None = None
    mode: Mode | None = None


class PieceDetails(NamedTuple):
    """What is told of a chosen piece."""

    source: str
    name: str
    genre: str | None
    key: Key
    tempo: float
    n_bar: int
    instruments: tuple[Instrument, ...]


class IndexUpdate(NamedTuple):
    """What `update_index` did."""

    n_added: int
    """Pieces read now."""
    n_kept: int
    """Pieces that were there already."""
    n_dropped: int
    """Pieces whose files have changed or gone."""
    failures: tuple[str, ...]
    """All files of the libraries that could not be read, and why."""


def update_index(
    libraries: Sequence[Path],
    folder: Path,
    workers: Workers,
    progress: Progress = lambda stage, done, total: None,
) -> IndexUpdate:
    """Bring the index in `folder` up to date with the libraries' files; make it if there is none.

    Libraries are MIDI files, pianorolls (.npz), packs of songs (.npz.xz), corpora that `cmt prepare` made, and folders
    of all these. Files of other libraries that are in the index stay there.

    Raises
    ------
    CmtError
        If the libraries hold no music, or the folder is not an index of this version, or cannot be written.
    """
    sources = {source.path: source for source in find_sources(libraries)}
    roots = tuple(str(library.resolve()) for library in libraries)
    _ready_folder(folder)
    n_kept, n_dropped, current = _without_stale(folder, sources, roots)
    waiting = [source for path, source in sources.items() if path not in current]
    n_added, done = 0, 0
    shard: list[Entry] = []
    for batch, entries in _read_all(waiting, workers):
        shard += entries
        n_added += sum(entry.failure is None for entry in entries)
        done += len(batch)
        progress("index", done, len(waiting))
        if len(shard) >= SHARD_PIECES:
            _write_shard(folder, shard)
            shard = []
    if shard:
        _write_shard(folder, shard)
    _join_small_shards(folder)
    return IndexUpdate(n_added, n_kept, n_dropped, tuple(_failures(folder, sources)))


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
            paths.update(path for path in library.resolve().rglob("*") if _is_music(path) and path.is_file())
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
        with suppress(OSError):  # gone since the folder was listed
            status = path.stat()
            sources.append(Source(str(path), status.st_size, status.st_mtime_ns))
    return sources


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


def _ready_folder(folder: Path) -> None:
    if folder.exists():
        if not folder.is_dir():
            raise CmtError(f"{folder}: is a file; an index is a folder, choose another name")
        if (folder / _ABOUT).exists():
            _check_version(folder)
            return
        if any(folder.iterdir()):
            raise CmtError(f"{folder}: holds files and is not an index; choose an empty or a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be made ({error.strerror}); choose another folder with -o") from None
    with whole_file(folder / _ABOUT) as unfinished:
        about = {"format": "cmt index", "version": INDEX_VERSION}
        unfinished.write_text(json.dumps(about) + "\n", encoding="utf-8")


def _check_version(folder: Path) -> None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        version = about["version"] if about["format"] == "cmt index" else None
    except (OSError, ValueError, KeyError, TypeError):
        version = None
    if version is None:
        raise CmtError(f"{folder}: {_ABOUT} there is not that of an index; choose another folder")
    if version != INDEX_VERSION:
        raise CmtError(
            f"{folder}: an index of version {version}, this cmt reads version {INDEX_VERSION}; "
            f"remove the folder and make it anew: cmt index LIBRARY -o {folder}"
        )


def _without_stale(folder: Path, sources: dict[str, Source], roots: tuple[str, ...]) -> tuple[int, int, set[str]]:
    """Rewrite the shards that hold pieces of files that have changed or gone.

    Returns the pieces kept, those dropped, and the paths of the libraries' files that need not be read again.
    """
    n_kept = n_dropped = 0
    current: set[str] = set()
    for shard in shards_of(folder):
        columns = _read_shard(shard, ["source", "source_size", "source_changed", "failure"])
        rows = zip(*(columns[name].to_pylist() for name in columns.column_names), strict=True)
        keep = []
        for path, size, changed, failure in rows:
            source = sources.get(path)
            is_ours = any(path == root or path.startswith(root + os.sep) for root in roots)
            is_current = source == Source(path, size, changed) if is_ours or source else True
            keep.append(is_current)
            if is_current:
                n_kept += failure is None
                current.add(path)
            else:
                n_dropped += failure is None
        if not all(keep):
            _replace_shards(folder, [shard], _read_shard(shard).filter(pa.array(keep)))
    return n_kept, n_dropped, current


def _read_all(sources: Sequence[Source], workers: Workers) -> Iterator[tuple[Sequence[Source], list[Entry]]]:
    """Batch by batch; files that were under way when a worker died are read again one by one."""
    packs = [[source] for source in sources if is_pack(Path(source.path))]
    files = [source for source in sources if not is_pack(Path(source.path))]
    batches = packs + [files[i : i + _BATCH] for i in range(0, len(files), _BATCH)]
    suspects: list[Source] = []
    for batch, entries in zip(batches, workers.map(read_sources, batches, lost=_nothing), strict=True):
        if entries is None:
            suspects += batch
        else:
            yield batch, entries
    singles = [[source] for source in suspects]
    for batch, entries in zip(singles, workers.map(read_sources, singles, lost=_lost), strict=True):
        yield batch, entries


def _nothing(batch: Sequence[Source], reason: str) -> None:
    return None


def _lost(batch: Sequence[Source], reason: str) -> list[Entry]:
    return [Entry(*source, f"{source.path}: whoever read it died; is it larger than the memory?") for source in batch]


def read_sources(sources: Sequence[Source]) -> list[Entry]:
    """The entries of files, one or more for each."""
    return [entry for source in sources for entry in _read_source(source)]


def _read_source(source: Source) -> list[Entry]:
    try:
        source.path.encode()
    except UnicodeEncodeError:
        shown = _shown(source.path)
        return [Entry(shown, source.size, source.changed, f"{shown}: its name is not UTF-8; rename it")]
    try:
        if is_pack(Path(source.path)):
            return list(_entries_of_pack(source))
        read = read_pianoroll if is_pianoroll(Path(source.path)) else read_midi
        return [_entry_of_song(source, read(source.path))]
    except (CmtError, MidiError) as error:
        return [Entry(*source, " ".join(str(error).split()))]


def _shown(path: str) -> str:
    """As text that every file can hold; bytes that are not UTF-8 as ``\\xff``."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


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
        instruments=_bits(song.instruments),
        density=density.tobytes(),
        strength=strength.tobytes(),
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
                name=info.name,
                genre=info.genre.label if info.genre is not None else None,
                tonic=(home_key(info.mode).tonic - info.semitones_home) % 12,
                mode=info.mode.label,
                tempo=tempo,
                seconds=info.n_bar * 240 / tempo,
                n_bar=len(density),
                n_note=len(notes.position),
                instruments=_bits(Instrument(int(i)) for i in np.unique(notes.instrument)),
                density=density.tobytes(),
                strength=strength.tobytes(),
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


def _bits(instruments: Iterable[Instrument]) -> int:
    return sum(1 << instrument for instrument in set(instruments))


def _write_shard(folder: Path, entries: Sequence[Entry]) -> None:
    columns = [pa.array(column, field.type) for column, field in zip(zip(*entries, strict=True), SCHEMA, strict=True)]
    _replace_shards(folder, [], pa.Table.from_arrays(columns, schema=SCHEMA))


def _replace_shards(folder: Path, old: Sequence[Path], table: pa.Table) -> None:
    """A new shard first, then without the old ones: cut short in between, pieces are there twice, never not at all."""
    if table.num_rows:
        numbers = [int(path.stem.rpartition("-")[2]) for path in shards_of(folder)]
        path = folder / f"pieces-{max(numbers, default=-1) + 1:08d}.parquet"
        with whole_file(path) as unfinished:
            # Bytes of densities and strengths hardly repeat as whole values: a dictionary of them only costs.
            pq.write_table(
                table,
                unfinished,
                compression="lz4",  # half again as large as zstd, and read twice as fast
                use_dictionary=["source", "genre", "mode"],
                write_statistics=False,
            )
    for path in old:
        path.unlink(missing_ok=True)


def _join_small_shards(folder: Path) -> None:
    """Many small updates must not make many small files."""
    small = [path for path in shards_of(folder) if pq.read_metadata(path).num_rows <= SHARD_PIECES // 2]
    while len(small) > 1:
        joined, n_row = [], 0
        while small and n_row < SHARD_PIECES:
            joined.append(small.pop(0))
            n_row += pq.read_metadata(joined[-1]).num_rows
        _replace_shards(folder, joined, pa.concat_tables([_read_shard(path) for path in joined]))


def _failures(folder: Path, sources: dict[str, Source]) -> Iterator[str]:
    ours = {_shown(path) for path in sources}
    for shard in shards_of(folder):
        columns = _read_shard(shard, ["source", "failure"])
        columns = columns.filter(pc.is_valid(columns["failure"]))
        for path, failure in zip(columns["source"].to_pylist(), columns["failure"].to_pylist(), strict=True):
            if path in ours:
                yield failure


class PieceTable(NamedTuple):
    """Some pieces of an index."""

    block: PieceBlock
    rows: pa.RecordBatch
    """The same pieces with `PieceDetails`' columns."""

    def details(self, piece: int) -> PieceDetails:
        """What is told of a piece."""
        row = {name: self.rows[name][piece].as_py() for name in _DETAILS}
        return PieceDetails(
            row["source"],
            row["name"],
            row["genre"],
            Key(row["tonic"], Mode[row["mode"].upper()]),
            row["tempo"],
            row["n_bar"],
            tuple(instrument for instrument in Instrument if row["instruments"] >> instrument & 1),
        )


def is_index(path: Path) -> bool:
    """Whether the folder is an index, of whatever version."""
    return (path / _ABOUT).is_file()


def shards_of(folder: Path) -> list[Path]:
    """The index's Parquet files, in order."""
    return sorted(folder.glob("pieces-*.parquet"))


def open_index(folder: Path) -> list[Path]:
    """The shards of an index that can be used.

    Raises
    ------
    CmtError
        If it is none, is one of another version, or has no pieces.
    """
    if not is_index(folder):
        raise CmtError(f"{folder}: not an index; make one: cmt index LIBRARY -o {folder}")
    _check_version(folder)
    shards = shards_of(folder)
    if not any(read_metadata(shard).num_rows for shard in shards):
        raise CmtError(f"{folder}: the index is empty; fill it: cmt index LIBRARY -o {folder}")
    return shards


def read_metadata(shard: Path) -> Any:
    """Parquet's description of a shard."""
    try:
        return pq.read_metadata(shard)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(shard, error) from None


def read_pieces(shard: Path, wanted: PieceFilter | None = None) -> Iterator[PieceTable]:
    """The pieces of a shard that pass the filter, some at a time.

    Raises
    ------
    CmtError
        If the shard is damaged.
    """
    columns = [*_DETAILS, "failure", "density", "strength"]
    try:
        with pq.ParquetFile(shard) as file:
            for rows in file.iter_batches(_BLOCK_PIECES, columns=columns, use_threads=False):
                keep = _passes(rows, wanted or PieceFilter())
                if not keep.all():
                    rows = rows.filter(pa.array(keep))
                if rows.num_rows:
                    yield PieceTable(_block(rows), rows)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _damaged(shard, error) from None


def _passes(rows: pa.RecordBatch, wanted: PieceFilter) -> NDArray[np.bool_]:
    keep = np.equal(_numpy(rows["n_bar"]) > 0, True)
    if wanted.genre is not None:
        keep &= _numpy(pc.fill_null(pc.equal(rows["genre"], wanted.genre.label), False))
    if wanted.instruments is not None:
        bits = _bits(wanted.instruments)
        keep &= (_numpy(rows["instruments"]) & bits) == bits
    if wanted.tempo is not None:
        tempo = _numpy(rows["tempo"])
        keep &= (tempo >= wanted.tempo[0]) & (tempo <= wanted.tempo[1])
    if wanted.tonic is not None:
        keep &= _numpy(rows["tonic"]) == wanted.tonic
    if wanted.mode is not None:
        keep &= _numpy(pc.equal(rows["mode"], wanted.mode.label))
    return keep


def _numpy(column: pa.Array) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False)


def _block(rows: pa.RecordBatch) -> PieceBlock:
    density, begins = _bytes_of(rows["density"])
    strength, _ = _bytes_of(rows["strength"])
    if len(strength) != POSITIONS_PER_BAR * len(density):
        raise ValueError("density and strength differ in length")
    tempo = np.maximum(_numpy(rows["tempo"]), np.float32(1))
    return PieceBlock(begins, density, strength.reshape(-1, POSITIONS_PER_BAR), tempo)


def _bytes_of(column: pa.BinaryArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All bytes of a column without copying them, and where each row's begin."""
    _, offsets, content = column.buffers()
    begins = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    joined = np.frombuffer(content, dtype=np.uint8)[begins[0] : begins[-1]]
    return joined, begins - begins[0]


def _read_shard(shard: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(shard, columns=columns, schema=None if columns else SCHEMA, use_threads=False)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _damaged(shard, error) from None


def _damaged(shard: Path, error: BaseException) -> CmtError:
    reason = " ".join(str(error).split())[:120]
    return CmtError(f"{shard}: damaged ({reason}); remove it and run cmt index again")
