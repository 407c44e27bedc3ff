"""Lead sheets that the planner writes, beside those of held-out songs.

    python benchmarks/planner.py --pack lpd5_16th_labelled.npz.xz [--checkpoint model.safetensors] [--pieces 120]
        [--nucleus 0.8 0.9 1.0]

Each held-out piece gives its length, its genre, mode, tempo and instruments to a sheet that is written for it without
any other order. The table has the mean of each measure over pieces and, behind it, how far it lies from real ones in
standard deviations (Cohen's d); `--nucleus` gives a column to each nucleus, of all attributes, beside the shipped ones.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from cmt.config import PLANNER_TRAINING
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus
from cmt.music.chords import HALVES_PER_BAR
from cmt.music.lead_sheet import CRASH, FILL, KICK, SNARE, TICK, LeadSheet, no_orders, sheet_of
from cmt.music.plan_words import PLAN_FIELDS
from cmt.music.words import InitialWords, Mode
from cmt.network.checkpoint import load_tensors
from cmt.network.planner import default_planner, load_planner
from cmt.training.dataset import Songs, draw_piece
from cmt.training.plan_dataset import PlanExample, plan_example, some_orders
from cmt.training.planner import PlannerNetwork, collate_plans
from cmt.writing import sheets
from midi_io.song import Instrument

N_CHORD_SONGS = 400
FULL_KIT = KICK | SNARE | TICK


class RealSheet(NamedTuple):
    """A held-out piece."""

    sheet: LeadSheet
    initial: InitialWords
    mode: Mode
    instruments: tuple[Instrument, ...]


def real_sheets(corpus: Corpus, n_piece: int, seed: int = 7) -> list[RealSheet]:
    """Sheets of openings, endings and excerpts of 8 to 40 bars."""
    config = replace(PLANNER_TRAINING, whole_song_share=0.0, min_bars=8, max_bars=40)
    rng, songs = np.random.default_rng(seed), Songs(corpus)
    found: list[RealSheet] = []
    while len(found) < n_piece:
        index = songs.draw(config, rng)
        piece = draw_piece(songs, index, config, rng)
        if piece is not None:
            present = tuple(Instrument(i) for i in np.unique(piece.notes.instrument))
            sheet = sheet_of(piece.notes, piece.n_bar)
            found.append(RealSheet(sheet, piece.initial, corpus.songs[index].mode, present))
    return found


class ChordOdds:
    """How likely a chord is after up to three before it, in the home key: interpolated as by Witten and Bell (1991)."""

    def __init__(self, rows: Iterable[np.ndarray]) -> None:
        self._counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for row in rows:
            chords = _without_repeats(row)
            for k, chord in enumerate(chords):
                for n in range(min(3, k) + 1):
                    self._counts[tuple(chords[k - n : k])][chord] += 1

    def mean_log(self, row: np.ndarray) -> float:
        """Nats a chord, repeats left out; NaN where no chord changes."""
        chords = _without_repeats(row)
        total = 0.0
        for k in range(1, len(chords)):
            odds = 1 / 97
            for n in range(min(3, k) + 1):
                counts = self._counts.get(tuple(chords[k - n : k]))
                if counts:
                    size, kinds = counts.total(), len(counts)
                    odds = (counts[chords[k]] + kinds * odds) / (size + kinds)
            total += log(odds)
        return total / (len(chords) - 1) if len(chords) > 1 else float("nan")


def _without_repeats(row: np.ndarray) -> list[int]:
    return [int(chord) for k, chord in enumerate(row) if k == 0 or chord != row[k - 1]]


def measures(sheet: LeadSheet, odds: ChordOdds) -> dict[str, float]:
    """What a sheet is like, NaN where it cannot be said."""
    n = sheet.n_bar
    nan = float("nan")
    bars = np.arange(n)

    def share(chosen: np.ndarray, among: np.ndarray) -> float:
        return float(chosen[among].mean()) if among.any() else nan

    playing = (sheet.players[:, None] >> np.arange(len(Instrument))) & 1 > 0
    exact = (sheet.exact[:, None] >> np.arange(len(Instrument))) & 1 > 0
    starts = np.flatnonzero(sheet.begins)
    lengths = np.diff(np.append(starts, n))
    chords = sheet.chords.reshape(n, HALVES_PER_BAR)
    changed = np.diff(sheet.chords) != 0
    drums = playing[:, Instrument.DRUMS]
    found = {
        "bars that are new": float((sheet.lags == 0).mean()),
        "lags of 4, 8, 12 ... bars": share(sheet.lags % 4 == 0, sheet.lags > 0),
        "lags of 1 bar": share(sheet.lags == 1, sheet.lags > 0),
        "lag kept from the bar before": share(
            np.append(False, sheet.lags[1:] == sheet.lags[:-1]), (sheet.lags > 0) & (bars > 0)
        ),
        "bars of a section": float(lengths.mean()),
        "sections of 4 or 8 bars": float(np.isin(lengths[:-1], (4, 8)).mean()) if len(lengths) > 1 else nan,
        "sections whose letter returns": float(
            np.mean([sheet.letters[k] in sheet.letters[starts[starts < k]] for k in starts[1:]])
        )
        if len(starts) > 1
        else nan,
        "chord: nats under real songs' 4-gram": odds.mean_log(sheet.chords),
        "chord changes a bar": float(changed.sum() / n),
        "of them in the middle of a bar": float(changed[::2].sum() / changed.sum()) if changed.any() else nan,
        "chords that differ, in 8 bars": float(
            np.mean([len(np.unique(chords[k : k + 8])) for k in range(0, max(1, n - 7), 4)])
        ),
        "repeated bars whose chords are kept": share(
            np.array([(chords[b] == chords[max(b - int(lag), 0)]).all() for b, lag in enumerate(sheet.lags)]),
            sheet.lags > 0,
        ),
        "players a bar": float(playing.sum(axis=1).mean()),
        "entries and exits in 8 bars": float(8 * np.diff(playing.astype(int), axis=0).astype(bool).sum() / n),
        "instrument first enters at half time": float(
            np.mean([first == n // 2 for first in np.argmax(playing, axis=0)[playing.any(axis=0)]])
        ),
        "kick, snare and pulse": share((sheet.kit & FULL_KIT) == FULL_KIT, drums),
        "fills in 8 bars": 8 * share((sheet.kit & FILL) > 0, drums),
        "crash where a section begins": share((sheet.kit & CRASH) > 0, drums & sheet.begins),
        "crash elsewhere": share((sheet.kit & CRASH) > 0, drums & ~sheet.begins),
        "energy": float(sheet.energy.mean()),
        "energy changes a bar": float((np.diff(sheet.energy) != 0).mean()),
    }
    for instrument in Instrument:
        found[f"bars with {instrument.label}"] = float(playing[:, instrument].mean())
    for instrument in Instrument:
        found[f"{instrument.label} repeats exactly"] = share(exact[:, instrument], playing[:, instrument])
    return found


def write_like(
    real: Iterable[RealSheet], checkpoint: Path, nucleus: Mapping[str, float], temperature: float = 1.0, seed: int = 0
) -> list[LeadSheet]:
    """A sheet for each real one's length and initial words."""
    planner = load_planner(checkpoint).planner
    shipped = sheets.NUCLEUS, sheets.TEMPERATURE
    sheets.NUCLEUS, sheets.TEMPERATURE = nucleus, temperature
    try:
        return [
            sheets.write_sheet(
                planner,
                each.initial,
                no_orders(each.sheet.n_bar, each.instruments),
                each.mode,
                np.random.default_rng([seed, number]),
            )
            for number, each in enumerate(real)
        ]
    finally:
        sheets.NUCLEUS, sheets.TEMPERATURE = shipped


def held_out_losses(real: Iterable[RealSheet], checkpoint: Path, with_orders: bool) -> dict[str, float]:
    """Nats a bar by attribute, without any order but who may play, or with orders drawn as in training."""
    planner = load_planner(checkpoint).planner
    network = PlannerNetwork(planner.config).eval()
    tensors, _ = load_tensors(checkpoint)
    network.load_state_dict({name: torch.from_numpy(weight.astype(np.float32)) for name, weight in tensors.items()})
    rng = np.random.default_rng(0)
    examples: list[PlanExample] = []
    for each in real:
        open_orders = no_orders(each.sheet.n_bar, each.instruments)
        orders = some_orders(each.sheet, rng) if with_orders else open_orders
        examples.append(plan_example(each.sheet, orders, each.initial))
    with torch.no_grad():
        batch = collate_plans(examples, planner.config)
        n_bar = int(batch.mask.sum())
        losses = {name: loss.item() / n_bar for name, loss in network.losses(batch).items()}
    return {**losses, "total": sum(losses.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path, default=default_planner())
    parser.add_argument("--pieces", type=int, default=120)
    parser.add_argument("--nucleus", type=float, nargs="*", default=[])
    parser.add_argument("--temperature", type=float, default=sheets.TEMPERATURE)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    held_out = read_corpus(arguments.pack, "val")
    real = real_sheets(held_out, arguments.pieces)
    train = read_corpus(arguments.pack, "train")
    odds = ChordOdds(each.sheet.chords for each in real_sheets(train, N_CHORD_SONGS))
    both = [held_out_losses(real, arguments.checkpoint, with_orders) for with_orders in (False, True)]
    print("| nats a bar, held-out | no orders | orders as in training |\n|---|---|---|")
    for name in (*PLAN_FIELDS, "total"):
        print(f"| {name} | " + " | ".join(f"{losses[name]:.3f}" for losses in both) + " |")
    others = real_sheets(held_out, arguments.pieces, seed=8)
    sets = {"real": [each.sheet for each in real], "other real": [each.sheet for each in others]}
    begin = time.process_time()
    sets["shipped"] = write_like(real, arguments.checkpoint, sheets.NUCLEUS, arguments.temperature)
    seconds = time.process_time() - begin
    for share in arguments.nucleus:
        nucleus = dict.fromkeys(PLAN_FIELDS, share)
        sets[f"{share:g}"] = write_like(real, arguments.checkpoint, nucleus, arguments.temperature)
    print_table(sets, odds)
    n_bar = sum(each.sheet.n_bar for each in real)
    print(f"\n{1000 * seconds / n_bar:.2f} ms of the processor a bar, {60 * seconds / n_bar:.3f} s for 60 bars")


def print_table(sets: Mapping[str, list[LeadSheet]], odds: ChordOdds) -> None:
    """Means and, in brackets, Cohen's d to the first set."""
    rows = {name: [measures(sheet, odds) for sheet in its] for name, its in sets.items()}
    print("\n| | " + " | ".join(sets) + " |\n|---" + "|---" * len(sets) + "|")
    distances: dict[str, list[float]] = defaultdict(list)
    first = next(iter(rows.values()))
    for measure in first[0]:
        cells = []
        base = np.array([row[measure] for row in first])
        for name, its in rows.items():
            values = np.array([row[measure] for row in its])
            spread = np.sqrt((np.nanvar(base) + np.nanvar(values)) / 2)
            d = (np.nanmean(values) - np.nanmean(base)) / spread if spread else 0.0
            distances[name].append(abs(d))
            cells.append(f"{np.nanmean(values):.2f}" + (f" ({d:+.2f})" if its is not first else ""))
        print(f"| {measure} | " + " | ".join(cells) + " |")
    print("| mean of the distances | " + " | ".join(f"{np.mean(d):.2f}" for d in distances.values()) + " |")


if __name__ == "__main__":
    main()
