"""The moments of a piece that an editor may want to see: what happens when, in the picture and in the music."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from cmt.grid.agreement import TOLERANCE, misses
from cmt.handover.timecode import FrameRate
from cmt.report.parts import OPEN
from cmt.report.report import Report
from midi_io.song import BEATS_PER_BAR, POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Timeline

KINDS: Mapping[str, str] = {
    "sections": "section",
    "scenes": "scene",
    "hits": "hit",
    "cuts": "cut",
    "accents": "accent",
    "visual-beats": "visual beat",
    "sounds": "sound",
    "chords": "chord",
    "bars": "bar",
    "beats": "beat",
}
"""The kinds of moments, those first that say most: their names in the plural, and that of one."""
USUAL = tuple(kind for kind in KINDS if kind != "beats")
"""The kinds that are marked unless others are asked for."""
COLOURS = {
    "section": "Purple",
    "scene": "Green",
    "hit": "Red",
    "cut": "Cyan",
    "accent": "Pink",
    "visual beat": "Pink",
    "sound": "Pink",
}
"""The colour of each kind of moment; chords, bars and beats are blue. All editing programs know these names."""
OF_THE_GRID, MISSED = "Blue", "Yellow"
_LEVELS = ((1, "on a downbeat"), (BEATS_PER_BAR, "on a beat"), (POSITIONS_PER_BAR, "on a sixteenth"))


class Moment(NamedTuple):
    """Something that happens at a time."""

    seconds: float
    """Seconds from the first picture."""
    kind: str
    """One of the values of `KINDS`."""
    label: str
    """What it is, in words: ``cut on a downbeat``, ``bar 5``, ``Am``."""
    colour: str


class Cue(NamedTuple):
    """All moments of one picture: a timeline has room for one marker there."""

    frame: int
    """The number of the picture, from 0."""
    moments: tuple[Moment, ...]
    """The moments, those first that say most."""

    @property
    def name(self) -> str:
        """The labels of all of them."""
        return " / ".join(moment.label for moment in self.moments)

    @property
    def colour(self) -> str:
        """That of the moment that says most."""
        return self.moments[0].colour


def moments_of(report: Report, timeline: Timeline, kinds: Collection[str] = USUAL) -> tuple[Moment, ...]:
    """The moments of some kinds in order of time, of equal times those first that say most.

    Parameters
    ----------
    timeline
        Where the bars of the reported piece lie.
    """
    found = [
        Moment(seconds, KINDS[kind], label, colour or COLOURS.get(KINDS[kind], OF_THE_GRID))
        for kind, given in _GIVEN.items()
        if kind in kinds
        for seconds, label, colour in given(report, timeline)
    ]
    rank = {kind: number for number, kind in enumerate(KINDS.values())}
    return tuple(sorted(found, key=lambda moment: (moment.seconds, rank[moment.kind])))


def cues_of(moments: Sequence[Moment], rate: FrameRate, n_frame: int) -> tuple[Cue, ...]:
    """The moments by the picture that is nearest to each, the last of `n_frame` at most."""

    def frame(moment: Moment) -> int:
        return max(0, min(rate.frame(moment.seconds), n_frame - 1))

    rank = {kind: number for number, kind in enumerate(KINDS.values())}
    by_frame = groupby(sorted(moments, key=lambda moment: (frame(moment), rank[moment.kind])), key=frame)
    return tuple(Cue(number, tuple(its)) for number, its in by_frame)


_Given = tuple[float, str, str | None]
"""Seconds, a label, and a colour if it is another than the kind's."""


def _sections(report: Report, timeline: Timeline) -> Iterator[_Given]:
    for section in report.form:
        yield section.seconds, "section" if section.name == OPEN else f"section {section.name}", None


def _scenes(report: Report, timeline: Timeline) -> Iterator[_Given]:
    for number, scene in enumerate(report.scenes, start=1):
        again = "" if scene.same_as is None else f", as scene {scene.same_as + 1}"
        yield scene.begin, f"scene {number}: {scene.colour}{again}", None


def _hits(report: Report, timeline: Timeline) -> Iterator[_Given]:
    return _met_or_missed("hit", [marker.time for marker in report.markers], timeline)


def _cuts(report: Report, timeline: Timeline) -> Iterator[_Given]:
    return _met_or_missed("cut", () if report.picture is None else report.picture.cuts, timeline)


def _visual_beats(report: Report, timeline: Timeline) -> Iterator[_Given]:
    beats = () if report.picture is None else report.picture.visual_beats
    return _met_or_missed("visual beat", [beat.time for beat in beats], timeline)


def _met_or_missed(what: str, times: Sequence[float], timeline: Timeline) -> Iterator[_Given]:
    """Whether the grid meets each time, as the report counts it: within 40 ms."""
    far = {points: misses(timeline, times, points) for points, _ in _LEVELS} if len(times) else {}
    for number, time in enumerate(times):
        met = next((words for points, words in _LEVELS if far[points][number] <= TOLERANCE + 1e-9), None)
        if met is None:
            yield time, f"{what} missed by {1000 * far[POSITIONS_PER_BAR][number]:.0f} ms", MISSED
        else:
            yield time, f"{what} {met}", None


def _accents(report: Report, timeline: Timeline) -> Iterator[_Given]:
    for (bar, position), its in groupby(report.asked.strengths, key=lambda note: (note.bar, note.position)):
        players = ", ".join(note.instrument.label for note in its)
        yield timeline.seconds(bar * POSITIONS_PER_BAR + position), f"accent: {players}", None


def _sounds(report: Report, timeline: Timeline) -> Iterator[_Given]:
    for event in report.sounds.events if report.sounds is not None else ():
        yield event.time, f"{event.kind}: {event.cause}", None


def _chords(report: Report, timeline: Timeline) -> Iterator[_Given]:
    before = OPEN
    for bar, chords in enumerate(report.chords):
        for part, chord in enumerate(chords):
            position = bar * POSITIONS_PER_BAR + part * POSITIONS_PER_BAR // len(chords)
            if chord not in (OPEN, before) and position < timeline.length:
                yield timeline.seconds(max(position, timeline.start)), "no chord" if chord == "N" else chord, None
            before = chord


def _bars(report: Report, timeline: Timeline) -> Iterator[_Given]:
    for number, seconds in enumerate(timeline.bar_borders[:-1], start=1):
        yield seconds, f"bar {number}", None


def _beats(report: Report, timeline: Timeline) -> Iterator[_Given]:
    for bar in range(timeline.n_bar):
        for beat in range(BEATS_PER_BAR):
            position = bar * POSITIONS_PER_BAR + beat * POSITIONS_PER_BEAT
            if timeline.start <= position < timeline.length:
                yield timeline.seconds(position), f"bar {bar + 1}, beat {beat + 1}", None


_GIVEN: Mapping[str, Callable[[Report, Timeline], Iterator[_Given]]] = {
    "sections": _sections,
    "scenes": _scenes,
    "hits": _hits,
    "cuts": _cuts,
    "accents": _accents,
    "visual-beats": _visual_beats,
    "sounds": _sounds,
    "chords": _chords,
    "bars": _bars,
    "beats": _beats,
}
