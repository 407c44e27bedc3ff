"""A library's index: what matching needs to know of each piece, in columns, so that the music is read once.

An index is a folder of Parquet files, each of up to `SHARD_PIECES` pieces, with `index.json` beside them. Every file
of the library has its rows there, an unreadable one a row with its reason, so that only what is new or changed is
read again. Each Parquet file appears whole: an index that was cut short is an index of less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.matching.score import PieceBlock
from cmt.music.key import Key
from cmt.music.words import Genre, Mode
from midi_io.input_file import json_of, opened
from midi_io.limits import MOST_INDEX_BYTES
from midi_io.song import POSITIONS_PER_BAR, Instrument

INDEX_VERSION = 3
"""The number goes up when columns change their meaning, or files are read otherwise: an index of another version cannot
be used. Up to version 2 pieces in other metres than 4/4 were in it, and files that are read today were left out."""
SHARD_PIECES = 4096
"""A Parquet file holds at most this many pieces, unless all of them come from one source."""
_BLOCK_PIECES = 1024
REPLACES = b"cmt_replaces"
"""The key in a shard's metadata for the names, as a JSON list, of the shards that it was made of."""
_SHARD = re.compile(r"pieces-\d{8,18}\.parquet")
ABOUT = "index.json"
"""The file in an index's folder that says that it is an index, and of which version."""
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
        pa.field("mood", pa.binary(), nullable=False),  # 2 bytes for each bar: valence, arousal; `cmt.matching.moods`
    ]
)
_MODES = frozenset(mode.label for mode in Mode)
_DETAILS = ("source", "name", "genre", "tonic", "mode", "tempo", "n_bar", "instruments")


class PieceFilter(NamedTuple):
    """The pieces that may be chosen; None leaves it open."""

    genre: Genre | None = None
    """The genre of the pieces wanted; pieces of unknown genre are left out, too."""
    instruments: tuple[Instrument, ...] | None = None
    """The instruments that must all play; others may."""
    tempo: tuple[float, float] | None = None
    """The lowest and the highest BPM."""
    tonic: int | None = None
    mode: Mode | None = None


class PieceDetails(NamedTuple):
    """The details that are told of a chosen piece."""

    source: str
    name: str
    genre: str | None
    key: Key
    tempo: float
    n_bar: int
    instruments: tuple[Instrument, ...]


class PieceTable(NamedTuple):
    """Some pieces of an index."""

    block: PieceBlock
    rows: pa.RecordBatch
    """A table of the same pieces with the columns of `PieceDetails`."""

    def details(self, piece: int) -> PieceDetails:
        """The details of piece number `piece`."""
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
    return (path / ABOUT).is_file()


def shard_files(folder: Path) -> list[Path]:
    """The index's Parquet files, in order, those too that others replace."""
    return sorted(path for path in folder.glob("pieces-*.parquet") if _SHARD.fullmatch(path.name))


def number_of(shard: Path) -> int:
    """The number of a shard."""
    return int(shard.stem.rpartition("-")[2])


def shards_of(folder: Path) -> list[Path]:
    """The shards that count, in order: one that was made of others names them, and they count no more from then on.

    So no piece is there twice, even if the process that joined them was killed before it had removed them.

    Raises
    ------
    CmtError
        If a shard is damaged.
    """
    files = shard_files(folder)
    replaced = {name for path in files for name in _replaced_by(path)}
    return [path for path in files if path.name not in replaced]


def remove_replaced(folder: Path) -> None:
    """Remove the shards that others replace; only a run that holds the index's lock may."""
    for path in set(shard_files(folder)) - set(shards_of(folder)):
        path.unlink(missing_ok=True)


def _replaced_by(shard: Path) -> list[str]:
    try:
        names = json.loads((read_metadata(shard).metadata or {}).get(REPLACES, b"[]"))
        return [name for name in names if name < shard.name]
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(shard, error) from None


def open_index(folder: Path) -> list[Path]:
    """The shards of an index that can be used.

    Raises
    ------
    CmtError
        If it is none, is one of another version, or has no pieces.
    """
    if not is_index(folder):
        raise CmtError(f"{folder}: not an index; make one: cmt index LIBRARY -o {folder}")
    check_version(folder)
    shards = shards_of(folder)
    # A file that could not be read has a row, too: one with the reason.
    if not any(read_shard(shard, ["failure"])["failure"].null_count for shard in shards):
        raise CmtError(f"{folder}: the index is empty; fill it: cmt index LIBRARY -o {folder}")
    return shards


def check_version(folder: Path) -> None:
    """Raise a CmtError if the folder's index is of another version, or none."""
    try:
        about = json_of(folder / ABOUT, MOST_INDEX_BYTES)
        version = about["version"] if about["format"] == "cmt index" else None
    except (CmtError, ValueError, KeyError, TypeError):
        version = None
    if version is None:
        raise CmtError(f"{folder}: {ABOUT} there is not that of an index; choose another folder")
    if version != INDEX_VERSION:
        raise CmtError(
            f"{folder}: an index of version {version}, this cmt reads version {INDEX_VERSION}; "
            f"remove the folder and make it anew: cmt index LIBRARY -o {folder}"
        )


def read_metadata(shard: Path) -> Any:
    """Parquet's description of a shard.

    Raises
    ------
    CmtError
        If the shard is damaged.
    """
    try:
        with _opened(shard) as file:  # by its name pyarrow opens none that is not UTF-8
            return pq.read_metadata(file)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(shard, error) from None


def read_pieces(shard: Path, wanted: PieceFilter | None = None) -> Iterator[PieceTable]:
    """The pieces of a shard that pass the filter, some at a time.

    Raises
    ------
    CmtError
        If the shard is damaged.
    """
    columns = [*_DETAILS, "failure", "density", "strength", "mood"]
    try:
        with _opened(shard) as content, pq.ParquetFile(content) as file:
            for rows in file.iter_batches(_BLOCK_PIECES, columns=columns, use_threads=False):
                _check(rows)
                keep = _passes(rows, wanted or PieceFilter())
                kept = rows if keep.all() else rows.filter(pa.array(keep))
                if kept.num_rows:
                    yield PieceTable(_block(kept), kept)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _damaged(shard, error) from None


def _check(rows: pa.RecordBatch) -> None:
    """Raise a ValueError or an ArrowException for values that no index has."""
    rows.validate(full=True)  # text is UTF-8, and lists end within their bytes
    if rows.num_rows:
        modes = set(rows["mode"].unique().to_pylist())
        numbers = _numpy(rows["tonic"]).max() < 12 and _numpy(rows["instruments"]).max() < 1 << len(Instrument)
        if not numbers or not modes <= _MODES or not np.isfinite(_numpy(rows["tempo"])).all():
            raise ValueError("a key, a mode, a tempo or an instrument that there is not")


def _passes(rows: pa.RecordBatch, wanted: PieceFilter) -> NDArray[np.bool_]:
    keep = np.equal(_numpy(rows["n_bar"]) > 0, True)
    if wanted.genre is not None:
        keep &= _numpy(pc.fill_null(pc.equal(rows["genre"], wanted.genre.label), False))
    if wanted.instruments is not None:
        bits = instrument_bits(wanted.instruments)
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
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _block(rows: pa.RecordBatch) -> PieceBlock:
    density, begins = _bytes_of(rows["density"])
    strength, _ = _bytes_of(rows["strength"])
    mood, _ = _bytes_of(rows["mood"])
    if len(strength) != POSITIONS_PER_BAR * len(density) or len(mood) != 2 * len(density):
        raise ValueError("density, strength and mood differ in length")
    tempo = np.maximum(_numpy(rows["tempo"]), np.float32(1))
    return PieceBlock(begins, density, strength.reshape(-1, POSITIONS_PER_BAR), mood.reshape(-1, 2), tempo)


def _bytes_of(column: pa.BinaryArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All bytes of a column without copying them, and where each row's begin."""
    _, offsets, content = column.buffers()
    begins = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    joined = np.frombuffer(content, dtype=np.uint8)[begins[0] : begins[-1]]
    return joined, begins - begins[0]


def instrument_bits(instruments: Iterable[Instrument]) -> int:
    """A bit for each instrument, as the column has them."""
    return sum(1 << instrument for instrument in set(instruments))


def read_shard(shard: Path, columns: list[str] | None = None) -> pa.Table:
    """The table of a shard, all of its columns or those named.

    Raises
    ------
    CmtError
        If the shard is damaged.
    """
    try:
        with _opened(shard) as file:
            table = pq.read_table(file, columns=columns, schema=None if columns else SCHEMA, use_threads=False)
        table.validate(full=True)  # text is UTF-8, and lists end within their bytes
        return table
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _damaged(shard, error) from None


def _opened(shard: Path) -> IO[bytes]:
    if not shard.exists():
        raise CmtError(f"{shard}: is gone: cmt index changes the index; start again when it is done")
    return opened(shard)


def _damaged(shard: Path, error: BaseException) -> CmtError:
    reason = " ".join(str(error).split())[:120]
    return CmtError(f"{shard}: damaged ({reason}); remove it and run cmt index again")
