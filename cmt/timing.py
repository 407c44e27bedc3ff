"""Where the music's grid lies in a video: the user's markers, the hits, the tempo map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cmt.errors import CmtError
from cmt.machine.columns import Line, number_in, read_columns, shown, time_in
from midi_io.song import POSITIONS_PER_BAR, Knot, TempoMap
from video_rhythm import Grid, Hit, VideoRhythm, agreement, bend_grid, fit_grid
from video_rhythm.grid import TOLERANCE

CUT_WEIGHT = 1.0
"""The weight of a cut for the grid."""
BEAT_WEIGHT = 0.5
"""The weight of the strongest visual beat; the others weigh in proportion to their saliency."""
MARKER_WEIGHT = 3.0
"""The weight of a marker whose own weight is 1: the user knows best."""
SAME_TIME = 0.04
"""A visual beat within this many seconds of a cut or a marker is the same event."""
SAME_MARKER = 0.001
"""Markers within this many seconds of each other are one."""
MOST_TIMES = 8
"""A warning names at most this many missed markers."""


@dataclass(frozen=True)
class Marker:
    """A time at which the user wants something to happen."""

    time: float
    """Seconds from the first picture."""
    weight: float = 1.0
    """The weight beside other markers; above 0."""
    source: str = ""
    """The place where it was given, for messages, such as ``markers.csv:3``."""


def read_markers(path: Path) -> tuple[Marker, ...]:
    """Markers from a text file: seconds in the first column, a weight in the second if there is one.

    Raises
    ------
    CmtError
        If the file cannot be read, or a line holds no time.
    """
    markers = tuple(_marker_of(line) for line in read_columns(path))
    if not markers:
        raise CmtError(f"{path}: holds no markers; write a time in seconds on each line")
    return markers


def _marker_of(line: Line) -> Marker:
    time = time_in(line)
    if len(line.cells) < 2 or not line.cells[1]:
        return Marker(time, source=line.source)
    weight = number_in(line.cells[1])
    if weight is None or weight <= 0:
        raise CmtError(f"{line.source}: {shown(line.cells[1])} is no weight; write a number above 0, or leave it out")
    return Marker(time, weight, line.source)


def checked_markers(markers: Iterable[Marker], duration: float) -> tuple[Marker, ...]:
    """The markers in order of time, those given twice merged, the heavier one's weight kept.

    Raises
    ------
    CmtError
        If a marker lies outside the video, which lasts `duration` seconds.
    """
    kept: list[Marker] = []
    for marker in sorted(markers, key=lambda marker: (marker.time, -marker.weight)):
        where = marker.source or "marker"
        if not math.isfinite(marker.time):
            raise CmtError(f"{where}: {marker.time} is no time; write seconds, such as 12.5")
        if not 0 < marker.weight < math.inf:
            raise CmtError(f"{where}: {marker.weight} is no weight; write a number above 0, or leave it out")
        if not 0 <= marker.time <= duration:
            raise CmtError(
                f"{where}: {marker.time:g} s lies outside the video, which lasts {duration:.3f} s; "
                f"give a time from 0 to {math.floor(duration * 1000) / 1000:g}"
            )
        if kept and marker.time - kept[-1].time <= SAME_MARKER:
            heavier = max(kept.pop(), marker, key=lambda marker: marker.weight)
            kept.append(heavier)
        else:
            kept.append(marker)
    return tuple(kept)


def hits_of(rhythm: VideoRhythm, markers: Sequence[Marker] = ()) -> tuple[Hit, ...]:
    """Markers, cuts and visual beats, in order of time, each event once."""
    hits = [Hit(marker.time, MARKER_WEIGHT * marker.weight, "marker") for marker in markers]
    hits += [Hit(cut, CUT_WEIGHT, "cut") for cut in rhythm.cuts if _is_far_from(cut, hits)]
    strongest = max((beat.saliency for beat in rhythm.visual_beats), default=1.0) or 1.0
    beats = [
        Hit(beat.time, BEAT_WEIGHT * beat.saliency / strongest, "visual beat")
        for beat in rhythm.visual_beats
        if _is_far_from(beat.time, hits)
    ]
    return tuple(sorted(hit for hit in (*hits, *beats) if hit.time <= rhythm.duration))


def _is_far_from(time: float, hits: Sequence[Hit]) -> bool:
    return all(abs(hit.time - time) > SAME_TIME for hit in hits)


def music_grid(
    rhythm: VideoRhythm, markers: Sequence[Marker] = (), tempo: float | None = None, tempo_change: float = 0.0
) -> Grid:
    """The grid of music exactly as long as the video, on which its hits fall.

    Parameters
    ----------
    tempo
        The exact BPM; None leaves it to the solver.
    tempo_change
        A tempo map may leave the tempo by this many per cent at cuts and markers; 0 keeps it steady.
    """
    hits = hits_of(rhythm, markers)
    steady = fit_grid(
        rhythm.duration,
        hits,
        tempo=tempo,
        prior_tempo=rhythm.tempo,
        prior_confidence=rhythm.tempo_confidence,
    )
    return bend_grid(steady, hits, tempo_change / 100)


def tempo_map_of(grid: Grid) -> TempoMap:
    """The same knots in sixteenths, for the song."""
    return TempoMap(tuple(Knot(_tidy(knot.bar * POSITIONS_PER_BAR), knot.seconds) for knot in grid.knots))


def _tidy(position: float) -> float:
    """The position, made whole where it is whole but for the last binary digits."""
    return round(position) if abs(position - round(position)) < 1e-6 else position


def length_of(grid: Grid) -> float:
    """Position at which music on this grid ends."""
    return tempo_map_of(grid).knots[-1].position


def warnings_of(grid: Grid, hits: Sequence[Hit], *, tempo_map: bool) -> tuple[str, ...]:
    """A line, with a cure, for each thing that the user asked of the grid and does not get."""
    warnings = []
    if tempo_map and all(hit.kind == "visual beat" for hit in hits):
        warnings.append("the tempo map has no cuts to follow, so the tempo stays steady; give times with `markers`")
    markers = np.array([hit.time for hit in hits if hit.kind == "marker"])
    missed = markers[grid.misses(markers, POSITIONS_PER_BAR) > TOLERANCE] if len(markers) else markers
    if len(missed):
        times = ", ".join(f"{time:g}" for time in missed[:MOST_TIMES]) + (" ..." if len(missed) > MOST_TIMES else "")
        cure = "a larger `tempo_change`" if tempo_map else "`tempo_map`"
        warnings.append(
            f"off the grid: {len(missed)} of {len(markers)} times asked for ({times} s); {cure} may bring them back"
        )
    return tuple(warnings)


def describe_grid(grid: Grid, hits: Sequence[Hit]) -> dict[str, Any]:
    """The tempo, the phase and the number of hits that they meet, for the report."""
    timing, length = tempo_map_of(grid), length_of(grid)
    return {
        "tempo": grid.tempo,
        "n_bar": grid.n_bar,
        "phase": grid.phase,
        "bar_borders": timing.bar_borders(length),
        "tempo_map": [
            {
                "position": knot.position,
                "seconds": knot.seconds,
                "tempo": timing.tempo_between(knot.position, following.position),
            }
            for knot, following in zip(timing.knots, timing.knots[1:], strict=False)
        ],
        "hits": {
            name: agreement(grid, [hit.time for hit in hits if kind in (hit.kind, None)])._asdict()
            for name, kind in (("all", None), ("markers", "marker"), ("cuts", "cut"), ("visual_beats", "visual beat"))
        },
    }
