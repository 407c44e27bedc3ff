"""A chosen piece of the library under its video: cut to fit, its bars where the video's are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cmt.config import DUCK, LOUDNESS
from cmt.corpus.songs import Corpus, song_of_pack
from cmt.errors import CmtError
from cmt.film.ducking import mixer_for
from cmt.film.film import film_of
from cmt.film.mux import OriginalAudio, refuse_the_video_itself
from cmt.film.sound import has_sound
from cmt.matching.library import corpora_of_pack, is_pack, is_pianoroll
from cmt.matching.score import VideoDemand
from midi_io import close_ending, perform, read_midi, read_performance, read_pianoroll, write_midi
from midi_io.midi_file import Warn
from midi_io.performance import STANDARD_BAND, Band, exactly, main_voices
from midi_io.song import POSITIONS_PER_BAR, Song


@dataclass(frozen=True)
class RenderWishes:
    """Where the films go, and how they sound."""

    folder: Path
    soundfont: Path | None = None
    original_audio: OriginalAudio | None = None
    """What becomes of the video's own sound; None mixes it where there is any."""
    duck: float | None = DUCK
    """The dB that the music lies under speech where both are mixed; None looks for no speech."""


class RenderTask(NamedTuple):
    """A film to make."""

    video: str
    demand: VideoDemand
    source: str
    name: str
    """The name of the song in a pack."""
    start: int
    """The bar of the piece, from 0, with which the video's first whole bar begins."""
    stem: str
    """The name, without a suffix, of the files to write."""


class Rendered(NamedTuple):
    """The film, or why there is none."""

    file: str | None
    failure: str = ""
    notes: tuple[str, ...] = ()
    """A line for each thing that did not go as asked."""


def render_match(task: RenderTask, wishes: RenderWishes) -> Rendered:
    """Write ``<stem>.mid`` and ``<stem>.mp4``: the music alone, and the video with it; errors become its `failure`."""
    film = wishes.folder / f"{task.stem}.mp4"
    notes: list[str] = []
    try:
        refuse_the_video_itself(film, Path(task.video))
        song = fitted(_song(task.source, task.name, notes.append), task.start, task.demand)
        if not song.notes:
            raise CmtError(f"{task.source}: nothing is played where the video is")
        performance = exactly(song, _band(task.source))
        write_midi(performance, wishes.folder / f"{task.stem}.mid", title=f"Music for {Path(task.video).stem}")
        video = Path(task.video)
        sound = wishes.original_audio or ("mix" if has_sound(video) else "drop")
        mixing = mixer_for(video, wishes.duck, LOUDNESS) if sound == "mix" else None
        notes += film_of(performance, video, film, soundfont=wishes.soundfont, original_audio=sound, mixing=mixing)
    except (CmtError, OSError) as error:
        return Rendered(None, " ".join(str(error).split()))
    return Rendered(str(film), notes=tuple(notes))


def fitted(song: Song, start: int, demand: VideoDemand) -> Song:
    """The piece with its bar `start` (from 0) on the video's first whole bar, at the video's tempo, cut to its length.

    A pickup of the video gets the end of the bar before, if there is one.
    """
    moved = (demand.first_bar - start) * POSITIONS_PER_BAR
    timeline = demand.timeline
    end = math.ceil(timeline.length)
    notes = (note._replace(position=note.position + moved) for note in song.notes)
    kept = (
        note._replace(duration=min(note.duration, end - note.position))
        for note in notes
        if timeline.start <= note.position < timeline.length
    )
    cut = Song(tuple(kept), timeline)
    # What was written down without dynamics gets a performance; what was played keeps its own.
    return close_ending(perform(cut) if len({note.velocity for note in cut.notes}) <= 1 else cut)


def _band(source: str) -> Band:
    """What plays the piece: the sounds of its MIDI file; a pianoroll or a pack keeps none."""
    path = Path(source)
    if is_pack(path) or is_pianoroll(path):
        return STANDARD_BAND
    return main_voices(read_performance(path))


def _song(source: str, name: str, warn: Warn) -> Song:
    path = Path(source)
    if not is_pack(path):
        return read_pianoroll(path) if is_pianoroll(path) else read_midi(path, warn)
    for corpus in _corpora(path):
        for index, info in enumerate(corpus.songs):
            if info.name == name:
                return song_of_pack(corpus, index)
    raise CmtError(f"{path}: has no song {name!r} any more; run cmt index again")


@lru_cache(maxsize=1)
def _corpora(path: Path) -> tuple[Corpus, ...]:
    """A pack's corpora, which are kept: a pack takes seconds to unpack, and several videos may have chosen from it."""
    return tuple(corpora_of_pack(path))
