"""The statement of origin says what is known, of the files that are there, and claims nothing else."""

import hashlib
import json
from datetime import datetime, timedelta, timezone

import pytest
from test_report import full_report

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.handover.origin import NOT_COMPARED, OF_ANOTHER_MODEL, OF_OUR_MODEL, Making, origin_of, write_origin
from cmt.network.checkpoint import load_checkpoint
from cmt.planning.wishes import Wishes
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def making(tmp_path):
    files = [tmp_path / "clip.wav", tmp_path / "clip.mid"]
    for file in files:
        file.write_bytes(file.name.encode())
    video = tmp_path / "film.mov"
    video.write_bytes(b"film")
    return Making("clip", files, video, is_our_model=True, soundfont=None)


def test_files_are_told_by_name_and_hash(making):
    content = origin_of(full_report(), making, NOW)
    hashes = {file["name"]: file["sha256"] for file in content["files"]}
    assert hashes == {name: hashlib.sha256(name.encode()).hexdigest() for name in ("clip.mid", "clip.wav")}
    assert content["video"] == {"name": "film.mov", "sha256": hashlib.sha256(b"film").hexdigest()}
    assert content["soundfont"] is None
    assert content["made"] == "2026-11-26T06:30:00+00:00"


def test_model_seed_and_plan_are_those_of_the_report(making):
    report = full_report()
    content = origin_of(report, making, NOW)
    assert content["model"] == {**report.checkpoint.as_json(), "comes_with_the_program": True}
    assert content["seed"] == 7 and content["settings"]["control"] == 1.0
    assert content["plan"]["chords"] == [["C"], ["Am", "F"]] and content["plan"]["key"] == "F#:minor"
    assert [section["name"] for section in content["plan"]["form"]] == ["A", "drop"]


def test_nothing_is_claimed_that_is_not_known(making):
    content = origin_of(full_report(), making, NOW)
    assert content["longest_run_shared_with_training_songs"] is None and content["comparison"] == NOT_COMPARED
    assert content["training_data"] == OF_OUR_MODEL and "LPD" in OF_OUR_MODEL and "CC BY 4.0" in OF_OUR_MODEL
    other = Making("clip", making.files, None, is_our_model=False, soundfont=None)
    content = origin_of(full_report(), other, NOW)
    assert content["training_data"] == OF_ANOTHER_MODEL and "LPD" not in OF_ANOTHER_MODEL
    assert content["model"]["comes_with_the_program"] is False and content["video"] is None


def test_no_folder_of_this_machine_is_told(making, tmp_path):
    write_origin(full_report(), making, tmp_path / "clip.origin.json", NOW)
    assert str(tmp_path) not in (tmp_path / "clip.origin.json").read_text(encoding="utf-8")


def test_a_file_that_is_gone_is_named(making):
    making.files[0].unlink()
    with pytest.raises(CmtError, match=r"clip\.wav: cannot be read"):
        origin_of(full_report(), making, NOW)


@pytest.mark.slow
def test_it_lies_beside_the_files_that_it_tells_of(checkpoint, tmp_path):
    output = Output(midi_only=True, origin=True, marker_kinds=("bars", "sections"))
    wishes = Wishes(bars=4, tempo=120)
    make_soundtrack(None, tmp_path, wishes, GenerateConfig(seed=5), output=output, name="song", checkpoint=checkpoint)
    content = json.loads((tmp_path / "song.origin.json").read_text(encoding="utf-8"))
    others = {file.name: file for file in tmp_path.iterdir() if file.name != "song.origin.json"}
    assert set(others) == {
        *("song.html", "song.json", "song.mid", "song.png", "song.fcpxml", "song.otio"),
        *("song.markers.csv", "song.markers.edl"),
    }
    told = {file["name"]: file["sha256"] for file in content["files"]}
    assert told == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in others.items()}
    assert content["seed"] == 5 and content["plan"]["n_bar"] == 4
    assert content["model"]["sha256"] == load_checkpoint(checkpoint).sha256
