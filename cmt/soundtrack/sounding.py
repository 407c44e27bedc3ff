"""Sounds beside the music of a video: which there are, and their track."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmt.errors import CmtError
from cmt.film.speech import Span
from cmt.machine.plural import count
from cmt.music.key import Key
from cmt.report.sounds import SoundsTold
from cmt.sounds.bus import Bus
from cmt.sounds.choosing import sound_events
from cmt.sounds.event import CAUSES, SoundEvent
from cmt.sounds.library import Library, read_library
from cmt.soundtrack.output import Output
from midi_io.song import Timeline
from video_rhythm import VideoRhythm

OF_THE_PICTURE = tuple(cause for cause in CAUSES if cause != "user")


@dataclass(frozen=True)
class Sounding:
    """The sounds of a video, and how they are played."""

    dial: float
    events: tuple[SoundEvent, ...]
    duration: float
    seed: int
    library: Library | None
    warnings: tuple[str, ...]
    """A line for each thing that did not go as asked."""

    @property
    def told(self) -> SoundsTold:
        """What a report says of them."""
        return SoundsTold(self.dial, self.events)

    def track(self, sample_rate: int, key: Key | None = None) -> Bus:
        """Their track, tuned to a key."""
        return Bus(
            self.events,
            self.duration,
            sample_rate,
            dial=self.dial,
            tonic=0 if key is None else key.tonic,
            seed=self.seed,
            library=self.library,
        )


def check_sounds(output: Output, *, is_seen: bool) -> None:
    """Raise a CmtError if sounds are asked for where nothing is seen, or of a library that is of no use."""
    if not output.sounds:
        return
    if not is_seen:
        raise CmtError("`sounds`: they are of what is seen, and there is no video; leave it out")
    if output.sound_library is not None:
        read_library(Path(output.sound_library))


def sounding_of(
    output: Output,
    rhythm: VideoRhythm | None,
    seed: int,
    *,
    spans: Sequence[Span] = (),
    timeline: Timeline | None = None,
    causes: Collection[str] | None = None,
) -> Sounding | None:
    """The sounds that are asked for; None where none are.

    Parameters
    ----------
    spans
        The times in which somebody speaks: there nothing sounds, unless the user says so.
    timeline
        The grid of the music.

    Raises
    ------
    CmtError
        If the library is of no use, or an event names a file that is not there.
    """
    if not output.sounds or rhythm is None:
        return None
    library = None if output.sound_library is None else read_library(Path(output.sound_library))
    warnings = () if library is None else library.warnings
    if output.sound_events is not None:
        events = tuple(event for event in output.sound_events if event.time < rhythm.duration)
        n_late = len(output.sound_events) - len(events)
        if n_late:
            warnings = (*warnings, f"left out, behind the end of the video: {count(n_late, 'sound')}")
    else:
        events = sound_events(rhythm, output.sounds, seed=seed, spans=spans, timeline=timeline, causes=causes)
        if not events:
            warnings = (*warnings, "there are no sounds: nothing strikes, cuts or sweeps in the picture")
    if library is not None:
        events = library.fitted(events)
    elif any(event.file is not None for event in events):
        file = next(event.file for event in events if event.file is not None)
        raise CmtError(f"a sound event names the file {file}; say in `sound_library` in which folder it is")
    return Sounding(output.sounds, events, rhythm.duration, seed, library, warnings)
