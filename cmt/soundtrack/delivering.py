"""The files of a finished piece: MIDI, sound, film, picture, report and what editors get, under one name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cmt.band.programs import program_warnings
from cmt.config import GenerateConfig
from cmt.film.ducking import Mixer
from cmt.film.film import film_of
from cmt.film.part import WHOLE
from cmt.handover.signs import signs_of
from cmt.music.key import Key
from cmt.music.lead_sheet import LeadSheet
from cmt.planning.plan import Plan
from cmt.report.description import Told
from cmt.report.kept import Kept
from cmt.report.like import LikeTold
from cmt.report.parts import Model, Take
from cmt.report.report import Report
from cmt.report.speech import Speech
from cmt.soundtrack.handing import finish_of, write_marker_files, write_origin_file
from cmt.soundtrack.like import warnings_of_like
from cmt.soundtrack.naming import RunName, name_of_run, suffixes_of
from cmt.soundtrack.output import Output
from cmt.soundtrack.paging import Paging
from cmt.soundtrack.report import report_of, speech_of, warnings_of_takes
from cmt.soundtrack.sounding import Sounding, sounding_of
from cmt.soundtrack.source import Material, Source, pictures_shown, refuse_the_files_themselves
from cmt.soundtrack.stages import Stages
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece
from midi_io import Performance, write_midi
from midi_io.song import Song
from video_rhythm.given import is_content

WITHOUT_SOUND = "choose `midi_only`"
"""What to do where no sound can be made; the message that says so ends with it."""
NOT_MEASURED: Mapping[str, float] = {}


class Soundtrack(NamedTuple):
    """What was written, and everything that was decided."""

    files: tuple[Path, ...]
    report: Report
    """The report; its `as_json` is the content of the .json file."""
    name: str = ""
    """What the files are called, without a suffix."""
    notes: tuple[str, ...] = ()
    """A line where files of the name were there already, which says what became of them."""


@dataclass(frozen=True)
class Music:
    """A piece that is finished but for its files."""

    plan: Plan
    orders: Mapping[int, BarOrders]
    sheet: LeadSheet
    """The lead sheet in the key of the piece."""
    piece: WrittenPiece
    song: Song
    """The piece as it is performed."""
    performance: Performance
    config: GenerateConfig
    """How it was written, with its own seed."""

    @property
    def report(self) -> Report:
        """The report on it as far as it is known before the files are written."""
        return report_of(self.plan, self.piece, self.song, self.orders, self.sheet, self.config)


@dataclass(frozen=True)
class Delivery:
    """Where the files go, and how they are made."""

    folder: Path
    unfinished: Path
    """The folder in which they are made."""
    title: str
    """What the files are called where none of that name is there yet."""
    material: Material
    source: Source
    output: Output
    font: Path | None
    """The SoundFont; None makes no sound."""
    is_our_model: bool
    """Whether the model is the one that comes with the program."""
    mixer: Mixer | None
    """What mixes the music with the video's own sound."""
    stages: Stages
    beside: Executor
    """What draws the picture while FluidSynth plays."""


@dataclass(frozen=True)
class Facts:
    """What the report says that the music does not."""

    told: Told
    checkpoint: Model
    kept: Kept
    takes: Callable[[Sequence[str]], tuple[Take, ...]]
    """The judgements of the takes, given the names of the MIDI files that are kept."""
    like: LikeTold | None = None
    """What it has of the song that it is to be like."""
    late_warnings: tuple[str, ...] = ()
    """The warnings that come last."""


class OtherTake(NamedTuple):
    """A take beside the best one: it gets a report, by which it can be made, and a MIDI file if those are kept."""

    music: Music
    facts: Facts


def deliver(music: Music, delivery: Delivery, facts: Facts, others: Sequence[OtherTake] = ()) -> tuple[Report, RunName]:
    """Make the files of a piece in `delivery.unfinished`.

    Parameters
    ----------
    others
        The takes beside it, the second best first.

    Raises
    ------
    CmtError
        If the music cannot be played, a file cannot be written, or one of them would be the video or a picture.
    """
    output, stages, material = delivery.output, delivery.stages, delivery.material
    plan, performance, report = music.plan, music.performance, music.report
    other_takes = [f".take{number}" for number, _ in enumerate(others, start=2)]
    more = [f"{take}{suffix}" for take in other_takes for suffix in (".mid", ".json")]
    suffixes = suffixes_of(output, has_sound=delivery.font is not None, has_film=delivery.source.film is not None)
    run = name_of_run(
        delivery.folder, delivery.title, [*suffixes, *more], overwrite=output.overwrite, material=material
    )
    title, name, folder = delivery.title, run.name, delivery.unfinished
    with stages.stage("midi"):
        kept = others if output.keep_takes else ()
        files = [f"{name}{take}.mid" for take in ("", *other_takes[: len(kept)])]
        for file, one in zip(files, [music, *(other.music for other in kept)], strict=True):
            signs = signs_of(one.report, plan.timeline)
            write_midi(one.performance, folder / file, title=midi_title(title), signs=signs)
    png = folder / f"{name}.png"
    # It is drawn while FluidSynth plays, unless it shows the gain under speech, which is known behind the mix.
    has_speech = delivery.mixer is not None and bool(delivery.mixer.spans)
    draw = partial(_draw, plan, music.song, music.sheet, title, png, pictures=material.pictures, key=music.piece.key)
    picture = None if has_speech else delivery.beside.submit(draw)
    notes: tuple[str, ...] = ()
    spans = delivery.mixer.spans if delivery.mixer is not None else ()
    # They belong to the film: whichever take is chosen, they stay.
    sounding = sounding_of(output, plan.rhythm, facts.kept.seed, spans=spans, timeline=plan.timeline)
    film = delivery.source.film
    paging = Paging(
        [(performance, report), *((other.music.performance, other.music.report) for other in others)],
        plan,
        output,
        delivery.font,
        delivery.beside,
        folder,
        film=film if isinstance(film, Path) else None,
        mixer=delivery.mixer if output.original_audio == "mix" else None,
        sounding=sounding,
    )
    if delivery.font is not None:
        notes = film_of(
            performance,
            delivery.source.film,
            folder / f"{name}.mp4",
            sound_file=folder / f"{name}.{output.format}",
            stems=output.stems,
            soundfont=delivery.font,
            loudness=output.loudness,
            finish=finish_of(output, report, plan),
            original_audio=output.original_audio or "drop",
            mixing=delivery.mixer,
            beside=None if sounding is None else sounding.track(output.sample_rate, report.key),
            stage=stages.stage,
        )
    speech = speech_of(delivery.mixer, plan) if output.duck is not None else None
    with stages.stage("picture"):
        picture.result() if picture else draw(speech=speech)
    report = full_report(
        music,
        delivery.source,
        material,
        output,
        facts,
        font=delivery.font,
        files=files,
        notes=notes,
        speech=speech,
        sounding=sounding,
        seconds=stages.seconds,
    )
    for number, other in enumerate(others):
        other_report = full_report(
            other.music,
            delivery.source,
            material,
            output,
            other.facts,
            font=delivery.font,
            files=files[1 + number : 2 + number],
            speech=None if speech is None else replace(speech, curve=(), gain=None, loudness=None),
            sounding=sounding,
        )
        write_report(other_report, folder / f"{name}{other_takes[number]}.json")
    film = delivery.source.film
    lines = write_marker_files(report, plan, output, folder, name, has_film=film is not None)
    report = replace(report, warnings=(*report.warnings, *lines))
    if output.page:
        with stages.stage("page"):
            paging.write(report, delivery.source, title, folder, name)
        report = replace(report, stages=stages.seconds)
    write_report(report, folder / f"{name}.json")
    # It tells the hashes of all other files, and so it comes last.
    write_origin_file(
        report,
        output,
        folder,
        name,
        video=film if is_content(material.given) and isinstance(film, Path) else material.video,
        is_our_model=delivery.is_our_model,
        soundfont=delivery.font,
    )
    refuse_the_files_themselves((delivery.folder / file.name for file in folder.iterdir()), material)
    return report, run


def full_report(
    music: Music,
    source: Source,
    material: Material,
    output: Output,
    facts: Facts,
    *,
    font: Path | None = None,
    files: Sequence[str] = (),
    notes: Sequence[str] = (),
    speech: Speech | None = None,
    sounding: Sounding | None = None,
    seconds: Mapping[str, float] = NOT_MEASURED,
) -> Report:
    """All that is reported of a piece.

    Parameters
    ----------
    font
        The SoundFont that plays it; None where no sound is made.
    files
        The names of the MIDI files of its takes that are kept.
    notes
        A line for each thing of sound and film that did not go as asked.
    seconds
        The seconds of each stage.
    """
    plan, takes, like, part = music.plan, facts.takes(files), facts.like, material.part
    return replace(
        music.report,
        part=None if part == WHOLE else (part.begin, part.begin + source.duration),
        sample_rate=output.sample_rate,
        bit_depth=output.bit_depth,
        fade_in=output.fade_in,
        fade_out=output.fade_out,
        original_audio=output.original_audio or "drop",
        band=music.performance.playing_voices,
        quantized=output.quantized,
        pictures=pictures_shown(source.film),
        description=facts.told.fields,
        like=like,
        takes=takes,
        speech=speech,
        sounds=None if sounding is None else sounding.told,
        warnings=(
            *source.warnings,
            *facts.told.warnings,
            *plan.warnings,
            *program_warnings(output.program_numbers),
            *music.piece.notes,
            *notes,
            *(() if sounding is None else sounding.warnings),
            *(() if like is None else warnings_of_like(like)),
            *warnings_of_takes(takes),
            *facts.late_warnings,
        ),
        checkpoint=facts.checkpoint,
        soundfont=font.name if font else None,
        loudness=output.loudness if font else None,
        format=output.format if font else None,
        stems=output.stems,
        kept=facts.kept,
        stages=seconds,
    )


def write_report(report: Report, path: Path) -> None:
    """Write a report as the JSON that lies beside the music."""
    path.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")


def midi_title(title: str) -> str:
    """The name of a piece, as MIDI files have it, that is for what is called `title`."""
    return f"Music for {title}"


def _draw(
    plan: Plan,
    song: Song,
    sheet: LeadSheet,
    name: str,
    path: Path,
    *,
    speech: Speech | None = None,
    pictures: bool = False,
    key: Key | None = None,
) -> None:
    # Late: matplotlib takes most of a second to import.
    from cmt.soundtrack.picture import draw_soundtrack

    draw_soundtrack(plan, song, sheet, name, path, speech, pictures=pictures, key=key)
