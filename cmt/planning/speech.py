"""The arrangement under speech: in bars that are mostly speech the music is calm, and its drums are soft."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from cmt.film.speech import Span
from cmt.music.lead_sheet import UNKNOWN, SheetOrders, energy_at
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, Timeline

MOSTLY = 0.5
"""From this share of a bar on it counts as speech."""
CALM = 0.25
"""The liveliness that a bar under speech is asked to have at most, 0..1."""
SOFT = 0.75
"""The share of their velocity that drums keep there: some 5 dB less."""


def bars_of_speech(spans: Sequence[Span], timeline: Timeline) -> list[int]:
    """The bars, from 0, that are mostly speech."""
    borders = np.array(timeline.bar_borders)
    spoken = np.zeros(len(borders) - 1)
    for span in spans:
        spoken += np.diff(np.clip(borders, span.begin, span.end))
    return np.flatnonzero(spoken >= MOSTLY * np.diff(borders)).tolist() if spans else []


def calm_under_speech(
    energies: Sequence[float | None], liveliness: Sequence[float], bars: Collection[int]
) -> list[float | None]:
    """(n_bar,) the energies, with a low one in `bars` for which the user gave none; nothing there becomes livelier."""
    return [
        min(lively, CALM) if energy is None and bar in bars else energy
        for bar, (energy, lively) in enumerate(zip(energies, liveliness, strict=True))
    ]


def calm_sheet(orders: SheetOrders, energies: Sequence[float | None], bars: Collection[int]) -> SheetOrders:
    """The orders of a lead sheet with these `energies`, (n_bar,), in `bars`."""
    energy = orders.energy.copy()
    for bar in bars:
        its = energies[bar]
        if its is not None and energy[bar] == UNKNOWN:
            energy[bar] = energy_at(its)
    return replace(orders, energy=energy)


def soft_drums(song: Song, bars: Collection[int]) -> Song:
    """The same song with soft drums in `bars`."""
    if not bars:
        return song
    notes = (
        note._replace(velocity=max(1, round(SOFT * note.velocity)))
        if note.instrument is Instrument.DRUMS and note.position // POSITIONS_PER_BAR in bars
        else note
        for note in song.notes
    )
    return song.with_notes(notes)
