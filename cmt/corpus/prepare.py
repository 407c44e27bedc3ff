"""A corpus from LPD's files, from MIDI files and from packs: read, grid, sieve, find duplicates, label, split, write.

Files are read in shards by many processes; what needs all songs at once, the duplicates first of all, is done when all
shards are there, always in the same order. So the corpus is the same, byte for byte, however many processes there were
and however often the run was cut off.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.config import PrepareConfig
from cmt.corpus.duplicates import groups
from cmt.corpus.folder import COLUMN_TYPES, SONGS, Entry, write_folder
from cmt.corpus.intake import (
    INTAKE_VERSION,
    PIANOROLLS,
    LeftOutSong,
    Reason,
    Rhythm,
    TakenSong,
    printable,
    take_file,
    take_packed,
)
from cmt.corpus.labels import NO_LABELS, Labels
from cmt.corpus.packs import PACK_SUFFIX, read_pack_songs, read_song_list
from cmt.corpus.reading import SPLITS
from cmt.corpus.shards import Shard, appended, joined_shard, read_column, read_shard, write_shard
from cmt.corpus.songs import SongInfo
from cmt.corpus.statistics import draw_statistics, statistics_of
from cmt.errors import CmtError
from cmt.machine.files import NO_FILE, file_state, leads_nowhere
from cmt.machine.locks import only_run
from cmt.machine.progress import Progress, no_progress
from cmt.machine.workers import Workers
from cmt.music.encoding import NoteArrays
from cmt.music.words import Genre, Mode
from midi_io import MIDI_SUFFIXES

SONGS_PER_SHARD = 32
UNFINISHED = ".unfinished"
"""The ending of the folder, beside the corpus, in which the corpus is made."""
REPORT, STATISTICS, STATISTICS_PICTURE = "report.json", "stats.json", "stats.png"
_LPD_LOOKS = "LPD is folders such as A/B/C/TRABC.../md5.npz, a MIDI folder has .mid files, a pack ends in .npz.xz"

_Facts = tuple[int | str, ...]
"""Values that change when a song is no longer the one that it was."""


class Prepared(NamedTuple):
    """A summary of what a run has done."""

    folder: Path
    n_file: int
    """The number of songs found."""
    n_read: int
    """The number of songs read now; the others were in shards of an earlier run."""
    seconds: float
    """The seconds that reading took."""
    n_song: dict[str, int]
    """The number of the corpus's songs by split."""
    n_labelled: int
    left_out: dict[str, int]
    """The number of songs that are not in it, by reason."""


class _Job(NamedTuple):
    """A part of the work: one shard, and the songs that it is made of."""

    shard: Path
    source: Path
    songs: tuple[str, ...]
    """The songs of a folder as paths from it, those of a pack as their numbers in it."""


class _Task(NamedTuple):
    """A part of the work as a process gets it."""

    source: Path
    songs: tuple[str, ...]
    packed: tuple[tuple[dict[str, Any], NoteArrays], ...] = ()
    """The list's entry and the notes of each song of a pack; empty for a folder."""

    def __str__(self) -> str:
        return f"{self.source / self.songs[0]}" + (f" and {len(self.songs) - 1} more" if self.songs[1:] else "")


class _Gathered(NamedTuple):
    """The content of all shards but the notes."""

    songs: list[dict[str, Any]]
    """The songs, as in a shard."""
    places: list[tuple[int, int, int]]
    """Three numbers for each song: that of its job, its own in the shard, and that of its first note in the shard's
    columns."""
    tunes: list[np.ndarray]
    left_out: list[LeftOutSong]


class _Chosen(NamedTuple):
    """The songs that are in the corpus and those that are not."""

    songs: list[_ChosenSong]
    """The songs in the order of the corpus."""
    left_out: list[LeftOutSong]


class _ChosenSong(NamedTuple):
    entry: Entry
    job: int
    number: int
    """The song's number in its shard."""
    first_note: int
    """The number of its first note in the columns of its shard."""


def prepare(
    sources: Sequence[Path],
    folder: Path,
    *,
    labels: Labels = NO_LABELS,
    config: PrepareConfig | None = None,
    workers: Workers | None = None,
    progress: Progress = no_progress,
) -> Prepared:
    """Make the corpus `folder` of all songs of `sources`: folders of LPD's or of MIDI files, and packs.

    Until it is whole it lies beside its place, in a folder that ends in ``.unfinished``; a run that was cut off goes on
    from there. What is written stands in docs/corpus.md.

    Raises
    ------
    CmtError
        If a source holds no songs, none of them can be used, there is a corpus already, another run is making it, or it
        cannot be written.
    """
    config = config or PrepareConfig()
    folder = Path(os.path.abspath(folder))
    unfinished = folder.with_name(folder.name + UNFINISHED)
    _check_free(folder, unfinished)
    jobs = _jobs([Path(os.path.abspath(source)) for source in sources], unfinished / "shards", config)
    try:
        (unfinished / "shards").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(error, unfinished) from None
    try:
        with only_run(unfinished, f"the corpus {folder.name}"):
            _check_free(folder, None)  # the other run may just have ended
            try:
                return _prepare(jobs, folder, unfinished, labels, config, workers or Workers(jobs=1), progress)
            finally:
                _remove_if_empty(unfinished / "shards")  # they are of no use to a later run
    finally:
        _remove_if_empty(unfinished)


def _check_free(folder: Path, unfinished: Path | None) -> None:
    """Raise a CmtError if something is there already; what a run left that was killed after its last step goes."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return
    is_corpus = (folder / SONGS).is_file()
    if is_corpus and unfinished is not None and (unfinished / "shards").is_dir():
        with suppress(CmtError, OSError), only_run(unfinished, f"the corpus {folder.name}"):
            shutil.rmtree(unfinished)
    what = "a corpus is" if is_corpus else "something else is"
    raise CmtError(f"{folder}: {what} there already; remove it, or choose another `folder`")


def _not_written(error: OSError, unfinished: Path) -> CmtError:
    return CmtError(
        f"{error.filename or unfinished}: cannot be written ({error.strerror or error}); check the folder and "
        "the free space, and start again: what has been read is kept"
    )


def _prepare(
    jobs: Sequence[_Job],
    folder: Path,
    unfinished: Path,
    labels: Labels,
    config: PrepareConfig,
    workers: Workers,
    progress: Progress,
) -> Prepared:
    try:
        begin = time.monotonic()
        n_read = _read_jobs(jobs, config, workers, progress)
        seconds = time.monotonic() - begin
        progress("compare", 0, 1)
        gathered = _gather(jobs)
        if not gathered.songs:  # reading the same files once more would give nothing either
            shutil.rmtree(unfinished)
        chosen = _choose(gathered, labels, config)
        whole = unfinished / "corpus"
        if whole.exists():
            shutil.rmtree(whole)
        whole.mkdir()
        _write(whole, jobs, chosen, progress)
        os.rename(whole, folder)  # an empty folder gives way; another corpus of the name does not
        shutil.rmtree(unfinished)
    except OSError as error:
        raise _not_written(error, unfinished) from None
    return Prepared(
        folder,
        sum(len(job.songs) for job in jobs),
        n_read,
        seconds,
        dict(Counter(song.entry.split for song in chosen.songs)),
        sum(song.entry.info.genre is not None for song in chosen.songs),
        dict(Counter(song.reason for song in chosen.left_out)),
    )


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _jobs(sources: Sequence[Path], shards: Path, config: PrepareConfig) -> list[_Job]:
    """All the work, in the same order each time."""
    jobs: list[_Job] = []
    rule = [INTAKE_VERSION, asdict(config) | {"validation_share": None}]
    for source in sorted(set(sources)):
        found = _songs_of_pack(source) if source.name.endswith(PACK_SUFFIX) else _songs_of_folder(source)
        for first in range(0, len(found), SONGS_PER_SHARD):
            part = found[first : first + SONGS_PER_SHARD]
            made_of = repr([rule, os.fsencode(source.name), [(os.fsencode(song), facts) for song, facts in part]])
            name = f"{len(jobs):06d}-{hashlib.sha256(made_of.encode('ascii')).hexdigest()[:24]}.npz"
            jobs.append(_Job(shards / name, source, tuple(song for song, _ in part)))
    return jobs


def _songs_of_folder(folder: Path) -> list[tuple[str, _Facts]]:
    """Paths of all songs from their folder, sorted, each with its file's size and time of change."""
    if not folder.is_dir():
        what = "is neither a folder nor a pack" if folder.exists() else "no such folder"
        raise CmtError(f"{folder}: {what}; {_LPD_LOOKS}")
    found = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.endswith(UNFINISHED)]  # shards are .npz too
        linked = [name for name in folders if os.path.islink(os.path.join(parent, name))]  # not followed, but told of
        for name in names + linked:
            path = os.path.join(parent, name)
            is_song = os.path.splitext(name)[1].lower() in (*PIANOROLLS, *MIDI_SUFFIXES)
            if is_song or name in linked or leads_nowhere(path):
                state = file_state(path)
                # A link that leads nowhere is found out when it is read.
                facts: _Facts = () if state == NO_FILE else state
                found.append((os.path.relpath(path, folder), facts))
    if not found:
        what = "no songs in it" if any(folder.iterdir()) else "is empty"
        raise CmtError(f"{folder}: {what}; {_LPD_LOOKS}")
    return sorted(found, key=lambda song: os.fsencode(song[0]))


def _refuse(error: OSError) -> None:
    raise CmtError(f"{error.filename}: cannot be read ({error.strerror}); check who may") from None


def _songs_of_pack(pack: Path) -> list[tuple[str, _Facts]]:
    """The numbers of a pack's songs, each with the file's facts and what the list says of it."""
    infos = read_song_list(pack)
    try:
        status = pack.stat()
    except OSError as error:
        raise CmtError(f"{pack}: cannot be read ({error.strerror}); check the name") from None
    return [(str(i), (status.st_size, status.st_mtime_ns, json.dumps(info))) for i, info in enumerate(infos)]


def _read_jobs(jobs: Sequence[_Job], config: PrepareConfig, workers: Workers, progress: Progress) -> int:
    """Make the shards that are not there yet; how many songs were read for them."""
    missing = [job for job in jobs if read_shard(job.shard) is None]
    total, to_read = sum(len(job.songs) for job in jobs), sum(len(job.songs) for job in missing)
    done = total - to_read
    take = functools.partial(_take, config=config)
    fatal = []
    for job, shard in zip(missing, workers.map(take, _tasks(missing), lambda task, reason: None), strict=True):
        if shard is None:
            fatal.append(job)
            continue
        write_shard(shard, job.shard)
        done += len(job.songs)
        progress("prepare", done, total)
    # A song that kills whoever reads it must not take the others of its shard along.
    for job, task in zip(fatal, _tasks(fatal), strict=True):
        alone = [_Task(task.source, (task.songs[i],), task.packed[i : i + 1]) for i in range(len(task.songs))]
        write_shard(appended(list(workers.map(take, alone, _deadly))), job.shard)
    return to_read


def _tasks(jobs: Iterable[_Job]) -> Iterator[_Task]:
    """The tasks that make shards; a pack is read when the first of its songs is needed."""
    opened, pack = None, None
    for job in jobs:
        if not job.source.name.endswith(PACK_SUFFIX):
            yield _Task(job.source, job.songs)
            continue
        if job.source != opened or pack is None:
            opened, pack = job.source, read_pack_songs(job.source)
        numbers = [int(song) for song in job.songs]
        packed = tuple((pack.infos[number], pack.notes_of(number)) for number in numbers)
        yield _Task(job.source, job.songs, packed)


def _take(task: _Task, config: PrepareConfig) -> Shard:
    """The shard of a task's songs; this runs in a process of its own."""
    results: list[TakenSong | LeftOutSong]
    if task.packed:
        results = [take_packed(task.source.name, info, notes, config) for info, notes in task.packed]
    else:
        results = [take_file(task.source, song, config) for song in task.songs]
    return joined_shard(results)


def _deadly(task: _Task, reason: str) -> Shard:
    file = printable(f"{task.source.name}/{task.songs[0]}")
    return joined_shard(
        [LeftOutSong(file, Reason.UNREADABLE.value, "whoever reads it dies; is it larger than memory?")]
    )


def _gather(jobs: Sequence[_Job]) -> _Gathered:
    gathered = _Gathered([], [], [], [])
    for number, job in enumerate(jobs):
        shard = _shard_of(job)
        gathered.left_out.extend(shard.left_out)
        first_note = first_shingle = 0
        for index, song in enumerate(shard.songs):
            gathered.songs.append(song)
            gathered.places.append((number, index, first_note))
            gathered.tunes.append(shard.shingles[first_shingle : first_shingle + song["n_shingle"]])
            first_note, first_shingle = first_note + song["n_note"], first_shingle + song["n_shingle"]
    return gathered


def _choose(gathered: _Gathered, labels: Labels, config: PrepareConfig) -> _Chosen:
    """One song of each group of duplicates, its genre and its split."""
    songs, left_out = gathered.songs, list(gathered.left_out)
    if not songs:
        raise CmtError(_why_none(left_out))
    members: dict[int, list[int]] = {}
    for index, leader in enumerate(groups([song["fingerprint"] for song in songs], gathered.tunes).tolist()):
        members.setdefault(leader, []).append(index)
    # The fullest version stands for all; what is equal in all this is the same song.
    alike = [
        sorted(group, key=lambda i: (-songs[i]["n_note"], *(songs[i][key] for key in ("fingerprint", "name", "file"))))
        for group in members.values()
    ]
    splits = _splits([[songs[i] for i in group] for group in alike], config.validation_share)
    chosen = []
    for group, split in zip(alike, splits, strict=True):
        song = songs[group[0]]
        duplicate = LeftOutSong("", Reason.DUPLICATE.value, f"of {song['file']}")
        left_out += [duplicate._replace(file=songs[i]["file"]) for i in group[1:]]
        info = SongInfo(
            song["name"],
            _genre([songs[i] for i in group], labels),
            Mode[song["mode"].upper()],
            song["tempo"],
            song["semitones_home"],
            song["n_bar"],
        )
        chosen.append(_ChosenSong(Entry(info, split, song["n_note"]), *gathered.places[group[0]]))
    order = {name: i for i, name in enumerate(SPLITS)}
    chosen.sort(key=lambda c: (order.get(c.entry.split, len(order)), c.entry.split, c.entry.info.name, c[1:]))
    return _Chosen(chosen, sorted(left_out))


def _genre(group: Sequence[dict[str, Any]], labels: Labels) -> Genre | None:
    """The genre that a song of the group says itself, else that of the lists."""
    for song in group:
        if song["genre"]:
            return Genre[song["genre"].upper()]
    return labels.genre_of(group[0]["name"], (song["msd_id"] for song in group))


def _why_none(left_out: Sequence[LeftOutSong]) -> str:
    counts = Counter(song.reason for song in left_out)
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items()))
    first = min(left_out)
    detail = f": {first.detail}" if first.detail else ""
    return f"none of {len(left_out)} songs can be used ({reasons}); the first is {first.file}{detail}"


def _splits(kept: Sequence[Sequence[dict[str, Any]]], share: float) -> list[str]:
    """For each group the split that one of its songs says, a held-out one first; else by the hash of its notes."""
    draws = [int(group[0]["fingerprint"][:12], 16) / 16**12 for group in kept]
    # Where there are few songs none may fall below the share; one must be held out to see what is learnt.
    border = max(share, min(draws) + 16.0**-12) if len(kept) > 1 and share > 0 else share
    splits = []
    for group, draw in zip(kept, draws, strict=True):
        given = sorted({song["split"] for song in group} - {""}, key=lambda split: split == SPLITS[0])
        splits.append(given[0] if given else SPLITS[draw < border])
    return splits


def _write(folder: Path, jobs: Sequence[_Job], chosen: _Chosen, progress: Progress) -> None:
    """All files of the corpus."""
    entries = [song.entry for song in chosen.songs]
    columns = NoteArrays._fields

    def column(number: int, name: str) -> tuple[str, np.ndarray]:
        progress("write", number, len(columns) + 1)
        return name, _column(name, jobs, chosen)

    write_folder(folder, entries, (column(number, name) for number, name in enumerate(columns)))
    progress("write", len(columns), len(columns) + 1)
    statistics = _statistics(jobs, chosen)
    report = {
        "n_file": len(entries) + len(chosen.left_out),
        "n_song": len(entries),
        "splits": dict(sorted(Counter(entry.split for entry in entries).items())),
        "left_out": dict(sorted(Counter(song.reason for song in chosen.left_out).items())),
        "files": [song._asdict() for song in chosen.left_out],
    }
    for name, content in ((REPORT, report), (STATISTICS, statistics)):
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draw_statistics(statistics, folder / STATISTICS_PICTURE)


def _column(name: str, jobs: Sequence[_Job], chosen: _Chosen) -> np.ndarray:
    """One column of the notes of all songs, in the order of the corpus."""
    ends = np.cumsum([song.entry.n_note for song in chosen.songs]).tolist()
    column = np.empty(ends[-1], getattr(COLUMN_TYPES, name))
    by_job: dict[int, list[tuple[_ChosenSong, int]]] = {}
    for song, end in zip(chosen.songs, ends, strict=True):
        by_job.setdefault(song.job, []).append((song, end))
    for number, songs in by_job.items():
        part = read_column(jobs[number].shard, name)
        for song, end in songs:
            n_note = song.entry.n_note
            column[end - n_note : end] = part[song.first_note : song.first_note + n_note]
    return column


def _statistics(jobs: Sequence[_Job], chosen: _Chosen) -> dict[str, Any]:
    by_job: dict[int, list[_ChosenSong]] = {}
    for song in chosen.songs:
        by_job.setdefault(song.job, []).append(song)
    return statistics_of(
        (
            song.entry,
            Rhythm(shard.songs[song.number]["n_word"], shard.density[song.number], shard.strength[song.number]),
        )
        for number in sorted(by_job)
        for shard in [_shard_of(jobs[number])]
        for song in by_job[number]
    )


def _shard_of(job: _Job) -> Shard:
    shard = read_shard(job.shard)
    if shard is None:
        raise CmtError(f"{job.shard}: went away or broke while the corpus was made; start again")
    return shard
