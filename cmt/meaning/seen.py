"""What the picture says of its music: a description of a video, with a reason for each decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cmt.machine.plural import count
from cmt.meaning.description import Description, Origin, SceneSeen
from cmt.meaning.fields import FORMS
from cmt.meaning.mood import Mood
from cmt.music.lead_sheet import LETTERS
from cmt.planning.energy import Section
from cmt.planning.plan import Plan
from cmt.report.parts import grid_of
from midi_io.song import Instrument
from video_rhythm import VideoRhythm

MOST_NAMED = 8
"""A reason names at most this many times."""


def description_of_video(rhythm: VideoRhythm, plan: Plan) -> Description:
    """What is there, and what is decided of the music if nobody says otherwise.

    Parameters
    ----------
    plan
        The plan of music for the video without any wishes.
    """
    scenes = with_moods(scenes_of_plan(plan), rhythm)
    mood = mood_of_scenes(scenes)
    values: dict[str, object] = {
        "scenes": scenes,
        "instruments": tuple(Instrument),
        "tempo": plan.timeline.tempo,
    }
    n_border = len(scenes) - 1
    origins = {
        "scenes": Origin("picture", f"{count(n_border, 'border')} near cuts or fades behind which it looks otherwise")
        if n_border
        else Origin("picture", "one place from beginning to end"),
        "instruments": Origin("default", "all five"),
        "tempo": Origin("picture", _why_tempo(rhythm, plan)),
        **_open(rhythm, scenes, plan),
    }
    if mood is not None:
        values["mood"], origins["mood"] = mood, Origin("picture", f"the mean of its scenes: {mood}")
    return Description(**values, origins=origins)  # type: ignore[arg-type]


def scenes_of_plan(plan: Plan) -> tuple[SceneSeen, ...]:
    """The scenes of a plan in seconds, with the pace of each and whether it is an earlier place again."""
    borders = plan.timeline.bar_borders
    ends = [*(scene.bar for scene in plan.scenes[1:]), plan.timeline.n_bar]
    letters = [scene.letter for scene in plan.scenes]
    seen = []
    for number, (scene, end) in enumerate(zip(plan.scenes, ends, strict=True)):
        first = letters.index(scene.letter)
        paces = [pace for pace in plan.paces[scene.bar : end] if pace is not None]
        seen.append(
            SceneSeen(
                begin=round(borders[scene.bar], 3),
                end=round(borders[end], 3),
                same_as=first + 1 if first < number else None,
                pace=round(float(np.mean(paces)), 2) if paces else None,
            )
        )
    return tuple(seen)


def with_moods(
    scenes: Sequence[SceneSeen], rhythm: VideoRhythm, moods: Mapping[int, Mood] | None = None
) -> tuple[SceneSeen, ...]:
    """The scenes with the mood of each, by its number from 0, as the picture is measured.

    Here the picture's mood enters: whoever measures valence and arousal of a scene (from pace, light, colour) gives
    `moods`. Until then no scene has one, and the description leaves the mood open.
    """
    found = moods or {}
    return tuple(scene._replace(mood=found.get(number, scene.mood)) for number, scene in enumerate(scenes))


def mood_of_scenes(scenes: Sequence[SceneSeen]) -> Mood | None:
    """The mean mood of the scenes that have one, each as much as it lasts; None where none has."""
    known = [(scene.mood, scene.end - scene.begin) for scene in scenes if scene.mood is not None]
    total = sum(length for _, length in known)
    if not total:
        return None
    valence = sum(mood.valence * length for mood, length in known) / total
    arousal = sum(mood.arousal * length for mood, length in known) / total
    return Mood(round(valence, 2), round(arousal, 2))


def _why_tempo(rhythm: VideoRhythm, plan: Plan) -> str:
    hits = grid_of(plan.timeline, plan.hits).hits
    met = [
        f"{round(its.on_grid * its.n_hit)} of {count(its.n_hit, noun)} on the grid (chance {its.on_grid_by_chance:.0%})"
        for noun, its in (("cut", hits.cuts), ("visual beat", hits.visual_beats))
        if its.n_hit
    ]
    if not met:
        return f"{count(plan.timeline.n_bar, 'whole bar')}; nothing in the picture speaks for a tempo"
    return ", ".join(met)


def _open(rhythm: VideoRhythm, scenes: Sequence[SceneSeen], plan: Plan) -> dict[str, Origin]:
    """Why fields are open: what decides them instead."""
    cuts = ", ".join(f"{time:.2f}" for time in rhythm.cuts[:MOST_NAMED]) + (" ..." if rhythm.cuts[MOST_NAMED:] else "")
    letters = " ".join(LETTERS[scene.letter] for scene in plan.scenes)
    levels = FORMS["sections"].write(
        tuple(Section(scene.begin, round(its.liveliness, 2)) for scene, its in zip(scenes, plan.scenes, strict=False))
    )
    return {
        "mood": Origin("default", FORMS["mood"].tells + "; it sets tempo, mode and liveliness where they are open"),
        "sections": Origin("picture", f"its motion says it bar by bar; scene by scene that is {levels}"),
        "genre": Origin("default", f"free: nothing in the picture speaks for one; {FORMS['genre'].tells}"),
        "key": Origin("default", "drawn by the seed; " + FORMS["key"].tells),
        "form": Origin("picture", f"sections begin where scenes do: {letters}; here a form of your own"),
        "hits": Origin(
            "picture",
            f"{count(len(rhythm.cuts), 'cut')}{f' ({cuts} s)' if cuts else ''} and "
            f"{count(len(rhythm.visual_beats), 'visual beat')} are met where the grid allows; here what must be met",
        ),
        "ending": Origin("default", f"drawn by the seed; {FORMS['ending'].tells}"),
    }
