"""From a song to a film: it is played, and put under the video that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

from cmt.film.mux import Mixing, OriginalAudio, write_video
from midi_io import write_wav
from midi_io.mastering import TARGET
from midi_io.performance import Performance
from midi_io.rendering import sound_of
from midi_io.song import Song
from midi_io.synthesis import SAMPLE_RATE

Stage: TypeAlias = Callable[[str], AbstractContextManager[Callable[[float], object]]]
"""A function that is called with the name of a stage, ``render`` or ``mux``. What it returns is entered for as long as
the stage lasts and gives a function to call with the share that is done, 0 to 1."""


@contextmanager
def _unwatched(name: str) -> Iterator[Callable[[float], object]]:
    yield lambda share: None


def film_of(
    music: Song | Performance,
    video: Path | None,
    film: Path,
    *,
    wav: Path | None = None,
    soundfont: Path | None = None,
    loudness: float = TARGET,
    original_audio: OriginalAudio = "drop",
    mixing: Mixing | None = None,
    stage: Stage = _unwatched,
) -> tuple[str, ...]:
    """Play `music` and write `film`, an mp4 with the picture of `video`; a line for whatever did not go as asked.

    Parameters
    ----------
    video
        The video; without one only the sound is written.
    wav
        A file for the sound alone, if it is wanted.
    soundfont
        A SoundFont; if None, the one that `midi_io.find_soundfont` finds.
    loudness
        The loudness of the music in LUFS, as in `midi_io.render`.
    original_audio
        What becomes of the video's own sound, as in `cmt.film.mux.write_video`.
    mixing
        How it is mixed with the music, as there.

    Raises
    ------
    CmtError
        If the music cannot be played, the video cannot be read or is the film itself, or a file cannot be written.
    """
    with stage("render") as report:
        sound = sound_of(music, soundfont=soundfont, sample_rate=SAMPLE_RATE, loudness=loudness, progress=report)
        if wav is not None:
            write_wav(sound.audio, wav, SAMPLE_RATE)
    if video is None:
        return sound.fallbacks
    with stage("mux") as report:
        written = write_video(
            video, sound.audio, SAMPLE_RATE, film, original_audio=original_audio, mixing=mixing, progress=report
        )
    return (*sound.fallbacks, *written.notes)
