"""The sheet of paper on which a piece is planned: its bars in time, who may play where, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from cmt.planning.mutes import Rests
from cmt.writing.closing import THIN, Closing, Ending, closing_of
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline


@dataclass(frozen=True)
class Sheet:
    """The bars of a piece, who may play where, and how it ends."""

    timeline: Timeline
    instruments: Collection[Instrument]
    """Those that may play at all."""
    rests: Rests = field(default_factory=dict)
    """Where each of them must not."""
    ending: Ending = THIN
    """The way in which the piece ends."""

    @property
    def closing(self) -> Closing | None:
        """Where the piece comes to rest, if it has room for that."""
        return closing_of(self.timeline, self.ending)

    def playing(self, position: int) -> tuple[Instrument, ...]:
        """The instruments that may sound at a position, in LPD-5's order."""
        return tuple(i for i in sorted(self.instruments) if position not in self.rests.get(i, ()))

    def positions(self, bar: int) -> list[int]:
        """Positions, from the start of the first bar, on which something may play in a bar."""
        first = max(math.ceil(self.timeline.start), bar * POSITIONS_PER_BAR)
        end = math.ceil(min((bar + 1) * POSITIONS_PER_BAR, self.timeline.length))
        return [position for position in range(first, end) if self.playing(position)]

    def nearest(self, seconds: float) -> int:
        """The sixteenth nearest to a time, the first of the piece or a later one."""
        return max(round(self.timeline.position(seconds)), math.ceil(self.timeline.start))
