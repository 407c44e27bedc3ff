"""A part of a film is a film of its own: its pictures, its sound, and music that is as long."""

import av
import numpy as np
import pytest
from clips import draw_pictures

from cmt.errors import CmtError
from cmt.film.part import WHOLE, Part, check_part, part_of, write_part
from cmt.film.picture import measure_picture
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output

pytestmark = pytest.mark.slow
FPS = 25
RATE = 48_000


def numbered(index):
    """A picture that shows its number in seven stripes, white for 1."""
    bits = [index >> bit & 1 for bit in range(7)]
    return np.repeat(np.tile(np.repeat(np.uint8(bits) * 200 + 20, 16), (64, 1))[..., np.newaxis], 3, axis=2)


def numbers(path):
    """The number that each picture shows."""
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]
    return [sum(int(frame[:, 16 * bit + 8].mean() > 120) << bit for bit in range(7)) for frame in frames]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four seconds."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return draw_pictures(path, map(numbered, range(4 * FPS)), FPS)


@pytest.mark.parametrize(("begin", "end"), [(0.0, 1.0), (1.0, 3.0), (2.52, None), (0.01, 3.99)])
def test_its_pictures_are_those_that_begin_in_it(clip, tmp_path, begin, end):
    write_part(clip, Part(begin, end), tmp_path / "part.mp4")
    last = 4.0 if end is None else end
    expected = [index for index in range(4 * FPS) if begin - 1e-6 <= index / FPS < last - 1e-6]
    assert numbers(tmp_path / "part.mp4") == expected
    first = np.ceil(begin * FPS - 1e-6) / FPS
    assert float(measure_picture(tmp_path / "part.mp4").duration) == pytest.approx(last - first, abs=1 / FPS)


def chirp(n):
    """A tone that rises, so that no two of its places are alike."""
    time = np.arange(n) / RATE
    return (0.5 * np.sin(2 * np.pi * (200 * time + 100 * time**2))).astype(np.float32)


def draw_with_sound(path, seconds=3):
    with av.open(str(path), "w", format="mov") as file:
        shown, heard = file.add_stream("mpeg4", rate=FPS), file.add_stream("pcm_s16le", rate=RATE, layout="mono")
        shown.width, shown.height, shown.pix_fmt = 96, 64, "yuv420p"
        for index in range(seconds * FPS):
            picture = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 20 + 2 * index, np.uint8), format="rgb24")
            file.mux(shown.encode(picture))
        file.mux(shown.encode())
        samples = np.rint(32767 * chirp(seconds * RATE)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        file.mux(heard.encode(frame))
        file.mux(heard.encode())
    return path


def test_its_sound_is_that_of_its_time(tmp_path):
    film = draw_with_sound(tmp_path / "film.mov")
    write_part(film, Part(1.0, 2.0), tmp_path / "part.mov")
    with av.open(str(tmp_path / "part.mov")) as file:
        heard = np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in file.decode(audio=0)]) / 32768
    assert len(heard) == RATE
    # One channel as two is softer by 3 dB in each: together they are as loud.
    assert np.abs(heard - chirp(2 * RATE)[RATE:] / np.sqrt(2)).max() < 1e-3


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part(-1.0), "`start` -1"),
        (Part(2.0, 2.0), "after `start`"),
        (Part(float("nan")), "nan"),
        (Part(0, -3), "`end`"),
    ],
)
def test_what_is_no_part_is_refused(part, message):
    with pytest.raises(CmtError, match=message):
        check_part(part)


@pytest.mark.parametrize("part", [Part(4.5), Part(4.0), Part(3.0, 5.0)])
def test_a_part_behind_the_end_is_refused(clip, tmp_path, part):
    with pytest.raises(CmtError, match=r"lasts 4\.000 s"):
        write_part(clip, part, tmp_path / "part.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", [Part(3.99), Part(1.0, 1.01), Part(0.0, 0.4)])
def test_a_part_without_time_for_a_rhythm_is_refused(clip, tmp_path, part):
    with pytest.raises(CmtError, match=r"`start` and `end`: the part lasts 0\.\d\d s, too short for a rhythm"):
        write_part(clip, part, tmp_path / "part.mp4")
    assert not list(tmp_path.iterdir())


def test_the_whole_is_the_film_itself(clip, tmp_path):
    with part_of(clip, WHOLE, tmp_path) as film:
        assert film == clip
    with part_of(None, WHOLE, tmp_path) as film:
        assert film is None


def test_only_that_part_is_scored_and_written(checkpoint, tmp_path):
    path = draw_pictures(tmp_path / "clip.mp4", _squares(), FPS)
    out = tmp_path / "out"
    made = make_soundtrack(path, out, part=Part(1.0, 3.0), output=Output(midi_only=True), checkpoint=checkpoint)
    report = made.report
    assert report.duration == pytest.approx(2.0, abs=1e-3) and report.part == pytest.approx((1.0, 3.0), abs=1e-3)
    assert report.picture.video == str(path)
    assert sorted(file.name for file in out.iterdir()) == ["clip.html", "clip.json", "clip.mid", "clip.png"]
    assert not list(tmp_path.glob("**/.cmt*"))
    with pytest.raises(CmtError, match="one of the two"):
        make_soundtrack(None, out, part=Part(1.0), checkpoint=checkpoint)


def _squares():
    for index in range(4 * FPS):
        picture = np.full((64, 96, 3), 60, np.uint8)
        picture[20:44, (3 * index) % 70 : (3 * index) % 70 + 24] = 220
        yield picture
