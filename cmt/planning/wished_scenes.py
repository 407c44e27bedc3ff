"""Scenes as the user says them, or as they were described: on bars, with their letters and how lively they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cmt.errors import CmtError
from cmt.music.form import N_LETTER
from cmt.planning.liveliness import Liveliness, with_mean
from cmt.planning.scenes import Scene
from cmt.planning.sheet import Sheet
from cmt.planning.sights import sight_between
from video_rhythm import Sight, VideoRhythm


class WishedScene(NamedTuple):
    """A scene that the user asks for; it lasts until the next one."""

    begin: float
    """Seconds from the first picture."""
    same_as: int | None = None
    """The number, from 0, of the earlier scene that it is like; None is a new one."""
    liveliness: float | None = None
    """The mean of how lively its bars are, 0..1; None leaves it to the picture."""
    shows: str | None = None
    """What is to be seen, in a word; None leaves it to the picture."""


def check_scenes(scenes: Sequence[WishedScene], duration: float | None = None) -> None:
    """Raise a CmtError for scenes that do not follow each other, are like a later one, or lie outside the piece."""
    for number, scene in enumerate(scenes):
        if number and scene.begin <= scenes[number - 1].begin:
            raise CmtError(f"scene {number + 1} at {scene.begin:g} s does not come after the one before it")
        if scene.same_as is not None and not 0 <= scene.same_as < number:
            raise CmtError(f"scene {number + 1} is like scene {scene.same_as + 1}, which is no earlier one")
        if duration is not None and scene.begin >= duration:
            raise CmtError(
                f"scene {number + 1}: {scene.begin:g} s lies outside the piece, which lasts {duration:.3f} s; give an "
                "earlier time"
            )


def bars_of_scenes(scenes: Sequence[WishedScene], sheet: Sheet) -> list[tuple[int, int]]:
    """The first bar of each scene and the bar behind its last; both the same for one that has no bar of its own."""
    borders = np.array(sheet.timeline.bar_borders[:-1])
    begins = [0 if k == 0 else int(np.abs(borders - scene.begin).argmin()) for k, scene in enumerate(scenes)]
    return list(zip(begins, [*begins[1:], sheet.timeline.n_bar], strict=False))


def scenes_on_bars(
    scenes: Sequence[WishedScene], sheet: Sheet, liveliness: Sequence[float]
) -> tuple[list[Scene], list[str]]:
    """The scenes on the bars nearest to them, and a warning for each that has no bar of its own."""
    letters: list[int] = []
    placed, warnings = [], []
    for number, (scene, (begin, end)) in enumerate(zip(scenes, bars_of_scenes(scenes, sheet), strict=True)):
        new = max(letters, default=-1) + 1
        letters.append(new if scene.same_as is None else letters[scene.same_as])
        if begin >= end:
            warnings.append(f"scene {number + 1} at {scene.begin:g} s has no bar of its own")
            continue
        placed.append(Scene(begin, letters[-1] % N_LETTER, float(np.mean(liveliness[begin:end]))))
    return placed, warnings


def with_lively_scenes(asked: Liveliness, scenes: Sequence[WishedScene], sheet: Sheet) -> Liveliness:
    """What is asked, with the mean of each scene that has one of its own."""
    for scene, (begin, end) in zip(scenes, bars_of_scenes(scenes, sheet), strict=True):
        if scene.liveliness is not None and begin < end:
            asked = with_mean(asked, scene.liveliness, range(begin, end))
    return asked


def with_words(rhythm: VideoRhythm, wished: Sequence[WishedScene]) -> VideoRhythm:
    """A video's rhythm in which scenes show what the user says that they do.

    A word that is the picture's own changes nothing, so that a description that nobody edited is of no effect. A wished
    scene lasts until the next one.
    """
    scenes = list(rhythm.scenes)
    for number, wish in enumerate(wished):
        end = wished[number + 1].begin if number + 1 < len(wished) else rhythm.duration
        own = sight_between(rhythm, wish.begin, end)
        if wish.shows is None or (own is not None and own.word == wish.shows):
            continue
        for k, scene in enumerate(scenes):
            if wish.begin <= (scene.begin + scene.end) / 2 < end:
                scenes[k] = scene._replace(shows=Sight(wish.shows, 1.0))
    return replace(rhythm, scenes=tuple(scenes))
