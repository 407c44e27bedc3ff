"""A piece that was composed: its notes, its sound and its files, each made when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.film.slideshow import Slideshow
from cmt.handover.signs import signs_of
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.progress import Progress
from cmt.planning.plan import Plan
from cmt.report.parts import Model
from cmt.report.report import Report
from cmt.soundtrack.commission import Commission
from cmt.soundtrack.composing import Take, compose
from cmt.soundtrack.delivering import (
    WITHOUT_SOUND,
    Delivery,
    Facts,
    Music,
    OtherTake,
    Soundtrack,
    deliver,
    full_report,
    midi_title,
)
from cmt.soundtrack.handing import check_fit, finish_of
from cmt.soundtrack.keeping import kept_of
from cmt.soundtrack.like import told_of
from cmt.soundtrack.looking import Seen, mixer_of
from cmt.soundtrack.naming import checked_name, notes_on_old_files, old_files, old_takes, remove_stale
from cmt.soundtrack.networks import Networks
from cmt.soundtrack.output import Output, check_output, for_film
from cmt.soundtrack.playing import performance_of
from cmt.soundtrack.report import takes_of
from cmt.soundtrack.sounding import Sounding, check_sounds, sounding_of
from cmt.soundtrack.source import File, check_source, film_for, fps_of, name_of, refuse_the_files_themselves
from cmt.soundtrack.stages import Stages
from midi_io import Performance, midi_bytes, ready_soundfont
from midi_io.rendering import sound_of
from midi_io.song import Song
from midi_io.whole_file import whole_file


class Audio(NamedTuple):
    """Music as it sounds."""

    samples: NDArray[np.float32]
    """(n_sample, 2), left and right, in -1..1."""
    sample_rate: int
    """The samples a second."""


@dataclass(frozen=True)
class Piece:
    """A piece of music that was composed, and everything that was decided about it; `Composer.compose` makes it.

    It holds notes. Its sound is played, and its files are written, whenever that is asked for.
    """

    commission: Commission
    seen: Seen
    takes: tuple[Take, ...]
    """The takes, the best first: that one is the piece."""
    networks: Networks
    n_copied: int = 0
    """The number of takes that were written anew because they copied the song that they are like."""
    soundfont: File | None = None
    """The SoundFont that plays it; None is the one that `midi_io.find_soundfont` finds."""
    seconds: dict[str, float] = field(default_factory=dict)
    """The seconds that each stage of composing took."""

    @property
    def plan(self) -> Plan:
        """What was decided before the first note."""
        return self.seen.plan

    @property
    def song(self) -> Song:
        """The notes on the grid of sixteenths."""
        return self.takes[0].song

    @cached_property
    def performance(self) -> Performance:
        """The notes in their players' time, and the band."""
        return self._music(self.commission.output).performance

    @cached_property
    def report(self) -> Report:
        """What was decided, asked and obtained; the report of its files tells also how they were made."""
        commission = self.commission
        return full_report(
            self._music(commission.output),
            self.seen.source,
            commission.material,
            self.seen.output,
            self.facts(commission.output, name_of(commission.material)),
            sounding=self._sounding(commission.output),
            seconds=self.seconds,
        )

    def midi(self, title: str | None = None) -> bytes:
        """The piece as a Standard MIDI File, the same bytes that `save` writes for the same title.

        `title` is what it is music for, such as ``clip``; if left out, the name of the video.
        """
        title = name_of(self.commission.material) if title is None else title
        signs = signs_of(self.report, self.plan.timeline)
        return midi_bytes(self.performance, title=midi_title(title), signs=signs)

    def write_midi(self, target: File | IO[bytes], title: str | None = None) -> None:
        """Write the piece as a Standard MIDI File, see `midi`, to a path or into a file object.

        Raises
        ------
        WriteError
            If the file cannot be written.
        """
        content = self.midi(title)
        if isinstance(target, str | os.PathLike):
            with whole_file(target) as unfinished:
                unfinished.write_bytes(content)
        else:
            target.write(content)

    def audio(self, progress: Progress | None = None) -> Audio:
        """The piece as it sounds, as loud and at the sample rate that its `Output` asks for; played at each call.

        Raises
        ------
        SynthesisError
            If FluidSynth or the SoundFont is missing or unusable.
        """
        output = self.commission.output
        font = ready_soundfont(self.soundfont, "take its MIDI, which needs no sound")
        finish = finish_of(output, self.report, self.plan)
        sounding = self._sounding(output)
        with Stages(progress).stage("render") as report_progress:
            sound = sound_of(
                self.performance,
                soundfont=font,
                sample_rate=finish.sample_rate,
                loudness=output.loudness,
                fades=finish.fades,
                loop=finish.loop,
                beside=None if sounding is None else sounding.track(finish.sample_rate, self.report.key),
                progress=report_progress,
            )
        return Audio(sound.audio, finish.sample_rate)

    def save(
        self,
        folder: File,
        *,
        name: str | None = None,
        output: Output | None = None,
        progress: Progress | None = None,
    ) -> Soundtrack:
        """Write the files that `make_soundtrack` writes; all appear together, or none does.

        Parameters
        ----------
        name
            The name of the files, without a suffix; if left out the video's own, ``music`` without one.
        output
            Which files are written, and how the piece is played; if left out, what it was composed with.

        Raises
        ------
        CmtError
            If something cannot be played or written, or must be known before the piece is composed.
        """
        output = output or self.commission.output
        self._check(output)
        folder = Path(folder)
        title = title_of(self.commission, name, folder)
        font = font_for(output, self.soundfont)
        with place_for(self.commission, folder, output) as place:
            return deliver_piece(self, place, title, output, font, Stages(progress, self.seconds))

    def _sounding(self, output: Output) -> Sounding | None:
        spans = self.seen.mixer.spans if self.seen.mixer is not None else ()
        plan, seed = self.plan, self.commission.config.seed
        return sounding_of(output, plan.rhythm, seed, spans=spans, timeline=plan.timeline)

    def _check(self, output: Output) -> None:
        """Raise a CmtError for what can no more be had of a piece that is composed."""
        commission, source = self.commission, self.seen.source
        check_output(output)
        check_sounds(output, is_seen=self.plan.rhythm is not None)
        check_source(commission.material, commission.wishes, output)
        check_fit(output, source.duration, fps_of(source), loop=commission.wishes.loop)
        if output.looks_for_speech and not commission.output.looks_for_speech:
            raise CmtError(
                "`original_audio`: the notes were written without a look for speech, under which they are calm; say "
                "'mix' in what the piece is composed with, or look for no speech"
            )

    def _music(self, output: Output, take: Take | None = None) -> Music:
        take = take or self.takes[0]
        plan, config = self.plan, self.commission.config
        return Music(
            plan=plan,
            orders=take.orders,
            sheet=take.sheet,
            piece=take.piece,
            song=take.song,
            performance=performance_of(take.song, take.orders, plan, take.sheet, output, take.seed),
            config=replace(config, seed=take.seed),
        )

    def music(self, output: Output) -> Music:
        """The piece as it is played."""
        return self._music(output)

    def other_takes(self, output: Output, title: str) -> list[OtherTake]:
        """The takes beside the best one, of files that are called `title`."""
        return [OtherTake(self._music(output, take), self.facts(output, title, take)) for take in self.takes[1:]]

    def facts(self, output: Output, title: str, take: Take | None = None) -> Facts:
        """What is reported beside the music of a take, of files that are called `title`.

        That of the best, which is the default, tells of all takes, that of another one of itself alone.
        """
        commission, plan = self.commission, self.plan
        told_of_all = take is None
        take = take or self.takes[0]
        writer = self.networks.checkpoint
        kept = kept_of(
            plan,
            take.piece,
            take.sheet,
            commission.wishes,
            commission.config,
            output,
            commission.told,
            title=title,
            material=commission.material,
            sha256=self.seen.sha256,
            left_out=writer.decoder.config.left_out,
        )
        judgements = [one.judgement for one in (self.takes if told_of_all else [take]) if one.judgement]
        return Facts(
            commission.told,
            Model(writer.sha256, writer.provenance),
            kept,
            takes=lambda files: takes_of(judgements, files),
            like=None if plan.like is None else told_of(plan.like, take.home_sheet, take.song, self.n_copied),
        )


def compose_piece(
    commission: Commission, seen: Seen, networks: Networks, stages: Stages, soundfont: File | None = None
) -> Piece:
    """Write the piece that is planned.

    Raises
    ------
    CmtError
        If the networks cannot do what is asked, or there is no memory for so many takes.
    """
    networks.check(seen.plan)
    with stages.stage("compose") as report_progress:
        takes, n_copied = compose(
            networks.decoder_for(commission.config), networks.planner, seen.plan, commission.config, report_progress
        )
    return Piece(commission, seen, tuple(takes), networks, n_copied, soundfont, dict(stages.seconds))


class Place(NamedTuple):
    """Where files are made, and what helps to make them."""

    folder: Path
    """The folder in which they appear."""
    unfinished: Path
    """The folder in which they are made."""
    film: Path | None
    """The file of the video, or of its part; None without one."""
    beside: Executor
    """What draws the picture while FluidSynth plays."""
    notes: list[str]
    """A line for each thing that a part of the video does not keep of the whole."""
    stale: list[Path]
    """The files that go when the others appear."""


@contextmanager
def place_for(commission: Commission, folder: Path, output: Output) -> Iterator[Place]:
    """A place for the files of a commission; they appear in `folder` together when the block ends well, or none does.

    Then those that are `stale` go.

    Raises
    ------
    CmtError
        If the folder cannot be written to, or the video has no such part.
    """
    material = commission.material
    notes: list[str] = []
    stale: list[Path] = []
    with (
        folder_for_all_or_nothing(folder, overwrite=output.overwrite) as unfinished,
        film_for(material, folder, needed=not output.midi_only or commission.needs_file, notes=notes) as film,
        ThreadPoolExecutor(1) as beside,
    ):
        yield Place(folder, unfinished, film, beside, notes, stale)
    remove_stale(stale)


def deliver_piece(
    piece: Piece, place: Place, title: str, output: Output, font: Path | None, stages: Stages
) -> Soundtrack:
    """Make the files of a piece, called `title`, in a place; `font` plays it, and None makes no sound.

    Raises
    ------
    CmtError
        As `deliver` does.
    """
    commission, seen = piece.commission, piece.seen
    played, lines = for_film(output, place.film)
    mixer = mixer_of(played, place.film, seen.mixer)
    source = seen.source._replace(warnings=(*seen.source.warnings, *place.notes, *lines))
    report, run = deliver(
        piece.music(output),
        Delivery(
            place.folder,
            place.unfinished,
            title,
            commission.material,
            source if isinstance(source.film, Slideshow) else source._replace(film=place.film),
            played,
            font,
            piece.networks.is_ours,
            mixer,
            stages,
            place.beside,
        ),
        piece.facts(output, title),
        piece.other_takes(output, title),
    )
    files = sorted(file.name for file in place.unfinished.iterdir())
    notes = run.notes
    if output.overwrite:
        takes = old_takes(place.folder, run.name, files)
        old = old_files(place.folder, run.name, files, commission.material)
        place.stale.extend([*takes, *old.ours])
        notes = (*notes, *notes_on_old_files(takes, old))
    return Soundtrack(tuple(place.folder / file for file in files), report, run.name, notes)


def title_of(commission: Commission, name: str | None, folder: Path) -> str:
    """What files of a commission are called: the name, or that of what it is for.

    Raises
    ------
    CmtError
        If it cannot name files, or one of them would be a picture that is read.
    """
    material = commission.material
    title = checked_name(name if name is not None else name_of(material))
    if material.pictures:
        refuse_the_files_themselves((folder / f"{title}.{suffix}" for suffix in ("png", "mp4")), material)
    return title


def font_for(output: Output, soundfont: File | None) -> Path | None:
    """The SoundFont that plays; None where no sound is made.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing.
    """
    return None if output.midi_only else ready_soundfont(soundfont, WITHOUT_SOUND)
