"""How the video's rhythm enters: which of its wishes become orders (Algorithm 1 of the paper)."""

from __future__ import annotations

import numpy as np

from cmt.rhythm import RhythmProfile
from cmt.sampling import BarOrders


def draw_orders(wishes: RhythmProfile, control: float, seed: int) -> dict[int, BarOrders]:
    """Orders by bar: each bar's density and each visual beat's strengths with probability `control`.

    The draws do not depend on `control`: raising it adds orders and takes none away.
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
            beats[place] = bool(rng.random() < control)
        if beats[place]:
            bar_orders = orders.setdefault(note.bar, BarOrders())
            bar_orders.strengths[note.position, note.instrument] = note.strength
    return orders
