"""The grammar for networks that never knew of density or strength (`ModelConfig.left_out`), as in the paper's table 1.

Their words do not announce how much is to come: the network itself goes on to the next bar, or to the next simu-note,
when it likes. So nothing but rests can be ordered of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from cmt.orders import MOST_AT_ONCE, BarOrders
from cmt.sampling import Grammar
from cmt.words import BAR, FIELD_SIZES, CompoundWord, WordType
from midi_io.song import Instrument

ANNOUNCEMENTS = frozenset({"density", "strength"})
"""The control attributes that tell how much is to come."""
_NOTHING = 0
"""Value of an attribute that says nothing."""


class UnannouncedGrammar(Grammar):
    """As `Grammar`, without what is in `left_out`; who must play is only allowed to."""

    def __init__(
        self,
        length: float,
        instruments: Collection[Instrument],
        orders: Mapping[int, BarOrders],
        start: float = 0,
        *,
        left_out: Collection[str],
        **rest: Any,
    ) -> None:
        rests = {bar: BarOrders(rests=bar_orders.rests) for bar, bar_orders in orders.items()}
        super().__init__(length, instruments, rests, start, **{**rest, "must_play": ()})
        self._knows_density = "density" not in left_out
        self._knows_strength = "strength" not in left_out
        self._n_note = 0
        """Notes of the present simu-note so far."""
        if any(bar_orders.density is not None or bar_orders.strengths for bar_orders in orders.values()):
            missing = " and ".join(sorted(ANNOUNCEMENTS.intersection(left_out)))
            self.notes += (f"the model was trained without {missing}; densities and strengths are its own",)

    def types(self) -> np.ndarray:
        allowed = super().types()
        if not self._knows_strength and self._n_note and self._n_note < MOST_AT_ONCE[Instrument(self.instrument)]:
            allowed[WordType.NOTE] = self.pitches().any()
        if self._must_not_be_silent:
            allowed[WordType.END] = False
        return allowed

    def positions(self) -> np.ndarray:
        allowed = super().positions()
        if self._must_not_be_silent:
            allowed[BAR] = False
        return allowed

    def densities(self) -> np.ndarray:
        return super().densities() if self._knows_density else _only(_NOTHING, FIELD_SIZES.density)

    def strengths(self, position: int, instrument: Instrument) -> np.ndarray:
        if self._knows_strength:
            return super().strengths(position, instrument)
        return _only(_NOTHING, FIELD_SIZES.strength)

    def beat_density(self, position: int) -> int:
        return super().beat_density(position) if self._knows_density else _NOTHING

    def accept(self, word: CompoundWord) -> None:
        super().accept(word)
        if word.type == WordType.NOTE:
            self._n_note += 1
        else:
            self._n_note = 0
        if not self._knows_density:
            self.density_left = 0
        if not self._knows_strength:
            announces = word.type == WordType.RHYTHM and word.position != BAR
            self.strength_left = int(announces)  # a simu-note has one note; more are the network's to choose

    def _later_positions(self) -> list[int]:
        return super()._later_positions() if self._knows_density else self._places()

    @property
    def _must_not_be_silent(self) -> bool:
        """Whether this bar, a piece's first or last, still has no note; one that announces its density has its rule."""
        first = 0 if self.start == 0 else 1
        last = self._closing.bar if self._closing else self.n_bar - 1
        return not self._knows_density and self.bar in (first, last) and not self._onsets and bool(self._places())


def _only(value: int, size: int) -> np.ndarray:
    allowed = np.zeros(size, dtype=bool)
    allowed[value] = True
    return allowed
