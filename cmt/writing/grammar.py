"""Drawing a word: temperature, nucleus, and the grammar that allows only legal words.

The grammar knows where the piece stands and what has been ordered. Each of its methods answers,
for one attribute, which values may come next; whatever the network says, a piece drawn this way
decodes to a song that has exactly the bars, densities and strengths that were set, and that closes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cmt.music.key import estimate_key
from cmt.music.words import BAR, FIELD_SIZES, MAX_DURATION, CompoundWord, Mode, WordType
from cmt.writing.closing import CLOSING_TONIC, THIN, Ending, closing_of, closing_pitch_classes
from cmt.writing.groove import Groove
from cmt.writing.orders import MOST_AT_ONCE, BarOrders, possible_orders, sounding_positions
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

PITCH_RANGES: Mapping[Instrument, tuple[int, int]] = {
    Instrument.DRUMS: (27, 87),
    Instrument.PIANO: (21, 108),
    Instrument.GUITAR: (28, 96),
    Instrument.BASS: (23, 67),
    Instrument.STRINGS: (24, 108),
}
"""The lowest and the highest pitch; for drums the keys of the General MIDI percussion map with its extension."""


def ranges_before(shifts: Collection[int]) -> dict[Instrument, tuple[int, int]]:
    """`PITCH_RANGES` of pitches that stay within them when they are moved by any of `shifts` semitones."""
    down, up = min(0, *shifts, 0), max(0, *shifts, 0)
    return {
        instrument: (low, high) if instrument is Instrument.DRUMS else (low - down, high - up)
        for instrument, (low, high) in PITCH_RANGES.items()
    }


class Grammar:
    """Where a piece stands, and which words may come next.

    Parameters
    ----------
    timeline
        Where the piece begins and ends: a pickup shortens the first bar, and the last may be cut off.
    instruments
        The instruments that may play.
    orders
        The orders by bar; impossible ones are made possible, see `notes`.
    must_play
        The instruments that play in any case: those that have not played by half of the piece enter then.
    mode
        The mode of the key in which the piece closes; None is the one that it turns out to have.
    ranges
        The lowest and the highest pitch of each instrument.
    ending
        The way in which the piece ends.
    """

    def __init__(
        self,
        timeline: Timeline,
        instruments: Collection[Instrument],
        orders: Mapping[int, BarOrders],
        *,
        must_play: Collection[Instrument] = (),
        mode: Mode | None = None,
        ranges: Mapping[Instrument, tuple[int, int]] = PITCH_RANGES,
        ending: Ending = THIN,
    ) -> None:
        self.timeline = timeline
        self.length = math.ceil(timeline.length)
        """The first position that lies behind the piece."""
        self.n_bar = timeline.n_bar
        self.instruments = tuple(sorted(instruments))
        self.orders, self.notes = possible_orders(orders, timeline, self.instruments)
        """The orders that are kept, and a line for each kind that was impossible; entrances are added on the way."""
        self.bar = -1
        self.position = -1
        """The sixteenth of the bar of the last simu-note, -1 before the first."""
        self.instrument = -1
        """The instrument of the last simu-note, -1 before the bar's first."""
        self.density_left = 0
        self.strength_left = 0
        self.lowest_pitch = 0
        """The next note of the simu-note must lie here or above."""
        self.finished = False
        self._rests = {
            instrument: sorted(
                bar * POSITIONS_PER_BAR + position
                for bar, bar_orders in self.orders.items()
                for position, resting in bar_orders.rests
                if resting == instrument
            )
            for instrument in {resting for bar_orders in self.orders.values() for _, resting in bar_orders.rests}
        }
        """The positions, from the start of the first bar, on which an instrument must not sound."""
        self._latest_entrances = self._entrances_of(must_play)
        """The bar, by instrument, in which it enters if it has not played before."""
        self._closing = closing_of(timeline, ending)
        self._last_bars: dict[Instrument, int] = {}
        """The last bar, by instrument, in which it has started a note."""
        self._mode = mode
        self._ranges = ranges
        self._heard = np.zeros(12)
        """The number of sixteenths for which each pitch class has sounded (12,)."""
        self._groove = Groove()
        self._onsets: set[int] = set()

    @property
    def mode(self) -> Mode:
        """The mode of the key that was asked for, or for which the notes so far speak."""
        return self._mode if self._mode is not None else estimate_key(self._heard).mode

    @property
    def bar_is_complete(self) -> bool:
        """Whether all that must come in the present bar has come."""
        return self.density_left == 0 and self.strength_left == 0 and not self._orders_left_here()

    @property
    def piece_position(self) -> int:
        """Sixteenths from the start of the first bar to the last word."""
        return max(0, self.bar) * POSITIONS_PER_BAR + max(0, self.position)

    @property
    def _is_closing(self) -> bool:
        return self._closing is not None and self.bar == self._closing.bar

    @property
    def _may_be_the_last_chord(self) -> bool:
        return self._is_closing and self.density_left == 0

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

    def position_lean(self) -> NDArray[np.float64] | None:
        """(18,) how likely the piece's groove holds each later position, NaN for what is none.

        None where the bar's density is the model's own: then its rhythm is, too. The closing bar keeps to the groove.
        """
        if self.density_left == 0 or (self._orders(self.bar).density is None and not self._is_closing):
            return None
        possible = np.zeros(POSITIONS_PER_BAR, dtype=bool)
        possible[self._places()] = True
        certain = [p for p in self._orders(self.bar).positions() if p > self.position]
        lean = np.full(FIELD_SIZES.position, np.nan)
        lean[1 : 1 + POSITIONS_PER_BAR] = self._groove.next_onset(possible, certain, self.density_left)
        lean[1 : self.position + 2] = np.nan
        return lean

    def densities(self) -> np.ndarray:
        """Allowed values of a bar's density, (18,) bool; the bar is the one that now opens."""
        bar = self.bar + 1
        orders = self._orders(bar)
        allowed = np.zeros(FIELD_SIZES.density, dtype=bool)
        if orders.density is not None:
            allowed[1 + orders.density] = True
            return allowed
        fewest, most = len(orders.positions()), len(self._sounding(bar))
        last = self._closing.bar if self._closing else self.n_bar - 1
        if self._closing and bar >= last:
            # What comes behind the closing bar is cut off too soon to be more than its echo.
            few, many = self._closing.densities_after(self._onsets) if bar == last else (0, 0)
            most = max(fewest, min(most, many))
            fewest = max(fewest, min(most, few))
        first = 0 if self.timeline.start == 0 else 1
        if bar in (first, last) or any(bar >= entrance for entrance in self._latest_entrances.values()):
            fewest = max(1, fewest)  # a piece neither begins nor ends with silence
        fewest = min(fewest, len(self._sounding(bar)))
        most = max(fewest, most)
        allowed[1 + fewest : 1 + most + 1] = True
        return allowed

    def instruments_at(self, position: int) -> np.ndarray:
        """Allowed values of a beat's instrument, (6,) bool; `position` is 0..15."""
        allowed = np.zeros(FIELD_SIZES.instrument, dtype=bool)
        for instrument in self._instruments_at(position):
            allowed[1 + instrument] = True
        return allowed

    def strengths(self, position: int, instrument: Instrument) -> np.ndarray:
        """Allowed values of a beat's strength, (17,) bool."""
        allowed = np.zeros(FIELD_SIZES.strength, dtype=bool)
        ordered = self._orders(self.bar).strengths.get((position, instrument))
        if ordered is not None:
            allowed[ordered] = True
        else:
            allowed[1 : 1 + min(MOST_AT_ONCE[instrument], int(self._scale(instrument).sum()))] = True
        return allowed

    def pitches(self) -> np.ndarray:
        """Allowed values of a note's pitch, (129,) bool: upwards, with room for the notes to come."""
        instrument = Instrument(self.instrument)
        for scale in (self._scale(instrument), self._range(instrument)):
            fitting = np.flatnonzero(scale)
            fitting = fitting[fitting >= self.lowest_pitch]
            if len(fitting) >= self.strength_left:
                break  # more notes may be ordered than a closing chord has
        fitting = fitting[: len(fitting) - self.strength_left + 1]
        if self._may_be_the_last_chord and self.lowest_pitch == 0 and instrument != Instrument.DRUMS:
            tonics = fitting[fitting % 12 == CLOSING_TONIC[self.mode]]
            fitting = tonics if len(tonics) else fitting  # of the last chord, everyone's lowest note
        allowed = np.zeros(FIELD_SIZES.pitch, dtype=bool)
        allowed[1 + fitting] = True
        return allowed

    def durations(self) -> np.ndarray:
        """Allowed values of a note's duration, (65,) bool: neither beyond the piece nor into a rest, drums 1."""
        here = self.piece_position
        longest = min(MAX_DURATION, self.length - here)
        if self.instrument in self._rests:
            rests = self._rests[Instrument(self.instrument)]
            following = bisect_left(rests, here)
            if following < len(rests):
                longest = min(longest, rests[following] - here)
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
            if self.instrument != Instrument.DRUMS:
                self._heard[(word.pitch - 1) % 12] += word.duration
        elif word.position == BAR:
            self._open_bar(word.density - 1)
        else:
            self.density_left = word.density - 1
            self.position = word.position - 1
            self.instrument = word.instrument - 1
            self.strength_left = word.strength
            self.lowest_pitch = 0
            self._onsets.add(self.position)
            self._latest_entrances.pop(Instrument(self.instrument), None)
            self._last_bars[Instrument(self.instrument)] = self.bar

    def _open_bar(self, density: int) -> None:
        if self.bar >= 0:
            self._groove.hear(self._onsets)
        self.bar += 1
        if self._is_closing:
            self._mode = self.mode  # a closing chord does not change what it closes
        self.position = self.instrument = -1
        self.density_left = density
        self._onsets = set()
        self._order_entrances()
        if self._closing and self._is_closing and not self._closing.thins_out:
            self._order_last_stroke(self._closing.last_stroke)

    def _order_last_stroke(self, position: int) -> None:
        """Order a last stroke of all who have played in the bar before or will enter, if there is room for one."""
        orders = self._orders(self.bar)
        ordered = orders.positions()
        if position in ordered or len(ordered) < self.density_left:
            players = [i for i in self.instruments if self._last_bars.get(i, -1) >= self.bar - 1]
            together = [i for i in players if position in self._free_positions(self.bar, i)]
            strengths = dict.fromkeys(((position, instrument) for instrument in together), None)
            self.orders[self.bar] = replace(orders, strengths={**strengths, **orders.strengths})

    def _entrances_of(self, instruments: Collection[Instrument]) -> dict[Instrument, int]:
        """The latest bar, by instrument, in which it enters: half of the piece, or as near as its rests allow."""
        entrances = {}
        for instrument in instruments:
            bars = [bar for bar in range(self.n_bar) if self._free_positions(bar, instrument)]
            if bars:
                entrances[instrument] = next((bar for bar in bars if bar >= self.n_bar // 2), bars[-1])
        return entrances

    def _order_entrances(self) -> None:
        """Order an entrance in this bar for each instrument that must play and has not played yet.

        It enters together with what is ordered already, or else as soon as it may.
        """
        for instrument in sorted(i for i, bar in self._latest_entrances.items() if self.bar >= bar):
            orders = self._orders(self.bar)
            ordered, free = orders.positions(), self._free_positions(self.bar, instrument)
            together = [position for position in free if position in ordered]
            alone = free if len(ordered) < self.density_left else []
            for position in (together or alone)[:1]:
                strengths = {(position, instrument): None, **orders.strengths}
                self.orders[self.bar] = replace(orders, strengths=strengths)

    def _orders(self, bar: int) -> BarOrders:
        return self.orders.get(bar, _NO_ORDERS)

    def _sounding(self, bar: int) -> Sequence[int]:
        """Sixteenths of a bar that belong to the piece and on which an instrument may play."""
        return sounding_positions(self._orders(bar), bar, self.timeline, self.instruments)

    def _free_positions(self, bar: int, instrument: Instrument) -> list[int]:
        """Sixteenths of a bar on which an instrument may start a note, 0..15."""
        return list(sounding_positions(self._orders(bar), bar, self.timeline, [instrument]))

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

    def _places(self) -> list[int]:
        """Later positions of the bar on which something may start: in the closing bar early ones, if they suffice."""
        places = [p for p in self._sounding(self.bar) if p > self.position]
        if self._closing and self._is_closing:
            ordered = self._orders(self.bar).positions()
            early = [p for p in places if p <= self._closing.last_stroke or p in ordered]
            if len(early) >= self.density_left:
                return early
        return places

    def _later_positions(self) -> list[int]:
        """Positions after the present one that leave room for all that must still come."""
        if self.density_left == 0:
            return []
        ordered = [p for p in self._orders(self.bar).positions() if p > self.position]
        later = self._places()
        later = later[: max(0, len(later) - self.density_left + 1)]
        spare = self.density_left - len(ordered)
        return [p for p in later if (spare > 0 or p in ordered) and (not ordered or p <= ordered[0])]

    def _range(self, instrument: Instrument) -> np.ndarray:
        """(128,) bool, the pitches of an instrument."""
        pitches = np.zeros(128, dtype=bool)
        low, high = self._ranges[instrument]
        pitches[low : high + 1] = True
        return pitches

    def _scale(self, instrument: Instrument) -> np.ndarray:
        """(128,) bool, the pitches that an instrument may play here: in the closing bar, those of the closing chord."""
        pitches = self._range(instrument)
        if self._is_closing and instrument is not Instrument.DRUMS:
            classes = closing_pitch_classes(instrument, self.mode)
            pitches &= np.isin(np.arange(128) % 12, list(classes))
        return pitches


_NO_ORDERS = BarOrders()
