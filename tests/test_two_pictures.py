"""A file with several pictures: one of them is chosen, once, and it is both measured and shown."""

from __future__ import annotations

import ast
from pathlib import Path

import av
import numpy as np
import pytest
from clips import draw_clip
from libraries import draw_rhythm, song_of_rhythm

from cmt.config import GenerateConfig
from cmt.film.mux import write_video
from cmt.matching.ranking import look_at_video
from cmt.matching.render import RenderTask, RenderWishes, render_match
from cmt.planning.wishes import Wishes
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import MidiError, has_fluidsynth, write_midi
from video_rhythm import analyze

pytestmark = pytest.mark.slow

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
ROOT = Path(__file__).resolve().parent.parent
RATE = 44100
SILENCE = np.zeros((RATE, 2), np.float32)
WARNING = (
    "{name}: 2 pictures in the file; stream 0, 640x360 at 10 fps, is measured and shown; "
    "for another one, give a file with that alone"
)


def draw_two_pictures(path: Path, seconds: float = 2.0) -> Path:
    """Stream 0: large, slow, few bits. Stream 1: small, fast, many bits. Both are marked as the default one."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        streams = []
        for width, height, fps, bit_rate in ((640, 360, 10, 20_000), (160, 96, 30, 4_000_000)):
            stream = container.add_stream("mpeg4", rate=fps)
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
            stream.disposition = av.stream.Disposition.default
            streams.append(stream)
        packets = []
        for stream, fps in zip(streams, (10, 30), strict=True):
            for index in range(round(seconds * fps)):
                picture = np.full((stream.height, stream.width, 3), 40, np.uint8)
                if stream is streams[1]:
                    picture = rng.integers(0, 255, picture.shape, dtype=np.uint8)
                left = 4 * index % (stream.width - 32)
                picture[20:52, left : left + 32] = 230
                packets += stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24"))
            packets += stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def shown_in(path: Path) -> list[tuple[int, int, float]]:
    """(width, height, pictures a second) of each picture in a file."""
    with av.open(str(path)) as container:
        return [(stream.width, stream.height, float(stream.average_rate)) for stream in container.streams.video]


@pytest.fixture(scope="module", params=["two.mp4", "two.mkv"])
def two_pictures(request, tmp_path_factory):
    return draw_two_pictures(tmp_path_factory.mktemp("two") / request.param)


def test_what_is_measured_is_what_is_shown(two_pictures, tmp_path):
    rhythm = analyze(two_pictures)
    assert (rhythm.stream_index, rhythm.width, rhythm.height, rhythm.fps) == (0, 640, 360, 10.0)
    assert rhythm.warnings == (WARNING.format(name=two_pictures.name),)
    written = write_video(two_pictures, SILENCE, RATE, tmp_path / "out.mp4")
    assert shown_in(written.path) == [(640, 360, 10.0)]


@needs_fluidsynth
def test_the_report_names_the_picture_and_a_warning_says_which_it_is(two_pictures, checkpoint, tmp_path):
    made = make_soundtrack(two_pictures, tmp_path, config=GenerateConfig(seed=1), checkpoint=checkpoint)
    assert (made.report.picture.stream, made.report.picture.fps) == (0, 10.0)
    assert made.report.warnings[0] == WARNING.format(name=two_pictures.name)
    assert shown_in(tmp_path / "two.mp4") == [(640, 360, 10.0)]


@needs_fluidsynth
def test_a_piece_of_a_library_gets_the_same_picture(two_pictures, tmp_path):
    write_midi(song_of_rhythm(draw_rhythm(np.random.default_rng(0), 4)), tmp_path / "piece.mid")
    demand = look_at_video(str(two_pictures), "relative")
    task = RenderTask(str(two_pictures), demand, str(tmp_path / "piece.mid"), "", 0, "film")
    assert render_match(task, RenderWishes(tmp_path)).failure == ""
    assert shown_in(tmp_path / "film.mp4") == [(640, 360, 10.0)]


def test_one_picture_needs_no_warning_though_its_cover_is_larger(tmp_path, checkpoint):
    with av.open(str(tmp_path / "clip.mp4"), "w") as container, av.open(str(draw_clip(tmp_path / "a.mp4"))) as source:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 640, 640, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = container.add_stream_from_template(source.streams.video[0])
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((640, 640, 3), np.uint8), "rgb24")))
        container.mux(cover.encode(None))
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                container.mux(packet)
    made = make_soundtrack(tmp_path / "clip.mp4", tmp_path, output=Output(midi_only=True), checkpoint=checkpoint)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        pictures = {stream.width: stream.index for stream in container.streams.video}
    assert made.report.picture.stream == pictures[160] and 640 in pictures
    assert not any("pictures in the file" in warning for warning in made.report.warnings)


def test_without_a_video_there_is_no_stream(tmp_path, checkpoint):
    output = Output(midi_only=True)
    report = make_soundtrack(None, tmp_path, Wishes(length=4.0), output=output, checkpoint=checkpoint).report
    assert report.picture is None and report.as_json()["picture_stream"] is None


def test_a_title_in_another_encoding_is_no_reason_to_refuse_a_picture(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        container.metadata["title"] = "Grxxe"
        with av.open(str(draw_clip(tmp_path / "clip.avi"))) as source:
            picture = container.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = picture
                    container.mux(packet)
    content = (tmp_path / "a.avi").read_bytes()
    assert b"Grxxe" in content
    (tmp_path / "a.avi").write_bytes(content.replace(b"Grxxe", "Größe".encode("latin-1")))
    assert analyze(tmp_path / "a.avi").duration == pytest.approx(4.0)


@pytest.mark.parametrize("name", ["a:b", "http:", "concat:a|b", "pipe:1", "file:x", "100%d"])
def test_a_name_that_looks_like_an_address_reaches_the_file_system_only(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw_clip(Path("clip.mp4"), seconds=1.0).rename(f"{name}.mp4")
    write_video(f"{name}.mp4", SILENCE, RATE, f"{name} film.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"{name} film.mp4", f"{name}.mp4"])
    Path(name).mkdir()
    write_video(f"{name}.mp4", SILENCE, RATE, f"{name}/film.mp4", original_audio="keep")
    assert shown_in(tmp_path / name / "film.mp4") == [(160, 96, 12.0)]


def test_a_playlist_in_disguise_is_no_film(tmp_path):
    draw_clip(tmp_path / "secret.mp4")
    (tmp_path / "a.mp4").write_text(f"ffconcat version 1.0\nfile '{tmp_path}/secret.mp4'\n")
    with pytest.raises(MidiError, match="cannot be opened as a video"):
        write_video(tmp_path / "a.mp4", SILENCE, RATE, tmp_path / "out.mp4")


def test_videos_are_opened_by_one_door_and_films_written_by_one():
    calls = {
        (path.relative_to(ROOT).as_posix(), ast.unparse(call.args[0]).partition("(")[0])
        for package in ("cmt", "midi_io", "video_rhythm")
        for path in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("av.open", "av.container.open")
    }
    assert calls == {
        ("video_rhythm/container.py", "file_url"),
        ("video_rhythm/container.py", "file"),  # in memory
        ("cmt/film/mux.py", "file_url"),
        ("cmt/film/embedded.py", "file_url"),  # the picture of a page
        ("cmt/film/part.py", "file_url"),
        ("cmt/film/slideshow.py", "file_url"),
        ("midi_io/audio_file.py", "f'file:{unfinished}'"),  # sound alone; this package knows no films
    }
