"""The rows of a run as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from cmt.errors import CmtError
from cmt.machine.cells import harmless
from cmt.matching.rows import Match
from midi_io.whole_file import check_place, whole_file

SUFFIXES = (".csv", ".json", ".parquet")
_TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string()}


def check_table(path: Path) -> None:
    """Raise if no table can be written to `path`; called before minutes of work, so that they are not lost.

    Raises
    ------
    CmtError
        If no table can be written there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise CmtError(f"{path}: tables are {', '.join(SUFFIXES)}; give it one of these endings")
    check_place(path)


def write_table(rows: Sequence[Sequence[Match]], path: Path) -> None:
    """The rows of all videos, video by video; the name's ending says how.

    CSV has a line for each row, empty where something is not known; JSON a list of videos, each with its matches.

    Raises
    ------
    CmtError
        If the file cannot be written.
    """
    check_table(path)
    flat = [row for rows_of_video in rows for row in rows_of_video]
    with whole_file(path) as unfinished:
        if path.suffix.lower() == ".csv":
            with open(unfinished, "w", encoding="utf-8", errors="replace", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(Match._fields)
                writer.writerows([harmless(cell) for cell in row] for row in flat)
        elif path.suffix.lower() == ".json":
            unfinished.write_text(json.dumps(_by_video(rows), indent=1) + "\n", encoding="utf-8")
        else:
            columns = list(zip(*flat, strict=True)) or [()] * len(Match._fields)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, _schema(), strict=True)]
            with open(unfinished, "wb") as file:  # pyarrow opens no name that is not UTF-8
                pq.write_table(pa.Table.from_arrays(arrays, schema=_schema()), file)


def _by_video(rows: Sequence[Sequence[Match]]) -> list[dict[str, object]]:
    videos: list[dict[str, object]] = []
    for rows_of_video in rows:
        matches = [row._asdict() for row in rows_of_video if not row.failure]
        failure = next((row.failure for row in rows_of_video if row.failure), "")
        for match in matches:
            del match["video"], match["failure"]
        videos.append({"video": rows_of_video[0].video, "failure": failure, "matches": matches})
    return videos


def _schema() -> pa.Schema:
    hints = get_type_hints(Match)
    kinds = {
        name: next(kind for kind in _TYPES if kind in (hint, *getattr(hint, "__args__", ())))
        for name, hint in hints.items()
    }
    return pa.schema([pa.field(name, _TYPES[kinds[name]]) for name in Match._fields])
