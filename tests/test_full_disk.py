"""Disks that are full or may not be written, for real: one line, exit 1, and nothing hidden stays.

Each command has a small tmpfs as its disk, in a mount namespace of the process that runs them all; where the system
allows none, or there is no `unshare`, nothing is tested.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from clips import draw_clip

from benchmarks.fuzz_seeds import KINDS, font, song
from midi_io import has_fluidsynth, write_midi

pytestmark = pytest.mark.slow
_DISK = "mkdir -p disk && mount -t tmpfs -o size=64k tmpfs disk"
_STATES = {
    "full": "head -c 1000000 /dev/zero > disk/other 2> /dev/null",
    "nearly full": "head -c 45056 /dev/zero > disk/other",
    "read-only": "mount -o remount,ro disk",
}
_MODEL = ("--checkpoint", "a.safetensors", "--takes", "1", "-o", "disk/out")
_LITTLE = ("--min-bars", "2", "--min-tracks", "1", "--min-on-grid", "0")
_TRAIN = ("--preset", "tiny", "--steps", "1", "--words-per-step", "64", "--validation-words", "64")
COMMANDS = {
    "generate": ("generate", "clip.mp4", "--soundfont", "a.sf2", *_MODEL),
    "generate folder": ("generate", "clips", "--midi-only", "--jobs", "1", *_MODEL),
    "index": ("index", "songs", "-o", "disk/index", "--jobs", "1"),
    "prepare": ("prepare", "songs", "-o", "disk/corpus", *_LITTLE, "--jobs", "1"),
    "render": ("render", "songs/0.mid", "-o", "disk/a.wav", "--soundfont", "a.sf2"),
    "sounds": ("sounds", "clip.mp4", "-o", "disk/out"),
    "train": ("train", "lpd5_16th_a.npz.xz", "-o", "disk/run", *_TRAIN),
}
_NEEDS = {"index": "pyarrow", "train": "torch"}
_FITS = {("index", "nearly full")}
"""What is small enough for the room that is left."""


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a clip, songs, a pack, a font and a model."""
    if not _may_mount():
        pytest.skip("no mount namespaces here")
    place = tmp_path_factory.mktemp("place")
    for name in ("songs", "clips", "seeds"):
        (place / name).mkdir()
    draw_clip(place / "clip.mp4", seconds=2)
    shutil.copy(place / "clip.mp4", place / "clips" / "1.mp4")
    for number in range(8):
        write_midi(song(number), place / "songs" / f"{number}.mid")
    (place / "a.sf2").write_bytes(font())
    for kind in ("pack", "checkpoint"):
        for name, content in KINDS[kind].seeds(place / "seeds")[0].items():
            (place / name).write_bytes(content)
    return place


RUN_ALL = """
import contextlib, io, json, pathlib, subprocess, sys, traceback
from cmt.cli import main
for disk, arguments in json.loads(sys.argv[1]):
    subprocess.run(["sh", "-c", disk], check=False)
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
        except BaseException:
            code = traceback.format_exc()
    hidden = [str(path) for path in pathlib.Path("disk").rglob(".*")]
    print(json.dumps([code, printed.getvalue(), said.getvalue(), hidden]))
    subprocess.run(["umount", "-l", "disk"], check=True)
"""
CASES = [(name, state) for name in sorted(COMMANDS) for state in sorted(_STATES) if (name, state) not in _FITS]


@pytest.fixture(scope="module")
def outcomes(place):
    """What comes of each case: exit code, what is printed, what is said on standard error, what is hidden there."""
    runs = [(f"{_DISK}; {_STATES[state]}", COMMANDS[name]) for name, state in CASES if not _lacks(name)]
    command = ["unshare", "-rm", sys.executable, "-c", RUN_ALL, json.dumps(runs)]
    done = subprocess.run(command, cwd=place, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cases = [case for case in CASES if not _lacks(case[0])]
    return dict(zip(cases, map(json.loads, done.stdout.splitlines()), strict=True))


def _lacks(name):
    """What is missing that the command needs, if anything is."""
    if name in _NEEDS and find_spec(_NEEDS[name]) is None:
        return f"needs {_NEEDS[name]}"
    if name in ("generate", "render") and not has_fluidsynth():
        return "the FluidSynth library is not installed"
    return None


@pytest.mark.parametrize(("name", "state"), CASES)
def test_a_disk_that_cannot_be_written_is_one_line(name, state, outcomes):
    if reason := _lacks(name):
        pytest.skip(reason)
    code, printed, said, hidden = outcomes[name, state]
    assert (code, hidden) == (1, []), said
    assert "Traceback" not in said and "(a bug" not in said, said
    both = printed + said
    assert "Read-only file system" in both or "No space left on device" in both or " free, and sound of " in both, both
    if (name, state) != ("generate folder", "nearly full"):  # there the table says it of each video
        assert sum(line.startswith("cmt: ") for line in said.splitlines()) == 1, said
