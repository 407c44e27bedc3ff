"""Are accents heard? How loud the music is just after the picture's events and the user's hits, beside elsewhere.

    python benchmarks/accents.py FOLDER [--hit-pieces 2] [--shifts 400]

FOLDER holds soundtracks with their reports, as `benchmarks/mixes.py VIDEO ... -o FOLDER` makes them. With
`--hit-pieces` so many pieces of 30 s without a video are made first for each genre, with twelve hits at random times.

An event is a visual beat, a cut or a hit, with the time that the report says. Loudness is that of BS.1770 (K-weighted,
both channels) over 100 ms, in dB. `louder` is its mean over events, of the window that begins with the event, less the
mean over all windows of the piece, one each 10 ms, that overlap no event's; what is more than 30 dB under the piece's
own level counts as that. `rise` is the mean difference to the 100 ms before the event. `chance` is the mean of `louder`
over circular shifts of a piece's events, each by an amount of its own, `95%` the level that one shift of twenty
reaches; `on beats` and its `95%` the same for shifts by whole beats, which leave the events where they are in the beat.
`late` is the mean distance in ms of the event's sixteenth, on which an order for it stands.

An event is ordered if a strength was ordered on its sixteenth. Thirds are by the saliency of visual beats within their
piece; notes are those that were ordered on the sixteenth, of all instruments.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hearing import k_weighted_power, lufs, read_sound
from mixes import soundtracks
from numpy.typing import NDArray

from cmt import GenerateConfig, Marker, Wishes, make_soundtrack
from cmt.music.words import GENRES
from midi_io import read_midi
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Timeline

Floats = NDArray[np.float64]

WINDOW, HOP = 0.1, 0.01
"""Seconds."""
FLOOR = 30.0
"""dB under the piece's level that count as the softest."""
HIT_SECONDS, N_HIT = 30.0, 12


class Event(NamedTuple):
    """Something that the music should meet."""

    kind: str
    time: float
    late: float
    """Seconds from the event to its sixteenth, on either side."""
    third: int | None
    """0 weakest, 2 strongest: where the saliency of a visual beat lies in its piece."""
    n_ordered: int
    """The notes that were ordered on its sixteenth."""


@dataclass(frozen=True)
class Piece:
    """A soundtrack as it is heard."""

    genre: str
    events: tuple[Event, ...]
    timeline: Timeline
    power: Floats
    """(n_sample + 1,) sum of the K-weighted power up to each sample."""
    rate: int

    @property
    def times(self) -> Floats:
        return np.array([event.time for event in self.events])

    @property
    def duration(self) -> float:
        return (len(self.power) - 1) / self.rate

    def levels(self, times: Floats) -> Floats:
        """Loudness of the windows that begin at these times."""
        begin = np.clip(np.round(times * self.rate).astype(int), 0, len(self.power) - 1)
        end = np.minimum(begin + round(WINDOW * self.rate), len(self.power) - 1)
        mean = (self.power[end] - self.power[begin]) / np.maximum(end - begin, 1)
        overall = lufs(self.power[-1:] / (len(self.power) - 1))
        return np.maximum(lufs(mean), overall - FLOOR)

    def louder(self, times: Floats) -> Floats:
        """(n_event,) dB at events beside the windows that overlap none of them."""
        hops = np.arange(0, self.duration - WINDOW, HOP)
        nearest = np.abs(hops[:, None] - times).min(axis=1)
        return np.asarray(self.levels(times) - self.levels(hops[nearest >= WINDOW]).mean())

    def shifted(self, rng: np.random.Generator, by_beats: bool) -> Floats:
        """The times of the events moved on in a circle."""
        if not by_beats:
            return np.asarray((self.times + rng.uniform(0, self.duration)) % self.duration)
        n_beat = int((self.timeline.length - self.timeline.start) // POSITIONS_PER_BEAT)
        places = np.array([self.timeline.position(time) for time in self.times]) - self.timeline.start
        moved = (places + POSITIONS_PER_BEAT * rng.integers(n_beat)) % (n_beat * POSITIONS_PER_BEAT)
        return np.array([self.timeline.seconds(place) for place in moved + self.timeline.start])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hit-pieces", type=int, default=0, help="pieces with hits that are made for each genre")
    parser.add_argument("--genres", nargs="+", choices=list(GENRES), default=list(GENRES))
    parser.add_argument("--shifts", type=int, default=400)
    options = parser.parse_args()
    make_hit_pieces(options.folder, options.genres, options.hit_pieces)
    pieces = [piece for piece in map(read_piece, soundtracks(options.folder)) if piece.events]
    if not pieces:
        parser.error(f"{options.folder}: no soundtrack with an event")
    print_table(pieces, options.shifts)


def make_hit_pieces(folder: Path, genres: Sequence[str], n_piece: int) -> None:
    """Pieces without a video, with hits, unless they are there."""
    for number in range(n_piece):
        times = np.sort(np.random.default_rng([number, 13]).uniform(0.5, HIT_SECONDS - 0.5, N_HIT)).round(3)
        for genre in genres:
            name = f"hits-{number}"
            if not (folder / genre / f"{name}.json").exists():
                wishes = Wishes(genre=genre, length=HIT_SECONDS, markers=tuple(map(Marker, times.tolist())))
                make_soundtrack(None, folder / genre, wishes, GenerateConfig(seed=number), name=name)


def read_piece(report_path: Path) -> Piece:
    report = json.loads(report_path.read_text(encoding="utf-8"))
    sound = read_sound(report_path.with_suffix(".wav"))
    timeline = read_midi(report_path.with_suffix(".mid")).timeline
    power = np.concatenate([np.zeros(1), np.cumsum(k_weighted_power(sound))])
    events = tuple(event for event in events_of(report, timeline) if event.time + WINDOW <= sound.duration)
    return Piece(report["genre"] or "free", events, timeline, power, sound.rate)


def events_of(report: dict[str, Any], timeline: Timeline) -> Iterator[Event]:
    ordered: dict[int, int] = {}
    for note in report["strength_asked"]:
        place = note["bar"] * POSITIONS_PER_BAR + note["position"]
        ordered[place] = ordered.get(place, 0) + (note["strength"] or 1)

    def event(kind: str, time: float, third: int | None = None) -> Event:
        place = round(timeline.position(time))
        return Event(kind, time, abs(timeline.seconds(place) - time), third, ordered.get(place, 0))

    beats = report["visual_beats"]
    ranks = np.argsort(np.argsort([beat["saliency"] for beat in beats], kind="stable"))
    for beat, rank in zip(beats, ranks, strict=True):
        yield event("visual beat", beat["time"], int(3 * rank // len(beats)))
    for time in report["cuts"]:
        yield event("cut", time)
    for marker in report["markers"]:
        yield event("hit", marker["time"])


GROUPS: dict[str, Callable[[Event], bool]] = {
    "all events": lambda event: True,
    "visual beats": lambda event: event.kind == "visual beat",
    "  ordered": lambda event: event.kind == "visual beat" and event.n_ordered > 0,
    "    weakest third": lambda event: event.third == 0 and event.n_ordered > 0,
    "    middle third": lambda event: event.third == 1 and event.n_ordered > 0,
    "    strongest third": lambda event: event.third == 2 and event.n_ordered > 0,
    "    1 note": lambda event: event.kind == "visual beat" and event.n_ordered == 1,
    "    2 notes": lambda event: event.kind == "visual beat" and event.n_ordered == 2,
    "    3 notes or more": lambda event: event.kind == "visual beat" and event.n_ordered > 2,
    "  not ordered": lambda event: event.kind == "visual beat" and not event.n_ordered,
    "cuts": lambda event: event.kind == "cut",
    "  ordered ": lambda event: event.kind == "cut" and event.n_ordered > 0,
    "hits": lambda event: event.kind == "hit",
}


def print_table(pieces: Sequence[Piece], n_shift: int) -> None:
    rng = np.random.default_rng(0)
    events = [event for piece in pieces for event in piece.events]
    genres = np.array([piece.genre for piece in pieces for _ in piece.events])
    louder = np.concatenate([piece.louder(piece.times) for piece in pieces])
    rise = np.concatenate([piece.levels(piece.times) - piece.levels(piece.times - WINDOW) for piece in pieces])
    chance, on_beats = (
        np.array(
            [np.concatenate([piece.louder(piece.shifted(rng, by_beats)) for piece in pieces]) for _ in range(n_shift)]
        )
        for by_beats in (False, True)
    )
    print(f"{len(pieces)} pieces, {n_shift} shifts")
    print(f"{'':22} {'n':>5} {'louder':>6} {'rise':>6} {'chance':>6} {'95%':>5} {'on beats':>8} {'95%':>5} {'late':>5}")

    def line(name: str, chosen: NDArray[np.bool_]) -> None:
        if not chosen.any():
            return
        late = 1000 * np.mean([event.late for event, counts in zip(events, chosen, strict=True) if counts])
        nulls = [shifts[:, chosen].mean(axis=1) for shifts in (chance, on_beats)]
        cells = [f"{null.mean():+6.2f} {np.quantile(null, 0.95):+5.2f}" for null in nulls]
        print(
            f"{name:22} {chosen.sum():5} {louder[chosen].mean():+6.2f} {rise[chosen].mean():+6.2f} {cells[0]}   "
            f"{cells[1]} {late:5.0f}"
        )

    for name, belongs in GROUPS.items():
        line(name, np.array([belongs(event) for event in events]))
    for genre in sorted(set(genres)):
        ordered = np.array([event.n_ordered > 0 for event in events])
        line(f"{genre}, ordered", (genres == genre) & ordered)
        line(f"{genre}, not ordered", (genres == genre) & ~ordered)


if __name__ == "__main__":
    main()
