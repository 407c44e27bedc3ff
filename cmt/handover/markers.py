"""The files of markers beside the music."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cmt.errors import CmtError
from cmt.handover.moments import KINDS, cues_of, moments_of
from cmt.handover.timecode import START, rate_of, rate_warnings
from cmt.handover.timelines import Clip, edl, fcpxml, fitting, otio, table
from cmt.report.report import Report
from midi_io.song import Timeline
from midi_io.whole_file import whole_file

SUFFIXES = (".markers.csv", ".markers.edl", ".fcpxml", ".otio")
"""What stands behind the name in each of the files."""
SIZE = (1920, 1080)
"""The pixels of a timeline for music without a video."""
_ALMOST = 0.01
"""The share of a picture by which the end of the last one may be inexact."""


def check_kinds(kinds: Collection[str]) -> None:
    """Raise a CmtError for a kind of moment that is none."""
    for kind in kinds:
        if kind not in KINDS:
            raise CmtError(f"`marker_kinds`: {kind!r} is none; choose from {', '.join(KINDS)}")


def write_markers(
    report: Report,
    timeline: Timeline,
    folder: Path,
    name: str,
    *,
    kinds: Collection[str],
    start: str = START,
    media: str | None = None,
    size: tuple[int, int] | None = None,
) -> list[str]:
    """Write ``<name>.markers.csv``, ``<name>.markers.edl``, ``<name>.fcpxml`` and ``<name>.otio``.

    Parameters
    ----------
    timeline
        Where the bars of the reported piece lie.
    start
        The timecode at which the timeline begins, for the CSV file and the EDL.
    media
        The name of the film, or of the sound, that lies beside them.
    size
        The width and height of the picture in pixels; None without a video.

    Returns
    -------
    list of str
        A line for each thing that did not go as asked.

    Raises
    ------
    CmtError
        If there is no such timecode, or a file cannot be written.
    """
    fps = None if report.picture is None else report.picture.fps
    rate = rate_of(fps)
    width, height = size or SIZE
    clip = Clip(
        name=name,
        rate=rate,
        n_frame=max(1, int(report.duration * float(rate.rate) + _ALMOST)),
        start=rate.frame_of(start),
        width=width,
        height=height,
        media=media,
        has_picture=report.picture is not None,
        audio_rate=report.sample_rate,
    )
    moments = moments_of(report, timeline, kinds)
    cues = cues_of(moments, rate, clip.n_frame)
    listed, left_out = fitting(cues)
    texts = (table(moments, clip), edl(listed, clip), fcpxml(cues, clip), otio(cues, clip))
    for suffix, text in zip(SUFFIXES, texts, strict=True):
        with whole_file(folder / f"{name}{suffix}") as unfinished:
            unfinished.write_text(text, encoding="utf-8", errors="replace")
    lacking = [f"{name}.markers.edl has room for {len(listed)} markers: without {', '.join(left_out)} markers"]
    return rate_warnings(fps) + (lacking if left_out else [])
