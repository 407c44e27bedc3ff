"""The grammar for networks that never knew of density or strength (`ModelConfig.left_out`), as in the paper's table 1.

Their words do not announce how much is to come: the network itself goes on to the next bar, or to the next simu-note,
when it likes. All other rules hold; of orders, only the numbers that nobody announces cannot be kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from cmt.music.lead_sheet import LeadSheet
from cmt.music.words import BAR, FIELD_SIZES, CompoundWord, Mode, WordType
from cmt.writing.closing import THIN, Ending
from cmt.writing.grammar import Grammar
from cmt.writing.orders import MOST_AT_ONCE, BarOrders
from cmt.writing.ranges import PITCH_RANGES
from cmt.writing.repeats import Copied
from midi_io.song import Instrument, Timeline

ANNOUNCEMENTS = ("density", "strength")
"""The control attributes that announce how much is to come."""
_NOTHING = 0
"""The value of an attribute that says nothing."""


class UnannouncedGrammar(Grammar):
    """A `Grammar` for a network that is not told the attributes `left_out`.

    Where density is unknown, `density_left` is the most that may still come. Of a lead sheet it keeps the players; the
    strokes of a copy would be announced, and so nothing is copied.
    """

    def __init__(
        self,
        timeline: Timeline,
        instruments: Collection[Instrument],
        orders: Mapping[int, BarOrders],
        *,
        left_out: Collection[str],
        must_play: Collection[Instrument] = (),
        mode: Mode | None = None,
        ranges: Mapping[Instrument, tuple[int, int]] = PITCH_RANGES,
        ending: Ending = THIN,
        sheet: LeadSheet | None = None,
    ) -> None:
        self._knows_density, self._knows_strength = (name not in left_out for name in ANNOUNCEMENTS)
        possible = {bar: self._possible(bar_orders) for bar, bar_orders in orders.items()}
        super().__init__(
            timeline, instruments, possible, must_play=must_play, mode=mode, ranges=ranges, ending=ending, sheet=sheet
        )
        self._fewest = 0
        """The onsets, 0 or 1, that the present bar must have beside ordered ones where its density is unknown."""
        self._n_note = 0
        """The number of notes of the present simu-note so far."""
        if possible != orders:
            missing = " and ".join(name for name in ANNOUNCEMENTS if name in left_out)
            self.notes += (f"the model was trained without {missing}: what was ordered of it is left to the model",)

    def _possible(self, orders: BarOrders) -> BarOrders:
        return BarOrders(
            orders.density if self._knows_density else None,
            orders.strengths if self._knows_strength else dict.fromkeys(orders.strengths),
            orders.rests,
            orders.slack,
        )

    @property
    def bar_is_complete(self) -> bool:
        """As in `Grammar`; with no density announced, all that is ordered must have come."""
        if self._knows_density:
            return super().bar_is_complete
        still_ordered = any(position > self.position for position in self._orders(self.bar).positions())
        satisfied = len(self._onsets) >= self._fewest and not still_ordered
        return satisfied and self.strength_left == 0 and not self._orders_left_here() and not self._pitch_is_due

    @property
    def _may_be_the_last_chord(self) -> bool:
        return self._is_closing if not self._knows_density else super()._may_be_the_last_chord

    def types(self) -> np.ndarray:
        """Allowed types, (3,) bool: after a note another one may follow, where the strength is not announced."""
        allowed = super().types()
        if not self._knows_strength and 0 < self._n_note < MOST_AT_ONCE[Instrument(self.instrument)]:
            allowed[WordType.NOTE] = self.pitches().any()
        return allowed

    def position_lean(self) -> NDArray[np.float64] | None:
        """As in `Grammar`; with no density announced, the rhythm is the model's own."""
        return super().position_lean() if self._knows_density else None

    def densities(self) -> np.ndarray:
        """Allowed values of a bar's density, (18,) bool: only "nothing" where it is not announced."""
        return super().densities() if self._knows_density else _only(_NOTHING, FIELD_SIZES.density)

    def strengths(self, position: int, instrument: Instrument) -> np.ndarray:
        """Allowed values of a beat's strength, (17,) bool: only "nothing" where it is not announced."""
        if self._knows_strength:
            return super().strengths(position, instrument)
        return _only(_NOTHING, FIELD_SIZES.strength)

    def beat_density(self, position: int) -> int:
        """The countdown that a beat word carries, 0 where the density is not announced."""
        return super().beat_density(position) if self._knows_density else _NOTHING

    def accept(self, word: CompoundWord) -> None:
        """Move on by one word."""
        super().accept(self._with_bounds(word))
        self._n_note = self._n_note + 1 if word.type == WordType.NOTE else 0

    def _with_bounds(self, word: CompoundWord) -> CompoundWord:
        """The word with what it does not announce: the most onsets that may come; a note for now."""
        if word.type == WordType.NOTE:
            self.strength_left = max(1, self.strength_left)
            return word
        if word.type != WordType.RHYTHM:
            return word
        if not self._knows_density:
            if word.position == BAR:
                possible = np.flatnonzero(super().densities()) - 1
                self._fewest = min(1, int(possible[0]))
                word = word._replace(density=1 + int(possible[-1]))
            else:
                word = word._replace(density=super().beat_density(word.position - 1))
        if not self._knows_strength and word.position != BAR:
            word = word._replace(strength=1)
        return word

    def _copied(self, bar: int, *, is_ordered: bool) -> Copied:
        return Copied((), {})

    def _places(self) -> list[int]:
        if self._knows_density:
            return super()._places()
        places = [position for position in self._sounding(self.bar) if position > self.position]
        if self._closing and self._is_closing:
            ordered = self._orders(self.bar).positions()
            early = [p for p in places if p <= self._closing.last_stroke or p in ordered]
            return early if early or self._onsets else places
        return places

    def _later_positions(self) -> list[int]:
        if self._knows_density:
            return super()._later_positions()
        ordered = [p for p in self._orders(self.bar).positions() if p > self.position]
        spare = self.density_left - len(ordered)
        return [p for p in self._places() if (spare > 0 or p in ordered) and (not ordered or p <= ordered[0])]


def _only(value: int, size: int) -> np.ndarray:
    allowed = np.zeros(size, dtype=bool)
    allowed[value] = True
    return allowed
