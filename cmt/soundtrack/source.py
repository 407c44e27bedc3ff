"""What music is for: a video, a picture or several that become a film, or nothing but a length."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias, cast

import numpy as np

from cmt.config import SECONDS_PER_PICTURE
from cmt.errors import CmtError, VideoError
from cmt.film.mux import refuse_the_video_itself
from cmt.film.part import WHOLE, Part, part_of
from cmt.film.slideshow import Slideshow
from cmt.machine.files import file_state
from cmt.machine.pictures import is_picture, name_of_pictures
from cmt.planning.slides import place_slides
from cmt.planning.wishes import Wishes
from cmt.report.pictures import PictureShown
from cmt.soundtrack.output import Output
from midi_io.hidden_folder import hidden_folder
from midi_io.song import Timeline
from video_rhythm import Frames, VideoRhythm, analyze
from video_rhythm.given import IN_MEMORY, is_content, name_of_content, path_of_content
from video_rhythm.reels import write_content
from video_rhythm.signatures import STILL_SUFFIXES
from video_rhythm.slideshow import open_album

File: TypeAlias = str | os.PathLike[str]
Given: TypeAlias = bytes | IO[bytes] | Frames | VideoRhythm
"""A video that is no path: its content, an open file, frames in memory, or what was measured of one."""
Video: TypeAlias = File | Sequence[File] | Given | None
"""What music may be for: a video, a picture, several pictures in order, or nothing but a length."""
Progress: TypeAlias = Callable[[float, float | None], object]


class Material(NamedTuple):
    """What music is for, as the user names it."""

    files: tuple[Path, ...] = ()
    """The video, or the pictures in order; none without either."""
    pictures: bool = False
    """Whether they are pictures."""
    part: Part = WHOLE
    """The part of the video that is scored."""
    given: Given | None = None
    """The video, if it is given as something else than a path."""

    @property
    def video(self) -> Path | None:
        """The file of the video, if there is one."""
        return self.files[0] if self.files and not self.pictures else None

    @property
    def is_seen(self) -> bool:
        """Whether there is something to see."""
        return bool(self.files) or self.given is not None

    @property
    def has_film(self) -> bool:
        """Whether there is a video with a picture that can be copied and a sound of its own."""
        return self.video is not None or is_content(self.given)


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


def material_from(video: Video, part: Part = WHOLE) -> Material:
    """What a caller means by a video, by pictures, or by None.

    Raises
    ------
    CmtError
        If there are several files and not all are pictures, or none, or it is nothing that could be a video.
    """
    if isinstance(video, Frames | VideoRhythm):
        return Material(part=part, given=video)
    if is_content(video):
        return Material(part=part, given=video)
    files = files_of(cast("File | Sequence[File] | None", video))
    return Material(files, are_pictures(files), part)


def files_of(video: File | Sequence[File] | None) -> tuple[Path, ...]:
    """The files that a caller means by one path, by several, or by none."""
    if video is None:
        return ()
    if isinstance(video, str | os.PathLike):
        return (Path(video),)
    if isinstance(video, np.ndarray):
        raise VideoError("an array says no pictures a second; give Frames(array, fps)")
    try:
        files = tuple(Path(file) for file in video)
    except TypeError:
        raise VideoError(
            f"{type(video).__name__} is no video; give a path, bytes, an open file, or Frames(pictures, fps)"
        ) from None
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


def check_source(material: Material, wishes: Wishes, output: Output) -> None:
    """Raise a CmtError for what cannot be of this source."""
    if not material.pictures:
        if material.is_seen == (wishes.length is not None):
            raise CmtError("give a video, or a length for music without one: one of the two")
        if wishes.seconds_per_picture is not None:
            raise CmtError("`seconds_per_picture` is for pictures, and there are none; leave it out")
    elif output.original_audio not in (None, "drop"):
        raise CmtError("pictures have no sound of their own; leave out `original_audio`")
    if isinstance(material.given, Frames | VideoRhythm):
        if output.original_audio not in (None, "drop"):
            raise CmtError("frames and rhythms have no sound of their own; leave out `original_audio`")
        if material.part != WHOLE:
            raise CmtError("`start` and `end` are of a video's file; give the frames of that part, or the file")
    elif not material.has_film and material.part != WHOLE:
        raise CmtError("`start` and `end` are a video's, and there is none; leave them out")


def fps_of(source: Source) -> float | None:
    """The pictures a second of a film; None where there is nothing to see."""
    return None if source.rhythm is None else source.rhythm.fps


def refuse_the_files_themselves(written: Iterable[Path], material: Material) -> None:
    """Raise a CmtError if a file that is to be written is one of those that are read, whatever its name."""
    for file in written:
        if material.video is not None:
            refuse_the_video_itself(file, material.video)
        elif file.exists() and any(source.exists() and file.samefile(source) for source in material.files):
            raise CmtError(f"{file}: is one of the pictures; choose another folder or name")


def name_of(material: Material) -> str:
    """What the results are called unless they are given a name."""
    if material.given is not None:
        path = material.given.path if isinstance(material.given, VideoRhythm) else path_of_content(material.given)
        return Path(path).stem or IN_MEMORY
    if not material.files:
        return "music"
    return name_of_pictures(material.files) if material.pictures else material.files[0].stem


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
    """Look at what music is for, as `look_at` does; `film` is the file of the video or of its part, if there is one."""
    given = material.given
    if isinstance(given, VideoRhythm):
        return Source(given.duration, given, warnings=given.warnings)
    if given is not None and (film is None or material.part == WHOLE):
        rhythm = analyze(given, progress)
        return Source(rhythm.duration, rhythm, film, warnings=rhythm.warnings)
    if film is None:
        return look_at(material.files, wishes, progress, pictures=material.pictures)
    source = look_at((film,), wishes, progress, pictures=False)
    assert source.rhythm is not None  # a video was measured
    path = path_of_content(given) if material.video is None else os.fspath(material.video)
    return source._replace(rhythm=replace(source.rhythm, path=path))


@contextmanager
def film_for(
    material: Material, folder: Path | None = None, *, needed: bool = True, notes: list[str] | None = None
) -> Iterator[Path | None]:
    """The file of a video, or of its part, until the block ends; None where there is no video.

    Parameters
    ----------
    folder
        Where a part is cut, or the content of a video is written, into a hidden folder; if left out where the system
        has its temporary files.
    needed
        Whether a video that is given as its content must be a file. A part must always be one.
    notes
        Gets a line for each thing that a part does not keep.

    Raises
    ------
    CmtError
        If the video cannot be read, the part lies outside it, or there is no room for it.
    """
    if folder is None:
        folder = Path(tempfile.gettempdir())
    video, part = material.video, material.part
    given = material.given
    if not is_content(given) or (part == WHOLE and not needed):
        with part_of(video, part, folder, notes) as film:
            yield film
        return
    with ExitStack() as hidden:
        try:
            place = hidden.enter_context(hidden_folder(folder))
        except OSError as error:
            raise CmtError(f"{folder}: cannot be written to ({error.strerror}); choose another `folder`") from None
        video = place / name_of_content(given)
        write_content(given, video)
        with part_of(video, part, place, notes) as film:
            yield film


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
