"""Bars that return: the strokes of an earlier bar, played again note for note, and how they give way to orders.

What is ordered is an ornament on what returns: strokes are taken from the pattern or added to it, and its backbone,
kick, snare and bass, is the last to go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cmt.music.chords import HALVES_PER_BAR
from cmt.music.lead_sheet import CRASHES, KICKS, SNARES, TICKS, UNKNOWN, LeadSheet
from midi_io.song import POSITIONS_PER_BAR, Instrument

Place = tuple[int, Instrument]
"""A position of the bar, 0..15, and who plays there."""


class Tone(NamedTuple):
    """A note of a stroke."""

    pitch: int
    """The MIDI pitch."""
    duration: int
    """Sixteenths."""


Strokes = Mapping[Place, tuple[Tone, ...]]
"""The notes of a bar by place, each place's upwards."""


class Copied(NamedTuple):
    """What a bar copies of earlier ones."""

    instruments: tuple[Instrument, ...]
    """Who copies."""
    strokes: Strokes
    """All that they copy."""


KIT_BARS = 16
"""The drums of a bar with orders may be those of a bar that lies this far back."""
BACKBEAT = frozenset(KICKS + SNARES)
"""The keys of kick and snare."""
_METRE = [4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0]
"""How heavy each position of a bar is (16,)."""
assert len(_METRE) == POSITIONS_PER_BAR


def models_of(sheet: LeadSheet, bar: int, first: int, *, is_ordered: bool) -> dict[Instrument, int]:
    """Which earlier bar each instrument copies, if it copies any; none before `first`.

    Those of whom the sheet says so copy its source. Where something is ordered in the bar, the orders vary it enough:
    then others, too, copy the source, if it has the same chords; and drums copy it, or else the last bar of a section
    of the same letter, if it has the same kit.
    """
    source = sheet.source(bar)
    source = None if source is None or source < first else source
    models: dict[Instrument, int] = {}
    if source is not None:
        same_chords = is_ordered and _same_chords(sheet, bar, source)
        for instrument in Instrument:
            varied = same_chords and instrument is not Instrument.DRUMS
            if sheet.repeats_exactly(bar, instrument) or varied:
                models[instrument] = source
    if is_ordered and Instrument.DRUMS not in models and sheet.kit[bar] != UNKNOWN:
        earlier = [] if source is None else [source]
        earlier += [
            b for b in range(bar - 1, max(first, bar - KIT_BARS) - 1, -1) if sheet.letters[b] == sheet.letters[bar]
        ]
        alike = [b for b in earlier if sheet.kit[b] == sheet.kit[bar]]
        models.update(dict.fromkeys([Instrument.DRUMS], alike[0]) if alike else {})
    return models


def _same_chords(sheet: LeadSheet, bar: int, other: int) -> bool:
    here, there = (sheet.chords[HALVES_PER_BAR * b : HALVES_PER_BAR * (b + 1)] for b in (bar, other))
    return UNKNOWN not in here and np.array_equal(here, there)


def backbone(strokes: Strokes) -> list[int]:
    """The positions on which kick, snare or bass strike, in order."""
    return sorted(
        {
            position
            for (position, instrument), tones in strokes.items()
            if instrument is Instrument.BASS or _has_backbeat(instrument, tones)
        }
    )


def thinned(
    strokes: Strokes, least: int, most: int, lasting: Collection[int], *, with_pitch: bool
) -> dict[Place, tuple[Tone, ...]]:
    """The strokes on at most `most` of their positions, besides the positions `lasting`, which stay in any case.

    Positions of ticks go first, then those of inner voices; kick and snare go last. Ticks that are equally light go
    together, so that a regular pulse stays, if that leaves `least` positions. With `with_pitch` the heaviest position
    on which a pitched instrument plays goes after all others.
    """
    rank = {position: _salience(strokes, position) for position, _ in strokes if position not in lasting}
    going = sorted(rank, key=rank.__getitem__)
    if with_pitch:
        pitched = [p for p in going if any(q == p and i is not Instrument.DRUMS for q, i in strokes)]
        going = [p for p in going if p not in pitched[-1:]] + pitched[-1:]
    n_going = max(0, len(going) - most)
    if n_going and (last := rank[going[n_going - 1]]).voice == 0:
        n_equal = sum(rank[p][:2] == last[:2] for p in going[n_going:])
        n_going += n_equal if len(going) - n_going - n_equal >= least else 0
    dropped = set(going[:n_going])
    return {place: tones for place, tones in strokes.items() if place[0] not in dropped}


def resized(tones: Sequence[Tone], strength: int, instrument: Instrument) -> tuple[Tone, ...]:
    """The most telling notes of a stroke that is to have `strength` notes; all of them if it is to have more.

    Of drums snare and kick stay longest, of chords the highest note and then the lowest.
    """
    if instrument is Instrument.DRUMS:
        by_weight = sorted(tones, key=lambda tone: -_drum_rank(tone.pitch))
    else:
        by_weight = [*tones[-1:], *tones[: max(0, len(tones) - 1)]]
    return tuple(sorted(by_weight[:strength]))


class _Salience(NamedTuple):
    """How much a pattern rests on a position, what counts most first."""

    voice: int
    """The rank of the weightiest voice there; 0 for ticks alone."""
    metre: int
    n_player: int
    earliness: int


def _salience(strokes: Strokes, position: int) -> _Salience:
    here = [(instrument, tones) for (place, instrument), tones in strokes.items() if place == position]
    heaviest = max(_rank(instrument, tones) for instrument, tones in here)
    return _Salience(heaviest, _METRE[position], len(here), -position)


def _rank(instrument: Instrument, tones: Sequence[Tone]) -> int:
    if instrument is Instrument.DRUMS:
        return max(_drum_rank(tone.pitch) for tone in tones)
    return 3 if instrument is Instrument.BASS else 1


def _drum_rank(key: int) -> int:
    """How much the pattern rests on a key: 5 snare, 4 kick, 3 crash, 2 toms and others, 0 ticks."""
    for rank, keys in ((5, SNARES), (4, KICKS), (3, CRASHES), (0, TICKS)):
        if key in keys:
            return rank
    return 2


def _has_backbeat(instrument: Instrument, tones: Sequence[Tone]) -> bool:
    return instrument is Instrument.DRUMS and any(tone.pitch in BACKBEAT for tone in tones)
