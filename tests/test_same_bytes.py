"""The same bytes whatever surrounds the program: threads, language, time zone, the seed of hashes, the folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from clips import draw_clip

from benchmarks.fuzz_seeds import KINDS, font
from midi_io import has_fluidsynth

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed"),
]
SURROUNDINGS = (
    {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0"},
    {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu",
     "PYTHONHASHSEED": "123", "PYTHONUTF8": "1", "LANG": "de_DE.UTF-8", "COLUMNS": "40"},
)  # fmt: skip
OPTIONS = ("--stems", "--keep-takes", "--markers", "--sounds", "0.5", "--takes", "2", "--format", "flac", "--quiet")


def made_in(folder, surroundings) -> dict[str, bytes]:
    """The files of a run, the report without its times."""
    folder.mkdir()
    draw_clip(folder / "clip.mp4", seconds=3)
    (folder / "a.sf2").write_bytes(font())
    (folder / "seeds").mkdir()
    (folder / "a.safetensors").write_bytes(KINDS["checkpoint"].seeds(folder / "seeds")[0]["a.safetensors"])
    command = ["generate", "clip.mp4", "--checkpoint", "a.safetensors", "--soundfont", "a.sf2", *OPTIONS, "-o", "out"]
    environment = {**os.environ, **surroundings}
    subprocess.run([sys.executable, "-m", "cmt", *command], cwd=folder, env=environment, check=True)
    files = {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}
    report = json.loads(files["clip.json"])
    del report["stages"]
    files["clip.json"] = json.dumps(report).encode()
    return files


def test_what_surrounds_the_program_changes_no_byte(tmp_path):
    first, second = (made_in(tmp_path / f"place {number}", its) for number, its in enumerate(SURROUNDINGS))
    assert sorted(first) == sorted(second)
    assert {name for name in first if first[name] != second[name]} == set()
    assert {"clip.mid", "clip.flac", "clip.mp4", "clip.html", "clip.png", "clip.take2.mid"} <= set(first)
