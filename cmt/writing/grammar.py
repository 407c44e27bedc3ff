"""Drawing a word: temperature, nucleus, and the grammar that allows only legal words.

The grammar knows where the piece stands and what has been ordered. Each of its methods answers,
for one attribute, which values may come next; whatever the network says, a piece drawn this way
decodes to a song that has exactly the bars, densities and strengths that were set, repeats what its
lead sheet says that it repeats, and closes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import HALF_BAR
from cmt.music.key import estimate_key
from cmt.music.lead_sheet import UNKNOWN, LeadSheet, Stroke, empty_sheet
from cmt.music.words import BAR, FIELD_SIZES, MAX_DURATION, CompoundWord, Mode, WordType
from cmt.writing.closing import CLOSING_TONIC, THIN, Ending, closing_of, closing_pitch_classes
from cmt.writing.entrances import entrances_of
from cmt.writing.groove import Groove
from cmt.writing.orders import MOST_AT_ONCE, BarOrders, possible_orders, rests_of, sounding_positions
from cmt.writing.ranges import PITCH_RANGES, pitches_between
from cmt.writing.repeats import BACKBEAT, Copied, Place, Tone, backbone, models_of
from cmt.writing.script import BarScript, script_of
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline


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
        The instruments that play in any case: those that have not played enter in the first bar in which the sheet
        lets them play; where it does not say, at half of the piece.
    mode
        The mode of the key in which the piece closes; None is the one that it turns out to have.
    ranges
        The lowest and the highest pitch of each instrument.
    ending
        The way in which the piece ends.
    sheet
        The lead sheet, which says who plays in which bar and what repeats which bar note for note. Orders, the pickup
        and the closing bar go before it. None leaves everything open.
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
        sheet: LeadSheet | None = None,
    ) -> None:
        self.timeline = timeline
        self.length = math.ceil(timeline.length)
        """The first position that lies behind the piece."""
        self.n_bar = timeline.n_bar
        self.instruments = tuple(sorted(instruments))
        self.orders, self.notes = possible_orders(orders, timeline, self.instruments)
        """The orders that are kept, and a line for each kind that was impossible."""
        self.sheet = empty_sheet(self.n_bar) if sheet is None else sheet
        if self.sheet.n_bar != self.n_bar:
            raise ValueError(
                f"the lead sheet has {self.sheet.n_bar} bars, the piece {self.n_bar}; plan it for the piece"
            )
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
        self._rests = rests_of(self.orders)
        """The positions, from the start of the first bar, on which an instrument must not sound."""
        self._closing = closing_of(timeline, ending)
        self._entrances = entrances_of(self.sheet, {i: self._bars_to_enter_in(i) for i in must_play})
        """When each of those enters that have not played."""
        self._script = BarScript()
        """What is known of the present bar before its first word."""
        self._script_to_come: BarScript | None = None
        """That of the next bar, once it has been asked for; each word may change it."""
        self._patterns: list[dict[Place, tuple[Tone, ...]]] = []
        """The strokes of the bars so far, by place; of bars that copy, before orders edited them."""
        self._rings_until = 0
        """The first position at which no pitched note of the notes so far sounds."""
        self._has_pitch = False
        """Whether a pitched instrument has started a note in the present bar."""
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
    def chord(self) -> int:
        """The number of the sheet's chord at the last word, or UNKNOWN; the closing bar has its own chord."""
        return UNKNOWN if self._is_closing else int(self.sheet.chords[self.piece_position // HALF_BAR])

    @property
    def song_groove(self) -> frozenset[Stroke] | None:
        """The groove of the song that the present bar is like; None where it is like none, and in the closing bar."""
        return None if self.sheet.grooves is None or self._is_closing else self.sheet.grooves[self.bar]

    @property
    def is_accent(self) -> bool:
        """Whether the last simu-note is one that was ordered."""
        return (self.position, self.instrument) in self.orders.get(self.bar, _NO_ORDERS).strengths

    @property
    def bar_is_complete(self) -> bool:
        """Whether all that must come in the present bar has come."""
        played = self.density_left == 0 and self.strength_left == 0 and not self._orders_left_here()
        return played and not self._pitch_is_due

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
            for position in self._next_positions():
                allowed[position + 1] = True
        return allowed

    def position_lean(self) -> NDArray[np.float64] | None:
        """(18,) how likely the piece's groove holds each later position, NaN for what is none.

        None where the bar's density is the model's own: then its rhythm is, too. The closing bar keeps to the groove.
        """
        is_own = self._orders(self.bar).density is None and not self._is_closing and not self.song_groove
        if self.density_left == 0 or is_own:
            return None
        possible = np.zeros(POSITIONS_PER_BAR, dtype=bool)
        possible[self._places()] = True
        certain = [p for p in self._orders(self.bar).positions() if p > self.position]
        lean = np.full(FIELD_SIZES.position, np.nan)
        lean[1 : 1 + POSITIONS_PER_BAR] = self._groove.next_onset(
            possible, certain, self.density_left, self.song_groove
        )
        lean[1 : self.position + 2] = np.nan
        if self._pitch_is_missing:
            passed = [p for p in self._later_positions() if p not in self._next_positions()]
            lean[[1 + p for p in passed]] = 0.0
            lean /= max(float(np.nansum(lean)), np.finfo(float).tiny)
        return lean

    def densities(self) -> np.ndarray:
        """Allowed values of a bar's density, (18,) bool; the bar is the one that now opens."""
        bar = self.bar + 1
        orders = self._orders(bar)
        allowed = np.zeros(FIELD_SIZES.density, dtype=bool)
        fewest, most = self._script_of(bar).fewest, len(self._sounding(bar))
        if orders.density is not None:
            least, greatest = orders.densities if not self._closes_by(bar) else (orders.density, orders.density)
            most = min(greatest, most)
            allowed[1 + max(least, min(fewest, most)) : 1 + most + 1] = True
            return allowed
        if self._closing and self._closes_by(bar):
            # What comes behind the closing bar is cut off too soon to be more than its echo.
            few, many = self._closing.densities_after(self._onsets) if bar == self._closing.bar else (0, 0)
            most = max(fewest, min(most, many))
            fewest = max(fewest, min(most, few))
        if bar in (self._first_bar, self._last_bar):
            fewest = max(1, fewest)  # a piece neither begins nor ends with silence
        fewest = min(fewest, len(self._sounding(bar)))
        allowed[1 + fewest : 1 + max(fewest, most) + 1] = True
        return allowed

    def orders_to_come(self) -> BarOrders:
        """The orders of the bar that now opens."""
        return self.orders.get(self.bar + 1, _NO_ORDERS)

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
        place = (self.position, instrument)
        if instrument is Instrument.DRUMS and instrument in self._script.copying:
            fitting = fitting[~np.isin(fitting, list(BACKBEAT))]  # what is added moves neither kick nor snare
        copied = self._script.pitches_to_copy(place, self.lowest_pitch)
        if copied:
            fitting = np.union1d(fitting, copied) if len(copied) < self.strength_left else np.array(copied)
        fitting = fitting[: len(fitting) - self.strength_left + 1]
        if copied:
            fitting = fitting[fitting <= copied[0]]
        if self._may_be_the_last_chord and self.lowest_pitch == 0 and instrument != Instrument.DRUMS:
            tonics = fitting[fitting % 12 == CLOSING_TONIC[self.mode]]
            fitting = tonics if len(tonics) else fitting  # of the last chord, everyone's lowest note
        allowed = np.zeros(FIELD_SIZES.pitch, dtype=bool)
        allowed[1 + fitting] = True
        return allowed

    def durations(self, pitch: int) -> np.ndarray:
        """Allowed values of the duration of a note whose pitch has this value, (65,) bool.

        A note lasts neither beyond the piece nor into a rest, drums last 1, and what is repeated lasts as it did.
        """
        here = self.piece_position
        longest = min(MAX_DURATION, self.length - here)
        rests = self._rests.get(Instrument(self.instrument), [])
        following = bisect_left(rests, here)
        if following < len(rests):
            longest = min(longest, rests[following] - here)
        allowed = np.zeros(FIELD_SIZES.duration, dtype=bool)
        longest = 1 if self.instrument == Instrument.DRUMS else longest
        copied = self._script.duration_to_copy((self.position, Instrument(self.instrument)), pitch - 1)
        if copied is None:
            allowed[1 : 1 + longest] = True
        else:
            allowed[min(copied, longest)] = True
        return allowed

    def beat_density(self, position: int) -> int:
        """The countdown that a beat word carries: 1 + positions of the bar still to come."""
        return 1 + self.density_left - (position != self.position)

    def accept(self, word: CompoundWord) -> None:
        """Move on by one word."""
        self._script_to_come = None
        if word.type == WordType.END:
            self.finished = True
        elif word.type == WordType.NOTE:
            self.strength_left -= 1
            self.lowest_pitch = word.pitch
            place = (self.position, Instrument(self.instrument))
            if place[1] not in self._script.patterned:
                pattern = self._patterns[-1]
                pattern[place] = (*pattern.get(place, ()), Tone(word.pitch - 1, word.duration))
            if self.instrument != Instrument.DRUMS:
                self._heard[(word.pitch - 1) % 12] += word.duration
                self._rings_until = max(self._rings_until, self.piece_position + word.duration)
        elif word.position == BAR:
            self._open_bar(word.density - 1)
        else:
            self.density_left = word.density - 1
            self.position = word.position - 1
            self.instrument = word.instrument - 1
            self.strength_left = word.strength
            self.lowest_pitch = 0
            self._onsets.add(self.position)
            self._has_pitch |= self.instrument != Instrument.DRUMS
            self._entrances.pop(Instrument(self.instrument), None)
            self._last_bars[Instrument(self.instrument)] = self.bar

    def _open_bar(self, density: int) -> None:
        if self.bar >= 0:
            self._groove.hear(self._onsets, backbone(self._patterns[-1]))
        self._script, self._script_to_come = self._script_of(self.bar + 1), None
        self.bar += 1
        if self._is_closing:
            self._mode = self.mode  # a closing chord does not change what it closes
        self.position = self.instrument = -1
        self.density_left = density
        self._onsets = set()
        self._patterns.append(dict(self._script.pattern))
        self._has_pitch = False
        if self._closing and (last := self._closing.struck_together_in(self.bar)) is not None:
            self._order_last_stroke(last)

    def _order_last_stroke(self, position: int) -> None:
        """Order a last stroke of all who have played in the bar before or will enter, if there is room for one."""
        ordered = self._script.orders.positions()
        if position in ordered or len(ordered) < self.density_left:
            players = [i for i in self.instruments if self._last_bars.get(i, -1) >= self.bar - 1]
            together = [i for i in players if position in self._free_positions(self.bar, i)]
            self._script = self._script.joined(position, together)

    def _script_of(self, bar: int) -> BarScript:
        """What is known of the present bar or the one that now opens."""
        if bar == self.bar:
            return self._script
        if self._script_to_come is None:
            self._script_to_come = self._written_script(bar)
        return self._script_to_come

    def _written_script(self, bar: int) -> BarScript:
        orders = self.orders.get(bar, _NO_ORDERS)
        sounding = sounding_positions(orders, bar, self.timeline, self.instruments)
        able = tuple(
            tuple(i for i in self.instruments if position in sounding and (position, i) not in orders.rests)
            for position in range(POSITIONS_PER_BAR)
        )
        is_pickup = bar < self._first_bar
        echoes_the_end = self._closing is not None and bar > self._closing.bar
        rings_on = self._rings_until > bar * POSITIONS_PER_BAR
        return script_of(
            orders,
            able,
            self._players(bar),
            *self._copied(bar, is_ordered=orders.density is not None or bool(orders.strengths)),
            [i for i in sorted(self._entrances) if self._enters(i, bar)],
            struck_last=self._closing.struck_together_in(bar) if self._closing else None,
            is_bare=not (is_pickup or echoes_the_end or rings_on),
        )

    @property
    def _first_bar(self) -> int:
        """The first whole bar: that behind the pickup, if there is one."""
        return 0 if self.timeline.start == 0 else 1

    @property
    def _last_bar(self) -> int:
        """The closing bar, or the last one where none closes."""
        return self._closing.bar if self._closing else self.n_bar - 1

    def _copied(self, bar: int, *, is_ordered: bool) -> Copied:
        """Who copies an earlier bar, and all strokes that they copy; nobody in the closing bar or behind it."""
        if self._closes_by(bar):
            return Copied((), {})
        copying: list[Instrument] = []
        strokes: dict[Place, tuple[Tone, ...]] = {}
        for instrument, model in models_of(self.sheet, bar, self._first_bar, is_ordered=is_ordered).items():
            its = {place: tones for place, tones in self._patterns[model].items() if place[1] == instrument}
            if its or self.sheet.repeats_exactly(bar, instrument):
                copying.append(instrument)
                strokes.update(its)
        return Copied(tuple(copying), strokes)

    def _closes_by(self, bar: int) -> bool:
        """Whether a bar is the closing one, or lies behind it."""
        return self._closing is not None and bar >= self._closing.bar

    def _players(self, bar: int) -> list[Instrument]:
        """Who plays in a bar; a piece neither begins nor ends with nobody."""
        players = [i for i in self.instruments if self.sheet.plays(bar, i)]
        return list(self.instruments) if not players and bar in (self._first_bar, self._last_bar) else players

    def _bars_to_enter_in(self, instrument: Instrument) -> list[int]:
        """The bars in which an instrument need not rest throughout: none behind the closing bar, if others suffice."""
        bars = [bar for bar in range(self.n_bar) if self._free_positions(bar, instrument)]
        return [bar for bar in bars if bar <= self._last_bar] or bars

    def _enters(self, instrument: Instrument, bar: int) -> bool:
        """Whether an instrument that has not played must do so in a bar."""
        entrance = self._entrances[instrument]
        return bar >= entrance.bar and (self.sheet.plays(bar, instrument) or bar >= entrance.latest)

    def _orders(self, bar: int) -> BarOrders:
        return self._script_of(bar).orders

    def _sounding(self, bar: int) -> Sequence[int]:
        """Sixteenths of a bar that belong to the piece and on which an instrument may start a note."""
        return self._script_of(bar).places

    def _free_positions(self, bar: int, instrument: Instrument) -> Sequence[int]:
        """Sixteenths of a bar on which an instrument need not rest, 0..15."""
        return sounding_positions(self.orders.get(bar, _NO_ORDERS), bar, self.timeline, [instrument])

    def _orders_left_here(self) -> list[Instrument]:
        """Instruments ordered on the present position that have not played."""
        strengths = self._orders(self.bar).strengths
        return sorted(i for position, i in strengths if position == self.position and i > self.instrument)

    def _instruments_at(self, position: int) -> list[Instrument]:
        played = self.instrument if position == self.position else -1
        ordered = [i for p, i in self._orders(self.bar).strengths if p == position and i > played]
        last = min(ordered, default=max(self.instruments))
        return [i for i in self._script.starters[position] if played < i <= last]

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

    @property
    def _pitch_is_missing(self) -> bool:
        return self._script.wants_pitch and not self._has_pitch

    @property
    def _pitch_is_due(self) -> bool:
        """Whether the bar still misses a pitched note that may come."""
        if not self._pitch_is_missing:
            return False
        return self._pitch_may_come_here or any(map(self._leaves_room_for_pitch, self._later_positions()))

    @property
    def _pitch_may_come_here(self) -> bool:
        """Whether a pitched instrument may join at the present position: all but the first, the drums, are pitched."""
        return self.position >= 0 and bool(self._instruments_at(self.position))

    def _next_positions(self) -> list[int]:
        """Later positions with which the bar still gets a pitched note, if it misses one and can."""
        later = self._later_positions()
        if not self._pitch_is_missing:
            return later
        leaving = [position for position in later if self._leaves_room_for_pitch(position)]
        return leaving if leaving or self._pitch_may_come_here else later

    def _leaves_room_for_pitch(self, position: int) -> bool:
        """Whether a pitched note may come on a later position of the bar or behind it."""
        pitched = set(self._script.pitched_places).intersection(self._places())
        if position in pitched:
            return True
        ordered = [p for p in self._orders(self.bar).positions() if p > position]
        spare = self.density_left - 1 - len(ordered)
        return any(p > position and (spare > 0 or p in ordered) for p in pitched)

    def _range(self, instrument: Instrument) -> np.ndarray:
        """(128,) bool, the pitches of an instrument."""
        return pitches_between(*self._ranges[instrument])

    def _scale(self, instrument: Instrument) -> np.ndarray:
        """(128,) bool, the pitches that an instrument may play here: in the closing bar, those of the closing chord."""
        pitches = self._range(instrument)
        if self._is_closing and instrument is not Instrument.DRUMS:
            classes = closing_pitch_classes(instrument, self.mode)
            pitches &= np.isin(np.arange(128) % 12, list(classes))
        return pitches


_NO_ORDERS = BarOrders()
