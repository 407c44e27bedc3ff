"""How the video's rhythm enters: which of its wishes become orders (Algorithm 1 of the paper)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.music.lead_sheet import LeadSheet
from cmt.music.profile import RhythmProfile, SimuNote
from cmt.writing.orders import BarOrders
from midi_io.song import POSITIONS_PER_BAR, Instrument

GOLDEN_RATIO = (5**0.5 - 1) / 2
"""The fractional parts of its multiples fill 0..1 more evenly than those of any other number."""
SLACK = 7.0
"""What control leaves to the music, as a share, counts so many positions by which a bar's density may differ.

At C = 0.7 these are two. A bar that would rather have 8 or 16 strokes then need not have 10: half of LPD's bars with
drums have one of those two densities.
"""
CHORDAL = (Instrument.PIANO, Instrument.GUITAR, Instrument.STRINGS)
"""Who may take an accent from the drums, the first who plays..."""
CHORD_SIZE = 3
"""...with a chord of so many notes."""


def draw_orders(
    wishes: RhythmProfile,
    control: float,
    seed: int,
    markers: Collection[int] = (),
    sheet: LeadSheet | None = None,
) -> dict[int, BarOrders]:
    """Orders by bar: each bar's density and each visual beat's strengths with probability `control`.

    On `markers`, positions from the start of the first bar, the strengths are ordered in any case. The draws
    do not depend on `control`: raising it adds orders and takes none away. They are spread evenly, where the
    paper's are independent: left to itself for a while, the music would forget the picture.

    With the lead sheet of the take, and below full control, a visual beat is an ornament on what is played anyway: it
    asks one simu-note, of the first of its instruments that plays in the bar, and brings nobody in. Densities have a
    slack there, see `SLACK`.
    """
    rng = np.random.default_rng([seed, 1])
    density = {
        bar: wishes.density[bar] for bar, draw in enumerate(even_draws(rng, len(wishes.density))) if draw < control
    }
    places = sorted({(note.bar, note.position) for note in wishes.simu_notes})
    draws = dict(zip(places, even_draws(rng, len(places)), strict=True))
    strengths: dict[int, dict[tuple[int, Instrument], int | None]] = {}
    for bar, position in places:
        asked = [note for note in wishes.simu_notes if (note.bar, note.position) == (bar, position)]
        if bar * POSITIONS_PER_BAR + position not in markers:
            if draws[bar, position] >= control:
                continue
            if sheet is not None and control < 1:
                asked = _ornament(asked, [instrument for instrument in Instrument if sheet.plays(bar, instrument)])
        for note in asked:
            strengths.setdefault(bar, {})[position, note.instrument] = note.strength
    slack = slack_of(control) if sheet is not None else 0
    bars = sorted(density.keys() | strengths)
    return {bar: BarOrders(density.get(bar), strengths.get(bar, {}), slack=slack) for bar in bars}


def slack_of(control: float) -> int:
    """By how many positions a bar may differ from the density that the picture orders; 0 at full control."""
    return round(SLACK * (1 - control))


def _ornament(asked: Sequence[SimuNote], players: Collection[Instrument]) -> list[SimuNote]:
    """What a visual beat adds to the music of a bar: the first simu-note of those asked that is of one of its players.

    Between the eighths it is a chord, if anyone plays chords: drums keep their pulse there.
    """
    first = next((note for note in asked if note.instrument in players), None)
    chordal = [instrument for instrument in CHORDAL if instrument in players]
    if first is None:
        return []
    if first.instrument is Instrument.DRUMS and first.position % 2 and chordal:
        return [first._replace(instrument=chordal[0], strength=CHORD_SIZE)]
    return [first]


def even_draws(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """(n,) draws, each by itself uniform in 0..1, neighbours far apart."""
    return np.asarray((rng.random() + GOLDEN_RATIO * np.arange(n)) % 1.0)
