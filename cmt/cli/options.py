"""Types of options, options that several commands share, and the progress bars."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import click
from tqdm import tqdm

from cmt.band.programs import ChosenProgram, parse_program
from cmt.cli.flags import SOUNDFONT_VARIABLE
from cmt.config import (
    DUCK,
    DUCK_LIMITS,
    GUIDANCE_LIMITS,
    LOUDNESS,
    LOUDNESS_LIMITS,
    TEMPERATURE_LIMITS,
    TEMPO_CHANGE,
    TEMPO_CHANGE_LIMITS,
    TEMPO_LIMITS,
    Dynamics,
    GenerateConfig,
    Limits,
)
from cmt.errors import CmtError
from cmt.machine.extras import require
from cmt.meaning.sections import parse_section_of_mood
from cmt.music.key import WishedKey, parse_key
from cmt.music.words import GENRES, Genre
from cmt.planning.energy import Section
from cmt.planning.form import WishedForm, parse_form
from cmt.planning.mutes import Mute, parse_mute
from cmt.planning.progression import Progression, parse_chords
from cmt.planning.redo import Redo, parse_redo
from midi_io.song import INSTRUMENTS, Instrument

if TYPE_CHECKING:
    from cmt.planning.wishes import Wishes

    # The newest click tells type checkers what a type converts; older ones, which serve as well, cannot be asked.
    ParamType = click.ParamType[Any, Any]
    Choice = click.Choice[str]
else:
    ParamType, Choice = click.ParamType, click.Choice


class FileType(click.Path):
    """The path of a file or folder. It is never empty, as where a variable of the shell is not set."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """The path."""
        text = os.fspath(value)
        if not text or "\0" in text:
            self.fail(f"{text!r} is no path; name a file or a folder", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


FILE = FileType(path_type=Path)
FREE = "free"
ALL = "all"


class GroupedCommand(click.Command):
    """A command whose help shows its options under headings.

    `headings` names the parameters under each; the rest stand last, as usual.
    """

    def __init__(self, *args: Any, headings: Mapping[str, Sequence[str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.headings = headings

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        records = {
            param.name: record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)) is not None
        }
        for heading, names in self.headings.items():
            with formatter.section(heading):
                formatter.write_dl([records.pop(name) for name in names])
        with formatter.section("Other options"):
            formatter.write_dl(list(records.values()))


class InstrumentsType(ParamType):
    """Instruments, such as ``drums,piano``, ``all`` or ``free``."""

    name = "list"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Instrument, ...] | None:
        """The instruments named, all of them for `all`, or None for `free`."""
        if not isinstance(value, str):
            converted: tuple[Instrument, ...] | None = value
            return converted
        if value == FREE:
            return None
        if value == ALL:
            return tuple(Instrument)
        names = [name.strip().lower() for name in value.split(",")]
        for name in names:
            if name not in INSTRUMENTS:
                self.fail(f"no instrument {name!r}; choose from {', '.join(INSTRUMENTS)}, with commas, {ALL} or {FREE}")
        return tuple(sorted({INSTRUMENTS[name] for name in names}))


class KeyType(ParamType):
    """A key, such as ``F#:minor``."""

    name = "key"

    def convert(self, value: Any, param: Any, ctx: Any) -> WishedKey:
        """The key, of which tonic or mode may be open."""
        try:
            return value if isinstance(value, WishedKey) else parse_key(value)
        except CmtError as error:
            self.fail(str(error))


class MuteType(ParamType):
    """A mute, such as ``drums@0-4``."""

    name = "mute"

    def convert(self, value: Any, param: Any, ctx: Any) -> Mute:
        """The instrument and its times."""
        try:
            return parse_mute(value)
        except CmtError as error:
            self.fail(str(error))


class RedoType(ParamType):
    """A part that is to be written anew, such as ``9-12``; or a file of comments, which ask for some."""

    name = "part"

    def convert(self, value: Any, param: Any, ctx: Any) -> Redo | Path:
        """The bars or seconds, and the instrument; of ``comments.json`` the path."""
        if value.lower().endswith(".json"):
            return Path(value)
        try:
            return parse_redo(value)
        except CmtError as error:
            self.fail(str(error))


class ProgramType(ParamType):
    """A program of an instrument, such as ``guitar=30``."""

    name = "program"

    def convert(self, value: Any, param: Any, ctx: Any) -> ChosenProgram:
        """The instrument and its program."""
        try:
            return parse_program(value)
        except CmtError as error:
            self.fail(str(error))


def chosen_programs(programs: Sequence[ChosenProgram]) -> dict[Instrument, int]:
    """The program of each instrument that has one chosen."""
    chosen = dict(programs)
    if len(chosen) < len(programs):
        raise click.UsageError("--program: an instrument has one sound; name each only once")
    return chosen


class ChordsType(ParamType):
    """Chords, such as ``C G Am F``."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> Progression:
        """The chords by section."""
        try:
            return parse_chords(value)
        except CmtError as error:
            self.fail(str(error))


class FormType(ParamType):
    """A form, such as ``AABA``."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> WishedForm:
        """The sections in order."""
        try:
            return parse_form(value)
        except CmtError as error:
            self.fail(str(error))


class SectionType(ParamType):
    """A section, such as ``12.5:intense`` or ``12.5:intense:dark``."""

    name = "section"

    def convert(self, value: Any, param: Any, ctx: Any) -> Section:
        """The time and the energy from there on."""
        try:
            return parse_section_of_mood(value)
        except CmtError as error:
            self.fail(str(error))


class GenreType(Choice):
    """One of the six genres, or ``free``."""

    def __init__(self) -> None:
        super().__init__([*GENRES, FREE], case_sensitive=False)


def chosen_genre(label: str) -> Genre | None:
    """The genre that a `GenreType` gave; None for ``free``."""
    return GENRES.get(label)


class AnyNumberType(click.types.FloatParamType):
    """A number whose limits are known later, such as a time within a video."""

    name = "number"


ANY_NUMBER = AnyNumberType()


class WholeNumberType(click.IntRange):
    """A whole number within a range."""

    name = "whole number"


class NumberType(click.FloatRange):
    """A finite number within a range; `nan`, which is neither below nor above it, is not."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number that could be meant; give one in {self._describe_range()}", param, ctx)
        return number


def range_of(limits: Limits) -> NumberType:
    """The type of an option for the numbers within `limits`."""
    return NumberType(limits.least, limits.most, min_open=limits.above)


loudness_option = click.option(
    "--loudness",
    type=range_of(LOUDNESS_LIMITS),
    metavar="LUFS",
    default=LOUDNESS,
    show_default=True,
    help="Loudness of the music; its peaks stay below -1 dBTP.",
)
"""The option for the loudness of finished music."""


class DuckType(ParamType):
    """Decibels, or ``off``, which is None."""

    name = "dB|off"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | None:
        """The decibels."""
        return None if value == OFF else range_of(DUCK_LIMITS).convert(value, param, ctx)


OFF = "off"


def duck_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option for music under speech; it says so if there is no mix that it could be for."""
    return click.option(
        "--duck", type=DuckType(), metavar="DB", default=DUCK, show_default=True, callback=_check_duck, help=help_text
    )


def _check_duck(ctx: click.Context, param: click.Parameter, duck: float | None) -> float | None:
    asked = ctx.get_parameter_source("duck") is not click.core.ParameterSource.DEFAULT
    if asked and ctx.params["original_audio"] not in (None, "mix") and not ctx.params.get("take"):
        raise click.UsageError("--duck is for speech that is mixed with the music; leave out --original-audio")
    return duck


class Bars:
    """A progress bar for each stage, on a terminal only."""

    UNITS: ClassVar[dict[str, str]] = {"analyze": "s of video", "compose": "bars", "prepare": "songs"}

    def __init__(self, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()
        self.stage = ""
        self.bar: tqdm | None = None

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        """Bring the bar of `stage` to `done` of `total`."""
        if not self.shown:
            return
        if stage != self.stage:
            self.close()
            self.stage = stage
            unit = self.UNITS.get(stage, "")
            self.bar = tqdm(desc=f"{stage:10}", unit=f" {unit}" if unit else "", leave=False, total=None)
        if self.bar is not None and total:
            self.bar.total = round(total, 1)
            self.bar.n = round(min(done, total), 1)
            self.bar.refresh()

    def close(self) -> None:
        """Wipe the bar that is shown."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def verbose_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option for what only some want to read; `is_verbose` says whether it was given."""
    return click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_keep_verbose, help=help_text)


def _keep_verbose(ctx: click.Context, param: click.Parameter, verbose: bool) -> None:
    ctx.meta[_VERBOSE] = verbose


_VERBOSE = "cmt.verbose"


def is_verbose() -> bool:
    """Whether the present command was asked for more."""
    return bool(click.get_current_context().meta.get(_VERBOSE))


def soundfont_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option that names a SoundFont; where it is left out, the environment may name one."""
    return click.option("--soundfont", type=FILE, envvar=SOUNDFONT_VARIABLE, help=help_text)


def scheduler_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option that names a cluster's scheduler; that dask is installed is looked at before any work."""
    return click.option("--scheduler", metavar="ADDRESS", callback=_check_scheduler, help=help_text)


def _check_scheduler(ctx: click.Context, param: click.Parameter, address: str | None) -> str | None:
    if address is not None:
        require("distributed", "cluster", "--scheduler")
    return address


CHECKPOINT_OPTION = click.option("--checkpoint", type=FILE, help="Model of your own, from cmt train.")
JOBS_OPTION = click.option("--jobs", type=WholeNumberType(1), help="Processes. Left out, one for each processor.")
DYNAMICS_OPTION = click.option(
    "--dynamics",
    type=click.Choice(get_args(Dynamics)),
    default=GenerateConfig.dynamics,
    show_default=True,
    help="relative: as lively as the video, each bar more or less so beside its others; absolute: each bar as it is "
    "among those of many videos.",
)
TEMPERATURE_OPTION = click.option(
    "--temperature",
    type=range_of(TEMPERATURE_LIMITS),
    default=GenerateConfig.temperature,
    show_default=True,
    help="Below 1 safer, above 1 wilder.",
)
GUIDANCE_OPTION = click.option(
    "--guidance",
    type=range_of(GUIDANCE_LIMITS),
    default=GenerateConfig.guidance,
    show_default=True,
    help="How far genre and mode are driven: 1 as learnt, more is plainer.",
)
INT8_OPTION = click.option(
    "--int8/--no-int8",
    default=GenerateConfig.int8,
    help="Compute notes in 8 bits, by onnxruntime (the extra fast): quicker, and the seed writes other ones.",
)


def timing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the music's grid shall lie, the same for every command that has them."""
    for option in reversed(
        (
            click.option(
                "--tempo",
                type=range_of(TEMPO_LIMITS),
                help="Exact BPM. Left out, the tempo is chosen so that cuts and visual beats fall on the grid.",
            ),
            click.option(
                "--hit",
                "hit_times",
                type=ANY_NUMBER,
                multiple=True,
                metavar="SECONDS",
                help="A time that the music must meet; as often as you like.",
            ),
            click.option(
                "--hits",
                "hit_files",
                type=FILE,
                multiple=True,
                help="Such times from a CSV file: seconds, and a weight if you like.",
            ),
            click.option(
                "--tempo-map",
                is_flag=True,
                help="Let the tempo change at cuts and hits, so that they fall on the grid exactly.",
            ),
            click.option(
                "--tempo-change",
                type=range_of(TEMPO_CHANGE_LIMITS),
                metavar="PERCENT",
                help=f"How far a tempo map may leave the tempo.  [default: {TEMPO_CHANGE:g}]",
            ),
        )
    ):
        command = option(command)
    return command


def timing_wishes(
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
) -> Wishes:
    """The wishes that the options of `timing_options` ask for.

    Raises
    ------
    CmtError
        If a file of times cannot be read.
    click.UsageError
        If a tempo change is given without a tempo map.
    """
    from cmt.grid.hits import Marker, read_markers
    from cmt.planning.wishes import Wishes

    if tempo_change is not None and not tempo_map:
        raise click.UsageError("--tempo-change says how far a tempo map may go; add --tempo-map")
    markers = [Marker(time, source="--hit") for time in hit_times]
    for file in hit_files:
        markers += read_markers(file)
    wishes = Wishes(tempo=tempo, markers=tuple(markers), tempo_map=tempo_map)
    return wishes if tempo_change is None else replace(wishes, tempo_change=tempo_change)
