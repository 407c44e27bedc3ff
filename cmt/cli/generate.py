"""`cmt generate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cmt.band.programs import ChosenProgram
from cmt.cli.again import generate_again
from cmt.cli.describing import describe_options, described
from cmt.cli.generate_many import generate_many
from cmt.cli.handing import Handing, handing_options
from cmt.cli.options import (
    ALL,
    ANY_NUMBER,
    CHECKPOINT_OPTION,
    DYNAMICS_OPTION,
    FILE,
    FREE,
    GUIDANCE_OPTION,
    INT8_OPTION,
    TEMPERATURE_OPTION,
    Bars,
    ChordsType,
    FormType,
    GenreType,
    GroupedCommand,
    InstrumentsType,
    KeyType,
    MuteType,
    ProgramType,
    RedoType,
    SectionType,
    WholeNumberType,
    chosen_genre,
    chosen_programs,
    duck_option,
    loudness_option,
    range_of,
    scheduler_option,
    soundfont_option,
    timing_options,
    timing_wishes,
    verbose_option,
)
from cmt.cli.saying import say_left_out
from cmt.cli.showing import SECTIONS, show_soundtrack
from cmt.cli.sounding import events_in, sound_options
from cmt.config import (
    AUDIO_FORMAT,
    CONTROL_LIMITS,
    PICTURE_LIMITS,
    SECONDS_ALONE,
    SECONDS_PER_PICTURE,
    TAKES,
    GenerateConfig,
)
from cmt.music.key import WishedKey
from cmt.planning.energy import LEVELS, NAMES, Energy, Section, energy_of_sections, read_energy
from cmt.planning.form import WishedForm
from cmt.planning.mutes import Mute
from cmt.planning.progression import Progression
from cmt.planning.redo import Redo
from midi_io.audio_file import AUDIO_FORMATS
from midi_io.song import Instrument

HEADINGS = {
    "The music": (
        "describe",
        "mood",
        "genre",
        "instruments",
        "mutes",
        "key",
        "chords",
        "form",
        "like",
        "length",
        "bars",
        "loop",
    ),
    "Pictures": ("seconds_per_picture",),
    "Its time": ("tempo", "hit_times", "hit_files", "tempo_map", "tempo_change"),
    "What leads it": ("control", "dynamics", "energy_file", "sections"),
    "A take once more": ("take", "redo"),
    "How it is written": ("seed", "takes", "keep_takes", "temperature", "guidance", "int8", "checkpoint"),
    "How it sounds": ("programs", "quantized", "loudness", "fade_in", "fade_out", "soundfont"),
    "What comes out": (
        *("output", "name", "start", "end", "original_audio", "duck", "format", "sample_rate", "bit_depth", "stems"),
        *("page", "midi_only", "overwrite", "quiet"),
    ),
    "Sounds": ("sounds", "sound_library", "sound_events"),
    "For editors": ("markers", "marker_kinds", "timecode", "origin"),
    "Many videos": ("jobs", "scheduler"),
}


@click.command(cls=GroupedCommand, headings=HEADINGS)
@click.argument("videos", type=FILE, nargs=-1, metavar="[VIDEO|PICTURE|FOLDER]...")
@click.option("-o", "--output", type=FILE, default=Path("out"), show_default=True, help="Folder for the results.")
@click.option("--name", metavar="NAME", help="What the results are called, instead of the video's name.")
@describe_options
@click.option("--genre", type=GenreType(), default=FREE, show_default=True, help="Style of the music.")
@click.option(
    "--instruments",
    type=InstrumentsType(),
    default=FREE,
    show_default=True,
    help=f"Comma-separated tracks, every one of which plays, or {ALL}; {FREE}: as songs of the genre have them.",
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
    "--like",
    type=FILE,
    metavar="SONG.mid|INDEX",
    help="A song whose form, chords, players and groove it takes, never its melody; or a folder from cmt index, in "
    "which one that suits is looked for.",
)
@click.option(
    "--length",
    type=ANY_NUMBER,
    metavar="SECONDS",
    help="Music without a video; its tempo is drawn from the genre's. Of pictures, how long their film is.",
)
@click.option(
    "--seconds-per-picture",
    type=range_of(PICTURE_LIMITS),
    metavar="SECONDS",
    help=f"How long each picture is shown.  [default: about {SECONDS_PER_PICTURE:g}; one alone {SECONDS_ALONE:g}]",
)
@sound_options
@handing_options
@timing_options
@click.option(
    "--control",
    type=range_of(CONTROL_LIMITS),
    default=GenerateConfig.control,
    show_default=True,
    help="How much the picture decides: 0 free music, 1 every bar and visual beat.",
)
@DYNAMICS_OPTION
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
    type=WholeNumberType(0),
    default=GenerateConfig.seed,
    show_default=True,
    help="Another number, another piece.",
)
@click.option(
    "--takes",
    type=WholeNumberType(1),
    default=TAKES,
    show_default=True,
    help="Pieces to write, from the seed on, ranked; the best is the music. 1 writes just what the seed gives.",
)
@click.option(
    "--from",
    "take",
    type=FILE,
    is_eager=True,  # --duck looks at it
    metavar="CLIP.json",
    help="Make the files of a finished take again, from its report; other options change one thing.",
)
@click.option(
    "--redo",
    "redo",
    type=RedoType(),
    multiple=True,
    metavar="PART",
    help="With --from: bars to write anew, 9-12, or seconds, 21s-30s, of one instrument piano@9-12; or a file of "
    "comments from the page, clip.comments.json. The rest stays.",
)
@click.option("--keep-takes", is_flag=True, help="Keep the other takes' MIDI files too.")
@TEMPERATURE_OPTION
@GUIDANCE_OPTION
@INT8_OPTION
@click.option(
    "--original-audio",
    is_eager=True,  # --duck looks at it
    type=click.Choice(["drop", "keep", "mix"]),
    help="The video's own sound: left out, a second track, or mixed with the music.  [default: mixed, if it has any]",
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
@CHECKPOINT_OPTION
@click.option("--jobs", type=WholeNumberType(1), help="Videos at once.  [default: one for each processor]")
@scheduler_option("dask scheduler of a cluster that works, tcp://host:8786.")
@click.option(
    "--overwrite", is_flag=True, help="Replace files of the same name; without it the run is called clip-2, clip-3."
)
@verbose_option("What chance would meet too, and how exactly what was asked is there.")
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
    like: Path | None,
    length: float | None,
    seconds_per_picture: float | None,
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
    take: Path | None,
    redo: tuple[Redo | Path, ...],
    keep_takes: bool,
    temperature: float,
    guidance: float,
    int8: bool,
    original_audio: Any,
    programs: tuple[ChosenProgram, ...],
    quantized: bool,
    duck: float | None,
    loudness: float,
    format: str,
    stems: bool,
    midi_only: bool,
    overwrite: bool,
    soundfont: Path | None,
    checkpoint: Path | None,
    jobs: int | None,
    scheduler: str | None,
    quiet: bool,
    handing: Handing,
    sounds: float,
    sound_library: str | None,
    sound_events: Path | None,
) -> None:
    """Write music for a VIDEO: MIDI, audio, the video with it, a page, a picture and a report.

    The files are named after the video: clip.mp4 gives clip.mid, clip.wav, clip.mp4, clip.html, clip.png, clip.json.
    Of a FOLDER every video gets music, and generate.jsonl in the output folder a line for each. Without a video,
    --length or --bars say how long the music is. Of a PICTURE a film is made, of several, or of a FOLDER of pictures,
    one slideshow.
    """
    from cmt.film.part import WHOLE
    from cmt.machine.pictures import find_pictures
    from cmt.report.description import Told
    from cmt.soundtrack.batch import Settings
    from cmt.soundtrack.make import make_soundtrack
    from cmt.soundtrack.output import Output

    if take is not None:
        show_soundtrack(generate_again(take, videos, handing, quiet), quiet)
        return
    if redo:
        raise click.UsageError("--redo writes parts of a finished take anew; add --from clip.json, its report")
    if (length is not None or handing.bars is not None) and original_audio not in (None, "drop"):
        raise click.UsageError("--original-audio is a video's; there is none with --length and --bars")
    if keep_takes and takes == 1:
        raise click.UsageError("--takes 1 writes no others that --keep-takes could keep; leave one of them out")
    if midi_only and (stems or format != AUDIO_FORMAT):
        raise click.UsageError("--midi-only writes no sound; leave it out, or leave out --stems and --format")
    pictures = find_pictures(videos, output)
    say_left_out(pictures.left_out)
    wishes = replace(
        timing_wishes(tempo, hit_times, hit_files, tempo_map, tempo_change),
        genre=chosen_genre(genre),
        instruments=instruments,
        mutes=mutes,
        key=key,
        chords=chords,
        form=form,
        like=None if like is None else str(like),
        length=length,
        seconds_per_picture=seconds_per_picture,
        energy=_energy(energy_file, sections),
        takes=takes,
    )
    wishes = handing.in_wishes(wishes)
    chosen, told = chosen_programs(programs), Told()
    is_video = bool(videos) and not pictures.files
    asked = described(describe, mood, wishes, chosen, with_video=is_video, quiet=quiet)
    if asked is not None:
        wishes, chosen, told = asked.wishes, dict(asked.programs), asked.told
    has_length = wishes.length is not None or wishes.bars is not None
    _check_source(bool(videos), bool(pictures.files), has_length, handing.part != WHOLE, scheduler is not None)
    written = Output(
        keep_takes=keep_takes,
        original_audio=original_audio,
        midi_only=midi_only,
        format=format,
        stems=stems,
        sounds=sounds,
        sound_library=sound_library,
        sound_events=events_in(sound_events),
        loudness=loudness,
        programs=chosen,
        quantized=quantized,
        duck=duck,
        overwrite=overwrite,
    )
    written = handing.in_output(written)
    config = GenerateConfig(
        control=control, dynamics=dynamics, temperature=temperature, guidance=guidance, int8=int8, seed=seed
    )
    if not pictures.files and (len(videos) > 1 or scheduler is not None or any(video.is_dir() for video in videos)):
        if name is not None:
            raise click.UsageError("--name is for one video")
        if handing.part != WHOLE:
            raise click.UsageError("--start and --end are for one video")
        settings = Settings(
            output, wishes, config, checkpoint=checkpoint, soundfont=soundfont, output=written, told=told
        )
        generate_many(videos, settings, jobs, scheduler, quiet)
        return
    bars = Bars(quiet)
    try:
        soundtrack = make_soundtrack(
            pictures.files or (videos[0] if videos else None),
            output,
            wishes,
            config,
            output=written,
            name=name,
            part=handing.part,
            checkpoint=checkpoint,
            soundfont=soundfont,
            told=told,
            progress=bars,
        )
    finally:
        bars.close()
    is_usual = wishes.length is None and seconds_per_picture is None
    show_soundtrack(soundtrack, quiet, pictures.n_other, is_usual=is_usual)


def _check_source(has_videos: bool, has_pictures: bool, has_length: bool, has_part: bool, has_scheduler: bool) -> None:
    if not has_pictures and not has_videos and not has_length:
        raise click.UsageError("give a VIDEO, a FOLDER, or --length SECONDS or --bars N for music without one")
    if not has_pictures and has_videos and has_length:
        raise click.UsageError("--length and --bars are for music without a video; leave them out, or the VIDEO")
    if has_pictures and has_scheduler:
        raise click.UsageError("--scheduler is for many videos, and of pictures one film is made")
    if has_part and (has_pictures or not has_videos):
        raise click.UsageError("--start and --end are a video's, and there is none")


def _energy(file: Path | None, sections: tuple[Section, ...]) -> Energy | None:
    if file is not None and sections:
        raise click.UsageError("--energy and --section say the same in two ways; leave one of them out")
    if file is not None:
        return read_energy(file)
    return energy_of_sections(sections, SECTIONS) if sections else None
