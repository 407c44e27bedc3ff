"""What it costs to make music for a video: seconds by stage, real-time factor, words a second, peak memory.

    python benchmarks/generate.py VIDEO [VIDEO ...] [--repeat 3]

Each run is a fresh process, as a user's is; the fastest of `--repeat` is shown. Start-up (imports)
is what the whole command takes beyond its stages.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    for video in arguments.videos:
        runs = [measure(video, arguments.checkpoint) for _ in range(arguments.repeat)]
        show(video, min(runs, key=lambda run: run["wall"]))


def measure(video: Path, checkpoint: Path | None) -> dict:
    """One run of `cmt generate` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "from cmt.cli import main; main()"]
        command += ["generate", str(video), "-o", folder, "--seed", "1", "--quiet"]
        if checkpoint is not None:
            command += ["--checkpoint", str(checkpoint)]
        start = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status:
            sys.exit(f"cmt generate failed on {video}")
        report = json.loads((Path(folder) / f"{video.stem}.json").read_text())
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": peak_bytes(usage), "report": report}


def peak_bytes(usage: resource.struct_rusage) -> int:
    """Linux counts kibibytes, macOS bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def show(video: Path, run: dict) -> None:
    report = run["report"]
    stages = dict(report["stages"])
    stages["start-up"] = run["wall"] - sum(stages.values())
    print(f"{video.name}: {report['duration']:.2f} s of video")
    for name, seconds in stages.items():
        print(f"  {name:12} {seconds:7.2f} s")
    print(f"  {'total':12} {run['wall']:7.2f} s wall, {run['cpu']:.2f} s of processor time")
    print(f"  {'real time':12} {report['duration'] / run['wall']:7.2f} x")
    print(f"  {'words':12} {report['n_word'] / report['stages']['compose']:7.0f} a second ({report['n_word']} words)")
    print(f"  {'peak memory':12} {run['memory'] / 2**20:7.0f} MiB")


if __name__ == "__main__":
    main()
