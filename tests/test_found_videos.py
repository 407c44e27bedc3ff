"""More files as they are found: other instances of the kinds of fault that `test_streams.py` has."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from test_streams import FPS, analysed, click, draw, film_of, picture_of, times_in

from cmt.errors import VideoError
from cmt.film.part import Part, write_part
from cmt.film.picture import measure_picture
from video_rhythm.reels import open_reel


def test_a_bare_stream_has_the_rate_that_its_pictures_say(tmp_path):
    """FFmpeg gives files of that kind 25 pictures a second before it has read what they say."""
    clip = tmp_path / "camera.264"
    with av.open(str(clip), "w", format="h264") as container:
        video: Any = container.add_stream("libx264", rate=50, width=64, height=48)
        for _ in range(40):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        container.mux(video.encode(None))
    duration, times, warnings = analysed(clip)
    assert (duration, times) == (pytest.approx(0.8), pytest.approx(np.arange(40) / 50))
    assert any("taken to follow at 50 a second" in warning for warning in warnings)
    assert times_in(film_of(clip, tmp_path)[0]) == pytest.approx(times, abs=0.001)


def test_recordings_joined_in_a_format_of_discs_are_not_said_to_be_out_of_order(tmp_path):
    one = draw(tmp_path / "one.mpg", "mpeg2video", size=(96, 64)).read_bytes()
    (tmp_path / "joined.mpg").write_bytes(one + one)
    duration, _, warnings = analysed(tmp_path / "joined.mpg")
    assert duration == pytest.approx(2.0, abs=0.001)
    assert len(warnings) == 1 and "start again or jump once" in warnings[0]


@pytest.mark.parametrize(("codec", "encoder"), [("h264", "libx264"), ("hevc", "libx265")])
def test_a_broadcast_that_goes_on_in_another_size_is_encoded_again(codec, encoder, tmp_path):
    """An mp4 states one size for all its pictures, a transport stream one before each that stands alone."""
    if encoder not in av.codec.codecs_available:
        pytest.skip(f"this PyAV lacks {encoder}")
    one, other = (draw(tmp_path / f"{size[0]}.ts", encoder, size=size).read_bytes() for size in ((96, 64), (128, 96)))
    (tmp_path / "same.ts").write_bytes(one + one)
    assert measure_picture(tmp_path / "same.ts").fault == ""
    (tmp_path / "both.ts").write_bytes(one + other)
    film, _, notes = film_of(tmp_path / "both.ts", tmp_path)
    assert any(
        note.startswith("the picture was encoded again") and "change their form midway" in note for note in notes
    )
    with av.open(str(film)) as container:
        assert {(frame.width, frame.height) for frame in container.decode(video=0)} == {(96, 64)}


def test_an_mng_is_told_to_be_converted(tmp_path):
    """FFmpeg opens it and decodes none of its pictures."""
    content = b"\x8aMNG\r\n\x1a\n\0\0\0\x1cMHDR"
    (tmp_path / "flag.mng").write_bytes(content)
    for video in (tmp_path / "flag.mng", content):
        with pytest.raises(VideoError, match="is an MNG animation, which is not read here; convert it to MP4, GIF or"):
            open_reel(video)


def test_colours_that_the_container_alone_knows_are_kept(tmp_path):
    """A decoder of ProRes forgets what the file says where its own pictures say nothing."""
    if "libx265" not in av.codec.codecs_available:
        pytest.skip("this PyAV lacks libx265")
    clip = draw(
        tmp_path / "hlg.mov",
        "prores_ks",
        pixels="yuv422p10le",
        n_frame=13,
        color_trc=18,
        color_primaries=9,
        colorspace=9,
    )
    film, _, notes = film_of(clip, tmp_path)
    assert notes == ("the picture was encoded again with libx265: prores does not fit into an mp4",)
    with av.open(str(film)) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_trc, context.color_primaries, context.colorspace) == (18, 9, 9)


def test_pictures_that_become_interlaced_midway_are_deinterlaced(tmp_path):
    def interlaced(stream: Any) -> None:
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct

    parts = [
        draw(tmp_path / f"{number}.mpg", "mpeg2video", size=(96, 64), n_frame=13, change=change).read_bytes()
        for number, change in enumerate((None, interlaced))
    ]
    (tmp_path / "mixed.mpg").write_bytes(b"".join(parts))
    film, _, notes = film_of(tmp_path / "mixed.mpg", tmp_path)
    assert notes.count("the picture is interlaced; it was deinterlaced") == 1
    assert times_in(film) == pytest.approx(np.arange(26) / FPS, abs=0.001)


def test_sound_that_is_over_before_the_picture_is_not_lost_without_a_word(tmp_path):
    clip = draw(tmp_path / "late.mkv", sound=click(1.0, 0.5), languages=("ger",))
    with av.open(str(clip)) as source, av.open(str(tmp_path / "far.mkv"), "w") as out:
        copies = [out.add_stream_from_template(stream) for stream in source.streams]
        packets = [packet for packet in source.demux() if packet.size]
        for packet in packets:
            if packet.stream.type == "audio":
                packet.pts += round(20 / packet.time_base)
                packet.dts = packet.pts
            packet.stream = copies[packet.stream.index]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base if packet.dts else Fraction(0)):
            out.mux(packet)
    notes = film_of(tmp_path / "far.mkv", tmp_path, "keep")[2]
    assert notes == ("the sound of far.mkv is not kept: it has none while the picture is shown",)


def test_the_sound_that_can_be_decoded_is_kept_beside_one_that_cannot(tmp_path):
    clip = draw(tmp_path / "two.mkv", sound=click(1.0, 0.5), languages=("ger", "fre"))
    clip.write_bytes(clip.read_bytes().replace(b"A_AAC", b"A_XYZ", 1))
    film, _, notes = film_of(clip, tmp_path, "keep")
    assert len(notes) == 1 and "sound track of an unknown codec (1)" in notes[0]
    with av.open(str(film)) as container:
        assert [stream.metadata.get("language") for stream in container.streams.audio] == ["und", "fre"]


@pytest.mark.parametrize("orientation", [1, 2, 6])
def test_pictures_of_a_camera_with_exif_are_shown_as_they_say(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", orientation
    content = io.BytesIO()
    picture = picture_of(0)
    for _ in range(15):
        Image.fromarray(picture).save(content, "JPEG", exif=exif)
    (tmp_path / "camera.mjpeg").write_bytes(content.getvalue())
    upright = {1: picture, 2: picture[:, ::-1], 6: np.rot90(picture, -1)}[orientation]
    with av.open(str(film_of(tmp_path / "camera.mjpeg", tmp_path)[0])) as container:
        seen = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert seen.shape == upright.shape
    assert np.abs(seen.astype(int) - upright).mean() < 8


HEAD = b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,16\n"


def test_subtitles_that_are_shown_at_once_stand_in_lines(tmp_path):
    from av.subtitles.subtitle import SubtitleSet

    if not hasattr(SubtitleSet, "create"):
        pytest.skip("this PyAV cannot write subtitles")
    with av.open(str(draw(tmp_path / "plain.mkv"))) as source, av.open(str(tmp_path / "s.mkv"), "w") as out:
        copy = out.add_stream_from_template(source.streams.video[0], opaque=True)
        titles: Any = out.add_stream("ass")
        titles.codec_context.subtitle_header = HEAD
        titles.codec_context.time_base = Fraction(1, 1000)
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet in packets:
            packet.stream = copy
        out.start_encoding()
        # The last one is longer than an mp4 can hold, and alone is left out.
        for number, (begin, text) in enumerate(((200, "A"), (200, "B"), (400, "C"), (710, "D" * 70_000))):
            event = f"{number},0,Default,,0,0,0,,{text}".encode()
            packet = titles.codec_context.encode_subtitle(SubtitleSet.create(event, 0, 300))
            packet.stream, packet.time_base = titles, Fraction(1, 1000)
            packet.pts = packet.dts = begin
            packet.duration = 300
            packets.append(packet)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            out.mux(packet)
    film, _, notes = film_of(tmp_path / "s.mkv", tmp_path)
    assert "s.mkv: a subtitle longer than an mp4 can hold, left out" in notes
    with av.open(str(film)) as container:
        seen = [
            (round(float(packet.pts * packet.time_base), 2), title.dialogue)
            for packet in container.demux(subtitles=0)
            if packet.size > 2
            for title in packet.decode()
        ]
    assert seen == [(0.2, b"A\nB"), (0.4, b"A\nB\nC"), (0.5, b"C")]


def test_a_part_says_which_sound_it_has(tmp_path):
    clip = draw(tmp_path / "two.mkv", sound=click(1.0, 0.5), languages=("ger", "fre"))
    notes: list[str] = []
    write_part(clip, Part(0.2, 0.8), tmp_path / "part.mov", notes)
    assert notes == ["two.mkv has 2 sound tracks: its part has number 1 alone"]


def checksum(section: bytes) -> bytes:
    """The checksum of a table of MPEG-TS (ISO/IEC 13818-1, annex A)."""
    value = 0xFFFFFFFF
    for byte in section:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value.to_bytes(4, "big")


def two_programs(path: Path, tmp_path: Path) -> Path:
    """A broadcast of two programs, whose clocks differ by 100 s; the second has the larger picture."""
    content = []
    for number, size, begin in ((1, (64, 48), 0), (2, (96, 64), 100)):
        settings = {"mpegts_service_id": str(number), "mpegts_pmt_start_pid": str(256 * number)}
        settings["mpegts_start_pid"] = str(256 * number + 16)
        plain = draw(tmp_path / "plain.mkv", size=size, options={"bf": "0"})
        alone = tmp_path / f"{number}.ts"
        with av.open(str(plain)) as source, av.open(str(alone), "w", options=settings) as out:
            copy = out.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.pts = packet.dts = packet.pts + round(begin / packet.time_base)
                    packet.stream = copy
                    out.mux(packet)
        cells = alone.read_bytes()
        content.append([cells[at : at + 188] for at in range(0, len(cells), 188)])
    table = bytes([0, 0xB0, 17, 0, 1, 0xC1, 0, 0, 0, 1, 0xE1, 0, 0, 2, 0xE2, 0])
    head = bytes([0x47, 0x40, 0, 0x10, 0]) + table + checksum(table)
    cells = [cell for program in content for cell in program if (cell[1] & 31, cell[2]) != (0, 0)]
    path.write_bytes(head.ljust(188, b"\xff") + b"".join(cells))
    return path


def test_of_several_programs_one_is_seen_shown_and_cut(tmp_path):
    clip = two_programs(tmp_path / "programs.ts", tmp_path)
    _, times, warnings = analysed(clip)
    assert len(times) == 25 and "2 pictures in the file" in warnings[0] and "96x64" in warnings[0]
    film = film_of(clip, tmp_path)[0]
    assert times_in(film) == pytest.approx(times, abs=0.001)
    write_part(clip, Part(0.2, 0.8), tmp_path / "part.mov")
    assert len(times_in(tmp_path / "part.mov")) == 15
    with av.open(str(film)) as container:
        assert container.streams.video[0].width == 96
