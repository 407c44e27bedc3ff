"""`cmt render`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.handing import SAMPLE_OPTIONS
from cmt.cli.options import FILE, Bars, loudness_option, soundfont_option
from cmt.cli.saying import say
from midi_io.audio_file import AUDIO_FORMATS


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
@SAMPLE_OPTIONS[0]
@SAMPLE_OPTIONS[1]
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def render(
    midi: Path,
    output: Path | None,
    stems: bool,
    soundfont: Path | None,
    loudness: float,
    sample_rate: str,
    bit_depth: str | None,
    quiet: bool,
) -> None:
    """Play a MIDI file into a file of sound by FluidSynth, as the file says: programs, volumes, pedal, times."""
    from cmt.film.film import Finish, write_sound
    from cmt.machine.files import folder_for_all_or_nothing
    from cmt.machine.memory import check_disk
    from midi_io.audio_file import check_format, check_length, check_samples, format_of
    from midi_io.file_playing import read_to_play
    from midi_io.song import Instrument
    from midi_io.whole_file import check_writable

    target = midi.with_suffix(".wav") if output is None else output
    finish = Finish(int(sample_rate), None if bit_depth is None else int(bit_depth))
    check_format(format_of(target))
    check_samples(format_of(target), finish.sample_rate, finish.bit_depth)
    check_writable(target)
    warnings: list[str] = []
    music = read_to_play(midi, warnings.append)
    check_length(format_of(target), music.duration, finish.sample_rate, finish.bit_depth)
    check_disk(music.duration, finish.sample_rate, len(Instrument) if stems else 0, target.parent)
    bars = Bars(quiet)
    try:
        with folder_for_all_or_nothing(target.parent) as unfinished:
            sound = write_sound(
                music,
                unfinished / target.name,
                stems=stems,
                soundfont=soundfont,
                loudness=loudness,
                finish=finish,
                progress=lambda share: bars("render", share, 1.0),
            )
            names = sorted(file.name for file in unfinished.iterdir())
    finally:
        bars.close()
    for line in (*warnings, *sound.fallbacks):
        say(f"warning  {line}", err=True)
    for name in names:
        say(f"wrote    {target.parent / name} ({len(sound.audio) / finish.sample_rate:.2f} s)")
