"""The description: what was understood and decided of a piece, field by field, each with where it comes from.

The fields stand in the order in which a person thinks. `cmt.meaning.file` reads and writes them, `cmt.meaning.words`
fills them from words, `cmt.meaning.seen` from a picture, and `cmt.meaning.wishing` makes wishes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, NamedTuple, TypeAlias

from cmt.grid.hits import Marker
from cmt.meaning.lexicon import Stretch
from cmt.meaning.mood import Mood
from cmt.music.key import WishedKey
from cmt.music.words import Genre
from cmt.planning.energy import Section
from cmt.planning.form import WishedForm
from cmt.planning.mutes import Mute
from cmt.planning.progression import Progression
from midi_io.song import Instrument

Source: TypeAlias = Literal["picture", "user", "mood", "default"]
"""Who decided: the video; the user, by words, in a file or by an option; the mood; nobody else."""


class Origin(NamedTuple):
    """Where the value of a field comes from."""

    source: Source
    reason: str


class SceneSeen(NamedTuple):
    """A part of the video that belongs together for the eye."""

    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture."""
    same_as: int | None = None
    """The number, counted from 1, of the earlier scene that it looks like: the same place again."""
    mood: Mood | None = None
    """What it feels like; None where nobody said."""
    pace: float | None = None
    """How lively it is among the bars of many videos, 0..1."""
    colours: tuple[str, ...] = ()
    """Its colours by name."""
    shows: str | None = None
    """What is to be seen, in a word; None where it is not known."""


@dataclass(frozen=True)
class Description:
    """What is asked of a piece; None, or nothing, leaves a field open."""

    scenes: tuple[SceneSeen, ...] | None = None
    mood: Mood | None = None
    arc: tuple[Stretch, ...] | None = None
    """The energy in shares of the piece, in order of time."""
    sections: tuple[Section, ...] | None = None
    """The energy, and named sections, by seconds."""
    liveliness: float | None = None
    """The mean of how lively the bars are, 0..1."""
    genre: Genre | None = None
    instruments: tuple[Instrument, ...] | None = None
    programs: Mapping[Instrument, int] | None = None
    mutes: tuple[Mute, ...] | None = None
    tempo: float | None = None
    tempo_range: tuple[float, float] | None = None
    key: WishedKey | None = None
    form: WishedForm | None = None
    chords: Progression | None = None
    like: str | None = None
    """The path of a song, or of a library's index, that the piece is to be like."""
    hits: tuple[Marker, ...] | None = None
    ending: str | None = None
    length: float | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)
    """Where each field that is not open comes from, by its name."""

    @property
    def values(self) -> dict[str, object]:
        """The fields that are not open, in order."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}

    def origin(self, name: str) -> Origin:
        """Where the value of a field comes from."""
        return self.origins.get(name, Origin("user", ""))

    def over(self, other: Description) -> Description:
        """The same, with what it leaves open as another one has it."""
        names = {**other.values, **self.values}
        mine = self.values
        origins = {**other.origins, **{name: self.origin(name) for name in mine}}
        return Description(**names, origins=origins)  # type: ignore[arg-type]


FIELDS = tuple(one.name for one in fields(Description) if one.name != "origins")
"""The fields in order."""
