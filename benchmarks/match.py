"""How fast pieces are scored against a video, from a thousand to a million, beside a direct loop over words.

    python benchmarks/match.py VIDEO --index INDEX [--pieces 1000 10000 100000 1000000] [--made MIDI ...]

The larger libraries are the index's own pieces over and over, each time with all bars moved on by another number, so
that no two are alike; they are written to a temporary folder (0.8 GB for a million) and scored from there, reading
and unpacking included. On a busy machine the clock says little: `CPU s` is what all processes together have used,
`a CPU s` the pieces for each of these seconds, `fastest` the same for the fastest task of 32,768 pieces, `MiB` the
memory of the largest process, `loop` how many times as many pieces as the loop does in a second of processor time.
The direct loop does what eq. 16 says, bar by bar and position by position over the pieces' words, in the same run;
its scores are compared. With `--made` the share of the index that scores below each of these pieces is printed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cmt.machine.workers import Workers
from cmt.matching.index import PieceFilter, PieceTable, open_index, read_pieces
from cmt.matching.indexing import _replace_shards
from cmt.matching.moods import curve_in_bytes
from cmt.matching.ranking import _chunks, _ScoreTask, score_shards
from cmt.matching.score import PieceBlock, VideoDemand, chances, demand_of_video, rhythm_of_song, score_pieces
from cmt.music.encoding import NoteArrays, encode_notes, notes_of_song
from midi_io import read_midi
from midi_io.song import POSITIONS_PER_BAR
from video_rhythm import analyze

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from direct_match import score_words  # the tests' own second form of the score

N_DIRECT = 60
HEAD = f"{'pieces':>9} {'s':>7} {'pieces/s':>9} {'CPU s':>7} {'a CPU s':>9} {'fastest':>9} {'MiB':>5} {'loop':>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--pieces", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--made", type=Path, nargs="*", default=[], help="MIDI files that were made for the video")
    arguments = parser.parse_args()
    demand = demand_of_video(analyze(arguments.video))
    n_beat = np.count_nonzero(demand.strength)
    print(f"{arguments.video.name}: {len(demand.density)} bars at {demand.tempo:.1f} BPM, {n_beat} visual beats")
    shards = open_index(arguments.index)
    direct_rate = compare_with_loop(shards, demand)
    for path in arguments.made:
        rank(path, shards, demand)
    if arguments.pieces:
        with tempfile.TemporaryDirectory() as folder, Workers(arguments.jobs) as workers:
            many = replicate(shards, Path(folder), max(arguments.pieces))
            list(workers.map(peak_mib, range(2 * arguments.jobs)))  # the processes are there before the clock starts
            print(HEAD)
            for n_piece in sorted(arguments.pieces):
                measure(many, n_piece, demand, workers, direct_rate)


def compare_with_loop(shards: list[Path], demand: VideoDemand) -> float:
    """Pieces a second of the direct loop; says how far its scores are from those of the blocks."""
    table = next(read_pieces(shards[0]))
    scores, starts = score_pieces(table.block, demand)
    seconds, worst, same = 0.0, 0.0, 0
    for piece in range(min(N_DIRECT, len(scores))):
        words = encode_notes(*notes_of(table, piece))
        begin = time.process_time()
        score, start = score_words(words, float(table.block.tempo[piece]), demand)
        seconds += time.process_time() - begin
        worst, same = max(worst, abs(score - scores[piece])), same + (start == starts[piece])
    n = min(N_DIRECT, len(scores))
    print(
        f"direct loop: {n / seconds:.1f} pieces/s; largest difference {worst:.1e}, {same} of {n} starting bars the same"
    )
    return n / seconds


def notes_of(table: PieceTable, piece: int) -> tuple[NoteArrays, int]:
    """Notes that have the rhythm of an indexed piece, each of a pitch of its own."""
    a, b = table.block.offsets[piece : piece + 2]
    strength = table.block.strength[a:b].ravel()
    position = np.repeat(np.arange(len(strength)), strength)
    pitch = np.arange(len(position)) % 100
    ones = np.ones(len(position), dtype=np.int64)
    return NoteArrays(position, ones, pitch, ones), int(b - a)


def rank(path: Path, shards: list[Path], demand: VideoDemand) -> None:
    """Where in the library a piece stands."""
    song = read_midi(path)
    density, strength = rhythm_of_song(song)
    mood = curve_in_bytes(notes_of_song(song), len(density), song.tempo)
    block = PieceBlock(np.array([0, len(density)]), density, strength, mood, np.array([song.tempo], dtype=np.float32))
    score, chance = float(score_pieces(block, demand)[0][0]), chances(block, demand)[0]
    others = np.concatenate([score_pieces(table.block, demand)[0] for shard in shards for table in read_pieces(shard)])
    print(
        f"{path}: {score:.3f}, above {np.mean(others < score):.2%} of {len(others):,} pieces (best {others.max():.3f}, "
        f"median {np.median(others):.3f}); with the video shifted {chance.score:.3f}, p = {chance.p_value:.3f}"
    )


def replicate(shards: list[Path], folder: Path, n_piece: int) -> list[Path]:
    """Shards of `n_piece` pieces or a few more."""
    tables = [pq.read_table(shard).combine_chunks() for shard in shards]
    rng = np.random.default_rng(0)
    written = 0
    while written < n_piece:
        for table in tables:
            _replace_shards(folder, [], moved_on(table, int(rng.integers(1, 100_000))))
            written += table.num_rows
            if written >= n_piece:
                break
    return sorted(folder.glob("*.parquet"))


def moved_on(table: pa.Table, n_bar: int) -> pa.Table:
    """The same pieces, all bars moved on through them."""
    for name, size in (("density", 1), ("strength", POSITIONS_PER_BAR), ("mood", 2)):
        column = table[name].chunk(0)
        _, offsets, content = column.buffers()
        rolled = np.roll(np.frombuffer(content, dtype=np.uint8), n_bar * size)
        new = pa.BinaryArray.from_buffers(pa.binary(), len(column), [None, offsets, pa.py_buffer(rolled.tobytes())])
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), new)
    return table


def measure(shards: list[Path], n_piece: int, demand: VideoDemand, workers: Workers, direct_rate: float) -> None:
    """One line."""
    chosen: list[Path] = []
    n_row = 0
    for shard in shards:
        if n_row < n_piece:
            chosen.append(shard)
            n_row += pq.read_metadata(shard).num_rows
    tasks = [_ScoreTask((demand,), chunk) for chunk in _chunks(chosen)]
    begin = time.perf_counter()
    parts = list(workers.map(timed, tasks))
    seconds = time.perf_counter() - begin
    cpu = sum(part[1] for part in parts)
    n_scored = sum(part[0] for part in parts)
    fastest = max(n / cpu_seconds for n, cpu_seconds in parts)
    peak = max(workers.map(peak_mib, range(2 * workers.jobs)))
    print(
        f"{n_scored:9,} {seconds:7.2f} {n_scored / seconds:9,.0f} {cpu:7.2f} {n_scored / cpu:9,.0f} {fastest:9,.0f} "
        f"{peak:5.0f} {n_scored / cpu / direct_rate:7,.0f}x",
        flush=True,
    )


def timed(task: _ScoreTask) -> tuple[int, float]:
    """Pieces scored, and the processor seconds that it took."""
    begin = time.process_time()
    scored = score_shards(task, PieceFilter(), top=5, with_matrix=False)
    return scored.n_piece, time.process_time() - begin


def peak_mib(_: int) -> float:
    """Of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
