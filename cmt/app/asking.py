"""What the page asks of the music, as wishes."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.part import WHOLE, Part, check_part
from cmt.grid.hits import Marker
from cmt.handover.moments import USUAL
from cmt.meaning.description import Description, Origin
from cmt.meaning.file import read_description
from cmt.meaning.sections import parse_section_of_mood
from cmt.meaning.wishing import described_wishes
from cmt.meaning.words import read_mood, read_words
from cmt.music.key import parse_key
from cmt.music.words import GENRES
from cmt.planning.energy import Energy, Section, Stretch, energy_of_sections
from cmt.planning.wishes import Wishes, check_config, check_wishes, settled
from cmt.report.description import Told
from cmt.report.report import ORIGINAL_AUDIO
from cmt.report.values import Value
from cmt.soundtrack.output import Output, check_output
from cmt.writing.closing import ENDINGS
from midi_io.song import INSTRUMENTS, Instrument

SOURCE = "what the page asks"
"""Where values come from, for messages."""
CURVE = "the energy curve"
SECTIONS = "the sections"
MOST_TAKES = 5
MOST_PARTS = 2000
"""A curve has no more stretches than this, and there are no more hits and sections."""


@dataclass(frozen=True)
class Asked:
    """All that `make_soundtrack` is told."""

    wishes: Wishes
    config: GenerateConfig
    output: Output
    part: Part
    told: Told
    understood: str
    """What was understood of the words; empty without any."""


def asked_of(content: object, *, is_picture: bool = False, duration: float | None = None) -> Asked:
    """What the JSON of the page asks for.

    Parameters
    ----------
    is_picture
        Whether the film is a picture that stands still: only that can be given a length.
    duration
        The seconds of the film; with them, what lies outside is found before any work.

    Raises
    ------
    CmtError
        If something in it is not what it should be.
    """
    value = Value(content, SOURCE, cure="load the page anew")
    keys = value.by_key()
    part = _part(value, keys)
    given = _given(value, keys, part, is_picture=is_picture)
    takes = _get(value, keys, "takes", 1, lambda its: its.whole(1, MOST_TAKES))
    wishes = Wishes(takes=takes, **given)
    programs: dict[Instrument, int] = {}
    told, understood = Told(), ""
    description, understood = _description(value, keys)
    if description.values:
        if not is_picture:
            description = replace(description, length=None)
        if part != WHOLE:
            description = replace(description, scenes=None)  # their times are those of the whole film
        described = described_wishes(description, wishes, programs, set(given))
        wishes, programs, told = described.wishes, dict(described.programs), described.told
    config = GenerateConfig(
        control=_get(value, keys, "control", GenerateConfig.control, Value.number),
        seed=_get(value, keys, "seed", 0, Value.whole),
    )
    output = Output(
        keep_takes=wishes.takes > 1,
        original_audio=value["original_audio"].one_of(ORIGINAL_AUDIO) if keys.get("original_audio") else None,
        stems=_get(value, keys, "stems", True, Value.flag),
        fade_in=_get(value, keys, "fade_in", 0.0, Value.number),
        fade_out=_get(value, keys, "fade_out", None, Value.number),
        sounds=_get(value, keys, "sounds", 0.0, Value.number),
        programs=programs,
        marker_kinds=USUAL,
    )
    check_wishes(wishes)
    check_config(config)
    check_output(output)
    if duration is not None and not is_picture:
        settled(wishes, _seconds_of(part, duration))
    return Asked(wishes, config, output, part, told, understood)


def _seconds_of(part: Part, duration: float) -> float:
    if part.begin >= duration or (part.end is not None and part.end > duration + 0.05):
        raise CmtError(f"`start` and `end`: the film lasts {duration:.2f} s; give times within it")
    return (duration if part.end is None else min(part.end, duration)) - part.begin


def _given(value: Value, keys: Mapping[str, object], part: Part, *, is_picture: bool) -> dict[str, Any]:
    """The fields of wishes that were chosen by themselves, and win over a description."""
    given: dict[str, Any] = {}
    if keys.get("genre"):
        given["genre"] = value["genre"].one_of(GENRES)
    if keys.get("instruments") is not None:
        given["instruments"] = _instruments(value["instruments"])
    if keys.get("key"):
        given["key"] = parse_key(value["key"].text())
    if keys.get("tempo"):
        given["tempo"] = value["tempo"].number()
    if keys.get("ending"):
        given["ending"] = value["ending"].one_of({name: name for name in ENDINGS})
    if keys.get("length") and is_picture:
        given["length"] = value["length"].number()
    if hits := _hits(value, keys, part):
        given["markers"] = hits
    if (energy := _energy(value, keys, part)) is not None:
        given["energy"] = energy
    return given


def _get(value: Value, keys: Mapping[str, object], name: str, default: Any, read: Any) -> Any:
    return default if keys.get(name) is None else read(value[name])


def _part(value: Value, keys: Mapping[str, object]) -> Part:
    begin, end = _get(value, keys, "start", 0.0, Value.number), _get(value, keys, "end", None, Value.number)
    part = Part(begin, end)
    check_part(part)
    return part


def _instruments(value: Value) -> tuple[Instrument, ...] | None:
    """Those that play; None leaves the choice to the model."""
    if value.content == "free":
        return None
    chosen = value.each(lambda one: one.one_of(INSTRUMENTS))
    if not chosen:
        raise CmtError("no instrument is chosen, so there is nobody to play; choose one or more")
    return tuple(sorted(set(chosen)))


def _hits(value: Value, keys: Mapping[str, object], part: Part) -> tuple[Marker, ...]:
    if not keys.get("hits"):
        return ()
    times = _few(value["hits"], Value.number)
    end = math.inf if part.end is None else part.end
    return tuple(Marker(time - part.begin, source="the page") for time in times if part.begin <= time < end)


def _few(value: Value, read: Any) -> Sequence[Any]:
    if isinstance(value.content, list) and len(value.content) > MOST_PARTS:
        raise CmtError(f"{value.path}: there are {len(value.content)}, more than {MOST_PARTS}; remove some")
    return value.each(read)


def _energy(value: Value, keys: Mapping[str, object], part: Part) -> Energy | None:
    """The energy of sections, under the curve that was drawn over them."""
    sections = _within(_few(value["sections"], _section), part) if keys.get("sections") else []
    drawn = _drawn(_few(value["energy"], _stretch), part) if keys.get("energy") else []
    if not sections:
        return Energy(tuple(drawn), CURVE) if drawn else None
    energy = energy_of_sections(sections, SECTIONS)
    return replace(energy, stretches=with_drawn(energy.stretches, drawn)) if drawn else energy


def _section(value: Value) -> Section:
    keys = value.by_key()
    time, level = value["time"].number(), value["level"].text() if keys.get("level") else "free"
    mood = f":{value['mood'].text()}" if keys.get("mood") else ""
    return parse_section_of_mood(f"{time:.6g}:{level}{mood}")


def _stretch(value: Value) -> Stretch:
    numbers = value.each(Value.number)
    if len(numbers) != 3 or not (0 <= numbers[0] < numbers[1] and 0 <= numbers[2] <= 1):
        raise value.fault("a begin and a later end in seconds, and an energy from 0 to 1")
    return Stretch(numbers[0], numbers[1], numbers[2], numbers[2])


def _within(sections: Sequence[Section], part: Part) -> list[Section]:
    """The sections of a part, whose times count from its begin; the one that has begun before begins with it."""
    end = math.inf if part.end is None else part.end
    ordered = sorted(section for section in sections if section.time < end)
    before = [section for section in ordered if section.time <= part.begin]
    inside = [section for section in ordered if section.time > part.begin]
    first = [before[-1]._replace(time=0.0)] if before else []
    return [*first, *(section._replace(time=section.time - part.begin) for section in inside)]


def _drawn(stretches: Sequence[Stretch], part: Part) -> list[Stretch]:
    """The curve of a part, in order, stretches of one energy joined."""
    end = math.inf if part.end is None else part.end
    joined: list[Stretch] = []
    for stretch in sorted(stretches):
        begin, its_end = max(stretch.begin, part.begin) - part.begin, min(stretch.end, end) - part.begin
        if joined and begin < joined[-1].end - 1e-6:
            raise CmtError(f"{CURVE}: two stretches overlap at {begin:.2f} s; draw it once more")
        if its_end <= begin:
            continue
        if joined and joined[-1].end > begin - 1e-3 and joined[-1].last == stretch.first:
            joined[-1] = joined[-1]._replace(end=its_end)
        else:
            joined.append(Stretch(begin, its_end, stretch.first, stretch.last))
    return joined


def with_drawn(stretches: Sequence[Stretch], drawn: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """The stretches of sections with those that were drawn in place of what they cover."""
    left = list(stretches)
    for over in drawn:
        left = [rest for stretch in left for rest in _without(stretch, over)]
    return tuple(sorted((*left, *drawn)))


def _without(stretch: Stretch, over: Stretch) -> list[Stretch]:
    """What is left of a stretch before and behind another."""
    if over.end <= stretch.begin or over.begin >= stretch.end:
        return [stretch]
    slope = (stretch.last - stretch.first) / (stretch.end - stretch.begin)  # 0 where it lasts to the end

    def at(time: float) -> float:
        return stretch.first + slope * (time - stretch.begin)

    rest = []
    if over.begin > stretch.begin:
        rest.append(Stretch(stretch.begin, over.begin, stretch.first, at(over.begin)))
    if over.end < stretch.end:
        rest.append(Stretch(over.end, stretch.end, at(over.end), stretch.last))
    return rest


def _description(value: Value, keys: Mapping[str, object]) -> tuple[Description, str]:
    """What the words ask, the mood, and the description as a page; the words win over that page, the mood over both."""
    description, understood = Description(), ""
    if keys.get("description"):
        description = description_of_text(value["description"].text())
    if keys.get("words"):
        words = read_words(value["words"].text())
        description, understood = words.description.over(description), str(words)
    if keys.get("mood"):
        text = value["mood"].text()
        description = Description(mood=read_mood(text), origins={"mood": Origin("user", text)}).over(description)
    return description, understood


def description_of_text(text: str) -> Description:
    """A description that was written on the page.

    Raises
    ------
    CmtError
        If it is none; the message names the line.
    """
    with tempfile.TemporaryDirectory(prefix="cmt-") as folder:
        path = Path(folder) / "description.toml"
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            return read_description(path)
        except CmtError as error:
            raise CmtError(str(error).replace(str(path), "the description")) from None
