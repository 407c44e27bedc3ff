"""Plan words: a lead sheet as one compound word a bar, and what its writer is told before each.

All that a bar is told is known before its word: its place in the piece, what the bars before it hold, and the orders
that lie on it and ahead of it.
"""

from __future__ import annotations

from itertools import accumulate
from operator import or_
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import HALVES_PER_BAR, N_CHORD
from cmt.music.cues import MOST_BARS
from cmt.music.form import MAX_LAG, N_LETTER
from cmt.music.lead_sheet import N_ENERGY, N_KIT, N_PLAYERS, Column, LeadSheet, SheetOrders

PLAN_VERSION = 2
"""The number goes up when plan words, or what is told beside them, change their meaning."""


class PlanWord(NamedTuple):
    """One bar of a lead sheet, or one value for each of its attributes, in the order in which they are drawn."""

    begins: int
    """1 where a section begins."""
    letter: int
    """The section's letter."""
    lag: int
    """How many bars earlier the bar lies that it repeats, 0 where it is new."""
    players: int
    """The instruments that start notes, as bits."""
    exact: int
    """Those of them that repeat their bar note for note, as bits."""
    kit: int
    """What the drums do, as bits."""
    energy: int
    """How many notes start, in five classes."""
    chord: int
    """The chord of the first half."""
    second_chord: int
    """The chord of the second half."""


PLAN_FIELDS = PlanWord._fields
PLAN_SIZES = PlanWord(
    begins=2,
    letter=N_LETTER,
    lag=MAX_LAG + 1,
    players=N_PLAYERS,
    exact=N_PLAYERS,
    kit=N_KIT,
    energy=N_ENERGY,
    chord=N_CHORD,
    second_chord=N_CHORD,
)
"""The number of values of each attribute."""
SEES_SOURCE = PLAN_FIELDS[PLAN_FIELDS.index("lag") + 1 :]
"""The attributes that are drawn once the bar that is repeated is known."""

ECHO_BARS = (1, 2, 4, 8, 16)
"""Before each bar the words of the bars that lie so many earlier are told."""
N_ECHO = len(ECHO_BARS) + 1
"""Beside them the bar that comes next where the bar before repeats the piece."""

_MOST_PLACE = 64
"""Bars since the piece's begin, and until its end, are counted up to here."""
_SHARES = 16


class PlanCues(NamedTuple):
    """What a bar is told before its word, or one value for each; of the orders 0 is none, else 1 + what is ordered."""

    since_begin: int
    """Bars before it in the piece, at most 63."""
    to_end: int
    """Bars behind it, at most 63."""
    in_phrase: int
    """Its number, modulo 16."""
    share: int
    """How much of the piece lies before it, in sixteenths."""
    since: int
    """Bars of the section before it, 0 in the first bar of the piece."""
    heard: int
    """The instruments that have played in the piece before it, as bits."""
    begins: int
    next_begin: int
    """Bars to the next begin that is ordered, 1..16; 0 where none is near."""
    letter: int
    lag: int
    kit: int
    energy: int
    next_energy: int
    """The order of the next bar."""
    chord: int
    second_chord: int
    next_chord: int
    may_play: int
    """The instruments that may play, as bits."""
    next_may_play: int
    """Those of the next bar."""
    must_play: int


PLAN_CUE_SIZES = PlanCues(
    since_begin=_MOST_PLACE,
    to_end=_MOST_PLACE,
    in_phrase=16,
    share=_SHARES,
    since=1 + MOST_BARS,
    heard=N_PLAYERS,
    begins=3,
    next_begin=1 + MOST_BARS,
    letter=1 + N_LETTER,
    lag=2 + MAX_LAG,
    kit=1 + N_KIT,
    energy=1 + N_ENERGY,
    next_energy=1 + N_ENERGY,
    chord=1 + N_CHORD,
    second_chord=1 + N_CHORD,
    next_chord=1 + N_CHORD,
    may_play=N_PLAYERS,
    next_may_play=N_PLAYERS,
    must_play=N_PLAYERS,
)
"""The number of values of each cue."""
PAST_CUES = slice(4, 6)
"""The columns of the cues that depend on the bars before: since, heard."""


def words_of_sheet(sheet: LeadSheet) -> NDArray[np.int64]:
    """(n_bar, 9) the plan words of a sheet that leaves nothing open."""
    chords = sheet.chords.reshape(-1, HALVES_PER_BAR)
    columns = (sheet.begins, sheet.letters, sheet.lags, sheet.players, sheet.exact, sheet.kit, sheet.energy)
    return np.column_stack([*columns, chords]).astype(np.int64)


def sheet_of_words(words: NDArray[np.int64]) -> LeadSheet:
    """The lead sheet that (n_bar, 9) plan words stand for; its accents are left to the model."""
    begins, letters, lags, players, exact, kit, energy = words[:, :-HALVES_PER_BAR].T
    return LeadSheet(
        chords=words[:, -HALVES_PER_BAR:].ravel(),
        lags=lags,
        exact=exact,
        begins=begins.astype(bool),
        letters=letters,
        players=players,
        kit=kit,
        energy=energy,
    )


def plan_cues(orders: SheetOrders) -> NDArray[np.int64]:
    """(n_bar, cue) what every bar is told, with the columns of `PlanCues`; those of PAST_CUES stay 0."""
    n_bar = orders.n_bar
    bars = np.arange(n_bar)
    chords = orders.chords.reshape(n_bar, HALVES_PER_BAR) + 1
    columns: dict[str, Column] = dict(
        since_begin=np.minimum(bars, _MOST_PLACE - 1),
        to_end=np.minimum(n_bar - 1 - bars, _MOST_PLACE - 1),
        in_phrase=bars % 16,
        share=bars * _SHARES // max(1, n_bar),
        since=np.zeros(n_bar, np.int64),
        heard=np.zeros(n_bar, np.int64),
        begins=orders.begins + 1,
        next_begin=_to_next_begin(orders.begins),
        letter=orders.letters + 1,
        lag=np.minimum(orders.lags, MAX_LAG) + 1,
        kit=orders.kit + 1,
        energy=orders.energy + 1,
        next_energy=_next(orders.energy + 1),
        chord=chords[:, 0],
        second_chord=chords[:, -1],
        next_chord=_next(chords[:, 0]),
        may_play=orders.may_play,
        next_may_play=_next(orders.may_play),
        must_play=orders.must_play,
    )
    return np.column_stack([columns[name] for name in PlanCues._fields]).astype(np.int64)


def _next(column: Column) -> Column:
    return np.append(column[1:], 0)


def _to_next_begin(begins: Column) -> Column:
    bars = np.arange(len(begins))
    places = np.append(np.flatnonzero(begins == 1), len(begins) + MOST_BARS)
    distance = places[np.searchsorted(places, bars, side="right")] - bars
    return np.where(distance <= MOST_BARS, distance, 0)


def past_cues(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_bar + 1, 2) since and heard, before each of `n_bar` words (n_bar, 9) and behind the last."""
    bars = np.arange(len(words) + 1)
    begins = np.append(-1, np.where(words[:, 0] == 1, bars[:-1], -1))
    last_begin = np.maximum(np.maximum.accumulate(begins), 0)
    heard = list(accumulate(words[:, PLAN_FIELDS.index("players")].tolist(), or_, initial=0))
    return np.column_stack([np.minimum(bars - last_begin, MOST_BARS), heard])


def echo_bars(lags: Column) -> NDArray[np.int64]:
    """(n_bar + 1, echo) the bars that are told before each bar and behind the last, -1 for none.

    `lags` (n_bar,) may be those of the bars so far: what a bar is told does not depend on its own.
    """
    bars = np.arange(len(lags) + 1)
    fixed = bars[:, None] - np.array(ECHO_BARS)
    going_on = np.append(0, lags)
    planned = np.where(going_on > 0, bars - going_on, -1)
    return np.asarray(np.maximum(np.column_stack([fixed, planned]), -1))


def recalls(words: NDArray[np.int64]) -> Column:
    """(n_bar,) how many bars before its section the last section of the same letter began, at most MAX_LAG; 0: none.

    It is the lag of a section that returns as it was. `words` are (n_bar, 9), or the first columns of them.
    """
    last: dict[int, int] = {}
    found, begin, recall = [], 0, 0
    for bar, (begins, letter) in enumerate(words[:, :2].tolist()):
        if begins or bar == 0:
            begin, recall = bar, bar - last.get(letter, bar)
            last[letter] = begin
        found.append(min(recall, MAX_LAG))
    return np.array(found, np.int64)
