"""The part of a report that says what was seen, scene by scene, and what mood that has."""

from __future__ import annotations

from typing import NamedTuple

from cmt.report.values import Value


class MoodSeen(NamedTuple):
    """The mood of a scene or of a bar, by formula."""

    valence: float
    """From unpleasant, -1, to pleasant, 1."""
    arousal: float
    """From calm, -1, to excited, 1."""
    certainty: float
    """How much the valence is worth, 0..1."""

    @classmethod
    def from_json(cls, mood: Value) -> MoodSeen:
        """The part of a report's JSON."""
        return cls(mood["valence"].number(), mood["arousal"].number(), mood["certainty"].number())


class SceneSeen(NamedTuple):
    """A part of the video that is one place for the eye; see `video_rhythm.Scene` for how each value is measured."""

    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture."""
    colour: str
    """The word for its colour."""
    mean_colour: tuple[float, ...]
    """The mean of red, green and blue, 0..1."""
    luminance: float
    """0 (black) to 1 (white)."""
    contrast: float
    """0..0.5."""
    saturation: float
    """0..1."""
    warmth: float
    """From cold, -1, to warm, 1."""
    motion: float
    """The percentile, 0..1, of its motion among that of many videos."""
    beats_per_second: float
    cuts_per_minute: float
    same_as: int | None
    """The number, from 0, of the first scene that is the same place; None for a place that is new."""
    mood: MoodSeen
    shows: str | None = None
    """What is to be seen, in a word; None where that is not sure."""
    shows_certainty: float | None = None
    """The probability of it by the network, 0..1; 1 where the user says it, None where nothing is said."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        values = self._asdict()
        mood: MoodSeen = values.pop("mood")
        values["mean_colour"] = list(self.mean_colour)
        return {**values, **mood._asdict()}

    @classmethod
    def from_json(cls, scene: Value) -> SceneSeen:
        """The part of a report's JSON."""
        keys = scene.by_key()  # reports of the first versions do not say what a scene shows
        return cls(
            begin=scene["begin"].number(),
            end=scene["end"].number(),
            colour=scene["colour"].text(),
            mean_colour=scene["mean_colour"].each(Value.number),
            luminance=scene["luminance"].number(),
            contrast=scene["contrast"].number(),
            saturation=scene["saturation"].number(),
            warmth=scene["warmth"].number(),
            motion=scene["motion"].number(),
            beats_per_second=scene["beats_per_second"].number(),
            cuts_per_minute=scene["cuts_per_minute"].number(),
            same_as=scene["same_as"].maybe(Value.whole),
            mood=MoodSeen.from_json(scene),
            shows=scene["shows"].maybe(Value.text) if "shows" in keys else None,
            shows_certainty=scene["shows_certainty"].maybe(Value.number) if "shows_certainty" in keys else None,
        )
