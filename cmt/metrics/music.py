"""What a song is like, in numbers, without looking at anything else.

Conventions
-----------
- A bar is 16 positions (4/4); what depends on that grid says so.
- Drums have no pitch: whatever speaks of pitches leaves them out.
- Entropies are in bits.
- A song without the notes in question has no value, and the `Measurement` says why. What is no song, or has no finite
  tempo and length, raises ValueError.

Metrics
-------
- `pitch_class_entropy`, `pitch_entropy`, `scale_consistency`, `polyphony`: pitches.
- `grooving_similarity`, `adjacent_grooving_similarity`, `density`, `drum_consistency`: rhythm.
- `empty_bars`, `different_bars`, `pattern_repetition`: bars.

Source
------
Wu & Yang, *The Jazz Transformer on the Front Line* (ISMIR 2020) for the pitch-class entropies and the grooving
similarity; Dong et al., *MusPy* (ISMIR 2020) and *MuseGAN* (AAAI 2018) for the pitch entropy, grooving of neighbours,
scale consistency, polyphony and empty bars; Di et al., *Video Background Music Generation with Controllable Music
Transformer* (ACM MM 2021, eq. 8) for the density; the others are ours.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmt.metrics.validation import Floats, Measurement, columns_of, undefined
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)


def pitch_class_entropy(song: Song, n_bar: int = 4) -> Measurement:
    """Entropy in bits, 0 to log2(12) = 3.585, of the pitch classes that start within `n_bar` bars.

    The mean over all windows of `n_bar` bars that hold a pitched note; neighbouring windows are one bar
    apart, and a song shorter than a window is one window. Wu & Yang call it H1 and H4 for 1 and 4 bars.
    Published values above 3.585 are another quantity: see `pitch_entropy`.

    Raises
    ------
    ValueError
        If `n_bar` is less than 1, or `song` is no song.
    """
    if n_bar < 1:
        raise ValueError(f"n_bar must be 1 or more, got {n_bar}")
    notes = columns_of(song).pitched()
    if not len(notes.pitch):
        return undefined("no pitched notes")
    bars = notes.position // POSITIONS_PER_BAR
    histograms = np.zeros((max(song.n_bar, int(bars.max()) + 1), 12))
    np.add.at(histograms, (bars, notes.pitch % 12), 1)
    before = np.concatenate([np.zeros((1, 12)), np.cumsum(histograms, axis=0)])
    windows = before[n_bar:] - before[:-n_bar] if len(histograms) >= n_bar else before[-1:]
    return Measurement(float(_entropy(windows[windows.sum(axis=1) > 0]).mean()))


def pitch_entropy(song: Song) -> Measurement:
    """Entropy in bits, 0 to 7, of the 128 pitches over the whole song (muspy's `pitch_entropy`)."""
    notes = columns_of(song).pitched()
    if not len(notes.pitch):
        return undefined("no pitched notes")
    return Measurement(float(_entropy(np.bincount(notes.pitch, minlength=128)[None])[0]))


def _entropy(histograms: NDArray[Any]) -> Floats:
    """(n,) bits, of (n, class) counts, none all 0."""
    shares = histograms / histograms.sum(axis=1, keepdims=True)
    logarithms = np.log2(shares, out=np.zeros_like(shares, dtype=float), where=shares > 0)
    bits: Floats = np.abs(-(shares * logarithms).sum(axis=1))
    return bits


def grooving_similarity(song: Song) -> Measurement:
    """How alike the rhythms of the bars are, 0 to 1, over all pairs of bars; not defined with fewer than two.

    A bar's groove is which of its 16 positions hold an onset of any track; two bars are alike by
    the share of positions on which they agree. The value depends on this grid of 16: it says
    nothing beside values on another. Wu & Yang draw 1,000 pairs of a long song; here all count.
    """
    grooves = onsets(song)
    n_bar = len(grooves)
    if n_bar < 2:
        return undefined("fewer than two bars")
    # Of each position: pairs of bars that agree are those in which both or neither have an onset.
    hits = grooves.sum(axis=0)
    agreeing = hits * (hits - 1) / 2 + (n_bar - hits) * (n_bar - hits - 1) / 2
    return Measurement(float(agreeing.sum() / (POSITIONS_PER_BAR * n_bar * (n_bar - 1) / 2)))


def adjacent_grooving_similarity(song: Song) -> Measurement:
    """How alike the rhythms of neighbouring bars are, 0 to 1, on the same 16 positions; not defined for fewer than two.

    muspy's `groove_consistency` is this on a grid as fine as the file's ticks, with one bar more, an empty one,
    where the last note ends with a bar.
    """
    grooves = onsets(song)
    if len(grooves) < 2:
        return undefined("fewer than two bars")
    return Measurement(float((grooves[1:] == grooves[:-1]).mean()))


def onsets(song: Song, instrument: Instrument | None = None) -> NDArray[np.bool_]:
    """(n_bar, 16): where at least one note starts, of one instrument or of any."""
    notes = columns_of(song)
    if instrument is not None:
        notes = notes.chosen(notes.instrument == instrument)
    n_bar = max(song.n_bar, int(notes.position.max(initial=-1)) // POSITIONS_PER_BAR + 1)
    grid = np.zeros(n_bar * POSITIONS_PER_BAR, dtype=bool)
    grid[notes.position] = True
    return grid.reshape(n_bar, POSITIONS_PER_BAR)


def density(song: Song) -> Measurement:
    """Positions of a bar on which a note starts, 0 to 16, mean over all bars (Di et al. 2021, eq. 8)."""
    grid = onsets(song)
    if not len(grid):
        return undefined("no bars")
    return Measurement(float(grid.sum(axis=1).mean()))


def scale_consistency(song: Song) -> Measurement:
    """The largest share of the notes, 0 to 1, that lie in one major scale or its relative minor (as in muspy)."""
    notes = columns_of(song).pitched()
    if not len(notes.pitch):
        return undefined("no pitched notes")
    counts = np.bincount(notes.pitch % 12, minlength=12)
    scales = [[(tonic + degree) % 12 for degree in _MAJOR_SCALE] for tonic in range(12)]
    return Measurement(float(counts[np.array(scales)].sum(axis=1).max() / counts.sum()))


def polyphony(song: Song) -> Measurement:
    """Different pitches that sound at once, 1 or more, mean over the positions on which one sounds.

    As in muspy. A pitch that two instruments play together counts once.
    """
    notes = columns_of(song).pitched()
    if not len(notes.pitch):
        return undefined("no pitched notes")
    ends = notes.position + notes.duration
    away = int(ends.max()) + 1  # keeps the spans of one pitch clear of the next one's
    sounding = _covered(notes.position + notes.pitch * away, ends + notes.pitch * away)
    return Measurement(sounding / _covered(notes.position, ends))


def _covered(starts: NDArray[np.integer[Any]], ends: NDArray[np.integer[Any]]) -> float:
    """The length of the union of spans."""
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    before = np.concatenate([starts[:1], reached[:-1]])
    return float((reached - np.maximum(starts, before)).sum())


def empty_bars(song: Song) -> Measurement:
    """Share of the bars, 0 to 1, in which nothing sounds: no note starts, none goes on (MuseGAN's empty bars)."""
    notes = columns_of(song)
    n_bar = max(song.n_bar, int(notes.position.max(initial=-1)) // POSITIONS_PER_BAR + 1)
    if not n_bar:
        return undefined("no bars")
    change = np.zeros(n_bar + 1)
    np.add.at(change, notes.position // POSITIONS_PER_BAR, 1)
    last = (notes.position + notes.duration - 1) // POSITIONS_PER_BAR
    np.add.at(change, np.minimum(last, n_bar - 1) + 1, -1)
    return Measurement(float((np.cumsum(change[:-1]) == 0).mean()))


def drum_consistency(song: Song) -> Measurement:
    """How much of the drum pattern neighbouring bars share, 0 to 1.

    A bar's pattern is the set of its strokes, each a key and a position; two patterns share their
    intersection over their union (Jaccard). The mean over neighbouring bars that both have drums. On a grid of
    sixteenths muspy's `drum_pattern_consistency` is 1 for every song.
    """
    notes = columns_of(song)
    notes = notes.chosen(notes.instrument == Instrument.DRUMS)
    if not len(notes.pitch):
        return undefined("no drums")
    bars, positions = np.divmod(notes.position, POSITIONS_PER_BAR)
    # A stroke is one number; the same stroke one bar later is the same number with the next bar's in front.
    strokes = np.unique(bars * 2048 + positions * 128 + notes.pitch)
    per_bar = np.bincount(strokes // 2048)
    shared = np.bincount(np.intersect1d(strokes, strokes + 2048) // 2048, minlength=len(per_bar))[: len(per_bar)]
    both = (per_bar[1:] > 0) & (per_bar[:-1] > 0)
    if not both.any():
        return undefined("no two neighbouring bars with drums")
    union = per_bar[1:] + per_bar[:-1] - shared[1:]
    return Measurement(float((shared[1:][both] / union[both]).mean()))


def different_bars(song: Song) -> Measurement:
    """Share of the bars, 0 to 1, that differ in a note from all before them; a bar looped for ever nears 0."""
    bars = bar_contents(song)
    if not bars:
        return undefined("no bars")
    return Measurement(len(set(bars)) / len(bars))


def bar_contents(song: Song) -> list[bytes]:
    """(n_bar,) of each bar its notes (position in the bar, instrument, pitch) as one value that can be compared."""
    notes = columns_of(song)
    n_bar = max(song.n_bar, int(notes.position.max(initial=-1)) // POSITIONS_PER_BAR + 1)
    bars, positions = np.divmod(notes.position, POSITIONS_PER_BAR)
    keys = np.unique(((bars * POSITIONS_PER_BAR + positions) * 8 + notes.instrument) * 128 + notes.pitch)
    per_bar = POSITIONS_PER_BAR * 8 * 128
    edges = np.searchsorted(keys, np.arange(n_bar + 1) * per_bar)
    return [(keys[a:b] % per_bar).tobytes() for a, b in pairwise(edges)]


def pattern_repetition(song: Song, instrument: Instrument) -> Measurement:
    """Share of an instrument's sounding bars, 0 to 1, whose onsets are also those of another of its bars.

    Used by benchmarks/music.py.
    """
    grid = onsets(song, instrument)
    grid = grid[grid.any(axis=1)]
    if len(grid) < 2:
        return undefined(f"fewer than two bars of {instrument.label}")
    _, inverse, counts = np.unique(grid, axis=0, return_inverse=True, return_counts=True)
    return Measurement(float((counts[inverse.ravel()] > 1).mean()))
