"""Which of the candidates are heard: a budget a minute, the strongest first, nothing under speech, none twice alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cmt.film.speech import Span
from cmt.sounds.event import VARIANTS, SoundEvent
from cmt.sounds.moving import find_movements
from cmt.sounds.repeats import lighter_repeats
from cmt.sounds.watching import find_candidates
from midi_io.song import POSITIONS_PER_BEAT, Timeline
from video_rhythm import VideoRhythm

MINUTE = 60.0
FEWEST, MOST = 10, 120
"""Sounds a minute, beds aside, where the dial is just above 0 and where it is 1."""
CLOSEST = 0.2
"""Two sounds of one kind are at least this many seconds apart."""
NEAR_SPEECH = 0.15
"""Seconds before and after words in which nothing sounds either."""
LEAST_BED = 1.0
"""Seconds of a bed between words that is worth to be heard."""
TAIL = 0.5
"""Seconds of what rings that count as being there: the rest is soft."""
ON_GRID = ("riser", "reverse cymbal")
"""The kinds that begin on a beat of the music, and end on the instant that they lead to."""
LEAD_LIMITS = (0.6, 3.0)


def sound_events(
    rhythm: VideoRhythm,
    dial: float,
    *,
    seed: int = 0,
    spans: Sequence[Span] = (),
    timeline: Timeline | None = None,
    causes: Collection[str] | None = None,
) -> tuple[SoundEvent, ...]:
    """The sounds of a video, in order of time.

    Parameters
    ----------
    dial
        How many and how loud: 0 none, 1 all that strikes, up to the budget.
    spans
        The times in which somebody speaks.
    timeline
        The grid of the music, on whose beats what leads to something begins.
    causes
        Of `cmt.sounds.event.CAUSES`, those that count; None is all.
    """
    if dial <= 0:
        return ()
    found = [event for event in find_candidates(rhythm) if causes is None or event.cause in causes]
    beds = [part for event in found if event.is_bed for part in _between_words(event, spans)]
    struck = [event for event in found if not event.is_bed and not _is_under(event, spans)]
    kept = lighter_repeats(_within_budget(struck, dial, rhythm.duration))
    if timeline is not None:
        beats = _beats_of(timeline)
        kept = [_on_grid(event, beats) for event in kept]
        kept = [event for event in kept if not _is_under(event, spans)]
    if causes is None or "movement" in causes:
        beds += find_movements(rhythm, dial, kept, spans)
    return _with_variants(sorted([*beds, *kept]), seed)


def budget(dial: float, seconds: float) -> int:
    """The most sounds, beds aside, in so many seconds, a minute at most."""
    a_minute = FEWEST + (MOST - FEWEST) * dial
    return int(np.ceil(a_minute * min(seconds, MINUTE) / MINUTE - 1e-9))


def _within_budget(events: Sequence[SoundEvent], dial: float, duration: float) -> list[SoundEvent]:
    """The strongest, so that no minute has more than the budget."""
    least = 0.5 * (1 - dial)  # a low dial leaves the small things out
    order = sorted((e for e in events if e.strength >= least), key=lambda event: (-event.strength, event))
    most = budget(dial, duration)
    kept: list[SoundEvent] = []
    for event in order:
        if any(other.kind == event.kind and abs(other.time - event.time) < CLOSEST for other in kept):
            continue
        times = np.sort([*(other.time for other in kept), event.time])
        if _busiest_minute(times) <= most:
            kept.append(event)
    return kept


def _busiest_minute(times: NDArray[np.float64]) -> int:
    """The most of (n,) times, in order, in any minute."""
    last = np.searchsorted(times, times + MINUTE, side="left")
    return int((last - np.arange(len(times))).max(initial=0))


def _is_under(event: SoundEvent, spans: Sequence[Span]) -> bool:
    end = min(event.end, event.time + TAIL)
    return any(event.begin < span.end + NEAR_SPEECH and end > span.begin - NEAR_SPEECH for span in spans)


def _between_words(bed: SoundEvent, spans: Sequence[Span]) -> list[SoundEvent]:
    """The parts of a bed in which nobody speaks."""
    edges = [bed.time]
    for span in spans:
        edges += [span.begin - NEAR_SPEECH, span.end + NEAR_SPEECH]
    edges.append(bed.end)
    parts = [(max(a, bed.time), min(b, bed.end)) for a, b in list(pairwise(edges))[::2]]
    return [bed._replace(time=round(a, 3), length=round(b - a, 3)) for a, b in parts if b - a >= LEAST_BED]


def _beats_of(timeline: Timeline) -> NDArray[np.float64]:
    positions = range(0, int(timeline.length), POSITIONS_PER_BEAT)
    return np.array([timeline.seconds(position) for position in positions if position >= timeline.start])


def _on_grid(event: SoundEvent, beats: NDArray[np.float64]) -> SoundEvent:
    """What leads to an instant, from a beat on; as it is where no beat suits."""
    if event.kind not in ON_GRID:
        return event
    lengths = event.time - beats
    fits = lengths[(lengths >= LEAD_LIMITS[0]) & (lengths <= max(LEAD_LIMITS[1], event.length))]
    if not len(fits):
        return event
    return event._replace(length=round(float(fits[np.abs(fits - event.length).argmin()]), 3))


def _with_variants(events: Sequence[SoundEvent], seed: int) -> tuple[SoundEvent, ...]:
    """A number for each sound, drawn by the seed; those of a kind that follow each other are never alike."""
    rng = np.random.default_rng([seed, 17])
    last: dict[str, int] = {}
    chosen = []
    for event in events:
        variant = int(rng.integers(VARIANTS * 100))
        if event.kind in last and variant % VARIANTS == last[event.kind] % VARIANTS:
            variant += 1
        last[event.kind] = variant
        chosen.append(event._replace(variant=variant))
    return tuple(chosen)
