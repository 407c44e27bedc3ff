"""Does a calm picture get calmer music than a lively one? Loudness and arrangement side by side.

    python benchmarks/contrast.py -o FOLDER --calm fades.mp4 flower.mp4 --lively bee.mp4 sintel_trailer-720p.mp4
        [--genres free pop] [--dynamics relative absolute] [--seeds 0 1]

For each clip, genre, seed and kind of dynamics the whole job is done into FOLDER/DYNAMICS/SEED/GENRE, by
`make_soundtrack`; what lies there already is not made again. Of each soundtrack: `LUFS`, `LRA` and `loudest`, by
FFmpeg's ebur128, the integrated loudness, the loudness range in LU and the largest momentary loudness (400 ms) less the
integrated; the tempo in BPM; onsets, which are sixteenths on which a note starts, and notes a second; tracks a bar,
those that start a note in it; the mean velocity; the share of bars in which each instrument starts a note; and `speed`,
the rank correlation over bars of the picture's speed with the loudness heard (K-weighted): a dash in fewer than four
bars. The last lines are means over genres and seeds, of each clip, of all calm ones and of all lively ones.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from hearing import ebur128, k_weighted_power, lufs, read_sound
from mixes import make_all
from numpy.typing import NDArray
from scipy.stats import spearmanr

from cmt import GenerateConfig, read_midi
from cmt.music.words import GENRES
from cmt.report.report import DYNAMICS
from midi_io.song import POSITIONS_PER_BAR, Instrument

FEWEST_BARS = 4
HEAD = (
    f"{'LUFS':>6} {'LRA':>4} {'loudest':>7} {'BPM':>4} {'onsets/s':>8} {'notes/s':>7} {'tracks':>6} {'velocity':>8} "
    + " ".join(f"{instrument.label:>7}" for instrument in Instrument)
    + f" {'speed':>6}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--calm", type=Path, nargs="+", default=[])
    parser.add_argument("--lively", type=Path, nargs="+", default=[])
    parser.add_argument("--genres", nargs="+", choices=["free", *GENRES], default=["free"])
    parser.add_argument("--dynamics", nargs="+", choices=list(DYNAMICS), default=[GenerateConfig.dynamics])
    parser.add_argument("--control", type=float, default=GenerateConfig.control)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    config = GenerateConfig(control=options.control)
    means = []
    print(f"{'soundtrack':44} {HEAD}")
    for dynamics in options.dynamics:
        for kind, videos in (("calm", options.calm), ("lively", options.lively)):
            of_videos = []
            for video in videos:
                rows = []
                for seed in options.seeds:
                    folder = options.output / dynamics / str(seed)
                    make_all([video], folder, options.genres, replace(config, dynamics=dynamics, seed=seed))
                    for genre in options.genres:
                        rows.append(measure(folder / genre / f"{video.stem}.json"))
                        print(f"{f'{dynamics}/{seed}/{genre}/{video.stem}':44} {line(rows[-1])}", flush=True)
                of_videos.append(mean(np.array(rows)))
                means.append(f"{f'{dynamics}, {kind}: {video.stem}':44} {line(of_videos[-1])}")
            if of_videos:
                means.append(f"{f'{dynamics}, {kind}':44} {line(mean(np.array(of_videos)))}")
    print("\n".join(means))


def measure(report_path: Path) -> NDArray[np.float64]:
    """The values of a line, nan where one is not defined."""
    report = json.loads(report_path.read_text(encoding="utf-8"))
    sound, song = read_sound(report_path.with_suffix(".wav")), read_midi(report_path.with_suffix(".mid"))
    levels = ebur128(sound)
    power = np.concatenate([np.zeros(1), np.cumsum(k_weighted_power(sound))])
    borders = np.minimum(np.round(np.array(report["bar_borders"]) * sound.rate).astype(int), len(sound.samples))
    per_bar = lufs(np.diff(power[borders]) / np.maximum(np.diff(borders), 1))
    plays = np.zeros((song.n_bar, len(Instrument)), bool)
    for note in song.notes:
        plays[note.position // POSITIONS_PER_BAR, note.instrument] = True
    block = round(0.4 * sound.rate)
    momentary = lufs((power[block:] - power[:-block])[:: sound.rate // 10] / block)
    values = [
        levels.integrated,
        levels.range,
        float(momentary.max()) - levels.integrated,
        song.tempo,
        len({note.position for note in song.notes}) / song.duration,
        len(song.notes) / song.duration,
        float(plays.sum(axis=1).mean()),
        float(np.mean([note.velocity for note in song.notes])),
        *plays.mean(axis=0).tolist(),
        spearmanr(report["speed_per_bar"], per_bar).statistic if len(per_bar) >= FEWEST_BARS else np.nan,
    ]
    return np.array(values)


def mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column, without what is not defined."""
    defined = np.isfinite(rows)
    sums = np.where(defined, rows, 0).sum(axis=0)
    return np.where(defined.any(axis=0), sums / np.maximum(defined.sum(axis=0), 1), np.nan)


def line(values: NDArray[np.float64]) -> str:
    integrated, range_, loudest, tempo, onsets, notes, tracks, velocity, *shares, speed = values
    cells = (
        f"{integrated:6.1f} {range_:4.1f} {loudest:7.1f} {tempo:4.0f} {onsets:8.1f} {notes:7.1f} {tracks:6.1f} "
        f"{velocity:8.1f} " + " ".join(f"{share:7.2f}" for share in shares) + f" {speed:+6.2f}"
    )
    return cells.replace("+nan", "   -")


if __name__ == "__main__":
    main()
