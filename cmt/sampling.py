"""Drawing a word: temperature, nucleus, and the grammar that allows only legal words.

The grammar knows where the piece stands and what has been ordered. Each of its methods answers,
for one attribute, which values may come next; whatever the network says, a piece drawn this way
decodes to a song that has exactly the bars, densities and strengths that were set.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cmt.words import BAR, FIELD_SIZES, MAX_DURATION, MAX_STRENGTH, CompoundWord, WordType
from midi_io.song import POSITIONS_PER_BAR, Instrument

PITCH_RANGES: Mapping[Instrument, tuple[int, int]] = {
    Instrument.DRUMS: (27, 87),
    Instrument.PIANO: (21, 108),
    Instrument.GUITAR: (28, 96),
    Instrument.BASS: (23, 67),
    Instrument.STRINGS: (24, 108),
}
"""Lowest and highest pitch; for drums the keys of the General MIDI percussion map with its extension."""


def draw(logits: np.ndarray, allowed: np.ndarray, temperature: float, nucleus: float, rng: np.random.Generator) -> int:
    """One of the allowed values, at random by the logits (n_value,).

    Only the likeliest values that together hold `nucleus` of the probability are drawn from, the
    one that crosses the border included.
    """
    values = np.flatnonzero(allowed)
    if len(values) == 1:
        return int(values[0])
    scaled = logits[values].astype(np.float64) / temperature
    probability = np.exp(scaled - scaled.max())
    probability /= probability.sum()
    order = np.argsort(-probability, kind="stable")
    cumulative = np.cumsum(probability[order])
    kept = order[: int(np.searchsorted(cumulative, nucleus)) + 1]
    cumulative = np.cumsum(probability[kept])
    chosen = kept[min(int(np.searchsorted(cumulative, rng.random() * cumulative[-1])), len(kept) - 1)]
    return int(values[chosen])


@dataclass
class BarOrders:
    """What must happen in one bar."""

    density: int | None = None
    """Exact density, or None where the model chooses."""
    strengths: dict[tuple[int, Instrument], int | None] = field(default_factory=dict)
    """(position 0..15, instrument) of simu-notes that must come; their strength, or None where the model chooses."""
    rests: frozenset[tuple[int, Instrument]] = frozenset()
    """(position 0..15, instrument) of sixteenths on which an instrument must not sound."""

    def positions(self) -> list[int]:
        """Positions with an order, in order."""
        return sorted({position for position, _ in self.strengths})


class Grammar:
    """Where a piece stands, and which words may come next.

    Parameters
    ----------
    length
        Position at which the piece ends; the last bar may be shorter than 16.
    instruments
        Those that may play.
    orders
        What must happen, by bar.
    start
        Position with which the piece begins, 0..15; above 0 the first bar is a pickup.
    """

    def __init__(
        self,
        length: float,
        instruments: tuple[Instrument, ...],
        orders: Mapping[int, BarOrders],
        start: float = 0,
    ) -> None:
        self.length = int(np.ceil(length))
        self.start = int(np.ceil(start))
        self.n_bar = -(-self.length // POSITIONS_PER_BAR)
        self.instruments = tuple(sorted(instruments))
        self.orders = orders
        self._rests = {
            instrument: sorted(
                bar * POSITIONS_PER_BAR + position
                for bar, order in orders.items()
                for position, resting in order.rests
                if resting == instrument
            )
            for instrument in {resting for order in orders.values() for _, resting in order.rests}
        }
        """Positions, from the start of the first bar, on which an instrument must not sound."""
        self.bar = -1
        self.position = -1
        """Sixteenth of the bar of the last simu-note, -1 before the first."""
        self.instrument = -1
        """Instrument of the last simu-note, -1 before the bar's first."""
        self.density_left = 0
        self.strength_left = 0
        self.lowest_pitch = 0
        """The next note of the simu-note must lie here or above."""
        self.finished = False

    @property
    def bar_is_complete(self) -> bool:
        """Whether all that must come in the present bar has come."""
        return self.density_left == 0 and self.strength_left == 0 and not self._orders_left_here()

    @property
    def piece_position(self) -> int:
        """Sixteenths from the start of the first bar to the last word."""
        return max(0, self.bar) * POSITIONS_PER_BAR + max(0, self.position)

    def types(self) -> np.ndarray:
        """Allowed types, (3,) bool."""
        allowed = np.zeros(FIELD_SIZES.type, dtype=bool)
        if self.strength_left:
            allowed[WordType.NOTE] = True
        else:
            allowed[WordType.RHYTHM] = self.positions().any()
            allowed[WordType.END] = self.bar == self.n_bar - 1 and self.bar_is_complete
        return allowed

    def positions(self) -> np.ndarray:
        """Allowed values of a rhythm word's position, (18,) bool."""
        allowed = np.zeros(FIELD_SIZES.position, dtype=bool)
        if self.bar < 0:
            allowed[BAR] = True
            return allowed
        allowed[BAR] = self.bar < self.n_bar - 1 and self.bar_is_complete
        if self.position >= 0:
            allowed[self.position + 1] = bool(self._instruments_at(self.position))
        if not self._orders_left_here():
            for position in self._later_positions():
                allowed[position + 1] = True
        return allowed

    def densities(self) -> np.ndarray:
        """Allowed values of a bar's density, (18,) bool; the bar is the one that now opens."""
        orders = self._orders(self.bar + 1)
        room = self._room(self.bar + 1)
        allowed = np.zeros(FIELD_SIZES.density, dtype=bool)
        if orders.density is not None:
            allowed[1 + min(orders.density, room)] = True
        else:
            # The last bar closes the piece: it must not be silent.
            fewest = max(len(orders.positions()), min(room, int(self.bar + 1 == self.n_bar - 1)))
            allowed[1 + fewest : 1 + room + 1] = True
        return allowed

    def instruments_at(self, position: int) -> np.ndarray:
        """Allowed values of a beat's instrument, (6,) bool; `position` is 0..15."""
        allowed = np.zeros(FIELD_SIZES.instrument, dtype=bool)
        for instrument in self._instruments_at(position):
            allowed[1 + instrument] = True
        return allowed

    def strengths(self, position: int, instrument: Instrument) -> np.ndarray:
        """Allowed values of a beat's strength, (17,) bool."""
        low, high = PITCH_RANGES[instrument]
        allowed = np.zeros(FIELD_SIZES.strength, dtype=bool)
        ordered = self._orders(self.bar).strengths.get((position, instrument))
        if ordered is not None:
            allowed[ordered] = True
        else:
            allowed[1 : 1 + min(MAX_STRENGTH, high - low + 1)] = True
        return allowed

    def pitches(self) -> np.ndarray:
        """Allowed values of a note's pitch, (129,) bool: upwards, with room for the notes to come."""
        low, high = PITCH_RANGES[Instrument(self.instrument)]
        allowed = np.zeros(FIELD_SIZES.pitch, dtype=bool)
        allowed[1 + max(low, self.lowest_pitch) : 1 + high - self.strength_left + 2] = True
        return allowed

    def durations(self) -> np.ndarray:
        """Allowed values of a note's duration, (65,) bool: neither beyond the piece nor into a rest, drums 1."""
        here = self.piece_position
        longest = min(MAX_DURATION, self.length - here)
        if self.instrument in self._rests:
            rests = self._rests[Instrument(self.instrument)]
            following = bisect_left(rests, here)
            longest = min([longest, *(rest - here for rest in rests[following : following + 1])])
        allowed = np.zeros(FIELD_SIZES.duration, dtype=bool)
        allowed[1 : 1 + (1 if self.instrument == Instrument.DRUMS else longest)] = True
        return allowed

    def beat_density(self, position: int) -> int:
        """The countdown that a beat word carries: 1 + positions of the bar still to come."""
        return 1 + self.density_left - (position != self.position)

    def accept(self, word: CompoundWord) -> None:
        """Move on by one word."""
        if word.type == WordType.END:
            self.finished = True
        elif word.type == WordType.NOTE:
            self.strength_left -= 1
            self.lowest_pitch = word.pitch
        elif word.position == BAR:
            self.bar += 1
            self.position = self.instrument = -1
            self.density_left = word.density - 1
        else:
            self.density_left = word.density - 1
            self.position = word.position - 1
            self.instrument = word.instrument - 1
            self.strength_left = word.strength
            self.lowest_pitch = 0

    def _orders(self, bar: int) -> BarOrders:
        return self.orders.get(bar, _NO_ORDERS)

    def first_position(self, bar: int) -> int:
        """The first sixteenth of a bar that belongs to the piece, 0..15."""
        return self.start if bar == 0 else 0

    def free_positions(self, bar: int, instrument: Instrument) -> list[int]:
        """Sixteenths of a bar on which an instrument may start a note, 0..15."""
        rests = self._orders(bar).rests
        return [p for p in range(self.first_position(bar), self._end(bar)) if (p, instrument) not in rests]

    def _end(self, bar: int) -> int:
        """The sixteenth of a bar behind the last that belongs to the piece, 1..16."""
        return min(POSITIONS_PER_BAR, self.length - bar * POSITIONS_PER_BAR)

    def _room(self, bar: int) -> int:
        """On how many sixteenths of a bar notes may start."""
        return len(self._sounding(bar))

    def _sounding(self, bar: int) -> range | list[int]:
        """Sixteenths of a bar that belong to the piece and on which an instrument may play."""
        inside = range(self.first_position(bar), self._end(bar))
        rests = self._orders(bar).rests
        return [p for p in inside if any((p, i) not in rests for i in self.instruments)] if rests else inside

    def _orders_left_here(self) -> list[Instrument]:
        """Instruments ordered on the present position that have not played."""
        strengths = self._orders(self.bar).strengths
        return sorted(i for position, i in strengths if position == self.position and i > self.instrument)

    def _instruments_at(self, position: int) -> list[Instrument]:
        played = self.instrument if position == self.position else -1
        ordered = [i for p, i in self._orders(self.bar).strengths if p == position and i > played]
        last = min(ordered, default=max(self.instruments))
        rests = self._orders(self.bar).rests
        return [i for i in self.instruments if played < i <= last and (position, i) not in rests]

    def _later_positions(self) -> list[int]:
        """Positions after the present one that leave room for all that must still come."""
        if self.density_left == 0:
            return []
        ordered = [p for p in self._orders(self.bar).positions() if p > self.position]
        later = [p for p in self._sounding(self.bar) if p > self.position]
        if self.density_left > len(later):
            return []
        last = min(later[-self.density_left], ordered[0] if ordered else POSITIONS_PER_BAR)
        spare = self.density_left - len(ordered)
        return [p for p in later if p <= last and (spare > 0 or p in ordered)]


_NO_ORDERS = BarOrders()
