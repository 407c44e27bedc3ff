"""`cmt sample`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.options import (
    ALL,
    CHECKPOINT_OPTION,
    FILE,
    FREE,
    GUIDANCE_OPTION,
    INT8_OPTION,
    TEMPERATURE_OPTION,
    Bars,
    GenreType,
    InstrumentsType,
    chosen_genre,
    range_of,
)
from cmt.cli.saying import say
from cmt.config import BARS_LIMITS, MOST_SAMPLED, TEMPO_LIMITS, GenerateConfig
from cmt.machine.plural import count
from cmt.music.words import Genre, Mode
from midi_io.song import Instrument

MODES = {mode.label: mode for mode in Mode}


@click.command()
@click.option(
    "-n", "--songs", "n_song", type=click.IntRange(1, MOST_SAMPLED), default=1, show_default=True, help="How many."
)
@click.option("-o", "--output", type=FILE, required=True, help="Folder for the songs.")
@click.option("--genre", type=GenreType(), help="Left out, one genre after the other; free leaves it to the model.")
@click.option("--mode", type=click.Choice(list(MODES)), help="Left out, as often as songs of the genre have it.")
@click.option("--tempo", type=range_of(TEMPO_LIMITS), help="BPM. Left out, drawn from the genre's usual.")
@click.option(
    "--bars",
    type=click.IntRange(int(BARS_LIMITS.least), int(BARS_LIMITS.most)),
    help="Left out, 8, 16, 32 or 64, each as likely.",
)
@click.option(
    "--instruments",
    type=InstrumentsType(),
    default=FREE,
    show_default=True,
    help=f"Comma-separated tracks, every one of which plays, or {ALL}; {FREE}: as songs of the genre have them.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the first song; the others follow."
)
@TEMPERATURE_OPTION
@GUIDANCE_OPTION
@INT8_OPTION
@CHECKPOINT_OPTION
@click.option("--reports", is_flag=True, help="The report of each song too, where cmt evaluate reads what was asked.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def sample(
    n_song: int,
    output: Path,
    genre: str | None,
    mode: str | None,
    tempo: float | None,
    bars: int | None,
    instruments: tuple[Instrument, ...] | None,
    seed: int,
    temperature: float,
    guidance: float,
    int8: bool,
    checkpoint: Path | None,
    reports: bool,
    quiet: bool,
) -> None:
    """Write songs without videos, many side by side, to study a model by: MIDI files, and a table of them, songs.csv.

    The same seed writes the same songs, whatever their number. All appear at the end, or none does.
    """
    from cmt.soundtrack.sampling import SampleWishes, sample_songs

    wishes = SampleWishes(
        genres=tuple(Genre) if genre is None else (chosen_genre(genre),),
        mode=None if mode is None else MODES[mode],
        tempo=tempo,
        bars=bars,
        instruments=instruments,
    )
    config = GenerateConfig(temperature=temperature, guidance=guidance, int8=int8, seed=seed)
    progress = Bars(quiet)
    try:
        sampled = sample_songs(
            n_song, output, wishes, config, checkpoint=checkpoint, reports=reports, progress=progress
        )
    finally:
        progress.close()
    if not quiet:
        say(f"songs    {count(n_song, 'song')}, {sampled.n_note} notes, {sampled.seconds / 60:.1f} minutes")
        say(f"wrote    {output}; songs.csv has a line for each")
