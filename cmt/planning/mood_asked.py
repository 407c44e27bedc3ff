"""The mood that is asked of music stretch by stretch, to hold what was written, or is there already, against it.

A stretch is a scene, or several short ones: fewer than `FEWEST` bars of music have no mood that could be heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from cmt.metrics.mood import MoodHeard
from cmt.metrics.mood_curve import FEWEST, mood_of_bars
from cmt.music.encoding import notes_of_song
from cmt.planning.plan import Plan
from cmt.planning.wished_scenes import bars_of_scenes
from cmt.report.scenes import MoodSeen
from midi_io.song import Song


class Stretch(NamedTuple):
    """The mood asked of some bars."""

    begin: int
    """The first bar, from 0."""
    end: int
    """The bar after the last."""
    valence: float
    """-1..1."""
    arousal: float
    """-1..1."""
    certainty: float
    """How much the valence counts, 0..1."""


def mood_of_all(valence: float, arousal: float, n_bar: int) -> tuple[Stretch, ...]:
    """One mood that somebody asked for, of all bars."""
    return (Stretch(0, n_bar, valence, arousal, 1.0),)


def stretches_of(moods: Sequence[MoodSeen], begins: Iterable[int]) -> tuple[Stretch, ...]:
    """The moods of bars, (n_bar,), by stretches that begin at some of the bars `begins`; short ones are joined."""
    n_bar = len(moods)
    borders = [0]
    for begin in sorted(begins):
        if begin - borders[-1] >= FEWEST and n_bar - begin >= FEWEST:
            borders.append(begin)
    stretches = []
    for begin, end in zip(borders, [*borders[1:], n_bar], strict=True):
        valences, arousals, certainties = np.array(moods[begin:end]).T
        valence = float((valences * certainties).sum() / max(certainties.sum(), 1e-9))
        stretches.append(Stretch(begin, end, valence, float(arousals.mean()), float(certainties.mean())))
    return tuple(stretches)


def moods_asked(plan: Plan, control: float) -> tuple[Stretch, ...]:
    """What a plan asks: the user's mood or the picture's, where that has a say; else nothing.

    A section or a scene of the user's with a mood of its own has that one.
    """
    n_bar, wishes = plan.timeline.n_bar, plan.wishes
    moods: list[MoodSeen | None] = [None] * n_bar
    if wishes.mood is not None:
        moods = [MoodSeen(*wishes.mood, 1.0)] * n_bar
    elif control > 0 and plan.rhythm is not None and plan.rhythm.scenes:
        moods = list(plan.moods)
    begins = {scene.bar for scene in plan.scenes}
    for wished, (begin, end) in zip(wishes.scenes, bars_of_scenes(wishes.scenes, plan.sheet), strict=True):
        if wished.mood is not None:
            moods[begin:end] = [MoodSeen(*wished.mood, 1.0)] * (end - begin)
            begins.update((begin, end))
    if wishes.energy is not None:
        own = wishes.energy.moods_by_bar(plan.timeline.bar_borders)
        moods = [its if mood is None else MoodSeen(*mood, 1.0) for its, mood in zip(moods, own, strict=True)]
        begins.update(bar for bar in range(1, n_bar) if own[bar] != own[bar - 1])
    known = [mood for mood in moods if mood is not None]
    return stretches_of(known, begins) if len(known) == n_bar else ()


def moods_heard(song: Song, asked: Iterable[Stretch]) -> tuple[MoodHeard, ...]:
    """What a song has in each stretch."""
    notes = notes_of_song(song)
    return tuple(mood_of_bars(notes, stretch.begin, stretch.end, song.tempo) for stretch in asked)


def likeness_of_moods(asked: Sequence[Stretch], heard: Sequence[MoodHeard]) -> float | None:
    """How near what is heard is to what is asked, 0..1; None where nothing is.

    1 - the root of the mean squared difference, in units of the largest one, 2; valence counts as much as it is sure.
    """
    total = weight = 0.0
    for stretch, its in zip(asked, heard, strict=True):
        n_bar = stretch.end - stretch.begin
        valence, arousal = its.valence - stretch.valence, its.arousal - stretch.arousal
        total += n_bar * (arousal**2 + stretch.certainty * valence**2)
        weight += n_bar * (1 + stretch.certainty)
    return 1.0 - (total / weight) ** 0.5 / 2 if weight else None
