"""Whole commands for the fuzzing bench: each with small files, one of which is mutated, and what it may come to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cmt.errors import CmtError

COMMAND = "command.json"
"""The file of a case that says which command it is, and which of the other files may be mutated."""
_SOUND = ("--checkpoint", "a.safetensors", "--soundfont", "a.sf2", "--no-page", "--takes", "1", "-o", "out")
_MUSIC = ("--checkpoint", "a.safetensors", "--midi-only", "--takes", "1", "-o", "out")
_LITTLE = ("--min-bars", "2", "--min-tracks", "1", "--min-on-grid", "0", "--jobs", "1")
COMMANDS: tuple[tuple[Sequence[str], Sequence[str]], ...] = (
    (("analyze", "a.mp4", "--json", "--hits", "hits.csv"), ("a.mp4", "hits.csv")),
    (("describe", "a.mp4", "-o", "out.toml"), ("a.mp4",)),
    (("generate", "a.mp4", "--hits", "hits.csv", "--tempo-map", *_MUSIC), ("a.mp4", "hits.csv", "a.safetensors")),
    (("generate", "--bars", "2", "--describe", "words.toml", *_MUSIC), ("words.toml", "a.safetensors")),
    (("generate", "--length", "6", "--energy", "energy.csv", *_MUSIC), ("energy.csv", "a.safetensors")),
    (("generate", "--bars", "2", "--like", "songs/1.mid", *_MUSIC), ("songs/1.mid", "a.safetensors")),
    (("generate", "a.mp4", "--sounds", "0.5", "--sound-library", "sounds", *_SOUND), ("a.mp4", "sounds/hit.wav")),
    (("generate", "a.mp4", "--sounds", "0.5", "--sound-events", "events.json", *_SOUND), ("a.mp4", "events.json")),
    (
        ("generate", "--from", "clip.json", "--redo", "clip.comments.json", "--midi-only", "-o", "out"),
        ("clip.json", "clip.comments.json"),
    ),
    (
        ("render", "songs/1.mid", "-o", "a.wav", "--soundfont", "a.sf2", "--sample-rate", "44100"),
        ("songs/1.mid", "a.sf2"),
    ),
    (("sounds", "a.mp4", "--json", "--sound-events", "events.json"), ("a.mp4", "events.json")),
    (("sounds", "a.mp4", "-o", "out", "--sound-library", "sounds"), ("a.mp4", "sounds/hit.wav", "sounds/sounds.csv")),
    (
        ("evaluate", "-o", "out", "--no-audio", "--pairs", "pairs.csv", "--jobs", "1"),
        ("pairs.csv", "a.mp4", "songs/1.mid"),
    ),
    (
        ("evaluate", "songs", "more", "--compare", "-o", "out", "--no-audio", "--jobs", "1"),
        ("songs/1.mid", "more/3.mid"),
    ),
    (("prepare", "songs", "-o", "corpus", *_LITTLE), ("songs/1.mid", "songs/2.mid")),
    (("prepare", "lpd5_16th_a.npz.xz", "-o", "corpus", *_LITTLE), ("lpd5_16th_a.npz.xz", "songs_a.json.xz")),
    (("index", "songs", "-o", "index", "--jobs", "1"), ("songs/1.mid", "songs/2.mid")),
    (("match", "a.mp4", "--library", "songs", "--jobs", "1", "--out", "t.csv"), ("a.mp4", "songs/1.mid")),
    (("sample", "-n", "1", "--bars", "2", "--checkpoint", "a.safetensors", "-o", "out"), ("a.safetensors",)),
    (("doctor", "--checkpoint", "a.safetensors", "--soundfont", "a.sf2", "-o", "out"), ("a.safetensors", "a.sf2")),
)
"""Arguments, and the files that may be damaged."""
_TRAIN = ("train", "lpd5_16th_a.npz.xz", "-o", "run", "--threads", "1", "--device", "cpu", "--words-per-step", "64")
OF_TORCH: tuple[tuple[Sequence[str], Sequence[str]], ...] = (
    (("loss", "a.safetensors", "lpd5_16th_a.npz.xz", "--words", "64"), ("a.safetensors", "lpd5_16th_a.npz.xz")),
    ((*_TRAIN, "--config", "train.toml", "--steps", "1"), ("train.toml", "lpd5_16th_a.npz.xz")),
    (
        (*_TRAIN, "--preset", "tiny", "--steps", "1", "--start-from", "before/model.safetensors"),
        ("before/model.safetensors",),
    ),
    ((*_TRAIN, "--resume", "--steps", "3"), ("run/state.safetensors", "run/config.toml", "run/losses.csv")),
)
"""Those that need torch; the last goes on with a run that is there."""


def commands() -> list[tuple[Sequence[str], Sequence[str]]]:
    """The commands that can be run here."""
    return [*COMMANDS, *(OF_TORCH if find_spec("torch") else ())]


def train_a_step(folder: Path) -> None:
    """Leave the folder of a run, ``run``, beside the pack in `folder`."""
    arguments = [*_TRAIN, "--preset", "tiny", "--steps", "2", "--validation-steps", "1", "--validation-words", "64"]
    subprocess.run([sys.executable, "-m", "cmt", *arguments], cwd=folder, check=True, capture_output=True)


def run_command(folder: Path) -> None:
    """Run the command that a case says; a CmtError where it is refused in one line.

    Raises
    ------
    AssertionError
        If it says more than a line, or speaks of a bug.
    """
    from click.testing import CliRunner

    from cmt.cli import main

    arguments = json.loads((folder / COMMAND).read_text(encoding="utf-8"))["arguments"]
    before = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(main, arguments)
    finally:
        os.chdir(before)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    if "(a bug" in done.output or "Traceback" in done.output:
        raise AssertionError(f"{' '.join(arguments)}: {done.output[-300:]}")
    if done.exit_code:
        lines = [line for line in done.output.splitlines() if line.startswith("cmt: ")]
        if arguments[0] != "doctor" and len(lines) != 1:
            raise AssertionError(f"{' '.join(arguments)}: exit {done.exit_code}, {done.output[-300:]}")
        raise CmtError(lines[0] if lines else "refused")
