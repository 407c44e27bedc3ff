"""Music like a song of a library: broad search, targeted search, both, and none, as in table 6 of VMB.

    python benchmarks/like.py VIDEO [VIDEO ...] --index INDEX [--seeds 2] [--control 0.7] [--key :minor]
        [--instruments drums,piano,bass,strings]

`--key` and `--instruments` are what the user names: every row asks them of the music, and the targeted ones of the song
too. The row `none` is measured against the song of the row `both`, which it never saw: that is chance.

    python benchmarks/like.py --pairs PACK [--n-pair 300]

prints how long a run of notes two songs share that have nothing to do with each other, and two halves of one song.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.cli.options import InstrumentsType
from cmt.config import GenerateConfig
from cmt.corpus.songs import cut_notes
from cmt.evaluation.reference import read_shipped_reference
from cmt.matching.library import corpora_of_pack
from cmt.matching.like import search
from cmt.metrics.control import guess_key
from cmt.metrics.copying import longest_shared_run
from cmt.metrics.distribution import frechet_distance, frechet_features
from cmt.music.chords import HALVES_PER_BAR, chord_of, estimate_chords
from cmt.music.encoding import NoteArrays, notes_of_song
from cmt.music.form import LEAST_LIKE, form_of
from cmt.music.key import semitones_to_home
from cmt.music.lead_sheet import UNKNOWN
from cmt.music.profile import profile_of_song
from cmt.music.template import grooves_of
from cmt.network.checkpoint import load_checkpoint
from cmt.network.planner import load_planner
from cmt.planning.calibration import read_calibration
from cmt.planning.like import Likeness, Reference, lags_like
from cmt.planning.mood import suited_tempo_of
from cmt.planning.plan import Plan, plan_music
from cmt.planning.plan_like import likeness, plan_like
from cmt.planning.wishes import Wishes, settled
from cmt.soundtrack.composing import Take, write_takes
from cmt.soundtrack.like import CopyGuard
from cmt.soundtrack.takes import judge_take
from video_rhythm import VideoRhythm, analyze

ROWS = {"broad and targeted": (True, True), "broad": (True, False), "targeted": (False, True), "none": None}
_THIRDS = ((3,), (4,))


class Measures(NamedTuple):
    """What is measured of a take."""

    chords: float
    """The share of half bars with the chord of the song's bar, by root and third."""
    borders: float
    """The F-measure of the borders of sections heard in the notes and of those taken, one bar apart or less."""
    returns: float
    """The share of bars that repeat an earlier one in the song, as far as it is taken, and do so in the piece."""
    groove: float
    """The mean over bars of the Dice coefficient of where drums and bass strike in the bar and in the song's."""
    players: float
    """The share of (bar, instrument) in which it plays or rests as in the song."""
    tempo: float
    """Octaves between the tempo and the one that suits the picture."""
    density: float
    """Root mean squared difference between density and what the picture asks, in onsets a bar."""
    shared: int
    """The longest run of notes that is the song's too."""
    mode: float
    """1 where the mode that is heard is the one named."""
    likeness: float
    """The share of seven music metrics within nine tenths of real songs."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--control", type=float, default=GenerateConfig.control)
    parser.add_argument("--key", default=":minor")
    parser.add_argument("--instruments", default="drums,piano,bass,strings")
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--n-pair", type=int, default=300)
    args = parser.parse_args()
    if args.pairs is not None:
        print_pairs(args.pairs, args.n_pair)
    if args.videos:
        instruments = InstrumentsType().convert(args.instruments, None, None)
        print_rows(args.videos, args.index, args.seeds, args.control, Wishes(key=args.key, instruments=instruments))


def print_pairs(pack: Path, n_pair: int) -> None:
    """What excerpts share with other songs, and with the rest of their own."""
    rng = np.random.default_rng(0)
    songs = [
        NoteArrays(*(column.astype(np.int64) for column in corpus.notes_of(index)))
        for corpus in corpora_of_pack(pack)
        for index in range(0, len(corpus.songs), 20)
    ]
    print(
        "| bars of the excerpt | pairs | median | 90 % | 95 % | 99 % | most | its own song, before: median | above 10 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for n_bar in (8, 16, 32):
        others, own = [], []
        while len(others) < n_pair:
            one, other = rng.choice(len(songs), 2, replace=False)
            length = int(songs[one].position.max()) // 16 + 1
            if length < 2 * n_bar:
                continue
            begin = int(rng.integers(n_bar, length - n_bar + 1))
            excerpt = cut_notes(songs[one], begin, n_bar)
            others.append(longest_shared_run(excerpt, songs[other]).n_note)
            if len(own) < n_pair // 3:
                own.append(longest_shared_run(excerpt, cut_notes(songs[one], 0, begin)).n_note)
        quantiles = " | ".join(f"{np.quantile(others, q):.0f}" for q in (0.5, 0.9, 0.95, 0.99, 1.0))
        above = f"{np.mean(np.array(own) > 10):.0%}"
        print(f"| {n_bar} | {len(others)} | {quantiles} | {np.median(own):.0f} | {above} |", flush=True)


def print_rows(videos: list[Path], index: Path, n_seed: int, control: float, wishes: Wishes) -> None:
    """The table of the four ways to look for a song."""
    decoder, planner = load_checkpoint(None).decoder, load_planner().planner
    config = GenerateConfig(control=control)
    found: dict[str, list[Measures]] = {row: [] for row in ROWS}
    features: dict[str, list[np.ndarray]] = {row: [] for row in ROWS}
    rejected = dict.fromkeys(ROWS, 0)
    for video in videos:
        rhythm = analyze(video)
        asked = settled(wishes, rhythm.duration)
        alone = plan_music(rhythm, asked, config)
        chance: Reference | None = None
        for row, ways in ROWS.items():
            if ways is None:
                assert chance is not None
                plan, like = alone, likeness(chance, alone)
            else:
                reference = search(index, alone, config.seed, broad=ways[0], targeted=ways[1])
                chance = chance or reference
                plan = plan_like(reference, rhythm, asked, config)
                assert plan.like is not None
                like = plan.like
                print(f"{video.name}: {row}: {reference.template.name}", flush=True)
            takes = write_takes(decoder, planner, plan, config, [config.seed + k for k in range(n_seed)])
            if ways is not None:
                guard = CopyGuard(
                    lambda seeds, plan=plan: write_takes(decoder, planner, plan, config, seeds),
                    like.reference.template.notes,
                    config.seed + n_seed,
                )
                takes = guard.guarded(takes)
                rejected[row] += guard.rejected
            for take in takes:
                found[row].append(measured(take, plan, like, rhythm))
                its = frechet_features(take.song)
                if its is not None:
                    features[row].append(its)
    real = read_shipped_reference(12, "all").frechet
    print("\n| way | " + " | ".join(Measures._fields) + " | most shared | rewritten | Frechet |")
    print("|---" * (len(Measures._fields) + 4) + "|")
    for row, its in found.items():
        means = " | ".join(_mean([getattr(one, name) for one in its]) for name in Measures._fields)
        distance = frechet_distance(np.array(features[row]), real).value
        most = max(one.shared for one in its)
        print(f"| {row} ({len(its)}) | {means} | {most} | {rejected[row]} | {distance:.2f} |")


def measured(take: Take, plan: Plan, like: Likeness, rhythm: VideoRhythm) -> Measures:
    """The measures of one take against the song that it is to be like."""
    song, template, bars = take.song, like.reference.template, like.form.bars
    notes, n_bar = notes_of_song(song), plan.timeline.n_bar
    taken = bars != UNKNOWN
    taken[-1] = False
    heard = estimate_chords(notes, n_bar)
    home = semitones_to_home(take.piece.key)
    asked = like.chords(take.piece.key.mode)
    known = np.repeat(taken, HALVES_PER_BAR) & (asked > 0)
    same = [
        _kind(int(one), home) == _kind(int(other), 0) for one, other in zip(heard[known], asked[known], strict=True)
    ]
    grooves = grooves_of(notes, n_bar)
    theirs = [_dice(grooves[bar], template.grooves[int(bars[bar])]) for bar in np.flatnonzero(taken).tolist()]
    present = [bar for bar in theirs if bar is not None]
    plays = np.zeros((n_bar, 5), bool)
    plays[notes.position // 16, notes.instrument] = True
    of_song = (like.players[:, None] >> np.arange(5) & 1).astype(bool)
    density = np.array([0 if value is None else value for value in plan.asked.density])
    obtained = np.array((*profile_of_song(song).density, *[0] * n_bar)[:n_bar])
    suited = suited_tempo_of(rhythm, read_calibration()) or plan.timeline.tempo
    key = guess_key(song)
    wanted = plan.wishes.key.mode
    judgement = judge_take(song, take.piece.key, plan.density, plan.accents, plan.wishes.genre, take.seed)
    return Measures(
        chords=float(np.mean(same)) if same else np.nan,
        borders=_borders(np.flatnonzero(form_of(notes, n_bar).begins), np.flatnonzero(like.form.begins)),
        returns=_returns(notes, lags_like(like)),
        groove=float(np.mean(present)) if present else np.nan,
        players=float((plays == of_song)[taken].mean()),
        tempo=abs(float(np.log2(plan.timeline.tempo / suited))),
        density=float(np.sqrt(np.mean((density - obtained) ** 2))),
        shared=longest_shared_run(notes, template.notes).n_note,
        mode=np.nan if key is None or wanted is None else float(key.mode is wanted),
        likeness=np.nan if judgement.likeness is None else judgement.likeness,
    )


def _mean(values: list[float]) -> str:
    known = [value for value in values if not np.isnan(value)]
    return f"{np.mean(known):.2f}" if known else "-"


def _kind(number: int, semitones: int) -> tuple[int, bool] | None:
    """Root and whether the third is minor."""
    chord = chord_of(number)
    return (
        None
        if chord is None
        else ((chord.root + semitones) % 12, 3 in {(p - chord.root) % 12 for p in chord.pitch_classes})
    )


def _dice(one: frozenset, other: frozenset) -> float | None:
    mine, theirs = ({(stroke.position, stroke.instrument) for stroke in bar} for bar in (one, other))
    return None if not theirs else 2 * len(mine & theirs) / (len(mine) + len(theirs))


def _returns(notes: NoteArrays, lags: np.ndarray) -> float:
    """The share of the bars with a lag whose notes have a Dice coefficient of LEAST_LIKE or more with that bar's."""
    bars: list[set[tuple[int, int, int]]] = [set() for _ in lags]
    for position, instrument, pitch, _ in zip(*(column.tolist() for column in notes), strict=True):
        bars[position // 16].add((position % 16, instrument, pitch))
    pairs = [(bars[bar], bars[bar - lag]) for bar, lag in enumerate(lags.tolist()) if lag > 0]
    alike = [2 * len(one & other) / max(1, len(one) + len(other)) >= LEAST_LIKE for one, other in pairs]
    return float(np.mean(alike)) if alike else np.nan


def _borders(heard: np.ndarray, taken: np.ndarray) -> float:
    """The F-measure of borders that lie one bar apart or less; the first bar is none."""
    heard, taken = heard[heard > 0], taken[taken > 0]
    if not len(heard) and not len(taken):
        return np.nan
    if not len(heard) or not len(taken):
        return 0.0
    near = np.abs(heard[:, None] - taken[None]) <= 1
    precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


if __name__ == "__main__":
    main()
