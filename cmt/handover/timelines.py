"""Markers as files: a table, and the timelines of DaVinci Resolve, Final Cut Pro and OpenTimelineIO.

Sources: Resolve's own marker EDL is a CMX 3600 list in which each marker is an event of one frame, with a line of note,
colour, name and duration below it; Apple's document type definition of FCPXML 1.10; the schemas of OpenTimelineIO that
all of its versions since 0.12 read.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import quote
from xml.etree import ElementTree

from cmt.handover.moments import KINDS, Cue, Moment
from cmt.handover.timecode import FrameRate
from cmt.machine.cells import harmless

MOST_EVENTS = 999
"""An edit decision list has so many events at most: their numbers have three digits."""
COLUMNS = ("seconds", "timecode", "frame", "kind", "label", "colour")
_AUDIO_RATES = {44_100: "44.1k", 48_000: "48k", 88_200: "88.2k", 96_000: "96k"}


@dataclass(frozen=True)
class Clip:
    """The film, or the sound, on a timeline that holds nothing else."""

    name: str
    rate: FrameRate
    n_frame: int
    """The pictures that it lasts."""
    start: int
    """The number that its first picture has in timecode."""
    width: int
    """The width of the timeline's picture in pixels."""
    height: int
    """Its height."""
    media: str | None
    """The file that is played, which lies beside the timeline; None where neither film nor sound was made."""
    has_picture: bool
    audio_rate: int
    """The samples a second of the sound."""


def table(moments: Sequence[Moment], clip: Clip) -> str:
    """The moments as CSV, a row each: seconds, timecode, frame from 0, kind, label, colour.

    No cell begins as a formula does: a spreadsheet would run it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for moment in moments:
        frame = max(0, min(clip.rate.frame(moment.seconds), clip.n_frame - 1))
        timecode = clip.rate.timecode(clip.start + frame)
        cells = (f"{moment.seconds:.6f}", timecode, frame, moment.kind, moment.label, moment.colour)
        writer.writerow([_harmless(str(cell)) for cell in cells])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """A cell of one line that a spreadsheet shows as it is."""
    line = "".join(char if char.isprintable() else " " for char in cell)
    return f"'{line}" if harmless(cell) != cell else line


def fitting(cues: Sequence[Cue]) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """The cues that an EDL has room for, and the kinds, of those that say least, that it has to leave out."""
    kinds, left_out = list(KINDS.values()), list[str]()
    kept = tuple(cues)
    while len(kept) > MOST_EVENTS and len(kinds) > 1:
        left_out.append(kinds.pop())
        fewer = ((cue.frame, tuple(one for one in cue.moments if one.kind in kinds)) for cue in cues)
        kept = tuple(Cue(frame, moments) for frame, moments in fewer if moments)
    return kept[:MOST_EVENTS], tuple(left_out)


def edl(cues: Sequence[Cue], clip: Clip) -> str:
    """At most `MOST_EVENTS` cues as a marker EDL of DaVinci Resolve, a frame each."""
    mode = "DROP FRAME" if clip.rate.drops else "NON-DROP FRAME"
    lines = [f"TITLE: {_one_line(clip.name)}", f"FCM: {mode}", ""]
    for number, cue in enumerate(cues, start=1):
        begin, end = (clip.rate.timecode(clip.start + cue.frame + step) for step in (0, 1))
        lines.append(f"{number:03}  001      V     C        {begin} {end} {begin} {end}  ")
        lines.append(f" |C:ResolveColor{cue.colour} |M:{_one_line(cue.name)} |D:1")
        lines.append("")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """The text without what would end a field or a line of an EDL."""
    return " ".join("".join(" " if char == "|" or not char.isprintable() else char for char in text).split())


def fcpxml(cues: Sequence[Cue], clip: Clip) -> str:
    """The cues as FCPXML 1.10: a project with the film, or the sound, whose markers they are.

    Times are rational and whole frames; the file is named relative to the document. Where there is none, the markers
    stand on a gap.
    """
    frame = 1 / clip.rate.rate
    duration = _time(clip.n_frame * frame)
    root = ElementTree.Element("fcpxml", version="1.10")
    resources = ElementTree.SubElement(root, "resources")
    timing = {"id": "r1", "frameDuration": f"{frame.numerator}/{frame.denominator}s"}
    ElementTree.SubElement(resources, "format", {**timing, "width": str(clip.width), "height": str(clip.height)})
    if clip.media is not None:
        seen = {"hasVideo": "1", "videoSources": "1", "format": "r1"} if clip.has_picture else {}
        heard = {"hasAudio": "1", "audioSources": "1", "audioChannels": "2", "audioRate": str(clip.audio_rate)}
        given = {"id": "r2", "name": clip.name, "start": "0s", "duration": duration}
        asset = ElementTree.SubElement(resources, "asset", {**given, **seen, **heard})
        ElementTree.SubElement(asset, "media-rep", kind="original-media", src=f"./{quote(os.fsencode(clip.media))}")
    event = ElementTree.SubElement(ElementTree.SubElement(root, "library"), "event", name=clip.name)
    project = ElementTree.SubElement(event, "project", name=clip.name)
    # Programs differ in whether offsets count from a start that is not 0: with 0 they agree.
    counting = {"tcStart": "0s", "tcFormat": "DF" if clip.rate.drops else "NDF"}
    layout = {"audioLayout": "stereo", "audioRate": _AUDIO_RATES.get(clip.audio_rate, "48k")}
    sequence = ElementTree.SubElement(project, "sequence", {"format": "r1", "duration": duration, **counting, **layout})
    spine = ElementTree.SubElement(sequence, "spine")
    place = {"name": clip.name, "offset": "0s", "start": "0s", "duration": duration}
    if clip.media is None:
        item = ElementTree.SubElement(spine, "gap", place)
    else:
        item = ElementTree.SubElement(spine, "asset-clip", {"ref": "r2", **place})
    for cue in cues:
        its = {"start": _time(cue.frame * frame), "duration": _time(frame), "value": cue.name}
        ElementTree.SubElement(item, "marker", its)
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{text}\n'


def _time(seconds: Fraction) -> str:
    """A time as FCPXML has it: ``1001/30000s``, ``5s``."""
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{seconds.numerator}/{seconds.denominator}s"


def otio(cues: Sequence[Cue], clip: Clip) -> str:
    """The cues as an OpenTimelineIO timeline of the film, or the sound; the markers are the timeline's own."""
    rate = float(clip.rate.rate)

    def time(frame: int) -> dict[str, object]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frame)}

    def span(frame: int, n_frame: int) -> dict[str, object]:
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(frame), "duration": time(n_frame)}

    def item(schema: str, name: str, **fields: object) -> dict[str, object]:
        usual: dict[str, object] = {"name": name, "metadata": {}}
        whole: dict[str, object] = {"source_range": None, "effects": [], "markers": []}
        return {"OTIO_SCHEMA": schema, **usual, **whole, **fields}

    if clip.media is None:
        media: dict[str, object] = {"OTIO_SCHEMA": "MissingReference.1", "name": clip.name}
    else:
        media = {"OTIO_SCHEMA": "ExternalReference.1", "name": clip.name, "target_url": quote(os.fsencode(clip.media))}
    media |= {"metadata": {}, "available_range": span(0, clip.n_frame)}
    markers = [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": cue.name,
            "metadata": {"cmt": [moment._asdict() for moment in cue.moments]},
            "color": cue.colour.upper(),
            "marked_range": span(cue.frame, 1),
        }
        for cue in cues
    ]
    shown = item("Clip.1", clip.name, source_range=span(0, clip.n_frame), media_reference=media)
    track = item("Track.1", clip.name, kind="Video" if clip.has_picture else "Audio", children=[shown])
    stack = item("Stack.1", "tracks", children=[track], markers=markers)
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": clip.name,
        "metadata": {},
        "global_start_time": time(clip.start),
        "tracks": stack,
    }
    return json.dumps(timeline, indent=1, ensure_ascii=False) + "\n"
