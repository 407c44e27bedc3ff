"""What does a minute of a long film cost, in time and in memory?

    python benchmarks/long.py -o out/long [--minutes 1 10 60 240] [--jobs analyze midi film render] [--keep]

Each film is one minute of moving colours (160 x 96, 5 pictures a second, with a tone), looped by copying its packets.
Each job runs in a process of its own: `cmt analyze`; `cmt generate --midi-only`; `cmt generate` with sound and film, of
one take, two instruments at 30 BPM, its WAV file left out for FLAC; `cmt render` of the MIDI file that the second made.
The table has the seconds of the clock, those of all processors and the peak memory (maximum resident set size), with
the seconds for each minute of film beside them. Long sound lies on the disk meanwhile: an hour takes 3 GB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

WIDTH, HEIGHT, RATE, SOUND_RATE = 160, 96, 5, 44_100
PIECE = ("--instruments", "piano,bass", "--tempo", "30", "--takes", "1", "--seed", "1", "--quiet")
JOBS = ("analyze", "midi", "film", "render")
MIB = 2**20


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    processor: float
    peak: float
    """MiB"""


def main() -> None:
    """Make the films, run the jobs and print a row for each film."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 60, 240])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--keep", action="store_true", help="leave the films and the music there")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    loop = options.output / "minute.mp4"
    draw_minute(loop)
    print("| minutes | " + " | ".join(f"{job}: s, s/min, MiB" for job in options.jobs) + " |")
    print("|---" * (len(options.jobs) + 1) + "|")
    for minutes in options.minutes:
        film = options.output / f"film{minutes}.mp4"
        repeat(loop, film, minutes)
        cells = []
        for job in options.jobs:
            cost = cost_of(command_of(job, film, options.output / f"{job}{minutes}"))
            cells.append(f"{cost.seconds:.0f} ({cost.processor:.0f}), {cost.processor / minutes:.2f}, {cost.peak:.0f}")
        print(f"| {minutes} | " + " | ".join(cells) + " |", flush=True)
        if not options.keep:
            film.unlink()
            for job in options.jobs:
                shutil.rmtree(options.output / f"{job}{minutes}", ignore_errors=True)


def command_of(job: str, film: Path, folder: Path) -> list[str]:
    """The words behind `cmt`."""
    if job == "analyze":
        return ["analyze", str(film), "--json"]
    if job == "render":
        midi = folder.with_name(folder.name.replace("render", "midi")) / f"{film.stem}.mid"
        return ["render", str(midi), "-o", str(folder.with_suffix(".flac")), "--quiet"]
    more = ["--midi-only"] if job == "midi" else ["--format", "flac"]
    return ["generate", str(film), *PIECE, *more, "-o", str(folder)]


def cost_of(command: list[str]) -> Cost:
    """Run `cmt` in a process of its own."""
    begin = time.perf_counter()
    with (
        open(os.devnull, "w") as nowhere,
        subprocess.Popen([sys.executable, "-m", "cmt", *command], stdout=nowhere) as process,
    ):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"failed: cmt {' '.join(command)}")
    per_unit = 1 if sys.platform == "darwin" else 1024
    return Cost(time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss * per_unit / MIB)


def draw_minute(path: Path) -> None:
    """A minute of bars that move at a pace of their own in every shot of ten seconds, and a tone."""
    with av.open(str(path), "w") as target:
        picture = target.add_stream("libx264", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        picture.options = {"g": str(10 * RATE), "bf": "0"}
        sound = target.add_stream("aac", rate=SOUND_RATE)
        for number in range(60 * RATE):
            shot, step = divmod(number, 10 * RATE)
            columns = (np.arange(WIDTH) + (shot + 1) * 3 * abs(step % 20 - 10)) // 16 % 2
            colour = np.array([40 + 35 * shot, 220 - 30 * shot, 90 + 20 * (shot % 3)])
            image = np.broadcast_to(columns[None, :, None] * colour, (HEIGHT, WIDTH, 3)).astype(np.uint8)
            target.mux(picture.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")))
        for begin in range(0, 60 * SOUND_RATE, 1024):
            times = np.arange(begin, begin + 1024) / SOUND_RATE
            wave = np.tile(0.1 * np.sin(2 * np.pi * 220 * times), (2, 1)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(wave, "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, begin, Fraction(1, SOUND_RATE)
            target.mux(sound.encode(frame))
        target.mux(picture.encode(None))
        target.mux(sound.encode(None))


def repeat(loop: Path, path: Path, n_time: int) -> None:
    """Write a film so many times, its packets copied."""
    with av.open(str(path), "w") as target:
        streams = {}
        last: dict[int, int] = {}
        for turn in range(n_time):
            with av.open(str(loop)) as source:
                for stream in source.streams if not streams else ():
                    streams[stream.index] = target.add_stream_from_template(stream)
                for packet in source.demux():
                    if packet.dts is None:
                        continue
                    later = round(60 * turn / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    if packet.dts <= last.get(packet.stream_index, packet.dts - 1):  # the tone overlaps by a packet
                        continue
                    last[packet.stream_index] = packet.dts
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)


if __name__ == "__main__":
    main()
