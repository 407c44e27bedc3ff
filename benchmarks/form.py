"""Are bars that the lead sheet says return nearer to their model than chance?

    python benchmarks/form.py FOLDER

FOLDER is what `benchmarks/takes.py write` makes: MIDI files, and takes.json with the lags of each lead sheet. The
likeness of two bars is the share of onsets, with instrument and pitch, that both have, of those that either has. Chance
is what the same bars have in common with another bar before them of the same piece, drawn anew N_DRAW times; z is how
many standard deviations of these means the mean with their models lies above theirs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from midi_io import read_midi
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

N_DRAW = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    pairs: list[tuple[list[set[tuple[int, Instrument, int]]], int, int]] = []
    n_piece = 0
    for row in json.loads((options.folder / "takes.json").read_text(encoding="utf-8")):
        bars = bars_of(read_midi(options.folder / f"{row['case']}_{row['seed']}.mid"), len(row["lags"]))
        n_piece += 1
        # Only where another bar might have been the model.
        pairs += [(bars, bar, bar - lag) for bar, lag in enumerate(row["lags"]) if 0 < lag <= bar and bar > 1]
    rng = np.random.default_rng(0)
    with_model = float(np.mean([likeness(bars[bar], bars[model]) for bars, bar, model in pairs]))
    others = [
        [likeness(bars[bar], bars[other]) for other in range(bar) if other != model] for bars, bar, model in pairs
    ]
    chances = np.array([np.mean([its[rng.integers(len(its))] for its in others]) for _ in range(N_DRAW)])
    z = (with_model - chances.mean()) / chances.std()
    print(f"{n_piece} pieces, {len(pairs)} bars that return")
    print(f"likeness to their model {with_model:.3f}, to another bar before {chances.mean():.3f}, z = {z:.1f}")


def bars_of(song: Song, n_bar: int) -> list[set[tuple[int, Instrument, int]]]:
    """What begins in each bar."""
    bars: list[set[tuple[int, Instrument, int]]] = [set() for _ in range(n_bar)]
    for note in song.notes:
        bar, place = divmod(note.position, POSITIONS_PER_BAR)
        if 0 <= bar < n_bar:
            bars[bar].add((place, note.instrument, note.pitch))
    return bars


def likeness(one: set[tuple[int, Instrument, int]], other: set[tuple[int, Instrument, int]]) -> float:
    """The share of what both have, of what either has; two empty bars are alike."""
    return len(one & other) / len(one | other) if one or other else 1.0


if __name__ == "__main__":
    main()
