"""The part of a report that keeps what the piece is made of, so that it can be made again, and changed in one thing.

What other parts of the report say is not said twice: the grid's hits, the orders, the seed of the take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cmt.music.encoding import Words
from cmt.music.key import KEYS, Key
from cmt.music.lead_sheet import LeadSheet
from cmt.music.notation import sheet_of_text, words_of_text
from cmt.music.words import Mode
from cmt.report.values import Value
from midi_io.song import INSTRUMENTS, POSITIONS_PER_BAR, Instrument, Knot, Timeline

MOST_BARS = 100_000
"""No report of a piece has more bars: one that says so is damaged."""
_MODES: Mapping[str, Mode] = {mode.label: mode for mode in Mode}


class Redone(NamedTuple):
    """Bars that were written anew, and what stood there before: the other notes are played as they were."""

    parts: tuple[str, ...]
    """The parts that were written anew, as `parse_redo` of `cmt.planning.redo` takes them."""
    seed: int
    temperature: float
    guidance: float
    checkpoint: str
    """The hash of the model that wrote them."""
    before: Mapping[int, str]
    """The words of each bar, from 0, that have changed, as they were."""
    int8: bool = False
    """Whether the model computed in 8 bits."""

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        before = {str(bar): text for bar, text in sorted(self.before.items())}
        return {**self._asdict(), "parts": list(self.parts), "before": before}

    @classmethod
    def from_json(cls, redone: Value) -> Redone:
        """The part of a report's JSON."""
        before = redone["before"]
        texts = before.values(Value.text)
        if not all(bar.isascii() and bar.isdecimal() and len(bar) <= 6 for bar in texts):
            raise before.fault("an object with numbers of bars")
        return cls(
            parts=redone["parts"].each(Value.text),
            seed=redone["seed"].whole(),
            temperature=redone["temperature"].positive(),
            guidance=redone["guidance"].number(),
            checkpoint=redone["checkpoint"].text(),
            before={int(bar): text for bar, text in texts.items()},
            int8="int8" in redone.by_key() and redone["int8"].flag(),
        )


@dataclass(frozen=True)
class Kept:
    """All that a piece is made of, beside what the report says anyway."""

    name: str
    """What the files were to be called; where a number stands behind it in their names, others had it before."""
    seed: int
    """The seed that was asked for, by which the plan was drawn; that of the take is the report's `seed`."""
    wishes: Mapping[str, object]
    """The wishes as they were given (`cmt.planning.wishes_json`), but that bars have become a length and a tempo."""
    output: Mapping[str, object]
    """How it was to be played, and which files were to come of it (`cmt.soundtrack.output`)."""
    video_sha256: str | None
    """The hash of the video, or of the pictures together; None without either."""
    part: tuple[float, float | None] | None
    """Begin and end, in seconds, of the part of the video that was asked for, an end of None being that of the video;
    None is the whole."""
    timeline: Timeline
    """Where the bars lie, exactly; before `tempo` changed it."""
    ending: str
    """The way in which the last bar ends, a name of `cmt.writing.closing.ALL_ENDINGS`."""
    rests: Mapping[Instrument, frozenset[int]]
    """The positions on which instruments had to be silent when the piece was written."""
    liveliness: tuple[float, ...]
    """What each bar was asked to be in percentiles of real music (n_bar,), 0..1."""
    paces: tuple[float | None, ...]
    """How lively each bar is (n_bar,), 0..1, for the choice of the band; None where nobody says it."""
    calm_bars: tuple[int, ...]
    """The bars, from 0, that are calm under speech."""
    key: Key
    """The key in which the piece was written, before it was moved."""
    sheet: tuple[str, ...] | None
    """The lead sheet in its home key (n_bar,), see `cmt.music.notation`; None for a model without one."""
    sheet_mode: Mode | None
    """The mode of that key."""
    left_out: tuple[str, ...]
    """The attributes that the model was trained without."""
    bars: tuple[str, ...]
    """The words of each bar (n_bar,), see `cmt.music.notation`."""
    told: tuple[str, ...] = ()
    """The warnings of the description."""
    warned: tuple[str, ...] = ()
    """The warnings of the plan."""
    impossible: tuple[str, ...] = ()
    """The orders that were impossible."""
    redone: tuple[Redone, ...] = ()
    """What was written anew since, in order."""
    moved: int = 0
    """The semitones by which the finished piece was moved."""
    tempo: float | None = None
    """The BPM that the finished piece was given; None is its own."""
    muted: tuple[Mapping[str, object], ...] = ()
    """The mutes of the finished piece, which took notes away and changed no others."""

    @property
    def words(self) -> Words:
        """The words of the piece."""
        return words_of_text(self.bars, self.left_out)

    @property
    def lead_sheet(self) -> LeadSheet | None:
        """The lead sheet in its home key, without accents; None for a model without one."""
        return None if self.sheet is None else sheet_of_text(self.sheet, self.sheet_mode)

    def as_json(self) -> dict[str, object]:
        """The part as JSON, keys in order."""
        return {
            "name": self.name,
            "seed": self.seed,
            "wishes": dict(self.wishes),
            "output": dict(self.output),
            "video_sha256": self.video_sha256,
            "part": None if self.part is None else list(self.part),
            "knots": [knot._asdict() for knot in self.timeline.knots],
            "length": self.timeline.length,
            "ending": self.ending,
            "rests": {instrument.label: _spans(places) for instrument, places in sorted(self.rests.items())},
            "liveliness": list(self.liveliness),
            "paces": list(self.paces),
            "calm_bars": list(self.calm_bars),
            "key": str(self.key),
            "sheet": None if self.sheet is None else list(self.sheet),
            "sheet_mode": None if self.sheet_mode is None else self.sheet_mode.label,
            "left_out": list(self.left_out),
            "bars": list(self.bars),
            "told": list(self.told),
            "warned": list(self.warned),
            "impossible": list(self.impossible),
            "redone": [redone.as_json() for redone in self.redone],
            "moved": self.moved,
            "tempo": self.tempo,
            "muted": [dict(mute) for mute in self.muted],
        }

    @classmethod
    def from_json(cls, kept: Value) -> Kept:
        """The part of a report's JSON; words, lead sheet and times are checked whole."""
        timeline = _timeline(kept)
        n_bar = timeline.n_bar
        bars = kept["bars"].each(Value.text)
        left_out = kept["left_out"].each(Value.text)
        for name in ("bars", "liveliness", "paces"):
            if len(kept[name].each(lambda bar: bar)) != n_bar:
                raise kept[name].fault(f"a list of {n_bar} bars")
        try:
            words_of_text(bars, left_out)
        except ValueError as error:
            raise kept["bars"].fault(f"words that can be read ({error})") from None
        return cls(
            name=kept["name"].text(),
            seed=kept["seed"].whole(),
            wishes=kept["wishes"].by_key(),
            output=kept["output"].by_key(),
            video_sha256=kept["video_sha256"].maybe(Value.text),
            part=kept["part"].maybe(_part),
            timeline=timeline,
            ending=kept["ending"].text(),
            rests={
                INSTRUMENTS[label]: _places(Value(spans, kept.file, f"{kept.path}.rests.{label}"), n_bar)
                for label, spans in kept["rests"].by_key().items()
                if label in INSTRUMENTS
            },
            liveliness=kept["liveliness"].each(Value.number),
            paces=kept["paces"].each(lambda bar: bar.maybe(Value.number)),
            calm_bars=kept["calm_bars"].each(lambda bar: bar.whole(0, n_bar - 1)),
            key=kept["key"].one_of(KEYS),
            sheet=kept["sheet"].maybe(lambda sheet: _sheet(sheet, n_bar)),
            sheet_mode=kept["sheet_mode"].maybe(lambda mode: mode.one_of(_MODES)),
            left_out=left_out,
            bars=bars,
            told=kept["told"].each(Value.text),
            warned=kept["warned"].each(Value.text),
            impossible=kept["impossible"].each(Value.text),
            redone=kept["redone"].each(Redone.from_json),
            moved=kept["moved"].whole(-127, 127),
            tempo=kept["tempo"].maybe(Value.positive),
            muted=kept["muted"].each(Value.by_key),
        )


def _part(part: Value) -> tuple[float, float | None]:
    times = part.each(lambda time: time.maybe(Value.number))
    if len(times) != 2 or times[0] is None:
        raise part.fault("a begin and an end")
    return times[0], times[1]


def _timeline(kept: Value) -> Timeline:
    length = kept["length"].positive()
    if length > MOST_BARS * POSITIONS_PER_BAR:
        raise kept["length"].fault(f"{MOST_BARS * POSITIONS_PER_BAR} sixteenths at most")
    knots = kept["knots"].each(lambda knot: Knot(knot["position"].number(), knot["seconds"].number()))
    try:
        return Timeline(knots, length)
    except ValueError:
        raise kept["knots"].fault("two knots or more that rise, the first at 0 s in the first bar") from None


def _sheet(sheet: Value, n_bar: int) -> tuple[str, ...]:
    texts = sheet.each(Value.text)
    if len(texts) != n_bar:
        raise sheet.fault(f"a list of {n_bar} bars")
    try:
        sheet_of_text(texts, None)
    except ValueError as error:
        raise sheet.fault(f"a lead sheet that can be read ({error})") from None
    return texts


def _spans(places: frozenset[int]) -> list[dict[str, int]]:
    """Positions as spans, the last one of each included."""
    begins = [place for place in sorted(places) if place - 1 not in places]
    ends = [place for place in sorted(places) if place + 1 not in places]
    return [{"first": begin, "last": end} for begin, end in zip(begins, ends, strict=True)]


def _places(spans: Value, n_bar: int) -> frozenset[int]:
    most = n_bar * POSITIONS_PER_BAR
    read = spans.each(lambda span: (span["first"].whole(0, most), span["last"].whole(0, most)))
    return frozenset(place for first, last in read for place in range(first, last + 1))
