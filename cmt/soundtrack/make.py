"""From a video to its music: the main job from end to end, and the files it leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.ducking import mixer_for
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.progress import Progress
from cmt.music.key import Key, home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.words import initial_words
from cmt.network.checkpoint import load_checkpoint
from cmt.network.decoder import Decoder
from cmt.network.planner import Planner, load_planner
from cmt.planning.plan import Plan, plan_music
from cmt.planning.wishes import Wishes, check_config, check_wishes, settled
from cmt.report.description import Told
from cmt.report.parts import Model
from cmt.report.report import Report
from cmt.soundtrack.delivering import Delivery, Facts, Music, deliver
from cmt.soundtrack.keeping import kept_of
from cmt.soundtrack.naming import checked_name
from cmt.soundtrack.output import Output, check_output
from cmt.soundtrack.playing import performance_of, performed
from cmt.soundtrack.report import takes_of
from cmt.soundtrack.stages import Stages
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece, write_pieces
from cmt.writing.sheets import write_sheet
from midi_io import Performance, ready_soundfont
from midi_io.song import POSITIONS_PER_BAR, Song
from video_rhythm import analyze

if TYPE_CHECKING:
    from cmt.soundtrack.takes import Judgement

WITHOUT_SOUND = "choose `midi_only`"
"""What to do where no sound can be made; the message that says so ends with it."""
NOTHING_TOLD = Told()
TAKES_AT_ONCE = 16
"""This many takes are written side by side: what the model knows of each is held only while it is written."""


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
    video: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    wishes: Wishes | None = None,
    config: GenerateConfig | None = None,
    *,
    output: Output | None = None,
    name: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    soundfont: str | os.PathLike[str] | None = None,
    told: Told = NOTHING_TOLD,
    progress: Progress | None = None,
) -> Soundtrack:
    """Write music for `video` into `folder` as ``<name>.mid``, ``.wav``, ``.mp4``, ``.json`` and ``.png``.

    `output` may ask for another format than ``.wav``, and for a file of each instrument, ``<name>.drums.wav``.

    All files appear together at the end, or none does. Where a file of the name is there already, all have another one,
    such as ``<name>-2``, unless `output.overwrite` is set. Without a video, `wishes.length` says how long the music is,
    and there is no mp4; then `config.control` has nothing to control and counts as 0.

    Parameters
    ----------
    output
        Which files are written, and what becomes of the video's own sound; the defaults of `Output` if left out.
    name
        The name of the files, without a suffix; the video's own if left out, ``music`` without a video.
    told
        What the report says of the description that the wishes come from (`cmt.meaning.wishing`).

    Raises
    ------
    CmtError
        If the video, the SoundFont, the checkpoint, a wish or the folder is of no use.
    """
    video, folder = Path(video) if video is not None else None, Path(folder)
    wishes, config, output = wishes or Wishes(), config or GenerateConfig(), output or Output()
    check_wishes(wishes)
    check_config(config)
    check_output(output)
    if (video is None) == (wishes.length is None):
        raise CmtError("give a video, or a length for music without one: one of the two")
    title = checked_name(name if name is not None else video.stem if video is not None else "music")
    if video is None:
        config = replace(config, control=0.0)
    font = None if output.midi_only else ready_soundfont(soundfont, WITHOUT_SOUND)
    stages = Stages(progress)
    with (
        folder_for_all_or_nothing(folder, overwrite=output.overwrite) as unfinished,
        ThreadPoolExecutor(1) as beside,
    ):
        with stages.stage("analyze") as report_progress:
            rhythm = analyze(video, report_progress) if video is not None else None
            duration = rhythm.duration if rhythm is not None else wishes.length
            assert duration is not None  # checked above: there is a video or a length
            is_mixed = video is not None and output.original_audio == "mix"
            mixer = mixer_for(video, output.duck, output.loudness) if video is not None and is_mixed else None
            spans = mixer.spans if mixer is not None else ()
            plan = plan_music(rhythm, settled(wishes, duration), config, spans)
        with stages.stage("load model"):
            loaded = load_checkpoint(Path(checkpoint) if checkpoint is not None else None)
            planner = planner_for(loaded.decoder, plan)
        with stages.stage("compose") as report_progress:
            takes = _compose(loaded.decoder, planner, plan, config, report_progress)
        best = takes[0]
        music = Music(
            plan=plan,
            orders=best.orders,
            sheet=best.sheet,
            piece=best.piece,
            song=best.song,
            performance=_performance(best, plan, output),
            config=replace(config, seed=best.seed),
            others=[_performance(take, plan, output) for take in takes[1:]] if output.keep_takes else (),
        )
        left_out = loaded.decoder.config.left_out
        kept = kept_of(
            plan, best.piece, best.sheet, wishes, config, output, told, title=title, video=video, left_out=left_out
        )
        judgements = [take.judgement for take in takes if take.judgement]
        report, run = deliver(
            music,
            Delivery(folder, unfinished, title, video, output, font, mixer, stages, beside),
            Facts(
                told,
                Model(loaded.sha256, loaded.provenance),
                kept,
                takes=lambda files: takes_of(judgements, files),
            ),
        )
        files = sorted(file.name for file in unfinished.iterdir())
    return Soundtrack(tuple(folder / file for file in files), report, run.name, run.notes)


def _performance(take: Take, plan: Plan, output: Output) -> Performance:
    return performance_of(take.song, take.orders, plan, take.sheet, output, take.seed)


@dataclass(frozen=True)
class Take:
    """A piece that was written, how it is performed, and what is said of it."""

    seed: int
    orders: dict[int, BarOrders]
    sheet: LeadSheet
    """The lead sheet in the key of the song."""
    piece: WrittenPiece
    song: Song
    judgement: Judgement | None = None
    """The judgement, or None where there is only one take."""


def _compose(
    decoder: Decoder,
    planner: Planner | None,
    plan: Plan,
    config: GenerateConfig,
    progress: Callable[[float, float], None],
) -> list[Take]:
    """The takes, the best first."""
    n_take, n_bar = plan.wishes.takes, plan.timeline.n_bar
    if n_take == 1:
        return write_takes(decoder, planner, plan, config, [config.seed], progress)
    # Late: measuring music needs libraries that a single take does not.
    from cmt.machine.memory import check_memory
    from cmt.soundtrack.takes import BYTES_PER_BAR, judge_take, ranked

    check_memory(n_take, n_bar * BYTES_PER_BAR)
    takes: dict[int, Take] = {}
    for first in range(0, n_take, TAKES_AT_ONCE):
        seeds = [config.seed + number for number in range(first, min(first + TAKES_AT_ONCE, n_take))]

        def so_far(n_written: float, _: float) -> None:
            progress(len(takes) * n_bar + n_written, n_take * n_bar)

        for take in write_takes(decoder, planner, plan, config, seeds, so_far):
            judged = judge_take(take.song, take.piece.key, plan.density, plan.accents, plan.wishes.genre, take.seed)
            takes[take.seed] = replace(take, judgement=judged)
    return [takes[judgement.seed] for judgement in ranked(t.judgement for t in takes.values() if t.judgement)]


def planner_for(decoder: Decoder, plan: Plan) -> Planner | None:
    """The planner whose lead sheets the network hears; None if it was trained without any.

    Raises
    ------
    CmtError
        If it was, and the user asks for what only a lead sheet keeps.
    """
    if decoder.config.cues:
        return load_planner().planner
    if plan.wishes.chords is not None or plan.wishes.form is not None:
        raise CmtError(
            "`checkpoint`: it was trained without lead sheets and cannot keep `chords` and `form`; leave it out, or "
            "train a new one"
        )
    return None


def write_takes(
    decoder: Decoder,
    planner: Planner | None,
    plan: Plan,
    config: GenerateConfig,
    seeds: Sequence[int],
    progress: Callable[[float, float], None] | None = None,
) -> list[Take]:
    """A take for each seed, side by side.

    `planner` is that of `planner_for`; `progress` is called with the bars written and the bars of all takes.
    """
    sheets = [_sheet_of(planner, plan, config.control, seed) if planner else None for seed in seeds]
    orders = [plan.orders(config.control, seed, sheet) for seed, sheet in zip(seeds, sheets, strict=True)]
    heard = [
        empty_sheet(plan.timeline.n_bar) if sheet is None else _with_accents(sheet, its)
        for sheet, its in zip(sheets, orders, strict=True)
    ]
    pieces = write_pieces(decoder, plan.request, orders, config, seeds, progress, heard)
    return [
        Take(seed, its, in_key(sheet, piece.key), piece, performed(piece.song, its, plan, sheet))
        for seed, its, sheet, piece in zip(seeds, orders, heard, pieces, strict=True)
    ]


def _sheet_of(planner: Planner, plan: Plan, control: float, seed: int) -> LeadSheet:
    """The lead sheet of a take, in its home key."""
    wishes, mode = plan.wishes, plan.mode(seed)
    known = initial_words(wishes.genre, mode, plan.timeline.tempo, wishes.instruments)
    rng = np.random.default_rng([seed, 6])
    return replace(write_sheet(planner, known, plan.orders_of_sheet(control, seed), mode, rng), mode=mode)


def _with_accents(sheet: LeadSheet, orders: Mapping[int, BarOrders]) -> LeadSheet:
    """The sheet with what is ordered to be struck as its accents."""
    accents = {bar * POSITIONS_PER_BAR + position for bar, its in orders.items() for position in its.positions()}
    return replace(sheet, accents=frozenset(accents))


def in_key(sheet: LeadSheet, key: Key) -> LeadSheet:
    """A sheet that stands in the home key of a mode, in a key of that mode."""
    return sheet.transposed(semitones_between(home_key(key.mode).tonic, key.tonic))
