"""The form of a piece, found in its notes: which earlier bar each bar repeats, where sections begin and which return.

Bars are compared by what starts in them: the Dice coefficient of their sets of (sixteenth, instrument, pitch), as in
self-similarity matrices of symbolic music. Two dynamic programs read the matrix: one finds for each bar the lag at
which the piece repeats itself, which seldom changes; one cuts the piece into sections where its texture changes
(novelty: Foote, *Automatic audio segmentation using a measure of audio novelty*, ICME 2000) and phrases begin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.encoding import NoteArrays
from midi_io.song import POSITIONS_PER_BAR, Instrument

MAX_LAG = 64
"""A bar may repeat one that lies this many bars before it."""
LEAST_LIKE = 0.4
"""A bar repeats another from this Dice coefficient on."""
N_LETTER = 8
"""Sections have one of this many letters; a piece with more kinds of section uses letters again."""
LONGEST_SECTION = 16
_LAG_CHANGE = 0.25
"""What it costs, in Dice coefficients, to repeat at another lag than the bar before."""
_SECTION_COST = {4: 0.9, 8: 0.5, 16: 0.7, 12: 0.9, 6: 1.4, 10: 1.4, 14: 1.4}
"""What a section of so many bars costs, in standard deviations of novelty; other lengths cost `_ODD_SECTION`."""
_ODD_SECTION = 3.5
_ODD_END = 1.2
"""What the first or the last section costs if it has another length: a pickup, a last chord."""
_SAME_LETTER = 0.5
"""Sections have the same letter from this mean Dice coefficient of their bars on."""
_WINDOW = 4
"""Novelty compares the texture of this many bars before and behind a bar line."""


class Form(NamedTuple):
    """What returns in a piece, bar by bar."""

    lags: NDArray[np.int64]
    """(n_bar,) how many bars earlier lies the bar that each bar repeats, 1..MAX_LAG; 0 where it repeats none."""
    exact: NDArray[np.int64]
    """(n_bar,) the instruments that repeat it note for note, as bits: 1 << Instrument."""
    begins: NDArray[np.bool_]
    """(n_bar,) whether a section begins."""
    letters: NDArray[np.int64]
    """(n_bar,) the section's letter, 0..N_LETTER - 1; sections of the same letter are alike."""


def lag_of_return(bar: int, place: int, earlier: Iterable[range]) -> int | None:
    """How many bars earlier lies what a bar of a section that returns repeats; None where nothing does.

    That is the bar at the same `place` of the first of the `earlier` sections, bars each, that has it and is near.
    """
    sources = (bars[place] for bars in earlier if place < len(bars))
    return next((bar - source for source in sources if bar - source <= MAX_LAG), None)


def form_of(notes: NoteArrays, n_bar: int) -> Form:
    """The form of `n_bar` bars."""
    cells = _cells(notes, n_bar)
    like = dice_matrix(cells.sum(axis=0))
    lags = _lags(like)
    begins = _sections(notes, n_bar, lags)
    return Form(lags, _exact(cells, lags), begins, _letters(like, begins))


def _cells(notes: NoteArrays, n_bar: int) -> NDArray[np.float32]:
    """(instrument, bar, cell) 1 where an instrument starts a pitch on a sixteenth of a bar."""
    bar, in_bar = np.divmod(notes.position, POSITIONS_PER_BAR)
    kept = bar < n_bar
    code = (in_bar * len(Instrument) + notes.instrument) * 128 + notes.pitch
    values, index = np.unique(code[kept], return_inverse=True)
    cells = np.zeros((len(Instrument), n_bar, max(1, len(values))), np.float32)
    cells[notes.instrument[kept], bar[kept], index] = 1
    return cells


def dice_matrix(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """(bar, cell) sets -> (bar, bar) Dice coefficients, 0 beside a silent bar."""
    size = cells.sum(axis=1)
    both = size[:, None] + size[None]
    return np.asarray(2 * (cells @ cells.T) / np.maximum(both, 1), np.float32)


def _lags(like: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n_bar,) the lag at which each bar repeats the piece, 0 for none; lags are kept where they fit (Viterbi)."""
    n_bar = len(like)
    n_lag = min(MAX_LAG, n_bar - 1)
    fit = np.full((n_bar, n_lag + 1), -np.inf)
    fit[:, 0] = LEAST_LIKE
    for lag in range(1, n_lag + 1):
        fit[lag:, lag] = np.diagonal(like, -lag)
    all_lags = np.arange(n_lag + 1)
    fit += np.where(all_lags % 4 == 0, 0.03, np.where(all_lags % 2 == 0, 0.01, 0.0)) * (all_lags > 0)
    total, came_from = fit[0], []
    for here in fit[1:]:
        best = int(total.argmax())
        stays = total >= total[best] - _LAG_CHANGE
        came_from.append(np.where(stays, all_lags, best))
        total = np.where(stays, total, total[best] - _LAG_CHANGE) + here
    row = [int(total.argmax())]
    for origin in reversed(came_from):
        row.append(int(origin[row[-1]]))
    lags = np.array(row[::-1], np.int64)
    bars = np.arange(n_bar)
    alike = like[bars, np.maximum(bars - lags, 0)]
    return np.where((lags > 0) & (alike >= LEAST_LIKE), lags, 0)


def _exact(cells: NDArray[np.float32], lags: NDArray[np.int64]) -> NDArray[np.int64]:
    bars = np.arange(cells.shape[1])
    same = (cells == cells[:, np.maximum(bars - lags, 0)]).all(axis=2) & cells.any(axis=2) & (lags > 0)
    return np.asarray((same * (1 << np.arange(len(same)))[:, None]).sum(axis=0), np.int64)


def texture_of(notes: NoteArrays, n_bar: int) -> NDArray[np.float64]:
    """(n_bar, 15) what a bar is like: of each instrument whether it plays, how much, and how high (or which drums)."""
    texture = np.zeros((n_bar, 3, len(Instrument)))
    bar = notes.position // POSITIONS_PER_BAR
    np.add.at(texture[:, 1], (bar, notes.instrument), 1)
    np.add.at(texture[:, 2], (bar, notes.instrument), notes.pitch)
    n_note = texture[:, 1]
    texture[:, 0] = n_note > 0
    texture[:, 2] = np.where(n_note > 0, texture[:, 2] / np.maximum(n_note, 1) / 24, 0)
    texture[:, 1] = np.log1p(n_note) / 2
    return texture.reshape(n_bar, -1)


def _sections(notes: NoteArrays, n_bar: int, lags: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n_bar,) where sections begin: novelty of the texture and a change of lag, against the cost of a section."""
    texture = texture_of(notes, n_bar)
    sums = np.concatenate([np.zeros((1, texture.shape[1])), texture.cumsum(axis=0)])
    bars = np.arange(n_bar)
    before, behind = np.maximum(bars - _WINDOW, 0), np.minimum(bars + _WINDOW, n_bar)
    mean_before = (sums[bars] - sums[before]) / np.maximum(bars - before, 1)[:, None]
    mean_behind = (sums[behind] - sums[bars]) / np.maximum(behind - bars, 1)[:, None]
    novelty = np.abs(mean_behind - mean_before).sum(axis=1) / 2
    novelty = (novelty - novelty.mean()) / max(float(novelty.std()), 1e-6)
    novelty[1:] += 0.5 * (lags[1:] != lags[:-1])
    cost = np.full(LONGEST_SECTION + 1, _ODD_SECTION)
    cost[list(_SECTION_COST)] = list(_SECTION_COST.values())
    # best[b]: the most novelty, less costs, of the sections before bar b.
    best, begin = np.full(n_bar + 1, -np.inf), np.zeros(n_bar + 1, np.int64)
    best[0] = 0.0
    for end in range(1, n_bar + 1):
        first = max(0, end - LONGEST_SECTION)
        lengths = end - np.arange(first, end)
        gain = np.where(np.arange(first, end) > 0, novelty[first:end], 0.0)
        costs = cost[lengths]
        if end == n_bar:
            costs = np.minimum(costs, _ODD_END)
        if first == 0:
            costs[0] = min(costs[0], _ODD_END)
        ways = best[first:end] + gain - costs
        best[end], begin[end] = ways.max(), first + int(ways.argmax())
    begins = np.zeros(n_bar, bool)
    end = n_bar
    while end > 0:
        end = int(begin[end])
        begins[end] = True
    return begins


def _letters(like: NDArray[np.float32], begins: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n_bar,) letters: a section has the letter of the earlier one whose bars it repeats best, if it repeats any."""
    n_bar = len(begins)
    starts = np.flatnonzero(begins).tolist()
    ends = [*starts[1:], n_bar]
    letters = np.zeros(n_bar, np.int64)
    n_used = 0
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        best, letter = _SAME_LETTER, -1
        for earlier, earlier_end in zip(starts[:k], ends[:k], strict=True):
            length = min(end - start, earlier_end - earlier)
            alike = float(np.mean(like[np.arange(start, start + length), np.arange(earlier, earlier + length)]))
            if alike >= best:
                best, letter = alike, int(letters[earlier])
        if letter < 0:
            letter, n_used = n_used % N_LETTER, n_used + 1
        letters[start:end] = letter
    return letters
