"""What a corpus holds, in numbers and as a picture: words, bars, genres, instruments, densities, strengths, tempi."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cmt.corpus.folder import Entry
from cmt.corpus.intake import Rhythm
from cmt.music.words import MAX_STRENGTH, TEMPO_EDGES, Genre, Mode, tempo_class
from midi_io.song import POSITIONS_PER_BAR, Instrument

FREE_GENRE = "free"
"""The genre's name for songs whose genre is not known."""
_QUANTILES = (0, 5, 25, 50, 75, 95, 100)


def statistics_of(songs: Iterable[tuple[Entry, Rhythm]]) -> dict[str, object]:
    """The numbers, ready for JSON; a song's words are those of its whole length, END included."""
    words, bars, notes = [], [], []
    splits: dict[str, int] = {}
    genres = {label: {"songs": 0, "words": 0, "bars": 0} for label in (*(genre.label for genre in Genre), FREE_GENRE)}
    modes = {mode.label: 0 for mode in Mode}
    tempi = np.zeros(len(TEMPO_EDGES) + 1, np.int64)
    density = np.zeros(POSITIONS_PER_BAR + 1, np.int64)
    strength = np.zeros((len(Instrument), MAX_STRENGTH + 1), np.int64)
    playing = np.zeros(len(Instrument), np.int64)
    for entry, rhythm in songs:
        info = entry.info
        words.append(rhythm.n_word)
        bars.append(info.n_bar)
        notes.append(entry.n_note)
        splits[entry.split] = splits.get(entry.split, 0) + 1
        genre = genres[FREE_GENRE if info.genre is None else info.genre.label]
        for name, n in (("songs", 1), ("words", rhythm.n_word), ("bars", info.n_bar)):
            genre[name] += n
        modes[info.mode.label] += 1
        if info.tempo is not None:
            tempi[tempo_class(info.tempo)] += 1
        density += rhythm.density
        strength += rhythm.strength
        playing += rhythm.strength.any(axis=1)
    in_simu_notes = strength @ np.arange(MAX_STRENGTH + 1)
    return {
        "songs": len(words),
        "splits": dict(sorted(splits.items())),
        "words": sum(words),
        "bars": sum(bars),
        "notes": sum(notes),
        "words_of_a_song": _quantiles(words),
        "bars_of_a_song": _quantiles(bars),
        "notes_of_a_song": _quantiles(notes),
        "genres": genres,
        "modes": modes,
        "tempo_edges": list(TEMPO_EDGES),
        "tempo_classes": tempi.tolist(),
        "instruments": {
            instrument.label: {"songs": int(playing[instrument]), "notes": int(in_simu_notes[instrument])}
            for instrument in Instrument
        },
        "density": density.tolist(),
        "strength": {instrument.label: strength[instrument].tolist() for instrument in Instrument},
    }


def draw_statistics(statistics: dict[str, Any], path: Path) -> None:
    """The numbers of `statistics_of` as a picture of six parts; the format is the suffix's."""
    from matplotlib.figure import Figure

    from cmt.music.colours import COLOURS

    figure = Figure(figsize=(14, 7.5), layout="constrained")
    (genres, instruments, lengths), (density, strength, tempi) = figure.subplots(2, 3)
    figure.suptitle(
        f"{statistics['songs']:,} songs, {statistics['bars']:,} bars, {statistics['notes']:,} notes, "
        f"{statistics['words']:,} words"
    )
    labels = list(statistics["genres"])
    counts = [statistics["genres"][label]["songs"] for label in labels]
    genres.bar_label(genres.bar(labels, counts, color="#30638e"), fontsize="small")
    genres.set(title="songs by genre", ylabel="songs")
    genres.margins(y=0.1)
    genres.tick_params(axis="x", rotation=30)

    labels = list(statistics["instruments"])
    colours = [COLOURS[instrument] for instrument in Instrument]
    shares = [100 * statistics["instruments"][label]["songs"] / max(1, statistics["songs"]) for label in labels]
    notes = [100 * statistics["instruments"][label]["notes"] / max(1, statistics["notes"]) for label in labels]
    place = np.arange(len(labels))
    instruments.bar(place - 0.2, shares, 0.38, color=colours)
    instruments.bar(place + 0.2, notes, 0.38, color=colours, alpha=0.45)
    instruments.set(title="instruments: full, songs they play in; pale, notes", ylabel="% of all", ylim=(0, 105))
    instruments.set_xticks(place, labels)

    for name, colour in (("words_of_a_song", "#d1495b"), ("notes_of_a_song", "#edae49"), ("bars_of_a_song", "#00798c")):
        quantiles = statistics[name]
        lengths.plot(
            list(quantiles.values()), [float(q) for q in quantiles], "o-", color=colour, label=name.split("_")[0]
        )
    lengths.set(title="length of a song", xlabel="at most", ylabel="% of songs", xscale="log")
    lengths.legend(frameon=False)

    classes = np.arange(POSITIONS_PER_BAR + 1)
    density.bar(classes, _percent(statistics["density"]), color="#30638e")
    density.set(
        title="density of bars", xlabel="positions on which notes start", ylabel="% of bars", xticks=classes[::2]
    )
    for instrument in Instrument:
        percent = _percent(statistics["strength"][instrument.label])
        strength.plot(classes[1:], percent[1:], "o-", color=COLOURS[instrument], label=instrument.label, markersize=4)
    strength.set(title="strength of simu-notes", xlabel="notes that start together", ylabel="% of the instrument's")
    strength.set(xlim=(0.5, 10.5), xticks=range(1, 11))
    strength.legend(frameon=False)

    edges = [f"{edge:g}" for edge in statistics["tempo_edges"]]
    names = [f"< {edges[0]}", *(f"{a}-\n{b}" for a, b in pairwise(edges)), f">= {edges[-1]}"]
    tempi.bar(names, _percent(statistics["tempo_classes"]), color="#30638e")
    tempi.set(title="tempo", xlabel="BPM", ylabel="% of songs")
    figure.savefig(path, dpi=100)


def _percent(counts: list[int]) -> np.ndarray:
    return 100 * np.array(counts) / max(1, sum(counts))


def _quantiles(values: list[int]) -> dict[str, int]:
    found = np.quantile(values, np.array(_QUANTILES) / 100, method="inverted_cdf")
    return {str(q): int(value) for q, value in zip(_QUANTILES, found, strict=True)}
