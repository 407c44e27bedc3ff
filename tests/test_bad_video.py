"""Whatever is wrong with a video, its rhythm is right, or a line says what was wrong."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import hop, moving_square, pan, texture, write_clip

from cmt.cli import main
from video_rhythm import VideoError, analyze

pytestmark = pytest.mark.slow


def hopping(fps: float, seconds: float = 6.0):
    return moving_square(hop(90, first=0.4), seconds, fps)


def remux(source: Path, target: Path, stamp) -> Path:
    """The same pictures; `stamp(index)` is the time of each in milliseconds, or None for none."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        packets = [packet for packet in read.demux(video=0) if packet.size]
        for index, packet in enumerate(packets):
            packet.stream = stream
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = stamp(index)
            written.mux(packet)
    return target


def test_one_flash_is_no_cut_no_fade_and_no_rhythm(tmp_path):
    pictures = [texture(96, 160, grain=20)] * 60
    pictures[30] = np.full((96, 160), 250, np.uint8)
    rhythm = analyze(write_clip(tmp_path / "a.mp4", pictures, 25))
    assert (rhythm.cuts, rhythm.fades, rhythm.tempo) == ((), (), None)
    assert len(rhythm.visual_beats) <= 1


def test_five_pictures_a_second_are_enough_for_a_slow_beat(tmp_path):
    rhythm = analyze(write_clip(tmp_path / "a.mp4", moving_square(hop(60, first=0.4), 12.0, 5), 5))
    assert rhythm.tempo == pytest.approx(60, rel=0.02)


def test_240_pictures_a_second_are_as_good_as_30(tmp_path):
    few, many = (analyze(write_clip(tmp_path / f"{fps}.mp4", hopping(fps, 4.5), fps)) for fps in (30, 240))
    assert many.tempo == pytest.approx(few.tempo, rel=0.01) == pytest.approx(90, rel=0.02)
    assert len(many.flow) <= len(few.flow) * 1.1
    assert many.flow.speed.mean() == pytest.approx(few.flow.speed.mean(), rel=0.1)


def test_a_late_start_is_no_pause(tmp_path):
    path = write_clip(tmp_path / "a.mkv", hopping(25), 25, times=[7 + index / 25 for index in range(150)])
    rhythm = analyze(path)
    assert rhythm.duration == pytest.approx(6.0, abs=0.05)
    assert rhythm.visual_beats[0].time == pytest.approx(0.4, abs=0.07)
    assert rhythm.warnings == ()


@pytest.mark.parametrize(("layout", "codec"), [("h264", "libx264"), ("m4v", "mpeg4")])
def test_pictures_in_a_bare_stream_without_times_follow_each_other_evenly(tmp_path, layout, codec):
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    path = tmp_path / f"a.{layout}"
    with av.open(str(path), "w", format=layout) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 96, 160, "yuv420p", 4_000_000
        for picture in hopping(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode())
    rhythm = analyze(path)
    assert rhythm.tempo == pytest.approx(90, rel=0.02)
    assert rhythm.duration == pytest.approx(6.0, abs=0.1)
    # Some readers make up the times themselves.
    assert rhythm.warnings in ((), ("a.h264: 150 pictures have no time; taken to follow at 25 a second",))


def test_pictures_at_one_time_are_left_out_and_a_line_says_so(tmp_path):
    source = write_clip(tmp_path / "a.mkv", hopping(50), 50)
    rhythm = analyze(remux(source, tmp_path / "b.mkv", lambda index: index // 2 * 40))
    assert rhythm.tempo == pytest.approx(90, rel=0.02)
    (warning,) = rhythm.warnings
    assert re.search(r"b\.mkv: 1\d\d pictures have a time that was there before", warning)


def test_a_size_that_changes_midway_does_not_end_the_beats(tmp_path):
    halves = [
        write_clip(tmp_path / f"{height}.ts", moving_square(hop(90, first=0.4), 4.0, 25, size), 25, codec="mpeg2video")
        for height, size in ((96, (96, 160)), (192, (192, 320)))
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(half.read_bytes() for half in halves))
    rhythm = analyze(both)
    assert rhythm.duration == pytest.approx(8.0, abs=0.1)
    beats = np.array([beat.time for beat in rhythm.visual_beats])
    planted = np.concatenate([start + np.arange(0.4, 3.9, 60 / 90) for start in (0.0, 4.0)])
    assert (np.abs(beats[:, None] - planted).min(axis=0) < 0.07).mean() >= 0.9


@pytest.mark.parametrize("n_place", [1, 3])
def test_damaged_pictures_are_numbered_and_dated(tmp_path, n_place):
    source = write_clip(tmp_path / "a.avi", pan(6.0, 25, 0.1, (192, 320)), 25)
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    planted = [40, 75, 110][:n_place]
    for index in planted:
        begin, size = packets[index]
        content[begin + 8 : begin + 8 + size] = bytes([255]) * size
    (tmp_path / "b.avi").write_bytes(content)
    rhythm = analyze(tmp_path / "b.avi")
    (warning,) = rhythm.warnings
    times = [float(time) for time in re.search(r"near ([\d., ]+) s", warning)[1].split(", ")]
    assert warning.startswith("b.avi: the picture is damaged ")
    assert all(np.abs(np.array(times) - index / 25).min() < 0.3 for index in planted)
    assert rhythm.duration > 5.5
    assert rhythm.flow.mean_speed(np.arange(4) * 2.0) == pytest.approx(0.1, rel=0.25)


def test_nothing_that_can_be_decoded_is_one_line(tmp_path):
    content = bytearray(write_clip(tmp_path / "a.avi", pan(2.0, 25, 0.1), 25).read_bytes())
    begin = content.index(b"movi") + 4
    content[begin:] = bytes(len(content) - begin)
    (tmp_path / "b.avi").write_bytes(content)
    with pytest.raises(VideoError, match=r"b\.avi: not one picture|b\.avi: not a video"):
        analyze(tmp_path / "b.avi")


def test_stopping_it_leaves_nothing_behind(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", pan(2.0, 25, 0.1), 25)
    (tmp_path / "out").mkdir()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cmt.soundtrack.picture.draw_rhythm", stop)
    result = CliRunner().invoke(main, ["analyze", str(path), "--plot", str(tmp_path / "out" / "a.png")])
    assert result.exit_code == 130
    assert result.stderr.strip() == "cmt: stopped; nothing was written"
    assert list((tmp_path / "out").iterdir()) == []


def test_stopping_it_midway_closes_the_file(tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    path = write_clip(tmp_path / "a.mp4", pan(2.0, 25, 0.1), 25)
    with pytest.raises(KeyboardInterrupt):
        analyze(path, progress=stop)
    open_files = Path("/proc/self/fd")
    if open_files.exists():
        assert str(path) not in {str(link.resolve()) for link in open_files.iterdir()}
