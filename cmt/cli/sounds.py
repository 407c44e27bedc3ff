"""`cmt sounds`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.options import FILE, Bars, loudness_option, range_of
from cmt.cli.saying import say
from cmt.cli.sounding import EVENTS_OPTION, LIBRARY_OPTION, events_in
from cmt.config import SOUNDS_LIMITS

USUAL = 0.5


@click.command()
@click.argument("video", type=FILE)
@click.option("-o", "--output", type=FILE, default=Path("out"), show_default=True, help="Folder for the results.")
@click.option(
    "--sounds",
    "dial",
    type=range_of(SOUNDS_LIMITS),
    default=USUAL,
    show_default=True,
    help="How many, and how loud.",
)
@click.option("--json", "as_json", is_flag=True, help="Only the events, as JSON on stdout, for --sound-events.")
@LIBRARY_OPTION
@EVENTS_OPTION
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another number, other sounds.")
@loudness_option
@click.option("--overwrite", is_flag=True, help="Replace files of the same name.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def sounds(
    video: Path,
    output: Path,
    dial: float,
    as_json: bool,
    sound_library: str | None,
    sound_events: Path | None,
    seed: int,
    loudness: float,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Give VIDEO sounds of what strikes, cuts, sweeps and lies in its picture, without music.

    clip.mp4 gives clip.sounds.wav, clip.sounds.mp4 and clip.sounds.json, the events, to change and give back with
    --sound-events. They are designed sounds, hits and whooshes and beds of noise, no recordings of what is seen.
    """
    from cmt.report.sounds import events_as_json
    from cmt.soundtrack.sounds_alone import check_sound_files, make_sounds, sounds_of_video

    if not dial:
        raise click.UsageError("--sounds 0 asks for none; give a number above 0, such as 0.5")
    if not as_json:
        check_sound_files(video, output, overwrite=overwrite)
    chosen = events_in(sound_events)
    bars = Bars(quiet or as_json)
    try:
        sounding = sounds_of_video(video, dial, seed=seed, library=sound_library, events=chosen, progress=bars)
        made = None
        if not as_json:
            made = make_sounds(video, output, sounding, loudness=loudness, overwrite=overwrite, progress=bars)
    finally:
        bars.close()
    for line in (*sounding.warnings, *(() if made is None else made.notes)):
        say(f"warning: {line}", err=True)
    if made is None:
        say(events_as_json(sounding.events), nl=False)
        return
    if not quiet:
        beds = sum(event.is_bed for event in sounding.events)
        say(f"sounds   {len(sounding.events) - beds}, and {beds} under scenes")
        for file in made.files:
            say(f"wrote    {file}")
