"""Many videos against a library: which pieces fit each of them best, in rows, whatever happens on the way.

What is done is kept in a journal (`cmt.matching.journal`), so that a run that was cut short goes on where it stopped
and writes the same rows. A bad video is a row with its reason.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cmt.config import Dynamics
from cmt.errors import CmtError
from cmt.machine.bugs import unexpected
from cmt.machine.files import file_state, ready_folder
from cmt.machine.progress import Progress, no_progress
from cmt.machine.videos import name_for
from cmt.machine.workers import Workers
from cmt.matching.index import PieceFilter, read_metadata, read_pieces
from cmt.matching.journal import MatchJournal
from cmt.matching.library import shown_name
from cmt.matching.render import Rendered, RenderTask, RenderWishes, render_match
from cmt.matching.rows import Found, Match, row
from cmt.matching.score import (
    SEEN,
    AskedMood,
    Chance,
    PieceBlock,
    Scorer,
    VideoDemand,
    chances,
    demand_of_video,
)
from midi_io.whole_file import whole_file
from video_rhythm import analyze

_GROUP = 8
"""This many videos are scored while a piece is in the processor's cache."""
_TASK_PIECES = 32_768
"""A worker scores this many pieces before it reports."""
_OTHER_FOLDER = "choose another folder"
"""What to do where a folder cannot be made: it is one of several that a run may have, and none of them is `folder`."""


@dataclass(frozen=True)
class MatchWishes:
    """The user's wishes for a run."""

    top: int = 5
    """The number of pieces to list for each video."""
    dynamics: Dynamics = "relative"
    mood: AskedMood | None = SEEN
    """The valence and the arousal asked for; `SEEN` leaves them to the picture, None lets mood count for nothing."""
    pieces: PieceFilter = field(default_factory=PieceFilter)
    matrix: Path | None = None
    """The folder for the scores of all pieces, a Parquet file for each video."""
    render: RenderWishes | None = None
    """How to make a film of each video with the best piece; None makes none."""


class _Waiting(NamedTuple):
    """A video whose pieces are still to be found."""

    number: int
    """The place of the video among those of the run."""
    path: str
    demand: VideoDemand


class _ScoreTask(NamedTuple):
    demands: tuple[VideoDemand, ...]
    shards: tuple[str, ...]


class _Scored(NamedTuple):
    best: list[list[Found]]
    """The best pieces for each demand."""
    n_piece: int
    matrix: list[pa.Table]
    """The scores of all pieces for each demand if asked for, else empty."""


@dataclass
class Results:
    """The rows of all videos, and what it took."""

    rows: list[list[Match]] = field(default_factory=list)
    """The rows of each video, in the videos' order."""
    n_piece: int = 0
    """The number of pieces that passed the filter."""
    n_scored: int = 0
    """The number of pairs of a piece and a video that were scored in this run, without those of an earlier run."""
    seconds_scoring: float = 0.0


def match(
    videos: Sequence[Path],
    shards: Sequence[Path],
    wishes: MatchWishes,
    workers: Workers,
    journal: Path | None = None,
    progress: Progress = no_progress,
) -> Results:
    """The best pieces of an index's `shards` for each video.

    Parameters
    ----------
    journal
        The file that keeps what is done. If it is there and speaks of the same videos, pieces and wishes, what it
        holds is not done again. The caller removes it when the rows are safe.

    Raises
    ------
    CmtError
        If a shard is damaged or the matrix's folder cannot be written. A bad video is a row.
    """
    paths = [os.path.realpath(video) for video in videos]
    done = MatchJournal(journal, _fingerprint(paths, shards, wishes))
    with done:
        demands = _demands(paths, wishes, workers, done, progress)
        results = Results()
        waiting = [
            _Waiting(number, path, demand)
            for number, (path, demand) in enumerate(zip(paths, demands, strict=True))
            if isinstance(demand, VideoDemand) and number not in done.rows
        ]
        begin = time.perf_counter()
        for number, rows, n_piece in _ranked(waiting, shards, wishes, workers, progress):
            done.keep_rows(number, rows, n_piece)
            results.n_scored += n_piece
        results.seconds_scoring = time.perf_counter() - begin
        if wishes.render is not None:
            _render(paths, demands, wishes.render, workers, done, progress)
    for number, (video, demand) in enumerate(zip(videos, demands, strict=True)):
        name = shown_name(str(video))
        if isinstance(demand, str):
            results.rows.append([Match(name, failure=demand)])
            continue
        rows, results.n_piece = done.rows[number]
        rows = [row._replace(video=name) for row in rows]
        if number in done.films:
            film = done.films[number]
            rows[0] = rows[0]._replace(rendered=film.file, failure=film.failure, warnings="\n".join(film.notes))
        results.rows.append(rows)
    return results


def _fingerprint(paths: Sequence[str], shards: Sequence[Path], wishes: MatchWishes) -> str:
    """A hash that changes whenever any row of the result might change."""
    files = [(path, *file_state(path)) for path in [*paths, *map(str, shards)]]
    return hashlib.sha256(repr((files, wishes)).encode(errors="surrogateescape")).hexdigest()


def _demands(
    paths: Sequence[str], wishes: MatchWishes, workers: Workers, done: MatchJournal, progress: Progress
) -> list[VideoDemand | str]:
    """The demand of each video, or the reason why it has none."""
    waiting = [number for number in range(len(paths)) if number not in done.demands]
    function = partial(look_at_video, dynamics=wishes.dynamics, mood=wishes.mood)
    looked = workers.map(function, [paths[number] for number in waiting], lost=_unwatchable)
    for count, (number, demand) in enumerate(zip(waiting, looked, strict=True), 1):
        done.keep_demand(number, demand)
        progress("videos", count, len(waiting))
    return [done.demands[number] for number in range(len(paths))]


def look_at_video(path: str, dynamics: Dynamics, mood: AskedMood | None = SEEN) -> VideoDemand | str:
    """The demand of a video, or the reason why it has none."""
    try:
        return demand_of_video(analyze(path), dynamics, mood)
    except CmtError as error:
        return " ".join(str(error).split())
    except Exception as error:  # one video's bug must not end the others' run
        return unexpected(path, error)


def _unwatchable(path: str, reason: str) -> str:
    return reason


def _ranked(
    waiting: Sequence[_Waiting],
    shards: Sequence[Path],
    wishes: MatchWishes,
    workers: Workers,
    progress: Progress,
) -> Iterator[tuple[int, list[Match], int]]:
    """Three values for each video in `waiting`: its number, its rows, and the number of pieces it was held against."""
    if wishes.matrix is not None:
        ready_folder(wishes.matrix, _OTHER_FOLDER)
    size = 1 if wishes.matrix is not None else _GROUP
    groups = [tuple(waiting[i : i + size]) for i in range(0, len(waiting), size)]
    chunks = list(_chunks(shards))
    tasks = (_ScoreTask(tuple(video.demand for video in group), chunk) for group in groups for chunk in chunks)
    function = partial(score_shards, wanted=wishes.pieces, top=wishes.top, with_matrix=wishes.matrix is not None)
    scored = workers.map(function, tasks)
    n_done = 0
    for group in groups:
        best: list[list[Found]] = [[] for _ in group]
        tables: list[list[pa.Table]] = [[] for _ in group]
        n_piece = 0
        for _ in chunks:
            part = next(scored)
            n_piece += part.n_piece
            for place in range(len(group)):
                best[place] = _best_of([*best[place], *part.best[place]], wishes.top)
                tables[place] += part.matrix[place : place + 1]
            n_done += 1
            progress("match", n_done, len(groups) * len(chunks))
        for place, video in enumerate(group):
            if wishes.matrix is not None:
                _write_matrix(wishes.matrix, video.number, video.path, tables[place])
            yield video.number, _rows(video.path, video.demand, best[place]), n_piece


def _chunks(shards: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    chunk: list[str] = []
    n_row = 0
    for shard in shards:
        chunk.append(str(shard.resolve()))
        n_row += read_metadata(shard).num_rows
        if n_row >= _TASK_PIECES:
            yield tuple(chunk)
            chunk, n_row = [], 0
    if chunk:
        yield tuple(chunk)


def score_shards(task: _ScoreTask, wanted: PieceFilter, top: int, with_matrix: bool) -> _Scored:
    """The best pieces of some shards for each demand."""
    best: list[list[Found]] = [[] for _ in task.demands]
    tables: list[list[pa.RecordBatch]] = [[] for _ in task.demands]
    scorers = [Scorer(demand) for demand in task.demands]
    n_piece = 0
    for shard in task.shards:
        for table in read_pieces(Path(shard), wanted):
            n_piece += len(table.block.tempo)
            for place, scorer in enumerate(scorers):
                scores, starts = scorer.score(table.block)
                least = best[place][-1].score if len(best[place]) == top else 0.0
                # As good as the worst so far may still come before it by its name.
                candidates = np.flatnonzero(scores >= least)
                if len(candidates) > top:
                    bar = np.partition(scores[candidates], -top)[-top]
                    candidates = candidates[scores[candidates] >= bar]
                found = [
                    Found(float(scores[i]), int(starts[i]), table.details(int(i)), _alone(table.block, int(i)))
                    for i in candidates
                ]
                best[place] = _best_of([*best[place], *found], top)
                if with_matrix:
                    columns = [table.rows["source"], table.rows["name"], pa.array(scores), pa.array(starts + 1)]
                    tables[place].append(pa.RecordBatch.from_arrays(columns, ["source", "name", "score", "start_bar"]))
    return _Scored(best, n_piece, [pa.Table.from_batches(batches) for batches in tables if batches])


def _alone(block: PieceBlock, piece: int) -> PieceBlock:
    a, b = int(block.offsets[piece]), int(block.offsets[piece + 1])
    # Copies: a view would keep, and send, the whole block.
    return PieceBlock(
        np.array([0, b - a]),
        block.density[a:b].copy(),
        block.strength[a:b].copy(),
        block.mood[a:b].copy(),
        block.tempo[piece : piece + 1].copy(),
    )


def _best_of(found: list[Found], top: int) -> list[Found]:
    return sorted(found, key=lambda one: (-one.score, one.details.source, one.details.name))[:top]


def _write_matrix(folder: Path, number: int, video: str, tables: list[pa.Table]) -> None:
    """Write the scores of all pieces to a file named after the video's number: videos' names may be equal, or unfit."""
    if not tables:
        return
    table = pa.concat_tables(tables)
    table = table.add_column(0, "video", pa.array([video] * table.num_rows).dictionary_encode())
    with whole_file(folder / f"{number + 1:08d}.parquet") as unfinished, open(unfinished, "wb") as file:
        pq.write_table(table, file, compression="zstd")


def _rows(video: str, demand: VideoDemand, best: list[Found]) -> list[Match]:
    if not best:
        return [Match(video, failure="no piece of the library is as asked; ask for less")]
    levels = _chances([found.block for found in best], demand)
    return [
        row(video, demand, rank, found, level) for rank, (found, level) in enumerate(zip(best, levels, strict=True), 1)
    ]


def _chances(blocks: Sequence[PieceBlock], demand: VideoDemand) -> list[Chance]:
    lengths = [len(block.density) for block in blocks]
    joined = PieceBlock(
        np.r_[0, np.cumsum(lengths)],
        np.concatenate([block.density for block in blocks]),
        np.concatenate([block.strength for block in blocks]),
        np.concatenate([block.mood for block in blocks]),
        np.concatenate([block.tempo for block in blocks]),
    )
    return chances(joined, demand)


def _render(
    paths: Sequence[str],
    demands: Sequence[VideoDemand | str],
    wishes: RenderWishes,
    workers: Workers,
    done: MatchJournal,
    progress: Progress,
) -> None:
    ready_folder(wishes.folder, _OTHER_FOLDER)
    taken: set[str] = set()
    names = [name_for(Path(path), taken) for path in paths]
    waiting, tasks = [], []
    for number, demand in enumerate(demands):
        if number in done.rows and number not in done.films and isinstance(demand, VideoDemand):
            best = done.rows[number][0][0]
            if best.source is not None and best.start_bar is not None:
                waiting.append(number)
                tasks.append(
                    RenderTask(
                        video=paths[number],
                        demand=demand,
                        source=best.source,
                        name=best.name or "",
                        start=best.start_bar - 1,
                        stem=names[number],
                    )
                )
    films = workers.map(partial(render_match, wishes=wishes), tasks, lost=_no_film)
    for count, (number, film) in enumerate(zip(waiting, films, strict=True), 1):
        done.keep_film(number, film)
        progress("render", count, len(waiting))


def _no_film(task: RenderTask, reason: str) -> Rendered:
    return Rendered(None, reason)
