"""The files of a finished piece: MIDI, sound, film, picture, report and what editors get, under one name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cmt.band.programs import program_warnings
from cmt.config import GenerateConfig
from cmt.film.ducking import Mixer
from cmt.film.film import film_of
from cmt.film.part import WHOLE
from cmt.handover.signs import signs_of
from cmt.music.lead_sheet import LeadSheet
from cmt.planning.plan import Plan
from cmt.report.description import Told
from cmt.report.kept import Kept
from cmt.report.like import LikeTold
from cmt.report.parts import Model, Take
from cmt.report.report import Report
from cmt.report.speech import Speech
from cmt.soundtrack.handing import finish_of, suffixes_for_editors, write_marker_files, write_origin_file
from cmt.soundtrack.like import warnings_of_like
from cmt.soundtrack.naming import RunName, name_of_run
from cmt.soundtrack.output import Output
from cmt.soundtrack.paging import Paging
from cmt.soundtrack.report import report_of, speech_of, warnings_of_takes
from cmt.soundtrack.source import Material, Source, pictures_shown, refuse_the_files_themselves
from cmt.soundtrack.stages import Stages
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece
from midi_io import Performance, write_midi
from midi_io.song import Instrument, Song


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
    others: Sequence[tuple[Performance, Report]] = ()
    """The takes beside it, the second best first, and what is reported of each."""

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

    @property
    def suffixes(self) -> list[str]:
        """What may stand behind the name in each file, but for other takes."""
        suffixes = [".mid", ".json", ".png"]
        if self.font is not None:
            sound = f".{self.output.format}"
            suffixes += [sound, *([".mp4"] if self.source.film is not None else [])]
            suffixes += [f".{one.label}{sound}" for one in Instrument] if self.output.stems else []
        page = [".html"] if self.output.page else []
        return [*suffixes, *page, *suffixes_for_editors(self.output)]


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


def deliver(music: Music, delivery: Delivery, facts: Facts) -> tuple[Report, RunName]:
    """Make the files of a piece in `delivery.unfinished`.

    Raises
    ------
    CmtError
        If the music cannot be played, a file cannot be written, or one of them would be the video or a picture.
    """
    output, stages, material = delivery.output, delivery.stages, delivery.material
    plan, performance, report = music.plan, music.performance, music.report
    kept = music.others if output.keep_takes else ()
    more = [f".take{number}.mid" for number, _ in enumerate(kept, start=2)]
    run = name_of_run(
        delivery.folder, delivery.title, [*delivery.suffixes, *more], overwrite=output.overwrite, material=material
    )
    title, name, folder = delivery.title, run.name, delivery.unfinished
    with stages.stage("midi"):
        files = [f"{name}{suffix}" for suffix in (".mid", *more)]
        for file, (played, its_report) in zip(files, [(performance, report), *kept], strict=True):
            signs = signs_of(its_report, plan.timeline)
            write_midi(played, folder / file, title=f"Music for {title}", signs=signs)
    png = folder / f"{name}.png"
    # It is drawn while FluidSynth plays, unless it shows the gain under speech, which is known behind the mix.
    has_speech = delivery.mixer is not None and bool(delivery.mixer.spans)
    draw = partial(_draw, plan, music.song, music.sheet, title, png, pictures=material.pictures)
    picture = None if has_speech else delivery.beside.submit(draw)
    paging = Paging([(performance, report), *music.others], plan, output, delivery.font, delivery.beside)
    notes: tuple[str, ...] = ()
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
            original_audio=output.original_audio,
            mixing=delivery.mixer,
            stage=stages.stage,
        )
    speech = speech_of(delivery.mixer, plan) if output.duck is not None else None
    with stages.stage("picture"):
        picture.result() if picture else draw(speech=speech)
    takes, like, part = facts.takes(files), facts.like, material.part
    report = replace(
        report,
        part=None if part == WHOLE else (part.begin, part.begin + delivery.source.duration),
        sample_rate=output.sample_rate,
        bit_depth=output.bit_depth,
        fade_in=output.fade_in,
        fade_out=output.fade_out,
        original_audio=output.original_audio,
        band=performance.playing_voices,
        quantized=output.quantized,
        pictures=pictures_shown(delivery.source.film),
        description=facts.told.fields,
        like=like,
        takes=takes,
        speech=speech,
        warnings=(
            *delivery.source.warnings,
            *facts.told.warnings,
            *plan.warnings,
            *program_warnings(output.programs),
            *music.piece.notes,
            *notes,
            *(() if like is None else warnings_of_like(like)),
            *warnings_of_takes(takes),
            *facts.late_warnings,
        ),
        checkpoint=facts.checkpoint,
        soundfont=delivery.font.name if delivery.font else None,
        loudness=output.loudness if delivery.font else None,
        format=output.format if delivery.font else None,
        stems=output.stems,
        kept=facts.kept,
        stages=stages.seconds,
    )
    lines = write_marker_files(report, plan, output, folder, name)
    report = replace(report, warnings=(*report.warnings, *lines))
    if output.page:
        with stages.stage("page"):
            paging.write(report, delivery.source, title, folder, name)
        report = replace(report, stages=stages.seconds)
    (folder / f"{name}.json").write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    # It tells the hashes of all other files, and so it comes last.
    write_origin_file(
        report,
        output,
        folder,
        name,
        video=material.video,
        is_our_model=delivery.is_our_model,
        soundfont=delivery.font,
    )
    refuse_the_files_themselves((delivery.folder / file.name for file in folder.iterdir()), material)
    return report, run


def _draw(
    plan: Plan,
    song: Song,
    sheet: LeadSheet,
    name: str,
    path: Path,
    *,
    speech: Speech | None = None,
    pictures: bool = False,
) -> None:
    # Late: matplotlib takes most of a second to import.
    from cmt.soundtrack.picture import draw_soundtrack

    draw_soundtrack(plan, song, sheet, name, path, speech, pictures=pictures)
