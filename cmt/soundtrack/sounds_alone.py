"""Sounds of a video without music: a file of sound, a film, and the events as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError, WriteError
from cmt.film.film import SOUNDS
from cmt.film.mux import write_video
from cmt.film.sound import has_sound
from cmt.film.speech import find_speech
from cmt.machine.files import check_folder, folder_for_all_or_nothing
from cmt.report.sounds import events_as_json
from cmt.sounds.event import SoundEvent
from cmt.soundtrack.output import Output, check_output
from cmt.soundtrack.sounding import Sounding, check_sounds, sounding_of
from midi_io.audio_file import write_audio
from midi_io.mastering import mastered
from midi_io.synthesis import SAMPLE_RATE
from video_rhythm import analyze

Progress = Callable[[str, float, float | None], object]


class SoundsMade(NamedTuple):
    """What was written."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    """A line for each thing that did not go as asked."""


def sounds_of_video(
    video: Path,
    dial: float,
    *,
    seed: int = 0,
    library: str | None = None,
    events: tuple[SoundEvent, ...] | None = None,
    progress: Progress | None = None,
) -> Sounding:
    """The sounds of a video.

    Parameters
    ----------
    dial
        How many and how loud, above 0 up to 1.
    library
        A folder of the user's own sounds.
    events
        The sounds, instead of those that are found.

    Raises
    ------
    CmtError
        If the video or the library is of no use.
    """
    output = Output(sounds=dial, sound_library=library, sound_events=events)
    check_output(output)
    check_sounds(output, is_seen=True)
    told = None if progress is None else (lambda done, total: progress("analyze", done, total))
    rhythm = analyze(video, told)
    spans = find_speech(video) if events is None and has_sound(video) else ()
    sounding = sounding_of(output, rhythm, seed, spans=spans)
    assert sounding is not None  # they are asked for
    return sounding


def check_sound_files(video: Path, folder: Path, *, overwrite: bool = False) -> None:
    """Raise a CmtError if `make_sounds` could not write its files, before the work; nothing is left behind."""
    check_folder(folder)
    for file in _files_of(video, folder):
        if file.is_dir():
            raise WriteError(f"{file}: is a folder; remove it, or choose another `folder`")
        if file.exists() and not overwrite:
            raise CmtError(f"{file}: is there already; say `overwrite`, or choose another `folder`")


def _files_of(video: Path, folder: Path) -> tuple[Path, Path, Path]:
    """The sound, the film and the events."""
    wav, mp4, json = (folder / f"{video.stem}.{SOUNDS}.{suffix}" for suffix in ("wav", "mp4", "json"))
    return wav, mp4, json


def make_sounds(
    video: Path,
    folder: Path,
    sounding: Sounding,
    *,
    loudness: float,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SoundsMade:
    """Write ``clip.sounds.wav``, ``clip.sounds.mp4`` and ``clip.sounds.json``; all, or none.

    The film has the video's own sound too, if there is any.

    Raises
    ------
    CmtError
        If there are no sounds, the video cannot be read, or a file cannot be written.
    """
    if not sounding.events:
        raise CmtError(f"{video}: there are no sounds in it: nothing strikes, cuts or sweeps, and no scene has a bed")
    files = _files_of(video, folder)
    check_sound_files(video, folder, overwrite=overwrite)
    track = sounding.track(SAMPLE_RATE)
    audio = mastered(track.block(0, track.n_sample), SAMPLE_RATE, loudness)
    with folder_for_all_or_nothing(folder, overwrite=overwrite) as unfinished:
        write_audio(audio, unfinished / files[0].name, SAMPLE_RATE)
        (unfinished / files[2].name).write_text(events_as_json(sounding.events), encoding="utf-8")
        told = None if progress is None else (lambda share: progress("mux", share, 1.0))
        written = write_video(
            video,
            audio,
            SAMPLE_RATE,
            unfinished / files[1].name,
            original_audio="mix" if has_sound(video) else "drop",
            progress=told,
        )
    return SoundsMade(files, written.notes)
