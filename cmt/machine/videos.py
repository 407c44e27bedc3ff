"""The videos that a command is for: files as named, those of folders, and a name of its own for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.machine.files import files_below, real_path

VIDEO_SUFFIXES = frozenset(
    ".3gp .asf .avi .flv .gif .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv".split()
)
"""The endings, in lower case, by which a folder's videos are known."""


class Found(NamedTuple):
    """Videos in the places that a user named."""

    videos: tuple[Path, ...]
    n_other: int
    """The number of files of folders that are no videos by their names."""
    left_out: tuple[str, ...] = ()
    """A line for each folder that is not looked into, with the reason."""


def find_videos(places: Iterable[Path], output: Path | None = None) -> Found:
    """The videos at `places`, each once; of a folder all those in it and in its folders, in order of their names.

    Hidden files and folders and the `output` folder are passed over.

    Raises
    ------
    CmtError
        If a folder holds no video or is the output folder.
    """
    videos: dict[Path, Path] = {}
    n_other = 0
    left_out: list[str] = []
    for place in places:
        if not place.is_dir():
            videos.setdefault(place.absolute(), place)
            continue
        if output is not None and real_path(place) == real_path(output):
            raise CmtError(f"{place}: results would lie among the videos; choose another `folder`")
        inside, others = _videos_in(place, output, left_out)
        if not inside:
            suffixes = " ".join(sorted(VIDEO_SUFFIXES))
            lines = "".join(f"; {line}" for line in left_out)
            raise CmtError(f"{place}: no videos in it (other files: {others}); their names end in {suffixes}{lines}")
        for video in inside:
            videos.setdefault(video.absolute(), video)
        n_other += others
    return Found(tuple(videos.values()), n_other, tuple(left_out))


def _videos_in(folder: Path, output: Path | None, left_out: list[str]) -> tuple[list[Path], int]:
    """The videos of a folder and the number of its other files; lines on folders not looked into go to `left_out`."""
    videos, n_other = [], 0
    for file in files_below(folder, left_out, output):
        if file.suffix.lower() in VIDEO_SUFFIXES:
            videos.append(file)
        else:
            n_other += 1
    return videos, n_other


def name_for(video: Path, taken: set[str]) -> str:
    """A name that is not `taken`, and from now on is: the stem, with the folder's name in front where that is taken.

    Upper and lower case make no difference: some file systems make none.
    """
    name = next(name for name in _names_for(video) if name.casefold() not in taken)
    taken.add(name.casefold())
    return name


def _names_for(video: Path) -> Iterator[str]:
    yield video.stem
    yield f"{video.parent.name}-{video.stem}"
    name = f"{video.parent.name}-{video.stem}-{video.suffix[1:]}"
    yield name
    n = 2
    while True:
        yield f"{name}-{n}"
        n += 1
