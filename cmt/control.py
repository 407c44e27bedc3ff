"""How the video's rhythm enters: which of its wishes become orders (Algorithm 1 of the paper)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from cmt.rhythm import RhythmProfile
from cmt.sampling import BarOrders
from midi_io.song import POSITIONS_PER_BAR


def draw_orders(
    wishes: RhythmProfile, control: float, seed: int, markers: Collection[int] = ()
) -> dict[int, BarOrders]:
    """Orders by bar: each bar's density and each visual beat's strengths with probability `control`.

    On `markers`, positions from the start of the first bar, the strengths are ordered in any case. The draws
    do not depend on `control`: raising it adds orders and takes none away.
    """
    rng = np.random.default_rng([seed, 1])
    orders: dict[int, BarOrders] = {}
    for bar, density in enumerate(wishes.density):
        if rng.random() < control:
            orders.setdefault(bar, BarOrders()).density = density
    beats: dict[tuple[int, int], bool] = {}
    for note in wishes.simu_notes:
        place = (note.bar, note.position)
        if place not in beats:
            is_marker = note.bar * POSITIONS_PER_BAR + note.position in markers
            beats[place] = bool(rng.random() < control) or is_marker
        if beats[place]:
            bar_orders = orders.setdefault(note.bar, BarOrders())
            bar_orders.strengths[note.position, note.instrument] = note.strength
    return orders


def asked(orders: Mapping[int, BarOrders], n_bar: int) -> tuple[list[int | None], list[tuple[int, int, int, int]]]:
    """What was ordered: (n_bar,) densities, None where free, and (bar, position, instrument, strength)."""
    density = [orders[bar].density if bar in orders else None for bar in range(n_bar)]
    strength = [
        (bar, position, int(instrument), strength)
        for bar in sorted(orders)
        for (position, instrument), strength in sorted(orders[bar].strengths.items())
        if strength is not None
    ]
    return density, strength
