"""What a song is like, in numbers. Definitions of Wu & Yang, *The Jazz Transformer on the Front Line* (ISMIR 2020)."""

from __future__ import annotations

import numpy as np

from midi_io.song import POSITIONS_PER_BAR, Instrument, Song


def pitch_class_entropy(song: Song, n_bar: int = 4) -> float:
    """Entropy in bits, 0 to log2(12) = 3.585, of the pitch classes that start in windows of `n_bar` bars.

    The mean over windows that do not overlap and hold a pitched note; drums do not count; NaN
    without any. Wu & Yang call it H1 and H4 for windows of 1 and 4 bars.
    """
    histograms = np.zeros((-(-song.n_bar // n_bar), 12))
    for note in song.notes:
        if note.instrument is not Instrument.DRUMS:
            histograms[note.position // (n_bar * POSITIONS_PER_BAR), note.pitch % 12] += 1
    histograms = histograms[histograms.sum(axis=1) > 0]
    if not len(histograms):
        return float("nan")
    shares = histograms / histograms.sum(axis=1, keepdims=True)
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return float(-(shares * logarithms).sum(axis=1).mean())


def grooving_similarity(song: Song) -> float:
    """How alike the rhythms of the bars are, 0 to 1, over all pairs of bars; NaN with fewer than two.

    A bar's groove is which of its 16 positions hold an onset of any track; two bars are alike by
    the share of positions on which they agree. The value depends on this grid of 16: it says
    nothing beside values on another.
    """
    grooves = onsets(song)
    n_bar = len(grooves)
    if n_bar < 2:
        return float("nan")
    # Of each position: pairs of bars that agree are those in which both or neither have an onset.
    hits = grooves.sum(axis=0)
    agreeing = hits * (hits - 1) / 2 + (n_bar - hits) * (n_bar - hits - 1) / 2
    return float(agreeing.sum() / (POSITIONS_PER_BAR * n_bar * (n_bar - 1) / 2))


def onsets(song: Song, instrument: Instrument | None = None) -> np.ndarray:
    """(n_bar, 16) bool: where at least one note starts, of one instrument or of any."""
    grid = np.zeros((song.n_bar, POSITIONS_PER_BAR), dtype=bool)
    for note in song.notes:
        if instrument is None or note.instrument == instrument:
            grid[note.position // POSITIONS_PER_BAR, note.position % POSITIONS_PER_BAR] = True
    return grid


def different_bars(song: Song) -> float:
    """Share of the bars, 0 to 1, that differ in a note from all before them; a bar looped for ever nears 0."""
    bars: dict[int, set] = {bar: set() for bar in range(song.n_bar)}
    for note in song.notes:
        bars[note.position // POSITIONS_PER_BAR].add((note.position % POSITIONS_PER_BAR, note.instrument, note.pitch))
    return len({frozenset(bar) for bar in bars.values()}) / len(bars) if bars else float("nan")


def pattern_repetition(song: Song, instrument: Instrument) -> float:
    """Share of an instrument's sounding bars, 0 to 1, whose onsets are also those of another of its bars."""
    grid = onsets(song, instrument)
    grid = grid[grid.any(axis=1)]
    if len(grid) < 2:
        return float("nan")
    _, inverse, counts = np.unique(grid, axis=0, return_inverse=True, return_counts=True)
    return float((counts[inverse.ravel()] > 1).mean())
