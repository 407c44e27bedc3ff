"""The first half of the main job: what music is for is looked at, and the music is planned."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cmt.film.ducking import Mixer, mixer_for
from cmt.planning.plan import Plan, plan_music
from cmt.planning.wishes import settled
from cmt.soundtrack.commission import Commission
from cmt.soundtrack.handing import check_fit
from cmt.soundtrack.keeping import hash_of_material
from cmt.soundtrack.like import plan_of_like
from cmt.soundtrack.output import Output, for_film
from cmt.soundtrack.source import Source, fps_of, look_at_material
from cmt.soundtrack.stages import Stages


class Seen(NamedTuple):
    """What music is for, looked at, and the music that is planned for it."""

    source: Source
    plan: Plan
    mixer: Mixer | None
    """What mixes the music with the video's own sound; None where it is not mixed."""
    sha256: str | None
    """The hash of the video or the pictures; None where there is neither."""
    output: Output
    """The output that is asked for, with what becomes of the video's own sound."""


def look(commission: Commission, film: Path | None, stages: Stages) -> Seen:
    """Look at what music is for, and plan the music.

    `film` is the file of the video, or of its part; None where there is none.

    Raises
    ------
    CmtError
        If the video or a picture is of no use, or something that is asked cannot be with it.
    """
    material, wishes, config = commission.material, commission.wishes, commission.config
    with stages.stage("analyze") as report_progress:
        source = look_at_material(material, film, wishes, report_progress)
        check_fit(commission.output, source.duration, fps_of(source), loop=wishes.loop)
        output, _ = for_film(commission.output, film)
        mixer = mixer_of(output, film)
        spans = mixer.spans if mixer is not None else ()
        asked = settled(wishes, source.duration)
        plan = plan_music(source.rhythm, asked, config, spans, source.grid)
        if wishes.like is not None:
            plan = plan_of_like(wishes.like, plan, source.rhythm, asked, config, spans, source.grid)
        return Seen(source, plan, mixer, hash_of_material(material), output)


def mixer_of(output: Output, film: Path | None, known: Mixer | None = None) -> Mixer | None:
    """A mixer of music and the own sound of a film, if that is asked for; speech that is `known` is not looked for."""
    if film is None or output.original_audio != "mix":
        return None
    if known is not None and output.duck is not None:
        return Mixer(known.spans, output.duck, output.loudness)
    return mixer_for(film, output.duck, output.loudness)
