"""Bringing a library's index up to date: what is new or changed is read, the rest stays as it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from cmt.errors import CmtError
from cmt.machine.files import ready_folder
from cmt.machine.locks import only_run
from cmt.machine.progress import Progress, no_progress
from cmt.machine.workers import Workers
from cmt.matching.index import (
    ABOUT,
    INDEX_VERSION,
    REPLACES,
    SCHEMA,
    SHARD_PIECES,
    check_version,
    number_of,
    read_metadata,
    read_shard,
    remove_replaced,
    shard_files,
    shards_of,
)
from cmt.matching.library import Entry, Source, find_sources, is_pack, read_sources, shown_name
from midi_io.hidden_folder import PREFIX
from midi_io.whole_file import whole_file

_BATCH = 64
"""A worker reads this many files before it reports."""


class IndexUpdate(NamedTuple):
    """A summary of what `update_index` did."""

    n_added: int
    """The number of pieces read now."""
    n_kept: int
    """The number of pieces that were there already."""
    n_dropped: int
    """The number of pieces whose files have changed or gone."""
    n_here: int
    """The number of pieces of these libraries that the index holds now."""
    failures: tuple[str, ...]
    """A line for each file of the libraries that could not be read, with the reason."""


def update_index(
    libraries: Sequence[Path],
    folder: Path,
    workers: Workers,
    progress: Progress = no_progress,
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
    _begin_index(folder)
    with only_run(folder, "an index"):
        return _update(sources, roots, folder, workers, progress)


def _update(
    sources: dict[str, Source], roots: tuple[str, ...], folder: Path, workers: Workers, progress: Progress
) -> IndexUpdate:
    remove_replaced(folder)
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
    n_here, failures = _found(folder, sources)
    return IndexUpdate(n_added, n_kept, n_dropped, n_here, failures)


def _begin_index(folder: Path) -> None:
    """See that the folder is an index, or make it one if it is empty or not there."""
    if folder.exists():
        if not folder.is_dir():
            raise CmtError(f"{folder}: is a file; an index is a folder, choose another name")
        if (folder / ABOUT).exists():
            check_version(folder)
            return
        if any(not path.name.startswith(PREFIX) for path in folder.iterdir()):
            raise CmtError(f"{folder}: holds files and is not an index; choose an empty or a new folder")
    ready_folder(folder)
    with whole_file(folder / ABOUT) as unfinished:
        about = {"format": "cmt index", "version": INDEX_VERSION}
        unfinished.write_text(json.dumps(about) + "\n", encoding="utf-8")


def _without_stale(folder: Path, sources: dict[str, Source], roots: tuple[str, ...]) -> tuple[int, int, set[str]]:
    """Rewrite the shards that hold pieces of files that have changed or gone.

    Returns the pieces kept, those dropped, and the paths of the libraries' files that need not be read again.
    """
    n_kept = n_dropped = 0
    current: set[str] = set()
    for shard in shards_of(folder):
        columns = read_shard(shard, ["source", "source_size", "source_changed", "failure"])
        rows = zip(*(columns[name].to_pylist() for name in columns.column_names), strict=True)
        keep, here = [], set()
        for path, size, changed, failure in rows:
            source = sources.get(path)
            is_ours = any(path == root or path.startswith(root + os.sep) for root in roots)
            is_current = source == Source(path, size, changed) if is_ours or source else True
            # Versions before the locks could leave the same pieces in two shards; one source is in one shard only.
            is_current = is_current and path not in current
            keep.append(is_current)
            if is_current:
                n_kept += failure is None
                here.add(path)
            elif path not in current:
                n_dropped += failure is None
        current |= here
        if not all(keep):
            _replace_shards(folder, [shard], read_shard(shard).filter(pa.array(keep)))
    return n_kept, n_dropped, current


def _read_all(sources: Sequence[Source], workers: Workers) -> Iterator[tuple[Sequence[Source], list[Entry]]]:
    """Read the sources batch by batch; files that were under way when a worker died are read again one by one."""
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


def _write_shard(folder: Path, entries: Sequence[Entry]) -> None:
    columns = [pa.array(column, field.type) for column, field in zip(zip(*entries, strict=True), SCHEMA, strict=True)]
    _replace_shards(folder, [], pa.Table.from_arrays(columns, schema=SCHEMA))


def _replace_shards(folder: Path, old: Sequence[Path], table: pa.Table) -> None:
    """Write a new shard, which names those that it replaces (`cmt.matching.index.shards_of`), and remove them."""
    if table.num_rows:
        table = table.replace_schema_metadata({REPLACES: json.dumps([path.name for path in old])} if old else None)
        numbers = [number_of(path) for path in shard_files(folder)]
        path = folder / f"pieces-{max(numbers, default=-1) + 1:08d}.parquet"
        with whole_file(path) as unfinished, open(unfinished, "wb") as file:
            # Bytes of densities and strengths hardly repeat as whole values: a dictionary of them only costs.
            pq.write_table(
                table,
                file,
                compression="lz4",  # half again as large as zstd, and read twice as fast
                use_dictionary=["source", "genre", "mode"],
                write_statistics=False,
            )
    for path in old:
        path.unlink(missing_ok=True)


def _join_small_shards(folder: Path) -> None:
    """Join small shards: many small updates must not make many small files."""
    small = [path for path in shards_of(folder) if read_metadata(path).num_rows <= SHARD_PIECES // 2]
    while len(small) > 1:
        joined, n_row = [], 0
        while small and n_row < SHARD_PIECES:
            joined.append(small.pop(0))
            n_row += read_metadata(joined[-1]).num_rows
        _replace_shards(folder, joined, pa.concat_tables([read_shard(path) for path in joined]))


def _found(folder: Path, sources: dict[str, Source]) -> tuple[int, tuple[str, ...]]:
    """How many pieces of the sources the index holds, and a line for each of those that could not be read."""
    ours = {shown_name(path) for path in sources}
    n_piece, failures = 0, []
    for shard in shards_of(folder):
        columns = read_shard(shard, ["source", "failure"])
        for path, failure in zip(columns["source"].to_pylist(), columns["failure"].to_pylist(), strict=True):
            if path not in ours:
                continue
            if failure is None:
                n_piece += 1
            else:
                failures.append(failure)
    return n_piece, tuple(failures)
