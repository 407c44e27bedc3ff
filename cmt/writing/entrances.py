"""When instruments that must play enter at the latest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cmt.music.lead_sheet import UNKNOWN, LeadSheet
from midi_io.song import Instrument


class Entrance(NamedTuple):
    """When an instrument enters that has not played before."""

    bar: int
    """In this bar, or in the first one behind it in which the sheet lets it play."""
    latest: int
    """From this bar on even where the sheet does not."""


def entrances_of(sheet: LeadSheet, free: Mapping[Instrument, Sequence[int]]) -> dict[Instrument, Entrance]:
    """When each instrument enters, if it may anywhere; `free` are the bars in which each may.

    In the first bar in which the sheet wants it. Where the sheet does not say who plays, from half of the piece on, and
    if it wants an instrument nowhere, in the last quarter; or in the last free bar before.
    """
    entrances = {}
    for instrument, bars in free.items():
        if not bars:
            continue
        wanted = [bar for bar in bars if sheet.players[bar] != UNKNOWN and sheet.plays(bar, instrument)]
        unsaid = [bar for bar in bars if sheet.players[bar] == UNKNOWN]
        latest = min(sheet.n_bar * 3 // 4, bars[-1])
        if wanted:
            bar = wanted[0]
        elif unsaid:
            bar = _first_from(sheet.n_bar // 2, unsaid)
        else:
            bar = _first_from(latest, bars)
        entrances[instrument] = Entrance(bar, latest)
    return entrances


def _first_from(bar: int, bars: Sequence[int]) -> int:
    """The first of some bars that is none before `bar`, or the last of them."""
    return next((each for each in bars if each >= bar), bars[-1])
