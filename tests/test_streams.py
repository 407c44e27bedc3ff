"""Files as they are found: one clock for the measuring and the film, and what a film keeps of a picture."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from libraries import draw_rhythm, song_of_rhythm
from PIL import Image

from cmt.errors import VideoError
from cmt.film.mux import write_video
from midi_io import MidiError, write_midi
from video_rhythm import analyze
from video_rhythm.frames import Video
from video_rhythm.limits import LONGEST_GAP, MOST_PIXELS
from video_rhythm.orientation import Orientation, orientation_of
from video_rhythm.stamps import Stamps

pytestmark = pytest.mark.slow

RATE = 8000
FPS = 25


def picture_of(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture whose brightness tells its number."""
    picture = np.full((height, width, 3), 30 + 3 * index % 200, np.uint8)
    picture[: height // 3, : width // 4] = 235
    return picture


def draw(
    path: Path,
    codec: str = "libx264",
    *,
    n_frame: int = 25,
    size: tuple[int, int] = (64, 48),
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    sound: np.ndarray | None = None,
    languages: tuple[str, ...] = ("ger",),
    change: Any = None,
    move: Any = lambda seconds: seconds,
    **settings: Any,
) -> Path:
    """A clip of 25 pictures a second; `change` gets the stream, `move` moves the times of packets."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=FPS, width=size[0], height=size[1], options=options or {})
        video.pix_fmt = pixels
        for name, value in settings.items():
            setattr(video.codec_context, name, value)
        if change is not None:
            change(video)
        tracks: list[Any] = []
        for language in languages if sound is not None else ():
            tracks.append(container.add_stream("aac", rate=44100))
            tracks[-1].metadata["language"] = language
        packets = []
        for index in range(n_frame):
            packets += video.encode(
                av.VideoFrame.from_ndarray(picture_of(index, *size), "rgb24").reformat(format=pixels)
            )
        packets += video.encode(None)
        for track in tracks:
            for start in range(0, len(sound), 1024):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(sound[start : start + 1024].T), "fltp", "stereo"
                )
                frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
                packets += track.encode(frame)
            packets += track.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            base = packet.time_base
            packet.pts = round(move(packet.pts * base) / base)
            packet.dts = round(move(packet.dts * base) / base)
            container.mux(packet)
    return path


def click(seconds: float, at: float) -> np.ndarray:
    sound = np.zeros((round(seconds * 44100), 2), np.float32)
    tone = 0.9 * np.sin(2 * np.pi * 3000 * np.arange(400) / 44100)
    sound[round(at * 44100) : round(at * 44100) + 400] = tone[:, None]
    return sound


def analysed(path: Path) -> tuple[float, list[float], tuple[str, ...]]:
    """How long a video is, when its pictures are shown, and what is said of it."""
    with Video(path) as video:
        times = [frame.time for frame in video.frames()]
        return video.duration, times, video.warnings


def film_of(path: Path, tmp_path: Path, original: Any = "drop") -> tuple[Path, float, tuple[str, ...]]:
    seconds = analysed(path)[0]
    silence = np.zeros((round(seconds * RATE), 2), np.float32)
    written = write_video(path, silence, RATE, tmp_path / "film.mp4", original_audio=original)
    assert written.duration == pytest.approx(seconds, abs=0.002)
    return written.path, written.duration, written.notes


def times_in(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def first_frame(path: Path) -> Any:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def clicks_in(path: Path, track: int) -> list[float]:
    sound = np.zeros(44100 * 12)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=track):
            begin = max(0, round(frame.time * frame.sample_rate))
            samples = frame.to_ndarray()[0]
            sound[begin : begin + len(samples)] = samples
    loud = np.flatnonzero(np.abs(sound) > 0.3)
    return (loud[np.insert(np.diff(loud) > 2000, 0, True)] / 44100).tolist() if len(loud) else []


# One clock


@pytest.mark.parametrize("n_frame", [25, 50])
def test_recordings_joined_end_to_end_follow_each_other(tmp_path, n_frame):
    one = draw(tmp_path / "one.ts", n_frame=n_frame, sound=click(n_frame / FPS, 0.5)).read_bytes()
    (tmp_path / "joined.ts").write_bytes(one + one)
    duration, times, warnings = analysed(tmp_path / "joined.ts")
    assert duration == pytest.approx(2 * n_frame / FPS, abs=0.001)
    assert times == pytest.approx(np.arange(2 * n_frame) / FPS, abs=0.001)
    assert any("start again or jump once" in warning for warning in warnings)
    film, seconds, _ = film_of(tmp_path / "joined.ts", tmp_path, "keep")
    assert seconds == pytest.approx(2 * n_frame / FPS, abs=0.001)
    assert times_in(film) == pytest.approx(np.arange(2 * n_frame) / FPS, abs=0.001)
    assert np.diff(clicks_in(film, 1)) == pytest.approx([n_frame / FPS], abs=0.03)


@pytest.mark.parametrize(("name", "hours"), [("jump.ts", 10), ("jump.mkv", 100)])
def test_a_jump_of_the_clock_is_no_hours_of_film(tmp_path, name, hours):
    clip = draw(tmp_path / name, move=lambda t: t if t < Fraction(1, 2) else t + hours * 3600)
    duration, times, warnings = analysed(clip)
    assert duration == pytest.approx(1.0, abs=0.2) and len(times) == 25
    assert any("jump" in warning for warning in warnings)
    assert times_in(film_of(clip, tmp_path)[0]) == pytest.approx(times, abs=0.001)


def test_a_gap_in_a_broadcast_is_a_gap(tmp_path):
    clip = draw(tmp_path / "gap.ts", move=lambda t: t if t < Fraction(1, 2) else t + 5)
    assert LONGEST_GAP > 5
    assert analysed(clip)[0] == pytest.approx(6.0, abs=0.002)
    assert max(times_in(film_of(clip, tmp_path)[0])) == pytest.approx(5.96, abs=0.002)


def test_sound_that_is_silent_for_long_stays_where_it_is():
    """A track of sound that pauses jumps, though the picture does not: its guide says that nothing is wrong."""

    class Packet:
        is_discard, duration = False, 1

        def __init__(self, time: int) -> None:
            self.pts = self.dts = time

    picture = Stamps(Fraction(1), Fraction(1), broadcast=True)
    for time in range(100):
        picture.put_right(Packet(time))
    sound = Stamps(Fraction(1), Fraction(1), broadcast=True, guide=picture.segments)
    moved = []
    for time in (0, 1, 60, 61):
        packet = Packet(time)
        sound.put_right(packet)
        moved.append(packet.pts)
    assert moved == [0, 1, 60, 61]


def test_pictures_that_are_stamped_as_they_are_decoded_are_shown_in_order(tmp_path):
    """AVI has no times of showing, and an mp4 may have lost them."""
    draw(tmp_path / "b.avi", n_frame=50, options={"bf": "2"})
    lost = draw(tmp_path / "b.mp4", n_frame=50, options={"bf": "2"}).read_bytes()
    assert b"ctts" in lost
    (tmp_path / "b.mp4").write_bytes(lost.replace(b"ctts", b"free"))
    for name, n_shown in (("b.avi", 50), ("b.mp4", 48)):  # the edit list of the mp4 hides two
        _, times, warnings = analysed(tmp_path / name)
        assert times == pytest.approx(np.arange(n_shown) / FPS, abs=0.001)
        assert any("does not say when its pictures are shown" in warning for warning in warnings)
        film, _, notes = film_of(tmp_path / name, tmp_path)
        assert "it does not say when its pictures are shown" in notes[0]
        assert times_in(film) == pytest.approx(np.arange(n_shown) / FPS, abs=0.001)
        with av.open(str(film)) as container:
            levels = [frame.to_ndarray(format="gray")[30, 50] for frame in container.decode(video=0)]
        assert np.all(np.diff(np.array(levels, int)) >= 0)


@pytest.mark.parametrize("name", ["p.mp4", "p.mkv", "p.avi"])
def test_a_stream_without_b_frames_is_copied(tmp_path, name):
    assert film_of(draw(tmp_path / name, options={"bf": "0"}), tmp_path)[2] == ()


def two_edits(clip: Path) -> None:
    """Give an mp4 an edit list that shows the first half second, then what comes from 1.2 s on, for half a second."""
    content = clip.read_bytes()
    at = content.index(b"elst") - 4
    size, _, _, _, _, begin = struct.unpack(">IIIIII", content[at : at + 24])
    entries = b"".join(struct.pack(">III", 500, time, 1 << 16) for time in (begin, begin + round(1.2 * 12800)))
    grown = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, 2) + entries
    content = content[:at] + grown + content[at + size :]
    for name in (b"edts", b"trak", b"moov"):
        place = content.index(name) - 4
        content = (
            content[:place]
            + struct.pack(">I", struct.unpack(">I", content[place : place + 4])[0] + 12)
            + content[place + 4 :]
        )
    clip.write_bytes(content)


def test_an_edit_list_that_leaves_out_pictures_is_obeyed_by_both(tmp_path):
    clip = draw(tmp_path / "edits.mp4", n_frame=50, options={"g": "50"})
    two_edits(clip)
    duration, times, _ = analysed(clip)
    assert duration == pytest.approx(1.0, abs=0.09)
    film, seconds, notes = film_of(clip, tmp_path)
    assert any("edit list" in note for note in notes)
    assert times_in(film) == pytest.approx(times, abs=0.001)
    assert seconds == pytest.approx(duration, abs=0.002)


def test_a_bare_stream_follows_at_its_rate(tmp_path):
    clip = draw(tmp_path / "pi.h264", options={"bf": "2"})
    film, seconds, notes = film_of(clip, tmp_path)
    assert seconds == pytest.approx(1.0) and "its packets lack timestamps" in notes[0]
    assert times_in(film) == pytest.approx(np.arange(25) / FPS, abs=0.001)


def test_a_tape_that_claims_60000_pictures_a_second_has_25(tmp_path):
    clip = draw(tmp_path / "tape.dv", "dvvideo", n_frame=15, size=(720, 576))
    film, seconds, _ = film_of(clip, tmp_path)
    assert seconds == pytest.approx(0.6)
    with av.open(str(film)) as container:
        assert container.streams.video[0].average_rate == 25


def test_what_cannot_be_decoded_at_the_end_is_time_all_the_same(tmp_path):
    clip = draw(tmp_path / "clip.mkv", n_frame=50, options={"bf": "0", "g": "10"})
    with av.open(str(clip)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = clip.read_bytes()
    for packet in packets[-4:]:
        content = content.replace(packet, b"\0\0\0\1" + bytes([255]) * (len(packet) - 4))
    clip.write_bytes(content)
    assert film_of(clip, tmp_path)[1] == pytest.approx(2.0, abs=0.002)


def test_slides_are_cut_and_shown_to_their_end(tmp_path):
    lengths = [1500, 700, 1000, 2000, 500, 1200]
    rng = np.random.default_rng(0)
    colours = [rng.integers(0, 255, (6, 8, 3), np.uint8) for _ in lengths]
    slides = [Image.fromarray(np.kron(colour, np.ones((8, 8, 1), np.uint8))) for colour in colours]
    slides[0].save(tmp_path / "slides.gif", save_all=True, append_images=slides[1:], duration=lengths)
    assert analyze(tmp_path / "slides.gif").cuts == pytest.approx(np.cumsum(lengths)[:-1] / 1000)
    film, seconds, _ = film_of(tmp_path / "slides.gif", tmp_path)
    assert seconds == pytest.approx(6.9)
    with av.open(str(film)) as container:
        for stream in container.streams:
            assert float(stream.duration * stream.time_base) == pytest.approx(6.9, abs=0.002)


# What a film keeps


def shape_of(path: Path) -> Fraction | None:
    with av.open(str(path)) as container:
        return container.streams.video[0].sample_aspect_ratio


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.mp4", "libx264", "yuv420p"), ("a.mkv", "mpeg4", "yuv420p"), ("a.mov", "mjpeg", "yuvj420p")],
)
def test_the_shape_of_pixels_is_kept(tmp_path, name, codec, pixels):
    clip = draw(tmp_path / name, codec, pixels=pixels, sample_aspect_ratio=Fraction(3, 4))
    assert shape_of(film_of(clip, tmp_path)[0]) == shape_of(clip) == Fraction(3, 4)


def test_a_shape_that_the_container_alone_knows_is_kept(tmp_path):
    clip = draw(tmp_path / "a.mp4", sample_aspect_ratio=Fraction(3, 4))
    content = clip.read_bytes()
    place = content.index(b"pasp") + 4
    clip.write_bytes(content[:place] + struct.pack(">II", 64, 45) + content[place + 8 :])
    assert shape_of(film_of(clip, tmp_path)[0]) == shape_of(clip) == Fraction(64, 45)


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_stays_hdr_when_it_is_encoded_again(tmp_path, transfer):
    if "libx265" not in av.codec.codecs_available:
        pytest.skip("this PyAV lacks libx265")
    clip = draw(
        tmp_path / "hdr.mkv",
        "ffv1",
        pixels="yuv420p10le",
        n_frame=15,
        color_trc=transfer,
        color_primaries=9,
        colorspace=9,
    )
    film, _, notes = film_of(clip, tmp_path)
    assert len(notes) == 1 and "libx265" in notes[0]
    with av.open(str(film)) as container:
        context = container.streams.video[0].codec_context
        assert (context.pix_fmt, context.codec_tag) == ("yuv420p10le", "hvc1")
        assert (context.color_trc, context.color_primaries, context.colorspace) == (transfer, 9, 9)
        assert context.color_range == 1
    old, new = (first_frame(path).to_ndarray(format="gray16le").mean() for path in (clip, film))
    assert new == pytest.approx(old, rel=0.03)


def test_hdr_that_no_encoder_keeps_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("cmt.film.encoding._HDR_ENCODER", "none")
    clip = draw(tmp_path / "hdr.mkv", "ffv1", pixels="yuv420p10le", n_frame=15, color_trc=16, color_primaries=9)
    assert "its colours look washed out" in film_of(clip, tmp_path)[2][1]


def test_interlaced_pictures_are_deinterlaced_and_that_is_said(tmp_path):
    clip = draw(tmp_path / "tape.avi", "dvvideo", n_frame=15, size=(720, 576))
    assert first_frame(clip).interlaced_frame
    film, _, notes = film_of(clip, tmp_path)
    assert any("deinterlaced" in note for note in notes)
    assert not first_frame(film).interlaced_frame
    assert times_in(film) == pytest.approx(np.arange(15) / FPS, abs=0.001)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("codec", "pixels"), [("libx264", "yuv420p"), ("mjpeg", "yuvj420p")])
def test_a_picture_is_turned_and_mirrored_as_its_matrix_says(tmp_path, degrees, mirrored, codec, pixels):
    if not hasattr(av.VideoStream if hasattr(av, "VideoStream") else object, "set_display_rotation"):
        pytest.skip("this PyAV cannot write a display matrix")
    clip = draw(
        tmp_path / "clip.mov",
        codec,
        n_frame=15,
        pixels=pixels,
        change=lambda stream: stream.set_display_rotation(degrees, hflip=mirrored),
    )
    stored = first_frame(clip)
    # FFmpeg turns first, by its matrix's angle anticlockwise, and then mirrors; numpy turns the same way.
    expected = np.rot90(stored.to_ndarray(format="gray"), degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    with Video(clip) as video:
        seen = next(iter(video.frames())).grey
    shown = first_frame(film_of(clip, tmp_path)[0])
    upright = orientation_of(shown).upright(shown.to_ndarray(format="gray"))
    for picture in (seen, upright):
        assert picture.shape == expected.shape
        assert np.mean(np.abs(picture.astype(int) - expected)) < 20
        assert np.mean(np.abs(picture.astype(int) - expected[::-1, ::-1])) > 20


def test_filters_and_arrays_orient_alike():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert Orientation(True, True, False).upright(picture).tolist() == np.rot90(picture, -1).tolist()
    assert Orientation(True, False, True).upright(picture).tolist() == np.rot90(picture).tolist()
    assert Orientation(False, True, True).upright(picture).tolist() == np.rot90(picture, 2).tolist()
    assert Orientation(True, True, False).filters == (("transpose", "cclock_flip"), ("hflip", ""))


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4"])
def test_hevc_has_the_name_that_apples_players_know(tmp_path, name):
    if "libx265" not in av.codec.codecs_available:
        pytest.skip("this PyAV lacks libx265")
    film = film_of(draw(tmp_path / name, "libx265", options={"x265-params": "log-level=none"}), tmp_path)[0]
    with av.open(str(film)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"
        assert len([1 for _ in container.decode(video=0)]) == 25


def test_every_sound_track_is_kept_with_its_language(tmp_path):
    clip = draw(tmp_path / "two.mkv", sound=click(1.0, 0.5), languages=("ger", "fre"))
    film, _, notes = film_of(clip, tmp_path, "keep")
    assert notes == ()
    with av.open(str(film)) as container:
        assert [stream.metadata.get("language") for stream in container.streams.audio] == ["und", "ger", "fre"]
    assert all(len(clicks_in(film, track)) == 1 for track in (1, 2))


def test_sound_that_overlaps_is_kept(tmp_path):
    """Two recordings on one clock, of which the second's sound begins before the first's has ended."""
    sound, plain = click(1.05, 0.5), {"bf": "0"}
    one = draw(tmp_path / "one.ts", sound=sound, options=plain).read_bytes()
    two = draw(tmp_path / "two.ts", sound=sound, options=plain, move=lambda time: time + 1).read_bytes()
    (tmp_path / "both.ts").write_bytes(one + two)
    film, seconds, _ = film_of(tmp_path / "both.ts", tmp_path, "keep")
    assert seconds == pytest.approx(2.0, abs=0.05)
    assert np.diff(clicks_in(film, 1)) == pytest.approx([1.0], abs=0.03)


def with_chapters(path: Path, times: tuple[tuple[float, float], ...]) -> Path:
    plain = draw(path.with_name(f"plain{path.suffix}"))
    with av.open(str(plain)) as source, av.open(str(path), "w") as container:
        if not hasattr(container, "set_chapters"):
            pytest.skip("this PyAV cannot write chapters")
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(1000 * begin),
                    "end": round(1000 * end),
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": f"Part {number}"},
                }
                for number, (begin, end) in enumerate(times)
            ]
        )
        container.metadata["timecode"] = "01:00:00:00"
        copy = container.add_stream_from_template(source.streams.video[0], opaque=True)
        copy.metadata["language"] = "dan"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    return path


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
def test_chapters_are_kept_and_those_behind_the_end_named(tmp_path, name):
    clip = with_chapters(tmp_path / name, ((0.0, 0.4), (0.4, 1.0), (3.0, 6.0)))
    film, _, notes = film_of(clip, tmp_path)
    with av.open(str(film)) as container:
        chapters = container.chapters()
        titles = [chapter["metadata"]["title"] for chapter in chapters]
        begins = [float(chapter["start"] * chapter["time_base"]) for chapter in chapters]
        assert container.streams.video[0].metadata["language"] == "dan"
    assert titles == ["Part 0", "Part 1"] and begins == pytest.approx([0.0, 0.4], abs=0.002)
    assert any("1 of 3 chapters" in note for note in notes)


HEAD = b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,16\n"


@pytest.mark.parametrize(("name", "codec"), [("s.mp4", "mov_text"), ("s.mkv", "subrip"), ("s.mkv", "ass")])
def test_subtitles_in_letters_are_kept(tmp_path, name, codec):
    from av.subtitles.subtitle import SubtitleSet

    if not hasattr(SubtitleSet, "create"):
        pytest.skip("this PyAV cannot write subtitles")
    with (
        av.open(str(draw(tmp_path / f"plain{Path(name).suffix}"))) as source,
        av.open(str(tmp_path / name), "w") as out,
    ):
        copy = out.add_stream_from_template(source.streams.video[0], opaque=True)
        titles: Any = out.add_stream(codec)
        titles.codec_context.subtitle_header = HEAD
        titles.codec_context.time_base = Fraction(1, 1000)
        titles.metadata["language"] = "ger"
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet in packets:
            packet.stream = copy
        out.start_encoding()
        for number, begin in enumerate((200, 700)):
            event = f"{number},0,Default,,0,0,0,,Grüße {number}".encode()
            packet = titles.codec_context.encode_subtitle(SubtitleSet.create(event, 0, 400))
            packet.stream, packet.time_base = titles, Fraction(1, 1000)
            packet.pts = packet.dts = begin
            packet.duration = 400
            packets.append(packet)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            out.mux(packet)
    film, _, notes = film_of(tmp_path / name, tmp_path)
    assert notes == ()
    with av.open(str(film)) as container:
        (stream,) = container.streams.subtitles
        assert (stream.codec_context.name, stream.metadata["language"]) == ("mov_text", "ger")
        heard = [
            (float(packet.pts * packet.time_base), title.dialogue.decode())
            for packet in container.demux(stream)
            if packet.size > 2
            for title in packet.decode()
        ]
    assert [text for _, text in heard] == ["Grüße 0", "Grüße 1"]
    assert [time for time, _ in heard] == pytest.approx([0.2, 0.7], abs=0.002)


def test_what_an_mp4_cannot_hold_is_named(tmp_path):
    with av.open(str(draw(tmp_path / "plain.mkv"))) as source, av.open(str(tmp_path / "a.mkv"), "w") as container:
        copy = container.add_stream_from_template(source.streams.video[0], opaque=True)
        if not hasattr(container, "add_attachment"):
            pytest.skip("this PyAV cannot write attachments")
        container.add_attachment("font.ttf", "font/ttf", b"a font")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    assert film_of(tmp_path / "a.mkv", tmp_path)[2] == (
        "a.mkv: not in the film, which is an mp4 with picture, sound and titles: attachment (1)",
    )


# Refused, and why


def test_an_unknown_codec_ends_in_the_message(tmp_path):
    clip = draw(tmp_path / "clip.mkv")
    content = clip.read_bytes()
    assert b"V_MPEG4/ISO/AVC" in content
    clip.write_bytes(content.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG9/XYZ/AVC"))
    with pytest.raises(VideoError, match="its video codec is unknown to FFmpeg"):
        analysed(clip)
    with pytest.raises(MidiError, match="its video codec is unknown to FFmpeg"):
        write_video(clip, np.zeros((RATE, 2), np.float32), RATE, tmp_path / "film.mp4")


def gif_of(width: int, height: int, n_picture: int = 3) -> bytes:
    """A GIF of pictures of one pixel on a screen of that size."""
    picture = b"!\xf9\x04\x04\x32\0\0\0" + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + n_picture * picture + b";"


def test_a_screen_that_only_a_header_claims_is_refused(tmp_path):
    (tmp_path / "small.gif").write_bytes(gif_of(100, 100))
    assert analysed(tmp_path / "small.gif")[0] == pytest.approx(1.5)
    (tmp_path / "large.gif").write_bytes(gif_of(16000, 16000))
    assert MOST_PIXELS < 16000 * 16000
    with pytest.raises(VideoError, match="claims 16,000 x 16,000 pixels"):
        analysed(tmp_path / "large.gif")


def test_an_animated_webp_is_not_called_damaged(tmp_path):
    pictures = [Image.fromarray(picture_of(index)) for index in range(0, 50, 10)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=300)
    try:
        analysed(tmp_path / "a.webp")
    except VideoError as error:
        assert "animated WebP cannot be read by this FFmpeg; convert it to GIF or mp4" in str(error)  # noqa: PT017


def test_a_name_that_is_not_utf_8_is_only_a_name(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    try:
        draw(tmp_path / "clip.mp4").rename(tmp_path / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert film_of(tmp_path / name, tmp_path)[1] == pytest.approx(1.0)
    write_midi(
        song_of_rhythm(draw_rhythm(np.random.default_rng(0), 2)),
        tmp_path / "a.mid",
        title=f"Music for {Path(name).stem}",
    )
    assert b"Music for caf?" in (tmp_path / "a.mid").read_bytes()
