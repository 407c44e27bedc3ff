"""The script of a bar: what is known of it before its first word, by orders, by the lead sheet, by the bar it repeats.

Orders are kept to the letter. Strokes that the bar repeats come with them, as far as its density leaves room. Who may
start further notes is what the sheet says, unless that could not reach the density ordered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from cmt.writing.orders import BarOrders
from cmt.writing.repeats import Place, Strokes, resized, thinned
from midi_io.song import POSITIONS_PER_BAR, Instrument

Starters = tuple[tuple[Instrument, ...], ...]
"""(16,) the instruments, in order, that may start notes on each position of a bar."""


@dataclass(frozen=True)
class BarScript:
    """What a bar must have, and who may start notes where."""

    orders: BarOrders = field(default_factory=BarOrders)
    """Its orders, among them its entrances and the strokes that it repeats."""
    copied: Strokes = field(default_factory=dict)
    """The notes that these strokes have; where more are ordered, others join them."""
    copying: frozenset[Instrument] = frozenset()
    """The instruments that repeat another bar note for note."""
    patterned: frozenset[Instrument] = frozenset()
    """Those, and the ones that would if orders and rests had left any of their strokes."""
    pattern: Strokes = field(default_factory=dict)
    """Their strokes before orders and rests edited them: what later bars copy of this one."""
    starters: Starters = ((),) * POSITIONS_PER_BAR
    wants_pitch: bool = False
    """Whether a pitched instrument must start a note: it may, nothing else would sound, and silence is not asked."""

    @property
    def places(self) -> list[int]:
        """The positions on which something may start."""
        return [position for position, instruments in enumerate(self.starters) if instruments]

    @property
    def pitched_places(self) -> list[int]:
        """The positions on which a pitched instrument may start notes."""
        return [position for position, instruments in enumerate(self.starters) if _has_pitch(instruments)]

    def pitches_to_copy(self, place: Place, lowest: int) -> list[int]:
        """The pitches, from `lowest` on and upwards, that a stroke has in any case."""
        return [tone.pitch for tone in self.copied.get(place, ()) if tone.pitch >= lowest]

    def duration_to_copy(self, place: Place, pitch: int) -> int | None:
        """How long a note of a stroke lasts, in sixteenths; None if it copies none."""
        return next((tone.duration for tone in self.copied.get(place, ()) if tone.pitch == pitch), None)

    def joined(self, position: int, instruments: Collection[Instrument]) -> BarScript:
        """The script with a stroke of these instruments on a position, whatever else they have to do there."""
        strengths = {**{(position, instrument): None for instrument in instruments}, **self.orders.strengths}
        starters = [set(here) | (set(instruments) if p == position else set()) for p, here in enumerate(self.starters)]
        return replace(
            self,
            orders=replace(self.orders, strengths=strengths),
            starters=tuple(tuple(sorted(here)) for here in starters),
        )

    @property
    def fewest(self) -> int:
        """The fewest positions that hold all that must come."""
        ordered = self.orders.positions()
        apart = self.wants_pitch and not set(ordered) & set(self.pitched_places)
        return len(ordered) + apart


def script_of(
    orders: BarOrders,
    able: Starters,
    players: Collection[Instrument],
    copying: Collection[Instrument],
    source: Strokes,
    entering: Iterable[Instrument] = (),
    *,
    struck_last: int | None = None,
    is_bare: bool = False,
) -> BarScript:
    """The script of a bar.

    Parameters
    ----------
    orders
        What is ordered, all of which is possible.
    able
        Who may sound on each position of the bar: it lies in the piece, and they do not rest.
    players
        Who plays in the bar.
    copying, source
        Those of the players who repeat a bar note for note, and all strokes of that bar.
    entering
        Who must enter here.
    struck_last
        The position on which all strike together at last: who enters does so there. None where they do not.
    is_bare
        Whether no pitched note sounds in the bar unless one starts in it, and one should.
    """
    patterned = copying = frozenset(copying) & frozenset(players)
    pattern = {place: tones for place, tones in source.items() if place[1] in patterned}
    strokes = {place: tones for place, tones in pattern.items() if place[1] in able[place[0]]}
    orders = _with_entrances(orders, entering, able, strokes, struck_last)
    is_bare = is_bare and orders.density != 0
    if orders.density is not None:
        (fewest, most), ordered = orders.densities, orders.positions()
        kept = thinned(strokes, fewest - len(ordered), most - len(ordered), ordered, with_pitch=is_bare)
        lost = {instrument for _, instrument in strokes} - {instrument for _, instrument in kept}
        strokes, copying = kept, copying - lost  # all of whose strokes gave way is left to the network
    strengths = dict(orders.strengths)
    for place, tones in strokes.items():
        strength = strengths.get(place)
        if strength is None or (orders.slack and strength < len(tones)):
            strengths[place] = len(tones)
        else:
            strokes[place] = resized(tones, strength, place[1])
    orders = replace(orders, strengths=strengths)
    starters = _starters(orders, able, players, copying)
    wants_pitch = is_bare and any(map(_has_pitch, starters))
    return BarScript(orders, strokes, copying, patterned, pattern, starters, wants_pitch)


def _with_entrances(
    orders: BarOrders, entering: Iterable[Instrument], able: Starters, strokes: Strokes, struck_last: int | None
) -> BarOrders:
    """The orders with a stroke for each instrument that enters: together with what is there, or as soon as it may."""
    for instrument in entering:
        ordered = set(orders.positions())
        free = [position for position, instruments in enumerate(able) if instrument in instruments]
        together = [position for position in free if position in ordered]
        if orders.density is None or len(ordered) < orders.density:
            together += [position for position in free if position == struck_last]
            together += [position for position in free if (position, instrument) in strokes]
            together += [position for position in free if any(position == place for place, _ in strokes)]
            together += free
        for position in together[:1]:
            orders = replace(orders, strengths={(position, instrument): None, **orders.strengths})
    return orders


def _starters(
    orders: BarOrders, able: Starters, players: Collection[Instrument], copying: Collection[Instrument]
) -> Starters:
    """Who may start notes: players who copy nothing anywhere, the others where they must.

    Where that leaves fewer positions than the density ordered, those who copy may start on further ones, too; and then
    all who are able.
    """
    freely = frozenset(players) - frozenset(copying)
    nobody: frozenset[Instrument] = frozenset()
    everyone = frozenset(instrument for instruments in able for instrument in instruments)
    ordered = set(orders.positions())
    starters: Starters = ()
    for adding in (nobody, frozenset(copying), everyone):
        starters = tuple(
            tuple(
                i
                for i in instruments
                if i in freely or (position, i) in orders.strengths or (i in adding and position not in ordered)
            )
            for position, instruments in enumerate(able)
        )
        if sum(map(bool, starters)) >= orders.densities[0]:
            break
    return starters


def _has_pitch(instruments: Sequence[Instrument]) -> bool:
    return any(instrument is not Instrument.DRUMS for instrument in instruments)
