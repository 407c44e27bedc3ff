"""Bars that are written anew between others that stay: what is kept is heard by the network, and what is new fits in.

Other instruments that play in a new bar are in the grammar's script as strokes that the bar must have, note for note.
Three rules hold at the seams. A kept note that is held into new bars sounds on, and its instrument does not strike its
pitch meanwhile. A new note may ring on behind the new bars, but at most until its instrument's next kept note. Of the
lead sheet all stays but that new bars repeat old ones note for note: they would be no new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cmt.errors import CmtError
from cmt.music.encoding import Words
from cmt.music.lead_sheet import LeadSheet
from cmt.music.notation import bars_of_words
from cmt.music.words import BAR, FIELD_SIZES, CompoundWord, WordType
from cmt.writing.grammar import Grammar
from cmt.writing.orders import BarOrders
from cmt.writing.repeats import Copied, Place, Tone, models_of
from cmt.writing.script import BarScript
from cmt.writing.unannounced import ANNOUNCEMENTS, UnannouncedGrammar
from midi_io.song import POSITIONS_PER_BAR, Instrument

Anew = Mapping[int, frozenset[Instrument]]
"""The instruments whose notes are written anew in each bar, from 0, in which something is."""


class Rewriting:
    """A piece of which some bars are written anew.

    Parameters
    ----------
    words
        The words of the whole piece as it is.
    anew
        What is written anew.
    """

    def __init__(self, words: Words, anew: Anew) -> None:
        self.anew = anew
        self._bars = _as_heard(bars_of_words(words), anew)
        self._last = max(anew)
        self._queue: list[CompoundWord] = []
        self._notes = _kept_notes(self._bars, anew)

    def next_word(self, bar: int) -> CompoundWord | None:
        """The word that stays and comes next, where bar `bar` is open; None where one must be written."""
        following = bar + 1
        if not self._queue and bar not in self.anew and following < len(self._bars) and following not in self.anew:
            self._queue = list(self._bars[following])
        return self._queue.pop(0) if self._queue else None

    def in_place_of(self, word: CompoundWord, bar: int) -> CompoundWord:
        """The word itself, or the one that opens the next bar as it was."""
        if word.position != BAR or bar + 1 in self.anew:
            return word
        self._queue = list(self._bars[bar + 1])
        return self._queue.pop(0)

    def is_written(self, bar: int) -> bool:
        """Whether nothing is to be written in bar `bar` or behind it."""
        return bar > self._last

    def is_anew(self, bar: int, instrument: Instrument) -> bool:
        """Whether an instrument's notes of a bar are written anew."""
        return instrument in self.anew.get(bar, frozenset())

    def strokes(self, bar: int) -> dict[Place, tuple[Tone, ...]]:
        """The strokes of a bar that stay."""
        return {
            (position % POSITIONS_PER_BAR, instrument): tuple(tones)
            for (position, instrument), tones in self._notes.items()
            if position // POSITIONS_PER_BAR == bar
        }

    def held(self, instrument: Instrument, position: int) -> list[int]:
        """The pitches of an instrument's kept notes that began before a position of the piece and still sound there."""
        return [
            tone.pitch
            for (begin, its), tones in self._notes.items()
            if its is instrument and begin < position
            for tone in tones
            if begin + tone.duration > position
        ]

    def room(self, instrument: Instrument, position: int) -> int | None:
        """Sixteenths until an instrument's next kept note behind a position; None if there is none."""
        begins = [begin - position for begin, its in self._notes if its is instrument and begin > position]
        return min(begins, default=None)

    def sheet(self, sheet: LeadSheet) -> LeadSheet:
        """A lead sheet whose new bars repeat new ones at most."""
        lags, exact = sheet.lags.copy(), sheet.exact.copy()
        for bar, instruments in self.anew.items():
            source = sheet.source(bar)
            if source is None or not instruments <= self.anew.get(source, frozenset()):
                lags[bar] = exact[bar] = 0
        return replace(sheet, lags=lags, exact=exact)


def _as_heard(bars: list[list[CompoundWord]], anew: Anew) -> list[list[CompoundWord]]:
    """The words, their kept notes as long as they sound: one that a new bar's stroke cut short stays so."""
    heard = [list(bar) for bar in bars]
    latest: dict[tuple[int, int], tuple[int, int, int, bool]] = {}
    position = 0
    for number, bar in enumerate(bars):
        for index, word in enumerate(bar):
            if word.type == WordType.RHYTHM and word.position != BAR:
                position = number * POSITIONS_PER_BAR + word.position - 1
            if word.type != WordType.NOTE:
                continue
            is_new = Instrument(word.instrument - 1) in anew.get(number, frozenset())
            earlier = latest.get((word.instrument, word.pitch))
            if earlier is not None and is_new and not earlier[3]:
                its_bar, its_index, begin, _ = earlier
                cut = heard[its_bar][its_index]
                if begin + cut.duration > position:
                    heard[its_bar][its_index] = cut._replace(duration=position - begin)
            latest[word.instrument, word.pitch] = (number, index, position, is_new)
    return heard


def _kept_notes(bars: list[list[CompoundWord]], anew: Anew) -> dict[Place, list[Tone]]:
    """The kept notes by position of the piece and instrument."""
    notes: dict[Place, list[Tone]] = {}
    position = 0
    for number, bar in enumerate(bars):
        for word in bar:
            if word.type == WordType.RHYTHM and word.position != BAR:
                position = number * POSITIONS_PER_BAR + word.position - 1
            elif word.type == WordType.NOTE:
                instrument = Instrument(word.instrument - 1)
                if instrument not in anew.get(number, frozenset()):
                    notes.setdefault((position, instrument), []).append(Tone(word.pitch - 1, word.duration))
    return notes


class RewritingGrammar(Grammar):
    """A `Grammar` for a piece of which some bars are kept; it is asked about the others only."""

    def __init__(self, *arguments: Any, rewriting: Rewriting, **options: Any) -> None:
        self._rewriting = rewriting
        super().__init__(*arguments, **options)
        self._ordered = {bar for bar, orders in self.orders.items() if orders.density is not None or orders.strengths}
        """The bars in which something is ordered, beside what is kept."""
        self._asked = dict(self.orders)
        """The orders without what is kept."""
        for bar in rewriting.anew:
            orders = self.orders.get(bar, BarOrders())
            kept = {place: len(tones) for place, tones in rewriting.strokes(bar).items()}
            self.orders[bar] = replace(orders, strengths={**orders.strengths, **kept})

    def orders_to_come(self) -> BarOrders:
        """As in `Grammar`, without what is kept."""
        return self._asked.get(self.bar + 1, BarOrders())

    def types(self) -> np.ndarray:
        """As in `Grammar`; behind a kept bar the next one opens."""
        if self._is_kept(self.bar):
            return _only(WordType.RHYTHM, FIELD_SIZES.type)
        return super().types()

    def positions(self) -> np.ndarray:
        """As in `Grammar`; behind a kept bar the next one opens."""
        return _only(BAR, FIELD_SIZES.position) if self._is_kept(self.bar) else super().positions()

    def durations(self, pitch: int) -> np.ndarray:
        """As in `Grammar`; what is new ends where its instrument's next kept note begins, at the latest."""
        allowed = super().durations(pitch)
        instrument = Instrument(self.instrument)
        room = self._rewriting.room(instrument, self.piece_position)
        if room is None or not self._rewriting.is_anew(self.bar, instrument) or not allowed[room + 1 :].any():
            return allowed
        allowed[room] = allowed[room] or not allowed[: room + 1].any()
        allowed[room + 1 :] = False
        return allowed

    def _is_kept(self, bar: int) -> bool:
        return bar >= 0 and bar not in self._rewriting.anew

    def _range(self, instrument: Instrument) -> np.ndarray:
        pitches = super()._range(instrument)
        if self._rewriting.is_anew(self.bar, instrument):
            pitches[self._rewriting.held(instrument, self.piece_position)] = False
        return pitches

    def _copied(self, bar: int, *, is_ordered: bool) -> Copied:
        if bar not in self._rewriting.anew:
            return super()._copied(bar, is_ordered=is_ordered)
        others = [instrument for instrument in self.instruments if not self._rewriting.is_anew(bar, instrument)]
        strokes = self._rewriting.strokes(bar)
        copying = list(others)
        if self._closing is None or bar < self._closing.bar:
            is_ordered = bar in self._ordered
            for instrument, model in models_of(self.sheet, bar, self._first_bar, is_ordered=is_ordered).items():
                if not (self._rewriting.is_anew(bar, instrument) and self._rewriting.is_anew(model, instrument)):
                    continue
                its = {place: tones for place, tones in self._patterns[model].items() if place[1] == instrument}
                if (its or self.sheet.repeats_exactly(bar, instrument)) and not self._strikes_held(bar, its):
                    copying.append(instrument)
                    strokes.update(its)
        return Copied(tuple(copying), strokes)

    def _strikes_held(self, bar: int, strokes: Mapping[Place, Collection[Tone]]) -> bool:
        """Whether strokes would cut a kept note short that is held into a bar."""
        return any(
            tone.pitch in self._rewriting.held(instrument, bar * POSITIONS_PER_BAR + position)
            for (position, instrument), tones in strokes.items()
            for tone in tones
        )

    def _players(self, bar: int) -> list[Instrument]:
        playing = (
            {instrument for _, instrument in self._rewriting.strokes(bar)} if bar in self._rewriting.anew else set()
        )
        return sorted({*super()._players(bar), *playing})

    def _enters(self, instrument: Instrument, bar: int) -> bool:
        may_enter = bar not in self._rewriting.anew or self._rewriting.is_anew(bar, instrument)
        return may_enter and super()._enters(instrument, bar)

    def _written_script(self, bar: int) -> BarScript:
        script = super()._written_script(bar)
        if bar not in self._rewriting.anew:
            return script
        kept = self._rewriting.strokes(bar)
        starters = tuple(
            tuple(i for i in here if self._rewriting.is_anew(bar, i) or (position, i) in kept)
            for position, here in enumerate(script.starters)
        )
        if sum(map(bool, starters)) < script.orders.densities[0]:
            # Nobody who may play by the sheet is written anew: then those who are reach the density.
            free = {i: self._free_positions(bar, i) for i in self.instruments if self._rewriting.is_anew(bar, i)}
            starters = tuple(
                tuple(sorted({*here, *(i for i, places in free.items() if position in places)}))
                for position, here in enumerate(starters)
            )
        return replace(script, starters=starters)

    def _order_last_stroke(self, position: int) -> None:
        ordered = self._script.orders.positions()
        if position in ordered or len(ordered) < self.density_left:
            together = [
                instrument
                for instrument in self.instruments
                if self._rewriting.is_anew(self.bar, instrument)
                and self._last_bars.get(instrument, -1) >= self.bar - 1
                and position in self._free_positions(self.bar, instrument)
            ]
            self._script = self._script.joined(position, together)


class UnannouncedRewritingGrammar(RewritingGrammar, UnannouncedGrammar):
    """The same for networks that never knew of density or strength: it writes whole bars anew only.

    Raises
    ------
    CmtError
        If a bar keeps an instrument's strokes: they would be announced.
    """

    def __init__(self, *arguments: Any, rewriting: Rewriting, **options: Any) -> None:
        if any(rewriting.strokes(bar) for bar in rewriting.anew):
            raise CmtError(
                f"`redo`: the model was trained without {' and '.join(ANNOUNCEMENTS)} and cannot write one "
                "instrument's part anew; leave the instrument out, and the whole bars are written anew"
            )
        super().__init__(*arguments, rewriting=rewriting, **options)

    def _copied(self, bar: int, *, is_ordered: bool) -> Copied:
        return Copied((), {})


def _only(value: int, size: int) -> np.ndarray:
    allowed = np.zeros(size, dtype=bool)
    allowed[value] = True
    return allowed
