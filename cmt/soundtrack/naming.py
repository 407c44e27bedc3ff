"""What the files of a run are called: nothing that is there already is overwritten unless that is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.film.film import SOUNDS
from cmt.soundtrack.keeping import read_kept
from cmt.soundtrack.source import Material, refuse_the_files_themselves
from midi_io.audio_file import AUDIO_FORMATS
from midi_io.song import Instrument


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
        raise CmtError(f"name {name!r}: cannot name files; give a name without folders and suffix, such as song")
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


def old_stems(folder: Path, name: str, written: Collection[str]) -> tuple[list[Path], list[Path]]:
    """The sounds of single instruments, and of what is seen, of an earlier run of that name that are not `written` now.

    First those that its report, ``clip.json``, says it wrote; then others of such a name, which may be anybody's.
    """
    labels = (*(instrument.label for instrument in Instrument), SOUNDS)
    files = [folder / f"{name}.{label}.{suffix}" for label in labels for suffix in AUDIO_FORMATS]
    files = [file for file in files if file.name not in written and file.exists()]
    ours: set[str] = set()
    if files and _is_named(folder / f"{name}.json", name):
        report, _ = read_kept(folder / f"{name}.json")
        if report.stems:
            ours |= {f"{name}.{instrument.label}.{report.format}" for instrument in Instrument}
        if report.sounds is not None:
            ours.add(f"{name}.{SOUNDS}.{report.format}")
    return [file for file in files if file.name in ours], [file for file in files if file.name not in ours]


def notes_on_old_files(takes: Sequence[Path], stems: Sequence[Path], others: Sequence[Path]) -> list[str]:
    """A line on each kind of old files: `takes` and `stems`, which go, and `others`, which stay."""
    kinds = (
        ("removed, as `overwrite` asks, because this run has no such take", takes),
        ("removed, as `overwrite` asks, because this run writes no such sound", stems),
        ("stays, though it is none of this run, because no report says that an earlier run wrote it", others),
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
    """Whether a report is of files that were to be called so."""
    try:
        return read_kept(report)[1].name == name
    except CmtError:
        return False
