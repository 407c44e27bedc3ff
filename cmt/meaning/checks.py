"""Fields of a description that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cmt.meaning.description import Description
from midi_io.song import Instrument


class Contradiction(NamedTuple):
    """Fields that cannot all be obeyed, and why."""

    fields: tuple[str, ...]
    reason: str


def contradictions(description: Description) -> Iterator[Contradiction]:
    """What in a description contradicts itself, in the order of its fields."""
    yield from _scenes(description)
    yield from _players(description)
    tempo, tempi = description.tempo, description.tempo_range
    if tempo is not None and tempi is not None and not tempi[0] <= tempo <= tempi[1]:
        yield Contradiction(("tempo", "tempo_range"), f"{tempo:g} BPM is not within {tempi[0]:g} to {tempi[1]:g}")
    names = [section.name for section in description.sections or () if section.name is not None]
    if description.form is not None and names:
        yield Contradiction(("form", "sections"), f"the form and the section {names[0]} say the same in two ways")
    times = [section.time for section in description.sections or ()]
    twice = next((time for time in times if times.count(time) > 1), None)
    if twice is not None:
        yield Contradiction(("sections",), f"two sections begin at {twice:g} s")
    chords = description.chords
    known = description.form.labels if description.form is not None else tuple(names)
    for label in chords.labels if chords is not None else ():
        if label not in known:
            yield Contradiction(("chords",), f"there is no section {label}; name it in form or sections")


def _scenes(description: Description) -> Iterator[Contradiction]:
    scenes = description.scenes or ()
    for number, scene in enumerate(scenes, 1):
        if number > 1 and scene.begin < scenes[number - 2].end:
            yield Contradiction(("scenes",), f"scene {number} begins before the one before it has ended")
        if scene.same_as is not None and scene.same_as >= number:
            yield Contradiction(("scenes",), f"scene {number} is the same as scene {scene.same_as}, no earlier one")


def _players(description: Description) -> Iterator[Contradiction]:
    playing = description.instruments
    if not playing:
        return
    for mute in description.mutes or ():
        if mute.instrument not in playing:
            yield Contradiction(("instruments", "mutes"), f"{mute.instrument.label} is muted, yet does not play at all")
    for instrument in description.programs or ():
        if instrument not in playing:
            yield Contradiction(("instruments", "programs"), f"{instrument.label} has a sound, yet does not play")
    if description.chords is not None and set(playing) <= {Instrument.DRUMS}:
        yield Contradiction(("instruments", "chords"), "drums alone cannot play chords")
