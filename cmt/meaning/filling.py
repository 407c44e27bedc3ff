"""From what a text says, phrase by phrase, to the fields of a description."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cmt.grid.hits import Marker
from cmt.meaning.description import Description, Origin
from cmt.meaning.events import Event
from cmt.meaning.lexicon import MOOD_WORDS, Sound, Stretch
from cmt.meaning.mood import mixture
from cmt.meaning.patterns import MUSICAL, Tempo, Time
from cmt.meaning.tokens import folded
from cmt.music.key import WishedKey
from cmt.music.words import Mode
from cmt.planning.energy import NAMES, Section
from cmt.planning.form import WishedForm, WishedSection
from cmt.planning.mutes import Mute
from midi_io.general_midi import PROGRAMS, sound_name
from midi_io.song import Instrument

USUAL_TEMPO = 108.0
"""The BPM that are neither slow nor fast: degrees of slow and fast are counted from here, in octaves."""
_TIMED = ("name", "level", "sound", "hit", "silence", "mood")
_NEEDS_TIME = ("level", "hit", "silence")
_RHYTHM = frozenset((Instrument.DRUMS, Instrument.BASS))


def description_of_events(events: Sequence[Event]) -> tuple[Description, list[str], list[Event]]:
    """The description, what was understood in phrases, and the events of which nothing came."""
    filling = _Filling(_with_times(events))
    filling.fill()
    origins = {name: Origin("user", said) for name, said in filling.said.items()}
    return Description(**filling.fields, origins=origins), filling.phrases, filling.left


def _with_times(events: Sequence[Event]) -> list[Event]:
    """The events without the times, each of which is given to the nearest event of its clause."""
    kept = [event for event in events if event.kind != "time"]
    lost = []
    for time in (event for event in events if event.kind == "time"):
        its = [event for event in kept if event.clause == time.clause and event.kind in _TIMED]
        if its:
            # What is named or asked for by the clause comes before a mood or a level.
            near = min(its, key=lambda event: (_TIMED.index(event.kind) > 1, abs(event.place - time.place)))
            near.times.append(time.value)
        else:
            lost.append(time)
    return sorted([*kept, *lost], key=lambda event: event.place)


class _Filling:
    """The fields so far."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.fields: dict[str, Any] = {}
        self.said: dict[str, str] = {}
        self.phrases: list[str] = []
        self.left: list[Event] = [event for event in events if event.kind == "time"]
        for event in events:
            if event.kind == "level" and not event.times and folded(event.said) in MOOD_WORDS:
                event.kind, event.value = "mood", MOOD_WORDS[folded(event.said)]
            if event.kind in _NEEDS_TIME and not event.times:
                self.left.append(event)

    def of(self, *kinds: str, timed: bool = False) -> list[Event]:
        """The events of some kinds with times, or without."""
        return [event for event in self.events if event.kind in kinds and bool(event.times) is timed]

    def fill(self) -> None:
        """Fill all fields."""
        self._mood()
        self._genre()
        self._instruments()
        self._tempo()
        self._key()
        self._form()
        self._energy()
        self._times()
        self._rest()

    def _put(self, name: str, value: Any, events: Sequence[Event], phrase: str | None = None) -> None:
        self.fields[name] = value
        self.said[name] = "; ".join(_written(event) for event in events)
        if phrase:
            self.phrases.append(phrase)

    def _mood(self) -> None:
        events = self.of("mood")
        if not events:
            return
        named = [(event.value, event.degree) for event in events if not event.negated]
        avoided = [event.value for event in events if event.negated]
        mood = mixture(dict(named).items(), dict.fromkeys(avoided))
        self._put("mood", mood, events, f"mood {mood}")

    def _genre(self) -> None:
        events = self.of("genre")
        self.left += [event for event in events if event.negated]
        wanted = [event for event in events if not event.negated]
        if not wanted:
            return
        # An exact name of a genre says more than a style that only lies near one.
        event = min(wanted, key=lambda one: one.value.is_nearest)
        near = f" (the nearest to {event.said})" if event.value.is_nearest else ""
        self._put("genre", event.value.genre, [event], f"{event.value.genre.label}{near}")
        self.left += [other for other in wanted if other.value.genre != event.value.genre]

    def _instruments(self) -> None:
        events = self.of("sound", "ensemble")
        self.left += [event for event in events if event.kind == "ensemble" and event.negated]
        wanted: dict[Instrument, list[Event]] = {}
        unwanted: dict[Instrument, list[Event]] = {}
        programs: dict[Instrument, int] = {}
        for event in events:
            sounds: tuple[Sound, ...] = (event.value,) if event.kind == "sound" else event.value
            for instrument, program in () if event.kind == "ensemble" and event.negated else sounds:
                if event.negated and program is not None:
                    # Not this sound; the plain one of the track cannot be it.
                    programs.setdefault(instrument, PROGRAMS[instrument])
                    continue
                (unwanted if event.negated else wanted).setdefault(instrument, []).append(event)
                if program is not None and programs.setdefault(instrument, program) != program:
                    self.left.append(event)
        for instrument in unwanted:
            self.left += wanted.pop(instrument, [])
            programs.pop(instrument, None)
        playing = self._playing(set(wanted), set(unwanted))
        timed = self.of("sound", timed=True)
        for event in timed:
            # Who is silent for a time plays at others.
            playing = playing | {event.value.instrument} if playing is not None else None
            if event.value.program is not None and not event.negated:
                programs.setdefault(event.value.instrument, event.value.program)
        programs = {its: program for its, program in programs.items() if playing is None or its in playing}
        if programs:
            self._put("programs", programs, [event for event in (*events, *timed) if _has_program(event)])
        if playing is not None and playing:
            self._put("instruments", tuple(sorted(playing)), events)
        elif unwanted and not playing:
            self.left += [event for its in unwanted.values() for event in its]
            return
        self.phrases += [_sound_phrase(event) for event in events if event not in self.left]

    def _playing(self, wanted: set[Instrument], unwanted: set[Instrument]) -> set[Instrument] | None:
        """Who plays: those that are named play alone, unless a genre asks for its band; None leaves all."""
        if not wanted and not unwanted:
            return None
        is_alone = bool(self.of("alone"))
        if wanted and (is_alone or not ("genre" in self.fields or wanted <= _RHYTHM)):
            return wanted
        return set(Instrument) - unwanted

    def _tempo(self) -> None:
        events = self.of("tempo")
        if events:
            tempo: Tempo = events[-1].value
            self.left += [*events[:-1], *self.of("tempo word")]
            if tempo.low == tempo.high and not events[-1].negated:
                self._put("tempo", tempo.low, events[-1:], f"{tempo.low:g} BPM")
            elif not events[-1].negated:
                self._put("tempo_range", tuple(tempo), events[-1:], f"{tempo.low:g} to {tempo.high:g} BPM")
            else:
                self.left.append(events[-1])
            return
        low, high = 0.0, math.inf
        used = []
        for event in self.of("tempo word"):
            its = _tempo_of_word(event)
            if its is None or max(low, its[0]) >= min(high, its[1]):
                self.left.append(event)
                continue
            low, high = max(low, its[0]), min(high, its[1])
            used.append(event)
        if used:
            said = ", ".join(_written(event) for event in used)
            self._put("tempo_range", (low, high), used, f"{said} ({low:g} to {high:g} BPM)")

    def _key(self) -> None:
        tonic, mode, used = None, None, []
        for event in self.of("key", "mode"):
            its = event.value if event.kind == "key" else WishedKey(None, Mode[event.value.upper()])
            if event.negated and its.mode is not None and its.tonic is None:
                its = WishedKey(None, Mode.MINOR if its.mode is Mode.MAJOR else Mode.MAJOR)
            elif event.negated:
                self.left.append(event)
                continue
            tonic, mode = (tonic if its.tonic is None else its.tonic), (mode if its.mode is None else its.mode)
            used.append(event)
        if used:
            key = WishedKey(tonic, mode)
            self._put("key", key, used, str(key) if tonic is not None else f"{Mode(mode or 0).label}")

    def _form(self) -> None:
        forms, names = self.of("form"), [event for event in self.of("name") if not event.negated]
        self.left += [event for event in self.of("name") if event.negated]
        if forms:
            self._put("form", forms[0].value, forms[:1], f"form {forms[0].value}")
            self.left += [*forms[1:], *names]
        elif len(names) > 1:
            form = WishedForm(tuple(WishedSection(event.value) for event in names))
            self._put("form", form, names, f"form {form}")
        else:
            self.left += names
        chords = self.of("chords")
        if chords:
            self._put("chords", chords[0].value, chords[:1], f"chords {chords[0].value}")

    def _energy(self) -> None:
        events = self.of("arc")
        arc: tuple[Stretch, ...] = ()
        for event in sorted(events, key=lambda one: one.value[0].begin - one.value[-1].end):
            arc = _overlaid(arc, event.value)
        if events:
            self._put("arc", arc, events, None)
            self.phrases += [_written(event) for event in events]
        loud = self.of("loudness")
        if loud:
            event = loud[-1]
            degree = -0.5 if event.negated else event.degree
            level = round(min(0.95, max(0.05, 0.5 + degree * (event.value - 0.5))), 2)
            self._put("liveliness", level, loud[-1:], f"{_written(event)} (liveliness {level:g})")
            self.left += loud[:-1]

    def _times(self) -> None:
        sections: dict[float, Section] = {}
        mutes: list[Mute] = []
        hits: list[Marker] = []
        for event in self.of("name", "level", "mood", "sound", "hit", "silence", timed=True):
            begin = next((time.seconds for time in event.times if time.meant != "until"), None)
            end = next((time.seconds for time in event.times if time.meant == "until"), None)
            if end is not None and end <= (begin or 0.0):
                self.left.append(event)
                continue
            if event.kind == "hit":
                hits += [Marker(time.seconds, source="the description") for time in event.times]
            elif event.kind in ("sound", "silence"):
                mutes += _mutes(event, begin, end)
            else:
                for section in _sections(event, begin or 0.0, end):
                    if section.energy is not None or section.time not in sections:
                        sections[section.time] = section
            self.phrases.append(f"{_written(event)} {_when(event.times)}")
        timed = self.of("name", "level", "mood", "sound", "hit", "silence", timed=True)
        if sections:
            self._put("sections", tuple(sections[time] for time in sorted(sections)), timed)
        if mutes:
            self._put("mutes", tuple(dict.fromkeys(mutes)), timed)
        if hits:
            self._put("hits", tuple(sorted(hits, key=lambda marker: marker.time)), timed)

    def _rest(self) -> None:
        endings, lengths = self.of("ending"), self.of("length")
        if endings:
            event = endings[-1]
            self._put("ending", "full" if event.negated else event.value, [event], _written(event))
        for event in self.of("voice"):
            if event.negated:  # nobody ever sings
                self.phrases.append(_written(event))
            else:
                self.left.append(event)
        if lengths:
            seconds = lengths[-1].value.seconds
            self._put("length", seconds, lengths[-1:], f"{seconds:g} s long")


def _written(event: Event) -> str:
    return (
        f"{'no' if event.kind in ('sound', 'ending', 'voice') else 'not'} {event.said}" if event.negated else event.said
    )


def _has_program(event: Event) -> bool:
    return event.kind == "ensemble" or event.value.program is not None


def _sound_phrase(event: Event) -> str:
    if event.kind == "ensemble":
        names = ", ".join(
            instrument.label if program is None else sound_name(program, instrument is Instrument.DRUMS)
            for instrument, program in event.value
        )
        return f"{event.said} ({names})"
    return _written(event)


def _tempo_of_word(event: Event) -> tuple[float, float] | None:
    """The BPM that a word means, more or less of it; None where it cannot be negated."""
    low, high = event.value
    if not event.negated:
        low, high = (round(USUAL_TEMPO * (tempo / USUAL_TEMPO) ** event.degree) for tempo in (low, high))
        return max(40.0, low), min(200.0, high)
    if low >= USUAL_TEMPO:
        return 70.0, round(low * 0.9)
    return (round(high * 1.07), MUSICAL[1]) if high < USUAL_TEMPO else None


def _overlaid(arc: tuple[Stretch, ...], over: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """An arc with another one over it, where that one says something."""
    kept = []
    for part in arc:
        slope = (part.last - part.first) / (part.end - part.begin)
        begin, end = part.begin, part.end
        for one in over:
            if one.begin <= begin < one.end:
                begin = one.end
            if one.begin < end <= one.end:
                end = one.begin
        if begin < end:
            first, last = (round(part.first + slope * (at - part.begin), 3) for at in (begin, end))
            kept.append(Stretch(begin, end, first, last))
    return tuple(sorted((*kept, *over)))


def _mutes(event: Event, begin: float | None, end: float | None) -> list[Mute]:
    """When instruments are silent: where they are not wanted, or outside the time in which they are."""
    if event.kind == "silence":
        return [Mute(instrument, begin or 0.0, end or math.inf) for instrument in Instrument]
    instrument = event.value.instrument
    if event.negated:
        return [Mute(instrument, begin or 0.0, math.inf if end is None else end)]
    before = [Mute(instrument, 0.0, begin)] if begin else []
    return [*before, *([Mute(instrument, end, math.inf)] if end else [])]


def _sections(event: Event, begin: float, end: float | None) -> list[Section]:
    if event.kind == "name":
        section = Section(begin, NAMES[event.value][0], event.value)
    else:
        level = event.value if event.kind == "level" else 0.5 + 0.4 * mixture([(event.value, event.degree)]).arousal
        degree = -0.5 if event.negated else event.degree if event.kind == "level" else 1.0
        section = Section(begin, round(min(0.98, max(0.02, 0.5 + degree * (level - 0.5))), 2))
    return [section] if end is None else [section, Section(end, None)]


def _when(times: Sequence[Time]) -> str:
    return " ".join(f"{time.meant} {time.seconds:g} s" for time in times)
