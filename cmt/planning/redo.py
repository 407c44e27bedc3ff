"""Bars of a finished take that are to be written anew, all of a bar or one instrument's part."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.machine.columns import number_in, shown
from cmt.machine.plural import count
from cmt.planning.mutes import HAIR
from midi_io.input_file import json_of
from midi_io.song import INSTRUMENTS, Instrument, Timeline

Anew = Mapping[int, frozenset[Instrument]]
"""The instruments whose notes are written anew in each bar, from 0, in which something is."""


_SCHEMA = 1
"""The number of the form of files of comments."""
_MOST_BYTES = 10_000_000
_COMMENT_SLACK = 0.01
"""Times of comments are rounded to this many seconds."""


class Redo(NamedTuple):
    """A part of a piece that is to be written anew."""

    instrument: Instrument | None
    """The instrument; None is everybody."""
    begin: float
    """Its first bar, counted from 1, or the second in which it begins."""
    end: float
    """Its last bar, or the second in which it ends; infinite means the end of the piece."""
    in_seconds: bool = False
    slack: float = HAIR
    """A bar of which so many seconds or fewer are covered is not meant."""
    comment: str = ""
    """The comment that asks for it, such as ``clip.comments.json, comment 2``; empty where none does."""

    @property
    def named(self) -> str:
        """What a message calls it."""
        return f"{self.comment} ({self})" if self.comment else f"`redo` {self}"

    def __str__(self) -> str:
        who = "" if self.instrument is None else f"{self.instrument.label}@"
        unit = "s" if self.in_seconds else ""
        end = "" if math.isinf(self.end) else f"{self.end:g}{unit}"
        is_single = self.begin == self.end
        return f"{who}{self.begin:g}{unit}" + ("" if is_single else f"-{end}")


def parse_redo(text: str) -> Redo:
    """A part such as ``9-12``, ``9``, ``9-``, in seconds ``21s-30s``, or of one instrument ``piano@9-12``.

    Raises
    ------
    CmtError
        If it is none.
    """
    name, at, span = (part.strip() for part in text.rpartition("@"))
    begin_text, dash, end_text = (part.strip().lower() for part in span.partition("-"))
    in_seconds = begin_text.endswith("s") or end_text.endswith("s")
    begin = _number(begin_text, in_seconds)
    end = begin if not dash else _number(end_text, in_seconds) if end_text else math.inf
    is_known = name.lower() in INSTRUMENTS if at else True
    if not is_known or begin is None or end is None or not _follow(begin, end, in_seconds, bool(dash)):
        raise CmtError(
            f"no part {shown(text)} to write anew; write bars, e.g. 9-12, or seconds, e.g. 21s-30s, of one instrument "
            f"piano@9-12, with one of {', '.join(INSTRUMENTS)}"
        )
    return Redo(INSTRUMENTS[name.lower()] if at else None, begin, end, in_seconds)


def read_comments(path: Path) -> tuple[Redo, ...]:
    """The parts that comments ask to be written anew; the file is one that the page saves.

    A comment without an end means the bar that it lies in, one without an instrument everybody. Those that say
    ``"redo": false`` ask for nothing.

    Raises
    ------
    CmtError
        If the file cannot be read, is none of comments, or none of them asks for anything.
    """
    try:
        content = json_of(path, _MOST_BYTES)
    except ValueError:
        raise CmtError(f"{path}: is no JSON; name a file of comments that the page saved") from None
    listed = content.get("comments") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise CmtError(f"{path}: has no comments; name a file that the page saved")
    if content.get("schema") != _SCHEMA:
        raise CmtError(f"{path}: is of form {content.get('schema')!r}, and form {_SCHEMA} is read; save it once more")
    asked = (_redo_of(one, f"{path.name}, comment {number}") for number, one in enumerate(listed, start=1))
    parts = tuple(part for part in asked if part is not None)
    if not parts:
        raise CmtError(f"{path}: no comment in it asks for bars to be written anew")
    return parts


def _redo_of(comment: object, name: str) -> Redo | None:
    if not isinstance(comment, dict):
        raise CmtError(f"{name}: is no comment; it needs a begin in seconds")
    if comment.get("redo", True) is False:
        return None
    begin = _time(comment.get("begin"))
    if begin is None:
        raise CmtError(f"{name}: begin {shown(str(comment.get('begin')))} is no time; write seconds, such as 12.5")
    end = begin if comment.get("end") is None else _time(comment["end"])
    if end is None or (end <= begin and comment.get("end") is not None):
        raise CmtError(
            f"{name}: end {shown(str(comment['end']))} is no time after {begin:g} s; leave it out for one bar"
        )
    label = comment.get("instrument")
    if label is not None and (not isinstance(label, str) or label not in INSTRUMENTS):
        raise CmtError(f"{name}: no instrument {shown(str(label))}; choose from {', '.join(INSTRUMENTS)}")
    instrument = None if label is None else INSTRUMENTS[label]
    return Redo(instrument, begin, end, True, _COMMENT_SLACK, name)


def _time(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if isinstance(value, int | float) and is_number and 0 <= value < math.inf else None


def _number(text: str, in_seconds: bool) -> float | None:
    number = number_in(text.removesuffix("s") if in_seconds else text)
    return None if number is None or (not in_seconds and number != int(number)) else number


def _follow(begin: float, end: float, in_seconds: bool, has_end: bool) -> bool:
    return 0 <= begin < end and has_end if in_seconds else 1 <= begin <= end


def bars_anew(
    parts: Sequence[Redo], timeline: Timeline, players: Collection[Instrument]
) -> dict[int, frozenset[Instrument]]:
    """The instruments that are written anew in each bar; `players` are those that may play.

    A bar of which a time in seconds covers something is written anew whole.

    Raises
    ------
    CmtError
        If a bar or a time does not exist, or an instrument does not play.
    """
    n_bar, borders = timeline.n_bar, timeline.bar_borders
    anew: dict[int, frozenset[Instrument]] = {}
    for part in parts:
        if part.instrument is not None and part.instrument not in players:
            names = ", ".join(sorted((one.label for one in players), key=list(INSTRUMENTS).index))
            raise CmtError(f"{part.named}: {part.instrument.label} does not play in this take; {names} do")
        if part.in_seconds:
            if part.begin >= timeline.duration - HAIR:
                raise CmtError(f"{part.named}: the take lasts {timeline.duration:.3f} s; give an earlier time")
            slack = part.slack
            end = max(part.end, part.begin + 3 * slack)  # a point of time is in one bar
            bars = [bar for bar in range(n_bar) if borders[bar + 1] > part.begin + slack and borders[bar] < end - slack]
            bars = bars or [n_bar - 1]
        else:
            last = n_bar if math.isinf(part.end) else part.end
            if part.begin > n_bar or last > n_bar:
                raise CmtError(f"{part.named}: the take has {count(n_bar, 'bar')}; count them from 1 to {n_bar}")
            bars = list(range(int(part.begin) - 1, int(last)))
        for bar in bars:
            chosen = frozenset(players) if part.instrument is None else frozenset([part.instrument])
            anew[bar] = anew.get(bar, frozenset()) | chosen
    return dict(sorted(anew.items()))


def anew_as_text(anew: Anew, players: Collection[Instrument]) -> tuple[str, ...]:
    """The bars as `parse_redo` reads them, such as ``9-12`` or ``piano@9-12``, each stretch by itself."""
    texts = []
    bars = sorted(anew)
    for first, bar in enumerate(bars):
        if first and bars[first - 1] == bar - 1 and anew[bars[first - 1]] == anew[bar]:
            continue
        last = bar
        while last + 1 in anew and anew[last + 1] == anew[bar]:
            last += 1
        parts = [None] if anew[bar] == frozenset(players) else sorted(anew[bar])
        texts += [str(Redo(instrument, bar + 1, last + 1)) for instrument in parts]
    return tuple(texts)
