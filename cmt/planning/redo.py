"""Bars of a finished take that are to be written anew, all of a bar or one instrument's part."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.machine.columns import number_in, shown
from cmt.machine.plural import count
from cmt.planning.mutes import HAIR
from midi_io.song import INSTRUMENTS, Instrument, Timeline

Anew = Mapping[int, frozenset[Instrument]]
"""The instruments whose notes are written anew in each bar, from 0, in which something is."""


class Redo(NamedTuple):
    """A part of a piece that is to be written anew."""

    instrument: Instrument | None
    """The instrument; None is everybody."""
    begin: float
    """Its first bar, counted from 1, or the second in which it begins."""
    end: float
    """Its last bar, or the second in which it ends; infinite means the end of the piece."""
    in_seconds: bool = False

    def __str__(self) -> str:
        who = "" if self.instrument is None else f"{self.instrument.label}@"
        unit = "s" if self.in_seconds else ""
        end = "" if math.isinf(self.end) else f"{self.end:g}{unit}"
        is_single = self.begin == self.end and not self.in_seconds
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
            raise CmtError(f"`redo` {part}: {part.instrument.label} does not play in this take; {names} do")
        if part.in_seconds:
            if part.begin >= timeline.duration - HAIR:
                raise CmtError(f"`redo` {part}: the take lasts {timeline.duration:.3f} s; give an earlier time")
            bars = [
                bar for bar in range(n_bar) if borders[bar + 1] > part.begin + HAIR and borders[bar] < part.end - HAIR
            ]
        else:
            last = n_bar if math.isinf(part.end) else part.end
            if part.begin > n_bar or last > n_bar:
                raise CmtError(f"`redo` {part}: the take has {count(n_bar, 'bar')}; count them from 1 to {n_bar}")
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
