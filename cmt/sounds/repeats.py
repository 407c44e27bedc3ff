"""What strikes again and again in one rhythm, such as a ball that is juggled, is lighter from the second time on."""

from __future__ import annotations

from collections.abc import Sequence

from cmt.sounds.event import SoundEvent
from cmt.sounds.watching import strike

AGAIN = 1.1
"""Seconds in which a strike comes again at most."""
ALIKE = 1.6
"""A wait this many times as long as the one before, or as much shorter, is of another rhythm."""
FEWEST = 3
"""Strikes from which on they are a rhythm."""
LIGHTER = (0.8, 0.68)
"""The share of its strength that one has from the second on, by turns: no two in a row are alike."""
STRIKES = ("impact", "hit", "tick")
CAUSES = ("contact", "visual beat")


def lighter_repeats(events: Sequence[SoundEvent]) -> list[SoundEvent]:
    """The events, in order of time, the repeated strikes among them lighter."""
    ordered = sorted(events)
    lighter: dict[int, SoundEvent] = {}
    for run in _runs(
        [n for n, event in enumerate(ordered) if event.kind in STRIKES and event.cause in CAUSES], ordered
    ):
        for turn, number in enumerate(run[1:]):
            event = ordered[number]
            lighter[number] = strike(event.time, event.strength * LIGHTER[turn % 2], event.pan, event.cause)
    return [lighter.get(number, event) for number, event in enumerate(ordered)]


def _runs(numbers: Sequence[int], events: Sequence[SoundEvent]) -> list[list[int]]:
    """The numbers of the strikes of each rhythm, in order."""
    runs: list[list[int]] = []
    wait = 0.0
    for number in numbers:
        last = runs[-1] if runs else []
        since = events[number].time - events[last[-1]].time if last else float("inf")
        if since <= AGAIN and (len(last) == 1 or wait / ALIKE <= since <= wait * ALIKE):
            last.append(number)
        else:
            runs.append([number])
        wait = since
    return [run for run in runs if len(run) >= FEWEST]
