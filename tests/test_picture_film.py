"""From pictures to a film with music, end to end: what it shows and when, what is reported, what is refused."""

import json

import av
import numpy as np
import pytest
from click.testing import CliRunner
from pictures import blots, draw_pictures_files
from PIL import Image

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.planning.wishes import Wishes
from cmt.report.report import Report
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import has_fluidsynth
from video_rhythm import VideoError, analyze

pytestmark = pytest.mark.slow

MIDI_ONLY = Output(midi_only=True)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw_pictures_files(tmp_path_factory.mktemp("place") / "trip", 3)


@pytest.fixture(scope="module")
def made(pictures, checkpoint, tmp_path_factory):
    if not has_fluidsynth():
        pytest.skip("the FluidSynth library is not installed")
    folder = tmp_path_factory.mktemp("out")
    # 7 s of 3 pictures: borders lie between the frames of any usual rate.
    return make_soundtrack(pictures, folder, Wishes(length=7), GenerateConfig(seed=3), checkpoint=checkpoint)


@pytest.fixture(scope="module")
def film(made):
    return next(file for file in made.files if file.suffix == ".mp4")


def test_the_files_are_called_as_the_folder(made):
    assert sorted(file.name for file in made.files) == [
        f"trip.{suffix}" for suffix in ("html", "json", "mid", "mp4", "png", "wav")
    ]


def test_the_film_shows_each_picture_from_its_bar_line_on(made, film, pictures):
    borders = [shown.begin for shown in made.report.pictures] + [made.report.duration]
    bars = np.array(made.report.grid.bar_borders)
    assert all(np.abs(bars - border).min() < 1e-9 for border in borders)
    with av.open(str(film)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (640, 480)
        assert float(video.duration * video.time_base) == pytest.approx(7, abs=1e-3)
        assert float(sound.duration * sound.time_base) == pytest.approx(7, abs=0.03)
        wanted = [np.asarray(Image.open(file).resize((640, 480), Image.Resampling.LANCZOS)) for file in pictures]
        n_frame = 0
        for frame in container.decode(video=0):
            time = float(frame.pts * frame.time_base)
            number = int(np.searchsorted(borders, time + 1e-4)) - 1
            seen = frame.to_ndarray(format="rgb24").astype(int)
            assert np.abs(seen - wanted[number]).mean() < 6, f"{time} s shows another picture"
            n_frame += 1
    assert n_frame == pytest.approx(7 * 25, abs=2)


def test_the_report_tells_of_the_film_what_is_measured_of_it(made, film):
    measured, report = analyze(film), made.report
    assert np.abs(np.subtract(measured.cuts, report.picture.cuts)).max() < 1e-4
    assert len(measured.cuts) == 2
    assert measured.fades == ()
    assert [beat.time for beat in measured.visual_beats] == pytest.approx([b.time for b in report.picture.visual_beats])
    assert len(measured.scenes) == len(report.scenes)
    for its, told in zip(measured.scenes, report.scenes, strict=True):
        assert (its.begin, its.end) == pytest.approx((told.begin, told.end), abs=1e-4)
        assert its.luminance == pytest.approx(told.luminance, abs=0.01)
        assert its.saturation == pytest.approx(told.saturation, abs=0.02)


def test_the_report_names_the_pictures_and_is_read_again(made, pictures):
    file = next(file for file in made.files if file.suffix == ".json")
    content = json.loads(file.read_text(encoding="utf-8"))
    assert [shown["file"] for shown in content["pictures"]] == [str(picture) for picture in pictures]
    assert content["video"] == str(pictures[0].parent)
    assert Report.from_json(content, file.name).pictures == made.report.pictures


def test_the_same_pictures_and_seed_give_the_same_music(pictures, made, checkpoint, tmp_path):
    again = make_soundtrack(
        pictures, tmp_path, Wishes(length=7), GenerateConfig(seed=3), output=MIDI_ONLY, checkpoint=checkpoint
    )
    files = [next(file for file in its.files if file.suffix == ".mid") for its in (made, again)]
    assert files[0].read_bytes() == files[1].read_bytes()


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_takes_a_folder_and_says_what_it_shows(pictures, checkpoint, tmp_path):
    (pictures[0].parent / ".DS_Store").write_bytes(b"")
    done = run(
        "generate", pictures[0].parent, "-o", tmp_path / "out", "--midi-only", "--checkpoint", checkpoint,
        "--seconds-per-picture", 2,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "pictures 3, each for 2.00 s, 6.00 s in all\n" in done.output
    assert "2 of 2 cuts on the grid" in done.output
    assert (tmp_path / "out" / "trip.mid").is_file()


def test_a_description_of_pictures_has_their_length_and_gives_the_same_film(pictures, checkpoint, tmp_path):
    page = tmp_path / "clip.toml"
    assert run("describe", *pictures, "-o", page).exit_code == 0
    (length,) = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("length = ")]
    assert length.endswith("# default: as long as the pictures are usually shown")
    done = run("generate", *pictures, "--describe", page, "-o", tmp_path, "--midi-only", "--checkpoint", checkpoint)
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "trip.json").read_text(encoding="utf-8"))
    assert report["duration"] == pytest.approx(float(length.split()[2]))
    assert len(report["cuts"]) == 2
    options = ("--seconds-per-picture", 3, "-o", tmp_path, "--midi-only", "--checkpoint", checkpoint, "-q")
    assert run("generate", *pictures, "--describe", page, *options).exit_code == 0, "options win"


def test_a_picture_is_analysed_as_its_film(pictures):
    done = run("analyze", pictures[0], "--json")
    content = json.loads(done.output)
    assert (content["duration"], content["cuts"], content["width"], content["fps"]) == (20, [], 640, 25)
    done = run("analyze", *pictures, "--json")
    assert len(json.loads(done.output)["cuts"]) == 2


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--length", "20", "--seconds-per-picture", "3"], 1, "--length and --seconds-per-picture: one follows from"),
        (
            ["--length", "1"],
            1,
            "3 pictures in 1 s: each would be shown for 0.33 s, less than 0.5 s; give a longer --len",
        ),
        (["--seconds-per-picture", "nan"], 2, "nan is no number"),
        (["--original-audio", "mix"], 1, "pictures have no sound of their own; leave out --original-audio"),
    ],
)
def test_what_cannot_be_asked_of_pictures_is_one_line(pictures, checkpoint, tmp_path, options, exit_code, message):
    done = run("generate", *pictures, "-o", tmp_path / "out", "--midi-only", "--checkpoint", checkpoint, *options)
    assert done.exit_code == exit_code
    assert done.output.count("\n") == 1
    assert message in done.output
    assert not (tmp_path / "out").exists()


def test_seconds_per_picture_need_pictures(tmp_path):
    done = run("generate", "--length", 10, "--seconds-per-picture", 3, "-o", tmp_path / "out")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    with pytest.raises(CmtError, match="`seconds_per_picture` is for pictures, and there are none; leave it out"):
        make_soundtrack("clip.mp4", tmp_path, Wishes(seconds_per_picture=3), output=MIDI_ONLY)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xd8\xff" + bytes(99), r"bad\.jpg: not a picture that can be read"),
        (b"no picture at all", r"bad\.jpg: is no picture that can be read"),
    ],
)
def test_a_bad_picture_leaves_nothing_behind(pictures, checkpoint, tmp_path, content, message):
    (tmp_path / "bad.jpg").write_bytes(content)
    for files in ([tmp_path / "bad.jpg"], [*pictures, tmp_path / "bad.jpg"]):
        with pytest.raises(CmtError, match=message):
            make_soundtrack(files, tmp_path / "out", output=MIDI_ONLY, checkpoint=checkpoint)
    assert not (tmp_path / "out").exists()


def test_a_picture_that_is_cut_off_leaves_nothing_behind(pictures, checkpoint, tmp_path):
    blots(1, (640, 480)).save(tmp_path / "bad.jpg")
    (tmp_path / "bad.jpg").write_bytes((tmp_path / "bad.jpg").read_bytes()[:5000])
    with pytest.raises(
        VideoError, match=r"^bad\.jpg: the picture is cut off before its end; copy or download it again$"
    ):
        make_soundtrack([*pictures, tmp_path / "bad.jpg"], tmp_path / "out", output=MIDI_ONLY, checkpoint=checkpoint)
    assert not (tmp_path / "out").exists()


def test_results_do_not_overwrite_a_picture(checkpoint, tmp_path):
    files = draw_pictures_files(tmp_path, 1)
    before = files[0].read_bytes()
    with pytest.raises(CmtError, match=r"img1\.png: is one of the pictures; choose another folder or name"):
        make_soundtrack(files[0], tmp_path, output=MIDI_ONLY, checkpoint=checkpoint)
    assert files[0].read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["img1.png"]
