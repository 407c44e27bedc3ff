"""Where the music's grid lies in a video: the user's markers, the hits, the tempo map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmt.grid.agreement import TOLERANCE, misses
from cmt.grid.bend import bend_grid
from cmt.grid.hits import Hit, Marker, hits_of
from cmt.grid.solver import MUSIC_RANGE, fit_grid
from midi_io.song import POSITIONS_PER_BAR, SECONDS_AT_1_BPM, Knot, Timeline
from video_rhythm import VideoRhythm

SECONDS_OF_A_BAR = SECONDS_AT_1_BPM * POSITIONS_PER_BAR
"""What a bar lasts at one quarter note a minute."""
MOST_TIMES = 8
"""A warning names at most this many missed markers."""


def grid_of_video(
    rhythm: VideoRhythm,
    markers: Sequence[Marker] = (),
    tempo: float | None = None,
    tempo_change: float = 0.0,
    tempo_range: tuple[float, float] | None = None,
    suited_tempo: float | None = None,
) -> Timeline:
    """The grid of music exactly as long as the video, on which its hits fall; see `music_grid`."""
    prior = rhythm.tempo
    if prior is None and tempo_range is not None:
        prior = (tempo_range[0] * tempo_range[1]) ** 0.5
    return music_grid(
        rhythm.duration,
        hits_of(rhythm, markers),
        prior_tempo=prior,
        prior_confidence=rhythm.tempo_confidence,
        tempo=tempo,
        tempo_change=tempo_change,
        tempo_range=tempo_range,
        suited_tempo=suited_tempo,
    )


def music_grid(
    duration: float,
    hits: Sequence[Hit],
    *,
    prior_tempo: float | None = None,
    prior_confidence: float = 0.0,
    tempo: float | None = None,
    tempo_change: float = 0.0,
    tempo_range: tuple[float, float] | None = None,
    suited_tempo: float | None = None,
) -> Timeline:
    """The grid of music of `duration` seconds on which the hits fall.

    Parameters
    ----------
    prior_tempo, prior_confidence
        The BPM to which the grid leans, and how much, 0..1.
    tempo
        The exact BPM; None leaves it to the solver.
    tempo_change
        A tempo map may leave the tempo by this many per cent at cuts and markers; 0 keeps it steady.
    tempo_range
        The lowest and the highest BPM that the solver may choose; None is `MUSIC_RANGE`.
    suited_tempo
        The BPM that suit the picture; of tempi that meet the hits alike the nearest is taken.
    """
    steady = fit_grid(
        duration,
        hits,
        tempo=tempo,
        tempo_range=tempo_range or MUSIC_RANGE,
        prior_tempo=prior_tempo,
        prior_confidence=prior_confidence,
        suited_tempo=suited_tempo,
    )
    return bend_grid(steady, hits, tempo_change / 100)


def in_whole_bars(grid: Timeline) -> Timeline:
    """The grid, if it is whole bars of one tempo; else the one of whole bars, as long, whose tempo is nearest to it."""
    if grid.start == 0 and len(grid.knots) == 2 and grid.length % POSITIONS_PER_BAR == 0:
        return grid
    n_bar = max(1, round(grid.duration * grid.tempo / SECONDS_OF_A_BAR))
    return Timeline((Knot(0, 0.0), Knot(n_bar * POSITIONS_PER_BAR, grid.duration)), n_bar * POSITIONS_PER_BAR)


def warnings_of(grid: Timeline, hits: Sequence[Hit], *, tempo_map: bool) -> tuple[str, ...]:
    """A line, with a cure, for each thing that the user asked of the grid and does not get."""
    warnings = []
    if tempo_map and all(hit.kind == "visual beat" for hit in hits):
        warnings.append("the tempo map has no cuts to follow, so the tempo stays steady; give times with `markers`")
    markers = np.array([hit.time for hit in hits if hit.kind == "marker"])
    missed = markers[misses(grid, markers, POSITIONS_PER_BAR) > TOLERANCE] if len(markers) else markers
    if len(missed):
        times = ", ".join(f"{time:g}" for time in missed[:MOST_TIMES]) + (" ..." if len(missed) > MOST_TIMES else "")
        cure = "a larger `tempo_change`" if tempo_map else "`tempo_map`"
        warnings.append(
            f"off the grid: {len(missed)} of {len(markers)} times asked for ({times} s); {cure} may bring them back"
        )
    return tuple(warnings)
