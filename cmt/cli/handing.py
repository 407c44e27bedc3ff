"""The options of `cmt generate` for editors: the part of the film, finished sound, markers, origin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from cmt.cli.options import ANY_NUMBER, ParamType, WholeNumberType, range_of
from cmt.config import BARS_LIMITS, FADE_LIMITS, SAMPLE_RATES
from cmt.handover.moments import KINDS, USUAL
from cmt.handover.timecode import START
from midi_io.audio_file import BIT_DEPTHS
from midi_io.synthesis import SAMPLE_RATE

if TYPE_CHECKING:
    from cmt.film.part import Part
    from cmt.planning.wishes import Wishes
    from cmt.soundtrack.output import Output


@dataclass(frozen=True)
class Handing:
    """What the options of `handing_options` ask for."""

    bars: int | None
    loop: bool
    start: float | None
    end: float | None
    sample_rate: int
    bit_depth: int | None
    fade_in: float
    fade_out: float | None
    marker_kinds: tuple[str, ...]
    timecode: str
    origin: bool
    page: bool

    @property
    def part(self) -> Part:
        """The part of the film that is scored."""
        from cmt.film.part import Part

        return Part(self.start or 0.0, self.end)

    def in_wishes(self, wishes: Wishes) -> Wishes:
        """The wishes with what these options ask of the music."""
        return replace(wishes, bars=self.bars, loop=self.loop)

    def in_output(self, output: Output) -> Output:
        """The output with what these options ask of the files."""
        return replace(
            output,
            sample_rate=self.sample_rate,
            bit_depth=self.bit_depth,
            fade_in=self.fade_in,
            fade_out=self.fade_out,
            marker_kinds=self.marker_kinds,
            timecode=self.timecode,
            origin=self.origin,
            page=self.page,
        )


class KindsType(ParamType):
    """Kinds of markers, such as ``cuts,bars``."""

    name = "list"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """The kinds that are named."""
        if not isinstance(value, str):
            converted: tuple[str, ...] = value
            return converted
        names = [name.strip().lower() for name in value.split(",")]
        for name in names:
            if name not in KINDS:
                self.fail(f"no kind of marker {name!r}; choose from {', '.join(KINDS)}, with commas")
        return tuple(kind for kind in KINDS if kind in names)


SAMPLE_OPTIONS = (
    click.option(
        "--sample-rate",
        type=click.Choice([str(rate) for rate in SAMPLE_RATES]),
        default=str(SAMPLE_RATE),
        show_default=True,
        help="Samples a second of the sound; editing programs work at 48000.",
    ),
    click.option(
        "--bit-depth",
        type=click.Choice([str(depth) for depth in BIT_DEPTHS]),
        help="Bits of a sample in WAV and FLAC.  [default: 16 in WAV, 24 in FLAC]",
    ),
)
"""The options for the samples of finished sound; `cmt render` has them too."""
_OPTIONS = (
    click.option(
        "--bars",
        type=WholeNumberType(int(BARS_LIMITS.least), int(BARS_LIMITS.most)),
        help="Music without a video, so many bars long, at --tempo or one drawn from the genre's.",
    ),
    click.option("--loop", is_flag=True, help="No end: the music leads into its own beginning without a seam."),
    click.option(
        "--start",
        type=ANY_NUMBER,
        metavar="SECONDS",
        help="Score and write the video from there on; all other times count from there.",
    ),
    click.option("--end", type=ANY_NUMBER, metavar="SECONDS", help="Score and write the video up to there."),
    *SAMPLE_OPTIONS,
    click.option(
        "--fade-in", type=range_of(FADE_LIMITS), metavar="SECONDS", default=0.0, help="The sound comes from silence."
    ),
    click.option(
        "--fade-out",
        type=range_of(FADE_LIMITS),
        metavar="SECONDS",
        help="The sound goes to silence.  [default: 0.4, or a tenth of a short piece]",
    ),
    click.option(
        "--markers/--no-markers",
        default=False,
        help="Markers for editors: CSV, DaVinci Resolve's EDL, FCPXML, OTIO, and cue points in WAV.",
    ),
    click.option(
        "--marker-kinds",
        type=KindsType(),
        default=",".join(USUAL),
        show_default=True,
        help=f"What they mark, of {', '.join(KINDS)}.",
    ),
    click.option(
        "--timecode",
        metavar="HH:MM:SS:FF",
        default=START,
        show_default=True,
        help="Where the timeline of the EDL and the CSV begins.",
    ),
    click.option(
        "--origin/--no-origin", default=False, help="A statement of where the music comes from: clip.origin.json."
    ),
    click.option(
        "--page/--no-page",
        default=True,
        show_default=True,
        help="A page to watch, hear and compare the takes, and to say what shall change: clip.html.",
    ),
)


def handing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for editors; the command gets them as one parameter, `handing`."""

    @wraps(command)
    def with_handing(
        *args: Any,
        bars: int | None,
        loop: bool,
        start: float | None,
        end: float | None,
        sample_rate: str,
        bit_depth: str | None,
        fade_in: float,
        fade_out: float | None,
        markers: bool,
        marker_kinds: tuple[str, ...],
        timecode: str,
        origin: bool,
        page: bool,
        **others: Any,
    ) -> Any:
        handing = Handing(
            bars=bars,
            loop=loop,
            start=start,
            end=end,
            sample_rate=int(sample_rate),
            bit_depth=None if bit_depth is None else int(bit_depth),
            fade_in=fade_in,
            fade_out=fade_out,
            marker_kinds=marker_kinds if markers else (),
            timecode=timecode,
            origin=origin,
            page=page,
        )
        _check(handing, markers)
        return command(*args, handing=handing, **others)

    options: Callable[..., Any] = with_handing
    for option in reversed(_OPTIONS):
        options = option(options)
    return options


def _check(handing: Handing, markers: bool) -> None:
    context = click.get_current_context()

    def given(name: str) -> bool:
        return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT

    for name, flag in (("marker_kinds", "--marker-kinds"), ("timecode", "--timecode")):
        if given(name) and not markers:
            raise click.UsageError(f"{flag} is for files of markers; add --markers")
    if context.params["midi_only"]:
        for name in ("sample_rate", "bit_depth", "fade_in", "fade_out"):
            if given(name):
                flag = f"--{name.replace('_', '-')}"
                raise click.UsageError(f"{flag} is for sound, and --midi-only writes none; leave one of them out")
