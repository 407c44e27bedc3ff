"""A place that cannot be written to is told in one line, before any work."""

import json

import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.errors import CmtError, WriteError
from cmt.machine.files import check_folder
from midi_io.whole_file import check_writable

BAD = ("file", "file/below", "/proc/none/here")


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    for module in ("cmt.soundtrack.source", "video_rhythm"):
        monkeypatch.setattr(f"{module}.analyze", lambda *arguments: pytest.fail("it was looked at before"))
    return tmp_path


@pytest.mark.parametrize("folder", BAD)
@pytest.mark.parametrize(
    "command",
    [
        ("generate", "--length", "4", "-o"),
        ("generate", "a.mp4", "b.mp4", "-o"),
        ("prepare", "file", "-o"),
        ("index", "file", "-o"),
        ("train", "file", "-o"),
        ("evaluate", "file", "-o"),
        ("match", "a.mp4", "--library", "file", "--matrix"),
        ("describe", "calm", "-o"),
        ("analyze", "a.mp4", "--plot"),
        ("render", "file", "-o"),
        ("loss", "file", "file", "-o"),
        ("match", "a.mp4", "--library", "file", "--out"),
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_it_is_one_line_before_the_work(command, folder, here):
    suffix = {"describe": ".toml", "analyze": ".png", "render": ".wav", "match": ".csv", "loss": ".json"}
    place = folder
    if command[0] in suffix and command[-1] != "--matrix":
        place = f"{folder}/x{suffix[command[0]]}"
    result = run(*command, place)
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr, result.stderr
    assert folder.split("/")[-1] in result.stderr or "/proc" in result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["file"]


def test_a_folder_without_rights_is_told(tmp_path, monkeypatch):
    def refused(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cmt.machine.files.tempfile.TemporaryFile", refused)
    with pytest.raises(CmtError, match=r"cannot be written to \(Permission denied\); choose another"):
        check_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    monkeypatch.setattr("pathlib.Path.touch", refused)
    with pytest.raises(WriteError, match=r"x\.wav: cannot be written \(Permission denied\)"):
        check_writable(tmp_path / "x.wav")


def test_the_check_leaves_nothing_and_touches_nothing(tmp_path):
    (tmp_path / "song.wav").write_bytes(b"old")
    check_writable(tmp_path / "song.wav")
    check_folder(tmp_path / "new" / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]
    assert (tmp_path / "song.wav").read_bytes() == b"old"


def test_take_cannot_be_restyled_by_a_mood_and_the_line_says_why(tmp_path):
    (tmp_path / "clip.json").write_text(json.dumps({}))
    result = run("generate", "--from", tmp_path / "clip.json", "--mood", "dark")
    assert result.exit_code == 2
    assert "--mood decides key, tempo, form and players" in result.stderr and "--genre" in result.stderr
