"""The pictures that a command is for: files as named, or those of folders, as one slideshow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.machine.files import files_below, real_path
from cmt.machine.videos import VIDEO_SUFFIXES
from video_rhythm.signatures import STILL_SUFFIXES, signature


class Pictures(NamedTuple):
    """The pictures in the places that a user named."""

    files: tuple[Path, ...]
    """The pictures in the order in which they are shown; none where the places are videos."""
    n_other: int = 0
    """The number of files of folders that are no pictures."""
    left_out: tuple[str, ...] = ()
    """A line for each folder that is not looked into, with the reason; none where the places are videos."""


def is_picture(path: Path) -> bool:
    """Whether a file is a picture that stands still, by its content."""
    if signature(path) is None:
        return False
    from video_rhythm.stills import is_still  # late: Pillow takes a moment to import, and a video does not need it

    return is_still(path)


def find_pictures(places: Sequence[Path], output: Path | None = None) -> Pictures:
    """The pictures at `places`, if that is what lies there; no files where there are videos.

    A folder is one of pictures if there are pictures and no videos in it and in its folders; hidden files and folders
    and the `output` folder are passed over. Its pictures come in the order of their names, ``img2`` before ``img10``.
    So do files, unless the user's own order is another one than a shell gives them.

    Raises
    ------
    CmtError
        If pictures and videos are named together, a folder holds neither, or it is the output folder.
    """
    groups: list[Sequence[Path]] = []
    n_other = 0
    left_out: list[str] = []
    video: Path | None = None
    named: list[Path] = []
    for place in places:
        if not place.is_dir():
            if is_picture(place):
                named.append(place)
            else:
                video = video or place
            continue
        files, others = _pictures_in(place, output, left_out)
        if files is None:
            video = video or place
            continue
        if output is not None and real_path(place) == real_path(output):
            raise CmtError(f"{place}: results would lie among the pictures; choose another `folder`")
        n_other += others
        groups.append(in_order(files))
    if named and groups:
        raise CmtError(f"{named[0]}: is a picture, and others come in folders; name either files or folders")
    files = [*(_as_meant(named)), *(file for group in groups for file in group)]
    if files and video is not None:
        raise CmtError(f"{video}: is no picture, and {files[0]} is one; name pictures alone, or videos alone")
    return Pictures(tuple(files), n_other, tuple(left_out) if files else ())


def _pictures_in(folder: Path, output: Path | None, left_out: list[str]) -> tuple[list[Path] | None, int]:
    """The pictures of a folder, None if there are videos in it, and the number of its other files.

    Lines on folders not looked into go to `left_out`.
    """
    pictures, n_other = [], 0
    for file in files_below(folder, left_out, output):
        suffix = file.suffix.lower()
        if suffix in VIDEO_SUFFIXES and not (suffix == ".gif" and is_picture(file)):
            return None, 0
        if suffix in STILL_SUFFIXES or is_picture(file):
            pictures.append(file)
        else:
            n_other += 1
    if not pictures:
        raise CmtError(
            f"{folder}: no videos and no pictures in it (other files: {n_other}); the names of videos end in "
            f"{' '.join(sorted(VIDEO_SUFFIXES))}{''.join(f'; {line}' for line in left_out)}"
        )
    return pictures, n_other


def in_order(files: Iterable[Path]) -> list[Path]:
    """The files in the order of their names, numbers by their values: ``img2`` before ``img10``."""
    return sorted(files, key=_natural)


def _natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """What files are sorted by; the number of digits last, so that no two are equal."""
    parts = re.split(r"([0-9]+)", str(file).casefold())
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts], str(file)


def _as_meant(files: list[Path]) -> list[Path]:
    """Files as the user names them; in natural order if they come as a shell sorts them."""
    names = [str(file) for file in files]
    by_shell = sorted(names), sorted(names, key=str.casefold)
    return in_order(files) if names in by_shell else files


def name_of_pictures(files: Sequence[Path]) -> str:
    """What a film of pictures is called: as its picture, or as the folder that they lie in."""
    if len(files) == 1:
        return files[0].stem
    folders = {file.absolute().parent for file in files}
    return (folders.pop().name if len(folders) == 1 else "") or "slideshow"
