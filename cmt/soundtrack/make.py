"""From a video to its music: the main job from end to end, and the files it leaves."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from cmt.band.programs import program_warnings
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.ducking import mixer_for
from cmt.film.film import film_of
from cmt.film.mux import refuse_the_video_itself
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
from cmt.report.speech import Speech
from cmt.soundtrack.output import Output, check_output
from cmt.soundtrack.playing import performance_of, performed
from cmt.soundtrack.report import report_of, speech_of, takes_of
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece, write_pieces
from cmt.writing.sheets import write_sheet
from midi_io import Performance, ready_soundfont, write_midi
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


class _StageProgress(Protocol):
    def __call__(self, done: float, total: float | None = 1.0, /) -> None: ...


class _Stages:
    """Seconds that each stage took."""

    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[_StageProgress]:
        """Measure a stage; gives a function to call with how much of it is done, and how much there is to do."""

        def report_progress(done: float, total: float | None = 1.0) -> None:
            if self._progress is not None:
                self._progress(name, done, total)

        start = time.perf_counter()
        report_progress(0.0, None)
        yield report_progress
        self.seconds[name] = round(time.perf_counter() - start, 3)


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

    All files appear together at the end, or none does. Without a video, `wishes.length` says how long the music is,
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
    name = _checked_name(name if name is not None else video.stem if video is not None else "music")
    if video is None:
        config = replace(config, control=0.0)
    font = None if output.midi_only else ready_soundfont(soundfont, WITHOUT_SOUND)
    stages = _Stages(progress)
    with folder_for_all_or_nothing(folder) as unfinished, ThreadPoolExecutor(1) as beside:
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
        performance = _performance(best, plan, output)
        with stages.stage("midi"):
            kept = {f"{name}.mid": performance}
            if output.keep_takes:
                others = enumerate(takes[1:], start=2)
                kept |= {f"{name}.take{number}.mid": _performance(take, plan, output) for number, take in others}
            for file, its in kept.items():
                write_midi(its, unfinished / file, title=f"Music for {name}")
        png = unfinished / f"{name}.png"
        # It is drawn while FluidSynth plays, unless it shows the gain under speech, which is known behind the mix.
        picture = None if spans else beside.submit(_draw, plan, best.song, best.sheet, name, png)
        notes: tuple[str, ...] = ()
        if font is not None:
            notes = film_of(
                performance,
                video,
                unfinished / f"{name}.mp4",
                sound_file=unfinished / f"{name}.{output.format}",
                stems=output.stems,
                soundfont=font,
                loudness=output.loudness,
                original_audio=output.original_audio,
                mixing=mixer,
                stage=stages.stage,
            )
        speech = speech_of(mixer, plan) if output.duck is not None else None
        with stages.stage("picture"):
            picture.result() if picture else _draw(plan, best.song, best.sheet, name, png, speech)
        report = replace(
            report_of(plan, best.piece, best.song, best.orders, best.sheet, replace(config, seed=best.seed)),
            original_audio=output.original_audio,
            band=performance.playing_voices,
            quantized=output.quantized,
            description=told.fields,
            takes=takes_of([take.judgement for take in takes if take.judgement], list(kept)),
            speech=speech,
            warnings=(
                *(rhythm.warnings if rhythm is not None else ()),
                *told.warnings,
                *plan.warnings,
                *program_warnings(output.programs),
                *best.piece.notes,
                *notes,
                *_warnings_of(takes),
            ),
            checkpoint=Model(loaded.sha256, loaded.provenance),
            soundfont=font.name if font else None,
            loudness=output.loudness if font else None,
            format=output.format if font else None,
            stems=output.stems,
            stages=stages.seconds,
        )
        (unfinished / f"{name}.json").write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
        files = sorted(file.name for file in unfinished.iterdir())
        if video is not None:
            for file in files:
                refuse_the_video_itself(folder / file, video)
    return Soundtrack(tuple(folder / file for file in files), report)


def _draw(plan: Plan, song: Song, sheet: LeadSheet, name: str, path: Path, speech: Speech | None = None) -> None:
    # Late: matplotlib takes most of a second to import.
    from cmt.soundtrack.picture import draw_soundtrack

    draw_soundtrack(plan, song, sheet, name, path, speech)


def _performance(take: Take, plan: Plan, output: Output) -> Performance:
    return performance_of(take.song, take.orders, plan, take.sheet, output, take.seed)


def _checked_name(name: str) -> str:
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise CmtError(f"name {name!r}: cannot name files; give a name without folders and suffix, such as song")
    return name


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
    from cmt.planning.mood_asked import moods_asked
    from cmt.soundtrack.takes import BYTES_PER_BAR, judge_take, ranked

    check_memory(n_take, n_bar * BYTES_PER_BAR)
    takes: dict[int, Take] = {}
    moods = moods_asked(plan, config.control)
    for first in range(0, n_take, TAKES_AT_ONCE):
        seeds = [config.seed + number for number in range(first, min(first + TAKES_AT_ONCE, n_take))]

        def so_far(n_written: float, _: float) -> None:
            progress(len(takes) * n_bar + n_written, n_take * n_bar)

        for take in write_takes(decoder, planner, plan, config, seeds, so_far):
            its, genre = take.piece.key, plan.wishes.genre
            judged = judge_take(take.song, its, plan.density, plan.accents, genre, take.seed, moods)
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
    known = initial_words(wishes.genre, mode, plan.timeline.tempo, wishes.instruments, plan.thirds)
    rng = np.random.default_rng([seed, 6])
    by_bar = [told.initial(known) for told in plan.told]
    return replace(write_sheet(planner, known, plan.orders_of_sheet(control, seed), mode, rng, by_bar), mode=mode)


def _with_accents(sheet: LeadSheet, orders: Mapping[int, BarOrders]) -> LeadSheet:
    """The sheet with what is ordered to be struck as its accents."""
    accents = {bar * POSITIONS_PER_BAR + position for bar, its in orders.items() for position in its.positions()}
    return replace(sheet, accents=frozenset(accents))


def in_key(sheet: LeadSheet, key: Key) -> LeadSheet:
    """A sheet that stands in the home key of a mode, in a key of that mode."""
    return sheet.transposed(semitones_between(home_key(key.mode).tonic, key.tonic))


def _warnings_of(takes: list[Take]) -> list[str]:
    best = takes[0].judgement
    if best is None or not best.reasons:
        return []
    reasons = "; ".join(best.reasons)
    return [
        f"all {len(takes)} takes were rejected, the best of them is kept all the same ({reasons}); try another `seed`"
    ]
