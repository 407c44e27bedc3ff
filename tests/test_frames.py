"""Pictures and times come out of a file as they were put in, or one line says why not."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from synthetic import add_sound, moving_square, texture, write_clip

from cmt.errors import VideoError
from video_rhythm.frames import Video, grey_picture


def still(n: int, height: int = 64, width: int = 96, seed: int = 0) -> list[np.ndarray]:
    return [texture(height, width, seed)] * n


def read(path: Path) -> tuple[Video, list[float], list[np.ndarray]]:
    with Video(path) as video:
        frames = list(video.frames())
    return video, [frame.time for frame in frames], [frame.grey for frame in frames]


def refusal(path: Path) -> str:
    with pytest.raises(VideoError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_picture_comes_at_its_time(tmp_path):
    video, times, _ = read(write_clip(tmp_path / "a.mp4", still(30), 25))
    assert video.n_frame == 30
    assert times == pytest.approx(np.arange(30) / 25, abs=1e-3)
    assert video.duration == pytest.approx(30 / 25, abs=0.002)
    assert (video.width, video.height) == (96, 64)
    assert video.frame_rate == pytest.approx(25, rel=0.01)


def test_uneven_times_are_kept(tmp_path):
    planted = [0.0, 0.1, 0.15, 0.4, 0.9, 0.95, 1.5]
    _, times, _ = read(write_clip(tmp_path / "a.mkv", still(7), 25, times=planted))
    assert times == pytest.approx(planted, abs=2e-3)


def test_a_clip_that_does_not_start_at_zero_starts_at_zero(tmp_path):
    _, times, _ = read(write_clip(tmp_path / "a.mkv", still(20), 25, times=[5 + i / 25 for i in range(20)]))
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(19 / 25, abs=2e-3)


def test_the_grey_picture_is_the_picture(tmp_path):
    drawn = texture(64, 96, seed=3, grain=16)
    _, _, greys = read(write_clip(tmp_path / "a.mp4", [drawn] * 20, 25))
    # Video luma runs from 16 to 235.
    assert np.abs(greys[0] - (16 + drawn * (219 / 255))).mean() < 4


@pytest.mark.parametrize(
    ("height", "width", "shape"), [(720, 1280, (180, 320)), (640, 360, (320, 180)), (36, 640, (32, 320))]
)
def test_the_longer_side_becomes_320_and_neither_is_tiny(tmp_path, height, width, shape):
    _, _, greys = read(write_clip(tmp_path / "a.mp4", still(13, height, width), 25))
    assert {grey.shape for grey in greys} == {shape}


def test_a_picture_filmed_on_its_side_is_set_upright(tmp_path):
    drawn = np.zeros((64, 96), np.uint8)
    drawn[:, :48] = 200  # the left half is bright
    path = write_clip(tmp_path / "a.mp4", [drawn] * 20, 25)
    plain = path.read_bytes()
    identity = b"\x00\x01\x00\x00" + bytes(12) + b"\x00\x01\x00\x00" + bytes(12) + b"\x40\x00\x00\x00"
    clockwise = bytes(4) + b"\x00\x01\x00\x00" + bytes(4) + b"\xff\xff\x00\x00" + bytes(16) + b"\x40\x00\x00\x00"
    head, body = plain.split(b"tkhd", 1)
    assert identity in body
    path.write_bytes(head + b"tkhd" + body.replace(identity, clockwise, 1))
    video, _, greys = read(path)
    assert (video.width, video.height) == (64, 96)
    assert greys[0].shape == (96, 64)
    # Turned clockwise, the bright left half is at the top.
    assert greys[0][:40].mean() > 150 > 60 > greys[0][56:].mean()


def test_transparent_parts_are_black(tmp_path):
    path = tmp_path / "a.gif"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb8"
        for _ in range(10):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 255, np.uint8), format="rgb24"))
            )
        container.mux(stream.encode())
    _, _, greys = read(path)
    assert greys[0].mean() > 240
    from video_rhythm.frames import grey_picture

    half_clear = np.full((64, 64, 4), 255, np.uint8)
    half_clear[:, 32:, 3] = 0
    grey = grey_picture(av.VideoFrame.from_ndarray(half_clear, format="rgba"), (64, 64))
    assert grey[:, :31].min() > 250 and grey[:, 33:].max() < 5


@pytest.mark.parametrize("layout", ["yuv420p", "yuv444p", "nv12", "gray", "rgb24", "yuv420p10le", "gray16le"])
def test_any_pixel_format_is_read(layout):
    from video_rhythm.frames import grey_picture

    drawn = np.repeat(texture(63, 95, grain=16)[..., None], 3, axis=2)
    picture = av.VideoFrame.from_ndarray(drawn, format="rgb24").reformat(94, 62, layout)
    grey = grey_picture(picture, (47, 31)).astype(float)
    assert grey.shape == (31, 47)
    assert np.corrcoef(grey.ravel(), drawn[:62:2, :94:2, 0].ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "libx264"), ("a.webm", "libvpx"), ("a.webm", "libvpx-vp9"), ("a.avi", "mpeg4"), ("a.gif", "gif")],
)
def test_common_codecs_are_read(tmp_path, name, codec):
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    pictures = moving_square(lambda time: (0.5, time), 1.0, 20)
    video, times, _ = read(write_clip(tmp_path / name, pictures, 20, codec=codec))
    assert video.n_frame == 20
    assert times == pytest.approx(np.arange(20) / 20, abs=0.011)


def test_of_two_streams_the_larger_is_taken(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for stream, (height, width) in zip(streams, [(48, 64), (96, 128)], strict=True):
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for stream in streams:
            for index in range(20):
                frame = av.VideoFrame.from_ndarray(texture(stream.height, stream.width), format="gray")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    video, _, _ = read(path)
    assert (video.width, video.height) == (128, 96)


def test_a_size_that_changes_midway_is_followed(tmp_path):
    one = write_clip(tmp_path / "one.ts", still(20, 64, 96), 25, codec="mpeg2video").read_bytes()
    two = write_clip(tmp_path / "two.ts", still(20, 128, 160), 25, codec="mpeg2video").read_bytes()
    (tmp_path / "both.ts").write_bytes(one + two)
    video, times, greys = read(tmp_path / "both.ts")
    assert {grey.shape for grey in greys} == {(64, 96)}
    assert video.n_frame >= 38
    # The second half's timestamps start anew; time goes on.
    assert (np.diff(times) > 0).all()
    assert video.duration == pytest.approx(40 / 25, abs=0.1)


def test_damage_in_the_middle_is_counted_and_passed_over(tmp_path):
    pictures = moving_square(lambda time: (0.5, time % 1), 4.0, 25)
    content = bytearray(write_clip(tmp_path / "a.avi", pictures, 25).read_bytes())
    rng = np.random.default_rng(0)
    start = len(content) // 2
    content[start : start + 4000] = rng.bytes(4000)
    (tmp_path / "damaged.avi").write_bytes(content)
    video, times, _ = read(tmp_path / "damaged.avi")
    assert video.n_frame > 40
    assert (np.diff(times) > 0).all()
    assert all("damaged.avi" in warning and " s" in warning and "\n" not in warning for warning in video.warnings)


@pytest.mark.parametrize("share", [0.5, 0.65, 0.8])
def test_a_truncated_file_gives_what_there_is(tmp_path, share):
    whole = write_clip(tmp_path / "a.avi", moving_square(lambda time: (0.5, time % 1), 4.0, 25), 25).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: int(len(whole) * share)])
    video, _, _ = read(tmp_path / "cut.avi")
    assert 1.0 < video.duration < 4.0


def test_a_missing_file_is_named(tmp_path):
    assert "gone.mp4" in refusal(tmp_path / "gone.mp4")


def test_a_folder_is_refused(tmp_path):
    assert "folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"This is a text.\n" * 100, bytes(4000), b"\x00\x00\x00\x18ftypmp42" + bytes(40)]
)
def test_what_is_no_video_is_refused(tmp_path, content, capfd):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert "a.mp4" in refusal(path)
    assert capfd.readouterr() == ("", "")


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        add_sound(container)
    assert "only sound" in refusal(tmp_path / "a.mp4")


def test_one_picture_is_no_video(tmp_path):
    assert "one picture" in refusal(write_clip(tmp_path / "a.mp4", still(1), 25))


def test_too_short_a_video_says_how_short(tmp_path):
    message = refusal(write_clip(tmp_path / "a.mp4", still(5), 25))
    assert "0.20 s" in message and "0.5 s" in message


def test_a_playlist_in_disguise_opens_nothing_else(tmp_path):
    write_clip(tmp_path / "secret.mp4", still(20), 25)
    (tmp_path / "a.mp4").write_text(f"ffconcat version 1.0\nfile '{tmp_path}/secret.mp4'\n")
    assert "a.mp4" in refusal(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    "name", ["two words.mp4", "-i.mp4", "100%d.mp4", "a;b&c.mp4", "k\u00e4se.mp4", "a\nb.mp4", "*.mp4"]
)
def test_a_strange_name_is_only_a_name(tmp_path, name):
    path = write_clip(tmp_path / "plain.mp4", still(20), 25).rename(tmp_path / name)
    assert read(path)[0].n_frame == 20


def test_a_name_that_cannot_be_is_refused():
    assert refusal(Path("a\0b.mp4"))


def with_fields(picture: av.VideoFrame) -> av.VideoFrame:
    """The picture, marked as one of two fields."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 25)
    )
    mark, sink = graph.add("setfield", "tff"), graph.add("buffersink")
    source.link_to(mark)
    mark.link_to(sink)
    graph.configure()
    graph.push(picture)
    return graph.pull()


@pytest.mark.parametrize("pixels", ["nv12", "yuv420p", "yuv444p", "yuvj420p"])
@pytest.mark.parametrize("interlaced", [False, True])
def test_pictures_are_shrunk_by_area_whatever_their_size(pixels, interlaced):
    """Two fields are shrunk as one picture: the comb between them would else be seen to move."""
    drawn = np.repeat(texture(480, 854, seed=2, grain=3)[..., None], 3, axis=-1)
    drawn[::2] //= 2
    picture = av.VideoFrame.from_ndarray(drawn, "rgb24").reformat(format=pixels)
    if interlaced:
        picture = with_fields(picture)
    assert picture.interlaced_frame == interlaced
    luma = np.frombuffer(picture.planes[0], np.uint8).reshape(480, -1)[:, :854]
    expected = cv2.resize(luma, (320, 180), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(grey_picture(picture, (320, 180)) - expected).max() <= 1


def test_a_shrinker_that_is_kept_changes_no_pixel_and_no_later_picture():
    from video_rhythm.shrinking import Shrinker

    shrinker = Shrinker()
    drawn = [np.repeat(texture(480, 854, seed=seed, grain=3)[..., None], 3, axis=-1) for seed in range(3)]
    for pixels in ("yuv420p", "nv12", "yuv420p10le", "rgb24"):  # of one size, one after the other
        for colours in drawn:
            picture = av.VideoFrame.from_ndarray(colours, "rgb24").reformat(format=pixels)
            for target in ((320, 180, None), (160, 90, "rgb24")):
                kept = shrinker.shrink(picture, *target)
                alone = picture.reformat(*target, interpolation="AREA")
                assert np.array_equal(kept.to_ndarray(), alone.to_ndarray())
