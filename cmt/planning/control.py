"""How the video's rhythm enters: which of its wishes become orders (Algorithm 1 of the paper)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from cmt.music.lead_sheet import LeadSheet
from cmt.music.profile import RhythmProfile
from cmt.writing.orders import BarOrders
from midi_io.song import POSITIONS_PER_BAR, Instrument

GOLDEN_RATIO = (5**0.5 - 1) / 2
"""The fractional parts of its multiples fill 0..1 more evenly than those of any other number."""


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
    asks one simu-note, of the first of its instruments that plays in the bar, and brings nobody in.
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
                asked = [note for note in asked if sheet.plays(bar, note.instrument)][:1]
        for note in asked:
            strengths.setdefault(bar, {})[position, note.instrument] = note.strength
    return {bar: BarOrders(density.get(bar), strengths.get(bar, {})) for bar in sorted(density.keys() | strengths)}


def even_draws(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """(n,) draws, each by itself uniform in 0..1, neighbours far apart."""
    return np.asarray((rng.random() + GOLDEN_RATIO * np.arange(n)) % 1.0)
