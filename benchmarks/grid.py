"""How well the music's grid meets a video's hits: tempo, phase, bars, shares on the grid and on downbeats.

    python benchmarks/grid.py VIDEO [VIDEO ...] [--tempo 100] [--tempo-change 8]

Each video has two lines, the steady grid and the tempo map. Shares stand beside what chance would give (the
same hits shifted circularly 1,000 times on the same grid); a grid that is no better than chance says so itself.
`worst` is the farthest that a cut lies from a sixteenth. The last line has all hits of the steady grids together, and
the rank correlations over videos of their tempi with the picture's motion (its percentile among many) and arousal.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import spearmanr

from cmt.config import TEMPO_CHANGE, TEMPO_CHANGE_LIMITS, TEMPO_LIMITS
from cmt.grid.agreement import Agreement, agreement, misses
from cmt.grid.hits import Hit, hits_of
from cmt.planning.calibration import read_calibration
from cmt.planning.mood import mood_of_video, motion_between
from cmt.planning.plan import wished_grid
from cmt.planning.wishes import Wishes, settled
from midi_io.song import Timeline
from video_rhythm import VideoError, analyze

HEAD = (
    f"{'video':30} {'tempo map':9} {'BPM':>16} {'phase':>6} {'bars':>4} {'hits':>4} {'grid':>5} {'chance':>6} "
    f"{'down':>5} {'chance':>6} {'cuts':>4} {'grid':>5} {'chance':>6} {'worst':>6} {'took':>6}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--tempo", type=float, help=f"exact BPM, {TEMPO_LIMITS.least:g} to {TEMPO_LIMITS.most:g}")
    parser.add_argument(
        "--tempo-change", type=float, default=TEMPO_CHANGE, help=f"per cent, up to {TEMPO_CHANGE_LIMITS.most:g}"
    )
    arguments = parser.parse_args()
    print(HEAD)
    calibration = read_calibration()
    rows = []
    for video in arguments.videos:
        try:
            rhythm = analyze(video)
        except VideoError as error:
            print(f"left out: {error}")
            continue
        hits = hits_of(rhythm)
        for with_map in (False, True):
            start = time.perf_counter()
            wishes = Wishes(tempo=arguments.tempo, tempo_map=with_map, tempo_change=arguments.tempo_change)
            grid = wished_grid(rhythm, settled(wishes, rhythm.duration))
            if not with_map:
                met = agreement(grid, [hit.time for hit in hits])
                motion = motion_between(rhythm, calibration, 0.0, rhythm.duration)
                rows.append((grid.tempo, motion, mood_of_video(rhythm, calibration).arousal, met))
            show(video.name[:30] if not with_map else "", with_map, grid, hits, time.perf_counter() - start)

    if len(rows) > 2:
        show_all(rows)


def show_all(rows: Sequence[tuple[float, float, float, Agreement]]) -> None:
    """The last line: of each video tempo, motion, arousal and agreement."""
    tempi, motions, arousals, every = zip(*rows, strict=True)
    n_hit = sum(met.n_hit for met in every)
    shares = (
        sum(met.n_hit * getattr(met, name) for met in every) / max(n_hit, 1)
        for name in ("on_grid", "on_grid_by_chance", "on_downbeats", "on_downbeats_by_chance")
    )
    on_grid, by_chance, on_downbeats, downbeats_by_chance = shares
    print(
        f"{len(rows)} videos, {n_hit} hits: grid {on_grid:.1%} (chance {by_chance:.1%}), downbeats {on_downbeats:.1%} "
        f"({downbeats_by_chance:.1%}); tempo with motion {spearmanr(motions, tempi).statistic:+.2f}, with arousal "
        f"{spearmanr(arousals, tempi).statistic:+.2f}"
    )


def show(name: str, with_map: bool, grid: Timeline, hits: tuple[Hit, ...], seconds: float) -> None:
    """One line."""
    cuts = [hit.time for hit in hits if hit.kind == "cut"]
    every, of_cuts = agreement(grid, [hit.time for hit in hits]), agreement(grid, cuts)
    worst = f"{1000 * misses(grid, cuts, 16).max():.0f} ms" if cuts else "-"
    print(
        f"{name:30} {'yes' if with_map else 'no':9} {tempi(grid):>16} {grid.phase:5.2f}s {grid.n_bar:4} "
        f"{every.n_hit:4} {every.on_grid:5.0%} {every.on_grid_by_chance:6.0%} "
        f"{every.on_downbeats:5.0%} {every.on_downbeats_by_chance:6.0%} "
        f"{of_cuts.n_hit:4} {of_cuts.on_grid:5.0%} {of_cuts.on_grid_by_chance:6.0%} {worst:>6} {1000 * seconds:3.0f} ms"
    )


def tempi(grid: Timeline) -> str:
    """``120.00`` or ``92.31 to 107.90``, but for a first sixteenth that begins with the picture."""
    if grid.is_steady:
        return f"{grid.tempo:.2f}"
    stretches = list(zip(grid.knots, grid.knots[1:], strict=False))
    first, after = stretches[0]
    if after.position - first.position < 1.5:
        stretches = stretches[1:]
    values = [grid.tempo_between(knot.position, after.position) for knot, after in stretches]
    return f"{min(values):.2f} to {max(values):.2f}"


if __name__ == "__main__":
    main()
