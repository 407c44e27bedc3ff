"""What it costs to look at a video: ours, a bare decode, and what the field does, side by side.

    python benchmarks/eye.py VIDEO [VIDEO ...] [--repeat 3]

    analyze     video_rhythm.analyze: flow, beats, cuts, fades and tempo in one pass
    decode      PyAV takes every picture of the file and does nothing with it
    farneback   OpenCV reads every picture, shrinks it to 180 rows and measures Farneback's optical flow
                from each to the next

Each run is a process of its own, the three by turns; the fastest of `--repeat` counts. Seconds of the processor
(all threads together) tell more than seconds of the clock where other programs run beside. Imports are left out of the
seconds, but not of the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run took."""

    wall: float
    """Seconds by the clock."""
    processor: float
    """Seconds of the processor, all threads."""
    memory: int
    """Bytes at the peak, of the whole process."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        run(WAYS[arguments.way], arguments.videos[0])
        return
    print(f"{'':34} {'seconds':>8} {'of decode':>9} {'processor':>9} {'of decode':>9} {'peak MiB':>8}")
    for video in arguments.videos:
        costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
        for _ in range(arguments.repeat):
            for way in WAYS:
                costs[way].append(measure(way, video))
        show(video, {way: Cost(*map(min, zip(*runs, strict=True))) for way, runs in costs.items()})


def show(video: Path, costs: dict[str, Cost]) -> None:
    print(video.name)
    bare = costs["decode"]
    for way, cost in costs.items():
        print(
            f"  {way:32} {cost.wall:8.2f} {cost.wall / bare.wall:8.2f}x {cost.processor:9.2f} "
            f"{cost.processor / bare.processor:8.2f}x {cost.memory / 2**20:8.0f}"
        )


def measure(way: str, video: Path) -> Cost:
    """One run of `way` in a process of its own."""
    command = [sys.executable, __file__, str(video), "--way", way]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    written = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{way} failed on {video}")
    return Cost(*json.loads(written), peak_bytes(usage))


def peak_bytes(usage: resource.struct_rusage) -> int:
    """Linux counts kibibytes, macOS bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def run(way: Callable[[Path], Callable[[], object]], video: Path) -> None:
    """Print what a run takes from the opening of the file on."""
    look = way(video)
    wall, processor = time.perf_counter(), time.process_time()
    look()
    print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]))


def ours(video: Path) -> Callable[[], object]:
    from video_rhythm import analyze

    return lambda: analyze(video)


def bare_decode(video: Path) -> Callable[[], object]:
    import av

    def look() -> None:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for _ in container.decode(stream):
                pass

    return look


def farneback(video: Path) -> Callable[[], object]:
    import cv2

    def look() -> None:
        capture = cv2.VideoCapture(str(video))
        before = None
        while True:
            there, picture = capture.read()
            if not there:
                return
            columns = round(180 * picture.shape[1] / picture.shape[0])
            grey = cv2.cvtColor(cv2.resize(picture, (columns, 180), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
            if before is not None:
                cv2.calcOpticalFlowFarneback(before, grey, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            before = grey

    return look


WAYS = {"analyze": ours, "decode": bare_decode, "farneback": farneback}


if __name__ == "__main__":
    main()
