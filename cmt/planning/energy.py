"""The user's own say in how lively the music is, over the picture's: curves and sections.

Energy is a percentile, 0..1: at 0.7 a bar gets the density of the bars of real music that are livelier than seven of
ten. What the user asks is no matter of chance: it is ordered in every bar it covers, whatever `control` says of the
picture. Where it covers a bar the picture still says *when* its accents come, the energy says how strong they are;
and of more accents than a calm bar's density allows, only the picture's strongest stay.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.machine.columns import number_in, read_columns, shown, time_in
from cmt.planning.calibration import Calibration
from cmt.planning.liveliness import Liveliness, density_of_bar
from cmt.planning.sheet import Sheet
from midi_io.song import POSITIONS_PER_BAR

LEVELS: Mapping[str, float] = {"calm": 0.05, "gentle": 0.25, "steady": 0.5, "lively": 0.7, "intense": 0.9}
"""The words that a user may say for energies."""
NAMES: Mapping[str, tuple[float, float]] = {
    "intro": (LEVELS["gentle"], LEVELS["gentle"]),
    "verse": (LEVELS["steady"], LEVELS["steady"]),
    "chorus": (LEVELS["lively"], LEVELS["lively"]),
    "bridge": (LEVELS["gentle"], LEVELS["gentle"]),
    "build": (LEVELS["steady"], LEVELS["intense"]),
    "drop": (LEVELS["intense"], LEVELS["intense"]),
    "break": (LEVELS["calm"], LEVELS["calm"]),
    "outro": (LEVELS["gentle"], LEVELS["gentle"]),
}
"""The names that a section may have, with the energies at its begin and at its end."""
N_SAMPLE = 65
"""A curve is looked at in this many places of a bar."""


class Stretch(NamedTuple):
    """A time in which the energy goes straight from one value to another."""

    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture; infinite means the end of the piece."""
    first: float
    """Energy at its begin, 0..1."""
    last: float
    """Energy at its end, 0..1."""


class MoodFrom(NamedTuple):
    """A mood that holds from a time until the next one."""

    time: float
    """Seconds from the first picture."""
    mood: tuple[float, float] | None
    """Valence and arousal, -1..1; None is the mood of the whole again."""


class Begin(NamedTuple):
    """The begin of one of the sections of which some have names."""

    time: float
    """Seconds from the first picture."""
    name: str | None
    """One of `NAMES`, or None for a section that has only an energy."""


@dataclass(frozen=True)
class Energy:
    """Stretches in order of time; between them the picture decides."""

    stretches: tuple[Stretch, ...]
    source: str = ""
    """The place where it was given, for messages, such as ``curve.csv``."""
    in_sections: bool = field(default=False, repr=False)
    """Whether the user gave it as sections: each of them must begin within the piece. It changes no sound, so it
    is not in the repr, of which the fingerprint of a run is made."""
    begins: tuple[Begin, ...] = field(default=(), repr=False)
    """The sections in order of time where one of them has a name; empty where none has. Not in the repr either, which
    is that of the first runs: the fingerprint adds it."""
    arc: tuple[Stretch, ...] = field(default=(), repr=False)
    """Stretches whose begins and ends are shares of the piece, 0..1, in order of time: they hold where no other stretch
    does. Not in the repr: the fingerprint adds them."""
    moods: tuple[MoodFrom, ...] = field(default=(), repr=False)
    """The moods of sections in order of time where one of them has one. Not in the repr: the fingerprint adds them."""

    def until(self, duration: float) -> Energy:
        """The same for a piece of `duration` seconds: what changes to the end has reached its last value there.

        The arc has become stretches in seconds.
        """
        stretches = (
            part._replace(end=duration) if part.end == np.inf and part.first != part.last else part
            for part in self.stretches
        )
        return replace(self, stretches=_with_arc(tuple(stretches), self.arc, duration), arc=())

    def by_bar(self, borders: Sequence[float]) -> list[float | None]:
        """The energy of each bar, its median; None for a bar of which most is not covered.

        `borders` are (n_bar + 1,) seconds. The median, so that a bar in which a section begins belongs to the one
        that fills more of it.
        """
        begins = np.array(borders[:-1])[:, None]
        lengths = np.diff(borders)[:, None]
        values = self._at(begins + lengths * (np.arange(N_SAMPLE) + 0.5) / N_SAMPLE)
        bars: list[float | None] = []
        for bar in values:
            known = np.sort(bar[~np.isnan(bar)])
            bars.append(float(known[len(known) // 2]) if 2 * len(known) > N_SAMPLE else None)
        return bars

    def moods_by_bar(self, borders: Sequence[float]) -> list[tuple[float, float] | None]:
        """The mood of each bar, of its middle; None is that of the whole. `borders` are (n_bar + 1,) seconds."""
        begins = [one.time for one in self.moods]
        bars: list[tuple[float, float] | None] = []
        for begin, end in pairwise(borders):
            index = bisect_right(begins, (begin + end) / 2) - 1
            bars.append(self.moods[index].mood if index >= 0 else None)
        return bars

    def _at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """The energy at times of any shape, NaN where the picture decides."""
        if not self.stretches:
            return np.full(times.shape, np.nan)
        begin, end, first, last = np.array(self.stretches).T
        index = np.maximum(np.searchsorted(begin, times, side="right") - 1, 0)
        is_inside = (times >= begin[index]) & (times < end[index])
        # Divided by infinity is no way at all: a section that lasts to the end keeps its energy.
        way = (times - begin[index]) / (end[index] - begin[index])
        return np.where(is_inside, first[index] + (last - first)[index] * way, np.nan)


def _with_arc(stretches: tuple[Stretch, ...], arc: Sequence[Stretch], duration: float) -> tuple[Stretch, ...]:
    """The stretches, and those of an arc in the times that they leave."""
    ends = [0.0, *(part.end for part in stretches)]
    gaps = zip(ends, [*(part.begin for part in stretches), duration], strict=True)
    filled = [
        _clipped(Stretch(part.begin * duration, part.end * duration, part.first, part.last), begin, end)
        for begin, end in gaps
        for part in arc
        if max(begin, part.begin * duration) < min(end, part.end * duration)
    ]
    return tuple(sorted((*stretches, *filled)))


def _clipped(part: Stretch, begin: float, end: float) -> Stretch:
    """The part of a stretch that lies between two times."""
    begin, end = max(begin, part.begin), min(end, part.end)
    slope = (part.last - part.first) / (part.end - part.begin)
    return Stretch(begin, end, part.first + slope * (begin - part.begin), part.first + slope * (end - part.begin))


class Section(NamedTuple):
    """A time from which on, until the next section, the music has one energy, or those of the section's name."""

    time: float
    """Seconds from the first picture."""
    energy: float | None
    """The energy with which it begins, 0..1; None leaves it to the picture again."""
    name: str | None = None
    """One of `NAMES`, with the energies that stand there; None is a section without a name, of one energy."""
    mood: tuple[float, float] | None = None
    """Its valence and arousal, -1..1; None is the mood of the whole."""


def parse_section(text: str) -> Section:
    """A section such as ``12.5:intense``, ``12.5:0.8``, ``12.5:drop`` or ``20:free``.

    Raises
    ------
    CmtError
        If it is none.
    """
    time_text, colon, level = (part.strip() for part in text.partition(":"))
    time, name = number_in(time_text), level.lower() if level.lower() in NAMES else None
    energy = NAMES[name][0] if name is not None else LEVELS.get(level.lower(), number_in(level))
    is_free = level.lower() == "free"
    if not colon or time is None or time < 0 or not (is_free or (energy is not None and 0 <= energy <= 1)):
        raise CmtError(
            f"no section {shown(text)}; write SECONDS:LEVEL, e.g. 12.5:intense, with a level of {', '.join(LEVELS)}, "
            f"a number from 0 to 1, a name ({', '.join(NAMES)}), or free"
        )
    return Section(time, None if is_free else energy, name)


def energy_of_sections(sections: Iterable[Section], source: str = "`sections`") -> Energy:
    """What sections, in any order, say; each lasts until the next, the last one to the end.

    `source` is where they were given, for messages.

    Raises
    ------
    CmtError
        If two begin at the same time.
    """
    ordered = sorted(sections, key=lambda section: section.time)
    ends = [section.time for section in ordered[1:]] + [np.inf]
    for section, end in zip(ordered, ends, strict=True):
        if section.time == end:
            raise CmtError(f"{source}: two sections begin at {end:g} s; leave one of them out")
    stretches = (
        Stretch(section.time, end, section.energy, section.energy if section.name is None else NAMES[section.name][1])
        for section, end in zip(ordered, ends, strict=True)
        if section.energy is not None
    )
    begins = tuple(Begin(section.time, section.name) for section in ordered)
    has_names = any(begin.name is not None for begin in begins)
    moods = tuple(MoodFrom(section.time, section.mood) for section in ordered)
    return Energy(
        tuple(stretches),
        source,
        in_sections=True,
        begins=begins if has_names else (),
        moods=moods if any(one.mood for one in moods) else (),
    )


def read_energy(path: Path) -> Energy:
    """A curve from a text file: seconds and an energy on each line, in between it goes straight.

    Before the first time and after the last one the picture decides.

    Raises
    ------
    CmtError
        If the file cannot be read, a value is missing or out of range, or times do not rise.
    """
    points: list[tuple[float, float]] = []
    for line in read_columns(path):
        time = time_in(line)
        if len(line.cells) < 2 or not line.cells[1]:
            raise CmtError(f"{line.source}: no energy beside {time:g} s; write a number from 0 to 1, or drop the line")
        energy = number_in(line.cells[1])
        if energy is None or not 0 <= energy <= 1:
            raise CmtError(f"{line.source}: {shown(line.cells[1])} is no energy; write a number from 0 to 1")
        if time < 0:
            raise CmtError(f"{line.source}: {time:g} s lies before the first picture; begin at 0")
        if points and time <= points[-1][0]:
            raise CmtError(
                f"{line.source}: {time:g} s does not come after {points[-1][0]:g} s; put the lines in order of time"
            )
        points.append((time, energy))
    if len(points) < 2:
        n = "one point" if points else "no points"
        raise CmtError(f"{path}: holds {n}; write a time in seconds and an energy from 0 to 1 on two lines or more")
    stretches = (Stretch(begin, end, first, last) for (begin, first), (end, last) in pairwise(points))
    return Energy(tuple(stretches), str(path))


def check_energy(energy: Energy, duration: float) -> None:
    """Raise a CmtError if there is a stretch of which the piece, of `duration` seconds, has heard nothing.

    A curve may end later than the piece; a section or a whole curve that begins after its end is a mistake.
    """
    begins = [stretch.begin for stretch in energy.stretches] + [one.time for one in energy.moods]
    late = [begin for begin in begins if begin >= duration]
    if late and (energy.in_sections or len(late) == len(begins)):
        raise CmtError(
            f"{energy.source}: {late[0]:g} s lies outside the piece, which lasts {duration:.3f} s; give an earlier time"
        )


def with_energy(
    asked: Liveliness,
    energies: Sequence[float | None],
    sheet: Sheet,
    calibration: Calibration,
    marked: Collection[int] = (),
) -> Liveliness:
    """What the picture asks, overridden in the bars that have an energy, (n_bar,).

    Accents on `marked` positions are the user's own and stay as they are.
    """
    bars = tuple(pace if energy is None else energy for pace, energy in zip(asked.bars, energies, strict=True))
    room = {
        bar: density_of_bar(energy, bar, sheet, calibration)
        for bar, energy in enumerate(energies)
        if energy is not None
    }
    accents: dict[int, float] = {}
    strongest_first = sorted(asked.accents.items(), key=lambda accent: (accent[0] not in marked, -accent[1]))
    for place, strength in strongest_first:
        bar = place // POSITIONS_PER_BAR
        energy = energies[bar]
        if energy is None or place in marked:
            accents[place] = strength
        elif room[bar] > 0:
            accents[place] = energy
        else:
            continue
        if energy is not None:
            room[bar] -= 1
    return Liveliness(bars, accents)
