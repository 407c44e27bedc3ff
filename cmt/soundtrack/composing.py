"""From a plan to its takes: lead sheet, orders and notes of each, the best first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.music.key import Key, home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.words import initial_words
from cmt.network.decoder import Decoder
from cmt.network.planner import Planner, load_planner
from cmt.planning.plan import Plan
from cmt.soundtrack.like import CopyGuard
from cmt.soundtrack.playing import performed
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece, write_pieces
from cmt.writing.sheets import write_sheet
from midi_io.song import POSITIONS_PER_BAR, Song

if TYPE_CHECKING:
    from cmt.soundtrack.takes import Judgement

TAKES_AT_ONCE = 16
"""This many takes are written side by side: what the model knows of each is held only while it is written."""


@dataclass(frozen=True)
class Take:
    """A piece that was written, how it is performed, and what is said of it."""

    seed: int
    orders: dict[int, BarOrders]
    sheet: LeadSheet
    """The lead sheet in the key of the song."""
    home_sheet: LeadSheet
    """The same in the home key."""
    piece: WrittenPiece
    song: Song
    judgement: Judgement | None = None
    """The judgement, or None where there is only one take."""


def compose(
    decoder: Decoder,
    planner: Planner | None,
    plan: Plan,
    config: GenerateConfig,
    progress: Callable[[float, float], None],
) -> tuple[list[Take], int]:
    """The takes, the best first, and how many were written anew because they copied the song that they are like."""
    n_take, n_bar = plan.wishes.takes, plan.timeline.n_bar
    guard = None
    if plan.like is not None:
        write = partial(write_takes, decoder, planner, plan, config)
        guard = CopyGuard(write, plan.like.reference.template.notes, config.seed + n_take)
    if n_take == 1:
        only = write_takes(decoder, planner, plan, config, [config.seed], progress)
        return (only, 0) if guard is None else (guard.guarded(only), guard.rejected)
    # Late: measuring music needs libraries that a single take does not.
    from cmt.machine.memory import check_memory
    from cmt.planning.mood_asked import moods_asked
    from cmt.soundtrack.takes import BYTES_PER_BAR, judge_take, ranked

    check_memory(n_take, n_bar * BYTES_PER_BAR)
    takes: dict[int, Take] = {}
    moods = moods_asked(plan, config.control)
    for first in range(0, n_take, TAKES_AT_ONCE):
        seeds = [config.seed + number for number in range(first, min(first + TAKES_AT_ONCE, n_take))]

        def so_far(n_written: float, _: float) -> None:
            progress(len(takes) * n_bar + n_written, n_take * n_bar)

        written = write_takes(decoder, planner, plan, config, seeds, so_far)
        for take in written if guard is None else guard.guarded(written):
            its, genre = take.piece.key, plan.wishes.genre
            judged = judge_take(take.song, its, plan.density, plan.accents, genre, take.seed, moods)
            takes[take.seed] = replace(take, judgement=judged)
    best_first = [takes[judgement.seed] for judgement in ranked(t.judgement for t in takes.values() if t.judgement)]
    return best_first, 0 if guard is None else guard.rejected


def planner_for(decoder: Decoder, plan: Plan) -> Planner | None:
    """The planner whose lead sheets the network hears; None if it was trained without any.

    Raises
    ------
    CmtError
        If it was, and the user asks for what only a lead sheet keeps.
    """
    if decoder.config.cues:
        return load_planner().planner
    if plan.wishes.chords is not None or plan.wishes.form is not None or plan.like is not None:
        raise CmtError(
            "`checkpoint`: it was trained without lead sheets and cannot keep `chords`, `form` and `like`; leave it "
            "out, or train a new one"
        )
    return None


def write_takes(
    decoder: Decoder,
    planner: Planner | None,
    plan: Plan,
    config: GenerateConfig,
    seeds: Sequence[int],
    progress: Callable[[float, float], None] | None = None,
) -> list[Take]:
    """A take for each seed, side by side.

    `planner` is that of `planner_for`; `progress` is called with the bars written and the bars of all takes.
    """
    return write_songs(decoder, planner, [plan] * len(seeds), config, seeds, progress)


def write_songs(
    decoder: Decoder,
    planner: Planner | None,
    plans: Sequence[Plan],
    config: GenerateConfig,
    seeds: Sequence[int],
    progress: Callable[[float, float], None] | None = None,
) -> list[Take]:
    """A piece for each plan with its seed, side by side, as `write_takes` writes it."""
    planned = list(zip(plans, seeds, strict=True))
    sheets = [_sheet_of(planner, plan, config.control, seed) if planner else None for plan, seed in planned]
    orders = [plan.orders(config.control, seed, sheet) for (plan, seed), sheet in zip(planned, sheets, strict=True)]
    heard = [
        empty_sheet(plan.timeline.n_bar) if sheet is None else _with_accents(sheet, its)
        for plan, sheet, its in zip(plans, sheets, orders, strict=True)
    ]
    pieces = write_pieces(decoder, [plan.request for plan in plans], orders, config, seeds, progress, heard)
    return [
        Take(seed, its, in_key(sheet, piece.key), sheet, piece, performed(piece.song, its, plan, sheet))
        for (plan, seed), its, sheet, piece in zip(planned, orders, heard, pieces, strict=True)
    ]


def _sheet_of(planner: Planner, plan: Plan, control: float, seed: int) -> LeadSheet:
    """The lead sheet of a take, in its home key."""
    wishes, mode = plan.wishes, plan.mode(seed)
    known = initial_words(wishes.genre, mode, plan.timeline.tempo, wishes.instruments, plan.thirds)
    rng = np.random.default_rng([seed, 6])
    by_bar = [told.initial(known) for told in plan.told]
    grooves = plan.like.grooves if plan.like is not None else None
    sheet = write_sheet(planner, known, plan.orders_of_sheet(control, seed), mode, rng, by_bar)
    return replace(sheet, mode=mode, grooves=grooves)


def _with_accents(sheet: LeadSheet, orders: Mapping[int, BarOrders]) -> LeadSheet:
    """The sheet with what is ordered to be struck as its accents."""
    accents = {bar * POSITIONS_PER_BAR + position for bar, its in orders.items() for position in its.positions()}
    return replace(sheet, accents=frozenset(accents))


def in_key(sheet: LeadSheet, key: Key) -> LeadSheet:
    """A sheet that stands in the home key of a mode, in a key of that mode."""
    return sheet.transposed(semitones_between(home_key(key.mode).tonic, key.tonic))
