"""Many videos against a library: which pieces fit each of them best, in rows, whatever happens on the way.

What is done is kept in a journal (`cmt.match_journal`), so that a run that was cut short goes on where it stopped and
writes the same rows. A bad video is a row with its reason.
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
from cmt.index import PieceDetails, PieceFilter, read_metadata, read_pieces
from cmt.library import shown_name
from cmt.machine.progress import Progress, no_progress
from cmt.machine.videos import name_for
from cmt.machine.workers import Workers
from cmt.match_journal import Journal, Match
from cmt.match_render import Rendered, RenderTask, RenderWishes, render_match
from cmt.matching import (
    Chance,
    Distances,
    PieceBlock,
    Scorer,
    VideoDemand,
    chances,
    demand_of_video,
    distances,
    part_played,
)
from midi_io.whole_file import whole_file
from video_rhythm import analyze

DENSITY_FITS = 2
"""A bar fits if its density differs by at most this many positions from what the picture asks."""
STRENGTH_FITS = 2
"""An accent fits if its strength differs by at most this many notes."""
_GROUP = 8
"""This many videos are scored while a piece is in the processor's cache."""
_TASK_PIECES = 32_768
"""A worker scores this many pieces before it reports."""
_MOST_NAMED = 4
"""A reason names at most this many bars."""


@dataclass(frozen=True)
class MatchWishes:
    """The user's wishes for a run."""

    top: int = 5
    """The number of pieces to list for each video."""
    dynamics: Dynamics = "relative"
    pieces: PieceFilter = field(default_factory=PieceFilter)
    matrix: Path | None = None
    """The folder for the scores of all pieces, a Parquet file for each video."""
    render: RenderWishes | None = None
    """How to make a film of each video with the best piece; None makes none."""


class Found(NamedTuple):
    """A piece that is among the best for a video."""

    score: float
    start: int
    """The bar of the piece, from 0, with which the video's first whole bar begins."""
    details: PieceDetails
    block: PieceBlock
    """A block with this piece alone."""


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
    paths = [str(video.resolve()) for video in videos]
    with Journal(journal, _fingerprint(paths, shards, wishes)) as done:
        demands = _demands(paths, wishes, workers, done, progress)
        results = Results()
        waiting = [number for number, demand in enumerate(demands) if isinstance(demand, VideoDemand)]
        waiting = [number for number in waiting if number not in done.rows]
        begin = time.perf_counter()
        for number, rows, n_piece in _ranked(paths, demands, waiting, shards, wishes, workers, progress):
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
            rows[0] = rows[0]._replace(rendered=film.file, failure=film.failure)
        results.rows.append(rows)
    return results


def _fingerprint(paths: Sequence[str], shards: Sequence[Path], wishes: MatchWishes) -> str:
    """A hash that changes whenever any row of the result might change."""
    files = [(path, *_state(path)) for path in [*paths, *map(str, shards)]]
    return hashlib.sha256(repr((files, wishes)).encode(errors="surrogateescape")).hexdigest()


def _state(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _demands(
    paths: Sequence[str], wishes: MatchWishes, workers: Workers, done: Journal, progress: Progress
) -> list[VideoDemand | str]:
    """The demand of each video, or the reason why it has none."""
    waiting = [number for number in range(len(paths)) if number not in done.demands]
    function = partial(look_at_video, dynamics=wishes.dynamics)
    looked = workers.map(function, [paths[number] for number in waiting], lost=_unwatchable)
    for count, (number, demand) in enumerate(zip(waiting, looked, strict=True), 1):
        done.keep_demand(number, demand)
        progress("videos", count, len(waiting))
    return [done.demands[number] for number in range(len(paths))]


def look_at_video(path: str, dynamics: Dynamics) -> VideoDemand | str:
    """The demand of a video, or the reason why it has none."""
    try:
        return demand_of_video(analyze(path), dynamics)
    except CmtError as error:
        return " ".join(str(error).split())


def _unwatchable(path: str, reason: str) -> str:
    return reason


def _ranked(
    paths: Sequence[str],
    demands: Sequence[VideoDemand | str],
    waiting: Sequence[int],
    shards: Sequence[Path],
    wishes: MatchWishes,
    workers: Workers,
    progress: Progress,
) -> Iterator[tuple[int, list[Match], int]]:
    """Three values for each video in `waiting`: its number, its rows, and the number of pieces it was held against."""
    if wishes.matrix is not None:
        _ready_folder(wishes.matrix)
    size = 1 if wishes.matrix is not None else _GROUP
    groups = [tuple(waiting[i : i + size]) for i in range(0, len(waiting), size)]
    chunks = list(_chunks(shards))
    tasks = (
        _ScoreTask(tuple(demands[number] for number in group), chunk)  # type: ignore[misc]
        for group in groups
        for chunk in chunks
    )
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
        for place, number in enumerate(group):
            demand = demands[number]
            assert isinstance(demand, VideoDemand)
            if wishes.matrix is not None:
                _write_matrix(wishes.matrix, number, paths[number], tables[place])
            yield number, _rows(paths[number], demand, best[place]), n_piece


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
    with whole_file(folder / f"{number + 1:08d}.parquet") as unfinished:
        pq.write_table(table, unfinished, compression="zstd")


def _rows(video: str, demand: VideoDemand, best: list[Found]) -> list[Match]:
    if not best:
        return [Match(video, failure="no piece of the library is as asked; ask for less")]
    levels = _chances([found.block for found in best], demand)
    return [
        _row(video, demand, rank, found, level) for rank, (found, level) in enumerate(zip(best, levels, strict=True), 1)
    ]


def _chances(blocks: Sequence[PieceBlock], demand: VideoDemand) -> list[Chance]:
    lengths = [len(block.density) for block in blocks]
    joined = PieceBlock(
        np.r_[0, np.cumsum(lengths)],
        np.concatenate([block.density for block in blocks]),
        np.concatenate([block.strength for block in blocks]),
        np.concatenate([block.tempo for block in blocks]),
    )
    return chances(joined, demand)


def _row(video: str, demand: VideoDemand, rank: int, found: Found, chance: Chance) -> Match:
    n_bar = len(demand.density)
    played = part_played(found.block, 0, found.start, n_bar)
    terms = distances(played, demand)
    is_asked = demand.strength > 0
    bars_fitting = np.abs(played.density - demand.density) <= DENSITY_FITS
    beats_fitting = (np.abs(played.strength - demand.strength) <= STRENGTH_FITS)[is_asked]
    covered = min(n_bar, found.details.n_bar - found.start)
    details = found.details
    return Match(
        video=video,
        rank=rank,
        score=round(found.score, 6),
        chance=round(chance.score, 6),
        z=round(chance.z, 3),
        p_value=round(chance.p_value, 6),
        source=details.source,
        name=details.name,
        start_bar=found.start + 1,
        n_bar=n_bar,
        n_bar_covered=covered,
        tempo=round(details.tempo, 3),
        tempo_of_video=round(demand.tempo, 3),
        tempo_change=round(100 * (2**terms.tempo - 1), 2),
        density_error=round(terms.density**0.5, 3),
        strength_error=round(terms.strength**0.5, 3),
        bars_fitting=int(bars_fitting.sum()),
        beats_fitting=int(beats_fitting.sum()),
        n_beat=len(beats_fitting),
        genre=details.genre,
        key=str(details.key),
        instruments=",".join(instrument.label for instrument in details.instruments),
        reason=_reason(demand, played, found, terms, chance, covered),
    )


def _reason(
    demand: VideoDemand, played: PieceBlock, found: Found, terms: Distances, chance: Chance, covered: int
) -> str:
    """A sentence on what fits and what does not, its parts joined by semicolons."""
    n_bar = len(demand.density)
    off = played.density.astype(int) - demand.density.astype(int)
    fits = np.abs(off) <= DENSITY_FITS
    first, last = found.start + 1, found.start + covered
    parts = [f"bars {first} to {last} of {found.details.n_bar}" if last > first else f"bar {first}"]
    if covered < n_bar:
        parts.append(f"silent from the video's bar {covered + 1} on")
    parts.append(f"density fits in {fits.sum()} of {n_bar} bars")
    worst = [int(bar) for bar in np.argsort(-np.abs(off), kind="stable") if not fits[bar]]
    if worst:
        named = ", ".join(
            f"{bar + 1} ({played.density[bar]} for {demand.density[bar]:.0f})" for bar in sorted(worst[:_MOST_NAMED])
        )
        parts.append(f"not in {named}" + (" ..." if len(worst) > _MOST_NAMED else ""))
    is_asked = demand.strength > 0
    if is_asked.any():
        accents = played.strength.astype(int)[is_asked] - demand.strength.astype(int)[is_asked]
        parts.append(
            f"accents fit at {np.count_nonzero(np.abs(accents) <= STRENGTH_FITS)} of {len(accents)} visual beats"
        )
        silent = np.count_nonzero(played.strength[is_asked] == 0)
        if silent:
            parts.append(f"nothing is struck at {silent}")
    else:
        parts.append("the picture has no visual beats")
    parts.append(f"tempo {found.details.tempo:.0f} to {demand.tempo:.0f} BPM ({100 * (2**terms.tempo - 1):+.0f} %)")
    if chance.p_value > 0.05:
        parts.append("no better than with the video shifted")
    return "; ".join(parts)


def _render(
    paths: Sequence[str],
    demands: Sequence[VideoDemand | str],
    wishes: RenderWishes,
    workers: Workers,
    done: Journal,
    progress: Progress,
) -> None:
    _ready_folder(wishes.folder)
    taken: set[str] = set()
    names = [name_for(Path(path), taken) for path in paths]
    waiting, tasks = [], []
    for number, demand in enumerate(demands):
        if number in done.rows and number not in done.films and isinstance(demand, VideoDemand):
            best = done.rows[number][0][0]
            if best.source is not None and best.start_bar is not None:
                waiting.append(number)
                tasks.append(
                    RenderTask(paths[number], demand, best.source, best.name or "", best.start_bar - 1, names[number])
                )
    films = workers.map(partial(render_match, wishes=wishes), tasks, lost=_no_film)
    for count, (number, film) in enumerate(zip(waiting, films, strict=True), 1):
        done.keep_film(number, film)
        progress("render", count, len(waiting))


def _no_film(task: RenderTask, reason: str) -> Rendered:
    return Rendered(None, reason)


def _ready_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
