"""What `--describe` and `--mood` ask: a file or words, under the other options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cmt.cli.saying import say
from midi_io.song import Instrument

if TYPE_CHECKING:
    from cmt.meaning.description import Description
    from cmt.meaning.wishing import Described
    from cmt.planning.wishes import Wishes

OPTIONS: Mapping[str, str] = {
    "genre": "genre",
    "instruments": "instruments",
    "mutes": "mutes",
    "key": "key",
    "chords": "chords",
    "form": "form",
    "like": "like",
    "length": "length",
    "seconds_per_picture": "length",
    "bars": "length",
    "tempo": "tempo",
    "hit_times": "markers",
    "hit_files": "markers",
    "energy_file": "energy",
    "sections": "energy",
    "programs": "programs",
}
"""The parameters of a command that win over a description, and what each gives."""


def describe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for a description and a mood."""
    mood = click.option(
        "--mood",
        metavar="WORDS",
        help='A mood, such as tense or "sad, a little hopeful": it sets tempo, mode, liveliness where they are open.',
    )
    describe = click.option(
        "--describe",
        metavar="TEXT|FILE.toml",
        help='What you want in words, such as "calm piano, no drums, 80 bpm, big ending", or a file of cmt describe.',
    )
    return describe(mood(command))


def described(
    describe: str | None,
    mood: str | None,
    wishes: Wishes,
    programs: Mapping[Instrument, int],
    with_video: bool,
    quiet: bool,
) -> Described | None:
    """The wishes that a description and a mood make under the other options; None where neither is given.

    Unless `quiet`, what was understood of words is printed, and what the mood changes.
    """
    if describe is None and mood is None:
        return None
    from cmt.meaning.wishing import described_wishes

    description = _description(describe, mood, quiet)
    context = click.get_current_context()
    given = {
        what for name, what in OPTIONS.items() if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    extra = []
    if with_video and description.length is not None:
        extra.append(f"length {description.length:g} s: the music is as long as the video")
        description = replace(description, length=None)
    result = described_wishes(description, wishes, programs, given)
    if not quiet and result.by_mood:
        say(f"mood     {description.mood} sets {', '.join(_mood_in_words(result))}")
    told = result.told._replace(warnings=(*result.told.warnings, *extra))
    return replace(result, told=told)


def read_argument(text: str) -> tuple[Description, str]:
    """The description in a file or in words, and the line that says what was understood of words."""
    from cmt.meaning.file import SUFFIX, read_description
    from cmt.meaning.words import read_words

    if text.lower().endswith(SUFFIX):
        return read_description(Path(text)), ""
    understood = read_words(text)
    return understood.description, str(understood)


def _description(describe: str | None, mood: str | None, quiet: bool) -> Description:
    from cmt.meaning.description import Description, Origin
    from cmt.meaning.words import read_mood

    description = Description()
    if describe is not None:
        description, line = read_argument(describe)
        if line and not quiet:
            say(line)
    if mood is not None:
        asked = Description(mood=read_mood(mood), origins={"mood": Origin("user", mood)})
        description = asked.over(description)
    return description


def _mood_in_words(result: Described) -> Iterable[str]:
    """``73 to 90 BPM``, ``minor``, ``liveliness 0.3``, ``no drums``."""
    for told in result.told.fields:
        if told.source != "mood":
            continue
        if told.field == "tempo_range" and result.wishes.tempo_range is not None:
            low, high = result.wishes.tempo_range
            yield f"{low:g} to {high:g} BPM"
        elif told.field == "key":
            yield told.value.strip('":').partition(":")[2] or told.value.strip('":')
        elif told.field == "instruments":
            yield "no drums"
        else:
            yield f"{told.field} {told.value}"
