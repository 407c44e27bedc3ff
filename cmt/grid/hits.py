"""The times that music should meet: a picture's cuts and visual beats, and a user's markers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from cmt.errors import CmtError
from cmt.machine.columns import Line, number_in, read_table, shown, time_in
from video_rhythm import VideoRhythm

CUT_WEIGHT = 1.0
"""The weight of a cut for the grid."""
BEAT_WEIGHT = 0.5
"""The weight of the strongest visual beat; the others weigh in proportion to their saliency."""
MARKER_WEIGHT = 3.0
"""The weight of a marker whose own weight is 1: the user knows best."""
SAME_TIME = 0.04
"""A visual beat within this many seconds of a cut or a marker is the same event."""
FREQUENCIES = "\\"
"""What begins a line of Audacity that says the frequencies of the label above it."""
_OF_AUDACITY = re.compile(r"\d+\.\d{6}")
"""A time as Audacity writes it."""
_WEIGHT = ("weight", "gewicht", "poids", "peso")
"""What a header calls a weight."""
_END = ("end", "stop", "out", "fin", "bis")
"""What the name of a column of ends begins with."""
SAME_MARKER = 0.001
"""Markers within this many seconds of each other are one."""


HitKind: TypeAlias = Literal["marker", "cut", "visual beat"]


class Hit(NamedTuple):
    """A time at which the picture, or the user, wants something to happen."""

    time: float
    """Seconds from the first picture."""
    weight: float
    """How much it matters, 0 or more."""
    kind: HitKind


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

    Where every line has a start, an end that is not before it and a name, as Audacity's labels and LosslessCut's
    segments have, or the header calls the second column an end, it is no weight, unless the header says so: the marker
    stands where the label begins. Audacity's labels are known by their six decimals, too, where they have no name.

    Raises
    ------
    CmtError
        If the file cannot be read, or a line holds no time.
    """
    table = read_table(path)
    lines = [line for line in table.lines if line.cells[0] != FREQUENCIES]
    says_weight = any(word in name.lower() for name in table.names for word in _WEIGHT)
    says_end = len(table.names) > 1 and table.names[1].lower().startswith(_END)
    are_labels = not says_weight and bool(lines) and (says_end or all(_is_label(line) for line in lines))
    markers = tuple(Marker(time_in(line), source=line.source) if are_labels else _marker_of(line) for line in lines)
    if not markers:
        raise CmtError(f"{path}: holds no markers; write a time in seconds on each line")
    return markers


def _is_label(line: Line) -> bool:
    """Whether a line has a start, an end and a name in place of a time and a weight."""
    if len(line.cells) < 3 and not all(_OF_AUDACITY.fullmatch(cell) for cell in line.cells):
        return False
    if len(line.cells) < 2:
        return False
    start, end = number_in(line.cells[0]), number_in(line.cells[1] or line.cells[0])
    return start is not None and end is not None and end >= start


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


def hits_of(rhythm: VideoRhythm | None, markers: Sequence[Marker] = ()) -> tuple[Hit, ...]:
    """Markers, cuts and visual beats, in order of time, each event once; without a video the markers alone."""
    hits = [Hit(marker.time, MARKER_WEIGHT * marker.weight, "marker") for marker in markers]
    if rhythm is None:
        return tuple(sorted(hits))
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
