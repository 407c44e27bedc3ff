"""What an earlier run left under the same name: what goes when it is replaced, and what is none of ours and stays."""

import json
import os
import shutil

import pytest

from cmt.config import GenerateConfig
from cmt.planning.wishes import Wishes
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.naming import OldFiles, notes_on_old_files, old_files
from cmt.soundtrack.output import Output
from cmt.soundtrack.source import Material

MARKERS = ("fcpxml", "markers.csv", "markers.edl", "otio")


@pytest.fixture(scope="module")
def made(checkpoint, tmp_path_factory):
    """The files of a run with all that is for editors."""
    folder = tmp_path_factory.mktemp("made")
    output = Output(midi_only=True, page=False, marker_kinds=("bars",), origin=True)
    wishes = Wishes(length=4.0, tempo=120.0, takes=1)
    make_soundtrack(None, folder, wishes, GenerateConfig(seed=3), output=output, name="song", checkpoint=checkpoint)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of them, as of a run that made a sound in FLAC and a page too."""
    copy = tmp_path / "out"
    shutil.copytree(made, copy)
    report = json.loads((copy / "song.json").read_text())
    report["format"] = report["kept"]["output"]["format"] = "flac"
    report["kept"]["output"]["page"] = True
    (copy / "song.json").write_text(json.dumps(report))
    for name in ("song.flac", "song.html"):
        (copy / name).write_text("")
    return copy


def names(files):
    return sorted(file.name for file in files)


def test_all_files_that_the_report_lists_are_of_the_earlier_run_and_no_others(folder):
    for name in ("song.wav", "song.mp4", "song.drums.flac", "song.txt", "song-2.flac"):
        (folder / name).write_text("")
    old = old_files(folder, "song", ["song.mid", "song.json", "song.png"], Material())
    assert names(old.ours) == sorted(
        ["song.flac", "song.html", "song.origin.json", *(f"song.{one}" for one in MARKERS)]
    )
    assert names(old.others) == ["song.drums.flac", "song.mp4", "song.wav"]
    assert not old.changed


def test_a_file_that_somebody_changed_later_and_one_that_is_read_stay(folder):
    later = (folder / "song.json").stat().st_mtime + 3600
    os.utime(folder / "song.flac", (later, later))
    old = old_files(folder, "song", ["song.json"], Material((folder / "song.html",)))
    assert names(old.changed) == ["song.flac"]
    assert not {"song.flac", "song.html"} & {*names(old.ours), *names(old.others)}


@pytest.mark.parametrize("report", ["{}", None, "of another"])
def test_without_a_report_of_that_name_nothing_is_ours(folder, report):
    content = json.loads((folder / "song.json").read_text())
    content["kept"]["name"] = "another"
    (folder / "song.json").unlink()
    if report is not None:
        (folder / "song.json").write_text(json.dumps(content) if report == "of another" else report)
    old = old_files(folder, "song", ["song.mid"], Material())
    assert not old.ours and not old.changed and "song.flac" in names(old.others)


def test_a_run_that_got_a_number_is_known_by_it(folder):
    for file in list(folder.iterdir()):
        file.rename(file.with_name(file.name.replace("song", "song-2", 1)))
    assert "song-2.flac" in names(old_files(folder, "song-2", ["song-2.mid"], Material()).ours)


def test_a_run_that_replaces_leaves_its_own_files_alone(folder, checkpoint):
    (folder / "song.wav").write_text("somebody's")
    output = Output(midi_only=True, page=False, overwrite=True)
    wishes = Wishes(length=4.0, tempo=120.0, takes=1)
    written = make_soundtrack(None, folder, wishes, output=output, name="song", checkpoint=checkpoint)
    assert names(folder.iterdir()) == ["song.json", "song.mid", "song.png", "song.wav"]
    gone, stays = written.notes[1:]
    assert gone.startswith("removed, as `overwrite` asks") and gone.endswith("and 6 more")
    assert stays.startswith("stays, though it is none of this run") and stays.endswith("song.wav")


def test_a_take_made_again_in_its_place_leaves_its_own_files_alone(made, folder):
    asked = {"midi_only": True, "page": False, "marker_kinds": (), "origin": False, "overwrite": True}
    make_again(folder / "song.json", changes=Changes(output=asked))
    assert names(folder.iterdir()) == ["song.json", "song.mid", "song.png"]


def test_nothing_is_said_where_nothing_is_left(made):
    written = names(made.iterdir())
    assert old_files(made, "song", written, Material()) == OldFiles()
    assert notes_on_old_files([], OldFiles()) == []
