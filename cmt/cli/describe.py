"""`cmt describe`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmt.cli.describing import read_argument
from cmt.cli.flags import with_flags
from cmt.cli.options import FILE, Bars
from cmt.cli.saying import say, say_left_out
from cmt.errors import CmtError

if TYPE_CHECKING:
    from cmt.meaning.description import Description

LONGEST_SUFFIX = 5
MOST_NAMED = 3
"""Of more pictures than this the first and the last are named."""
LENGTH_REASON = "as long as the pictures are usually shown"


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="VIDEO|PICTURE|TEXT...")
@click.option("-o", "--output", type=FILE, metavar="FILE.toml", help="Write it here.  [default: print it]")
@click.option("-q", "--quiet", is_flag=True, help="No progress, and nothing of what was understood.")
def describe(what: tuple[str, ...], output: Path | None, quiet: bool) -> None:
    """Write what is understood of a VIDEO, of PICTURES, of a TEXT or of both, and what is decided of the music.

    It is a file to change. Each line has its reason. cmt generate video.mp4 --describe FILE.toml obeys it. What the
    text says wins over what the picture does.
    """
    from cmt.machine.pictures import find_pictures
    from cmt.meaning.description import Description
    from cmt.meaning.file import SUFFIX, as_toml, write_description
    from midi_io.whole_file import check_writable

    if output is not None and output.suffix.lower() != SUFFIX:
        raise click.UsageError(f"-o {output}: give it the suffix {SUFFIX}, by which --describe knows a file")
    if output is not None:
        check_writable(output)
    videos = [Path(one) for one in what if _is_file(one)]
    texts = [one for one in what if not _is_file(one)]
    pictures, _, left_out = find_pictures(videos)
    say_left_out(left_out)
    if len(videos) > 1 and not pictures:
        raise click.UsageError("a description is of one video")
    asked = Description()
    if texts:
        asked, line = read_argument(", ".join(texts))
        if line and not quiet:
            say(line, err=output is None)
    description = _with_video(pictures or tuple(videos), asked, quiet, pictures=bool(pictures)) if videos else asked
    head = _head(videos, texts, output)
    if output is None:
        say(as_toml(description, head), nl=False)
        return
    write_description(description, output, head)
    if not quiet:
        say(f"wrote    {output}")


def _is_file(argument: str) -> bool:
    """Whether an argument names a file that is there; one that only looks like one is an error."""
    path = Path(argument)
    try:
        if path.is_file():
            return not argument.lower().endswith(".toml")
    except (OSError, ValueError):
        return False
    looks_like_one = " " not in argument and 2 <= len(path.suffix) <= LONGEST_SUFFIX and not path.suffix[1:].isdecimal()
    if looks_like_one and not argument.lower().endswith(".toml"):
        raise CmtError(f"{argument}: no such file; check the path")
    return False


def _with_video(files: tuple[Path, ...], asked: Description, quiet: bool, *, pictures: bool) -> Description:
    """The description of a video, or of pictures, under what was asked."""
    from cmt.config import GenerateConfig
    from cmt.meaning.description import Description, Origin
    from cmt.meaning.seen import description_of_video
    from cmt.meaning.wishing import described_wishes
    from cmt.planning.plan import plan_music
    from cmt.planning.wishes import Wishes, settled
    from cmt.soundtrack.source import look_at

    if not pictures:
        asked = replace(asked, length=None)  # it is the video's
    wishes = described_wishes(asked, Wishes()).wishes
    bars = Bars(quiet)
    try:
        source = look_at(files, wishes, lambda done, total: bars("analyze", done, total), pictures=pictures)
    finally:
        bars.close()
    rhythm = source.rhythm
    assert rhythm is not None  # there is something to see
    plan = plan_music(rhythm, settled(wishes, source.duration), GenerateConfig(), grid=source.grid)
    for warning in (*source.warnings, *plan.warnings):
        say(f"warning: {with_flags(warning)}", err=True)
    seen = description_of_video(rhythm, plan)
    if pictures and asked.length is None:
        length = Description(length=round(source.duration, 3), origins={"length": Origin("default", LENGTH_REASON)})
        seen = length.over(seen)
    merged = asked.over(seen)
    # The tempo that was found within the range is written, and the range is not said twice.
    return merged if asked.tempo is not None else replace(merged, tempo_range=None)


def _head(files: Sequence[Path], texts: Sequence[str], output: Path | None) -> str:
    names = [file.name for file in files]
    if len(names) > MOST_NAMED:
        names = [names[0], "...", names[-1]]
    subject = " and ".join([*([" ".join(names)] if names else []), *(repr(text) for text in texts)])
    command = f"cmt generate {' '.join(names) or 'video.mp4'} --describe {output.name if output else 'clip.toml'}"
    return (
        f"Music for {subject}: what was understood and decided, in the order in which one thinks.\n"
        f"Change, add or remove lines, then: {command}\n"
        "A line with a value is obeyed to the letter; what is open, behind a #, is decided anew. Options win over this."
    )
