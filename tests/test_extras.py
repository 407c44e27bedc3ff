"""Without the libraries of the extras: what needs none works, what needs one says which, before any work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from clips import draw_clip
from lpd import lpd_path, tracks_of, tune, write_pianoroll_of

from cmt.cli import main
from cmt.errors import CmtError, MissingLibraryError
from cmt.machine.extras import require
from midi_io import Song, write_pianoroll

ROOT = Path(__file__).resolve().parent.parent
OF_EXTRAS = (
    "torch",
    "tensorboard",
    "fast_transformers",
    "pyarrow",
    "fastapi",
    "uvicorn",
    "mcp",
    "distributed",
    "dask",
    "pypianoroll",
    "onnxruntime",
    "scipy",
)
BEGINNING = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.modules.update(dict.fromkeys({OF_EXTRAS!r}))\n"
"""Python imports no module that stands as None in this table: as if it were not installed."""
COMMANDS = """
from cmt.cli import main
for arguments in {arguments!r}:
    try:
        main(arguments)
    except SystemExit as end:
        if end.code:
            raise
"""


def run_without(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BEGINNING + program]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)


def run_commands(arguments: list[list[str]], folder: Path) -> subprocess.CompletedProcess[str]:
    return run_without(COMMANDS.format(arguments=arguments), folder)


def test_every_command_has_its_help(tmp_path: Path):
    done = run_commands([[name, "--help"] for name in main.commands], tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(f"Usage: -c {name} " in done.stdout for name in main.commands)


LACKING = (
    (["train", "corpus", "-o", "made"], "training needs torch|train"),
    (["train", "corpus", "-o", "made", "--tensorboard"], "training needs torch|train"),
    (["index", "music", "-o", "made"], "matching needs pyarrow|match"),
    (["match", "video.mp4", "--library", "music", "--out", "made.csv"], "matching needs pyarrow|match"),
    (["match", "video.mp4", "--library", "music", "--scheduler", "here"], "--scheduler needs distributed|cluster"),
    (["index", "music", "-o", "made", "--scheduler", "here"], "--scheduler needs distributed|cluster"),
    (["prepare", "music", "-o", "made", "--scheduler", "here"], "--scheduler needs distributed|cluster"),
    (["app", "--no-browser"], "the app needs fastapi|app"),
    (["tools", "--folder", "."], "the tool server needs mcp|tools"),
    (["generate", "video.mp4", "-o", "made", "--int8"], "--int8 needs onnxruntime|fast"),
    (["generate", "videos", "video.mp4", "-o", "made", "--int8"], "--int8 needs onnxruntime|fast"),
    (["sample", "-o", "made", "--int8"], "--int8 needs onnxruntime|fast"),
    (["generate", "video.mp4", "-o", "made", "--scheduler", "here"], "--scheduler needs distributed|cluster"),
)
EACH_SAYS = """
import contextlib, io, json
from cmt.cli import main
for arguments in {arguments!r}:
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, printed.getvalue(), said.getvalue()]))
"""


def test_a_command_that_lacks_its_extra_says_which(tmp_path: Path):
    """None of the files that these commands name exists: they do not even come to look for them."""
    done = run_without(EACH_SAYS.format(arguments=[arguments for arguments, _ in LACKING]), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for (arguments, message), line in zip(LACKING, done.stdout.splitlines(), strict=True):
        what, extra = message.split("|")
        expected = f"cmt: {what}, which is not installed; type: pip install 'video-cmt[{extra}]'\n"
        assert json.loads(line) == [1, "", expected], arguments
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_tensorboard_is_looked_for_before_the_corpus_is(tmp_path: Path):
    program = "\nfor name in ('torch', 'scipy'): del sys.modules[name]\n" + COMMANDS
    arguments = ["train", "corpus", "-o", "made", "--tensorboard"]
    done = run_without(program.format(arguments=[arguments]), tmp_path)
    expected = (
        "cmt: --tensorboard needs tensorboard, which is not installed; type: pip install 'video-cmt[tensorboard]'\n"
    )
    assert (done.returncode, done.stderr) == (1, expected)


def test_in_python_it_is_an_error_of_ours_and_a_failed_import(tmp_path: Path):
    extras = {"cmt.training.loop": "train", "cmt.matching.ranking": "match", "cmt.matching": "match"}
    program = f"""
from importlib import import_module
from cmt import CmtError
for module in {list(extras)!r}:
    try:
        import_module(module)
    except CmtError as error:
        assert isinstance(error, ImportError)
        print(error)
"""
    done = run_without(program, tmp_path)
    lines = done.stdout.splitlines()
    for extra, line in zip(extras.values(), lines, strict=True):
        assert line.endswith(f"type: pip install 'video-cmt[{extra}]'"), done.stderr


def test_writing_a_pianoroll_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pypianoroll", None)
    with pytest.raises(
        MissingLibraryError, match=r"^writing a pianoroll needs pypianoroll, .*video-cmt\[pianoroll\]'$"
    ):
        write_pianoroll(Song.steady((), 120.0, 16.0), tmp_path / "song.npz")


def test_what_a_library_lacks_itself_is_not_called_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "half_installed.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_library") as caught:
        require("half_installed", "train", "training")
    assert not isinstance(caught.value, CmtError)


@pytest.mark.slow
def test_the_rest_works_and_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    draw_clip(tmp_path / "video.mp4", 2.0)
    for number in range(4):
        write_pianoroll_of(lpd_path(tmp_path / "songs", number), tracks_of(tune(number)))
    generate = ["generate", "video.mp4", "--midi-only", "--takes", "1", "--seed", "1", "-q", "-o"]
    done = run_commands(
        [
            [*generate, "lean"],
            ["analyze", "video.mp4", "--plot", "rhythm.png"],
            ["evaluate", "lean", "-o", "evaluation", "-q"],
            ["prepare", "songs", "-o", "corpus", "--jobs", "1", "-q"],
        ],
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, [*generate, "full"]).exit_code == 0
    assert (tmp_path / "lean" / "video.mid").read_bytes() == (tmp_path / "full" / "video.mid").read_bytes()
    assert all((tmp_path / made).exists() for made in ("rhythm.png", "evaluation/evaluation.html", "corpus"))
