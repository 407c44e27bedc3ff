"""The parts of a report, each with its own JSON: the picture, the grid, what was asked and obtained, the takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from cmt.grid.agreement import Agreement, agreement
from cmt.grid.hits import Hit
from cmt.music.chords import HALVES_PER_BAR, names_of
from cmt.music.key import Key
from cmt.music.lead_sheet import LETTERS, UNKNOWN, LeadSheet
from cmt.music.profile import RhythmProfile, SimuNote
from cmt.report.values import Value
from midi_io.song import INSTRUMENTS, POSITIONS_PER_BAR, Instrument, Timeline
from video_rhythm import VideoRhythm, VisualBeat


@dataclass(frozen=True)
class Picture:
    """What was seen in the video."""

    video: str
    """The video's path."""
    stream: int | None
    """The number of the stream that was measured, counted from 0; None in reports from before it was told."""
    fps: float
    """The pictures a second."""
    visual_tempo: float | None
    """The visual tempo in BPM; None if the picture has no pulse."""
    visual_beats: tuple[VisualBeat, ...]
    cuts: tuple[float, ...]
    """The seconds of the first picture of each new shot."""
    speed_per_bar: tuple[float, ...]
    """The mean speed of the motion in each bar of the music (n_bar,), in diagonals a second."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {
            "video": self.video,
            "picture_stream": self.stream,
            "fps": self.fps,
            "visual_tempo": self.visual_tempo,
            "visual_beats": [{"time": beat.time, "saliency": beat.saliency} for beat in self.visual_beats],
            "cuts": list(self.cuts),
            "speed_per_bar": list(self.speed_per_bar),
        }

    @classmethod
    def from_json(cls, report: Value) -> Picture | None:
        """The picture of a report; None if the music is without a video."""
        if report["video"].content is None:
            return None
        return cls(
            video=report["video"].text(),
            stream=report["picture_stream"].maybe(Value.whole),
            fps=report["fps"].number(),
            visual_tempo=report["visual_tempo"].maybe(Value.number),
            visual_beats=report["visual_beats"].each(
                lambda beat: VisualBeat(beat["time"].number(), beat["saliency"].number())
            ),
            cuts=report["cuts"].each(Value.number),
            speed_per_bar=report["speed_per_bar"].each(Value.number),
        )


NO_PICTURE: Mapping[str, object] = {
    "video": None,
    "picture_stream": None,
    "fps": None,
    "visual_tempo": None,
    "visual_beats": [],
    "cuts": [],
    "speed_per_bar": None,
}
"""The JSON of the picture where the music is without a video."""


def picture_of(rhythm: VideoRhythm, bar_borders: Sequence[float]) -> Picture:
    """What was seen in a video, for music whose bars begin and end at `bar_borders`, (n_bar + 1,) seconds."""
    return Picture(
        video=rhythm.path,
        stream=rhythm.stream_index,
        fps=rhythm.fps,
        visual_tempo=rhythm.tempo,
        visual_beats=rhythm.visual_beats,
        cuts=rhythm.cuts,
        speed_per_bar=tuple(float(speed) for speed in rhythm.flow.mean_speed(np.array(bar_borders))),
    )


class TempoStretch(NamedTuple):
    """A part of the piece with one tempo."""

    position: float
    """The sixteenth with which it begins, from the start of the first bar."""
    seconds: float
    """The time with which it begins."""
    tempo: float
    """The BPM."""


@dataclass(frozen=True)
class Hits:
    """How well the times that the music should meet agree with its grid, by their kind."""

    all: Agreement
    markers: Agreement
    cuts: Agreement
    visual_beats: Agreement

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {
            "all": self.all._asdict(),
            "markers": self.markers._asdict(),
            "cuts": self.cuts._asdict(),
            "visual_beats": self.visual_beats._asdict(),
        }

    @classmethod
    def from_json(cls, hits: Value) -> Hits:
        """The part of a report's JSON."""
        return cls(
            all=_agreement(hits["all"]),
            markers=_agreement(hits["markers"]),
            cuts=_agreement(hits["cuts"]),
            visual_beats=_agreement(hits["visual_beats"]),
        )


def _agreement(of: Value) -> Agreement:
    return Agreement(
        n_hit=of["n_hit"].whole(),
        on_grid=of["on_grid"].number(),
        on_grid_by_chance=of["on_grid_by_chance"].number(),
        on_beats=of["on_beats"].number(),
        on_beats_by_chance=of["on_beats_by_chance"].number(),
        on_downbeats=of["on_downbeats"].number(),
        on_downbeats_by_chance=of["on_downbeats_by_chance"].number(),
    )


@dataclass(frozen=True)
class Grid:
    """Where the bars of the music lie in seconds, and which hits they meet."""

    tempo: float
    """The BPM; with a tempo map that of the grid before it was bent."""
    n_bar: int
    phase: float
    """The seconds of the first downbeat."""
    bar_borders: tuple[float, ...]
    """The seconds (n_bar + 1,) at which the bars begin, and the piece's end."""
    tempo_map: tuple[TempoStretch, ...]
    hits: Hits

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {
            "tempo": self.tempo,
            "n_bar": self.n_bar,
            "phase": self.phase,
            "bar_borders": list(self.bar_borders),
            "tempo_map": [stretch._asdict() for stretch in self.tempo_map],
            "hits": self.hits.as_json(),
        }

    @classmethod
    def from_json(cls, report: Value) -> Grid:
        """The grid of a report."""
        return cls(
            tempo=report["tempo"].positive(),
            n_bar=report["n_bar"].whole(),
            phase=report["phase"].number(),
            bar_borders=report["bar_borders"].each(Value.number),
            tempo_map=report["tempo_map"].each(
                lambda part: TempoStretch(
                    position=part["position"].number(), seconds=part["seconds"].number(), tempo=part["tempo"].number()
                )
            ),
            hits=Hits.from_json(report["hits"]),
        )


def grid_of(timeline: Timeline, hits: Sequence[Hit]) -> Grid:
    """Where the bars of a timeline lie, and which of the hits they meet."""

    def met(kind: str | None) -> Agreement:
        return agreement(timeline, [hit.time for hit in hits if kind in (hit.kind, None)])

    return Grid(
        tempo=timeline.tempo,
        n_bar=timeline.n_bar,
        phase=timeline.phase,
        bar_borders=tuple(timeline.bar_borders),
        tempo_map=tuple(
            TempoStretch(
                position=knot.position,
                seconds=knot.seconds,
                tempo=timeline.tempo_between(knot.position, following.position),
            )
            for knot, following in zip(timeline.knots, timeline.knots[1:], strict=False)
        ),
        hits=Hits(all=met(None), markers=met("marker"), cuts=met("cut"), visual_beats=met("visual beat")),
    )


class EnergyStretch(NamedTuple):
    """A time in which the user's energy goes straight from one value to another."""

    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture; the end of the piece at most where the user left it open."""
    first: float
    """Energy at its begin, 0..1."""
    last: float
    """Energy at its end, 0..1."""


@dataclass(frozen=True)
class EnergyAsked:
    """The energy as the user gave it."""

    source: str
    """The place where it was given, such as ``curve.csv``."""
    stretches: tuple[EnergyStretch, ...]

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {"source": self.source, "stretches": [stretch._asdict() for stretch in self.stretches]}

    @classmethod
    def from_json(cls, energy: Value) -> EnergyAsked:
        """The part of a report's JSON."""
        return cls(
            source=energy["source"].text(),
            stretches=energy["stretches"].each(
                lambda part: EnergyStretch(
                    begin=part["begin"].number(),
                    end=part["end"].number(),
                    first=part["first"].number(),
                    last=part["last"].number(),
                )
            ),
        )


class MuteAsked(NamedTuple):
    """A time in which an instrument was silent."""

    instrument: Instrument
    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture; the end of the piece at most."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {"instrument": self.instrument.label, "begin": self.begin, "end": self.end}

    @classmethod
    def from_json(cls, mute: Value) -> MuteAsked:
        """The part of a report's JSON."""
        return cls(
            instrument=mute["instrument"].one_of(INSTRUMENTS), begin=mute["begin"].number(), end=mute["end"].number()
        )


class SectionWritten(NamedTuple):
    """A section of the piece."""

    name: str
    """Its letter, or the name that the user gave it; sections of one name are alike."""
    bar: int
    """The bar with which it begins, from 0."""
    seconds: float
    """The time at which it begins."""

    @classmethod
    def from_json(cls, section: Value) -> SectionWritten:
        """The part of a report's JSON."""
        return cls(name=section["name"].text(), bar=section["bar"].whole(), seconds=section["seconds"].number())


OPEN = "?"
"""The name of a chord, or a section, that the sheet leaves to the model."""


def chords_of(sheet: LeadSheet, key: Key) -> tuple[tuple[str, ...], ...]:
    """The chords of each bar (n_bar,) by name: one, or two of half a bar; ``N`` is none, ``?`` left to the model.

    They are spelled as in `key`, that of the piece.
    """
    names = [OPEN if number == UNKNOWN else names_of([number], key)[0] for number in sheet.chords.tolist()]
    bars = (names[half : half + HALVES_PER_BAR] for half in range(0, len(names), HALVES_PER_BAR))
    return tuple(tuple(bar) if len(set(bar)) > 1 else (bar[0],) for bar in bars)


def sections_of(
    sheet: LeadSheet, timeline: Timeline, names: Mapping[int, str] | None = None
) -> tuple[SectionWritten, ...]:
    """The sections of a piece in order.

    `names` are those that the user gave, by the bar with which a section begins; the others are called by letters.
    """
    borders = timeline.bar_borders
    names = names or {}
    return tuple(
        SectionWritten(names.get(bar) or _letter(int(sheet.letters[bar])), bar, borders[bar])
        for bar in np.flatnonzero(sheet.begins).tolist()
    )


def _letter(number: int) -> str:
    return OPEN if number == UNKNOWN else LETTERS[number]


class StrengthAsked(NamedTuple):
    """The strength that was ordered of an instrument on one position."""

    bar: int
    position: int
    """The sixteenth of the bar, 0..15."""
    instrument: Instrument
    strength: int | None
    """The number of notes; None where only that some come was ordered."""


@dataclass(frozen=True)
class Asked:
    """The rhythm that was ordered."""

    density: tuple[int | None, ...]
    """The density of each bar (n_bar,), 0..16; None where it was left to the model."""
    strengths: tuple[StrengthAsked, ...]
    """The strengths in order of bar, position, instrument."""

    @property
    def simu_notes(self) -> tuple[SimuNote, ...]:
        """The strengths of which a number was ordered."""
        return tuple(
            SimuNote(bar, position, instrument, strength)
            for bar, position, instrument, strength in self.strengths
            if strength is not None
        )

    @classmethod
    def from_json(cls, report: Value) -> Asked:
        """The rhythm that a report says was ordered."""
        return cls(
            density=report["density_asked"].each(lambda bar: bar.maybe(_density)),
            strengths=report["strength_asked"].each(
                lambda note: StrengthAsked(*_place(note), note["strength"].maybe(Value.whole))
            ),
        )


def obtained_from_json(report: Value) -> RhythmProfile:
    """The rhythm that a report says was obtained."""
    return RhythmProfile(
        density=report["density_obtained"].each(_density),
        simu_notes=report["strength_obtained"].each(lambda note: SimuNote(*_place(note), note["strength"].whole())),
    )


def strength_as_json(note: StrengthAsked | SimuNote) -> dict[str, object]:
    """A strength, asked or obtained, as JSON."""
    return {
        "bar": note.bar,
        "position": note.position,
        "instrument": note.instrument.label,
        "strength": note.strength,
    }


def _density(bar: Value) -> int:
    return bar.whole(most=POSITIONS_PER_BAR)


def _place(note: Value) -> tuple[int, int, Instrument]:
    return (
        note["bar"].whole(),
        note["position"].whole(most=POSITIONS_PER_BAR - 1),
        note["instrument"].one_of(INSTRUMENTS),
    )


class Replaced(NamedTuple):
    """A take that was rejected and in whose place another was written."""

    seed: int
    rejected: tuple[str, ...]
    """The reasons why."""

    @classmethod
    def from_json(cls, replaced: Value) -> Replaced:
        """The part of a report's JSON."""
        return cls(replaced["seed"].whole(), replaced["rejected"].each(Value.text))


@dataclass(frozen=True)
class Take:
    """The judgement of one of several takes."""

    seed: int
    file: str | None
    """The name of its MIDI file; None if it was not kept."""
    rejected: tuple[str, ...]
    """The reasons why it was rejected; empty for a sound one."""
    score: float
    """0..1, the mean of match, likeness, realism, genre and mood, the last two of less weight."""
    match: float | None
    """The share, 0..1, of what was asked that it does; None where nothing was asked."""
    likeness: float | None
    """The share, 0..1, of its metrics that lie where real songs' do; None where none is defined."""
    unlike_real_songs: tuple[str, ...]
    """The metrics that do not lie where real songs' do."""
    mood: float | None = None
    """How near its mood is to the one asked, 0..1; None where none was."""
    reason: str = ""
    """What speaks for it and against it, in words."""
    replaced: tuple[Replaced, ...] = ()
    """The takes that were rejected and in whose place it was written, the first one first."""
    realism: float | None = None
    """The share of what the model writes, 0..1, that is less like a real song; None where it has no note."""
    genre: float | None = None
    """How likely the genre asked is beside the likeliest one, 0..1; None where none was."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return asdict(self) | {
            "rejected": list(self.rejected),
            "unlike_real_songs": list(self.unlike_real_songs),
            "replaced": [{"seed": one.seed, "rejected": list(one.rejected)} for one in self.replaced],
        }

    @classmethod
    def from_json(cls, take: Value) -> Take:
        """The part of a report's JSON."""
        return cls(
            seed=take["seed"].whole(),
            file=take["file"].maybe(Value.text),
            rejected=take["rejected"].each(Value.text),
            score=take["score"].number(),
            match=take["match"].maybe(Value.number),
            likeness=take["likeness"].maybe(Value.number),
            unlike_real_songs=take["unlike_real_songs"].each(Value.text),
            mood=take["mood"].maybe(Value.number) if "mood" in take.by_key() else None,
            reason=take["reason"].text() if "reason" in take.by_key() else "",
            replaced=take["replaced"].each(Replaced.from_json) if "replaced" in take.by_key() else (),
            realism=take["realism"].maybe(Value.number) if "realism" in take.by_key() else None,
            genre=take["genre"].maybe(Value.number) if "genre" in take.by_key() else None,
        )


@dataclass(frozen=True)
class Model:
    """The model that wrote the music."""

    sha256: str
    """The hash of its checkpoint."""
    provenance: Mapping[str, object] = field(default_factory=dict)
    """Facts about its training, as its checkpoint has them: words seen, losses, data."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {"sha256": self.sha256, **self.provenance}

    @classmethod
    def from_json(cls, checkpoint: Value) -> Model:
        """The part of a report's JSON."""
        facts = checkpoint.by_key()
        facts.pop("sha256", None)
        return cls(sha256=checkpoint["sha256"].text(), provenance=facts)
