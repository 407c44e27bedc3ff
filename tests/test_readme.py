"""The README tells the truth: its commands and its Python run as they stand."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from clips import draw_clip
from libraries import write_index
from lpd import lpd_path, tracks_of, tune, write_lists, write_pianoroll_of

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.corpus.prepare import prepare
from cmt.soundtrack.make import Wishes, make_soundtrack
from midi_io import has_fluidsynth

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [
    line.split("#")[0].strip().removeprefix(".venv/bin/")
    for block in blocks("sh")
    for line in block.splitlines()
    if line.removeprefix(".venv/bin/").startswith("cmt ")
]
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the files that the README's commands name."""
    folder = tmp_path_factory.mktemp("readme")
    clip = draw_clip(folder / "video.mp4", 2.0)
    files = make_soundtrack(clip, folder / "made", Wishes(midi_only=True)).files
    shutil.copy(next(file for file in files if file.suffix == ".mid"), folder / "song.mid")
    (folder / "clips").mkdir()
    shutil.copy(clip, folder / "clips" / "clip.mp4")
    (folder / "curve.csv").write_text("time,energy\n0,0.1\n2,0.9\n")
    (folder / "library").mkdir()
    shutil.copy(folder / "song.mid", folder / "library")
    write_index(folder / "index", folder / "library")
    (folder / "markers.csv").write_text("time,weight\n0.7,1\n1.4,2\n")
    for number in range(4):
        write_pianoroll_of(lpd_path(folder / "lpd_cleansed", number), tracks_of(tune(number)))
    write_lists(folder / "labels", {"tagtraum/id_list_Rock": [0, 1], "lastfm/id_list_pop": [2]})
    prepare([folder / "lpd_cleansed"], folder / "corpus")
    return folder


def test_the_readme_has_commands():
    names = {shlex.split(command)[1] for command in COMMANDS}
    assert names == {"generate", "analyze", "render", "evaluate", "index", "match", "prepare", "train"}


@needs_fluidsynth
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs_as_it_stands(command, workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    if " prepare " in command:
        shutil.rmtree("corpus")  # that of the other commands, which may run without this one
    # Two hours of training are not for a test.
    arguments = shlex.split(command.replace("--minutes 120", "--minutes 0.01"))[1:]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output


@needs_fluidsynth
def test_the_python_runs_as_it_stands(workplace, monkeypatch, capsys):
    monkeypatch.chdir(workplace)
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert "out/video.mid" in capsys.readouterr().out


def test_every_option_of_generate_is_told_of():
    for parameter in main.commands["generate"].params:
        for name in parameter.opts:
            if name.startswith("--") and name not in {"--output", "--quiet"}:
                assert name in README, name


def test_every_option_of_analyze_that_generate_lacks_is_told_of():
    shared = {name for parameter in main.commands["generate"].params for name in parameter.opts}
    for parameter in main.commands["analyze"].params:
        for name in parameter.opts:
            if name.startswith("--") and name not in shared:
                assert name in README, name


def test_defaults_in_the_readme_are_those_of_the_code():
    assert f"`--dynamics {GenerateConfig.dynamics}`" in README
    assert f"`--tempo-change {Wishes.tempo_change:g}`" in README


def test_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    assert "demo" in targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
