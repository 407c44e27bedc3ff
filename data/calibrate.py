"""Make cmt/assets/calibration.json: the distributions by which speed becomes density and saliency strength.

    python data/calibrate.py --pack lpd5_16th_labelled.npz.xz --videos CLIPS_FOLDER -o cmt/assets/calibration.json

The music side counts every bar and simu-note of LPD's training songs. The video side measures
every clip in the folder that can be read; each second of video counts the same.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, cut_notes
from cmt.grid.layout import grid_of_video
from cmt.music.words import MAX_STRENGTH
from midi_io.song import POSITIONS_PER_BAR, Instrument
from video_rhythm import VideoError, analyze

N_QUANTILE = 51


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True, help="pack of songs; may be repeated")
    parser.add_argument("--videos", type=Path, action="append", required=True, help="folder of clips, or a clip")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    calibration = {**measure_videos(arguments.videos), **measure_songs(read_corpus(arguments.pack, "train"))}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")


def measure_videos(paths: list[Path]) -> dict:
    """Quantiles of the speed of bars and of the saliency of visual beats."""
    files = sorted(file for path in paths for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file())
    speeds: list[np.ndarray] = []
    saliencies: list[float] = []
    names, seconds = [], 0.0
    for file in files:
        try:
            rhythm = analyze(file)
        except VideoError as error:
            print(f"left out: {error}")
            continue
        grid = grid_of_video(rhythm)
        borders = np.array(grid.bar_borders)
        speeds.append(rhythm.flow.mean_speed(borders))
        saliencies += [beat.saliency for beat in rhythm.visual_beats]
        names.append(file.name)
        seconds += rhythm.duration
        print(f"{file.name}: {rhythm.duration:.1f} s, {grid.n_bar} bars, {len(rhythm.visual_beats)} visual beats")
    return {
        "speed_quantiles": _quantiles(np.concatenate(speeds)),
        "saliency_quantiles": _quantiles(np.array(saliencies)),
        "videos": {
            "clips": names,
            "seconds": round(seconds, 1),
            "bars": int(sum(map(len, speeds))),
            "visual_beats": len(saliencies),
        },
    }


def measure_songs(corpus: Corpus) -> dict:
    """Shares of densities and strengths."""
    density = np.zeros((2, POSITIONS_PER_BAR + 1))
    strength = np.zeros((len(Instrument), MAX_STRENGTH + 1))
    for index, song in enumerate(corpus.songs):
        notes = cut_notes(corpus.notes_of(index), 0, song.n_bar)
        pitched = notes.instrument != Instrument.DRUMS
        density[0] += _densities(notes.position[pitched])
        density[1] += _densities(notes.position)
        groups, counts = np.unique(notes.position * len(Instrument) + notes.instrument, return_counts=True)
        for instrument in Instrument:
            of_instrument = np.minimum(counts[groups % len(Instrument) == instrument], MAX_STRENGTH)
            strength[instrument] += np.bincount(of_instrument, minlength=MAX_STRENGTH + 1)
    return {
        "density_shares": {"without_drums": _shares(density[0]), "with_drums": _shares(density[1])},
        "strength_shares": {instrument.label: _shares(strength[instrument]) for instrument in Instrument},
        "music": {"source": "LPD-cleansed, five tracks, training songs", "songs": len(corpus.songs)},
    }


def _densities(positions: np.ndarray) -> np.ndarray:
    """How many sounding bars have each density."""
    per_bar = np.bincount(np.unique(positions) // POSITIONS_PER_BAR)
    return np.bincount(per_bar[per_bar > 0], minlength=POSITIONS_PER_BAR + 1)


def _shares(counts: np.ndarray) -> list[float]:
    return [round(float(share), 6) for share in counts / counts.sum()]


def _quantiles(values: np.ndarray) -> list[float]:
    return [round(float(q), 6) for q in np.quantile(values, np.linspace(0, 1, N_QUANTILE))]


if __name__ == "__main__":
    main()
