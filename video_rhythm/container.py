"""A video file opened safely: which of its streams is the picture, and what its header claims.

Whoever reads a video, here or elsewhere, opens it and chooses its picture by this module: what is measured is what is
shown.
"""

from __future__ import annotations

import os
from fractions import Fraction
from typing import IO

import av.format
import av.video.stream

from cmt.errors import VideoError

from .limits import MOST_PIXELS


def printable(name: str) -> str:
    """The name on one line whatever it holds, for messages."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def file_url(path: str | os.PathLike[str]) -> str:
    """The path as FFmpeg takes it for a file whatever it is called, ``http:`` and ``concat:a|b`` included."""
    return f"file:{os.path.abspath(path)}"


_MNG = b"\x8aMNG\r\n\x1a\n"
"""The first bytes of a Multiple-image Network Graphics file."""


def open_container(path: str, name: str) -> av.container.InputContainer:
    """Open the file at `path`, called `name` in messages.

    Raises
    ------
    VideoError
        If it is no ordinary file, or none that FFmpeg can read.
    """
    try:
        exists, is_folder, is_file = os.path.exists(path), os.path.isdir(path), os.path.isfile(path)
        size = os.path.getsize(path) if is_file else 0
        readable = os.access(path, os.R_OK)
    except (OSError, ValueError) as error:
        raise VideoError(f"{name}: not a usable file name ({error}); rename the file") from None
    if is_folder:
        raise VideoError(f"{name}: is a folder; give one video file in it")
    if not exists:
        raise VideoError(f"{name}: no such file in {os.path.dirname(os.path.abspath(path))}; check the name")
    if not is_file:
        raise VideoError(f"{name}: is not an ordinary file; save the video to disk first")
    if not readable:
        raise VideoError(f"{name}: may not be read; change its permissions")
    if not size:
        raise VideoError(f"{name}: is empty (0 bytes); copy or download it again")
    try:
        with open(path, "rb") as file:
            _refuse_mng(file.read(len(_MNG)), name)
        # The whitelist keeps a playlist in disguise from opening anything else; no decoder that FFmpeg tries takes
        # memory for more pixels. Titles that are not UTF-8 are no reason to refuse a picture.
        options = {"protocol_whitelist": "file", "max_pixels": str(MOST_PIXELS)}
        return av.open(file_url(path), options=options, metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError, UnicodeError):
        raise VideoError(f"{name}: not a video that FFmpeg can read; check it with: ffprobe {name}") from None


def _refuse_mng(head: bytes, name: str) -> None:
    """Raise a VideoError for an animation of PNG's kin, which FFmpeg takes for a PNG and cannot decode."""
    if head == _MNG:
        raise VideoError(f"{name}: is an MNG animation, which is not read here; convert it to MP4, GIF or PNG")


def open_content(file: IO[bytes], name: str) -> av.container.InputContainer:
    """Open the video that a file object holds, called `name` in messages; the object stays the caller's to close.

    Raises
    ------
    VideoError
        If FFmpeg cannot read it.
    """
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        _refuse_mng(file.read(len(_MNG)), name)
        file.seek(0)
    except (OSError, ValueError) as error:
        raise VideoError(f"{name}: cannot be read ({error}); give a file object that is open") from None
    if not size:
        raise VideoError(f"{name}: is empty (0 bytes); give the content of a video file")
    try:
        # The content comes from anywhere: with no protocol allowed, a playlist in disguise opens nothing at all.
        return av.open(
            file, "r", options={"protocol_whitelist": "none", "max_pixels": str(MOST_PIXELS)}, metadata_errors="ignore"
        )
    except (av.error.FFmpegError, OSError, ValueError, TypeError, UnicodeError):
        raise VideoError(f"{name}: not a video that FFmpeg can read; give the whole content of a video file") from None


def header_size(file: IO[bytes]) -> tuple[int, int]:
    """The width and height that the head of a GIF or PNG claims, which a decoder that refuses them does not tell.

    (0, 0) for other files.
    """
    head = file.read(24)
    if head.startswith(b"GIF8") and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if head.startswith(b"\x89PNG") and len(head) == 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    return 0, 0


def check_size(width: int, height: int, name: str) -> None:
    """Raise `VideoError` for a picture with more pixels than any decoder is given memory for."""
    if width * height > MOST_PIXELS:
        raise VideoError(
            f"{name}: its picture claims {width:,} x {height:,} pixels, and more than {MOST_PIXELS:,} are not read; "
            f"make it smaller first"
        )


def moving_pictures(container: av.container.InputContainer) -> list[av.video.stream.VideoStream]:
    """The video streams without cover art and thumbnails."""
    no_picture = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return [stream for stream in container.streams.video if not stream.disposition & no_picture]


def best_stream(container: av.container.InputContainer, name: str) -> av.video.stream.VideoStream:
    """The one picture that is measured and shown: one that FFmpeg knows; the default one, the largest, the first.

    Raises
    ------
    VideoError
        If there is no moving picture in the file, none whose codec FFmpeg knows, or one with too many pixels.
    """
    pictures = moving_pictures(container)
    if not pictures:
        held = "a cover picture" if container.streams.video else "sound" if container.streams.audio else "other data"
        raise VideoError(f"{name}: no video stream, only {held}; check it with: ffprobe {name}")
    known = [stream for stream in pictures if stream.codec_context is not None]
    if not known:
        raise VideoError(f"{name}: its video codec is unknown to FFmpeg; convert it to H.264 first")
    best = max(
        known,
        key=lambda stream: (
            bool(stream.disposition & av.stream.Disposition.default),
            (stream.width or 0) * (stream.height or 0),
            -stream.index,
        ),
    )
    check_size(best.width, best.height, name)
    # What the header does not say, a packet may: the decoder refuses it then.
    best.codec_context.options = {**best.codec_context.options, "max_pixels": str(MOST_PIXELS)}
    return best


def claimed_rate(stream: av.video.stream.VideoStream) -> Fraction:
    """The stream's own frame rate, or 0 if it states none or an incredible one.

    Of a bare stream (``.h264``), whose file has no times, FFmpeg's average is a guess; what they say goes first.
    """
    rates = (stream.average_rate, stream.guessed_rate)
    if av.format.Flags(stream.container.format.flags) & av.format.Flags.no_timestamps:
        rates = rates[::-1]
    for rate in rates:
        if rate and 0.1 <= rate <= 480:
            return Fraction(rate)
    return Fraction(0)


def claimed_duration(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> float | None:
    """Seconds that the stream, or else the container, says it lasts; None if neither says."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / av.time_base
    return None
