"""From a song to a film: it is played, and put under the video that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cmt.film.mux import Mixing, OriginalAudio, write_video
from cmt.film.slideshow import Slideshow, write_slideshow
from midi_io.audio_file import check_length, format_of, stem_path, write_audio
from midi_io.beside import Beside
from midi_io.mastering import TARGET
from midi_io.performance import Performance
from midi_io.rendering import USUAL_FADES, Fades, Music, Played, Progress, long_sound_of
from midi_io.riff import CuePoint
from midi_io.samples import Samples
from midi_io.song import Song
from midi_io.synthesis import SAMPLE_RATE

Stage: TypeAlias = Callable[[str], AbstractContextManager[Callable[[float], object]]]
"""A function that is called with the name of a stage, ``render`` or ``mux``. What it returns is entered for as long as
the stage lasts and gives a function to call with the share that is done, 0 to 1."""


@dataclass(frozen=True)
class Finish:
    """How music that is played becomes finished sound."""

    sample_rate: int = SAMPLE_RATE
    """The samples a second."""
    bit_depth: int | None = None
    """The bits of a sample in the sound's own files, as in `midi_io.audio_file.write_audio`."""
    fades: Fades = USUAL_FADES
    loop: bool = False
    """Whether the end leads into the beginning, as in `midi_io.rendering.sound_of`."""
    cues: tuple[CuePoint, ...] = ()
    """Places that a WAV file names."""


AS_USUAL = Finish()
SOUNDS = "sounds"
"""What the file of what sounds beside the music is called by."""


@contextmanager
def _unwatched(name: str) -> Iterator[Callable[[float], object]]:
    yield lambda share: None


def write_sound(
    music: Music,
    path: Path,
    *,
    stems: bool = False,
    soundfont: Path | None = None,
    loudness: float = TARGET,
    finish: Finish = AS_USUAL,
    beside: Beside | None = None,
    progress: Progress | None = None,
) -> Played:
    """Play `music` into a file, in the format of its suffix.

    Parameters
    ----------
    stems
        Whether the sound of each instrument gets a file beside it, as `midi_io.audio_file.stem_path` calls it.
    soundfont, loudness, progress
        As in `midi_io.render`.
    finish
        The samples, the fades and the places that are named.
    beside
        What sounds beside the music; it has a file of its own, ``song.sounds.wav`` beside ``song.wav``.

    Raises
    ------
    CmtError
        If the music cannot be played, or a file cannot be written.
    """
    check_length(format_of(path), music.duration, finish.sample_rate, finish.bit_depth)

    def write(audio: Samples, file: Path) -> None:
        write_audio(audio, file, finish.sample_rate, bit_depth=finish.bit_depth, cues=finish.cues)

    def write_stem(instrument: str, audio: Samples) -> None:
        write(audio, stem_path(path, instrument))

    sound = long_sound_of(
        music,
        path.parent,
        soundfont=soundfont,
        sample_rate=finish.sample_rate,
        loudness=loudness,
        fades=finish.fades,
        loop=finish.loop,
        on_stem=write_stem if stems else None,
        beside=beside,
        on_beside=lambda track: write_stem(SOUNDS, track),
        progress=progress,
    )
    write(sound.audio, path)
    return sound


def film_of(
    music: Song | Performance,
    video: Path | Slideshow | None,
    film: Path,
    *,
    sound_file: Path | None = None,
    stems: bool = False,
    soundfont: Path | None = None,
    loudness: float = TARGET,
    finish: Finish = AS_USUAL,
    original_audio: OriginalAudio = "drop",
    mixing: Mixing | None = None,
    beside: Beside | None = None,
    stage: Stage = _unwatched,
) -> tuple[str, ...]:
    """Play `music` and write `film`, an mp4 with the picture of `video`; a line for whatever did not go as asked.

    Parameters
    ----------
    video
        The video, or the pictures of which the film is made; without either only the sound is written.
    sound_file
        A file for the sound alone, if it is wanted, in the format of its suffix.
    stems
        Whether the sound of each instrument gets a file beside it, as in `write_sound`.
    soundfont
        A SoundFont; if None, the one that `midi_io.find_soundfont` finds.
    loudness
        The loudness of the music in LUFS, as in `midi_io.render`.
    finish
        The samples, the fades and the places that are named, as in `write_sound`.
    original_audio
        What becomes of the video's own sound, as in `cmt.film.mux.write_video`.
    mixing
        How it is mixed with the music, as there.
    beside
        What sounds beside the music, as in `write_sound`.

    Raises
    ------
    CmtError
        If the music cannot be played, the video cannot be read or is the film itself, or a file cannot be written.
    """
    with stage("render") as report:
        if sound_file is not None:
            sound = write_sound(
                music,
                sound_file,
                stems=stems,
                soundfont=soundfont,
                loudness=loudness,
                finish=finish,
                beside=beside,
                progress=report,
            )
        else:
            sound = long_sound_of(
                music,
                film.parent,
                soundfont=soundfont,
                sample_rate=finish.sample_rate,
                loudness=loudness,
                fades=finish.fades,
                loop=finish.loop,
                beside=beside,
                progress=report,
            )
    if video is None:
        return sound.fallbacks
    with stage("mux") as report:
        if isinstance(video, Slideshow):
            write_slideshow(video, sound.audio, finish.sample_rate, film, report)
            return sound.fallbacks
        written = write_video(
            video, sound.audio, finish.sample_rate, film, original_audio=original_audio, mixing=mixing, progress=report
        )
    return (*sound.fallbacks, *written.notes)
