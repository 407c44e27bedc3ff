"""Is the best of several takes nearer to real songs than one?

    python benchmarks/takes.py write FOLDER [--video CLIP ...] [--seeds 2] [--bars 8 16 32 64] [--takes 3] [--seed 5000]
        [--control 0.7]
    python benchmarks/takes.py compare FOLDER --measure MEASURE.py [--csv FILE]

`write` makes every take of each case: of each video, as long as it is, for so many seeds, the genres in turn; and
without a video of each genre and number of bars (of 2 s). The MIDI file of each take is FOLDER/case_seed.mid, and
FOLDER/takes.json has what is said of it. Cases that are there already are left out.

`compare` reads them. For each way to choose a take of a case it prints

- the mean distance |d| to real songs over the headline measures of MEASURE.py, a program that reads MIDI files and
  nothing of ours (`measure`, `read_midi`, `ChordModel`, `HEAD` and a reference.json beside it), Cohen's d each, with
  the 95 % interval of a bootstrap over cases, and the same of the difference to one take, paired, which is the mean of
  what the first takes of all cases, the second ones and the third ones have;
- the log odds of being real by the *independent* discriminator, which learnt from other pieces and other songs than the
  one that ranks takes (`data/discriminator.py`), with the same intervals;
- the share of what was asked that is done.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from cmt import GenerateConfig, Output, Wishes
from cmt.metrics.discriminator import independent_discriminator, shipped_discriminator
from cmt.music.words import Genre
from cmt.soundtrack.composer import Composer
from cmt.soundtrack.playing import performance_of
from cmt.soundtrack.takes import Judgement, ranked
from midi_io import read_midi, write_midi

SECONDS_PER_BAR = 2.0
N_BOOTSTRAP = 2000
FEWEST_DEFINED = 0.75
"""A measure counts if it is defined for this share of all takes: short pieces have no phrases."""
NAME, ALONE = "takes.json", "take number "
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = parser.add_subparsers(dest="job", required=True)
    writing = jobs.add_parser("write")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--video", type=Path, nargs="+", default=[])
    writing.add_argument("--seeds", type=int, default=2, help="for each video")
    writing.add_argument("--bars", type=int, nargs="*", default=[8, 16, 32, 64], help="of the pieces without a video")
    writing.add_argument("--takes", type=int, default=3)
    writing.add_argument("--seed", type=int, default=5000)
    writing.add_argument("--control", type=float, default=GenerateConfig.control)
    comparing = jobs.add_parser("compare")
    comparing.add_argument("folder", type=Path)
    comparing.add_argument("--measure", type=Path)
    comparing.add_argument(
        "--csv", type=Path, help="where all measures of all takes are written, or read if it is there"
    )
    options = parser.parse_args()
    if options.job == "write":
        write(options)
    else:
        compare(options)


def write(options: argparse.Namespace) -> None:
    """Write the takes of all cases."""
    options.folder.mkdir(parents=True, exist_ok=True)
    table = options.folder / NAME
    rows: list[Row] = json.loads(table.read_text(encoding="utf-8")) if table.exists() else []
    composer, genres = Composer(), list(Genre)
    cases: list[tuple[Path | None, int | None]] = [(clip, None) for _ in range(options.seeds) for clip in options.video]
    cases += [(None, bars) for bars in options.bars for _ in genres]
    for number, (clip, bars) in enumerate(cases):
        genre, seed = genres[number % len(genres)], options.seed + 10 * number
        case = f"{number:03d}_{genre.label}_{clip.stem if clip else bars}"
        if any(row["case"] == case for row in rows):
            continue
        length = None if bars is None else bars * SECONDS_PER_BAR
        config = GenerateConfig(control=options.control, seed=seed)
        piece = composer.compose(clip, Wishes(genre=genre, length=length, takes=options.takes), config)
        for take in piece.takes:
            performance = performance_of(take.song, take.orders, piece.plan, take.sheet, Output(), take.seed)
            write_midi(performance, options.folder / f"{case}_{take.seed}.mid", title=case)
            judged = take.judgement
            rows.append(
                {
                    "case": case,
                    "seed": take.seed,
                    "number": (take.seed - seed) % options.takes,
                    "reasons": [] if judged is None else judged.reasons,
                    "match": None if judged is None else judged.match,
                    "likeness": None if judged is None else judged.likeness,
                    "mood": None if judged is None else judged.mood,
                    "genre": None if judged is None else judged.genre,
                    "lags": take.sheet.lags.tolist(),
                    "control": options.control,
                }
            )
        table.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        print(case, flush=True)


def compare(options: argparse.Namespace) -> None:
    """Print what each way to choose a take gives."""
    rows: list[Row] = json.loads((options.folder / NAME).read_text(encoding="utf-8"))
    ours, other = shipped_discriminator(), independent_discriminator()
    for row in rows:
        song = read_midi(options.folder / f"{row['case']}_{row['seed']}.mid")
        log_odds = ours.log_odds(song)
        row["judge"] = -np.inf if log_odds is None else log_odds
        row["independent"] = other.log_odds(song)
        realism = None if log_odds is None else ours.rank(log_odds)
        reasons, match, likeness, mood, genre = (
            row.get(name) for name in ("reasons", "match", "likeness", "mood", "genre")
        )
        row["judgement"] = Judgement(
            row["seed"], tuple(reasons), match, likeness, (), mood, realism=realism, genre=genre
        )
    cases = [[row for row in rows if row["case"] == case] for case in dict.fromkeys(row["case"] for row in rows)]
    n_rejected = sum(bool(row["reasons"]) for row in rows)
    print(f"{len(cases)} cases, {len(rows)} takes, {n_rejected} of them rejected")
    chosen = {f"{ALONE}{k}": [of_number(takes, k) for takes in cases] for k in range(min(map(len, cases)))}
    chosen |= {name: [choose(takes) for takes in cases] for name, choose in CHOICES.items()}
    draws = np.random.default_rng(0).integers(len(cases), size=(N_BOOTSTRAP, len(cases)))
    show("log odds of being real, by the independent discriminator", chosen, draws, "independent")
    if any(row["match"] is not None for row in rows):
        show("share of what was asked that is done", chosen, draws, "match")
    if options.measure:
        music = module_of(options.measure)
        reference = json.loads((options.measure.parent / "reference.json").read_text(encoding="utf-8"))
        measured = measures_of(rows, options, music, reference)
        for row in rows:
            row["measures"] = measured[f"{row['case']}_{row['seed']}.mid"]
        names = [
            name
            for name in music.HEAD
            if reference["measures"].get(name, (0, 0))[1]
            and np.mean([np.isfinite(row["measures"].get(name, np.nan)) for row in rows]) >= FEWEST_DEFINED
        ]
        real = np.array([reference["measures"][name][:2] for name in names])

        def distance(its: list[Row]) -> Callable[[np.ndarray], np.ndarray]:
            values = np.array([[row["measures"].get(name, np.nan) for name in names] for row in its])
            return lambda draw: np.nanmean(np.abs(cohens_d(values[draw], real)), axis=-1)

        show_of(f"mean |d| to real songs over {len(names)} measures", chosen, draws, distance)


def of_number(takes: list[Row], number: int) -> Row:
    """The take of the first seed, counted from 0, of the second ..., or what was written in its place."""
    return next(row for row in takes if row["number"] == number)


def shares_alone(takes: list[Row]) -> Row:
    """The best without a judge: sound, then the mean of match, likeness and mood."""
    scores = {row["seed"]: replace(row["judgement"], realism=None).score for row in takes}
    return min(takes, key=lambda row: (len(row["reasons"]), -scores[row["seed"]], row["seed"]))


def judge_alone(takes: list[Row]) -> Row:
    """The best by the judge: sound, then its log odds."""
    return min(takes, key=lambda row: (len(row["reasons"]), -row["judge"], row["seed"]))


def as_shipped(takes: list[Row]) -> Row:
    """What `cmt generate` makes the music."""
    best = ranked((row["judgement"] for row in takes), takes[0]["control"])[0]
    return next(row for row in takes if row["judgement"] is best)


CHOICES: dict[str, Callable[[list[Row]], Row]] = {
    "best by match, likeness, mood": shares_alone,
    "best by the judge alone": judge_alone,
    "best as cmt ranks them": as_shipped,
}


def column(its: list[Row], name: str) -> np.ndarray:
    """(case,) values; NaN where there is none."""
    return np.array([np.nan if row[name] is None else row[name] for row in its], float)


def show(title: str, chosen: dict[str, list[Row]], draws: np.ndarray, name: str) -> None:
    """The mean of a value, by choice, see `show_of`."""

    def mean(its: list[Row]) -> Callable[[np.ndarray], np.ndarray]:
        values = column(its, name)
        return lambda draw: np.nanmean(values[draw], axis=-1)

    show_of(title, chosen, draws, mean)


def show_of(
    title: str,
    chosen: dict[str, list[Row]],
    draws: np.ndarray,
    statistic: Callable[[list[Row]], Callable[[np.ndarray], np.ndarray]],
) -> None:
    """A statistic of the cases by choice, and its difference to one take, each with its 95 % interval."""
    print(f"\n{title}\n{'':34}{'value':>8}  {'95 % interval':16}  {'less one take':>14}  95 % interval")
    cases = np.arange(draws.shape[1])
    found: dict[str, tuple[float, np.ndarray]] = {}
    for name, its in chosen.items():
        of = statistic(its)
        found[name] = of(cases[None])[0], np.concatenate([of(draw[None]) for draw in draws])
    alone = [found.pop(name) for name in list(found) if name.startswith(ALONE)]
    one = float(np.mean([value for value, _ in alone])), np.mean([drawn for _, drawn in alone], axis=0)
    print(f"{'(each of the takes alone)':34}{'  '.join(f'{value:.3f}' for value, _ in alone)}")
    for name, (value, drawn) in {"one take, mean of these": one, **found}.items():
        gap, gaps = value - one[0], drawn - one[1]
        print(f"{name:34}{value:8.3f}  {interval(drawn):16}  {gap:+14.3f}  {interval(gaps)}")


def interval(values: np.ndarray) -> str:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return f"{low:+.3f} to {high:+.3f}"


def cohens_d(values: np.ndarray, real: np.ndarray) -> np.ndarray:
    """(draw, measure) of (draw, case, measure) and the (measure, 2) means and standard deviations of real songs."""
    pooled = np.sqrt((real[:, 1] ** 2 + np.nanvar(values, axis=1)) / 2)
    return np.asarray((np.nanmean(values, axis=1) - real[:, 0]) / pooled)


def module_of(path: Path) -> ModuleType:
    """The module in a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measures_of(rows: list[Row], options: argparse.Namespace, music: ModuleType, reference: Row) -> dict[str, Row]:
    """All measures of each file, by its name; from the table that is there already, or measured and written there."""
    files = [f"{row['case']}_{row['seed']}.mid" for row in rows]
    measured: dict[str, Row] = {}
    if options.csv and options.csv.exists():
        with options.csv.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name = row.pop("file")
                measured[name] = {measure: float(value or "nan") for measure, value in row.items()}
    model = music.ChordModel(reference["chord_counts"])
    for name in files:
        if name not in measured:
            measured[name] = music.measure(music.read_midi(options.folder / name), model)
    if options.csv:
        names = list(dict.fromkeys(name for name in files for name in measured[name]))
        with options.csv.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, ["file", *names], lineterminator="\n")
            table.writeheader()
            table.writerows({"file": name, **measured[name]} for name in files)
    return measured


if __name__ == "__main__":
    main()
