"""What the networks are told of mood: the whole piece's, and that of each bar as sections and scenes have it.

The network that writes notes hears the mood of the whole. The planner hears it bar by bar: a dark section gets its
chords from the minor side of the piece's key, a bright one from the major side, as the relative keys share their notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from cmt.music.words import FREE, InitialWords, Mode, asked_third
from cmt.planning.scenes import Scene
from cmt.planning.sheet import Sheet
from cmt.planning.wished_scenes import bars_of_scenes
from cmt.planning.wishes import Settled
from cmt.report.scenes import MoodSeen

SURE = 0.6
"""The networks are told the valence of a picture that is at least so sure of it."""
COLOURED = 0.15
"""A valence from here on asks for major, and below its negative for minor (Gabrielsson & Lindstroem 2010)."""

Thirds: TypeAlias = tuple[int | None, int | None]
"""The third of all songs, 0..2, that a valence and an arousal lie in; None leaves one to the network."""


class ToldOfBar(NamedTuple):
    """What is told of a bar."""

    thirds: Thirds = (None, None)
    mode: Mode | None = None
    """The side of the key, where it is not the piece's own."""

    def initial(self, piece: InitialWords) -> InitialWords:
        """The initial words of a piece as they hold for this bar."""
        valence, arousal = (FREE if third is None else 1 + third for third in self.thirds)
        mode = piece.mode if self.mode is None else 1 + self.mode
        return piece._replace(mode=mode, valence=valence, arousal=arousal)


def thirds_of(asked: tuple[float, float] | None, seen: MoodSeen | None) -> Thirds:
    """What is told of a mood: the one asked for, (valence, arousal), else the picture's, whose valence must be sure."""
    if asked is not None:
        return asked_third(asked[0]), asked_third(asked[1])
    if seen is None:
        return None, None
    return asked_third(seen.valence if seen.certainty >= SURE else None), asked_third(seen.arousal)


def mode_of_mood(valence: float) -> Mode | None:
    """The mode that a valence asks for; None where it is of neither colour."""
    if abs(valence) < COLOURED:
        return None
    return Mode.MAJOR if valence > 0 else Mode.MINOR


def told_of_bars(
    wishes: Settled, sheet: Sheet, thirds: Thirds, scenes: Sequence[Scene], seen: Sequence[MoodSeen]
) -> tuple[ToldOfBar, ...]:
    """(n_bar,) what is told bar by bar: by the section of the user, else the user's scene, else as the whole.

    Parameters
    ----------
    thirds
        Those of the whole piece.
    scenes
        The scenes of the picture on bars. Where the user names no mood of the whole, each has its own mood.
    seen
        The mood of the picture in each bar, (n_bar,); empty where it decides nothing.
    """
    n_bar = sheet.timeline.n_bar
    told = [ToldOfBar(thirds)] * n_bar
    if seen and wishes.mood is None:
        ends = [*(scene.bar for scene in scenes[1:]), n_bar]
        for scene, end in zip(scenes, ends, strict=True):
            told[scene.bar : end] = [ToldOfBar(thirds_of(None, _mean(seen[scene.bar : end])))] * (end - scene.bar)
    for wished, (begin, end) in zip(wishes.scenes, bars_of_scenes(wishes.scenes, sheet), strict=True):
        if wished.mood is not None and begin < end:
            told[begin:end] = [_told(wished.mood)] * (end - begin)
    if wishes.energy is not None:
        moods = wishes.energy.moods_by_bar(sheet.timeline.bar_borders)
        told = [its if mood is None else _told(mood) for its, mood in zip(told, moods, strict=True)]
    return tuple(told)


def _told(mood: tuple[float, float]) -> ToldOfBar:
    return ToldOfBar(thirds_of(mood, None), mode_of_mood(mood[0]))


def _mean(moods: Sequence[MoodSeen]) -> MoodSeen:
    """The mood of several bars, valences by their certainties."""
    valences, arousals, certainties = np.array(moods).T
    valence = float((valences * certainties).sum() / max(certainties.sum(), 1e-9))
    return MoodSeen(valence, float(arousals.mean()), float(certainties.mean()))
