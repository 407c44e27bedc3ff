"""What a user types and reads."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from clips import draw_clip

from cmt.cli import main
from midi_io import Instrument, Note, Song, has_fluidsynth, write_midi


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 3.0)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result):
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


def test_generate_says_what_it_made_and_analyze_agrees_about_the_grid(clip, checkpoint, tmp_path):
    (tmp_path / "markers.csv").write_text("time,weight\n2.2,2\n1.28\n1.28\n")
    timing = ["--hit", "0.5", "--hits", tmp_path / "markers.csv", "--tempo", "97", "--tempo-map", "--tempo-change", "9"]
    options = ["--genre", "pop", "--midi-only", "--checkpoint", checkpoint, *timing]
    result = run("generate", clip, "-o", tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    words = [line.split()[0] for line in lines]
    expected = ["video", "music", "band", "form", "control", "took", *["wrote"] * 4]
    assert [word for word in words if word != "hits"] == expected
    assert str(tmp_path / "out" / "clip.mid") in result.stdout
    assert result.stderr == ""
    assert lines[4].startswith("hits     3 of 3 markers on the grid, ")
    report = json.loads((tmp_path / "out" / "clip.json").read_text())
    analysis = json.loads(run("analyze", clip, "--json", *timing).stdout)
    for name in ("tempo", "n_bar", "phase", "bar_borders", "tempo_map", "hits"):
        assert report[name] == analysis[name]
    assert report["markers"] == [{"time": t, "weight": w} for t, w in ((0.5, 1), (1.28, 1), (2.2, 2))]
    assert report["hits"]["markers"]["on_grid"] == 1.0
    assert 0 < report["hits"]["markers"]["on_grid_by_chance"] < 1
    assert all(97 * 0.91 - 1e-6 <= stretch["tempo"] <= 97 * 1.09 + 1e-6 for stretch in report["tempo_map"][1:])


def test_quiet_is_quiet(clip, checkpoint, tmp_path):
    result = run("generate", clip, "-o", tmp_path, "--midi-only", "-q", "--checkpoint", checkpoint)
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, "missing.mp4"),
        ("text.mp4", b"just text", "text.mp4"),
        ("empty.mp4", b"", "empty.mp4"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "analyze"])
def test_a_bad_video_is_one_line_and_exit_code_1(command, name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    options = ["-o", tmp_path / "out", "--midi-only"] if command == "generate" else []
    result = run(command, tmp_path / name, *options)
    assert result.exit_code == 1
    assert message in one_line(result)
    assert not (tmp_path / "out").exists()


def test_a_folder_is_no_video(tmp_path):
    result = run("analyze", tmp_path)
    assert result.exit_code == 1
    assert one_line(result).startswith("cmt: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--genre", "polka"], "country, dance, electronic, metal, pop, rock"),
        (["--instruments", "drums,kazoo"], "no instrument 'kazoo'; choose from drums, piano, guitar, bass, strings"),
        (["--key", "H:minor"], "with a tonic of C, C#, D"),
        (["--control", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["--tempo", "fast"], "'fast' is not a valid number"),
        (["--dynamics", "loud"], "'absolute', 'relative'"),
        (["--original-audio", "louder"], "drop"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(options, message, clip, tmp_path):
    result = run("generate", clip, "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in one_line(result).replace("'country', 'dance', 'electronic', 'metal', 'pop', 'rock'", message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["generate", "analyze"])
@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--hit", "12.5"], 1, "--hit: 12.5 s lies outside the video, which lasts 3.000 s; give a time from 0 to 3"),
        (["--hit", "-1"], 1, "--hit: -1 s lies outside the video, which lasts 3.000 s; give a time from 0 to 3"),
        (["--hit", "nan"], 1, "--hit: nan is no time; write seconds, such as 12.5"),
        (["--hit", "soon"], 2, "Invalid value for '--hit': 'soon' is not a valid number."),
        (["--hits", "none.csv"], 1, "none.csv: cannot be read (No such file or directory); check the path"),
        (["--hits", "bad.csv"], 1, "bad.csv:3: 'x' is no time; write seconds, such as 12.5"),
        (
            ["--hits", "far.csv"],
            1,
            "far.csv:2: 70 s lies outside the video, which lasts 3.000 s; give a time from 0 to 3",
        ),
        (["--tempo-change", "5"], 2, "--tempo-change says how far a tempo map may go; add --tempo-map"),
        (
            ["--tempo-map", "--tempo-change", "50"],
            2,
            "Invalid value for '--tempo-change': 50.0 is not in the range 0<x<=30.",
        ),
    ],
)
def test_wrong_markers_and_tempi_are_one_line(command, options, exit_code, message, clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("time\n1\nx\n")
    (tmp_path / "far.csv").write_text("1\n70\n")
    result = run(command, clip, *options, *(["-o", "out", "--midi-only"] if command == "generate" else []))
    assert result.exit_code == exit_code
    assert one_line(result) == f"cmt: {message}"
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_is_one_line_and_exit_code_1(clip, tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"nothing good")
    result = run("generate", clip, "-o", tmp_path / "out", "--midi-only", "--checkpoint", tmp_path / "bad.safetensors")
    assert result.exit_code == 1
    assert "damaged, or not a checkpoint of cmt" in one_line(result)
    assert not (tmp_path / "out").exists()


def test_analyze_as_json_holds_what_a_program_needs(clip):
    result = run("analyze", clip, "--json")
    assert result.exit_code == 0, result.output
    rhythm = json.loads(result.stdout)
    assert {"duration", "fps", "tempo", "n_bar", "speed_per_bar", "visual_beats", "cuts", "fades", "scenes"} <= set(
        rhythm
    )
    assert rhythm["duration"] == pytest.approx(3.0) and rhythm["fps"] == pytest.approx(12)
    assert len(rhythm["speed_per_bar"]) == rhythm["n_bar"]
    assert rhythm["n_bar"] * 240 / rhythm["tempo"] == pytest.approx(3.0)


def test_analyze_draws_a_picture(clip, tmp_path):
    result = run("analyze", clip, "--plot", tmp_path / "rhythm.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "rhythm.png").read_bytes().startswith(b"\x89PNG")
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "picture",
        "tempo",
        "hits",
        "speed",
        "beats",
        "cuts",
        "fades",
        "scenes",
        "wrote",
    ]


def test_a_picture_of_an_unknown_format_is_one_line(clip, tmp_path):
    result = run("analyze", clip, "--plot", tmp_path / "rhythm.xyz")
    assert result.exit_code == 1
    assert "rhythm.xyz" in one_line(result)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
def test_render_plays_a_midi_file(clip, checkpoint, tmp_path):
    run("generate", clip, "-o", tmp_path, "--midi-only", "--checkpoint", checkpoint)
    result = run("render", tmp_path / "clip.mid", "-o", tmp_path / "song.wav")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "song.wav").stat().st_size > 100_000


@pytest.mark.parametrize("options", [("-o", "song.xyz"), ("-o", "nowhere/song.wav"), ("--soundfont", "none.sf2")])
def test_render_into_or_by_what_is_none_is_one_line(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    write_midi(Song.steady([Note(0, Instrument.PIANO, 60, 4)], 120.0, 4), "song.mid")
    result = run("render", "song.mid", *options)
    assert result.exit_code == 1
    assert options[1] in one_line(result)
    assert [file.name for file in tmp_path.iterdir()] == ["song.mid"]


@pytest.mark.parametrize("loudness", ["nan", "inf", "-7", "loud"])
def test_a_loudness_that_cannot_be_is_a_usage_error(tmp_path, loudness):
    result = run("render", tmp_path / "song.mid", "--loudness", loudness)
    assert result.exit_code == 2
    assert "--loudness" in one_line(result)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("guitar=xyzzy", "those of the guitar are 24 "),
        ("guitar=128", "from 0 to 127, and those of the guitar are 24 "),
        ("guitar=distorsion", "the nearest are 30 distortion guitar"),
        ("drums=99", "no kit 99; those of the drums are 0 standard kit"),
        ("drums=jass", "those of the drums are 0 standard kit"),
        ("banjo=3", "with one of drums, piano, guitar, bass, strings"),
    ],
)
def test_a_program_that_is_none_is_told_with_those_that_are(tmp_path, program, message):
    result = run("generate", "--length", "4", "-o", tmp_path / "out", "--program", program)
    assert result.exit_code == 2
    assert message in one_line(result)
    assert not (tmp_path / "out").exists()


def test_render_of_no_midi_is_one_line(tmp_path):
    (tmp_path / "song.mid").write_bytes(b"MThd")
    result = run("render", tmp_path / "song.mid")
    assert result.exit_code == 1
    assert "song.mid" in one_line(result)


def test_train_on_no_pack_is_one_line(tmp_path):
    result = run("train", tmp_path / "lpd5_16th_x.npz.xz", "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert "lpd5_16th_x.npz.xz" in one_line(result)
    assert not (tmp_path / "run").exists()


def test_help_starts_without_torch():
    script = """
import sys
from cmt.cli import main
try:
    main(["generate", "--help"])
except SystemExit:
    assert "torch" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "--control" in result.stdout


def test_every_option_has_a_help_text():
    for command in main.commands.values():
        assert command.help
        for parameter in command.params:
            assert (
                getattr(parameter, "help", None)
                or parameter.param_type_name == "argument"
                or parameter.name
                in {
                    "preset",
                    "seed",
                    "learning_rate",
                }
            )
