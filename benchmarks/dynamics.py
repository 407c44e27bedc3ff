"""Velocities, endings and timing of written pieces beside those of real songs.

    python benchmarks/pieces.py -o FOLDER --pieces 60
    python benchmarks/dynamics.py FOLDER --pack PACK [PACK ...] [--songs 300]
    python benchmarks/dynamics.py FOLDER --midi REAL_FOLDER [--rolls LPD_FOLDER]

With `--pack` beside the held-out songs of packs (their split `val`). A pack has `velocity // 8`; so that both are
alike, ours is divided too, and both are given as eight times that plus 4. Of each song one excerpt is measured, as
long as one of the pieces, at random; a song that is shorter whole. What is told of a track counts each track once,
whatever its length.

`level` is the mean velocity and `spread` the standard deviation within a track, `flat` the share of tracks that have
none. `overlap` is the overlap coefficient (1 is alike) of the histograms of velocity less the mean of its track, eight
wide; `moving` that of tracks with a spread alone, `velocity` that of velocity itself. The `songs` beside each is what
one half of the real songs reaches with the other.

The correlations are means over the songs in which both vary: of a note's velocity with its place in the bar (first
beat, third, other beats, eighths, sixteenths), of a bar's mean velocity with its onsets, and with that of the bar
before; `sd of bars` is the standard deviation of the bars' means.

The endings: onsets of the last bar beside the inner bars' mean, and the sixteenth (0 to 15) of the last drum stroke in
it, if there is one; of real songs, for whole songs as they end and for the excerpts, which are mostly cut off. `z` is
the distance of ours in standard deviations of the real ones.

The timing is that of our MIDI files, with `--midi` that of other MIDI files as they were played or typed, and with
`--rolls` that of LPD's pianorolls (.npz, 24 steps a beat: 21 ms at 120 BPM). An onset within a quarter of a sixteenth
of the grid is loosely on it, the others (triplets, 32nds) are `off`. `exact` is the share of onsets within 1 ms; `mean`
and `sd`, within a track, are of those loosely on the grid, in ms at the song's median tempo: a positive mean is late.
`swing` is the mean of onsets on the eighths between the beats less that on the beats. `inexact` is the share of tracks
of which under half of the onsets are exact, `their sd` that of these alone.
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from midi_io import MidiError, read_midi
from midi_io.midi_file import MIDI_SUFFIXES, read_midi_ticks
from midi_io.pianoroll import read_pianoroll_ticks
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, SECONDS_AT_1_BPM, Instrument
from midi_io.ticks import TickSong

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STEP = 8
"""Velocities that a pack does not tell apart."""
FEWEST = 16
"""Notes of a track that is measured."""
FEWEST_BARS = 4
METRE = np.array([4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0])
"""The weight of each sixteenth of a bar."""
DEVIATIONS = np.arange(-100, 101, STEP, dtype=float)
LEVELS = np.arange(0, 129, STEP)
LOOSE = 0.25
"""Sixteenths from the grid within which an onset belongs to it."""


class Notes(NamedTuple):
    """The notes of a song as columns."""

    position: Ints
    track: Ints
    velocity: Floats
    n_bar: int

    @property
    def bar(self) -> Ints:
        return self.position // POSITIONS_PER_BAR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="MIDI files of ours")
    parser.add_argument("--pack", type=Path, nargs="+", default=[])
    parser.add_argument("--songs", type=int, default=300, help="at most so many held-out songs of each pack")
    parser.add_argument("--midi", type=Path, help="folder with MIDI files of others")
    parser.add_argument("--rolls", type=Path, help="folder with LPD's pianorolls")
    options = parser.parse_args()
    paths = midi_files(options.folder)
    if not paths:
        parser.error(f"{options.folder}: no MIDI file")
    if options.pack:
        ours = [notes_of_file(path) for path in paths]
        real = [song for pack in options.pack for song in held_out(pack, options.songs)]
        rng = np.random.default_rng(0)
        excerpts = [excerpt(song, ours[int(rng.integers(len(ours)))].n_bar, rng) for song in real]
        print(f"{len(ours)} pieces of {options.folder}, {len(real)} held-out songs\n")
        print_spreads(ours, excerpts)
        print_relations(ours, excerpts)
        print_endings(ours, real, excerpts)
    print_timing_head()
    print_timing("ours", map(read_midi_ticks, paths))
    if options.midi:
        print_timing(options.midi.name, readable(options.midi))
    if options.rolls:
        print_timing(options.rolls.name, map(read_pianoroll_ticks, sorted(options.rolls.rglob("*.npz"))))


def midi_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)


def readable(folder: Path) -> Iterable[TickSong]:
    for path in midi_files(folder):
        try:
            yield read_midi_ticks(path)
        except MidiError as error:
            print(error)


def notes_of_file(path: Path) -> Notes:
    song = read_midi(path)
    columns = np.array([(note.position, note.instrument, note.velocity) for note in song.notes]).T
    return Notes(columns[0], columns[1], rounded(columns[2] // STEP), song.n_bar)


def rounded(eighths: NDArray[np.integer]) -> Floats:
    """The middle of the velocities that a pack writes as one."""
    return np.asarray(STEP * eighths.astype(float) + STEP / 2)


def held_out(path: Path, n_song: int) -> list[Notes]:
    """Songs of the split `val`, drawn at random."""
    list_path = path.with_name(path.name.replace("lpd5_16th_", "songs_").replace(".npz.xz", ".json.xz"))
    with lzma.open(list_path, "rt", encoding="utf-8") as file:
        chosen = [i for i, info in enumerate(json.load(file)) if info["split"] == "val"]
    with lzma.open(path) as file:
        pack = np.load(io.BytesIO(file.read()), allow_pickle=False)
    dt, track, velocity, offsets = (pack[name] for name in ("dt", "track", "vel", "offsets"))
    songs = []
    for i in np.sort(np.random.default_rng(0).permutation(chosen)[:n_song]):
        a, b = offsets[i : i + 2]
        position = np.cumsum(dt[a:b], dtype=np.int64)
        n_bar = int(position[-1]) // POSITIONS_PER_BAR + 1
        songs.append(Notes(position, track[a:b].astype(np.int64), rounded(velocity[a:b]), n_bar))
    return songs


def excerpt(song: Notes, n_bar: int, rng: np.random.Generator) -> Notes:
    """So many bars of a song from a random one on."""
    begin = int(rng.integers(max(1, song.n_bar - n_bar + 1)))
    kept = (song.bar >= begin) & (song.bar < begin + n_bar)
    position = song.position[kept] - begin * POSITIONS_PER_BAR
    return Notes(position, song.track[kept], song.velocity[kept], min(n_bar, song.n_bar))


def tracks(songs: Sequence[Notes], instrument: Instrument | None) -> list[Floats]:
    """Velocities of each track that is long enough; of one instrument or of all."""
    wanted = list(Instrument) if instrument is None else [instrument]
    found = [song.velocity[song.track == one] for song in songs for one in wanted]
    return [velocities for velocities in found if len(velocities) >= FEWEST]


def histogram(values: Sequence[Floats], edges: NDArray[np.generic]) -> Floats:
    """The mean of the histograms of tracks, each with the sum 1."""
    found = [np.histogram(np.clip(one, edges[0], edges[-1]), edges)[0] / len(one) for one in values]
    return np.asarray(np.mean(found, axis=0)) if found else np.zeros(len(edges) - 1)


def overlap(a: Sequence[Floats], b: Sequence[Floats], edges: NDArray[np.generic]) -> float:
    return float(np.minimum(histogram(a, edges), histogram(b, edges)).sum())


def centred(values: Sequence[Floats]) -> list[Floats]:
    return [one - one.mean() for one in values]


def print_spreads(ours: Sequence[Notes], real: Sequence[Notes]) -> None:
    print(
        f"{'':8} {'tracks':>11} {'level':>13} {'spread':>13} {'flat':>11} {'overlap':>7} {'songs':>5} {'moving':>6} "
        f"{'songs':>5} {'velocity':>8} {'songs':>5}"
    )
    for instrument in [*Instrument, None]:
        mine, theirs = tracks(ours, instrument), tracks(real, instrument)
        spreads = [np.array([one.std() for one in part]) for part in (mine, theirs)]
        halves = theirs[::2], theirs[1::2]
        moving = [[one for one in part if one.std() > 0] for part in (mine, theirs, *halves)]
        cells = [
            f"{len(mine):5} {len(theirs):5}",
            pair([float(np.mean([one.mean() for one in part])) for part in (mine, theirs)]),
            pair([float(spread.mean()) for spread in spreads]),
            " ".join(f"{np.mean(spread == 0):5.2f}" for spread in spreads),
            f"{overlap(centred(mine), centred(theirs), DEVIATIONS):7.2f}",
            f"{overlap(*map(centred, halves), DEVIATIONS):5.2f}",
            f"{overlap(centred(moving[0]), centred(moving[1]), DEVIATIONS):6.2f}",
            f"{overlap(centred(moving[2]), centred(moving[3]), DEVIATIONS):5.2f}",
            f"{overlap(mine, theirs, LEVELS):8.2f}",
            f"{overlap(*halves, LEVELS):5.2f}",
        ]
        print(f"{instrument.label if instrument is not None else 'all':8} {' '.join(cells)}")
    print("(two numbers in a column: ours, real)\n")


def pair(values: Sequence[float]) -> str:
    return " ".join(f"{value:6.1f}" for value in values)


def print_relations(ours: Sequence[Notes], real: Sequence[Notes]) -> None:
    print(f"{'':8} {'with metre':>13} {'with onsets':>13} {'bar to bar':>13} {'sd of bars':>13}")
    for instrument in [*Instrument, None]:
        cells = []
        for relation in (with_metre, with_onsets, bar_to_bar, spread_of_bars):
            means = []
            for songs in (ours, real):
                values = np.array([relation(part_of(song, instrument)) for song in songs])
                means.append(np.nanmean(values) if np.isfinite(values).any() else np.nan)
            cells.append(f"{means[0]:+6.2f} {means[1]:+6.2f}")
        print(f"{instrument.label if instrument is not None else 'all':8} {' '.join(cells)}")
    print("(ours, real)\n")


def part_of(song: Notes, instrument: Instrument | None) -> Notes:
    if instrument is None:
        return song
    own = song.track == instrument
    return Notes(song.position[own], song.track[own], song.velocity[own], song.n_bar)


def correlation(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Pearson's, or nan where one of both does not vary."""
    if len(a) < FEWEST_BARS or not np.ptp(a) or not np.ptp(b):
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])


def with_metre(song: Notes) -> float:
    return correlation(song.velocity, METRE[song.position % POSITIONS_PER_BAR])


def bars_of(song: Notes) -> tuple[Floats, Ints]:
    """Of each bar the mean velocity, nan without notes, and the number of onsets."""
    counts = np.bincount(song.bar, minlength=song.n_bar)
    sums = np.bincount(song.bar, song.velocity, minlength=song.n_bar)
    onsets = np.unique(np.stack([song.position, song.track], axis=1), axis=0)[:, 0]
    per_bar = np.bincount(onsets // POSITIONS_PER_BAR, minlength=song.n_bar)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), per_bar


def with_onsets(song: Notes) -> float:
    means, onsets = bars_of(song)
    plays = np.isfinite(means)
    return correlation(means[plays], onsets[plays])


def bar_to_bar(song: Notes) -> float:
    means, _ = bars_of(song)
    both = np.isfinite(means[1:]) & np.isfinite(means[:-1])
    return correlation(means[1:][both], means[:-1][both])


def spread_of_bars(song: Notes) -> float:
    means, _ = bars_of(song)
    means = means[np.isfinite(means)]
    return float(means.std()) if len(means) >= FEWEST_BARS else np.nan


def print_endings(ours: Sequence[Notes], whole: Sequence[Notes], excerpts: Sequence[Notes]) -> None:
    print(f"{'ending':20} {'ours':>14} {'real, whole':>14} {'z':>6} {'real, excerpts':>14} {'z':>6}")
    for name, column in (("last bar's onsets", 0), ("last drum stroke", 1)):
        found = [np.array([ending(song)[column] for song in songs]) for songs in (ours, whole, excerpts)]
        means, deviations = [np.nanmean(f) for f in found], [np.nanstd(f) for f in found]
        cells = [f"{mean:6.2f} ({deviation:4.2f})" for mean, deviation in zip(means, deviations, strict=True)]
        z = [(means[0] - means[i]) / deviations[i] for i in (1, 2)]
        print(f"{name:20} {cells[0]:>14} {cells[1]:>14} {z[0]:+6.2f} {cells[2]:>14} {z[1]:+6.2f}")
    print("(mean, standard deviation)\n")


def ending(song: Notes) -> tuple[float, float]:
    """Density of the last bar beside the inner bars' mean; place of the last drum stroke in it; nan where undefined."""
    density = np.bincount(np.unique(song.position) // POSITIONS_PER_BAR)
    last = len(density) - 1
    inner = density[1:last].mean() if last > 1 else 0.0
    strokes = song.position[(song.track == Instrument.DRUMS) & (song.bar == last)]
    return (
        float(density[last] / inner) if inner else np.nan,
        float(strokes.max() % POSITIONS_PER_BAR) if len(strokes) else np.nan,
    )


def print_timing_head() -> None:
    print(
        f"{'timing':18} {'':8} {'tracks':>6} {'exact':>6} {'off':>5} {'mean':>6} {'sd':>5} {'swing':>6} "
        f"{'inexact':>7} {'their sd':>8}"
    )


def print_timing(name: str, songs: Iterable[TickSong]) -> None:
    """A line for each instrument."""
    found: dict[Instrument, list[tuple[Floats, Floats]]] = {instrument: [] for instrument in Instrument}
    for song in songs:
        for instrument in Instrument:
            start = np.unique(song.notes.start[song.notes.instrument == instrument])
            if len(start) >= FEWEST:
                sixteenths = start * POSITIONS_PER_BEAT / song.ticks_per_beat
                ms = 1000 * SECONDS_AT_1_BPM / (song.median_tempo or 120.0)
                found[instrument].append((sixteenths, (sixteenths - np.round(sixteenths)) * ms))
    for instrument, played in found.items():
        if not played:
            continue
        rows = np.array([of_track(sixteenths, ms) for sixteenths, ms in played])
        inexact = rows[:, 0] < 0.5
        mean = np.nanmean(rows, axis=0)
        loose = f"{np.nanmean(rows[inexact, 3]):8.1f}" if inexact.any() else f"{'-':>8}"
        print(
            f"{name[:18]:18} {instrument.label:8} {len(rows):6} {mean[0]:6.2f} {mean[1]:5.2f} {mean[2]:+6.1f} "
            f"{mean[3]:5.1f} {mean[4]:+6.1f} {inexact.mean():7.2f} {loose}"
        )


def of_track(sixteenths: Floats, ms: Floats) -> tuple[float, float, float, float, float]:
    """Share exact, share off, mean and standard deviation of the others in ms, and the swing."""
    on_grid = np.abs(sixteenths - np.round(sixteenths)) <= LOOSE
    place = np.round(sixteenths).astype(int) % POSITIONS_PER_BEAT
    if not on_grid.any():
        return 0.0, 1.0, np.nan, np.nan, np.nan
    beats, eighths = ms[on_grid & (place == 0)], ms[on_grid & (place == 2)]
    swing = float(eighths.mean() - beats.mean()) if len(beats) and len(eighths) else np.nan
    exact = float(np.mean(np.abs(ms) <= 1))
    return exact, float(np.mean(~on_grid)), float(ms[on_grid].mean()), float(ms[on_grid].std()), swing


if __name__ == "__main__":
    main()
