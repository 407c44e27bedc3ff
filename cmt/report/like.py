"""The part of a report that says which song a piece is like, why, what it took of it, and which notes both have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cmt.report.values import Value
from midi_io.song import INSTRUMENTS, Instrument


class Distance(NamedTuple):
    """How far the song is in one respect from what was asked."""

    name: str
    """The respect, such as ``tempo``."""
    value: float
    """0 where it is as asked; 1 counts as much in every respect."""
    reason: str
    """The same in words."""

    @classmethod
    def from_json(cls, distance: Value) -> Distance:
        """The part of a report's JSON."""
        return cls(distance["name"].text(), distance["value"].number(), distance["reason"].text())


class Shared(NamedTuple):
    """The longest run of notes that the piece has in common with the song, loops counted once."""

    n_note: int
    instrument: Instrument | None
    """Who plays it in the piece; None where there is none."""
    seconds: float
    """When it begins in the piece."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        label = None if self.instrument is None else self.instrument.label
        return {"n_note": self.n_note, "instrument": label, "seconds": self.seconds}

    @classmethod
    def from_json(cls, shared: Value) -> Shared:
        """The part of a report's JSON."""
        return cls(
            shared["n_note"].whole(),
            shared["instrument"].maybe(lambda label: label.one_of(INSTRUMENTS)),
            shared["seconds"].number(),
        )


@dataclass(frozen=True)
class LikeTold:
    """The song, what was taken of it, and what must not be."""

    song: str
    """What it is called."""
    source: str
    """The file that it comes from."""
    n_piece: int | None
    """The number of pieces from which it was chosen; None where the user named it."""
    distances: tuple[Distance, ...]
    taken: tuple[str, ...]
    """What was taken, a line each."""
    bars: tuple[int | None, ...]
    """(n_bar,) the bar of the song, from 0, that each bar is like; None where it is like none."""
    shared: Shared
    rejected: int
    """The number of takes that shared too much with the song and were written anew."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {
            "song": self.song,
            "source": self.source,
            "n_piece": self.n_piece,
            "distances": [distance._asdict() for distance in self.distances],
            "taken": list(self.taken),
            "bars": list(self.bars),
            "shared": self.shared.as_json(),
            "rejected": self.rejected,
        }

    @classmethod
    def from_json(cls, like: Value) -> LikeTold:
        """The part of a report's JSON."""
        return cls(
            song=like["song"].text(),
            source=like["source"].text(),
            n_piece=like["n_piece"].maybe(Value.whole),
            distances=like["distances"].each(Distance.from_json),
            taken=like["taken"].each(Value.text),
            bars=like["bars"].each(lambda bar: bar.maybe(Value.whole)),
            shared=Shared.from_json(like["shared"]),
            rejected=like["rejected"].whole(),
        )
