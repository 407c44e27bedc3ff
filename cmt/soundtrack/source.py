"""What music is for: a video, a picture or several that become a film, or nothing but a length."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from cmt.config import SECONDS_PER_PICTURE
from cmt.errors import CmtError, VideoError
from cmt.film.mux import refuse_the_video_itself
from cmt.film.part import WHOLE, Part
from cmt.film.slideshow import Slideshow
from cmt.machine.files import file_state
from cmt.machine.pictures import is_picture, name_of_pictures
from cmt.planning.slides import place_slides
from cmt.planning.wishes import Wishes
from cmt.report.pictures import PictureShown
from cmt.soundtrack.output import Output
from midi_io.song import Timeline
from video_rhythm import VideoRhythm, analyze
from video_rhythm.signatures import STILL_SUFFIXES
from video_rhythm.slideshow import open_album

File: TypeAlias = "str | os.PathLike[str]"
Progress: TypeAlias = Callable[[float, float | None], object]


class Material(NamedTuple):
    """What music is for, as the user names it."""

    files: tuple[Path, ...] = ()
    """The video, or the pictures in order; none without either."""
    pictures: bool = False
    """Whether they are pictures."""
    part: Part = WHOLE
    """The part of the video that is scored."""

    @property
    def video(self) -> Path | None:
        """The video, if there is one."""
        return self.files[0] if self.files and not self.pictures else None


class Source(NamedTuple):
    """What music is for, looked at."""

    duration: float
    """The seconds of music."""
    rhythm: VideoRhythm | None = None
    """What is seen; None where there is nothing to see."""
    film: Path | Slideshow | None = None
    """The video, or the pictures in time; None where there is no film."""
    grid: Timeline | None = None
    """The grid on which pictures change; None leaves it open."""
    warnings: tuple[str, ...] = ()
    """A line for each thing that is not as it is meant or as it was asked."""


def files_of(video: File | Sequence[File] | None) -> tuple[Path, ...]:
    """The files that a caller means by one path, by several, or by none."""
    if video is None:
        return ()
    if isinstance(video, str | os.PathLike):
        return (Path(video),)
    files = tuple(Path(file) for file in video)
    if not files:
        raise CmtError("no pictures; give one or more, or a length for music without them")
    return files


def are_pictures(files: Sequence[Path]) -> bool:
    """Whether files are pictures for one film; False for a video and for nothing.

    Raises
    ------
    CmtError
        If there are several and not all are pictures.
    """
    if len(files) == 1:
        return is_picture(files[0])
    for file in files:
        if not is_picture(file):
            raise CmtError(f"{file}: is no picture that can be read, and only pictures go together; leave it out")
    return bool(files)


def check_source(files: Sequence[Path], wishes: Wishes, output: Output, *, pictures: bool) -> None:
    """Raise a CmtError for what cannot be of this source."""
    if not pictures:
        if bool(files) == (wishes.length is not None):
            raise CmtError("give a video, or a length for music without one: one of the two")
        if wishes.seconds_per_picture is not None:
            raise CmtError("`seconds_per_picture` is for pictures, and there are none; leave it out")
    elif output.original_audio not in (None, "drop"):
        raise CmtError("pictures have no sound of their own; leave out `original_audio`")


def refuse_the_files_themselves(written: Iterable[Path], material: Material) -> None:
    """Raise a CmtError if a file that is to be written is one of those that are read, whatever its name."""
    for file in written:
        if material.video is not None:
            refuse_the_video_itself(file, material.video)
        elif file.exists() and any(source.exists() and file.samefile(source) for source in material.files):
            raise CmtError(f"{file}: is one of the pictures; choose another folder or name")


def name_of(files: Sequence[Path], *, pictures: bool) -> str:
    """What the results are called unless they are given a name."""
    if not files:
        return "music"
    return name_of_pictures(files) if pictures else files[0].stem


def look_at(files: Sequence[Path], wishes: Wishes, progress: Progress | None = None, *, pictures: bool) -> Source:
    """Look at what music is for: measure a video, or say when each of the `pictures` is shown.

    `progress` is called with the seconds that were looked at, and how many there are, None if that is not known.

    Raises
    ------
    CmtError
        If a file is of no use, or the pictures cannot be shown as asked.
    """
    if pictures:
        return _slideshow(files, wishes, progress)
    if not files:
        assert wishes.length is not None  # there is a video or a length
        return Source(wishes.length)
    try:
        rhythm = analyze(files[0], progress)
    except VideoError:
        if files[0].suffix.lower() in STILL_SUFFIXES and file_state(files[0])[0]:
            raise VideoError(
                f"{files[0]}: is no picture that can be read, and no video; copy or download it again"
            ) from None
        raise
    return Source(rhythm.duration, rhythm, files[0], warnings=rhythm.warnings)


def look_at_material(material: Material, film: Path | None, wishes: Wishes, progress: Progress | None = None) -> Source:
    """Look at what music is for, as `look_at` does; `film` is the video or the film of its part, None without one."""
    if film is None or material.video is None:
        return look_at(material.files, wishes, progress, pictures=material.pictures)
    source = look_at((film,), wishes, progress, pictures=False)
    assert source.rhythm is not None  # a video was measured
    return source._replace(rhythm=replace(source.rhythm, path=os.fspath(material.video)))


def shown_at(source: Source, borders: Sequence[float]) -> Source:
    """The same pictures, shown from each of some times, in seconds, to the next."""
    if not isinstance(source.film, Slideshow) or tuple(borders) == tuple(source.film.borders):
        return source
    film = Slideshow(source.film.album, tuple(borders))
    return source._replace(duration=film.duration, rhythm=film.album.rhythm(borders), film=film)


def _slideshow(files: Sequence[Path], wishes: Wishes, progress: Progress | None) -> Source:
    seconds = wishes.seconds_per_picture or SECONDS_PER_PICTURE
    total = wishes.length or seconds * len(files)

    def report(n_read: int) -> None:
        if progress is not None:
            progress(total * n_read / len(files), total)

    folders = {file.parent for file in files}
    shared = folders.pop() if len(files) > 1 and len(folders) == 1 else None
    album = open_album(files, str(shared) if shared is not None and shared.name else None, report)
    placed = place_slides(album, wishes)
    film = Slideshow(album, placed.borders)
    return Source(placed.duration, placed.rhythm, film, placed.grid, (*album.warnings, *placed.warnings))


def pictures_shown(film: Path | Slideshow | None) -> tuple[PictureShown, ...]:
    """The pictures of a slideshow as a report has them; none for a video."""
    if not isinstance(film, Slideshow):
        return ()
    times = pairwise(film.borders)
    return tuple(PictureShown(str(file), *its) for file, its in zip(film.album.files, times, strict=True))
