"""`cmt generate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from cmt.cli.options import FILE, FREE, Bars, GenreType, InstrumentsType, KeyType, timing_options, timing_wishes
from cmt.cli.wording import count, grid_in_words, print_hits
from cmt.config import Dynamics, GenerateConfig
from cmt.words import Genre
from midi_io.song import Instrument

if TYPE_CHECKING:
    from cmt.soundtrack import Soundtrack


@click.command()
@click.argument("video", type=FILE)
@click.option("-o", "--output", type=FILE, default=Path("out"), show_default=True, help="Folder for the results.")
@click.option("--genre", type=GenreType(), default=FREE, show_default=True, help="Style of the music.")
@click.option(
    "--instruments",
    type=InstrumentsType(),
    default=",".join(instrument.label for instrument in Instrument),
    show_default=True,
    help=f"Tracks that play, all of them, with commas; {FREE} lets the model choose.",
)
@click.option("--key", type=KeyType(), help="TONIC:MODE, e.g. F#:minor; either may be left out (C, :minor).")
@timing_options
@click.option(
    "--control",
    type=click.FloatRange(0, 1),
    default=GenerateConfig.control,
    show_default=True,
    help="How much the picture decides: 0 free music, 1 every bar and visual beat.",
)
@click.option(
    "--dynamics",
    type=click.Choice(get_args(Dynamics)),
    default=GenerateConfig.dynamics,
    show_default=True,
    help="Motion measured against the video itself, or against many videos: then a calm one stays calm.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=GenerateConfig.seed,
    show_default=True,
    help="Another number, another piece.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 5, min_open=True),
    default=GenerateConfig.temperature,
    show_default=True,
    help="Below 1 safer, above 1 wilder.",
)
@click.option(
    "--guidance",
    type=click.FloatRange(0, 10),
    default=GenerateConfig.guidance,
    show_default=True,
    help="How far the genre is driven: 1 as learnt, more is plainer.",
)
@click.option(
    "--original-audio",
    type=click.Choice(["drop", "keep", "mix"]),
    default="drop",
    show_default=True,
    help="The video's own sound: left out, a second track, or mixed with the music.",
)
@click.option("--midi-only", is_flag=True, help="No audio and no video; needs no FluidSynth.")
@click.option(
    "--soundfont", type=FILE, help="SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, the system's, or a small one."
)
@click.option("--checkpoint", type=FILE, help="Model of your own, from cmt train.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def generate(
    video: Path,
    output: Path,
    genre: str,
    instruments: tuple[Instrument, ...] | None,
    key: str | None,
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
    control: float,
    dynamics: Any,
    seed: int,
    temperature: float,
    guidance: float,
    original_audio: Any,
    midi_only: bool,
    soundfont: Path | None,
    checkpoint: Path | None,
    quiet: bool,
) -> None:
    """Write music for VIDEO: MIDI, audio, the video with it, a picture and a report.

    The files are named after the video: clip.mp4 gives clip.mid, clip.wav, clip.mp4, clip.png, clip.json.
    """
    from cmt.soundtrack import make_soundtrack

    wishes = replace(
        timing_wishes(tempo, hit_times, hit_files, tempo_map, tempo_change),
        genre=None if genre == FREE else Genre[genre.upper()],
        instruments=instruments,
        key=key,
        original_audio=original_audio,
        midi_only=midi_only,
    )
    config = GenerateConfig(control=control, dynamics=dynamics, temperature=temperature, guidance=guidance, seed=seed)
    bars = Bars(quiet)
    try:
        soundtrack = make_soundtrack(
            video, output, wishes, config, checkpoint=checkpoint, soundfont=soundfont, progress=bars
        )
    finally:
        bars.close()
    for warning in soundtrack.report["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    if not quiet:
        _print_soundtrack(soundtrack)


def _print_soundtrack(soundtrack: Soundtrack) -> None:
    report = soundtrack.report
    beats, cuts = len(report["visual_beats"]), len(report["cuts"])
    click.echo(f"video    {report['duration']:.2f} s, {count(beats, 'visual beat')}, {count(cuts, 'cut')}")
    click.echo(
        f"music    {grid_in_words(report)}, {report['key']}, "
        f"{report['genre'] or 'any genre'}, {', '.join(report['instruments'])}"
    )
    print_hits(report["hits"])
    asked = [(a, b) for a, b in zip(report["density_asked"], report["density_obtained"], strict=True) if a is not None]
    kept = sum(a == b for a, b in asked)
    click.echo(
        f"control  {report['control']:g}: {len(asked)} of {count(report['n_bar'], 'bar')} with the picture's density "
        f"({kept} exact), {count(len(report['strength_asked']), 'accent')} on visual beats"
    )
    stages = {name: seconds for name, seconds in report["stages"].items() if seconds >= 0.05}
    total = sum(report["stages"].values())
    click.echo(f"took     {total:.1f} s: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()))
    for file in soundtrack.files:
        click.echo(f"wrote    {file}")
