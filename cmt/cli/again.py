"""`cmt generate --from clip.json`: a finished take once more, with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cmt.cli.options import FREE, Bars, chosen_genre, chosen_programs
from cmt.cli.saying import say_left_out
from cmt.cli.sounding import events_in

if TYPE_CHECKING:
    from cmt.cli.handing import Handing
    from cmt.planning.redo import Redo
    from cmt.soundtrack.delivering import Soundtrack

HANDED = ("sample_rate", "bit_depth", "fade_in", "fade_out", "marker_kinds", "timecode", "origin", "page")
"""The parameters of `cmt.cli.handing` that are fields of an output by the same name."""
OUTPUT = ("original_audio", "quantized", "duck", "loudness", "format", "stems", "midi_only", "overwrite")
SOUNDS = ("sounds", "sound_library", "sound_events")
"""Those of `cmt.cli.sounding`, which are fields of an output too."""
"""The parameters that are fields of an output by the same name."""
CHANGES = (
    "redo",
    "genre",
    "seed",
    "temperature",
    "guidance",
    "int8",
    "key",
    "tempo",
    "mutes",
    "programs",
    "markers",
    *HANDED,
    *OUTPUT,
    *SOUNDS,
)
"""The parameters that change one thing of a take."""
_PLACES = ("videos", "output", "name", "take", "soundfont", "checkpoint", "quiet")
_DECIDE = ("mood", "describe")
_MANY = ("jobs", "scheduler")


def generate_again(take: Path, videos: Sequence[Path], handing: Handing, quiet: bool) -> Soundtrack:
    """Make the take of a report again, as the parameters of the present command say.

    Raises
    ------
    click.UsageError
        If one of them says what a finished take cannot be.
    """
    from cmt.machine.pictures import find_pictures
    from cmt.soundtrack.again import Changes, make_again

    context = click.get_current_context()
    given = {name: value for name, value in context.params.items() if _is_given(context, name)}
    for parameter in context.command.params:
        if parameter.name in given and parameter.name not in (*CHANGES, *_PLACES):
            if parameter.name in _DECIDE:
                raise click.UsageError(
                    f"{parameter.opts[0]} decides key, tempo, form and players before a note is written, and --from "
                    "keeps them; leave it out and give --genre, --key or --tempo, or write a new piece without --from"
                )
            reason = "is for many videos" if parameter.name in _MANY else "says what a new piece is to be"
            raise click.UsageError(f"{parameter.opts[0]} {reason}, and --from keeps one that is finished; leave it out")
    pictures, _, left_out = find_pictures(videos, given.get("output", take.parent))
    say_left_out(left_out)
    if len(videos) > 1 and not pictures:
        raise click.UsageError("--from makes one take again; name the one VIDEO that it is for, or none")
    if given.get("genre") == FREE:
        raise click.UsageError(f"--genre {FREE} leaves the genre open; name the one in which the take is written anew")
    bars = Bars(quiet)
    try:
        return make_again(
            take,
            given.get("output"),
            Changes(**_changes(given, handing)),
            video=pictures or (videos[0] if videos else None),
            name=given.get("name"),
            checkpoint=given.get("checkpoint"),
            soundfont=given.get("soundfont"),
            progress=bars,
        )
    finally:
        bars.close()


def _is_given(context: click.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _parts(asked: Sequence[Redo | Path]) -> tuple[Redo, ...]:
    """The parts that are asked for by themselves or in files of comments."""
    from cmt.planning.redo import read_comments

    return tuple(part for one in asked for part in (read_comments(one) if isinstance(one, Path) else (one,)))


def _changes(given: Mapping[str, Any], handing: Handing) -> dict[str, Any]:
    changes = {
        name: given[name]
        for name in CHANGES
        if name in given and name not in (*OUTPUT, *HANDED, *SOUNDS, "markers", "programs")
    }
    if "redo" in changes:
        changes["redo"] = _parts(changes["redo"])
    if "genre" in changes:
        changes["genre"] = chosen_genre(changes["genre"])
    output = {name: given[name] for name in (*OUTPUT, *SOUNDS) if name in given}
    output |= {name: getattr(handing, name) for name in HANDED if name in given}
    if "sound_events" in given:
        output["sound_events"] = events_in(given["sound_events"])
    if "markers" in given:
        output["marker_kinds"] = handing.marker_kinds
    if "programs" in given:
        output["programs"] = chosen_programs(given["programs"])
    return {**changes, "output": output}
