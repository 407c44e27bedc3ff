"""From a plan to its takes: lead sheet, orders and notes of each, the best first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cmt.config import GenerateConfig
from cmt.music.key import Key, home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.words import initial_words
from cmt.network.decoder import Decoder
from cmt.network.planner import Planner
from cmt.planning.plan import Plan
from cmt.soundtrack.like import CopyGuard
from cmt.soundtrack.output import Output
from cmt.soundtrack.playing import performance_of, performed
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece, write_pieces
from cmt.writing.sheets import write_sheet
from midi_io.song import POSITIONS_PER_BAR, Song

if TYPE_CHECKING:
    from cmt.planning.mood_asked import Stretch
    from cmt.soundtrack.takes import Judgement

TAKES_AT_ONCE = 16
"""This many takes are written side by side: what the model knows of each is held only while it is written."""
MOST_REPLACED = 2
"""A take that is rejected is written anew with other seeds at most so often."""


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
    """The takes, the best first, and how many were written anew because they copied the song that they are like.

    Take number k, from 1, has the seed ``config.seed + k - 1``. If it is rejected, another is written in its place,
    with a seed that is higher by the number of takes, and so on, `MOST_REPLACED` times at most; then the least bad
    one stays. A single take is what its seed gives, and is not judged.
    """
    n_take, n_bar = plan.wishes.takes, plan.timeline.n_bar
    guard = None
    if plan.like is not None:
        n_seed = n_take if n_take == 1 else n_take * (1 + MOST_REPLACED)
        write = partial(write_takes, decoder, planner, plan, config)
        guard = CopyGuard(write, plan.like.reference.template.notes, config.seed + n_seed)
    if n_take == 1:
        only = write_takes(decoder, planner, plan, config, [config.seed], progress)
        return (only, 0) if guard is None else (guard.guarded(only), guard.rejected)
    # Late: measuring music needs libraries that a single take does not.
    from cmt.machine.memory import check_memory
    from cmt.planning.mood_asked import moods_asked
    from cmt.soundtrack.takes import BYTES_PER_BAR, ranking

    check_memory(n_take, n_bar * BYTES_PER_BAR)
    moods = moods_asked(plan, config.control)

    def judged(seeds: Sequence[int], n_done: int, *, is_again: bool = False) -> list[Take]:
        """The takes of these seeds; `n_done` bars have been written, these among them if they are written again."""

        def so_far(n_written: float, _: float) -> None:
            progress(n_done if is_again else n_done + n_written, n_take * n_bar)

        written = write_takes(decoder, planner, plan, config, seeds, so_far)
        return [_judged(take, plan, moods) for take in (written if guard is None else guard.guarded(written))]

    takes: list[Take] = []
    for first in range(0, n_take, TAKES_AT_ONCE):
        seeds = [config.seed + number for number in range(first, min(first + TAKES_AT_ONCE, n_take))]
        batch = judged(seeds, first * n_bar)
        for time in range(1, MOST_REPLACED + 1):
            rejected = [k for k, take in enumerate(batch) if _judgement_of(take).reasons]
            if not rejected:
                break
            others = judged([seeds[k] + time * n_take for k in rejected], (first + len(batch)) * n_bar, is_again=True)
            for k, other in zip(rejected, others, strict=True):
                batch[k] = _better(batch[k], other)
        takes += batch
    rank_of = ranking(map(_judgement_of, takes), config.control)
    takes.sort(key=lambda take: rank_of(_judgement_of(take)))
    return takes, 0 if guard is None else guard.rejected


def _judged(take: Take, plan: Plan, moods: Sequence[Stretch]) -> Take:
    """A take with its judgement; `moods` are those that are asked."""
    from cmt.soundtrack.gate import faults
    from cmt.soundtrack.takes import judge_take

    performance = performance_of(take.song, take.orders, plan, take.sheet, Output(), take.seed)
    found = faults(take.song, performance, plan, take.orders)
    genre, accents = plan.wishes.genre, plan.accents
    judgement = judge_take(take.song, take.piece.key, plan.density, accents, genre, take.seed, moods, found)
    return replace(take, judgement=judgement)


def _better(first: Take, second: Take) -> Take:
    """The better of two takes, the second of which was written because the first was rejected."""
    from cmt.soundtrack.takes import in_place_of

    judgement = in_place_of(_judgement_of(first), _judgement_of(second))
    return replace(first if judgement.seed == first.seed else second, judgement=judgement)


def _judgement_of(take: Take) -> Judgement:
    assert take.judgement is not None  # it is one of several
    return take.judgement


def write_takes(
    decoder: Decoder,
    planner: Planner | None,
    plan: Plan,
    config: GenerateConfig,
    seeds: Sequence[int],
    progress: Callable[[float, float], None] | None = None,
) -> list[Take]:
    """A take for each seed, side by side.

    `planner` writes the lead sheets that the network hears, if it hears any; `progress` is called with the bars
    written and the bars of all takes.
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
    known = initial_words(wishes.genre, mode, plan.timeline.tempo, plan.players, plan.thirds)
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
