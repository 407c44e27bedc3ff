"""What is written for editors beside a soundtrack, and how its sound is finished, as `Output` asks for it."""

from __future__ import annotations

from pathlib import Path

from cmt.errors import CmtError
from cmt.film.film import Finish
from cmt.handover.markers import SUFFIXES as MARKER_SUFFIXES
from cmt.handover.markers import write_markers
from cmt.handover.origin import Making, write_origin
from cmt.handover.signs import cue_points_of
from cmt.handover.timecode import rate_of
from cmt.planning.plan import Plan
from cmt.report.report import Report
from cmt.soundtrack.output import Output
from midi_io.audio_file import check_length
from midi_io.rendering import Fades

ORIGIN_SUFFIX = ".origin.json"


def check_fit(output: Output, duration: float, fps: float | None, *, loop: bool) -> None:
    """Raise a CmtError for fades that are longer than the piece or those of a loop, and a timecode of another rate.

    So it does for music that is longer than a file of its format holds.

    Parameters
    ----------
    duration
        The seconds of the piece.
    fps
        The pictures a second of its video; None without one.
    """
    rate_of(fps).frame_of(output.timecode)
    if not output.midi_only:
        check_length(output.format, duration, output.sample_rate, output.bit_depth)
    if loop and (output.fade_in or output.fade_out is not None):
        raise CmtError("`loop`: it has no beginning and no end to fade; leave `fade_in` and `fade_out` out")
    fading = output.fade_in + (output.fade_out or 0)
    if fading > duration:
        raise CmtError(
            f"`fade_in` and `fade_out`: {fading:g} s are longer than the music, which lasts {duration:.2f} s"
        )


def suffixes_for_editors(output: Output) -> list[str]:
    """What stands behind the name in the files for editors that are wanted."""
    return [*(MARKER_SUFFIXES if output.marker_kinds else ()), *([ORIGIN_SUFFIX] if output.origin else [])]


def finish_of(output: Output, report: Report, plan: Plan) -> Finish:
    """How the sound is finished; with markers, its WAV files name bars and sections."""
    return Finish(
        sample_rate=output.sample_rate,
        bit_depth=output.bit_depth,
        fades=Fades(output.fade_in, output.fade_out),
        loop=plan.wishes.loop,
        cues=cue_points_of(report, plan.timeline) if output.marker_kinds else (),
    )


def write_marker_files(
    report: Report, plan: Plan, output: Output, folder: Path, name: str, *, has_film: bool
) -> list[str]:
    """Write the files of markers, if they are wanted; a line for each thing that did not go as asked.

    They point to the film where there is one, else to the sound.
    """
    if not output.marker_kinds:
        return []
    media = None
    if not output.midi_only:
        media = f"{name}.mp4" if has_film else f"{name}.{output.format}"
    return write_markers(
        report,
        plan.timeline,
        folder,
        name,
        kinds=output.marker_kinds,
        start=output.timecode,
        media=media,
        size=None if plan.rhythm is None else (plan.rhythm.width, plan.rhythm.height),
    )


def write_origin_file(
    report: Report,
    output: Output,
    folder: Path,
    name: str,
    *,
    video: Path | None,
    is_our_model: bool,
    soundfont: Path | None,
) -> None:
    """Write the statement of origin of all files in `folder`, if it is wanted."""
    if not output.origin:
        return
    files = [file for file in folder.iterdir() if file.is_file()]
    making = Making(name, files, video, is_our_model, soundfont)
    write_origin(report, making, folder / f"{name}{ORIGIN_SUFFIX}")
