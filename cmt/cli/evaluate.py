"""`cmt evaluate`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cmt.cli.flags import SOUNDFONT_VARIABLE, with_flags
from cmt.cli.options import (
    FILE,
    JOBS_OPTION,
    Bars,
)
from cmt.cli.saying import say
from cmt.errors import CmtError
from cmt.machine.files import check_folder
from cmt.machine.plural import count
from cmt.music.words import GENRES

FEW = 5
"""At most this many files of a reference that are left out are named."""


@click.command()
@click.argument("midis", metavar="MIDI...", type=FILE, nargs=-1)
@click.option("-o", "--output", type=FILE, required=True, help="Folder for the page, the JSON and the CSV files.")
@click.option(
    "--compare", is_flag=True, help="Each MIDI is a folder, a set of pieces; hold the others against the first."
)
@click.option("--video", type=FILE, help="The video that all the pieces are for.")
@click.option("--pairs", "pair_list", type=FILE, help="CSV file of lines MIDI,VIDEO, paths from its own folder.")
@click.option("--reference", type=FILE, help="Folder of MIDI files or pack of songs. Else LPD's values, as shipped.")
@click.option("--reference-genre", type=click.Choice(list(GENRES)), help="Shipped values of one genre.")
@click.option("--no-audio", is_flag=True, help="Render nothing: AV-Align is left out.")
@JOBS_OPTION
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of chance levels and intervals.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no table.")
def evaluate(
    midis: tuple[Path, ...],
    output: Path,
    compare: bool,
    video: Path | None,
    pair_list: Path | None,
    reference: Path | None,
    reference_genre: str | None,
    no_audio: bool,
    jobs: int | None,
    seed: int,
    quiet: bool,
) -> None:
    """Measure MIDI files (or folders of them): music, control, synchrony with their videos, each beside its chance.

    What was asked is read from the report that cmt generate leaves beside a MIDI file.
    """
    from cmt.evaluation.compare import compare_evaluations, names_of_sets
    from cmt.evaluation.compare_files import comparison_table, write_comparison
    from cmt.evaluation.evaluate import evaluate_sets, pairs_of
    from cmt.evaluation.files import table_of, write_evaluation
    from cmt.machine.workers import processors

    if pair_list is not None and video is not None:
        raise click.UsageError("--video and --pairs exclude each other")
    if reference is not None and reference_genre is not None:
        raise click.UsageError("--reference and --reference-genre exclude each other")
    if compare and pair_list is not None:
        raise click.UsageError("--pairs lists single pieces, and --compare is of folders; leave one of them out")
    names = names_of_sets(midis) if compare else ()
    sets = [pairs_of([folder], video) for folder in midis] if compare else [pairs_of(midis, video, pair_list)]
    check_folder(output)
    bars = Bars(quiet)
    try:
        evaluations = evaluate_sets(
            sets,
            reference,
            genre=GENRES[reference_genre] if reference_genre else None,
            jobs=jobs or processors(),
            audio=not no_audio,
            soundfont=os.environ.get(SOUNDFONT_VARIABLE) or None,
            seed=seed,
            progress=bars,
        )
    finally:
        bars.close()
    notes = evaluations[0].reference.notes
    for note in (*notes[:FEW], *([f"left out: {len(notes) - FEW} more"] if len(notes) > FEW else [])):
        say(note, err=True)
    if compare:
        comparison = compare_evaluations(names, evaluations, seed)
        files, lines = write_comparison(comparison, output), comparison_table(comparison)
    else:
        files, lines = write_evaluation(evaluations[0], output), table_of(evaluations[0])
    if not quiet:
        for line in lines:
            say(with_flags(line))
        for file in files:
            say(f"wrote    {file}")
    for evaluation in evaluations:
        if not evaluation.measured:
            raise CmtError(f"none of {count(len(evaluation.pieces), 'piece')} could be measured; {output} says why")
