"""`cmt doctor` finds what is missing, says what mends it, and fails where the main job would."""

from __future__ import annotations

import errno
import hashlib
import json
import sys
import tempfile
from collections import namedtuple
from importlib import metadata, util
from pathlib import Path

import av
import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.errors import MidiError
from cmt.film import encoding
from cmt.network.checkpoint import default_checkpoint
from cmt.soundtrack import checkup
from midi_io import SynthesisError, has_fluidsynth, rendering, synthesis

ROOT = Path(__file__).resolve().parent.parent
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


@pytest.fixture
def quick(monkeypatch):
    """Without FluidSynth and its notes, which take seconds and need the library."""
    monkeypatch.setattr(checkup, "_fluidsynth", lambda: "2.3.1")
    monkeypatch.setattr(checkup, "_trial_note", lambda soundfont: "is heard")


def run(*arguments):
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)])


def findings(folder, *arguments):
    result = run("--json", "-o", folder, *arguments)
    answer = json.loads(result.stdout)
    found = {finding["subject"]: finding for finding in answer["findings"]}
    assert answer["ready"] == (result.exit_code == 0)
    assert answer["ready"] == all(finding["state"] != "missing" for finding in found.values())
    assert all("\n" not in finding["text"] for finding in found.values())
    return found


def without(monkeypatch, *libraries):
    """As if these were not installed."""
    find_spec = util.find_spec
    for library in libraries:
        monkeypatch.setitem(sys.modules, library, None)  # makes the import fail
    monkeypatch.setattr(util, "find_spec", lambda name: None if name in libraries else find_spec(name))


@needs_fluidsynth
@pytest.mark.slow
def test_a_whole_installation_is_ready(tmp_path):
    folder = tmp_path / "new" / "out"
    result = run("-o", folder)
    assert result.exit_code == 0, result.output
    *lines, last = result.stdout.splitlines()
    assert last == "cmt generate has all that it needs"
    assert {line[:9].strip() for line in lines} <= {"ok", "warning"}
    assert any(line.startswith("ok       trial note             each instrument is heard") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_what_is_looked_at_is_the_same_as_lines_and_as_json(quick, tmp_path):
    lines = run("-o", tmp_path).stdout.splitlines()[:-1]
    found = findings(tmp_path)
    assert [line[9:31].strip() for line in lines] == list(found)
    assert [line[:8].strip() for line in lines] == [finding["state"] for finding in found.values()]
    assert [line[32:] for line in lines if " free" not in line] == [
        finding["text"] for finding in found.values() if " free" not in finding["text"]
    ]


def test_the_model_is_named_by_its_hash(quick, tmp_path):
    digest = hashlib.sha256(default_checkpoint().read_bytes()).hexdigest()
    assert f"small.safetensors, SHA-256 {digest[:16]}" in findings(tmp_path)["model"]["text"]
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    model = findings(tmp_path, "--checkpoint", tmp_path / "model.safetensors")["model"]
    assert model["state"] == "missing"
    assert model["text"].endswith("train one or leave --checkpoint out")


@pytest.mark.parametrize("library", checkup.LIBRARIES)
def test_a_library_that_is_not_installed_is_missing(quick, tmp_path, monkeypatch, library):
    without(monkeypatch, library)
    finding = findings(tmp_path)[checkup.LIBRARIES[library]]
    assert finding["state"] == "missing"
    assert finding["text"] == f"not installed; pip install {checkup.LIBRARIES[library]}"


def test_what_depends_on_a_missing_library_names_it(quick, tmp_path, monkeypatch):
    without(monkeypatch, "av")
    assert findings(tmp_path)["sound encoder"]["text"] == "cannot be looked at without av, see above"


def test_an_opencv_that_lacks_the_systems_opengl_says_what_to_install(quick, tmp_path, monkeypatch):
    def fail(name):
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(checkup, "import_module", fail)
    text = findings(tmp_path)["opencv-python-headless"]["text"]
    assert text.startswith("cannot be imported (libGL.so.1: cannot open shared object file); apt-get install libgl1")


@pytest.mark.parametrize("library", checkup.EXTRAS)
def test_an_extra_that_is_not_installed_is_a_warning(quick, tmp_path, monkeypatch, library):
    without(monkeypatch, library)
    finding = findings(tmp_path)[library]
    assert finding["state"] == "warning"
    assert finding["text"].endswith(f"; pip install 'video-cmt[{checkup.EXTRAS[library][0]}]'")


def test_another_package_may_bring_a_library(quick, tmp_path, monkeypatch):
    version = metadata.version
    names = {"opencv-python-headless": "opencv-python", "opencv-python": "opencv-python-headless"}  # as if exchanged
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"cv2": ["opencv-python"]})

    def exchanged(name):
        if name == "opencv-python-headless":
            raise metadata.PackageNotFoundError(name)
        return version(names.get(name, name))

    monkeypatch.setattr(metadata, "version", exchanged)
    assert findings(tmp_path)["opencv-python-headless"]["text"].endswith(" of opencv-python")


def test_a_source_that_is_not_installed_has_no_version(quick, tmp_path, monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "packages_distributions", dict)
    assert findings(tmp_path)["video-cmt"]["text"] == "not installed; pip install video-cmt"


def test_a_missing_fluidsynth_leaves_midi(tmp_path, monkeypatch):
    def fail():
        raise SynthesisError("the FluidSynth library cannot be loaded; install it: apt-get install libfluidsynth3")

    monkeypatch.setattr(synthesis, "_load_fluidsynth", fail)
    found = findings(tmp_path)
    assert found["FluidSynth"]["state"] == found["trial note"]["state"] == "missing"
    assert "apt-get install libfluidsynth3" in found["FluidSynth"]["text"]
    last = run("-o", tmp_path).stdout.splitlines()[-1]
    assert last == "cmt generate will fail: FluidSynth, trial note; with --midi-only it works"


def test_a_font_that_is_none_is_named_with_the_flag(quick, tmp_path, monkeypatch):
    font = tmp_path / "font.sf2"
    font.write_text("no font")
    expected = f"{font}: not a SoundFont (.sf2, .sf3); correct --soundfont or $CMT_SOUNDFONT"
    assert findings(tmp_path, "--soundfont", font)["SoundFont"]["text"] == expected
    monkeypatch.setenv("CMT_SOUNDFONT", str(font))
    assert findings(tmp_path)["SoundFont"]["text"] == expected


def test_instruments_that_cannot_be_heard_are_named(tmp_path, monkeypatch):
    def play(song, soundfont):
        import numpy as np

        return np.full((10, 2), 3e-8 if song.notes[0].instrument.label in ("piano", "bass") else 0.25, np.float32)

    monkeypatch.setattr(checkup, "_fluidsynth", lambda: "2.3.1")
    monkeypatch.setattr(rendering, "play", play)
    finding = findings(tmp_path)["trial note"]
    assert finding["state"] == "missing"
    assert "piano, bass cannot be heard; choose another SoundFont with --soundfont" in finding["text"]


def test_encoders_that_are_lacking(quick, tmp_path, monkeypatch):
    def codec(name, mode):
        raise av.codec.codec.UnknownCodecError(name)

    def video_encoder():
        raise MidiError("this build of PyAV has no video encoder; pip install av")

    monkeypatch.setattr(av.codec, "Codec", codec)
    monkeypatch.setattr(encoding, "video_encoder", video_encoder)
    found = findings(tmp_path)
    assert found["sound encoder"]["state"] == "missing"
    assert "no AAC encoder" in found["sound encoder"]["text"]
    assert found["video encoder"]["state"] == "warning"


def test_folders_without_rights_cannot_be_written_to(quick, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    found = findings(tmp_path)
    assert found["output folder"]["state"] == "missing"
    assert found["output folder"]["text"].endswith("(Permission denied); choose another folder with -o")
    assert found["temporary folder"]["state"] == "warning"


def test_a_file_in_place_of_the_output_folder_is_missing(quick, tmp_path):
    (tmp_path / "out").write_text("in the way")
    finding = findings(tmp_path / "out")["output folder"]
    assert finding["state"] == "missing"
    assert finding["text"].endswith("choose another folder with -o")
    assert (tmp_path / "out").read_text() == "in the way"


def test_a_temporary_folder_that_is_not_there_is_a_warning(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    finding = findings(tmp_path)["temporary folder"]
    assert finding["state"] == "warning"
    assert "set TMPDIR" in finding["text"]


def test_little_space_and_little_memory_are_warnings(quick, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda place: usage(10**12, 10**12, 10**8))
    monkeypatch.setattr(checkup, "free_memory", lambda: 3 * 10**8)
    found = findings(tmp_path / "not" / "there")
    assert found["disk"]["text"].startswith(f"only 0.1 GB are free at {tmp_path};")
    assert found["memory"]["text"].startswith("only 0.3 GB are free;")
    assert found["disk"]["state"] == found["memory"]["state"] == "warning"


def test_every_extra_is_one_of_the_guide():
    table = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert all(f"| `{extra}` |" in table for extra, _ in checkup.EXTRAS.values())
