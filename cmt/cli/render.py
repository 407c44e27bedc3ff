"""`cmt render`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.options import FILE, Bars, loudness_option, soundfont_option
from midi_io.audio_file import AUDIO_FORMATS
from midi_io.synthesis import SAMPLE_RATE


@click.command()
@click.argument("midi", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help=f"The file; its suffix is the format: {', '.join(AUDIO_FORMATS)}. Left out, the MIDI file's name with .wav.",
)
@click.option("--stems", is_flag=True, help="A file of each instrument too: song.drums.wav beside song.wav.")
@soundfont_option("SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, or the one that comes with cmt.")
@loudness_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def render(midi: Path, output: Path | None, stems: bool, soundfont: Path | None, loudness: float, quiet: bool) -> None:
    """Play a MIDI file into a file of sound by FluidSynth, as the file says: programs, volumes, pedal, times."""
    from cmt.film.film import write_sound
    from cmt.machine.files import folder_for_all_or_nothing
    from cmt.machine.memory import check_sound_memory
    from midi_io.audio_file import check_format, format_of
    from midi_io.file_playing import read_to_play
    from midi_io.whole_file import check_place

    target = midi.with_suffix(".wav") if output is None else output
    check_format(format_of(target))
    check_place(target)
    warnings: list[str] = []
    music = read_to_play(midi, warnings.append)
    check_sound_memory(music.duration, str(midi))
    bars = Bars(quiet)
    try:
        with folder_for_all_or_nothing(target.parent) as unfinished:
            sound = write_sound(
                music,
                unfinished / target.name,
                stems=stems,
                soundfont=soundfont,
                loudness=loudness,
                progress=lambda share: bars("render", share, 1.0),
            )
            names = sorted(file.name for file in unfinished.iterdir())
    finally:
        bars.close()
    for line in (*warnings, *sound.fallbacks):
        click.echo(f"warning  {line}", err=True)
    for name in names:
        click.echo(f"wrote    {target.parent / name} ({len(sound.audio) / SAMPLE_RATE:.2f} s)")
