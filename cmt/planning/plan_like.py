"""The plan of a piece that is to be like a song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cmt.config import GenerateConfig
from cmt.film.speech import Span as Spoken
from cmt.planning.fitting import Span, fitted_form
from cmt.planning.like import Likeness, Reference, wishes_like, wishes_of_players
from cmt.planning.plan import Plan, plan_music
from cmt.planning.wishes import Settled
from midi_io.song import Timeline
from video_rhythm import VideoRhythm


def plan_like(
    reference: Reference,
    rhythm: VideoRhythm | None,
    wishes: Settled,
    config: GenerateConfig,
    speech: Sequence[Spoken] = (),
    grid: Timeline | None = None,
) -> Plan:
    """The plan of `plan_music` for a piece that is like a song.

    The song's form is fitted on a first plan, which has the song's tempo and the picture's scenes; the second one has
    the players of the bars that are taken.
    """
    wishes = wishes_like(wishes, reference.template)
    first = plan_music(rhythm, wishes, config, speech, grid)
    like = likeness(reference, first)
    plan = plan_music(rhythm, wishes_of_players(wishes, like), config, speech, grid)
    return replace(plan, like=like, warnings=(*reference.warnings, *plan.warnings))


def likeness(reference: Reference, plan: Plan) -> Likeness:
    """What a piece with this plan takes of a song."""
    n_bar = plan.timeline.n_bar
    energies = plan.liveliness if plan.rhythm is not None else None
    if energies is None and any(energy is not None for energy in plan.energies):
        energies = tuple(0.5 if energy is None else energy for energy in plan.energies)
    form = fitted_form(reference.template, _spans(plan), n_bar, energies)
    return Likeness(reference, form, takes_chords=plan.wishes.chords is None)


def _spans(plan: Plan) -> list[Span]:
    """The sections that the user asks for, else the scenes of the picture, else the piece; none has a pickup."""
    n_bar, pickup = plan.timeline.n_bar, 1 if plan.timeline.start > 0 and plan.timeline.n_bar > 1 else 0
    if plan.sections:
        return [
            Span(section.downbeat, section.end, section.label or number) for number, section in enumerate(plan.sections)
        ]
    if not plan.scenes:
        return [Span(pickup, n_bar, 0)]
    ends = [*(scene.bar for scene in plan.scenes[1:]), n_bar]
    return [Span(max(scene.bar, pickup), end, scene.letter) for scene, end in zip(plan.scenes, ends, strict=True)]
