"""From a corpus to batches of lead sheets: those of pieces cut out of its songs, with some of what they hold ordered.

The orders are drawn anew each time that a sheet is learnt from: the planner learns what follows from orders of every
kind, few or many, and what to write without any.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.config import TrainConfig
from cmt.corpus.songs import Corpus
from cmt.music.chords import HALVES_PER_BAR
from cmt.music.lead_sheet import UNKNOWN, LeadSheet, SheetOrders, no_orders, sheet_of
from cmt.music.plan_words import PAST_CUES, PLAN_FIELDS, past_cues, plan_cues, words_of_sheet
from cmt.music.words import InitialWords
from cmt.training.dataset import START, Place, Songs, draw_piece, endless, groups_of_like_length, some_left_free
from midi_io.song import Instrument

POOL_BATCHES = 32
USES = 6
"""Each sheet of a pool is learnt from so many times, with other orders."""
ORDERED_SHARE = 0.65
"""Share of examples that have orders."""
KIND_SHARE = 0.3
"""Share of these in which a kind of order is given."""


class PlanExample(NamedTuple):
    """A lead sheet, ready for the planner; all (n_bar, ...) arrays in step."""

    initial: InitialWords
    words: NDArray[np.int64]
    """(n_bar, 9)"""
    cues: NDArray[np.int64]
    """(n_bar, cue)"""
    chosen: NDArray[np.bool_]
    """(n_bar, 9) whether there is something to choose."""


class _SheetOfPiece(NamedTuple):
    sheet: LeadSheet
    initial: InitialWords


def plan_batches(
    corpus: Corpus, config: TrainConfig, place: Place = START, rank: int = 0
) -> Iterator[tuple[list[PlanExample], Place]]:
    """Endless batches, each with the place to go on from behind it; see `cmt.training.dataset.batches`."""
    songs = Songs(corpus)

    def groups_of_pool(rng: np.random.Generator) -> list[list[PlanExample]]:
        sheets: list[_SheetOfPiece] = []
        n_bar = 0
        while n_bar < POOL_BATCHES * config.words_per_step:
            drawn = _draw_sheet(songs, songs.draw(config, rng), config, rng)
            if drawn is not None:
                sheets.append(drawn)
                n_bar += drawn.sheet.n_bar
        examples = [_some_ordered(each, config, rng) for _ in range(USES) for each in sheets]
        return groups_of_like_length(examples, config.words_per_step, _n_bar)

    return endless(groups_of_pool, config, place, rank)


def plan_validation(corpus: Corpus, config: TrainConfig) -> list[list[PlanExample]]:
    """The same sheets of the validation songs at every call, `validation_words` bars or more."""
    songs = Songs(corpus)
    rng = np.random.default_rng(12345)
    examples: list[PlanExample] = []
    n_bar = 0
    while n_bar < config.validation_words:
        for index in rng.permutation(len(corpus.songs)):
            drawn = _draw_sheet(songs, int(index), config, rng)
            if drawn is not None:
                examples.append(_some_ordered(drawn, config, rng))
                n_bar += drawn.sheet.n_bar
            if n_bar >= config.validation_words:
                break
    return groups_of_like_length(examples, config.words_per_step, _n_bar)


def _n_bar(example: PlanExample) -> int:
    return len(example.words)


def _draw_sheet(songs: Songs, index: int, config: TrainConfig, rng: np.random.Generator) -> _SheetOfPiece | None:
    piece = draw_piece(songs, index, config, rng)
    return None if piece is None else _SheetOfPiece(sheet_of(piece.notes, piece.n_bar), piece.initial)


def _some_ordered(piece: _SheetOfPiece, config: TrainConfig, rng: np.random.Generator) -> PlanExample:
    orders = some_orders(piece.sheet, rng)
    return plan_example(piece.sheet, orders, some_left_free(piece.initial, config.free_share, rng))


def plan_example(sheet: LeadSheet, orders: SheetOrders, initial: InitialWords) -> PlanExample:
    """A sheet with what was ordered of it, and what is known before it."""
    words = words_of_sheet(sheet)
    cues = plan_cues(orders)
    cues[:, PAST_CUES] = past_cues(words)[:-1]
    return PlanExample(initial, words, cues, _chosen(words, orders))


def _chosen(words: NDArray[np.int64], orders: SheetOrders) -> NDArray[np.bool_]:
    """(n_bar, 9) whether an attribute is neither ordered nor follows from what comes before it."""
    column = dict(zip(PLAN_FIELDS, words.T, strict=True))
    chosen = np.ones(words.shape, bool)
    where = dict(zip(PLAN_FIELDS, chosen.T, strict=True))
    where["begins"][:1] = False
    where["letter"][:] = column["begins"] == 1
    where["letter"][:1] = False
    where["exact"][:] = column["lag"] > 0
    drums = 1 << Instrument.DRUMS
    where["kit"][:] = ((column["players"] & drums) > 0) & ((column["exact"] & drums) == 0)
    where["energy"][:] = column["players"] > 0
    chords = orders.chords.reshape(-1, HALVES_PER_BAR)
    ordered = {"begins": orders.begins, "letter": orders.letters, "lag": orders.lags, "kit": orders.kit}
    ordered |= {"energy": orders.energy, "chord": chords[:, 0], "second_chord": chords[:, 1]}
    for name, order in ordered.items():
        where[name] &= order == UNKNOWN
    silent = orders.may_play == 0
    chosen[silent, PLAN_FIELDS.index("lag") : PLAN_FIELDS.index("chord")] = False
    return chosen


def some_orders(sheet: LeadSheet, rng: np.random.Generator) -> SheetOrders:
    """Orders, drawn by chance, that a sheet obeys."""
    n_bar = sheet.n_bar
    present = int(np.bitwise_or.reduce(sheet.players))
    orders = no_orders(n_bar)
    may_play = np.full(n_bar, present if rng.random() < 0.75 else orders.may_play[0], np.int64)
    may_play[(sheet.players == 0) & (rng.random(n_bar) < 0.5)] = 0
    if rng.random() > ORDERED_SHARE:
        return _with_players(orders, may_play, np.zeros(n_bar, np.int64))

    def given(column: NDArray[np.int64]) -> NDArray[np.int64]:
        if rng.random() > KIND_SHARE:
            return np.full(n_bar, UNKNOWN, np.int64)
        return np.where(_some_bars(sheet, rng), column, UNKNOWN)

    begins = given(sheet.begins.astype(np.int64))
    if rng.random() < 0.5:  # where sections begin, not where none does
        begins = np.where(begins == 1, 1, UNKNOWN)
    chords = sheet.chords.reshape(n_bar, HALVES_PER_BAR)
    with_chords = np.repeat(given(np.zeros(n_bar, np.int64)) != UNKNOWN, HALVES_PER_BAR)
    must_play = np.zeros(n_bar, np.int64)
    if rng.random() < KIND_SHARE:
        must_play = np.where(_some_bars(sheet, rng), sheet.players & rng.integers(1 << len(Instrument)), 0)
    if rng.random() < KIND_SHARE:
        for _ in range(rng.integers(1, 4)):
            bars = _some_bars(sheet, rng)
            if bars.any():
                playing = int(np.bitwise_or.reduce(sheet.players[bars]))
                may_play[bars] &= playing | int(rng.integers(1 << len(Instrument)))
    return SheetOrders(
        chords=np.where(with_chords, chords.ravel(), UNKNOWN),
        lags=given(sheet.lags),
        begins=begins,
        letters=given(sheet.letters),
        kit=given(sheet.kit),
        energy=given(sheet.energy),
        may_play=may_play,
        must_play=must_play & may_play,
    )


def _with_players(orders: SheetOrders, may_play: NDArray[np.int64], must_play: NDArray[np.int64]) -> SheetOrders:
    return SheetOrders(**{**vars(orders), "may_play": may_play, "must_play": must_play})


def _some_bars(sheet: LeadSheet, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n_bar,) all bars, bars here and there, a section, or bars in a row."""
    n_bar = sheet.n_bar
    bars = np.arange(n_bar)
    kind = rng.random()
    if kind < 0.4:
        return np.ones(n_bar, bool)
    if kind < 0.6:
        return rng.random(n_bar) < rng.random()
    if kind < 0.8:
        section = np.cumsum(sheet.begins)
        return np.asarray(section == rng.choice(section))
    first, last = np.sort(rng.integers(n_bar, size=2))
    return np.asarray((first <= bars) & (bars <= last))
