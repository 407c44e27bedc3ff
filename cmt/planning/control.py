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

    Below full control a visual beat asks only those who play in its bar, by the lead sheet: it is an ornament on the
    arrangement, and brings nobody in.
    """
    rng = np.random.default_rng([seed, 1])
    density = {
        bar: wishes.density[bar] for bar, draw in enumerate(_even_draws(rng, len(wishes.density))) if draw < control
    }
    places = sorted({(note.bar, note.position) for note in wishes.simu_notes})
    draws = dict(zip(places, _even_draws(rng, len(places)), strict=True))
    strengths: dict[int, dict[tuple[int, Instrument], int | None]] = {}
    for note in wishes.simu_notes:
        is_marker = note.bar * POSITIONS_PER_BAR + note.position in markers
        is_drawn = draws[note.bar, note.position] < control
        plays = sheet is None or control >= 1 or sheet.plays(note.bar, note.instrument)
        if is_marker or (is_drawn and plays):
            strengths.setdefault(note.bar, {})[note.position, note.instrument] = note.strength
    return {bar: BarOrders(density.get(bar), strengths.get(bar, {})) for bar in sorted(density.keys() | strengths)}


def _even_draws(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """(n,) draws, each by itself uniform in 0..1, neighbours far apart."""
    return np.asarray((rng.random() + GOLDEN_RATIO * np.arange(n)) % 1.0)
