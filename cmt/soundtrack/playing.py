"""How a piece that was written is played: its dynamics, its ending, its band, the time of its players."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmt.band.bands import CALM, LIVELY, band_for
from cmt.band.feel import ANY_FEEL, FEELS, QUANTIZED
from cmt.band.playing import played
from cmt.music.lead_sheet import N_ENERGY, UNKNOWN, LeadSheet
from cmt.planning.mutes import cut_at_rests
from cmt.planning.plan import Plan
from cmt.planning.speech import soft_drums
from cmt.soundtrack.output import Output
from cmt.writing.orders import BarOrders
from midi_io import Performance, close_ending, perform
from midi_io.performance import Band
from midi_io.song import POSITIONS_PER_BAR, Song

_RATES, _ENERGIES = (2.0, 3.0, 5.5, 8.0), (0.2, CALM, LIVELY, 0.9)
"""How many places a second on which a note starts make a piece how lively; the median of LPD's validation songs has
4.9."""


def performed(song: Song, orders: Mapping[int, BarOrders], plan: Plan, sheet: LeadSheet) -> Song:
    """The song with velocities, an ending that rings, and no note that rings into a mute."""
    energies, borders = energies_of(plan, sheet), borders_of(sheet)
    dynamic = perform(song, accents=accents_of(orders), energies=energies, borders=borders)
    closed = dynamic if plan.wishes.loop else close_ending(dynamic)
    return soft_drums(closed.with_notes(cut_at_rests(closed.notes, plan.sheet.rests)), plan.calm_bars)


def performance_of(
    song: Song,
    orders: Mapping[int, BarOrders],
    plan: Plan,
    sheet: LeadSheet,
    output: Output,
    seed: int,
    band: Band | None = None,
) -> Performance:
    """A performed song as its genre's band plays it, or another `band`."""
    genre = plan.wishes.genre
    band = band or band_for(song, genre, energy_of_piece(plan, song), output.program_numbers)
    feel = QUANTIZED if output.quantized else ANY_FEEL if genre is None else FEELS[genre]
    rng = np.random.default_rng([seed, 7])
    accents, borders = accents_of(orders), borders_of(sheet)
    return played(song, band, feel, rng, exact=accents, borders=borders, rests=plan.sheet.rests)


def accents_of(orders: Mapping[int, BarOrders]) -> set[int]:
    """The positions on which something is ordered to be struck."""
    return {bar * POSITIONS_PER_BAR + position for bar, order in orders.items() for position in order.positions()}


def borders_of(sheet: LeadSheet) -> list[int]:
    """The positions at which sections begin, but the first."""
    return [int(bar) * POSITIONS_PER_BAR for bar in np.flatnonzero(sheet.begins) if bar]


def energies_of(plan: Plan, sheet: LeadSheet) -> list[float | None]:
    """How lively each bar is: as the picture or the user says, else as the lead sheet does."""
    planned = [None if energy == UNKNOWN else (energy + 0.5) / N_ENERGY for energy in sheet.energy.tolist()]
    if plan.rhythm is not None:
        return list(plan.liveliness)
    return [own if own is not None else its for own, its in zip(plan.energies, planned, strict=True)]


def energy_of_piece(plan: Plan, song: Song) -> float:
    """How lively the whole is, 0..1: as the picture is among many, or as the user says, else as it is written."""
    known = [pace for pace in plan.paces if pace is not None]
    if known:
        return float(np.mean(known))
    onsets = len({note.position for note in song.notes})
    return float(np.interp(onsets / max(song.duration, 1e-3), _RATES, _ENERGIES))
