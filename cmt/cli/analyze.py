"""`cmt analyze`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmt.cli.flags import with_flags
from cmt.cli.options import FILE, Bars, timing_options, timing_wishes, verbose_option
from cmt.cli.saying import say, say_left_out
from cmt.cli.wording import grid_in_words, print_hits
from cmt.errors import CmtError

if TYPE_CHECKING:
    from cmt.report.parts import Grid, Picture
    from cmt.report.scenes import SceneSeen
    from video_rhythm import VideoRhythm


@click.command()
@click.argument("videos", type=FILE, nargs=-1, required=True, metavar="VIDEO|PICTURE...|FOLDER")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout.")
@click.option("--plot", type=FILE, help="Write a picture; the suffix says its format (.png, .svg, .pdf).")
@timing_options
@verbose_option("What chance would meet too.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def analyze(
    videos: tuple[Path, ...],
    as_json: bool,
    plot: Path | None,
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
    quiet: bool,
) -> None:
    """Say what VIDEO's rhythm is: motion speed, visual beats, cuts, fades, scenes, tempo, and a grid for music.

    Pictures, or a folder of them, are looked at as the slideshow that cmt generate makes of them.
    """
    from cmt.grid.hits import hits_of
    from cmt.grid.layout import warnings_of
    from cmt.machine.pictures import find_pictures
    from cmt.planning.calibration import read_calibration
    from cmt.planning.mood import scenes_seen
    from cmt.planning.plan import wished_grid
    from cmt.planning.wishes import settled
    from cmt.report.parts import grid_of, picture_of
    from cmt.soundtrack.source import look_at
    from midi_io.whole_file import check_not_read, check_writable

    if plot is not None:
        _check_plot(plot)
        check_writable(plot)
    wishes = timing_wishes(tempo, hit_times, hit_files, tempo_map, tempo_change)
    pictures, _, left_out = find_pictures(videos)
    say_left_out(left_out)
    if len(videos) > 1 and not pictures:
        raise click.UsageError("give one VIDEO, or pictures")
    if plot is not None:
        check_not_read(plot, pictures or videos)
    bars = Bars(quiet)
    try:
        source = look_at(
            pictures or videos, wishes, lambda done, total: bars("analyze", done, total), pictures=bool(pictures)
        )
    finally:
        bars.close()
    rhythm = source.rhythm
    assert rhythm is not None  # there is something to see
    asked = settled(wishes, rhythm.duration)
    timeline, hits = source.grid or wished_grid(rhythm, asked), hits_of(rhythm, asked.markers)
    grid = grid_of(timeline, hits)
    picture, scenes = picture_of(rhythm, grid.bar_borders), scenes_seen(rhythm, read_calibration())
    for warning in (*source.warnings, *warnings_of(timeline, hits, tempo_map=asked.tempo_map)):
        say(f"warning: {with_flags(warning)}", err=True)
    if plot is not None:
        _plot(rhythm, grid.bar_borders, plot)
    if as_json:
        say(json.dumps(_as_json(rhythm, picture, grid, scenes), indent=1))
    else:
        _print_rhythm(rhythm, picture, grid, scenes, plot)


def _check_plot(path: Path) -> None:
    from cmt.soundtrack.picture import FORMATS

    if path.suffix.lower() not in FORMATS:
        raise CmtError(f"{path}: pictures are {', '.join(FORMATS)}; give it one of these endings")


def _plot(rhythm: VideoRhythm, borders: Sequence[float], path: Path) -> None:
    from cmt.soundtrack.picture import draw_rhythm
    from midi_io.whole_file import whole_file

    with whole_file(path) as unfinished:
        try:
            draw_rhythm(rhythm, borders, unfinished)
        except ValueError as error:
            raise CmtError(f"{path}: cannot be drawn ({error})") from None


def _as_json(rhythm: VideoRhythm, picture: Picture, grid: Grid, scenes: Sequence[SceneSeen]) -> dict[str, object]:
    """The picture and the grid as in a report, and between them what no report has."""
    seen = picture.as_json()
    return {
        "video": seen.pop("video"),
        "picture_stream": seen.pop("picture_stream"),
        "duration": rhythm.duration,
        "fps": seen.pop("fps"),
        "n_frame": rhythm.n_frame,
        "width": rhythm.width,
        "height": rhythm.height,
        **grid.as_json(),
        "visual_tempo": seen.pop("visual_tempo"),
        "visual_tempo_confidence": rhythm.tempo_confidence,
        "speed_per_bar": seen.pop("speed_per_bar"),
        **seen,
        "scenes": [scene.as_json() for scene in scenes],
        "fades": [{"kind": fade.kind.value, "begin": fade.begin, "end": fade.end} for fade in rhythm.fades],
        "warnings": list(rhythm.warnings),
    }


def _print_rhythm(
    rhythm: VideoRhythm, picture: Picture, grid: Grid, scenes: Sequence[SceneSeen], plot: Path | None
) -> None:
    visual = "none" if rhythm.tempo is None else f"{rhythm.tempo:.1f} BPM (confidence {rhythm.tempo_confidence:.2f})"
    say(f"picture  {rhythm.width}x{rhythm.height}, {rhythm.fps:.3f} fps, {rhythm.duration:.3f} s")
    say(f"tempo    visual: {visual}; music that fits: {grid_in_words(grid)}")
    print_hits(grid.hits)
    say(f"speed    {_numbers(picture.speed_per_bar, '.3f')}  (diagonals/s, by bar)")
    say(f"beats    {len(rhythm.visual_beats)}: {_numbers((b.time for b in rhythm.visual_beats), '.2f')} s")
    say(f"cuts     {len(rhythm.cuts)}: {_numbers(rhythm.cuts, '.3f')} s")
    fades = ", ".join(f"{fade.kind.value} {fade.begin:.2f}-{fade.end:.2f}" for fade in rhythm.fades[:8])
    more = f" ... ({len(rhythm.fades) - 8} more)" if len(rhythm.fades) > 8 else ""
    say(f"fades    {len(rhythm.fades)}: {fades}{more}{' s' if fades else ''}")
    for number, scene in enumerate(scenes):
        shows = "" if scene.shows is None else f", shows {scene.shows} ({scene.shows_certainty:.0%})"
        place = "" if scene.same_as is None else f", the same place as scene {scene.same_as + 1}"
        say(
            f"{'scenes' if number == 0 else '':8} {number + 1}: {scene.begin:.2f}-{scene.end:.2f} s {scene.colour}"
            f"{shows}, light {scene.luminance:.2f}, motion {scene.motion:.2f}, valence {scene.mood.valence:+.2f} "
            f"(certainty {scene.mood.certainty:.2f}), arousal {scene.mood.arousal:+.2f}{place}"
        )
    if plot is not None:
        say(f"wrote    {plot}")


def _numbers(values: Iterable[float], spec: str, most: int = 16) -> str:
    texts = [format(value, spec) for value in values]
    return " ".join(texts[:most]) + (f" ... ({len(texts) - most} more)" if len(texts) > most else "")
