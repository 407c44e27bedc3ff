"""From a description to wishes: options win over it, it wins over what a mood suggests, and that over the defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cmt.meaning.description import Description
from cmt.meaning.fields import FORMS
from cmt.meaning.mood import Mood
from cmt.music.key import WishedKey
from cmt.planning.energy import Energy, energy_of_sections
from cmt.planning.energy import Stretch as EnergyStretch
from cmt.planning.telling import mode_of_mood
from cmt.planning.wished_scenes import WishedScene
from cmt.planning.wishes import Wishes, instruments_of, key_of, mutes_of
from cmt.report.description import FieldTold, Told
from midi_io.song import Instrument

SOURCE = "the description"
"""Where an energy comes from, for messages."""
MIDDLE_TEMPO, OCTAVES, SPREAD = 104.0, 0.45, 0.15
"""A mood without arousal, or with the highest, has this tempo in BPM, or so many octaves more; its range reaches this
many octaves to both sides. That tempo carries arousal first of all is the sum of many studies (Gabrielsson &
Lindstroem, *The role of structure in the musical expression of emotions*, 2010); the numbers are judged."""
SLOWEST, FASTEST = 56.0, 170.0
LIVELY = 0.3
"""The mean liveliness lies this far above the middle at the highest arousal."""
STILL = -0.5
"""At this arousal or below it the drums are left out, unless a genre or instruments are asked for."""
_GROUPS = {
    "energy": ("arc", "sections", "liveliness"),
    "tempo": ("tempo", "tempo_range"),
    "form": ("form",),
    "chords": ("chords",),
}
"""The fields that an option stands against, where it is more than the one of its name."""


@dataclass(frozen=True)
class Described:
    """Wishes as a description and options together make them."""

    wishes: Wishes
    programs: Mapping[Instrument, int]
    """The programs of instruments."""
    told: Told
    """The fields that were asked for, where each comes from, and warnings."""

    @property
    def by_mood(self) -> tuple[str, ...]:
        """What the mood changed, in words."""
        return tuple(f"{one.field} {one.value}" for one in self.told.fields if one.source == "mood")


def described_wishes(
    description: Description,
    wishes: Wishes,
    programs: Mapping[Instrument, int] | None = None,
    given: Collection[str] = (),
) -> Described:
    """The wishes of a description, under those that options give.

    Parameters
    ----------
    wishes, programs
        As the options say them; what was not given is overridden.
    given
        The names of what options give: fields of `Wishes`, ``programs``.
    """
    overridden = {name for option in given for name in _GROUPS.get(option, (_FIELD_OF.get(option, option),))}
    overridden -= {"programs"}  # one sound each: they go together
    if "sections" in overridden and wishes.energy is not None and wishes.energy.begins:
        overridden.add("form")
    values = {name: value for name, value in description.values.items() if name not in overridden}
    mine = replace(wishes, **_as_wishes(values))
    chosen = {**(description.programs or {}), **(programs or {})}
    told = [_told(description, name, name in overridden) for name in description.values]
    if description.mood is not None:
        mine, of_mood = _with_mood(mine, description.mood, values, given)
        told += of_mood
    warnings: list[str] = []
    if not {"instruments", "mutes"} <= set(given):
        mine, warnings = _without_absent(mine)
    return Described(mine, chosen, Told(tuple(told), tuple(warnings)))


_FIELD_OF = {"markers": "hits"}


def _told(description: Description, name: str, is_overridden: bool) -> FieldTold:
    value = FORMS[name].write(description.values[name])
    origin = description.origin(name)
    if is_overridden:
        return FieldTold(name, value, "option", "not used: an option says otherwise")
    return FieldTold(name, value, origin.source, origin.reason)


def _as_wishes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a description as fields of wishes."""
    asked = {
        name: values[name]
        for name in (
            "genre",
            "mutes",
            "tempo",
            "tempo_range",
            "key",
            "form",
            "chords",
            "like",
            "ending",
            "length",
            "liveliness",
        )
        if name in values
    }
    if "instruments" in values:
        asked["instruments"] = values["instruments"] or None
    if "hits" in values:
        asked["markers"] = values["hits"]
    if "scenes" in values:
        asked["scenes"] = tuple(
            WishedScene(
                begin=scene.begin,
                same_as=None if scene.same_as is None else scene.same_as - 1,
                liveliness=None if scene.mood is None else liveliness_of(scene.mood),
                mood=None if scene.mood is None else (scene.mood.valence, scene.mood.arousal),
                shows=scene.shows,
            )
            for scene in values["scenes"]
        )
    if (energy := _energy(values)) is not None:
        asked["energy"] = energy
    return asked


def _energy(values: Mapping[str, Any]) -> Energy | None:
    if "sections" not in values and "arc" not in values:
        return None
    energy = energy_of_sections(values["sections"], SOURCE) if "sections" in values else Energy((), SOURCE)
    return replace(energy, arc=tuple(EnergyStretch(*part) for part in values.get("arc", ())))


def liveliness_of(mood: Mood) -> float:
    """How lively music of a mood is on average, 0..1."""
    return round(0.5 + LIVELY * mood.arousal, 2)


def tempi_of(mood: Mood) -> tuple[float, float]:
    """The range of tempi of a mood, in BPM."""
    low, high = (MIDDLE_TEMPO * 2 ** (OCTAVES * mood.arousal + spread) for spread in (-SPREAD, SPREAD))
    return float(round(max(SLOWEST, low))), float(round(min(FASTEST, high)))


def _with_mood(
    wishes: Wishes, mood: Mood, values: Mapping[str, Any], given: Collection[str]
) -> tuple[Wishes, list[FieldTold]]:
    """The wishes with what a mood suggests where nobody else has said anything.

    It acts through tempo, mode, liveliness and drums, and is told to the model. The band follows the liveliness.
    """
    changes: dict[str, Any] = {"mood": (mood.valence, mood.arousal)}
    told = []

    def suggest(name: str, field: str, value: Any, reason: str) -> None:
        changes[name] = value
        told.append(FieldTold(field, FORMS[field].write(value), "mood", reason))

    # The middle of scenes of all moods is nobody's tempo, so it is the mood of the whole that counts.
    if wishes.tempo is None and wishes.tempo_range is None:
        suggest("tempo_range", "tempo_range", tempi_of(mood), f"arousal {mood.arousal:g}")
    key = key_of(wishes)
    if key.mode is None and wishes.chords is None and (mode := mode_of_mood(mood.valence)) is not None:
        suggest("key", "key", WishedKey(key.tonic, mode), f"valence {mood.valence:g}")
    if wishes.liveliness is None and "energy" not in given:
        suggest("liveliness", "liveliness", liveliness_of(mood), f"arousal {mood.arousal:g}")
    is_open = not values.get("instruments") and "instruments" not in given and wishes.genre is None
    if mood.arousal <= STILL and is_open and not any(mute.instrument is Instrument.DRUMS for mute in mutes_of(wishes)):
        others = tuple(one for one in Instrument if one is not Instrument.DRUMS)
        suggest("instruments", "instruments", others, f"arousal {mood.arousal:g}: no drums")
    return replace(wishes, **changes), told


def _without_absent(wishes: Wishes) -> tuple[Wishes, list[str]]:
    """The wishes without mutes of instruments that an option leaves out, and a line for each of those."""
    playing, mutes = instruments_of(wishes), mutes_of(wishes)
    if playing is None:
        return wishes, []
    absent = [mute for mute in mutes if mute.instrument not in playing]
    kept = tuple(mute for mute in mutes if mute not in absent)
    return replace(wishes, mutes=kept), [
        f"`mutes` {mute}: {mute.instrument.label} does not play at all" for mute in absent
    ]
