"""The options for sounds of what strikes and moves in the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cmt.cli.options import FILE, ParamType, range_of
from cmt.config import SOUNDS_LIMITS
from cmt.sounds.event import SoundEvent


def events_in(file: Path | None) -> tuple[SoundEvent, ...] | None:
    """The events of a file; None without one."""
    from cmt.report.sounds import read_events

    return None if file is None else read_events(file)


class FolderType(ParamType):
    """A folder, by its whole path: a report keeps it."""

    name = "folder"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The path."""
        return str(FILE.convert(value, param, ctx).absolute())


LIBRARY_OPTION = click.option(
    "--sound-library",
    type=FolderType(),
    metavar="FOLDER",
    help="Sounds of your own: names such as whoosh 2.wav, or sounds.csv, say what each is for.",
)
EVENTS_OPTION = click.option(
    "--sound-events",
    type=FILE,
    metavar="FILE.json",
    help="These sounds and no others: what cmt sounds --json wrote, changed as you like, or a report.",
)


def sound_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `cmt generate` for sounds."""
    dial = click.option(
        "--sounds",
        type=range_of(SOUNDS_LIMITS),
        default=0.0,
        show_default=True,
        help="Sounds of what strikes, cuts and sweeps in the picture: how many, and how loud; 0.5 is a good start.",
    )
    return dial(LIBRARY_OPTION(EVENTS_OPTION(command)))
