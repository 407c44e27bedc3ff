"""`cmt index`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from cmt.cli.flags import with_flags
from cmt.cli.options import (
    FILE,
    JOBS_OPTION,
    Bars,
    scheduler_option,
)
from cmt.cli.saying import say
from cmt.cli.stopping import Stopped
from cmt.errors import CmtError
from cmt.machine.files import check_folder
from cmt.machine.plural import count

MOST_SHOWN = 20
"""At most this many unreadable files are listed unless all are asked for."""


@click.command()
@click.argument("libraries", metavar="LIBRARY...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, help="Folder of the index; made, or brought up to date.")
@JOBS_OPTION
@scheduler_option("Of a dask cluster that reads instead, tcp://host:8786.")
@click.option("--failures", is_flag=True, help=f"List every file that could not be read, not just {MOST_SHOWN}.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def index(
    libraries: tuple[Path, ...], output: Path, jobs: int | None, scheduler: str | None, failures: bool, quiet: bool
) -> None:
    """Read LIBRARY once, for cmt match: MIDI files, pianorolls (.npz), packs of songs (.npz.xz), folders of them.

    Run again, it adds what is new or changed and drops what has gone. A file in a folder that is named after a
    genre, such as pop, is of that genre.
    """
    from cmt.machine.workers import Workers
    from cmt.matching.indexing import update_index

    check_folder(output)
    bars = Bars(quiet)
    start = time.perf_counter()
    try:
        with Workers(jobs, scheduler) as workers:
            update = update_index(libraries, output, workers, bars)
    except KeyboardInterrupt:
        bars.close()
        raise Stopped(f"what {output} has so far is kept, the same command goes on from there") from None
    finally:
        bars.close()
    shown = update.failures if failures else update.failures[:MOST_SHOWN]
    for failure in shown:
        say(f"left out: {with_flags(failure)}", err=True)
    if len(shown) < len(update.failures):
        say(f"left out: {len(update.failures) - len(shown)} more; --failures lists them all", err=True)
    if update.failures and not update.n_here:
        raise CmtError(f"none of {count(len(update.failures), 'file')} could be read; see above")
    if quiet:
        return
    say(
        f"index    {count(update.n_added + update.n_kept, 'piece')}: {update.n_added} read, {update.n_kept} kept, "
        f"{update.n_dropped} dropped, {count(len(update.failures), 'file')} left out"
    )
    say(f"took     {time.perf_counter() - start:.1f} s")
    say(f"wrote    {output}")
