"""What cannot be written, or holds nothing, is said before the work; what is read is never replaced."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from clips import draw_clip

from cmt.cli import main
from cmt.errors import CmtError, WriteError
from cmt.machine.workers import Workers
from cmt.matching.index import open_index
from cmt.matching.indexing import update_index
from midi_io import write_midi
from midi_io.song import Instrument, Note, Song
from midi_io.whole_file import check_not_read, check_writable

JUNK = b"no file of any kind " * 20
"""Whoever reads it has begun with the work, and says so."""

FILES = (
    ("analyze", "video.mp4", "--plot", ".png"),
    ("describe", "video.mp4", "-o", ".toml"),
    ("loss", "model.safetensors", "library", "-o", ".json"),
    ("match", "video.mp4", "--library", "library", "--out", ".csv"),
    ("render", "song.mid", "-o", ".wav"),
)
FOLDERS = (
    ("evaluate", "song.mid", "-o"),
    ("generate", "--length", "4", "-o"),
    ("generate", "video.mp4", "-o"),
    ("index", "library", "-o"),
    ("match", "video.mp4", "--library", "library", "--matrix"),
    ("match", "video.mp4", "--library", "library", "--render"),
    ("prepare", "library", "-o"),
    ("sample", "-o"),
    ("sounds", "video.mp4", "-o"),
    ("train", "library", "-o"),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what commands read, none of it of any use."""
    monkeypatch.chdir(tmp_path)
    Path("library").mkdir()
    for name in ("video.mp4", "song.mid", "model.safetensors", "library/song.mid", "file"):
        Path(name).write_bytes(JUNK)
    os.mkfifo("pipe")
    return tmp_path


def refused(*command):
    """The line with which a command refuses; it leaves nothing behind."""
    before = sorted(Path().rglob("*"))
    result = CliRunner().invoke(main, [str(word) for word in (*command, "-q")])
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert sorted(Path().rglob("*")) == before
    return line


@pytest.mark.parametrize("command", FILES, ids=" ".join)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(folder, command):
    *words, suffix = command
    Path(f"folder{suffix}").mkdir()
    os.mkfifo(f"pipe{suffix}")
    for place in ("nowhere/x", "file/x", "folder", "pipe", "y" * 300):
        assert "video.mp4:" not in (line := refused(*words, place + suffix)) and place[-90:] in line


@pytest.mark.parametrize("command", [command for command in FILES if command[0] != "loss"], ids=lambda words: words[0])
@pytest.mark.parametrize("name", ["picture", "picture.xyz", ".png"])
def test_a_file_of_an_unknown_kind_is_refused_before_anything_is_read(folder, command, name):
    assert f"{name}: " in refused(*command[:-1], name)


@pytest.mark.parametrize("command", FOLDERS, ids=" ".join)
@pytest.mark.parametrize("place", ["file", "file/below", "pipe"])
def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_read(folder, command, place):
    extra = ["--steps", "1"] if command[0] == "train" else []
    assert f"{place}: " in refused(*command, place, *extra)


@pytest.mark.parametrize("made", ["a file", "a folder"])
def test_sounds_that_are_there_already_are_refused_before_the_video_is_watched(folder, made):
    there = Path("out/video.sounds.mp4")
    there.parent.mkdir()
    there.write_bytes(b"") if made == "a file" else there.mkdir()
    assert f"{there}: is " in refused("sounds", "video.mp4", "-o", "out")


def test_a_folder_with_a_training_is_refused_before_the_corpus_is_read(folder):
    Path("run").mkdir()
    Path("run/state.safetensors").write_bytes(JUNK)
    assert "run: holds a training already" in refused("train", "library", "-o", "run", "--steps", "1")


def test_what_is_read_is_not_replaced(folder):
    picture = Path("photo.png")
    picture.write_bytes(JUNK)
    # The name of another link to it is its name, too.
    os.link(picture, "other.png")
    for name in ("photo.png", "other.png"):
        assert refused("analyze", picture, "--plot", name).startswith(f"cmt: {name}: is what is read here")
    assert refused("loss", "model.safetensors", "library", "-o", "model.safetensors").endswith("or it would be lost")
    assert "belongs to library" in refused("loss", "model.safetensors", "library", "-o", "library/song.mid")
    check_not_read("new.json", ["model.safetensors", "library", "nowhere"])


def test_a_name_that_is_too_long_cannot_be_written(tmp_path):
    with pytest.raises(WriteError, match="give another name"):
        check_writable(tmp_path / ("x" * 300))
    check_writable(tmp_path / ("x" * 200))


def song_at(path):
    write_midi(Song.steady([Note(4 * at, Instrument.PIANO, 60, 2, 90) for at in range(12)], 120.0, 4), path)


def test_a_library_of_which_nothing_can_be_read_is_an_error_and_one_of_which_something_can_is_none(folder, tmp_path):
    run = ["index", "library", "-o", "index", "--jobs", "1"]
    for _ in range(2):
        result = CliRunner().invoke(main, run)
        assert result.exit_code == 1
        reason, line = result.stderr.splitlines()
        assert reason.startswith("left out: ") and line == "cmt: none of 1 file could be read; see above"
    with pytest.raises(CmtError, match="the index is empty"):
        open_index(Path("index"))
    song_at(Path("library/good.mid"))
    result = CliRunner().invoke(main, run)
    assert result.exit_code == 0 and result.stderr.startswith("left out: ")


def test_what_other_libraries_have_in_an_index_does_not_count_for_one_of_which_nothing_can_be_read(folder):
    song_at(Path("good.mid"))
    with Workers(1) as workers:
        assert update_index([Path("good.mid")], Path("index"), workers).n_here == 1
        update = update_index([Path("library")], Path("index"), workers)
    assert (update.n_here, update.n_kept, len(update.failures)) == (0, 1, 1)
    assert CliRunner().invoke(main, ["index", "library", "-o", "index", "--jobs", "1"]).exit_code == 1


def test_matching_against_music_of_which_nothing_can_be_read_says_so_and_watches_no_video(folder):
    draw_clip(Path("clip.mp4"), 1.0)
    result = CliRunner().invoke(main, ["match", "clip.mp4", "--library", "library", "--jobs", "1", "-q"])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "cmt: library: none of 1 file could be read; see above"
