"""`cmt prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.options import (
    FILE,
    JOBS_OPTION,
    Bars,
    NumberType,
    scheduler_option,
)
from cmt.cli.saying import say
from cmt.cli.stopping import Stopped
from cmt.config import PrepareConfig
from cmt.machine.files import check_folder
from cmt.machine.plural import count


@click.command()
@click.argument("sources", metavar="SOURCE...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", "folder", type=FILE, required=True, help="Folder of the corpus; must not exist.")
@click.option("--labels", "label_folder", type=FILE, help="Folder of LPD's genre lists. Else genres are left free.")
@click.option(
    "--min-bars",
    type=click.IntRange(1),
    default=PrepareConfig.min_bars,
    show_default=True,
    help="Fewest bars of a song.",
)
@click.option(
    "--min-tracks",
    type=click.IntRange(1, 5),
    default=PrepareConfig.min_tracks,
    show_default=True,
    help=f"Fewest of the five tracks that play {PrepareConfig.min_track_notes} notes or more.",
)
@click.option(
    "--min-on-grid",
    type=NumberType(0, 1),
    default=PrepareConfig.min_on_grid,
    show_default=True,
    help="Smallest share of notes that start on a sixteenth.",
)
@click.option(
    "--validation",
    "validation_share",
    type=NumberType(0, 1),
    default=PrepareConfig.validation_share,
    show_default=True,
    help="Share of songs held out, where packs do not say it themselves.",
)
@JOBS_OPTION
@scheduler_option("A dask scheduler, tcp://host:8786: its workers read the files.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def prepare(
    sources: tuple[Path, ...],
    folder: Path,
    label_folder: Path | None,
    min_bars: int,
    min_tracks: int,
    min_on_grid: float,
    validation_share: float,
    jobs: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Make a corpus to train on of SOURCE: folders of LPD or of MIDI files, and packs.

    A run that was stopped or killed goes on where it was when the same command is given again.
    """
    from cmt.corpus.labels import NO_LABELS, read_labels
    from cmt.corpus.prepare import UNFINISHED
    from cmt.corpus.prepare import prepare as prepare_corpus
    from cmt.machine.workers import Workers

    if jobs is not None and scheduler is not None:
        raise click.UsageError("--jobs counts processes of this machine; with --scheduler the cluster decides")
    config = PrepareConfig(
        min_bars=min_bars, min_tracks=min_tracks, min_on_grid=min_on_grid, validation_share=validation_share
    )
    if not folder.exists():
        check_folder(folder)
    labels = read_labels(label_folder) if label_folder is not None else NO_LABELS
    bars = Bars(quiet)
    try:
        with Workers(jobs, scheduler) as workers:
            prepared = prepare_corpus(sources, folder, labels=labels, config=config, workers=workers, progress=bars)
    except KeyboardInterrupt:
        bars.close()
        raise Stopped(f"what was read is in {folder}{UNFINISHED}, the same command goes on from there") from None
    finally:
        bars.close()
    if quiet:
        return
    rate = f", {prepared.n_read / prepared.seconds:.1f} a second" if prepared.n_read else ""
    kept = prepared.n_file - prepared.n_read
    earlier = f"; {count(kept, 'song')} had been read before" if kept else ""
    say(f"read     {count(prepared.n_read, 'song')} in {prepared.seconds:.1f} s{rate}{earlier}")
    for reason, n in sorted(prepared.left_out.items(), key=lambda item: -item[1]):
        say(f"left out {n:5}  {reason}")
    splits = ", ".join(f"{n} {split}" for split, n in sorted(prepared.n_song.items()))
    n_song = sum(prepared.n_song.values())
    say(f"kept     {n_song:5}  ({splits}), {prepared.n_labelled} of them with a genre")
    if label_folder is None and not prepared.n_labelled:
        say("no genre lists (--labels): the genre of every song is left free")
    say(f"wrote    {folder}; report.json tells why songs were left out, stats.png what is in it")
