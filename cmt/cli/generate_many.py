"""`cmt generate` for several videos: progress, the table at the end, the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from cmt.cli.flags import with_flags
from cmt.cli.saying import say, say_left_out
from cmt.cli.stopping import Stopped
from cmt.machine.plural import count

if TYPE_CHECKING:
    from cmt.soundtrack.batch import Outcome, Settings

WIDEST = 40
"""The table shows at most this many characters of a video's name."""


def generate_many(
    places: Sequence[Path],
    settings: Settings,
    jobs: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Make music for all videos at `places`; exit with 1 if one failed, as a script wants to know."""
    from cmt.machine.videos import find_videos
    from cmt.soundtrack.batch import LOG, make_soundtracks

    output = settings.folder
    found = find_videos(places, output)
    say_left_out(found.left_out)
    settings = replace(
        settings,
        folder=output.absolute(),
        checkpoint=_absolute(settings.checkpoint),
        soundfont=_absolute(settings.soundfont),
        wishes=replace(settings.wishes, like=_absolute_name(settings.wishes.like)),
    )
    shown = not quiet and sys.stderr.isatty()
    bar = tqdm(total=len(found.videos), desc="videos", leave=False, disable=not shown)

    def progress(outcome: Outcome) -> None:
        if outcome.status == "failed":
            bar.clear()
            say(f"failed: {with_flags(outcome.error)}", err=True)
        for warning in outcome.warnings if outcome.is_new else ():
            bar.clear()
            say(f"warning: {outcome.name}: {with_flags(warning)}", err=True)
        bar.update()

    try:
        outcomes = make_soundtracks(found.videos, settings, jobs=jobs, scheduler=scheduler, progress=progress)
    except KeyboardInterrupt:
        n_done = bar.n
        bar.close()
        raise Stopped(
            f"{count(n_done, 'video')} of {len(found.videos)} done, the same command goes on from there"
        ) from None
    finally:
        bar.close()
    if not quiet:
        _print_table(outcomes, found.n_other, output / LOG)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _absolute(path: Path | None) -> Path | None:
    """The absolute path: workers may stand in another folder."""
    return None if path is None else path.expanduser().absolute()


def _absolute_name(path: str | None) -> str | None:
    return None if path is None else str(_absolute(Path(path)))


def _print_table(outcomes: Sequence[Outcome], n_other: int, log: Path) -> None:
    names = [_shortened(outcome.video) for outcome in outcomes]
    wide = max(map(len, names))
    for name, outcome in zip(names, outcomes, strict=True):
        if outcome.status == "failed":
            say(f"failed   {name:{wide}}  {with_flags(outcome.error)}")
            continue
        music = outcome.summary
        assert music is not None  # whoever is done has one
        say(
            f"{'made' if outcome.is_new else 'kept':8} {name:{wide}}  {music.duration:7.2f} s  "
            f"{count(music.n_bar, 'bar'):>8} at {music.tempo:6.2f} BPM  {music.key:8}  "
            f"{outcome.seconds:6.1f} s of work  {outcome.name}.mid"
        )
    made = sum(outcome.status == "done" and outcome.is_new for outcome in outcomes)
    kept = sum(outcome.status == "done" and not outcome.is_new for outcome in outcomes)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    parts = [f"{count(len(outcomes), 'video')}: {made} made"]
    if kept:
        parts.append(f"{kept} kept from before, made with the same settings (remove {log} to make them again)")
    parts.append(f"{failed} failed")
    if n_other:
        parts.append(f"{count(n_other, 'other file')} passed over")
    say(", ".join(parts))
    say(f"wrote    {log}")


def _shortened(path: str) -> str:
    """The path from this folder if it lies below; only its end if it is long."""
    name = os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path
    return name if len(name) <= WIDEST else f"...{name[3 - WIDEST :]}"
