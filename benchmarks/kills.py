"""Runs that are killed at random instants: what they leave, and whether the same command then comes to the same result.

    python -m benchmarks.kills [--kills 50] [--seed 1] [--job generate ...]

Each job (generate, folder, prepare, index, match, train) is run once to its end, then killed (SIGKILL) at a random
instant of that time in a place of its own, and run again. The files must then be those of the first run, byte for byte
but for times, and nothing hidden or unfinished may be left. Prints a table. `train` needs torch, `index` and `match`
need pyarrow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.fuzz_seeds import KINDS, song
from midi_io import write_midi

TIMES = frozenset(("stages", "seconds", "minutes", "modified", "report_sha256", "versions"))
"""Keys of JSON whose values differ from run to run."""


class Job(NamedTuple):
    """A command in a place with `videos`, `library` and `lpd5_16th_a.npz.xz`."""

    command: Callable[[Path, bool], list[str]]
    """The arguments, given the place and whether it is run again."""
    result: str
    """Where the result lies."""


def _generate(place: Path, again: bool) -> list[str]:
    return ["generate", str(place / "videos" / "0.mp4"), "-o", str(place / "out"), "--overwrite"]


def _folder(place: Path, again: bool) -> list[str]:
    return ["generate", str(place / "videos"), "-o", str(place / "out"), "--midi-only", "--jobs", "1"]


def _prepare(place: Path, again: bool) -> list[str]:
    return ["prepare", str(place / "library"), "-o", str(place / "corpus"), "--jobs", "1"]


def _index(place: Path, again: bool) -> list[str]:
    return ["index", str(place / "library"), "-o", str(place / "index"), "--jobs", "1"]


def _match(place: Path, again: bool) -> list[str]:
    table = str(place / "out" / "table.csv")
    return ["match", str(place / "videos"), "--library", str(place / "library"), "--jobs", "1", "--out", table]


def _train(place: Path, again: bool) -> list[str]:
    resumes = again and (place / "run" / "state.safetensors").exists()
    pack, run = str(place / "lpd5_16th_a.npz.xz"), str(place / "run")
    arguments = ["train", pack, "-o", run, "--preset", "tiny", "--steps", "6", "--validation-steps", "2"]
    return [*arguments, *(["--resume"] if resumes else [])]


JOBS = {
    "generate": Job(_generate, "out"),
    "folder": Job(_folder, "out"),
    "prepare": Job(_prepare, "corpus"),
    "index": Job(_index, "index"),
    "match": Job(_match, "out"),
    "train": Job(_train, "run"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--job", action="append", choices=list(JOBS))
    arguments = parser.parse_args()
    names = arguments.job or list(JOBS)
    print("| job | kills | identical after the same command | left behind |\n|---|---|---|---|")
    for number, name in enumerate(names):
        n_kill = arguments.kills // len(names) + (number < arguments.kills % len(names))
        outcomes = campaign(name, n_kill, arguments.seed)
        killed = [outcome for outcome in outcomes if outcome.was_killed]
        same = sum(outcome.same for outcome in outcomes)
        left = sorted({name for outcome in outcomes for name in outcome.left})
        print(f"| {name} | {len(killed)} | {same} of {len(outcomes)} | {', '.join(left) or 'nothing'} |", flush=True)
        for outcome in outcomes:
            if not outcome.same:
                print(f"  after {outcome.seconds:.3f} s: {outcome.detail}")


class Outcome(NamedTuple):
    """What became of a run that was killed."""

    seconds: float
    was_killed: bool
    same: bool
    left: tuple[str, ...]
    detail: str


def campaign(name: str, n_kill: int, seed: int) -> list[Outcome]:
    """Kill a job so many times, each in a place of its own."""
    rng = np.random.default_rng([seed, *name.encode()])
    with tempfile.TemporaryDirectory(prefix="cmt-kills-") as folder:
        whole = _place(Path(folder) / "place")
        begin = time.monotonic()
        _run(JOBS[name].command(whole, False))
        seconds = time.monotonic() - begin
        wanted = files_of(whole, JOBS[name].result)
        outcomes = []
        for _ in range(n_kill):
            # At one path, so that paths in reports are the same.
            subprocess.run(["rm", "-rf", str(whole)], check=True)
            _place(whole)
            outcomes.append(_killed(JOBS[name], whole, float(rng.uniform(0.05, seconds)), wanted))
    return outcomes


def _killed(job: Job, place: Path, seconds: float, wanted: dict[str, str]) -> Outcome:
    process = subprocess.Popen(
        [sys.executable, "-m", "cmt", *job.command(place, False)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    was_killed = process.returncode == -signal.SIGKILL
    detail = _run(job.command(place, True)) if was_killed else ""
    found = files_of(place, job.result)
    left = [path.name for path in place.rglob("*") if path.name.startswith(".") or "unfinished" in path.name]
    changed = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    return Outcome(seconds, was_killed, not changed, tuple(left), detail or f"other files: {', '.join(changed)}")


def _run(arguments: Sequence[str]) -> str:
    done = subprocess.run([sys.executable, "-m", "cmt", *arguments], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()[-300:]


def _place(place: Path) -> Path:
    """A folder with small videos, songs and a pack, always the same."""
    for name in ("library", "videos", "out"):
        (place / name).mkdir(parents=True)
    for number in range(12):
        write_midi(song(number), place / "library" / f"{number}.mid")
    (pack,) = KINDS["pack"].seeds(place)
    for name, content in pack.items():
        (place / name).write_bytes(content)
    scratch = place / "scratch"
    scratch.mkdir()
    video = KINDS["video"].seeds(scratch)[0]["a.mp4"]
    subprocess.run(["rm", "-rf", str(scratch)], check=True)
    for number in range(2):
        (place / "videos" / f"{number}.mp4").write_bytes(video)
    for path in place.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return place


def files_of(place: Path, result: str) -> dict[str, str]:
    """The hash of each file of a result, without what is a time."""
    folder = place / result
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file() and path.suffix not in (".png",):
            content = path.read_bytes()
            if path.suffix in (".json", ".jsonl"):
                lines = content.splitlines() if path.suffix == ".jsonl" else [content]
                content = json.dumps([_without_times(json.loads(line)) for line in lines]).encode()
            elif path.name == "losses.csv":
                content = re.sub(rb"(?m)^(\d+,\d+),[\d.]+,", rb"\1,", content)
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
            if path.suffix == ".safetensors":  # minutes stand in the header; tensors are compared
                size = int.from_bytes(content[:8], "little")
                found[str(path.relative_to(folder))] = hashlib.sha256(content[8 + size :]).hexdigest()
    return found


def _without_times(said: Any) -> Any:
    if isinstance(said, dict):
        return {key: _without_times(value) for key, value in said.items() if key not in TIMES}
    return [_without_times(value) for value in said] if isinstance(said, list) else said


if __name__ == "__main__":
    main()
