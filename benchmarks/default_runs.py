"""What the default command gives: is there music all the time, can it be heard, and which takes were rejected?

    python benchmarks/default_runs.py CLIP [CLIP ...] -o FOLDER [--seeds 3] [--takes N] [--midi-only]

Every clip is made into a soundtrack for seeds 0, 1, ..., one after another, as `cmt generate CLIP --seed S --no-page`
does it; a clip that is refused is named and left out. A row of the table and of FOLDER/default_runs.csv has

- pitchless: the longest stretch, in seconds, in which no pitched note sounds in the MIDI file as it is read,
- soft: the longest stretch of 0.1 s windows below -50 dBFS (the root mean square of both channels) in the WAV file,
- the same before the film's last fade begins, if it ends with one: what counts; and the second at which that begins,
- the seconds of composing and of all, the seed that was chosen, and what was rejected and why,
- of seed 0 the seconds of the processor, and those of a run with one take just before it.

The last lines say in how many runs a stretch is longer than 2 s and 1 s, and how often each reason rejected a take,
and what several takes cost beside one.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
import wave
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cmt import CmtError, GenerateConfig, Output, Wishes, analyze, make_soundtrack, read_midi
from cmt.config import TAKES
from cmt.soundtrack.gate import PITCHLESS, SOFT, Stretch, end_asked, without_pitch

WINDOW = 0.1
"""Seconds of a window."""
MOST_SOFT = 1.0
"""Seconds below -50 dBFS that are too many."""


@dataclass(frozen=True)
class Run:
    """What was measured of a run, in seconds."""

    clip: str
    seed: int
    chosen: int
    duration: float
    pitchless: float
    pitchless_at: float
    soft: float
    soft_at: float
    end_asked: float
    """The time at which the film's last fade begins; infinity if there is none."""
    compose: float
    total: float
    cpu: float
    """Seconds of the processor."""
    cpu_of_one: float
    """The same with one take; nan where it was not measured."""
    n_rejected: int
    rejected: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--takes", type=int, default=TAKES)
    parser.add_argument("--midi-only", action="store_true", help="no sound: soft is not measured")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    runs: list[Run] = []
    causes: Counter[str] = Counter()
    print(f"{'clip':32s} seed chosen  length  pitchless  soft  end asked  compose  total  rejected")
    with (options.output / "default_runs.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(Run.__annotations__))
        table.writeheader()
        for clip in options.clips:
            try:
                end = end_asked(analyze(clip))
            except CmtError as error:
                print(error, file=sys.stderr)
                continue
            for seed in range(options.seeds):
                run, reasons = measured(clip, seed, end, options)
                runs.append(run)
                causes.update(reason.partition(":")[0].partition(" for ")[0] for reason in reasons)
                table.writerow(asdict(run))
                file.flush()
                print(
                    f"{run.clip:32s} {seed:4d} {run.chosen:6d} {run.duration:7.1f} {run.pitchless:10.2f} "
                    f"{run.soft:5.1f} {run.end_asked:10.1f} {run.compose:8.1f} {run.total:6.1f}  {run.rejected}",
                    flush=True,
                )
    n_pitchless, n_soft = sum(run.pitchless > PITCHLESS for run in runs), sum(run.soft > MOST_SOFT for run in runs)
    print(f"of {len(runs)} runs {n_pitchless} without a pitched note for more than {PITCHLESS:g} s")
    print(f"of {len(runs)} runs {n_soft} below {SOFT:g} dBFS for more than {MOST_SOFT:g} s")
    n_rejected = sum(run.n_rejected for run in runs)
    print(f"{n_rejected} takes rejected, {options.takes * len(runs)} kept: {dict(causes)}")
    both = [run for run in runs if not math.isnan(run.cpu_of_one)]
    cost = [run.cpu / run.cpu_of_one for run in both]
    print(
        f"of {len(both)} clips, {options.takes} takes cost {sum(run.cpu for run in both):.1f} s of the processor, "
        f"one take {sum(run.cpu_of_one for run in both):.1f} s: {np.median(cost):.2f} times as much "
        f"(median of clips, {min(cost):.2f} to {max(cost):.2f})"
    )
    seconds = sum(run.compose for run in runs), sum(run.total for run in runs)
    print(f"composing {seconds[0]:.1f} s, all {seconds[1]:.1f} s")


def measured(clip: Path, seed: int, end: float, options: argparse.Namespace) -> tuple[Run, list[str]]:
    """A run of the default command, and the reasons of all takes that were rejected; `end` is asked by the film."""
    folder = options.output / f"{clip.stem}-{seed}"
    output = Output(midi_only=options.midi_only, overwrite=True, page=False)
    begin = time.process_time()
    if seed == 0:
        make_soundtrack(clip, folder, Wishes(takes=1), GenerateConfig(seed=seed), output=output)
    between = time.process_time()
    made = make_soundtrack(clip, folder, Wishes(takes=options.takes), GenerateConfig(seed=seed), output=output)
    cpu = time.process_time() - between
    report = made.report
    rejected = [(one.seed, one.rejected) for take in report.takes for one in take.replaced]
    rejected += [(take.seed, take.rejected) for take in report.takes if take.rejected]
    pitchless = longest(without_pitch(read_midi(folder / f"{made.name}.mid")), end)
    soft = Stretch(math.nan, math.nan) if options.midi_only else longest(soft_in(folder / f"{made.name}.wav"), end)
    reasons = [reason for _, its in rejected for reason in its]
    run = Run(
        clip=clip.name,
        seed=seed,
        chosen=report.config.seed,
        duration=report.duration,
        pitchless=round(pitchless.seconds, 3),
        pitchless_at=round(pitchless.begin, 3),
        soft=round(soft.seconds, 3),
        soft_at=round(soft.begin, 3),
        end_asked=end,
        compose=report.stages["compose"],
        total=round(sum(report.stages.values()), 3),
        cpu=round(cpu, 3),
        cpu_of_one=round(between - begin, 3) if seed == 0 else math.nan,
        n_rejected=len(rejected),
        rejected="; ".join(f"{its_seed}: {', '.join(its)}" for its_seed, its in rejected),
    )
    return run, reasons


def longest(stretches: list[Stretch], end: float) -> Stretch:
    """The longest stretch, of which only what lies before `end` counts."""
    cut = [stretch._replace(end=min(stretch.end, end)) for stretch in stretches if stretch.begin < end]
    return max(cut, key=lambda stretch: stretch.seconds, default=Stretch(0.0, 0.0))


def soft_in(path: Path) -> list[Stretch]:
    """The stretches of a WAV file of 16 bits below `SOFT`."""
    with wave.open(str(path)) as file:
        rate, n_channel = file.getframerate(), file.getnchannels()
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 2**15
    n_sample = round(WINDOW * rate) * n_channel
    windows = audio[: len(audio) // n_sample * n_sample].reshape(-1, n_sample)
    is_soft = np.sqrt((windows**2).mean(axis=1)) < 10 ** (SOFT / 20)
    changes = np.flatnonzero(np.diff(np.concatenate([[0], is_soft.astype(int), [0]])))
    return [Stretch(begin * WINDOW, stop * WINDOW) for begin, stop in changes.reshape(-1, 2).tolist()]


if __name__ == "__main__":
    main()
