"""`cmt app`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from cmt.app.limits import LIMITS
from cmt.cli.flags import with_flags
from cmt.cli.options import (
    CHECKPOINT_OPTION,
    NumberType,
    soundfont_option,
)
from cmt.cli.saying import say

HOST, PORT = "127.0.0.1", 8760


@click.command("app")
@click.option("--host", default=HOST, show_default=True, help="Address to listen at; another one lets others in.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option(
    "--megabytes",
    type=click.IntRange(1),
    default=LIMITS.megabytes,
    show_default=True,
    help="Largest film that is taken.",
)
@click.option(
    "--minutes",
    type=NumberType(0, min_open=True),
    default=LIMITS.minutes,
    show_default=True,
    help="Longest film that is taken.",
)
@soundfont_option("SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, or the one that comes with cmt.")
@CHECKPOINT_OPTION
def open_app(
    host: str,
    port: int,
    no_browser: bool,
    megabytes: int,
    minutes: float,
    soundfont: Path | None,
    checkpoint: Path | None,
) -> None:
    """Open a page in the browser: drop a film, say what its music shall be, listen, correct, download.

    All of it stays on this machine, and is removed when the command is stopped: download what you want to keep.
    """
    from cmt.app.sessions import Models
    from cmt.app.web.serving import serve

    serve(
        host,
        port,
        open_browser=not no_browser,
        limits=replace(LIMITS, megabytes=megabytes, minutes=minutes),
        models=Models(checkpoint, soundfont),
        say=say,
        warn=lambda line: say(f"warning: {with_flags(line)}", err=True),
    )
