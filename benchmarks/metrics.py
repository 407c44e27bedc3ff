"""Which metrics see which damage, and how long measuring takes.

    python benchmarks/metrics.py --pack lpd5_16th_labelled.npz.xz [--pairs pairs.csv] [--docs docs/metrics.md]
    python benchmarks/metrics.py --pack lpd5_16th_labelled.npz.xz --speed 1000
    python benchmarks/metrics.py --pack lpd5_16th_labelled.npz.xz --verdicts 500
    python benchmarks/metrics.py --pack lpd5_16th_labelled.npz.xz --warped 30

Real songs are damaged in three ways: their bars shuffled, the pitches of each instrument shuffled among its notes,
the onsets of each bar shuffled among its 16 positions. Each metric is given for the real songs and for the damaged
ones; bold where the damage is seen: the 95 % bootstrap interval of the mean difference, song by song, excludes 0.
With a list of pairs (MIDI,VIDEO) its pieces are held against real excerpts of the same lengths, and their synchrony
with their own video against that with another piece's video and with the own one reversed.
--docs writes the tables into a page, between its marks, and the definitions from the catalogue.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, song_of_pack
from cmt.evaluation.evaluate import pairs_of
from cmt.evaluation.piece import measure_synchrony
from cmt.evaluation.reference import SongMeasures, excerpt, measure_reference_song
from cmt.evaluation.text import interval_text, number
from cmt.metrics.catalogue import BY_NAME, CATALOGUE, measure_song
from cmt.metrics.control import rank_correlation
from cmt.metrics.degenerate import judge
from cmt.metrics.distribution import compare_sets, frechet_distance, frechet_distance_of_reference, mean_interval
from cmt.metrics.structure import WARPED, fitness_of_segment, largest_fitness, self_similarity
from midi_io import read_midi
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song
from video_rhythm import FlowSeries, VideoRhythm, VisualBeat, analyze

SETS_BARS = 16
"""Bars of the excerpts of which distributions are compared."""
REFERENCE_SONGS = 240
"""Training songs that distributions are held against."""
SPEED_BARS = 100
EXCERPTS_PER_PIECE = 10
WARPED_BARS = 8
TABLES = ("damage", "generated", "synchrony")

Damage = Callable[[Song, np.random.Generator], Song]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=60, help="validation songs to damage")
    parser.add_argument("--pairs", type=Path, help="CSV file of generated pieces, MIDI,VIDEO")
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--docs", type=Path, help="page to write the tables into")
    parser.add_argument("--speed", type=int, help="measure so many songs of 100 bars and say how long it took")
    parser.add_argument("--verdicts", type=int, help="judge so many real songs and say how many are called degenerate")
    parser.add_argument("--warped", type=int, help="compare structureness with that of warped paths on so many songs")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.jobs) as executor:
        if arguments.warped:
            compare_paths(arguments.pack, arguments.warped)
            return
        if arguments.verdicts:
            judge_real_songs(arguments.pack, arguments.verdicts)
            return
        if arguments.speed:
            measure_speed(arguments.pack, arguments.speed, arguments.jobs, executor)
            return
        tables = {}
        if "damage" in arguments.tables:
            tables["damage"] = damage_table(arguments.pack, arguments.songs, executor)
        if "generated" in arguments.tables and arguments.pairs:
            tables["generated"] = generated_table(arguments.pack, arguments.pairs, executor)
        if "synchrony" in arguments.tables and arguments.pairs:
            tables["synchrony"] = synchrony_table(arguments.pairs, executor)
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
    if arguments.docs:
        write_docs(arguments.docs, {**tables, "definitions": definitions()})


def shuffled_bars(song: Song, rng: np.random.Generator) -> Song:
    """The same bars in a random order; notes that cross a bar line keep their length."""
    place = rng.permutation(song.n_bar)
    bars = [divmod(note.position, POSITIONS_PER_BAR) for note in song.notes]
    return song.with_notes(
        note._replace(position=int(place[bar]) * POSITIONS_PER_BAR + position)
        for note, (bar, position) in zip(song.notes, bars, strict=True)
    )


def shuffled_pitches(song: Song, rng: np.random.Generator) -> Song:
    """Each instrument's pitches in a random order over its notes: rhythm and range stay, melody and harmony go."""
    notes: list[Note] = []
    for instrument in Instrument:
        own = [note for note in song.notes if note.instrument == instrument]
        notes += [n._replace(pitch=own[i].pitch) for n, i in zip(own, rng.permutation(len(own)), strict=True)]
    return song.with_notes(notes)


def shuffled_onsets(song: Song, rng: np.random.Generator) -> Song:
    """The 16 positions of each bar in a random order: the chords and density of the bar stay, its rhythm goes."""
    orders = [rng.permutation(POSITIONS_PER_BAR) for _ in range(song.n_bar)]
    bars = [divmod(note.position, POSITIONS_PER_BAR) for note in song.notes]
    return song.with_notes(
        note._replace(position=bar * POSITIONS_PER_BAR + int(orders[bar][position]))
        for note, (bar, position) in zip(song.notes, bars, strict=True)
    )


DAMAGES: dict[str, Damage] = {
    "bars shuffled": shuffled_bars,
    "pitches shuffled": shuffled_pitches,
    "onsets shuffled": shuffled_onsets,
}


def damage_table(pack: Path, n_song: int, executor: ProcessPoolExecutor) -> str:
    """Every music metric of real and of damaged songs."""
    corpus = read_corpus([pack], "val")
    chosen = np.random.default_rng(0).permutation(len(corpus.songs))[:n_song]
    real = [song_of_pack(corpus, int(i)) for i in chosen]
    sets = {"real": real}
    for index, (name, damage) in enumerate(DAMAGES.items()):
        sets[name] = [damage(song, np.random.default_rng([index, i])) for i, song in enumerate(real)]
    values = {name: list(executor.map(measure_song, songs)) for name, songs in sets.items()}
    lines = [_line("metric", *sets), _line("---", *["---"] * len(sets))]
    for metric in (metric for metric in CATALOGUE if metric.group == "music"):
        columns = {name: np.array([v[metric.name].value for v in found]) for name, found in values.items()}
        cells = [f"{number(np.nanmean(columns['real']))} (n = {np.isfinite(columns['real']).sum()})"]
        for name in DAMAGES:
            difference = mean_interval(columns[name] - columns["real"])
            cell = number(np.nanmean(columns[name]))
            cells.append(f"**{cell}**" if difference.low > 0 or difference.high < 0 else cell)
        lines.append(_line(f"{metric.label} ({metric.unit})", *cells))
    lines += set_lines(sets, reference_measures(read_corpus([pack], "train"), executor), executor)
    shares = [f"{sum(judge(song).degenerate for song in songs)} of {len(songs)}" for songs in sets.values()]
    lines.append(_line(BY_NAME["degenerate"].label + "s", *shares))
    return "\n".join(lines)


def reference_measures(corpus: Corpus, executor: ProcessPoolExecutor) -> list[SongMeasures]:
    """Training songs to hold distributions against."""
    chosen = np.random.default_rng(1).permutation(len(corpus.songs))[:REFERENCE_SONGS]
    songs = [excerpt(song_of_pack(corpus, int(i)), SETS_BARS) for i in chosen]
    return list(executor.map(measure_reference_song, songs))


def set_lines(sets: dict[str, list[Song]], reference: list[SongMeasures], executor: ProcessPoolExecutor) -> list[str]:
    """Overlapping areas and Frechet distances, on the 16 bars in the middle of each song."""
    areas, frechets = [], []
    table = np.array([m.frechet for m in reference if m.frechet is not None])
    for songs in sets.values():
        measures = list(executor.map(measure_reference_song, [excerpt(song, SETS_BARS) for song in songs]))
        ours = [m.features for m in measures if m.features is not None]
        compared = compare_sets(ours, [m.features for m in reference if m.features is not None])
        areas.append({name: comparison.overlapping_area.mean for name, comparison in compared.items()})
        frechets.append(frechet_distance([m.frechet for m in measures if m.frechet is not None], table).value)
    lines = [
        _line(f"overlapping area, {name.replace('_', ' ')}", *(number(area[name]) for area in areas))
        for name in areas[0]
    ]
    level = frechet_distance_of_reference(table, len(next(iter(sets.values()))))
    label = f"{BY_NAME['frechet_distance'].label} (as many of the reference: {number(level.value)})"
    return [*lines, _line(label, *map(number, frechets))]


def generated_table(pack: Path, pair_list: Path, executor: ProcessPoolExecutor) -> str:
    """Generated pieces beside real excerpts, ten as long as each."""
    pieces = [read_midi(pair.midi) for pair in pairs_of([], None, pair_list)]
    corpus, rng = read_corpus([pack], "val"), np.random.default_rng(2)
    real = []
    for piece in pieces:
        for i in rng.choice(len(corpus.songs), EXCERPTS_PER_PIECE, replace=False):
            begin = int(rng.integers(0, max(1, corpus.songs[i].n_bar - piece.n_bar)))
            real.append(song_of_pack(corpus, int(i), begin, piece.n_bar))
    ours, theirs = (list(executor.map(measure_song, songs)) for songs in (pieces, real))
    lines = [_line("metric", "generated", "n", "real, as long", "n"), _line(*["---"] * 5)]
    for metric in (metric for metric in CATALOGUE if metric.group == "music"):
        a, b = (mean_interval([values[metric.name].value for values in found]) for found in (ours, theirs))
        lines.append(_line(f"{metric.label} ({metric.unit})", interval_text(a), str(a.n), interval_text(b), str(b.n)))
    shares = [sum(judge(song).degenerate for song in songs) for songs in (pieces, real)]
    lines.append(_line("degenerate takes", str(shares[0]), str(len(pieces)), str(shares[1]), str(len(real))))
    return "\n".join(lines)


def synchrony_table(pair_list: Path, executor: ProcessPoolExecutor) -> str:
    """Scores above chance with the own video, with another piece's, with the own one reversed."""
    pairs = [pair for pair in pairs_of([], None, pair_list) if pair.video is not None]
    paths = sorted({pair.video for pair in pairs if pair.video is not None})
    rhythms = dict(zip(paths, executor.map(analyze, paths), strict=True))
    songs = [read_midi(pair.midi) for pair in pairs]
    own = [rhythms[pair.video] for pair in pairs if pair.video is not None]
    # The next piece's video that is another one.
    other = [
        next(own[(i + k) % len(own)] for k in range(1, len(own)) if own[(i + k) % len(own)] is not own[i])
        for i in range(len(own))
    ]
    cases = {"own video": own, "another's": other, "own, reversed": [reversed_video(video) for video in own]}
    found = {name: list(executor.map(measure_synchrony, songs, videos)) for name, videos in cases.items()}
    lines = [
        _line("metric", *(f"{name}: score; above chance [95 %]; p < 0.05" for name in cases)),
        _line(*["---"] * (len(cases) + 1)),
    ]
    for metric in (metric for metric in CATALOGUE if metric.group == "synchrony"):
        cells = []
        for measured in found.values():
            scores = [scores[metric.name] for scores, _ in measured if not scores[metric.name].reason]
            score, above = mean_interval([s.score for s in scores]), mean_interval([s.above_chance for s in scores])
            seen = sum(s.p_value < 0.05 for s in scores)
            cells.append(f"{number(score.mean)}; {interval_text(above)}; {seen} of {len(scores)}")
        lines.append(_line(metric.label, *cells))
    return "\n".join(lines)


def reversed_video(video: VideoRhythm) -> VideoRhythm:
    """The rhythm of the same pictures shown backwards."""
    end, flow = video.duration, video.flow
    edges = np.append(flow.times, flow.end)
    backwards = FlowSeries(flow.end - edges[:0:-1], flow.speed[::-1], flow.directogram[::-1], flow.end)
    beats = tuple(VisualBeat(end - beat.time, beat.saliency) for beat in reversed(video.visual_beats))
    return replace(video, flow=backwards, visual_beats=beats, cuts=tuple(end - cut for cut in reversed(video.cuts)))


def measure_speed(pack: Path, n_song: int, jobs: int, executor: ProcessPoolExecutor) -> None:
    """Prints how long all music metrics take on real songs of a hundred bars."""
    corpus = read_corpus([pack], "train")
    long = [i for i, song in enumerate(corpus.songs) if song.n_bar >= SPEED_BARS]
    songs = [song_of_pack(corpus, long[i % len(long)], 0, SPEED_BARS) for i in range(n_song)]
    list(executor.map(processor_seconds, songs[:jobs]))  # the processes' start is not what is measured
    start = time.perf_counter()
    busy = sum(executor.map(processor_seconds, songs, chunksize=4))
    seconds = time.perf_counter() - start
    print(
        f"{n_song} songs of {SPEED_BARS} bars, all music metrics, {jobs} processes: {seconds:.1f} s, "
        f"{busy / n_song:.3f} s of a processor for each song"
    )


def processor_seconds(song: Song) -> float:
    """What measuring a song costs, without the time that other programs take."""
    start = time.process_time()
    measure_song(song)
    return time.process_time() - start


def judge_real_songs(pack: Path, n_song: int) -> None:
    """Prints how many real songs are called degenerate, and why."""
    corpus = read_corpus([pack], "train")
    chosen = np.random.default_rng(0).permutation(len(corpus.songs))[:n_song]
    verdicts = [judge(song_of_pack(corpus, int(i))) for i in chosen]
    signs = Counter(reason.split(":")[0] for verdict in verdicts for reason in verdict.reasons)
    print(
        f"{sum(verdict.degenerate for verdict in verdicts)} of {len(verdicts)} real songs called degenerate",
        dict(signs),
    )


def compare_paths(pack: Path, n_song: int) -> None:
    """Prints how the short structureness of eight bars changes if repetitions may be warped, as in Müller's paths."""
    corpus = read_corpus([pack], "val")
    straight, warped = [], []
    for i in np.random.default_rng(0).permutation(len(corpus.songs))[:n_song]:
        song = excerpt(song_of_pack(corpus, int(i)), WARPED_BARS)
        similarity, frame = self_similarity(song), 60.0 / song.tempo
        n_frame = len(similarity)
        low, high = int(np.ceil(3 / frame)), min(n_frame, int(8 / frame))
        straight.append(largest_fitness(similarity, low, high))
        segments = [(start, n) for n in range(low, high + 1) for start in range(n_frame - n + 1)]
        warped.append(max(fitness_of_segment(similarity, start, n, WARPED) for start, n in segments))
    print(
        f"structureness, 3 to 8 s, of {n_song} excerpts of {WARPED_BARS} bars: mean {np.mean(straight):.3f}, with "
        f"warped paths {np.mean(warped):.3f}, rank correlation {rank_correlation(straight, warped).value:.3f}"
    )


def definitions() -> str:
    """The catalogue as a page."""
    parts = []
    for group in dict.fromkeys(metric.group for metric in CATALOGUE):
        parts.append(f"### {group.capitalize()}\n")
        parts.extend(
            f"**{metric.label}** (`{metric.name}`; {metric.unit}). {metric.definition} *{metric.source}*\n"
            for metric in CATALOGUE
            if metric.group == group
        )
    return "\n".join(parts)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def write_docs(page: Path, tables: dict[str, str]) -> None:
    """Put each table between its marks, `<!-- NAME -->` and `<!-- end NAME -->`."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        before, _, rest = text.partition(f"<!-- {name} -->")
        _, mark, after = rest.partition(f"<!-- end {name} -->")
        if not mark:
            raise SystemExit(f"{page}: no place for {name}: write <!-- {name} --> and <!-- end {name} -->")
        text = f"{before}<!-- {name} -->\n\n{table.strip()}\n\n{mark}{after}"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
