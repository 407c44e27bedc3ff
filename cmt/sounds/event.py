"""A sound event: what is to be heard, when, how strong and from where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from cmt.errors import CmtError


class KindOfSound(NamedTuple):
    """What is known of all sounds of a kind."""

    before: float = 0.0
    """The share of its length that sounds before the instant that it belongs to."""
    is_bed: bool = False
    """Whether it lies under a scene, and is no event that strikes."""
    dip: float = 0.0
    """dB by which music goes down under a strong one."""
    is_movement: bool = False
    """Whether it is a bed of strokes: what moves in the picture."""


KINDS: Mapping[str, KindOfSound] = {
    "impact": KindOfSound(dip=4.0),
    "hit": KindOfSound(dip=3.0),
    "tick": KindOfSound(dip=1.0),
    "swish": KindOfSound(before=0.5, dip=2.0),
    "whoosh": KindOfSound(before=0.5, dip=2.0),
    "riser": KindOfSound(before=1.0, dip=2.0),
    "reverse cymbal": KindOfSound(before=1.0, dip=2.0),
    "downlifter": KindOfSound(dip=2.0),
    "sub drop": KindOfSound(dip=3.0),
    "room": KindOfSound(is_bed=True),
    "air": KindOfSound(is_bed=True),
    "wind": KindOfSound(is_bed=True),
    "rain": KindOfSound(is_bed=True),
    "surf": KindOfSound(is_bed=True),
    "under water": KindOfSound(is_bed=True),
    "traffic": KindOfSound(is_bed=True),
    "crowd": KindOfSound(is_bed=True),
    "fire": KindOfSound(is_bed=True),
    "hum": KindOfSound(is_bed=True),
    "gust": KindOfSound(is_bed=True, is_movement=True),
    "cloth": KindOfSound(is_bed=True, is_movement=True),
    "leaves": KindOfSound(is_bed=True, is_movement=True),
    "water": KindOfSound(is_bed=True, is_movement=True),
    "gravel": KindOfSound(is_bed=True, is_movement=True),
    "metal": KindOfSound(is_bed=True, is_movement=True),
}
"""The kinds of sounds by name."""
VARIANTS = 5
"""So many makes there are of each kind; a variant modulo this is the make."""
CAUSES = ("contact", "visual beat", "stillness", "cut", "fade", "scene", "sweep", "movement", "user")
"""What in the picture a sound is for; ``user`` is what a user put there."""
LEAD, TAIL = 0.12, 0.35
"""Seconds that a stroke of movement takes to swell, and to die away."""


class Stroke(NamedTuple):
    """An instant at which a movement is fastest for a moment."""

    at: float
    """Seconds from the begin of the movement."""
    strength: float
    """How strong it is, above 0 up to 1."""
    pan: float
    """Which way it goes, -1 (left) to 1 (right)."""


class SoundEvent(NamedTuple):
    """A sound that belongs to an instant of the picture."""

    time: float
    """Seconds from the first picture: where a hit strikes, a whoosh passes, a riser arrives, a bed begins."""
    length: float
    """Seconds from its begin to its end."""
    strength: float
    """How strong it is, above 0 up to 1."""
    pan: float
    """Where it is heard, -1 (left) to 1 (right); of what moves, where it goes to: it comes from the other side."""
    kind: str
    """One of `KINDS`."""
    cause: str
    """One of `CAUSES`."""
    variant: int = 0
    """The number that seeds it: another number, another sound of the kind."""
    file: str | None = None
    """The name of a file of the user's library that is played; None is chosen, or synthesised."""
    strokes: tuple[Stroke, ...] = ()
    """Of a movement, where it is fastest; none is one stroke, soon after its begin."""

    @property
    def begin(self) -> float:
        """Seconds from the first picture at which it begins to sound; below 0 its begin is cut off."""
        return self.time - KINDS[self.kind].before * self.length

    @property
    def end(self) -> float:
        """Seconds from the first picture at which it is over."""
        return self.begin + self.length

    @property
    def is_bed(self) -> bool:
        """Whether it lies under a scene."""
        return KINDS[self.kind].is_bed

    def as_json(self) -> dict[str, object]:
        """The event as JSON, keys in order."""
        strokes = {"strokes": [list(stroke) for stroke in self.strokes]} if self.strokes else {}
        return {
            "time": self.time,
            "length": self.length,
            "strength": self.strength,
            "pan": self.pan,
            "kind": self.kind,
            "cause": self.cause,
            "variant": self.variant,
            "file": self.file,
            **strokes,
        }


LONGEST = 30.0
"""Seconds that a sound which is no bed lasts at most."""


def check_event(event: SoundEvent, place: str) -> None:
    """Raise a CmtError for an event that cannot be; `place` names it for the message."""
    if event.kind not in KINDS:
        raise CmtError(f"{place}.kind: {event.kind!r} is none; choose from {', '.join(KINDS)}")
    if not (math.isfinite(event.time) and event.time >= 0):
        raise CmtError(f"{place}.time: {event.time:g} must be seconds from 0 on")
    if not (math.isfinite(event.length) and event.length > 0 and (event.is_bed or event.length <= LONGEST)):
        raise CmtError(f"{place}.length: {event.length:g} must be seconds above 0, {LONGEST:g} at most but for a bed")
    if not 0 < event.strength <= 1:
        raise CmtError(f"{place}.strength: {event.strength:g} must be above 0 up to 1")
    if not -1 <= event.pan <= 1:
        raise CmtError(f"{place}.pan: {event.pan:g} must be from -1 (left) to 1 (right)")
    if event.strokes and not KINDS[event.kind].is_movement:
        raise CmtError(f"{place}.strokes: {event.kind} is no movement; leave them out")
    for number, (at, strength, pan) in enumerate(event.strokes):
        if not (0 <= at <= event.length and 0 < strength <= 1 and -1 <= pan <= 1):
            raise CmtError(
                f"{place}.strokes[{number}]: must be seconds from 0 to the length, a strength above 0 up to 1, and a "
                "side from -1 to 1"
            )
