"""Music for many videos: one after another, on all processors, or on the machines of a cluster.

Every video has a line in ``generate.jsonl`` beside the results, written when it is done or has failed. A run that is
started again passes over the videos that are done with the same settings, so that it goes on where it was stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.machine.files import file_state, ready_folder
from cmt.machine.journal import Journal, read_journal
from cmt.machine.locks import only_run
from cmt.machine.videos import name_for
from cmt.machine.workers import Workers
from cmt.music.key import WishedKey
from cmt.planning.form import WishedForm
from cmt.planning.progression import Progression
from cmt.planning.wishes import Wishes, check_config, check_wishes
from cmt.report.description import Told
from cmt.report.report import Report
from cmt.soundtrack.delivering import WITHOUT_SOUND
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.naming import free_name, suffixes_of
from cmt.soundtrack.networks import check_arithmetic, load_networks
from cmt.soundtrack.output import Output, check_output
from midi_io import ready_soundfont
from midi_io.input_file import content_of
from midi_io.limits import MOST_REPORT_BYTES
from midi_io.whole_file import whole_file

LOG = "generate.jsonl"


class Job(NamedTuple):
    """A video and the name of its results."""

    video: Path
    name: str
    replaces: bool = False
    """Whether files of the name are replaced: they are what this very run left."""
    note: str = ""
    """What is to say of the name."""


class Summary(NamedTuple):
    """A few values of the report."""

    duration: float
    n_bar: int
    tempo: float
    """The BPM."""
    key: str
    genre: str | None
    seed: int


_USUAL = (Wishes(), Output())
_USUAL_CONFIG = GenerateConfig()
_LATER = frozenset(
    "loudness programs quantized duck stems format tempo_range liveliness ending mood scenes chords form like"
    " seconds_per_picture bars loop sample_rate bit_depth fade_in fade_out marker_kinds timecode origin mode"
    " page sounds sound_library sound_events int8".split()
)
"""What the first logs do not tell of: where nothing else is asked, their fingerprints still hold."""


@dataclass(frozen=True)
class Outcome:
    """What became of a video: a line of the log."""

    video: str
    name: str
    status: str
    """How it went: ``done`` or ``failed``."""
    settings: str = ""
    """A hash of the run's settings."""
    size: int = 0
    """The video's size in bytes."""
    modified: int = 0
    """The time at which the video was last changed, in nanoseconds."""
    error: str = ""
    """The reason why it failed, one line; empty if it did not."""
    trace: str = ""
    """The traceback, if the failure is a bug and no mistake of the user's."""
    files: tuple[str, ...] = ()
    report_sha256: str = ""
    """The .json file's hash: results that others have replaced since are made again."""
    summary: Summary | None = None
    """The music in a few values; None if there is none."""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    """The seconds that the video took."""
    is_new: bool = True
    """Whether it was made in this run, not before."""


@dataclass(frozen=True)
class Settings:
    """The settings that are the same for all videos of a run."""

    folder: Path
    wishes: Wishes
    config: GenerateConfig
    checkpoint: Path | None = None
    soundfont: Path | None = None
    output: Output = field(default_factory=Output)
    told: Told = field(default_factory=Told)
    """What reports say of the description that the wishes come from."""

    def fingerprint(self, checkpoint_sha256: str, font: Path | None) -> str:
        """A hash of all that decides how the results sound, in the words of the first logs, which still hold."""
        fields, usual = (vars(wishes) | vars(output) for wishes, output in ((self.wishes, self.output), _USUAL))
        del fields["overwrite"]  # it is not heard
        fields = {name: value for name, value in fields.items() if name not in _LATER or value != usual[name]}
        for name, kind in (("key", WishedKey), ("chords", Progression), ("form", WishedForm)):
            if isinstance(fields.get(name), kind):
                fields[name] = str(fields[name])
        if self.wishes.energy is not None and self.wishes.energy.begins:
            fields["begins"] = self.wishes.energy.begins
        if self.wishes.energy is not None and self.wishes.energy.arc:
            fields["arc"] = self.wishes.energy.arc
        if self.wishes.energy is not None and self.wishes.energy.moods:
            fields["moods"] = self.wishes.energy.moods
        wishes = f"Wishes({', '.join(f'{name}={value!r}' for name, value in fields.items())})"
        of_config = {
            name: value
            for name, value in vars(self.config).items()
            if name not in _LATER or value != getattr(_USUAL_CONFIG, name)
        }
        config = f"GenerateConfig({', '.join(f'{name}={value!r}' for name, value in of_config.items())})"
        parts = (wishes, config, repr(checkpoint_sha256), repr(str(font)), repr(_version()))
        return hashlib.sha256(f"({', '.join(parts)})".encode()).hexdigest()[:16]


def make_soundtracks(
    videos: Sequence[Path],
    settings: Settings,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Music for every video into `settings.folder`; a bad video is an outcome, not the end.

    `progress` is called with each outcome, first those of videos that were done before.

    Raises
    ------
    CmtError
        If nothing could be made for any video: a wish, the checkpoint, the SoundFont, the folder or the scheduler
        is of no use, results would overwrite one of the videos, or another run fills the folder.
    """
    check_wishes(settings.wishes)
    check_config(settings.config)
    check_arithmetic(settings.config)
    check_output(settings.output)
    font = None if settings.output.midi_only else ready_soundfont(settings.soundfont, WITHOUT_SOUND)
    networks = load_networks(settings.checkpoint)
    networks.decoder_for(settings.config)  # now, or every video would say that it cannot be
    fingerprint = settings.fingerprint(networks.checkpoint.sha256, font)
    log = settings.folder / LOG
    videos = [video.absolute() for video in videos]  # workers may stand in another folder
    if not settings.output.midi_only:
        _refuse_to_overwrite(videos, named(videos, read_log(log)), settings)
    ready_folder(settings.folder)
    with only_run(settings.folder, f"a {LOG}"):
        return _make(videos, settings, fingerprint, log, Workers(jobs, scheduler), progress)


def _make(
    videos: Sequence[Path],
    settings: Settings,
    fingerprint: str,
    log: Path,
    workers: Workers,
    progress: Callable[[Outcome], None],
) -> list[Outcome]:
    """The outcomes of all videos; the folder is this run's alone."""
    before = read_log(log)
    work = named(videos, before)
    outcomes = {}
    to_do: list[Job] = []
    taken = {job.name.casefold() for job in work} | {outcome.name.casefold() for outcome in before.values()}
    for job in work:
        old = before.get(str(job.video))
        if old is not None and _is_done(old, job, fingerprint, settings.folder):
            outcomes[job.video] = old
            progress(old)
        else:
            to_do.append(_renamed(job, old, fingerprint, settings, taken))
    one = partial(_one, settings, fingerprint)
    with workers, Journal(log) as journal:
        for job, outcome in zip(to_do, workers.map(one, to_do, lost=partial(_lost, fingerprint)), strict=True):
            outcomes[job.video] = outcome
            journal.write(_as_line(outcome))
            progress(outcome)
    # A line for each video, also for those that were made once more.
    write_log(log, read_log(log).values())
    return [outcomes[job.video] for job in work]


def named(videos: Iterable[Path], before: Mapping[str, Outcome]) -> list[Job]:
    """A name of its own for each video's results; a video that had one before keeps it."""
    taken = {outcome.name.casefold() for outcome in before.values()}
    jobs = []
    for video in videos:
        if str(video) in before:
            jobs.append(Job(video, before[str(video)].name))
            continue
        jobs.append(Job(video, name_for(video, taken)))
    return jobs


def _renamed(job: Job, old: Outcome | None, fingerprint: str, settings: Settings, taken: set[str]) -> Job:
    """The job with a name under which it overwrites nothing, but for what the same run left of it before."""
    folder, output = settings.folder, settings.output
    suffixes = suffixes_of(output, has_sound=not output.midi_only, has_film=not output.midi_only)
    name = free_name(folder, job.name, suffixes, taken - {job.name.casefold()})
    if output.overwrite or name == job.name:
        return job
    if old is not None and old.settings == fingerprint and (old.size, old.modified) == file_state(job.video):
        report = folder / f"{old.name}.json"
        if not report.exists() or old.report_sha256 == _sha256(report):
            return job._replace(replaces=True)
    taken.add(name.casefold())
    return Job(job.video, name, note=f"{job.name} is there already and stays: this one is called {name}")


def _refuse_to_overwrite(videos: Iterable[Path], work: Iterable[Job], settings: Settings) -> None:
    originals = {_identity(video) for video in videos} - {None}
    for job in work:
        for suffix in ("mp4", settings.output.format):
            target = settings.folder / f"{job.name}.{suffix}"
            if originals and _identity(target) in originals:
                raise CmtError(f"{target}: is one of the videos; choose another `folder`")


def _identity(path: Path) -> tuple[int, int] | None:
    """Two numbers that identify a file, whatever it is called; None if there is no such file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_done(old: Outcome, job: Job, fingerprint: str, folder: Path) -> bool:
    return (
        old.status == "done"
        and old.summary is not None
        and old.settings == fingerprint
        and (old.size, old.modified) == file_state(job.video)
        and all((folder / file).is_file() for file in old.files)
        and old.report_sha256 == _sha256(folder / f"{old.name}.json")
    )


def _one(settings: Settings, fingerprint: str, job: Job) -> Outcome:
    """Make music for one video, in whatever process."""
    begin = time.perf_counter()
    size, modified = file_state(job.video)
    outcome = partial(Outcome, str(job.video), settings=fingerprint, size=size, modified=modified)
    try:
        soundtrack = make_soundtrack(
            job.video,
            settings.folder,
            settings.wishes,
            settings.config,
            output=replace(settings.output, overwrite=settings.output.overwrite or job.replaces),
            name=job.name,
            checkpoint=settings.checkpoint,
            soundfont=settings.soundfont,
            told=settings.told,
        )
    except CmtError as error:
        return outcome(job.name, "failed", error=" ".join(str(error).split()), seconds=_since(begin))
    except Exception as error:  # one video's bug must not end the others' night
        reason = f"{job.video}: {type(error).__name__}: {' '.join(str(error).split())} (a bug; {LOG} says where)"
        return outcome(job.name, "failed", error=reason, trace=traceback.format_exc(), seconds=_since(begin))
    report = soundtrack.report
    return outcome(
        soundtrack.name,
        "done",
        files=tuple(file.name for file in soundtrack.files),
        report_sha256=_sha256(settings.folder / f"{soundtrack.name}.json"),
        summary=summary_of(report),
        warnings=(*([job.note] if job.note else soundtrack.notes), *report.warnings),
        seconds=_since(begin),
    )


def summary_of(report: Report) -> Summary:
    """The music in a few values."""
    return Summary(
        duration=report.duration,
        n_bar=report.grid.n_bar,
        tempo=report.grid.tempo,
        key=str(report.key),
        genre=None if report.genre is None else report.genre.label,
        seed=report.config.seed,
    )


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(content_of(path, MOST_REPORT_BYTES)).hexdigest()
    except CmtError:
        return ""


def _since(begin: float) -> float:
    return round(time.perf_counter() - begin, 3)


def _lost(fingerprint: str, job: Job, reason: str) -> Outcome:
    return Outcome(str(job.video), job.name, "failed", fingerprint, *file_state(job.video), error=reason)


def read_log(path: Path) -> dict[str, Outcome]:
    """The last outcome of each video in a log, by the video's path; none if there is no log.

    A line that was cut off half-way, as by a full disk, is passed over: its video is made again.

    Raises
    ------
    CmtError
        If the file cannot be read.
    """
    outcomes: dict[str, Outcome] = {}
    for line in read_journal(path):
        outcome = _outcome_of(line)
        if outcome is not None:
            outcomes[outcome.video] = outcome
    return outcomes


def _outcome_of(line: dict[str, Any]) -> Outcome | None:
    try:
        files = tuple(line["files"])
        # Names come from a file that anyone may have changed.
        if any(Path(name).name != name for name in (*files, line["name"])):
            return None
        summary = Summary(**line["summary"]) if line.get("summary") else None
        read = {"files": files, "warnings": tuple(line["warnings"]), "summary": summary, "is_new": False}
        outcome = Outcome(**{**line, **read})
        return outcome if _is_sound(outcome) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_sound(outcome: Outcome) -> bool:
    """Whether all values are of their types."""
    texts = [outcome.video, outcome.name, outcome.status, outcome.settings, outcome.error, outcome.trace]
    texts += [outcome.report_sha256, *outcome.files, *outcome.warnings]
    numbers: list[object] = [outcome.size, outcome.modified, outcome.seconds]
    if outcome.summary is not None:
        duration, n_bar, tempo, key, genre, seed = outcome.summary
        texts += [key, genre or ""]
        numbers += [duration, n_bar, tempo, seed]
    return all(isinstance(one, str) for one in texts) and all(
        isinstance(one, int | float) and math.isfinite(one) for one in numbers
    )


def _as_line(outcome: Outcome) -> dict[str, Any]:
    line = asdict(outcome)
    line["summary"] = outcome.summary._asdict() if outcome.summary else {}
    del line["is_new"]
    return line


def write_log(path: Path, outcomes: Iterable[Outcome]) -> None:
    """A log with these lines, in place of the one that is there; whole or not at all."""
    with whole_file(path) as unfinished:
        lines = (json.dumps(_as_line(outcome)) + "\n" for outcome in outcomes)
        unfinished.write_text("".join(lines), encoding="utf-8")


def _version() -> str:
    try:
        return metadata.version("video-cmt")
    except metadata.PackageNotFoundError:
        return ""
