"""What the picture says of its music: a description of a video, with a reason for each decision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmt.machine.plural import count
from cmt.meaning.description import Description, Origin, SceneSeen
from cmt.meaning.fields import FORMS
from cmt.meaning.mood import Mood
from cmt.music.lead_sheet import LETTERS
from cmt.planning.energy import Section
from cmt.planning.plan import Plan
from cmt.planning.sights import sight_between
from cmt.report.parts import grid_of
from video_rhythm import VideoRhythm

UNSURE = 0.6
"""A mood of the picture that is less certain than this is not told."""
MOST_NAMED = 8
"""A reason names at most this many times."""


def description_of_video(rhythm: VideoRhythm, plan: Plan) -> Description:
    """What is there, and what is decided of the music if nobody says otherwise.

    Parameters
    ----------
    plan
        The plan of music for the video without any wishes.
    """
    scenes = with_looks(scenes_of_plan(plan), rhythm)
    values: dict[str, object] = {
        "scenes": scenes,
        "instruments": (),
        "tempo": plan.timeline.tempo,
    }
    n_border = len(scenes) - 1
    origins = {
        "scenes": Origin("picture", f"{_why_scenes(n_border)}; {_what_is_shown(scenes, rhythm)}"),
        "instruments": Origin("default", "as songs of the genre have them"),
        "tempo": Origin("picture", _why_tempo(rhythm, plan)),
        **_open(rhythm, scenes, plan),
    }
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


def with_looks(scenes: Sequence[SceneSeen], rhythm: VideoRhythm) -> tuple[SceneSeen, ...]:
    """The scenes with the colour of all that is seen in each, what lasts longest first, and what each shows."""
    coloured = []
    for scene in scenes:
        lasts: dict[str, float] = {}
        for seen in rhythm.scenes:
            shared = min(scene.end, seen.end) - max(scene.begin, seen.begin)
            if shared > 0:
                lasts[seen.colour] = lasts.get(seen.colour, 0.0) + shared
        sight = sight_between(rhythm, scene.begin, scene.end)
        colours = tuple(sorted(lasts, key=lambda colour: -lasts[colour]))
        coloured.append(scene._replace(colours=colours, shows=None if sight is None else sight.word))
    return tuple(coloured)


def _why_scenes(n_border: int) -> str:
    if not n_border:
        return "one place from beginning to end"
    return f"{count(n_border, 'border')} near cuts or fades behind which it looks otherwise"


def _what_is_shown(scenes: Sequence[SceneSeen], rhythm: VideoRhythm) -> str:
    """``it shows coast (77% sure)``, for each scene of which it is known."""
    found = [
        (number, sight)
        for number, scene in enumerate(scenes, 1)
        if (sight := sight_between(rhythm, scene.begin, scene.end)) is not None
    ]
    if not found:
        return "what it shows is not sure" if len(scenes) == 1 else "what they show is not sure"
    named = ", ".join(
        f"{'it' if len(scenes) == 1 else number} shows {sight.word} ({sight.certainty:.0%} sure)"
        for number, sight in found[:MOST_NAMED]
    )
    return named + (" ..." if found[MOST_NAMED:] else "")


def _mood_in_words(plan: Plan) -> str:
    """What the picture's own mood is, which tempo, mode and liveliness follow where nobody names another."""
    if plan.mood is None or plan.mood.certainty < UNSURE:
        return "the picture does not say; tempo and liveliness follow how much it moves"
    its = Mood(round(plan.mood.valence, 2), round(plan.mood.arousal, 2))
    return f"the picture's is nearest to {its}, {plan.mood.certainty:.0%} sure; tempo, mode and liveliness follow it"


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
        "mood": Origin("picture", _mood_in_words(plan)),
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
