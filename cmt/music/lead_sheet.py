"""The lead sheet: what a piece is, bar by bar, before its notes: chords, form, who plays, drums, energy.

It is found in songs, to learn from, and planned for a piece that is to be written.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import HALVES_PER_BAR, estimate_chords, transposed_numbers
from cmt.music.encoding import NoteArrays
from cmt.music.form import form_of
from cmt.music.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument

UNKNOWN = -1
"""The value of what a sheet leaves to the model."""
LETTERS = "ABCDEFGH"
"""The letters of sections, by their numbers."""
N_PLAYERS = 1 << len(Instrument)
"""The number of sets of instruments."""

KICKS = (35, 36)
SNARES = (37, 38, 39, 40)
TICKS = (42, 44, 46, 51, 53, 54, 59, 69, 70, 82)
"""Hi-hats, rides, tambourine, shakers: what keeps the pulse."""
CRASHES = (49, 52, 55, 57)
TOMS = (41, 43, 45, 47, 48, 50)
KICK, SNARE, TICK, CRASH, FILL = (1 << bit for bit in range(5))
"""The bits of a bar's drums: kick, snare and ticks sound in it, a crash on its first beat, a fill in it."""
N_KIT = 32
"""The number of sets of these bits."""
FILL_NOTES = 3
"""A bar has a fill if it has this many more toms and late snares than the piece's median bar, at least."""

ENERGY_EDGES = (25, 36, 47, 61)
"""The borders, in notes a bar, between the five energies: the quintiles of LPD's bars that are not silent."""
N_ENERGY = len(ENERGY_EDGES) + 1

Column = NDArray[np.int64]


class Stroke(NamedTuple):
    """A place of a bar on which drums or bass strike."""

    position: int
    """The sixteenth of the bar, 0..15."""
    instrument: Instrument
    drum: int
    """The General MIDI percussion key; below 0 for the bass."""


Grooves: TypeAlias = tuple[frozenset[Stroke], ...]
"""(n_bar,) where drums and bass strike in each bar; a bar without any says nothing of its groove."""


@dataclass(frozen=True)
class LeadSheet:
    """What each bar of a piece is to be; UNKNOWN where the model decides."""

    chords: Column
    """(n_bar * 2,) the number of the chord of each half bar (`cmt.music.chords`)."""
    lags: Column
    """(n_bar,) how many bars earlier the bar lies that each bar repeats, 0 where it is new."""
    exact: Column
    """(n_bar,) the instruments that repeat it note for note, as bits 1 << Instrument."""
    begins: NDArray[np.bool_]
    """(n_bar,) whether a section begins."""
    letters: Column
    """(n_bar,) the section's letter, from 0; sections of the same letter are alike."""
    players: Column
    """(n_bar,) the instruments that start notes, as bits 1 << Instrument."""
    kit: Column
    """(n_bar,) what the drums do, as bits: KICK, SNARE, TICK, CRASH, FILL."""
    energy: Column
    """(n_bar,) 0..4, how many notes start: see ENERGY_EDGES."""
    accents: frozenset[int] | None = None
    """Positions, from the start of the first bar, that are struck hard; None leaves them to the model."""
    mode: Mode | None = None
    """The mode of the key in which the chords stand; None where it is not known."""
    grooves: Grooves | None = None
    """The grooves to which the bars lean; None leaves them to the model and to the bars before."""

    @property
    def n_bar(self) -> int:
        """The number of bars."""
        return len(self.lags)

    def transposed(self, semitones: int) -> LeadSheet:
        """The same sheet with every chord moved."""
        return replace(self, chords=transposed_numbers(self.chords, semitones))

    def source(self, bar: int) -> int | None:
        """The bar that a bar repeats, or None."""
        lag = int(self.lags[bar])
        return bar - lag if 0 < lag <= bar else None

    def plays(self, bar: int, instrument: Instrument) -> bool:
        """Whether an instrument may start notes in a bar."""
        players = int(self.players[bar])
        return players == UNKNOWN or bool(players >> instrument & 1)

    def repeats_exactly(self, bar: int, instrument: Instrument) -> bool:
        """Whether an instrument repeats the bar's source note for note."""
        return self.source(bar) is not None and self.exact[bar] > 0 and bool(int(self.exact[bar]) >> instrument & 1)


@dataclass(frozen=True)
class SheetOrders:
    """What a lead sheet must have, column by column; UNKNOWN leaves a place to whoever plans it.

    The columns are those of LeadSheet, all of integers. Chords are in the key in which the sheet is planned.
    """

    chords: Column
    """(n_bar * 2,)"""
    lags: Column
    """(n_bar,) 0 orders a new bar."""
    begins: Column
    """(n_bar,) 1 orders that a section begins, 0 that none does."""
    letters: Column
    """(n_bar,)"""
    kit: Column
    """(n_bar,)"""
    energy: Column
    """(n_bar,)"""
    may_play: Column
    """(n_bar,) the instruments that may play, as bits; never UNKNOWN."""
    must_play: Column
    """(n_bar,) those of them that do in any case, as bits; 0 where none must."""

    @property
    def n_bar(self) -> int:
        """The number of bars."""
        return len(self.lags)


def no_orders(n_bar: int, instruments: Collection[Instrument] = tuple(Instrument)) -> SheetOrders:
    """Orders that leave everything open but who may play."""
    open_bars = np.full(n_bar, UNKNOWN, np.int64)
    may_play = np.full(n_bar, sum(1 << instrument for instrument in instruments), np.int64)
    chords = np.full(n_bar * HALVES_PER_BAR, UNKNOWN, np.int64)
    return SheetOrders(
        chords, open_bars, open_bars, open_bars, open_bars, open_bars, may_play, np.zeros(n_bar, np.int64)
    )


def sheet_of(notes: NoteArrays, n_bar: int) -> LeadSheet:
    """The lead sheet of `n_bar` bars of notes, which all start inside them."""
    form = form_of(notes, n_bar)
    return LeadSheet(
        chords=estimate_chords(notes, n_bar),
        lags=form.lags,
        exact=form.exact,
        begins=form.begins,
        letters=form.letters,
        players=players_of(notes, n_bar),
        kit=kit_of(notes, n_bar),
        energy=energy_of(np.bincount(notes.position // POSITIONS_PER_BAR, minlength=n_bar)),
        accents=accents_of(notes, n_bar),
    )


def empty_sheet(n_bar: int) -> LeadSheet:
    """A sheet that leaves everything to the model; its one section begins with the piece."""
    unknown = np.full(n_bar, UNKNOWN, np.int64)
    begins = np.zeros(n_bar, bool)
    begins[:1] = True
    chords = np.full(n_bar * HALVES_PER_BAR, UNKNOWN, np.int64)
    return LeadSheet(chords, np.zeros(n_bar, np.int64), unknown, begins, unknown, unknown, unknown, unknown)


def players_of(notes: NoteArrays, n_bar: int) -> Column:
    """(n_bar,) the instruments that start notes in each bar, as bits."""
    plays = np.zeros((n_bar, len(Instrument)), bool)
    plays[notes.position // POSITIONS_PER_BAR, notes.instrument] = True
    return np.asarray(plays @ (1 << np.arange(len(Instrument))), np.int64)


def energy_of(n_note: NDArray[np.int64]) -> Column:
    """The energies 0..4 of bars with so many notes (...)."""
    return np.asarray(np.searchsorted(ENERGY_EDGES, n_note, side="right"), np.int64)


def energy_at(percentile: float) -> int:
    """The energy of the bars of real music at a percentile, 0..1, of their number of notes."""
    return min(int(percentile * N_ENERGY), N_ENERGY - 1)


def kit_of(notes: NoteArrays, n_bar: int) -> Column:
    """(n_bar,) what the drums do in each bar, as bits; 0 where they rest."""
    drums = notes.chosen(notes.instrument == Instrument.DRUMS)
    bar, in_bar = np.divmod(drums.position, POSITIONS_PER_BAR)

    def counted(pitches: tuple[int, ...], chosen: NDArray[np.bool_] | bool = True) -> Column:
        return np.bincount(bar[np.isin(drums.pitch, pitches) & chosen], minlength=n_bar)[:n_bar]

    late_snares = counted(SNARES, in_bar >= POSITIONS_PER_BAR // 2)
    busy = counted(TOMS) + np.maximum(0, late_snares - 2)
    fills = busy >= max(FILL_NOTES, FILL_NOTES + float(np.median(busy)) if n_bar else 0)
    kit = KICK * (counted(KICKS) > 0) + SNARE * (counted(SNARES) > 0) + TICK * (counted(TICKS) > 1)
    return np.asarray(kit + CRASH * (counted(CRASHES, in_bar == 0) > 0) + FILL * fills, np.int64)


ACCENT_LEAD = 2.0
"""An accent has this many times the strokes of the mean onset of the bars around it, or more."""
_ACCENT_BARS = 4
_CRASH_STROKES = 3
"""A crash counts as this many strokes more."""


def accents_of(notes: NoteArrays, n_bar: int) -> frozenset[int]:
    """The positions that are struck harder than their neighbourhood: by more notes, or by a crash."""
    n_position = n_bar * POSITIONS_PER_BAR
    strokes = np.bincount(notes.position, minlength=n_position)[:n_position].astype(float)
    crash = (notes.instrument == Instrument.DRUMS) & np.isin(notes.pitch, CRASHES)
    np.add.at(strokes, notes.position[crash], _CRASH_STROKES)
    onset = strokes > 0
    by_bar, onsets_by_bar = strokes.reshape(n_bar, -1).sum(axis=1), onset.reshape(n_bar, -1).sum(axis=1)
    around = np.ones(2 * _ACCENT_BARS + 1)
    if n_bar < len(around):
        mean = np.full(n_bar, by_bar.sum() / max(1, onsets_by_bar.sum()))
    else:
        mean = np.convolve(by_bar, around, "same") / np.maximum(np.convolve(onsets_by_bar, around, "same"), 1)
    is_accent = onset & (strokes >= ACCENT_LEAD * np.repeat(mean, POSITIONS_PER_BAR)) & (strokes > 2)
    return frozenset(np.flatnonzero(is_accent).tolist())
