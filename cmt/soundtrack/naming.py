"""What the files of a run are called: nothing that is there already is overwritten unless that is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.soundtrack.keeping import read_kept
from cmt.soundtrack.source import Material, refuse_the_files_themselves


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


def _is_named(report: Path, name: str) -> bool:
    """Whether a report is of files that were to be called so."""
    try:
        return read_kept(report)[1].name == name
    except CmtError:
        return False
