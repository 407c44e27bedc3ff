"""How much of a song repeats, by the length of what is repeated: the structureness indicator.

The fitness of a segment is the harmonic mean of two shares: how well it explains the stretches that
repeat it (their similarity beyond its own, per frame), and how much of the song they cover beyond itself.
The indicator is the largest fitness of all segments whose length lies in a range of seconds.

Cost: with paths as diagonals the score of a repetition is a difference of two prefix sums, and the best family
for each segment follows from a running maximum: N**3 / 2 steps for N frames in all, where the definition
takes N**4 / 6.

Conventions
-----------
- Frames are beats, and a frame's chroma is how long each of the 12 pitch classes sounds in it. Repeated bars
  so fall on whole frames. Wu & Yang take 2 frames a second of audio, which is the same at 120 BPM.
- Similarity is the cosine of two chroma vectors, the mean over the four beats that follow or that precede,
  whichever is larger. The largest quarter of the similarities is kept and scaled to 0..1, the rest becomes
  -2, and a frame is wholly like itself. A silent frame is like no other.
- A repetition advances by one frame a frame: the step (1, 1) alone. The steps (1, 2) and (2, 1), by which
  Müller's paths follow players who change their tempo, would let paths in a song of one tempo only wander from
  one chance likeness to the next. `fitness_of_segment` knows both step sets, for comparison.
- Of families of repetitions with the same score the one with the fewest repetitions counts.
- Similarities are rounded to 2**-16, so that sums are exact and the value depends on no order of summing.
- A song without pitched notes, or with no segment of that length, has no value, and the `Measurement` says why. What is
  no song, or no range of seconds, raises ValueError.

Metrics
-------
- `structureness`, `structureness_at_scales`: the indicator for one range of seconds, or several.
- `largest_fitness`, `fitness_of_segment`: the same on a matrix of similarities, the quick way and by the definition.

Source
------
Wu & Yang, *The Jazz Transformer on the Front Line* (ISMIR 2020), on the fitness scape plot of Müller, Jiang &
Grosche, *A Robust Fitness Measure for Capturing Repetitions in Music Recordings* (IEEE TASLP 21(3), 2013).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cmt.metrics.validation import Floats, Measurement, columns_of, undefined
from midi_io.song import POSITIONS_PER_BEAT, Song

MAX_FRAMES = 600
"""Beats of a song that are looked at: its first 150 bars."""
KEPT_SHARE = 0.25
"""Share of the similarities that is kept, the largest."""
PENALTY = -2.0
"""Similarity of all other pairs of beats."""
SMOOTHING = 4
"""Beats over which the likeness of two instants is averaged."""
SCALES = {"short": (3.0, 8.0), "middle": (8.0, 15.0), "long": (15.0, math.inf)}
"""Wu & Yang's three scales: the lengths of segments in seconds, from and up to."""
DIAGONAL = ((1, 1),)
"""Steps (rows, columns) of a path in a song of one tempo."""
WARPED = ((1, 1), (2, 1), (1, 2))
"""Steps (rows, columns) of Müller's paths, which may change their tempo. Used by benchmarks/metrics.py."""

_UNIT = 2.0**-16
_COUNT = 4096.0  # more than there can be repetitions


def structureness(song: Song, shortest: float, longest: float = math.inf) -> Measurement:
    """The largest fitness, 0 to 1, of all segments of `shortest` to `longest` seconds.

    Not defined for a song shorter than `shortest` or without pitched notes. Wu & Yang's scales are 3 to 8, 8 to 15, and
    15 seconds and more.

    Raises
    ------
    ValueError
        If `shortest` is not above 0 and below `longest`, or `song` is no song.
    """
    return structureness_at_scales(song, {"": (shortest, longest)})[""]


def structureness_at_scales(
    song: Song, scales: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, Measurement]:
    """`structureness` for several ranges of seconds at the cost of one, by their names; by default `SCALES`.

    Raises
    ------
    ValueError
        If a range does not begin above 0 and end later, or `song` is no song.
    """
    scales = SCALES if scales is None else scales
    for shortest, longest in scales.values():
        if not 0 < shortest < longest:
            raise ValueError(f"a range of seconds is needed, got {shortest} to {longest}")
    columns = columns_of(song).pitched()
    if not len(columns.pitch):
        return dict.fromkeys(scales, undefined("no pitched notes"))
    sums = _diagonal_sums(self_similarity(song))
    n_frame, frame = len(sums) - 1, 60.0 / song.tempo
    values = {}
    for name, (shortest, longest) in scales.items():
        low = max(1, math.ceil(shortest / frame - 1e-9))
        high = n_frame if math.isinf(longest) else min(n_frame, math.floor(longest / frame + 1e-9))
        if low > n_frame:
            values[name] = undefined(f"shorter than {shortest:g} s")
        elif low > high:
            values[name] = undefined(f"no whole beat between {shortest:g} and {longest:g} s")
        else:
            values[name] = Measurement(_largest_fitness(sums, low, high))
    return values


def chroma(song: Song) -> Floats:
    """(n_beat, 12) sixteenths for which each pitch class sounds in each beat; drums left out."""
    notes = columns_of(song).pitched()
    n_beat = min(MAX_FRAMES, -int(-song.length // POSITIONS_PER_BEAT))
    change = np.zeros((n_beat * POSITIONS_PER_BEAT + 1, 12))
    last = len(change) - 1
    np.add.at(change, (np.minimum(notes.position, last), notes.pitch % 12), 1)
    np.add.at(change, (np.minimum(notes.position + notes.duration, last), notes.pitch % 12), -1)
    sounding = np.cumsum(change, axis=0)[:-1]
    by_beat: Floats = sounding.reshape(n_beat, POSITIONS_PER_BEAT, 12).sum(axis=1)
    return by_beat


def self_similarity(song: Song) -> Floats:
    """(n_beat, n_beat) how like each beat is to each other, -2 or 0..1; 1 on the diagonal."""
    vectors = chroma(song)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    # Rounded: equal bars must be equally alike, whatever the order in which a library multiplies.
    cosines = np.round(vectors @ vectors.T, 9)
    smooth = np.round(np.maximum(_mean_ahead(cosines), _mean_ahead(cosines[::-1, ::-1])[::-1, ::-1]), 9)
    threshold = np.quantile(smooth, 1 - KEPT_SHARE, method="higher")
    kept = (smooth >= threshold) & (smooth > 0)
    if kept.any():
        least, most = smooth[kept].min(), smooth.max()
        scaled = (smooth - least) / (most - least) if most > least else np.ones_like(smooth)
    else:
        scaled = smooth
    similarity = np.where(kept, np.round(scaled / _UNIT) * _UNIT, PENALTY)
    np.fill_diagonal(similarity, 1.0)
    return similarity


def _mean_ahead(matrix: Floats) -> Floats:
    """Of each cell the mean of it and the next ones down its diagonal, as far as there are any."""
    total, count = np.zeros_like(matrix), np.zeros_like(matrix)
    n = len(matrix)
    for step in range(min(SMOOTHING, n)):
        total[: n - step, : n - step] += matrix[step:, step:]
        count[: n - step, : n - step] += 1
    return total / count


def largest_fitness(similarity: Floats, low: int, high: int) -> float:
    """The largest fitness, 0 to 1, of all segments of `low` to `high` frames, of (n, n) similarities.

    The module says how. Used by benchmarks/metrics.py.

    Raises
    ------
    ValueError
        If the matrix is not square, or has a value above 1 or another than 1 on its diagonal.
    """
    return _largest_fitness(_diagonal_sums(similarity), low, high)


def _largest_fitness(sums: Floats, low: int, high: int) -> float:
    n_frame = len(sums) - 1
    best = 0.0
    for length in range(low, high + 1):
        # A segment explains no more than the rest of the song, so longer ones can no longer win.
        if 1 - length / n_frame <= best:
            break
        best = max(best, float(_fitness_of_length(sums, length).max()))
    return best


def _diagonal_sums(similarity: Floats) -> Floats:
    """(n + 1, n + 1) sums down the diagonals from the border to each cell, in whole units."""
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1] or not len(similarity):
        raise ValueError(f"a square matrix is needed, got shape {similarity.shape}")
    if similarity.max() > 1 or not (np.diagonal(similarity) == 1).all():
        raise ValueError("similarities must be at most 1, and 1 on the diagonal")
    n_frame = len(similarity)
    sums = np.zeros((n_frame + 1, n_frame + 1))
    whole = np.round(similarity / _UNIT) * _COUNT
    for row in range(n_frame):
        sums[row + 1, 1:] = sums[row, :-1] + whole[row]
    return sums


def _fitness_of_length(sums: Floats, length: int) -> Floats:
    """(n - length + 1,) fitness of the segments of `length` frames.

    `best[n]` is the score of the best family within the first n frames, times _COUNT, less its number of
    repetitions: one number, whose maximum has the best score and among equals the fewest repetitions.
    """
    n_frame = len(sums) - 1
    gain = sums[length:, length:] - sums[:-length, :-length] - 1  # (begin of the repetition, segment)
    best = np.zeros((n_frame + 1, gain.shape[1]))
    # Whatever ends within `length` frames from here began before: a block at a time.
    for begin in range(0, len(gain), length):
        end = min(begin + length, len(gain))
        candidates = best[begin:end] + gain[begin:end]
        np.maximum(candidates[0], best[begin + length - 1], out=candidates[0])
        best[begin + length : end + length] = np.maximum.accumulate(candidates, axis=0)
    n_repeat = np.mod(-best[-1], _COUNT)
    score = (best[-1] + n_repeat) / _COUNT * _UNIT
    explained = (score - length) / (n_repeat * length)
    covered = (n_repeat * length - length) / n_frame
    return _harmonic_mean(explained, covered)


def _harmonic_mean(one: Floats, other: Floats) -> Floats:
    total = one + other
    return np.divide(2 * one * other, total, out=np.zeros_like(total), where=total > 0)


def fitness_of_segment(
    similarity: Floats, start: int, length: int, steps: tuple[tuple[int, int], ...] = DIAGONAL
) -> float:
    """Fitness of the segment of `length` frames from frame `start` on, by the definition, cell by cell: slow.

    Of (n, n) similarities. Müller, Jiang & Grosche 2013, section III; `rest` is the elevator column of their recursion.
    Used by benchmarks/metrics.py.
    """
    n_frame = len(similarity)
    segment = np.round(similarity[:, start : start + length] / _UNIT)
    worst = (-math.inf, 0, 0, 0)
    rest = (0.0, 0, 0, 0)  # score, less the repetitions, cells, rows covered
    rows: list[list[tuple[float, int, int, int]]] = []
    for row in range(n_frame):
        if row:
            rest = max(rest, rows[-1][-1])
        cells = []
        for column in range(length):
            if column == 0:
                before, n_row = (rest[0], rest[1] - 1, rest[2], rest[3]), 1
            else:
                candidates = [
                    (rows[row - down][column - across], down)
                    for down, across in steps
                    if row >= down and column >= across
                ]
                before, n_row = max(candidates, default=(worst, 1))
            cells.append((before[0] + segment[row, column], before[1], before[2] + 1, before[3] + n_row))
        rows.append(cells)
    score, _, n_cell, n_covered = max(rest, rows[-1][-1])
    explained, covered = (score * _UNIT - length) / n_cell, (n_covered - length) / n_frame
    return 2 * explained * covered / (explained + covered) if explained + covered > 0 else 0.0
