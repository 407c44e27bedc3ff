"""The part of a report that tells of the sounds beside the music, and the files in which users say what they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cmt.errors import CmtError
from cmt.report.values import Value
from cmt.sounds.event import CAUSES, KINDS, SoundEvent, Stroke, check_event
from midi_io.input_file import json_of
from midi_io.limits import MOST_TEXT_BYTES

_KINDS = {kind: kind for kind in KINDS}
_CAUSES = {cause: cause for cause in CAUSES}
SCHEMA = 1
"""The number of the form of a file of sound events."""


@dataclass(frozen=True)
class SoundsTold:
    """The sounds beside the music."""

    dial: float
    """How many and how loud was asked, above 0 up to 1."""
    events: tuple[SoundEvent, ...]

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {"dial": self.dial, "events": [event.as_json() for event in self.events]}

    @classmethod
    def from_json(cls, sounds: Value) -> SoundsTold:
        """The part of a report's JSON."""
        return cls(sounds["dial"].number(), sounds["events"].each(event_from_json))


def event_from_json(event: Value) -> SoundEvent:
    """A sound event of JSON; it must have a time and a kind, all else has a default.

    Raises
    ------
    CmtError
        If a value is missing, of another type, or out of its range.
    """
    given = event.by_key()
    kind = event["kind"].one_of(_KINDS)
    strokes = event["strokes"].each(_stroke) if "strokes" in given and KINDS[kind].is_movement else ()
    made = SoundEvent(
        time=event["time"].number(),
        length=event["length"].number() if "length" in given else _length_of(kind),
        strength=event["strength"].number() if "strength" in given else 0.7,
        pan=event["pan"].number() if "pan" in given else 0.0,
        kind=kind,
        cause=event["cause"].one_of(_CAUSES) if "cause" in given else "user",
        variant=event["variant"].whole() if "variant" in given else 0,
        file=event["file"].maybe(Value.text) if "file" in given else None,
        strokes=strokes,
    )
    check_event(made, f"{event.file}: {event.path}")
    return made


def _stroke(stroke: Value) -> Stroke:
    numbers = stroke.each(Value.number)
    if len(numbers) != len(Stroke._fields):
        raise stroke.fault("a list of three numbers: seconds from the begin, strength, side")
    return Stroke(*numbers)


def _length_of(kind: str) -> float:
    return 10.0 if KINDS[kind].is_bed else 1.0


def events_as_json(events: tuple[SoundEvent, ...]) -> str:
    """The text of a file of sound events."""
    return json.dumps({"schema": SCHEMA, "events": [event.as_json() for event in events]}, indent=1) + "\n"


def read_events(file: Path) -> tuple[SoundEvent, ...]:
    """The sound events of a JSON file: of one that `events_as_json` wrote, or of a report.

    Raises
    ------
    CmtError
        If it cannot be read, or says something that cannot be.
    """
    try:
        content = json_of(file, 16 * MOST_TEXT_BYTES)
    except ValueError as error:
        raise CmtError(f"{file}: is no JSON ({error}); write one with cmt sounds and change that") from error
    return events_from_json(content, str(file))


def events_from_json(content: object, source: str) -> tuple[SoundEvent, ...]:
    """The sound events of what stands in such a file; `source` is where it comes from, for messages.

    Raises
    ------
    CmtError
        If it says something that cannot be.
    """
    found = Value(content, source, cure="write one with cmt sounds and change that")
    if isinstance(content, dict) and "events" not in content and content.get("sounds"):
        found = found["sounds"]
    elif isinstance(content, dict) and content.get("schema", SCHEMA) != SCHEMA:
        raise CmtError(f"{source}: is of form {content['schema']!r}, and form {SCHEMA} is read; save it once more")
    return tuple(sorted(found["events"].each(event_from_json)))
