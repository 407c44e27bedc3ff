"""`cmt render`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.options import FILE, Bars, loudness_option, soundfont_option


@click.command()
@click.argument("midi", type=FILE)
@click.option("-o", "--output", type=FILE, help="WAV file. Left out, the MIDI file's name with .wav.")
@soundfont_option("SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, or the one that comes with cmt.")
@loudness_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def render(midi: Path, output: Path | None, soundfont: Path | None, loudness: float, quiet: bool) -> None:
    """Play MIDI into a WAV file by FluidSynth, each track with its own sound."""
    from midi_io import read_performance, write_wav
    from midi_io.rendering import sound_of
    from midi_io.synthesis import SAMPLE_RATE

    target = midi.with_suffix(".wav") if output is None else output
    performance = read_performance(midi)
    bars = Bars(quiet)
    try:
        sound = sound_of(
            performance,
            soundfont=soundfont,
            sample_rate=SAMPLE_RATE,
            loudness=loudness,
            progress=lambda share: bars("render", share, 1.0),
        )
    finally:
        bars.close()
    write_wav(sound.audio, target, SAMPLE_RATE)
    for line in sound.fallbacks:
        click.echo(f"warning  {line}", err=True)
    click.echo(f"wrote    {target} ({len(sound.audio) / SAMPLE_RATE:.2f} s)")
