"""When instruments that must play enter at the latest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cmt.music.lead_sheet import UNKNOWN, LeadSheet
from midi_io.song import Instrument


def last_quarter(n_bar: int) -> int:
    """The first bar of the last quarter of a piece."""
    return n_bar * 3 // 4


def latest_entrances(sheet: LeadSheet, free: Mapping[Instrument, Sequence[int]]) -> dict[Instrument, int]:
    """The bar, by instrument, in which each enters that has not played before; `free` are the bars in which each may.

    The first bar in which the sheet wants it. Where the sheet does not say who plays, half of the piece, and if it
    wants an instrument nowhere, the last quarter; or the last free bar before.
    """
    entrances = {}
    for instrument, bars in free.items():
        wanted = [bar for bar in bars if sheet.players[bar] != UNKNOWN and sheet.plays(bar, instrument)]
        unsaid = [bar for bar in bars if sheet.players[bar] == UNKNOWN]
        if wanted:
            entrances[instrument] = wanted[0]
        elif unsaid:
            entrances[instrument] = _first_from(sheet.n_bar // 2, unsaid)
        elif bars:
            entrances[instrument] = _first_from(last_quarter(sheet.n_bar), bars)
    return entrances


def _first_from(bar: int, bars: Sequence[int]) -> int:
    """The first of some bars that is none before `bar`, or the last of them."""
    return next((each for each in bars if each >= bar), bars[-1])
