"""Sections, chords and cuts inside the music's own files: words in MIDI, cue points in WAV."""

from __future__ import annotations

from cmt.handover.moments import moments_of
from cmt.report.report import Report
from midi_io.midi_writer import Sign, Signs
from midi_io.riff import CuePoint
from midi_io.song import Timeline


def signs_of(report: Report, timeline: Timeline) -> Signs:
    """The signs of a piece for its MIDI file: its key; sections as markers, chords as text, hits and cuts as cues."""

    def signs(*kinds: str) -> tuple[Sign, ...]:
        moments = moments_of(report, timeline, kinds)
        return tuple(Sign(timeline.position(moment.seconds), moment.label) for moment in moments)

    return Signs(report.key.signature, signs("sections"), signs("chords"), signs("hits", "cuts"))


def cue_points_of(report: Report, timeline: Timeline) -> tuple[CuePoint, ...]:
    """The cue points of a piece for its WAV files: bars and sections, one at each place."""
    labels: dict[float, list[str]] = {}
    for moment in moments_of(report, timeline, ("sections", "bars")):
        labels.setdefault(round(moment.seconds, 6), []).append(moment.label)
    return tuple(CuePoint(seconds, " / ".join(its)) for seconds, its in labels.items())
