"""A part of a film as a film of its own, for as long as music is written for it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from cmt.errors import CmtError, MidiError
from cmt.film.companions import add_descriptions, describe_picture, note_on_the_rest, subtitle_packets
from cmt.film.encoding import part_packets
from cmt.film.picture import measure_picture, open_video
from cmt.film.sound import decoded_sound, further_tracks, original_sound, pcm_packets
from midi_io.hidden_folder import hidden_folder
from midi_io.whole_file import whole_file
from video_rhythm.container import file_url, moving_pictures, printable
from video_rhythm.frames import SHORTEST_VIDEO

SOUND_RATE = 48_000
"""The samples a second of a part's own sound."""


class Part(NamedTuple):
    """The part of a film between two times, in seconds from its first picture."""

    begin: float = 0.0
    end: float | None = None
    """None is the end of the film."""


WHOLE = Part()


def check_part(part: Part) -> None:
    """Raise a CmtError for what is no part of any film."""
    for name, time in (("start", part.begin), ("end", part.end)):
        if time is not None and not 0 <= time < math.inf:
            raise CmtError(f"`{name}` {time:g}: must be seconds from the first picture, 0 or more")
    if part.end is not None and part.end <= part.begin:
        raise CmtError(f"`end` {part.end:g}: must come after `start`, which is {part.begin:g} s")


@contextmanager
def part_of(video: Path | None, part: Part, folder: Path, notes: list[str] | None = None) -> Iterator[Path | None]:
    """A film of that part, which lies in a hidden folder inside `folder` until the block ends; the whole is itself.

    `notes` gets a line for each thing that the part does not keep.

    Raises
    ------
    CmtError
        If the video cannot be read, the part lies outside it, or there is no room for it.
    """
    if video is None or part == WHOLE:
        yield video
        return
    with ExitStack() as hidden:
        try:
            place = hidden.enter_context(hidden_folder(folder))
        except OSError as error:
            raise CmtError(f"{folder}: cannot be written to ({error.strerror}); choose another `folder`") from None
        path = place / video.name
        write_part(video, part, path, notes)
        yield path


def write_part(video: Path, part: Part, path: Path, notes: list[str] | None = None) -> None:
    """Write a part of a film, from the first picture that begins in it on; what it holds of sound is stereo.

    The picture is encoded as H.264, or HDR as HEVC, because a part begins where it likes and not where a copy could.
    `notes` gets a line for each thing that is not kept.

    Raises
    ------
    CmtError
        If the video cannot be read, the part lies outside it or has no time for a rhythm, or the file cannot be
        written.
    """
    import av

    whole = measure_picture(video)
    duration, end = float(whole.duration), part.end
    for name, time in (("start", part.begin), ("end", end)):
        if time is not None and time > duration + 0.5 / 24:
            raise CmtError(f"`{name}` {time:g}: lies behind the end of the video, which lasts {duration:.3f} s")
    begin = whole.start + Fraction(part.begin)
    cut = whole._replace(start=begin, end=whole.end if end is None else min(whole.end, whole.start + Fraction(end)))
    if cut.duration <= 0:
        raise CmtError(f"`start` {part.begin:g}: the video ends there; it lasts {duration:.3f} s")
    if cut.duration < SHORTEST_VIDEO:
        raise CmtError(
            f"`start` and `end`: the part lasts {float(cut.duration):.2f} s, too short for a rhythm; leave at least "
            f"{SHORTEST_VIDEO} s of the video, which lasts {duration:.3f} s"
        )
    try:
        with whole_file(path) as unfinished, ExitStack() as stack:
            source = stack.enter_context(open_video(video))
            target = stack.enter_context(av.open(file_url(unfinished), "w", format="mov"))
            lost: list[str] = [] if notes is None else notes
            stream: Any = source.streams[whole.stream_index]
            lost += add_descriptions(source, stream, cut, target)
            lost += note_on_the_rest(source, cut, video.name)
            original = original_sound(source, stream)
            # Programs of a broadcast have clocks of their own.
            can_seek = not whole.fault and len(whole.segments) < 2 and len(moving_pictures(source)) < 2
            packets: list[Iterator[Any]] = [
                part_packets(stream, cut.start, cut.end, target, can_seek=can_seek, notes=lost)
            ]
            describe_picture(stream, target.streams[0])
            if original is not None:
                if further_tracks(source, original):
                    number = [track.index for track in source.streams.audio].index(original.index) + 1
                    lost.append(
                        f"{printable(video.name)} has {len(source.streams.audio)} sound tracks: its part has number "
                        f"{number} alone"
                    )
                sound = decoded_sound(video, original.index, cut, SOUND_RATE, scratch=path.parent)
                packets.append(pcm_packets(target, sound, SOUND_RATE))
            packets += subtitle_packets(video, source, cut, target, lost)
            for packet in heapq.merge(*packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
                target.mux(packet)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise MidiError(f"{video}: cannot be cut ({error.strerror}); check it with ffprobe {video}") from error
