"""What goes along with a picture: chapters, subtitles, languages, a timecode; and what an mp4 cannot hold is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmt.film.picture import Picture, open_video
from cmt.film.sound import language_of, packets_beside
from video_rhythm.container import claimed_rate, printable

if TYPE_CHECKING:
    import av

_MILLISECOND = Fraction(1, 1000)
_TEXT_SUBTITLES = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})
"""Subtitles in letters, as FFmpeg calls them; the others are pictures."""
_HEAD = b"0,0,Default,,0,0,0,,"
"""What stands before the text of each subtitle, for that encoder as behind its decoders."""
_MOST_AT_ONCE = 8
"""The subtitles that are shown at once at most: more have no room in a picture."""
_FASTEST_TIMECODE = 120
"""The frames a second up to which an mp4 is given a timecode."""
_TIMECODE = re.compile(r"\d\d:\d\d:\d\d([:;.])\d\d\d?")
_NTSC_30, _NTSC_60 = Fraction(30000, 1001), Fraction(60000, 1001)
_NO_METADATA = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "timecode"})
_STYLE = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""The head that the encoder of subtitles asks for (Advanced SubStation Alpha); players use styles of their own."""


def add_descriptions(
    source: av.container.InputContainer, video: Any, picture: Picture, target: av.container.OutputContainer
) -> list[str]:
    """Give `target` the file's own descriptions, its timecode, and its chapters; a line if some are not seen."""
    target.metadata.update((key, value) for key, value in source.metadata.items() if key.lower() not in _NO_METADATA)
    timecode = source.metadata.get("timecode") or video.metadata.get("timecode") or ""
    if _is_writable(timecode, claimed_rate(video)):
        target.metadata["timecode"] = timecode
    chapters = [
        {
            "id": number,
            "start": round(max(begin, Fraction(0)) / _MILLISECOND),
            "end": round(min(end, picture.duration) / _MILLISECOND),
            "time_base": _MILLISECOND,
            "metadata": chapter["metadata"],
        }
        for number, (chapter, begin, end) in enumerate(_chapters(source, picture))
        if begin < picture.duration and end > 0
    ]
    if chapters:
        target.set_chapters(chapters)  # type: ignore[arg-type]
    n_lost = len(source.chapters()) - len(chapters)
    if not n_lost:
        return []
    return [f"{n_lost} of {n_lost + len(chapters)} chapters lie outside the picture and are left out"]


def _is_writable(timecode: str, rate: Fraction) -> bool:
    found = _TIMECODE.fullmatch(timecode)
    if found is None or not 0 < rate <= _FASTEST_TIMECODE:
        return False
    return found[1] == ":" or rate in (_NTSC_30, _NTSC_60)


def _chapters(source: av.container.InputContainer, picture: Picture) -> Iterator[tuple[Any, Fraction, Fraction]]:
    """Each chapter with its begin and end in seconds from the first picture."""
    for chapter in source.chapters():
        base = Fraction(chapter["time_base"] or 0)
        begin, end = chapter["start"] * base - picture.start, chapter["end"] * base - picture.start
        yield chapter, begin, end


def describe_picture(video: Any, written: Any) -> None:
    """Give the written picture the language of the one in the file."""
    if language := language_of(video):
        written.metadata["language"] = language


def subtitle_packets(
    path: Path,
    source: av.container.InputContainer,
    picture: Picture,
    target: av.container.OutputContainer,
    notes: list[str],
) -> list[Iterator[av.Packet[Any]]]:
    """Add a stream for each of the subtitles in letters to `target`, and give their packets.

    When they are taken, `notes` gets a line if some are longer than an mp4 can hold.
    """
    streams = []
    for subtitles in source.streams.subtitles:
        if not _is_text(subtitles):
            continue
        stream: Any = target.add_stream("mov_text")
        stream.codec_context.subtitle_header = _STYLE
        stream.codec_context.time_base = _MILLISECOND
        if language := language_of(subtitles):
            stream.metadata["language"] = language
        if title := subtitles.metadata.get("title"):
            stream.metadata["handler_name"] = title
        streams.append(_texts(path, subtitles.index, picture, stream, notes))
    return streams


def _is_text(subtitles: Any) -> bool:
    context = subtitles.codec_context
    return context is not None and context.codec.canonical_name in _TEXT_SUBTITLES


def _texts(path: Path, index: int, picture: Picture, written: Any, notes: list[str]) -> Iterator[av.Packet[Any]]:
    """The packets of subtitles, as mp4 has them, counted from the first picture and cut where the picture ends."""
    import av
    from av.subtitles.subtitle import SubtitleSet

    n_long = 0
    for begin, end, text in _one_after_another(list(_titles(path, index, picture))):
        try:
            encoded = written.codec_context.encode_subtitle(SubtitleSet.create(_HEAD + text, 0, end - begin))
        except (av.error.FFmpegError, ValueError):  # longer than 64 KiB
            n_long += 1
            continue
        encoded.stream, encoded.time_base = written, _MILLISECOND
        encoded.pts = encoded.dts = begin
        encoded.duration = end - begin
        yield encoded
    if n_long:
        subtitle_s = "a subtitle" if n_long == 1 else f"{n_long} subtitles"
        notes.append(f"{printable(path.name)}: {subtitle_s} longer than an mp4 can hold, left out")


def _titles(path: Path, index: int, picture: Picture) -> Iterator[tuple[int, int, bytes]]:
    """Begin and end of each subtitle, in milliseconds from the first picture, and its text."""
    import av

    with open_video(path) as container:
        original: Any = container.streams[index]
        for packet in packets_beside(container, original, picture):
            if packet.pts is None:
                continue
            begin = Fraction(packet.pts * original.time_base) - picture.start
            end = min(begin + (packet.duration or 0) * original.time_base, picture.duration)
            begin = max(begin, Fraction(0))
            if end <= begin:
                continue
            with suppress(av.error.FFmpegError, ValueError):
                decoded: Any = packet.decode()
                lines = [title.ass.split(b",", _HEAD.count(b","))[-1] for title in decoded if title.ass]
                if lines:
                    yield round(begin / _MILLISECOND), round(end / _MILLISECOND), b"\\N".join(lines)


def _one_after_another(titles: list[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    """The same in times that do not overlap, as an mp4 has them: what is shown at once stands in lines."""
    titles = sorted(titles, key=lambda title: title[0])
    times = sorted({time for title in titles for time in title[:2]})
    shown: list[tuple[int, int, bytes]] = []
    upcoming = iter([*titles, (times[-1] if times else 0, 0, b"")])
    following = next(upcoming)
    for begin, end in pairwise(times):
        while following[0] <= begin:
            shown.append(following)
            following = next(upcoming)
        shown = [title for title in shown if title[1] > begin]
        if shown:
            yield begin, end, b"\\N".join(text for _, _, text in shown[:_MOST_AT_ONCE])


def note_on_the_rest(source: av.container.InputContainer, picture: Picture, name: str) -> list[str]:
    """A line that names what of a file is in no film: covers, subtitles in pictures, data, attachments."""
    import av

    cover = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    has_chapters = bool(source.chapters())
    rest: dict[str, int] = {}
    for stream in source.streams:
        kind = ""
        if stream.type == "video" and stream.index != picture.stream_index and stream.disposition & cover:
            kind = "cover picture"
        elif stream.type == "audio" and stream.codec_context is None:
            kind = "sound track of an unknown codec"
        elif stream.type == "subtitle" and stream.codec_context is None:
            kind = "track of subtitles of an unknown codec"
        elif stream.type == "subtitle" and not _is_text(stream):
            kind = "track of subtitles in pictures"
        elif stream.type == "data" and "timecode" not in stream.metadata:
            if has_chapters and stream.name == "bin_data":
                has_chapters = False  # QuickTime's track with the titles of the chapters
                continue
            kind = "data track"
        elif stream.type == "attachment":
            kind = "attachment"
        if kind:
            rest[kind] = rest.get(kind, 0) + 1
    if not rest:
        return []
    named = ", ".join(f"{kind} ({n})" for kind, n in sorted(rest.items()))
    return [f"{printable(name)}: not in the film, which is an mp4 with picture, sound and titles: {named}"]
