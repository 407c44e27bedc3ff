"""Videos that are no path: bytes, open files and frames have the rhythm that the file has, or one line says why not."""

import io
import threading
from fractions import Fraction

import numpy as np
import pytest
from clips import draw_clip, moving_square

from cmt.errors import VideoError
from video_rhythm import Frames, analyze

FPS = 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 2.0, FPS)


@pytest.fixture(scope="module")
def rhythm(clip):
    return analyze(clip)


@pytest.fixture(scope="module")
def pictures():
    return np.stack(list(moving_square(2 * FPS)))


def assert_alike(one, other):
    assert (one.duration, one.fps, one.n_frame, one.width, one.height) == (
        other.duration,
        other.fps,
        other.n_frame,
        other.width,
        other.height,
    )
    np.testing.assert_array_equal(one.flow.speed, other.flow.speed)
    np.testing.assert_array_equal(one.saliency, other.saliency)
    assert (one.cuts, one.visual_beats, one.scenes) == (other.cuts, other.visual_beats, other.scenes)


def test_bytes_have_the_rhythm_of_the_file(clip, rhythm):
    for content in (clip.read_bytes(), bytearray(clip.read_bytes()), memoryview(clip.read_bytes())):
        found = analyze(content)
        assert_alike(found, rhythm)
        assert found.path == "video"


def test_an_open_file_is_read_from_its_beginning_and_left_as_it_was(clip, rhythm):
    with clip.open("rb") as file:
        file.seek(100)
        found = analyze(file)
        assert not file.closed and file.tell() == 100
    assert_alike(found, rhythm)
    assert found.path == str(clip)


def test_a_file_object_without_a_name_will_do(clip, rhythm):
    assert_alike(analyze(io.BytesIO(clip.read_bytes())), rhythm)


def test_frames_come_as_an_array_a_list_or_one_after_another(pictures):
    array = analyze(Frames(pictures, FPS))
    assert (array.duration, array.fps, array.n_frame, array.width, array.height) == (2.0, FPS, 24, 160, 96)
    assert array.path == "frames" and array.flow.speed.max() > 0
    assert_alike(analyze(Frames(list(pictures), FPS)), array)
    assert_alike(analyze(Frames((picture for picture in pictures), FPS)), array)


def test_frames_have_nearly_the_rhythm_of_the_film_that_is_made_of_them(rhythm, pictures):
    found = analyze(Frames(pictures, FPS))
    assert (found.duration, found.n_frame, found.cuts) == (rhythm.duration, rhythm.n_frame, rhythm.cuts)
    np.testing.assert_allclose(found.flow.speed, rhythm.flow.speed, atol=0.02)


def test_no_more_than_two_frames_of_a_generator_are_in_memory(pictures):
    alive = most = 0

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def counted():
        nonlocal alive, most
        for picture in pictures:
            own = picture.copy().view(Counted)
            alive += 1
            most = max(most, alive)
            yield own
            del own

    assert analyze(Frames(counted(), FPS)).n_frame == len(pictures)
    assert most <= 2


def test_a_rate_may_be_a_fraction(pictures):
    assert analyze(Frames(pictures, Fraction(24000, 1001))).fps == pytest.approx(23.976, abs=1e-3)
    assert Frames(pictures, 29.97).fps == Fraction(2997, 100)


def test_a_generator_can_be_looked_at_once(pictures):
    frames = Frames(iter(pictures), FPS)
    analyze(frames)
    with pytest.raises(VideoError, match="gives its pictures once"):
        analyze(frames)


GREY = np.zeros((24, 32, 32), np.uint8)
ONE = np.zeros((32, 48, 3), np.uint8)


@pytest.mark.parametrize(
    ("given", "fps", "said"),
    [
        (np.zeros((0, 32, 32, 3), np.uint8), 12, "holds no picture"),
        (np.zeros((24, 32, 32, 3)), 12, "pictures of float64; give uint8"),
        (GREY, 12, r"an array of shape \(24, 32, 32\)"),
        (np.zeros((24, 32, 32, 4), np.uint8), 12, r"a picture of shape \(32, 32, 4\)"),
        (np.zeros((24, 0, 32, 3), np.uint8), 12, r"a picture of shape \(0, 32, 3\)"),
        (ONE[None], 12, "has only one picture"),
        ([ONE], 12, "has only one picture"),
        ([], 12, "not one picture"),
        (iter(()), 12, "not one picture"),
        ([ONE] * 3, 12, r"lasts 0\.25 s, too short"),
        ([ONE, ONE[:16]], 12, r"shape \(16, 48, 3\) after some of \(32, 48, 3\)"),
        ([ONE, None], 12, "NoneType is no picture"),
        ([GREY[0]] * 24, 12, r"a picture of shape \(32, 32\)"),
        ([ONE] * 24, 0, "fps 0 must be"),
        ([ONE] * 24, float("nan"), "fps nan must be"),
        ([ONE] * 24, float("inf"), "fps inf must be"),
        ([ONE] * 24, -25, "fps -25 must be"),
        ([ONE] * 24, 1e9, "fps 1000000000.0 must be"),
        ([ONE] * 24, "fast", "fps 'fast' must be"),
        ([ONE] * 24, None, "fps None must be"),
        (5, 12, "int holds no pictures"),
        ("frames.npy", 12, "str holds no pictures"),
    ],
)
def test_frames_that_are_none_are_one_line(given, fps, said):
    with pytest.raises(VideoError, match=said) as caught:
        analyze(Frames(given, fps))
    assert "\n" not in str(caught.value)


class Stream(io.RawIOBase):
    """What comes from a network: it cannot be sought."""

    def readable(self):
        return True


def closed():
    file = io.BytesIO(b"x")
    file.close()
    return file


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"this is a text, not a video" * 100, "not a video that FFmpeg can read"),
        (io.BytesIO(b"\x00" * 100), "not a video that FFmpeg can read"),
        (io.StringIO("text"), "open as text; open it with mode 'rb'"),
        (closed(), "closed file"),
        (Stream(), "cannot be sought; give its bytes"),
        (np.zeros((24, 32, 32, 3), np.uint8), r"give Frames\(array, fps\)"),
        (5, "int is no video"),
        (None, "NoneType is no video"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_video_is_one_line(given, said):
    with pytest.raises(VideoError, match=said) as caught:
        analyze(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("playlist", ["ffconcat version 1.0\nfile {0}\n", "#EXTM3U\n#EXTINF:2,\n{0}\n#EXT-X-ENDLIST\n"])
def test_a_playlist_in_bytes_opens_no_other_file(clip, monkeypatch, playlist):
    monkeypatch.chdir(clip.parent)
    with pytest.raises(VideoError, match="not a video"):
        analyze(playlist.format(clip.name).encode())


def test_progress_can_stop_the_look(clip):
    class StopError(Exception):
        pass

    def stop(done, total):
        raise StopError

    threads = threading.active_count()
    with clip.open("rb") as file:
        with pytest.raises(StopError):
            analyze(file, stop)
        assert not file.closed and file.tell() == 0
    assert threading.active_count() == threads
