"""The files of a finished piece: MIDI, sound, film, picture and report, under one name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from cmt.band.programs import program_warnings
from cmt.config import GenerateConfig
from cmt.film.ducking import Mixer
from cmt.film.film import film_of
from cmt.music.lead_sheet import LeadSheet
from cmt.planning.plan import Plan
from cmt.report.description import Told
from cmt.report.kept import Kept
from cmt.report.parts import Model, Take
from cmt.report.report import Report
from cmt.report.speech import Speech
from cmt.soundtrack.naming import RunName, name_of_run
from cmt.soundtrack.output import Output
from cmt.soundtrack.report import report_of, speech_of, warnings_of_takes
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
    others: Sequence[Performance] = ()
    """The takes beside it whose MIDI files are kept, the second best first."""


@dataclass(frozen=True)
class Delivery:
    """Where the files go, and how they are made."""

    folder: Path
    unfinished: Path
    """The folder in which they are made."""
    title: str
    """What the files are called where none of that name is there yet."""
    video: Path | None
    output: Output
    font: Path | None
    """The SoundFont; None makes no sound."""
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
            suffixes += [sound, *([".mp4"] if self.video is not None else [])]
            suffixes += [f".{one.label}{sound}" for one in Instrument] if self.output.stems else []
        return suffixes


@dataclass(frozen=True)
class Facts:
    """What the report says that the music does not."""

    told: Told
    checkpoint: Model
    kept: Kept
    takes: Callable[[Sequence[str]], tuple[Take, ...]]
    """The judgements of the takes, given the names of the MIDI files that are kept."""
    late_warnings: tuple[str, ...] = ()
    """The warnings that come last."""


def deliver(music: Music, delivery: Delivery, facts: Facts) -> tuple[Report, RunName]:
    """Make the files of a piece in `delivery.unfinished`.

    Raises
    ------
    CmtError
        If the music cannot be played, a file cannot be written, or one of them would be the video.
    """
    output, stages, video = delivery.output, delivery.stages, delivery.video
    plan, performance = music.plan, music.performance
    more = [f".take{number}.mid" for number, _ in enumerate(music.others, start=2)]
    run = name_of_run(
        delivery.folder, delivery.title, [*delivery.suffixes, *more], overwrite=output.overwrite, video=video
    )
    title, name, folder = delivery.title, run.name, delivery.unfinished
    with stages.stage("midi"):
        files = dict(zip([f"{name}{suffix}" for suffix in (".mid", *more)], [performance, *music.others], strict=True))
        for file, its in files.items():
            write_midi(its, folder / file, title=f"Music for {title}")
    png = folder / f"{name}.png"
    # It is drawn while FluidSynth plays, unless it shows the gain under speech, which is known behind the mix.
    has_speech = delivery.mixer is not None and bool(delivery.mixer.spans)
    picture = None if has_speech else delivery.beside.submit(_draw, plan, music.song, music.sheet, title, png)
    notes: tuple[str, ...] = ()
    if delivery.font is not None:
        notes = film_of(
            performance,
            video,
            folder / f"{name}.mp4",
            sound_file=folder / f"{name}.{output.format}",
            stems=output.stems,
            soundfont=delivery.font,
            loudness=output.loudness,
            original_audio=output.original_audio,
            mixing=delivery.mixer,
            stage=stages.stage,
        )
    speech = speech_of(delivery.mixer, plan) if output.duck is not None else None
    with stages.stage("picture"):
        picture.result() if picture else _draw(plan, music.song, music.sheet, title, png, speech)
    takes = facts.takes(list(files))
    report = replace(
        report_of(plan, music.piece, music.song, music.orders, music.sheet, music.config),
        original_audio=output.original_audio,
        band=performance.playing_voices,
        quantized=output.quantized,
        description=facts.told.fields,
        takes=takes,
        speech=speech,
        warnings=(
            *(plan.rhythm.warnings if plan.rhythm is not None else ()),
            *facts.told.warnings,
            *plan.warnings,
            *program_warnings(output.programs),
            *music.piece.notes,
            *notes,
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
    (folder / f"{name}.json").write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return report, run


def _draw(plan: Plan, song: Song, sheet: LeadSheet, name: str, path: Path, speech: Speech | None = None) -> None:
    # Late: matplotlib takes most of a second to import.
    from cmt.soundtrack.picture import draw_soundtrack

    draw_soundtrack(plan, song, sheet, name, path, speech)
