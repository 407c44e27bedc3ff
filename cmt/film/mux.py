"""Music put under a video: the picture is copied, the sound is new."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from cmt.errors import MidiError
from cmt.film.companions import add_descriptions, describe_picture, note_on_the_rest, subtitle_packets
from cmt.film.picture import Picture, measure_picture, open_video, picture_packets
from cmt.film.sound import (
    decoded_sound,
    fitted,
    further_tracks,
    mixed,
    music_packets,
    notes_on_tracks,
    original_packets,
    original_sound,
)
from midi_io.samples import LongSound, Samples
from midi_io.whole_file import whole_file
from video_rhythm.container import file_url

if TYPE_CHECKING:
    import av

OriginalAudio = Literal["drop", "keep", "mix"]

Mixing = Callable[[Samples, Samples, int], tuple[Samples, list[str]]]
"""A function that is called with music, original sound, both (n_sample, 2), and their sample rate. It gives both as
one, and a line for each thing that did not go as asked."""

AAC_SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


class WrittenVideo(NamedTuple):
    """What `write_video` made."""

    path: Path
    duration: float
    """Seconds of picture, and of music under it."""
    notes: tuple[str, ...]
    """A line for each thing that did not go as asked: a picture encoded again, no sound to keep."""


def write_video(
    video_path: str | os.PathLike[str],
    audio: NDArray[np.floating] | LongSound,
    sample_rate: int,
    output_path: str | os.PathLike[str],
    *,
    original_audio: OriginalAudio = "drop",
    mixing: Mixing | None = None,
    progress: Callable[[float], object] | None = None,
) -> WrittenVideo:
    """Write an mp4 with the picture of a video and `audio` as its music.

    The picture is copied without loss if an mp4 can carry it, its rotation included, and
    encoded as H.264 otherwise. Picture and sound both start at 0 and end together: the
    music is cut or continued with silence.

    Parameters
    ----------
    audio
        The music, of shape `(n_sample,)`, `(n_sample, 1)` or `(n_sample, 2)`, in -1..1: an array, or sound that is
        read by blocks.
    sample_rate
        The samples a second, one of the rates that AAC knows.
    original_audio
        `drop`: the music is the only sound. `keep`: the original sound is a second track
        after the music. `mix`: both in one track, the music 6 dB lower.
    mixing
        What is done instead in order to mix both, such as a `cmt.film.ducking.Mixer`.
    progress
        A function that is called now and then with the share that is done, 0 to 1.

    Raises
    ------
    MidiError
        If the video cannot be read or copied; no file is left.
    WriteError
        If the output cannot be written; no file is left.
    ValueError
        If an argument is out of range.
    """
    if original_audio not in get_args(OriginalAudio):
        raise ValueError(f"original_audio must be drop, keep or mix, got {original_audio!r}")
    if sample_rate not in AAC_SAMPLE_RATES:
        raise ValueError(f"sample_rate must be one that AAC knows, {AAC_SAMPLE_RATES}, got {sample_rate}")
    video_path, output_path = Path(video_path), Path(output_path)
    refuse_the_video_itself(output_path, video_path)
    picture = measure_picture(video_path)
    music = fitted(audio, round(picture.duration * sample_rate))
    with whole_file(output_path) as unfinished:
        notes = _mux(video_path, picture, music, sample_rate, unfinished, original_audio, mixing, progress)
    if progress is not None:
        progress(1.0)
    return WrittenVideo(output_path, float(picture.duration), tuple(notes))


def refuse_the_video_itself(output: Path, video: Path) -> None:
    """Raise `MidiError` if a file that is to be written is the video that is to be read, whatever its name."""
    if output.exists() and video.exists() and output.samefile(video):
        raise MidiError(f"{output}: is the video itself; choose another folder or name")


def _mux(
    video_path: Path,
    picture: Picture,
    music: Samples,
    sample_rate: int,
    unfinished: Path,
    original_audio: OriginalAudio,
    mixing: Mixing | None,
    progress: Callable[[float], object] | None,
) -> list[str]:
    import av

    notes = []
    if picture.breaks_off:
        notes.append(f"{video_path.name} breaks off: only its first {float(picture.duration):.1f} s can be read")
    try:
        with ExitStack() as stack:
            source = stack.enter_context(open_video(video_path))
            target = stack.enter_context(
                av.open(file_url(unfinished), "w", format="mp4", container_options={"movflags": "faststart"})
            )
            video: Any = source.streams[picture.stream_index]
            notes += add_descriptions(source, video, picture, target)
            notes += note_on_the_rest(source, picture, video_path.name)
            original = original_sound(source, video) if original_audio != "drop" else None
            if original_audio != "drop" and original is None:
                missing = "no sound that can be decoded" if source.streams.audio else f"no sound to {original_audio}"
                notes.append(f"{video_path.name} has {missing}: only the music is heard")
            if original is not None and original_audio == "mix":
                notes += notes_on_tracks(source, original, video_path.name)
                heard = decoded_sound(
                    video_path, original.index, picture, sample_rate, notes=notes, scratch=unfinished.parent
                )
                music, more = mixing(music, heard, sample_rate) if mixing else (mixed(music, heard), [])
                notes += more

            shown = picture_packets(video, picture, target, notes)
            describe_picture(video, target.streams[0])
            sounds: list[Iterator[av.Packet[Any]]] = [music_packets(target, music, sample_rate)]
            if original is not None and original_audio == "keep":
                sounds += [
                    original_packets(video_path, track, picture, target, sample_rate, notes, unfinished.parent)
                    for track in (original, *further_tracks(source, original))
                ]
            sounds += subtitle_packets(video_path, source, picture, target, notes)
            packets = heapq.merge(_reported(shown, picture.n_packet, progress), *sounds, key=_decode_time)
            n_broken = 0
            for packet in packets:
                try:
                    target.mux(packet)
                except av.error.InvalidDataError:  # a damaged packet that is copied
                    n_broken += 1
            if n_broken:
                packet_s = "1 packet" if n_broken == 1 else f"{n_broken} packets"
                notes.append(f"{video_path.name}: {packet_s} of what was copied are damaged and were left out")
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # a full disk, a forbidden folder: whole_file says so
            raise
        raise MidiError(
            f"{video_path}: its streams cannot be written as mp4 ({error.strerror}); check it with ffprobe {video_path}"
        ) from error
    return notes


def _reported(
    packets: Iterator[av.Packet[Any]], n_packet: int, progress: Callable[[float], object] | None
) -> Iterator[av.Packet[Any]]:
    for number, packet in enumerate(packets, start=1):
        yield packet
        if progress is not None:
            progress(min(1.0, number / n_packet))


def _decode_time(packet: av.Packet[Any]) -> float:
    return float(packet.dts * packet.time_base) if packet.dts is not None else 0.0
