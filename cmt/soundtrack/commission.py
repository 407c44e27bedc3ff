"""What is asked of the main job, checked before anything is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cmt.config import GenerateConfig
from cmt.film.part import WHOLE, Part, check_part
from cmt.planning.plan import with_length
from cmt.planning.wishes import Wishes, check_config, check_wishes
from cmt.report.description import Told
from cmt.soundtrack.handing import check_fit
from cmt.soundtrack.networks import check_arithmetic
from cmt.soundtrack.output import Output, check_output
from cmt.soundtrack.sounding import check_sounds
from cmt.soundtrack.source import Material, Video, check_source, material_from

NOTHING_TOLD = Told()


@dataclass(frozen=True)
class Commission:
    """Music that is asked for, and what it is for; `commissioned` makes it."""

    material: Material
    wishes: Wishes
    """The wishes, with the length of the bars that are asked for."""
    config: GenerateConfig
    """How it is written; without a picture there is nothing to control, and the control is 0."""
    output: Output
    told: Told
    """What the report says of the description that the wishes come from."""

    @property
    def needs_file(self) -> bool:
        """Whether the video must be a file before the notes are written: its speech is looked for, if it has any."""
        return self.output.looks_for_speech and self.material.has_film


def commissioned(
    video: Video,
    wishes: Wishes | None = None,
    config: GenerateConfig | None = None,
    output: Output | None = None,
    part: Part = WHOLE,
    told: Told = NOTHING_TOLD,
) -> Commission:
    """What is asked for, with the defaults of what is left out.

    Raises
    ------
    CmtError
        If something cannot be, whatever the picture shows.
    """
    wishes, config, output = wishes or Wishes(), config or GenerateConfig(), output or Output()
    check_wishes(wishes)
    check_config(config)
    check_arithmetic(config)
    check_output(output)
    check_part(part)
    wishes = with_length(wishes, config.seed)
    check_wishes(wishes)
    material = material_from(video, part)
    check_source(material, wishes, output)
    check_sounds(output, is_seen=material.is_seen)
    if wishes.length is not None:
        check_fit(output, wishes.length, None, loop=wishes.loop)
    if not material.is_seen:
        config = replace(config, control=0.0)
    return Commission(material, wishes, config, output, told)
