"""What must happen in a piece, bar by bar, and which of it can."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmt.music.words import FIELD_SIZES
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

MOST_AT_ONCE: Mapping[Instrument, int] = {
    Instrument.DRUMS: 6,
    Instrument.PIANO: 10,
    Instrument.GUITAR: 6,
    Instrument.BASS: 4,
    Instrument.STRINGS: 10,
}
"""The most notes that can be played together, by ten fingers, on six strings or on four. LPD's tracks are merged from
several players; there the guitar has more in one simu-note of ninety, the others in fewer."""
FULLER: Mapping[Instrument, float] = {Instrument.GUITAR: 0.06, Instrument.STRINGS: 0.05}
"""What each further note of a stroke gains, in nats: a network that hears its own chords writes thinner ones than songs
have."""


@lru_cache(maxsize=len(Instrument))
def strength_lean(instrument: Instrument) -> NDArray[np.float32] | None:
    """(17,) what is added to the logits of how many notes a stroke has, in nats; None where nothing is added."""
    if instrument not in FULLER:
        return None
    lean = (FULLER[instrument] * np.arange(FIELD_SIZES.strength)).astype(np.float32)
    lean.flags.writeable = False
    return lean


@dataclass(frozen=True)
class BarOrders:
    """What must happen in one bar."""

    density: int | None = None
    """The exact density, or None where the model chooses."""
    strengths: Mapping[tuple[int, Instrument], int | None] = field(default_factory=dict)
    """The simu-notes that must come, by (position 0..15, instrument), and their strength, or None where the model
    chooses."""
    rests: frozenset[tuple[int, Instrument]] = frozenset()
    """The sixteenths on which an instrument must not sound, as (position 0..15, instrument)."""
    slack: int = 0
    """By how many positions the bar's density may differ from the one ordered, where the music would rather; with any,
    a stroke that returns is never made smaller."""

    @property
    def densities(self) -> tuple[int, int]:
        """The least and the greatest density that keep the order, 0..16."""
        if self.density is None:
            return 0, POSITIONS_PER_BAR
        slack = self.slack if self.density else 0  # silence is silence
        return max(1 if slack else 0, self.density - slack), min(POSITIONS_PER_BAR, self.density + slack)

    def density_lean(self) -> NDArray[np.float64] | None:
        """(18,) what is added to the logits of a density's values, in nats; None where one value or none is ordered."""
        if self.density is None or not self.slack:
            return None
        off = np.arange(FIELD_SIZES.density) - 1 - self.density
        return np.asarray(-0.5 * (off / (0.5 + 0.5 * self.slack)) ** 2)

    @property
    def n_ornament(self) -> int:
        """The number of positions between the eighths that come on top of what the music would rather have.

        None at full control, where what is ordered is the music.
        """
        return sum(position % 2 for position in self.positions()) if self.slack else 0

    def positions(self) -> list[int]:
        """Positions with an order, in order."""
        return sorted({position for position, _ in self.strengths})


def possible_orders(
    orders: Mapping[int, BarOrders], timeline: Timeline, instruments: Collection[Instrument]
) -> tuple[dict[int, BarOrders], tuple[str, ...]]:
    """Orders that a piece can keep, and a line for each kind of order that it could not.

    A strength beyond what an instrument can play becomes the most that it can; a bar's density at most its sixteenths,
    and no less than the positions that are ordered in it. What lies outside the piece, or is for an instrument that
    does not play, is left out.
    """
    n_bar = timeline.n_bar
    kept: dict[int, BarOrders] = {}
    lines: set[str] = set()
    for bar, bar_orders in sorted(orders.items()):
        sounding = sounding_positions(bar_orders, bar, timeline, instruments)
        if not 0 <= bar < n_bar:
            lines.add(f"bar {bar + 1} was ordered, the piece has {n_bar}; left out")
            continue
        strengths: dict[tuple[int, Instrument], int | None] = {}
        for (position, instrument), strength in bar_orders.strengths.items():
            most = MOST_AT_ONCE[instrument]
            if instrument not in instruments:
                lines.add(f"{instrument.label} was ordered and does not play; left out")
            elif position not in sounding or (position, instrument) in bar_orders.rests:
                lines.add(
                    f"bar {bar + 1}: {instrument.label} was ordered on position {position}, "
                    "which is a rest or lies outside the piece; left out"
                )
            elif strength is not None and not 1 <= strength <= most:
                lines.add(f"{instrument.label}: {strength} notes at once were ordered; 1 to {most} can be played")
                strengths[position, instrument] = max(1, min(strength, most))
            else:
                strengths[position, instrument] = strength
        possible = replace(bar_orders, strengths=strengths)
        if possible.density is not None:
            least, most = len(possible.positions()), len(sounding)
            density = max(least, min(possible.density, most))
            if density != possible.density:
                lines.add(
                    f"bar {bar + 1}: density {bar_orders.density} was ordered; {least} to {most} can be played there, "
                    f"and it has {density}"
                )
            possible = replace(possible, density=density)
        kept[bar] = possible
    return kept, tuple(sorted(lines))


def sounding_positions(
    orders: BarOrders, bar: int, timeline: Timeline, instruments: Collection[Instrument]
) -> Sequence[int]:
    """Sixteenths of a bar, 0..15, that belong to the piece and on which an instrument may play."""
    first = math.ceil(timeline.start) if bar == 0 else 0
    inside = range(first, min(POSITIONS_PER_BAR, math.ceil(timeline.length) - bar * POSITIONS_PER_BAR))
    rests = orders.rests
    return [p for p in inside if any((p, i) not in rests for i in instruments)] if rests else inside


def rests_of(orders: Mapping[int, BarOrders]) -> dict[Instrument, list[int]]:
    """The positions, from the start of the first bar, on which instruments must not sound, in order."""
    rests: dict[Instrument, list[int]] = {}
    for bar, its in sorted(orders.items()):
        for position, instrument in sorted(its.rests):
            rests.setdefault(instrument, []).append(bar * POSITIONS_PER_BAR + position)
    return rests
