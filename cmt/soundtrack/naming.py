"""What the files of a run are called: nothing that is there already is overwritten unless that is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.film.film import SOUNDS
from cmt.handover.markers import SUFFIXES as MARKER_SUFFIXES
from cmt.report.values import Value
from cmt.soundtrack.handing import ORIGIN_SUFFIX, suffixes_for_editors
from cmt.soundtrack.keeping import read_kept
from cmt.soundtrack.output import Output, output_from_json
from cmt.soundtrack.source import Material, refuse_the_files_themselves
from midi_io.audio_file import AUDIO_FORMATS
from midi_io.song import Instrument

_SOUNDS = ("", *(f".{label}" for label in (*(instrument.label for instrument in Instrument), SOUNDS)))
ALL_SUFFIXES = (
    *(".mid", ".json", ".png", ".mp4", ".html", *MARKER_SUFFIXES, ORIGIN_SUFFIX),
    *(f"{sound}.{suffix}" for sound in _SOUNDS for suffix in AUDIO_FORMATS),
)
"""What stands behind the name in the files of all kinds of runs, but for the other takes."""
_AT_ONCE = 60.0
"""Seconds within which the files of a run, or a copy of them, are written."""


class RunName(NamedTuple):
    """The name of a run's files, and what is to say about it."""

    name: str
    notes: tuple[str, ...] = ()
    """A line where files were there already."""


def checked_name(name: str) -> str:
    """The name, if it can name files.

    Raises
    ------
    CmtError
        If it is empty, or has a folder in it.
    """
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise CmtError(f"`name` {name!r}: cannot name files; give a name without folders and suffix, such as song")
    return name


def name_of_run(folder: Path, name: str, suffixes: Collection[str], *, overwrite: bool, material: Material) -> RunName:
    """The name itself, or the first of ``name-2``, ``name-3`` ... of which no file is there.

    Parameters
    ----------
    suffixes
        What stands behind the name in each file, such as ``.mid``, ``.drums.wav``.
    overwrite
        Whether files that are there are to be replaced.
    material
        What is read, which is never replaced.

    Raises
    ------
    CmtError
        If one of the files would be the video or a picture.
    """
    refuse_the_files_themselves((folder / f"{name}{suffix}" for suffix in suffixes), material)
    there = _there(folder, name, suffixes)
    if not there:
        return RunName(name)
    files = f"{folder / there[0]}" + (f" and {len(there) - 1} more" if len(there) > 1 else "")
    if overwrite:
        return RunName(name, (f"replaced, as `overwrite` asks: {files}",))
    other = free_name(folder, name, suffixes)
    return RunName(other, (f"this run is called {other}, what was there stays (`overwrite` replaces): {files}",))


def free_name(folder: Path, name: str, suffixes: Iterable[str], taken: Collection[str] = ()) -> str:
    """The name itself, or with the first number from 2 on, so that no file has it and `taken`, in lower case, not."""
    suffixes = list(suffixes)
    for number in count(1):
        candidate = name if number == 1 else f"{name}-{number}"
        if candidate.casefold() not in taken and not _there(folder, candidate, suffixes):
            return candidate
    raise AssertionError("numbers do not end")


def _there(folder: Path, name: str, suffixes: Iterable[str]) -> list[str]:
    return [f"{name}{suffix}" for suffix in suffixes if (folder / f"{name}{suffix}").exists()]


def old_takes(folder: Path, name: str, written: Collection[str]) -> list[Path]:
    """The files of the other takes of a run of that name, those left out that are `written` now.

    A report called ``clip.take2.json`` that is none of a take of ``clip`` stays, such as that of ``clip.take2.mp4``.
    """
    takes = re.compile(rf"{re.escape(name)}\.take\d+\.json")
    reports = [file for file in sorted(folder.iterdir()) if takes.fullmatch(file.name) and _is_named(file, name)]
    files = [file for report in reports for file in (report, report.with_suffix(".mid"))]
    return [file for file in files if file.name not in written and file.exists()]


def suffixes_of(output: Output, *, has_sound: bool, has_film: bool) -> list[str]:
    """What may stand behind the name in each file of a run, but for the other takes.

    Parameters
    ----------
    has_sound
        Whether sound is made.
    has_film
        Whether a film is made with it.
    """
    suffixes = [".mid", ".json", ".png"]
    if has_sound:
        sound = f".{output.format}"
        suffixes += [sound, *([".mp4"] if has_film else [])]
        suffixes += [f".{SOUNDS}{sound}"] if output.sounds else []
        suffixes += [f".{one.label}{sound}" for one in Instrument] if output.stems else []
    page = [".html"] if output.page else []
    return [*suffixes, *page, *suffixes_for_editors(output)]


class OldFiles(NamedTuple):
    """Files that an earlier run of the same name may have left, and that are not written now."""

    ours: tuple[Path, ...] = ()
    """Those that its report, ``clip.json``, says it wrote."""
    changed: tuple[Path, ...] = ()
    """Of these, those that somebody changed later, which makes them theirs."""
    others: tuple[Path, ...] = ()
    """Those of which no report says it: they may be anybody's."""


def old_files(folder: Path, name: str, written: Collection[str], material: Material) -> OldFiles:
    """What is there of an earlier run of that name, its takes left out; nothing of the `material`, which is read."""
    files = [folder / f"{name}{suffix}" for suffix in ALL_SUFFIXES]
    files = [file for file in files if file.name not in written and file.is_file() and not _is_read(file, material)]
    report = folder / f"{name}.json"
    listed = _listed(report, name) if files else []
    ours = [file for file in files if file.name in listed]
    changed = [file for file in ours if file.stat().st_mtime > report.stat().st_mtime + _AT_ONCE]
    return OldFiles(
        tuple(file for file in ours if file not in changed),
        tuple(changed),
        tuple(file for file in files if file not in ours),
    )


def _is_read(file: Path, material: Material) -> bool:
    return any(source.exists() and file.samefile(source) for source in material.files)


def _listed(file: Path, name: str) -> list[str]:
    """The names of the files that a report says its run wrote; none if it is no report of that name."""
    try:
        report, kept = read_kept(file)
        output = output_from_json(Value(kept.output, str(file), "kept.output"))
    except CmtError:
        return []
    if not _is_name_of(name, kept.name):
        return []
    output = replace(output, stems=report.stems, format=report.format or output.format)
    has_sound = report.format is not None
    # Of frames or of a rhythm, which have no hash, no film is made.
    has_film = bool(report.pictures) or (report.picture is not None and kept.video_sha256 is not None)
    return [f"{name}{suffix}" for suffix in suffixes_of(output, has_sound=has_sound, has_film=has_film)]


def notes_on_old_files(takes: Sequence[Path], old: OldFiles) -> list[str]:
    """A line on each kind of old files: those that go, which are `takes` and ours, and those that stay."""
    kinds = (
        ("removed, as `overwrite` asks, because this run has no such take", takes),
        ("removed, as `overwrite` asks, because this run writes no such file", old.ours),
        ("stays, though it is none of this run, because it was changed after the run that wrote it", old.changed),
        ("stays, though it is none of this run, because no report says that an earlier run wrote it", old.others),
    )
    return [
        f"{what}: {files[0]}" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
        for what, files in kinds
        if files
    ]


def remove_stale(files: Iterable[Path]) -> None:
    """Remove files of an earlier run.

    Raises
    ------
    CmtError
        If one cannot be removed.
    """
    for file in files:
        try:
            file.unlink()
        except OSError as error:
            raise CmtError(
                f"{file}: is of an earlier run and cannot be removed ({error.strerror}); remove it"
            ) from None


def _is_named(report: Path, name: str) -> bool:
    """Whether a report is of files of that name."""
    try:
        return _is_name_of(name, read_kept(report)[1].name)
    except CmtError:
        return False


def _is_name_of(name: str, asked: str) -> bool:
    """Whether files that were to be called as is `asked` have that name: it, or with a number behind it."""
    return re.fullmatch(rf"{re.escape(asked)}(-\d+)?", name) is not None
