"""From a video to its music: the main job from end to end, and the files it leaves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.ducking import mixer_for
from cmt.film.part import WHOLE, Part, check_part, part_of
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.progress import Progress
from cmt.network.checkpoint import load_checkpoint
from cmt.planning.plan import Plan, plan_music, with_length
from cmt.planning.wishes import Wishes, check_config, check_wishes, settled
from cmt.report.description import Told
from cmt.report.parts import Model
from cmt.report.report import Report
from cmt.soundtrack.composing import Take, compose, planner_for
from cmt.soundtrack.delivering import Delivery, Facts, Music, deliver
from cmt.soundtrack.handing import check_fit
from cmt.soundtrack.keeping import hash_of_material, kept_of
from cmt.soundtrack.like import plan_of_like, told_of
from cmt.soundtrack.naming import checked_name
from cmt.soundtrack.output import Output, check_output
from cmt.soundtrack.playing import performance_of
from cmt.soundtrack.report import takes_of
from cmt.soundtrack.source import (
    Material,
    are_pictures,
    check_source,
    files_of,
    look_at_material,
    name_of,
    refuse_the_files_themselves,
)
from cmt.soundtrack.stages import Stages
from midi_io import ready_soundfont

WITHOUT_SOUND = "choose `midi_only`"
"""What to do where no sound can be made; the message that says so ends with it."""
NOTHING_TOLD = Told()


class Soundtrack(NamedTuple):
    """What was written, and everything that was decided."""

    files: tuple[Path, ...]
    report: Report
    """The report; its `as_json` is the content of the .json file."""
    name: str = ""
    """What the files are called, without a suffix."""
    notes: tuple[str, ...] = ()
    """A line where files of the name were there already, which says what became of them."""


def make_soundtrack(
    video: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None,
    folder: str | os.PathLike[str],
    wishes: Wishes | None = None,
    config: GenerateConfig | None = None,
    *,
    output: Output | None = None,
    name: str | None = None,
    part: Part = WHOLE,
    checkpoint: str | os.PathLike[str] | None = None,
    soundfont: str | os.PathLike[str] | None = None,
    told: Told = NOTHING_TOLD,
    progress: Progress | None = None,
) -> Soundtrack:
    """Write music for `video` into `folder` as ``<name>.mid``, ``.wav``, ``.mp4``, ``.json`` and ``.png``.

    `output` may ask for another format than ``.wav``, and for a file of each instrument, ``<name>.drums.wav``.

    All files appear together at the end, or none does. Where a file of the name is there already, all have another one,
    such as ``<name>-2``, unless `output.overwrite` is set. Without a video, `wishes.length` or `wishes.bars` say how
    long the music is, and there is no mp4; then `config.control` has nothing to control and counts as 0.

    Parameters
    ----------
    video
        A video; or a picture, or several in order, of which a film is made (`cmt.planning.slides.place_slides`).
    output
        Which files are written, and what becomes of the video's own sound; the defaults of `Output` if left out.
    name
        The name of the files, without a suffix; if left out the video's own, that of the folder of several pictures,
        ``music`` without either.
    part
        The part of the video that is scored and written; all times, in the wishes and in the report, count from its
        first picture.
    told
        What the report says of the description that the wishes come from (`cmt.meaning.wishing`).

    Raises
    ------
    CmtError
        If the video, the SoundFont, the checkpoint, a wish or the folder is of no use.
    """
    files, folder = files_of(video), Path(folder)
    wishes, config, output = wishes or Wishes(), config or GenerateConfig(), output or Output()
    check_wishes(wishes)
    check_config(config)
    check_output(output)
    check_part(part)
    wishes = with_length(wishes, config.seed)
    check_wishes(wishes)
    material = Material(files, are_pictures(files), part)
    check_source(files, wishes, output, pictures=material.pictures)
    if material.video is None and part != WHOLE:
        raise CmtError("`start` and `end` are a video's, and there is none; leave them out")
    if wishes.length is not None:
        check_fit(output, wishes.length, None, loop=wishes.loop)
    title = checked_name(name if name is not None else name_of(files, pictures=material.pictures))
    if material.pictures:
        refuse_the_files_themselves((folder / f"{title}.{suffix}" for suffix in ("png", "mp4")), material)
    if not files:
        config = replace(config, control=0.0)
    font = None if output.midi_only else ready_soundfont(soundfont, WITHOUT_SOUND)
    stages = Stages(progress)
    with (
        folder_for_all_or_nothing(folder, overwrite=output.overwrite) as unfinished,
        part_of(material.video, part, folder) as film,
        ThreadPoolExecutor(1) as beside,
    ):
        with stages.stage("analyze") as report_progress:
            source = look_at_material(material, film, wishes, report_progress)
            fps = source.rhythm.fps if source.rhythm is not None else None
            check_fit(output, source.duration, fps, loop=wishes.loop)
            is_mixed = film is not None and output.original_audio == "mix"
            mixer = mixer_for(film, output.duck, output.loudness) if film is not None and is_mixed else None
            spans = mixer.spans if mixer is not None else ()
            asked = settled(wishes, source.duration)
            plan = plan_music(source.rhythm, asked, config, spans, source.grid)
            if wishes.like is not None:
                plan = plan_of_like(wishes.like, plan, source.rhythm, asked, config, spans, source.grid)
        with stages.stage("load model"):
            loaded = load_checkpoint(Path(checkpoint) if checkpoint is not None else None)
            planner = planner_for(loaded.decoder, plan)
        with stages.stage("compose") as report_progress:
            takes, n_copied = compose(loaded.decoder, planner, plan, config, report_progress)
        best = takes[0]
        music = _music(best, plan, output, config)
        others = [_music(take, plan, output, config) for take in takes[1:]]
        kept = kept_of(
            plan,
            best.piece,
            best.sheet,
            wishes,
            config,
            output,
            told,
            title=title,
            material=material,
            sha256=hash_of_material(material),
            left_out=loaded.decoder.config.left_out,
        )
        judgements = [take.judgement for take in takes if take.judgement]
        report, run = deliver(
            replace(music, others=[(other.performance, other.report) for other in others]),
            Delivery(
                folder, unfinished, title, material, source, output, font, checkpoint is None, mixer, stages, beside
            ),
            Facts(
                told,
                Model(loaded.sha256, loaded.provenance),
                kept,
                takes=lambda files: takes_of(judgements, files),
                like=None if plan.like is None else told_of(plan.like, best.home_sheet, best.song, n_copied),
            ),
        )
        written = sorted(file.name for file in unfinished.iterdir())
    return Soundtrack(tuple(folder / file for file in written), report, run.name, run.notes)


def _music(take: Take, plan: Plan, output: Output, config: GenerateConfig) -> Music:
    return Music(
        plan=plan,
        orders=take.orders,
        sheet=take.sheet,
        piece=take.piece,
        song=take.song,
        performance=performance_of(take.song, take.orders, plan, take.sheet, output, take.seed),
        config=replace(config, seed=take.seed),
    )
