"""`cmt generate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from cmt.band.programs import ChosenProgram
from cmt.cli.describing import describe_options, described
from cmt.cli.flags import with_flags
from cmt.cli.generate_many import generate_many
from cmt.cli.options import (
    FILE,
    FREE,
    Bars,
    ChordsType,
    FormType,
    GenreType,
    GroupedCommand,
    InstrumentsType,
    KeyType,
    MuteType,
    ProgramType,
    SectionType,
    chosen_genre,
    chosen_programs,
    duck_option,
    loudness_option,
    range_of,
    scheduler_option,
    soundfont_option,
    timing_options,
    timing_wishes,
)
from cmt.cli.wording import grid_in_words, print_hits
from cmt.config import AUDIO_FORMAT, CONTROL_LIMITS, GUIDANCE_LIMITS, TEMPERATURE_LIMITS, Dynamics, GenerateConfig
from cmt.film.ducking import gain_under
from cmt.machine.plural import count
from cmt.music.key import WishedKey
from cmt.planning.energy import LEVELS, NAMES, Energy, Section, energy_of_sections, read_energy
from cmt.planning.form import WishedForm
from cmt.planning.mutes import Mute
from cmt.planning.progression import Progression
from midi_io.audio_file import AUDIO_FORMATS
from midi_io.general_midi import sound_name
from midi_io.song import Instrument

if TYPE_CHECKING:
    from cmt.report.parts import Take
    from cmt.report.report import Report
    from cmt.report.speech import Speech
    from cmt.soundtrack.make import Soundtrack

SECTIONS = "--section"
"""The option that gives sections; a report names it as their source."""

HEADINGS = {
    "The music": ("describe", "mood", "genre", "instruments", "mutes", "key", "chords", "form", "length"),
    "Its time": ("tempo", "hit_times", "hit_files", "tempo_map", "tempo_change"),
    "What leads it": ("control", "dynamics", "energy_file", "sections"),
    "How it is written": ("seed", "takes", "keep_takes", "temperature", "guidance", "checkpoint"),
    "How it sounds": ("programs", "quantized", "loudness", "soundfont"),
    "What comes out": ("output", "name", "original_audio", "duck", "format", "stems", "midi_only", "quiet"),
    "Many videos": ("jobs", "scheduler"),
}


CHORDS_SHOWN = 8
"""The chords of so many bars are printed."""


@click.command(cls=GroupedCommand, headings=HEADINGS)
@click.argument("videos", type=FILE, nargs=-1, metavar="[VIDEO|FOLDER]...")
@click.option("-o", "--output", type=FILE, default=Path("out"), show_default=True, help="Folder for the results.")
@click.option("--name", metavar="NAME", help="What the results are called, instead of the video's name.")
@describe_options
@click.option("--genre", type=GenreType(), default=FREE, show_default=True, help="Style of the music.")
@click.option(
    "--instruments",
    type=InstrumentsType(),
    default=",".join(instrument.label for instrument in Instrument),
    show_default=True,
    help=f"Comma-separated tracks, every one of which plays; {FREE} lets the model choose.",
)
@click.option(
    "--mute",
    "mutes",
    type=MuteType(),
    multiple=True,
    metavar="INSTRUMENT@BEGIN-END",
    help="Seconds in which a track is silent: drums@0-4, or drums@8- to the end; as often as you like.",
)
@click.option("--key", type=KeyType(), help="TONIC:MODE, e.g. F#:minor; either may be left out (C, :minor).")
@click.option(
    "--chords",
    type=ChordsType(),
    metavar="TEXT",
    help='One a bar, repeated: "C G Am F"; two a bar: "C G | Am F"; by section: "A: C G; B: F".',
)
@click.option(
    "--form",
    type=FormType(),
    metavar="TEXT",
    help=f'Sections in order, with bars if you like: "AABA", "intro:4 A B outro"; names: {", ".join(NAMES)}.',
)
@click.option(
    "--length", type=float, metavar="SECONDS", help="Music without a video; its tempo is drawn from the genre's."
)
@timing_options
@click.option(
    "--control",
    type=range_of(CONTROL_LIMITS),
    default=GenerateConfig.control,
    show_default=True,
    help="How much the picture decides: 0 free music, 1 every bar and visual beat.",
)
@click.option(
    "--dynamics",
    type=click.Choice(get_args(Dynamics)),
    default=GenerateConfig.dynamics,
    show_default=True,
    help="Each bar as lively as the video, less or more so than its own middle, or as that bar is among many videos.",
)
@click.option(
    "--energy",
    "energy_file",
    type=FILE,
    help="A curve that overrides the picture, from a CSV file: seconds, and 0 (calm) to 1 (intense).",
)
@click.option(
    SECTIONS,
    "sections",
    type=SectionType(),
    multiple=True,
    metavar="SECONDS:LEVEL[:MOOD]",
    help=f"The same in steps: from there on {', '.join(LEVELS)}, a number from 0 to 1, the name of a section as in "
    f"--form, or {FREE}; and a mood, as in --mood.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=GenerateConfig.seed,
    show_default=True,
    help="Another number, another piece.",
)
@click.option(
    "--takes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Pieces to write, from the seed on; the best is kept.",
)
@click.option("--keep-takes", is_flag=True, help="Keep the other takes' MIDI files too.")
@click.option(
    "--temperature",
    type=range_of(TEMPERATURE_LIMITS),
    default=GenerateConfig.temperature,
    show_default=True,
    help="Below 1 safer, above 1 wilder.",
)
@click.option(
    "--guidance",
    type=range_of(GUIDANCE_LIMITS),
    default=GenerateConfig.guidance,
    show_default=True,
    help="How far genre and mode are driven: 1 as learnt, more is plainer.",
)
@click.option(
    "--original-audio",
    is_eager=True,  # --duck looks at it
    type=click.Choice(["drop", "keep", "mix"]),
    default="drop",
    show_default=True,
    help="The video's own sound: left out, a second track, or mixed with the music.",
)
@click.option(
    "--program",
    "programs",
    type=ProgramType(),
    multiple=True,
    metavar="INSTRUMENT=SOUND",
    help="Another sound than the genre's: guitar=30, 'guitar=distortion guitar', 'drums=jazz kit'.",
)
@click.option("--quantized", is_flag=True, help="Every note exactly on its sixteenth, not as players would.")
@duck_option("Where the original is mixed: how far the music goes down under speech in it, or off.")
@loudness_option
@click.option(
    "--format",
    type=click.Choice(AUDIO_FORMATS),
    default=AUDIO_FORMAT,
    show_default=True,
    help="Format of the music's own file, beside the video.",
)
@click.option("--stems", is_flag=True, help="A file of each instrument too: clip.drums.wav beside clip.wav.")
@click.option("--midi-only", is_flag=True, help="No audio and no video; needs no FluidSynth.")
@soundfont_option("SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, or the one that comes with cmt.")
@click.option("--checkpoint", type=FILE, help="Model of your own, from cmt train.")
@click.option("--jobs", type=click.IntRange(1), help="Videos at once.  [default: one for each processor]")
@scheduler_option("dask scheduler of a cluster that works, tcp://host:8786.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def generate(
    videos: tuple[Path, ...],
    output: Path,
    name: str | None,
    describe: str | None,
    mood: str | None,
    genre: str,
    instruments: tuple[Instrument, ...] | None,
    mutes: tuple[Mute, ...],
    key: WishedKey | None,
    chords: Progression | None,
    form: WishedForm | None,
    length: float | None,
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
    control: float,
    dynamics: Any,
    energy_file: Path | None,
    sections: tuple[Section, ...],
    seed: int,
    takes: int,
    keep_takes: bool,
    temperature: float,
    guidance: float,
    original_audio: Any,
    programs: tuple[ChosenProgram, ...],
    quantized: bool,
    duck: float | None,
    loudness: float,
    format: str,
    stems: bool,
    midi_only: bool,
    soundfont: Path | None,
    checkpoint: Path | None,
    jobs: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Write music for a VIDEO: MIDI, audio, the video with it, a picture and a report.

    The files are named after the video: clip.mp4 gives clip.mid, clip.wav, clip.mp4, clip.png, clip.json. Of a FOLDER
    every video gets music, and generate.jsonl in the output folder a line for each. Without a video, --length says
    how long the music is.
    """
    from cmt.report.description import Told
    from cmt.soundtrack.batch import Settings
    from cmt.soundtrack.make import make_soundtrack
    from cmt.soundtrack.output import Output

    if length is not None and original_audio != "drop":
        raise click.UsageError("--original-audio is a video's; there is none with --length")
    if keep_takes and takes == 1:
        raise click.UsageError("--keep-takes keeps what --takes wrote; add --takes 4")
    if midi_only and (stems or format != AUDIO_FORMAT):
        raise click.UsageError("--midi-only writes no sound; leave it out, or leave out --stems and --format")
    wishes = replace(
        timing_wishes(tempo, hit_times, hit_files, tempo_map, tempo_change),
        genre=chosen_genre(genre),
        instruments=instruments,
        mutes=mutes,
        key=key,
        chords=chords,
        form=form,
        length=length,
        energy=_energy(energy_file, sections),
        takes=takes,
    )
    chosen, told = chosen_programs(programs), Told()
    asked = described(describe, mood, wishes, chosen, with_video=bool(videos), quiet=quiet)
    if asked is not None:
        wishes, chosen, told = asked.wishes, dict(asked.programs), asked.told
    if (wishes.length is None) == (not videos):
        raise click.UsageError("give a VIDEO, a FOLDER, or --length SECONDS for music without one")
    written = Output(
        keep_takes=keep_takes,
        original_audio=original_audio,
        midi_only=midi_only,
        format=format,
        stems=stems,
        loudness=loudness,
        programs=chosen,
        quantized=quantized,
        duck=duck,
    )
    config = GenerateConfig(control=control, dynamics=dynamics, temperature=temperature, guidance=guidance, seed=seed)
    if len(videos) > 1 or scheduler is not None or any(video.is_dir() for video in videos):
        if name is not None:
            raise click.UsageError("--name is for one video")
        settings = Settings(
            output, wishes, config, checkpoint=checkpoint, soundfont=soundfont, output=written, told=told
        )
        generate_many(videos, settings, jobs, scheduler, quiet)
        return
    bars = Bars(quiet)
    try:
        soundtrack = make_soundtrack(
            videos[0] if videos else None,
            output,
            wishes,
            config,
            output=written,
            name=name,
            checkpoint=checkpoint,
            soundfont=soundfont,
            told=told,
            progress=bars,
        )
    finally:
        bars.close()
    for warning in soundtrack.report.warnings:
        click.echo(f"warning: {with_flags(warning)}", err=True)
    if not quiet:
        _print_soundtrack(soundtrack)


def _energy(file: Path | None, sections: tuple[Section, ...]) -> Energy | None:
    if file is not None and sections:
        raise click.UsageError("--energy and --section say the same in two ways; leave one of them out")
    if file is not None:
        return read_energy(file)
    return energy_of_sections(sections, SECTIONS) if sections else None


def _print_soundtrack(soundtrack: Soundtrack) -> None:
    report = soundtrack.report
    if report.picture is not None:
        beats, cuts = len(report.picture.visual_beats), len(report.picture.cuts)
        click.echo(f"video    {report.duration:.2f} s, {count(beats, 'visual beat')}, {count(cuts, 'cut')}")
    genre = "any genre" if report.genre is None else report.genre.label
    instruments = ", ".join(instrument.label for instrument in report.instruments)
    click.echo(f"music    {grid_in_words(report.grid)}, {report.key}, {genre}, {instruments}")
    click.echo(f"band     {_band_in_words(report)}")
    if report.form:
        click.echo(f"form     {_form_in_words(report)}")
    if report.picture is not None or report.markers:
        print_hits(report.grid.hits)
    _print_orders(report)
    if report.speech is not None:
        click.echo(f"speech   {_speech_in_words(report.speech, report.duration)}")
    _print_takes(report.takes)
    stages = {name: seconds for name, seconds in report.stages.items() if seconds >= 0.05}
    total = sum(report.stages.values())
    click.echo(f"took     {total:.1f} s: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()))
    for file in soundtrack.files:
        click.echo(f"wrote    {file}")


def _band_in_words(report: Report) -> str:
    """``jazz kit, acoustic grand piano, overdriven guitar (left and right)``."""
    sounds = (sound_name(voice.program, voice.instrument is Instrument.DRUMS) for voice in report.band)
    both = (" (left and right)" if voice.doubled else "" for voice in report.band)
    return ", ".join(f"{sound}{sides}" for sound, sides in zip(sounds, both, strict=True))


def _form_in_words(report: Report) -> str:
    """``A 4, B 8, A 4 bars; chords C, G, Am, F ...``."""
    ends = [*(section.bar for section in report.form[1:]), report.grid.n_bar]
    lengths = (f"{section.name} {end - section.bar}" for section, end in zip(report.form, ends, strict=True))
    shown = ", ".join(" ".join(bar) for bar in report.chords[:CHORDS_SHOWN])
    more = " ..." if len(report.chords) > CHORDS_SHOWN else ""
    return f"{', '.join(lengths)} bars; chords {shown}{more}"


def _print_orders(report: Report) -> None:
    """What the picture ordered, what the energy, what is muted."""
    bars = list(zip(report.asked.density, report.obtained.density, report.energy_per_bar, strict=True))
    by_picture = [asked == obtained for asked, obtained, energy in bars if asked is not None and energy is None]
    by_energy = [asked == obtained for asked, obtained, energy in bars if energy is not None]
    n_bar = count(report.grid.n_bar, "bar")
    if report.picture is not None:
        accents = count(len({(order.bar, order.position) for order in report.asked.strengths}), "accent")
        click.echo(
            f"control  {report.config.control:g}: {len(by_picture)} of {n_bar} with the picture's density "
            f"({sum(by_picture)} exact), {accents} on visual beats"
        )
    if report.energy is not None:
        click.echo(
            f"energy   {len(by_energy)} of {n_bar} with a density of your own "
            f"({sum(by_energy)} exact): {_energy_in_words(report, report.energy.source)}"
        )
    if report.mutes:
        spans = (f"{mute.instrument.label} {mute.begin:g} to {mute.end:g} s" for mute in report.mutes)
        click.echo(f"muted    {', '.join(spans)}")


def _energy_in_words(report: Report, source: str) -> str:
    """Where sections begin to be heard, ``0.05 from bar 1 (0.00 s), 0.9 from bar 7 (12.31 s)``; a curve's range."""
    energies = report.energy_per_bar
    known = [energy for energy in energies if energy is not None]
    if source != SECTIONS:
        return f"{source}, {min(known):.2g} to {max(known):.2g}" if known else "none"
    return ", ".join(
        f"{FREE if energy is None else format(energy, '.2g')} from bar {bar + 1} ({report.grid.bar_borders[bar]:.2f} s)"
        for bar, energy in enumerate(energies)
        if bar == 0 or energy != energies[bar - 1]
    )


def _speech_in_words(speech: Speech, duration: float) -> str:
    """``3 spans, 12.4 of 40.0 s; music 14 dB down under them, -16.2 LUFS``."""
    if not speech.spans:
        return "none in the video's own sound"
    seconds = sum(end - begin for begin, end in speech.spans)
    found = f"{count(len(speech.spans), 'span')}, {seconds:.1f} of {duration:.1f} s"
    calm = f"; music calm in {count(len(speech.calm_bars), 'bar')}" if speech.calm_bars else ""
    if not speech.curve:
        return found + calm
    down = -gain_under(speech.curve, speech.spans)
    return f"{found}; music {down:.0f} dB down under them{calm.replace('; music', ',')}, {speech.loudness:.1f} LUFS"


def _print_takes(takes: Sequence[Take]) -> None:
    for rank, take in enumerate(takes, 1):
        match = "" if take.match is None else f"match {take.match:.2f}, "
        likeness = "" if take.likeness is None else f"like real songs {take.likeness:.2f}"
        mood = "" if take.mood is None else f", mood {take.mood:.2f}"
        verdict = f"; rejected: {'; '.join(take.rejected)}" if take.rejected else ""
        click.echo(f"take {rank:<4}seed {take.seed}: {match}{likeness}{mood}{verdict}{'; kept' if rank == 1 else ''}")
