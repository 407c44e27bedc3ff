"""Sections with a mood: a time, how lively it is from there on, and what it feels like."""

from __future__ import annotations

from cmt.errors import CmtError
from cmt.machine.columns import number_in
from cmt.meaning.mood import MOODS, Mood, nearest_word
from cmt.meaning.words import read_mood
from cmt.planning.energy import LEVELS, NAMES, Section, parse_section


def parse_section_of_mood(text: str) -> Section:
    """A section such as ``12.5:intense``, ``12.5:intense:dark``, ``3:free:sad, a little hopeful``, ``3:free:-0.6/0.1``.

    Raises
    ------
    CmtError
        If it is none, or its mood is none.
    """
    time, _, rest = text.partition(":")
    level, colon, mood = rest.partition(":")
    if not colon:
        return _without_mood(text, time, level)
    return parse_section(f"{time}:{level}")._replace(mood=_mood(mood))


def _mood(text: str) -> tuple[float, float]:
    """Valence and arousal of ``dark``, ``sad, a little hopeful`` or ``-0.6/0.1``."""
    first, slash, second = text.partition("/")
    valence, arousal = number_in(first), number_in(second)
    if slash and valence is not None and arousal is not None and max(abs(valence), abs(arousal)) <= 1:
        return valence, arousal
    its = read_mood(text)
    return its.valence, its.arousal


def _without_mood(text: str, time: str, level: str) -> Section:
    """The section; where its level is a mood, the error says how that is written."""
    try:
        return parse_section(text)
    except CmtError as error:
        if (number_in(time.strip()) or 0) < 0 or number_in(time.strip()) is None:
            raise
        try:
            read_mood(level)
        except CmtError:
            raise error from None
        raise CmtError(
            f"a section says first how lively it is, then its mood: {time.strip()}:free:{level.strip()}, or a level of "
            f"{', '.join([*LEVELS, *NAMES])} in place of free"
        ) from None


def written_section(section: Section) -> str:
    """A section as `parse_section_of_mood` reads it."""
    time, level = written_number(section.time), "free"
    if section.energy is not None:
        level = section.name or written_number(section.energy)
    if section.mood is None:
        return f"{time}:{level}"
    word = nearest_word(Mood(*section.mood))
    mood = word if MOODS[word] == section.mood else "/".join(map(written_number, section.mood))
    return f"{time}:{level}:{mood}"


def written_number(number: float) -> str:
    """A number in as few digits as give it back."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))
