"""The part of a report that tells of speech in the video, and of the music under it."""

from __future__ import annotations

from dataclasses import dataclass

from cmt.film.ducking import GainPoint
from cmt.film.speech import Span
from cmt.report.values import Value


@dataclass(frozen=True)
class Speech:
    """Where somebody speaks in the video's own sound, and what the music does there."""

    distance: float
    """The dB that the music was asked to lie under the voice."""
    spans: tuple[Span, ...]
    """The times in which somebody speaks; empty if nobody does."""
    calm_bars: tuple[int, ...] = ()
    """The bars, from 0, that are mostly speech and of which the user said nothing: the music is written calm there."""
    curve: tuple[GainPoint, ...] = ()
    """The gain of the music, straight in dB from knot to knot; empty if it was not mixed with the video's sound."""
    gain: float | None = None
    """The dB by which music and original were raised together; None if they were not mixed."""
    loudness: float | None = None
    """The LUFS of both together; None if they were not mixed."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {
            "distance": self.distance,
            "spans": [span._asdict() for span in self.spans],
            "calm_bars": list(self.calm_bars),
            "curve": [knot._asdict() for knot in self.curve],
            "gain": self.gain,
            "loudness": self.loudness,
        }

    @classmethod
    def from_json(cls, speech: Value) -> Speech:
        """The part of a report's JSON."""
        return cls(
            distance=speech["distance"].number(),
            spans=speech["spans"].each(lambda span: Span(span["begin"].number(), span["end"].number())),
            calm_bars=speech["calm_bars"].each(Value.whole),
            curve=speech["curve"].each(lambda knot: GainPoint(knot["time"].number(), knot["gain"].number())),
            gain=speech["gain"].maybe(Value.number),
            loudness=speech["loudness"].maybe(Value.number),
        )
