"""How a song's form is made to fit a piece of another length: which bar of the song each bar of the piece is like.

The rule. A stretch of the piece (all of it, or a scene, or a section that the user asked for) takes a run of the
song's sections, whole and in order. Of all runs that one is taken whose length is nearest, whose energy goes most as
the stretch asks, and that no other stretch has; a song that is shorter goes round. What the run's length lacks or has
too much is made up in phrases of four bars: the section that has been changed least, beside its own length, gets or
loses one. A longer section plays its phrases once more and its last phrase last; a shorter one loses phrases before its
last one. What is no whole phrase is left open, or cut off, at the end. Stretches that are alike are like the same bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.form import LONGEST_SECTION
from cmt.music.lead_sheet import ENERGY_EDGES, UNKNOWN, Column
from cmt.music.template import Template
from midi_io.song import POSITIONS_PER_BAR

PHRASE = 4
"""Bars by which sections are stretched."""
LENGTH_COST = 0.5
"""What a run costs that is an octave, a factor of two, too long or too short..."""
ENERGY_COST = 1.0
"""...and one whose bars differ by 1, the whole range, from the energy asked..."""
USED_COST = 0.3
"""...and one whose bars another stretch has already."""
LATE_COST = 0.05
"""What it costs to begin with the last section, in place of the first one: songs open as openings do."""
_MOST_RUNS = 5000
_NOTES = (0.0, *ENERGY_EDGES, 90.0)
"""Notes of a bar at the percentiles 0, 0.2 ... 1, about."""


class Span(NamedTuple):
    """A stretch of the piece, in bars."""

    begin: int
    end: int
    label: object
    """Stretches of one label are alike."""


class FittedForm(NamedTuple):
    """The bars of a piece and those of the song that they are like."""

    bars: Column
    """(n_bar,) the bar of the song, UNKNOWN where it lends none."""
    begins: NDArray[np.bool_]
    """(n_bar,) whether a section begins."""


class _Run(NamedTuple):
    """Neighbouring sections of the song, each with its first bar and its length."""

    sections: tuple[tuple[int, int], ...]

    @property
    def n_bar(self) -> int:
        return sum(length for _, length in self.sections)


def fitted_form(template: Template, spans: Sequence[Span], n_bar: int, energies: Sequence[float] | None) -> FittedForm:
    """The form of a song for a piece of `n_bar` bars.

    Parameters
    ----------
    spans
        The stretches of the piece, in order and apart; bars outside them are like none.
    energies
        (n_bar,) how lively each bar is asked to be, 0..1; None where nobody asks.
    """
    of_song = energies_of_template(template)
    bars = np.full(n_bar, UNKNOWN, np.int64)
    begins = np.zeros(n_bar, bool)
    chosen: dict[object, _Run] = {}
    used = np.zeros(template.n_bar, bool)
    for span in spans:
        length = span.end - span.begin
        if length < 1:
            continue
        if span.label not in chosen:
            asked = None if energies is None else np.asarray(energies[span.begin : span.end], float)
            chosen[span.label] = _best_run(_runs(template, length), length, asked, of_song, used)
        here, section_begins = _laid_out(chosen[span.label], length)
        bars[span.begin : span.end], begins[span.begin : span.end] = here, section_begins
        used[here[here != UNKNOWN]] = True
    return FittedForm(bars, begins)


def energies_of_template(template: Template) -> NDArray[np.float64]:
    """(n_bar,) how lively each bar of a song is, 0..1, as percentiles of real bars."""
    bars = template.notes.position // POSITIONS_PER_BAR
    n_note = np.bincount(bars[bars < template.n_bar], minlength=template.n_bar)
    return np.asarray(np.interp(n_note, _NOTES, np.linspace(0, 1, len(_NOTES))))


def _runs(template: Template, length: int) -> list[_Run]:
    """The runs of sections for a stretch, in order of where they begin; at least one."""
    sections = [(begin, end - begin) for begin, end in template.sections]
    runs: list[_Run] = []
    for first in range(len(sections)):
        run: list[tuple[int, int]] = []
        total, number = 0, first
        while not run or (total < 2 * length and (number < len(sections) or total < length)):
            run.append(sections[number % len(sections)])  # a song that is over goes round
            total, number = total + run[-1][1], number + 1
            is_near = abs(total - length) <= LONGEST_SECTION
            if is_near or (number <= len(sections) and length / 2 < total < 2 * length):
                runs.append(_Run(tuple(run)))
        if not runs:
            runs.append(_Run(tuple(run)))
        if len(runs) >= _MOST_RUNS:
            break
    return runs


def _best_run(
    runs: Sequence[_Run],
    length: int,
    asked: NDArray[np.float64] | None,
    of_song: NDArray[np.float64],
    used: NDArray[np.bool_],
) -> _Run:
    last = max(1, *(run.sections[0][0] for run in runs))

    def cost(run: _Run) -> float:
        bars, _ = _laid_out(run, length)
        known = bars != UNKNOWN
        total = LENGTH_COST * abs(float(np.log2(run.n_bar / length))) + LATE_COST * run.sections[0][0] / last
        if known.any():
            total += USED_COST * float(used[bars[known]].mean())
            if asked is not None:
                total += ENERGY_COST * float(np.abs(of_song[bars[known]] - asked[known]).mean())
        return round(total, 9)

    return min(runs, key=cost)


def _laid_out(run: _Run, length: int) -> tuple[Column, NDArray[np.bool_]]:
    """(length,) the bars of a run that is made to last so many, and where its sections begin."""
    lengths, missing = _stretched([length_of for _, length_of in run.sections], length)
    rows = [
        _section_bars(begin, its, wanted)
        for (begin, its), wanted in zip(run.sections[: len(lengths)], lengths, strict=True)
    ]
    begins = np.zeros(length, bool)
    begins[np.cumsum([0, *lengths[:-1]])] = True
    return np.concatenate([*rows, np.full(missing, UNKNOWN, np.int64)]), begins


def _stretched(lengths: list[int], n_bar: int) -> tuple[list[int], int]:
    """The lengths of sections, changed by phrases, and how many bars are missing behind them to make `n_bar`."""
    own = list(lengths)
    lengths = list(lengths)
    missing = n_bar - sum(lengths)
    while missing >= PHRASE:
        least = min(range(len(lengths)), key=lambda k: lengths[k] / own[k])
        lengths[least] += PHRASE
        missing -= PHRASE
    while missing < 0:
        long = [k for k in range(len(lengths)) if lengths[k] > PHRASE]
        if missing <= -PHRASE and long:
            most = max(long, key=lambda k: lengths[k] / own[k])
            lengths[most] -= PHRASE
            missing += PHRASE
        elif lengths[-1] > -missing:
            lengths[-1] += missing
            missing = 0
        else:
            missing += lengths.pop()
    return lengths, missing


def _section_bars(begin: int, length: int, n_bar: int) -> Column:
    """The bars of a section of the song that is to last `n_bar` bars."""
    has_last_phrase = length >= 2 * PHRASE and n_bar >= 2 * PHRASE and (n_bar - length) % PHRASE == 0
    tail = PHRASE if n_bar != length and has_last_phrase else 0
    body = length - tail
    front = begin + np.arange(n_bar - tail) % body
    return np.concatenate([front, begin + body + np.arange(tail)]).astype(np.int64)
