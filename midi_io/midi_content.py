"""What a MIDI file says, in ticks: its notes and who plays them, its tempi and metre, and where its music ends."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from cmt.errors import MidiError

from .input_file import content_of
from .limits import FASTEST_BEAT, MOST_BEATS, MOST_HOURS, MOST_MIDI_BYTES, MOST_SILENT_MINUTES
from .smf import (
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    PITCH,
    PROGRAM,
    SYSTEM,
    Event,
    MidiBytes,
    Signature,
    Tempo,
    Track,
    frames_of,
    parse,
)

USUAL_TEMPO = 500_000
"""The microseconds of a quarter note where a file does not say."""
DRUM_CHANNEL = 9
BANK, ALL_SOUND_OFF, ALL_NOTES_OFF = 0, 120, 123
"""Controllers. From `ALL_NOTES_OFF` on each ends all notes of its channel."""
RESET = 0x00
"""The kind of an event, ours alone, with which a sequence of a file of type 2 begins: all channels as at first."""
END_MARK = "end"
"""The last text of a file that `midi_io.midi_writer` wrote; it stands where the piece ends."""
_XG_ON = bytes((0x43, 0x10, 0x4C, 0x00, 0x00, 0x7E, 0x00))
_GM2_ON = bytes((0x09, 0x03))
_GS_SET = bytes((0x42, 0x12, 0x40))
_GS_USE = 0x15
"""What messages hold: the standards of Yamaha, 1994, of the MMA, 1999, and of Roland, 1991."""
_XG_DRUM_BANKS, _GM2_DRUM_BANK = (126, 127), 120
_QUARTERS_OF_A_WHOLE = 4


class FileNote(NamedTuple):
    """A note in ticks."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass
class Part:
    """The notes that a track plays on a channel with a program, and what moves on that channel."""

    channel: int
    program: int
    is_drum: bool
    name: str
    notes: list[FileNote] = field(default_factory=list)
    controls: list[Event] = field(default_factory=list)
    """Controllers and bends, in order of time."""


@dataclass(frozen=True)
class MidiContent:
    """A MIDI file, as much of it as can be read, its sequences one after the other."""

    path: Path
    ticks_per_beat: int
    """Ticks of a quarter note. A file that counts time in frames has quarter notes of half a second."""
    tempi: tuple[Tempo, ...]
    """In order of time, one or more, the first at tick 0, and two neighbours never alike."""
    signatures: tuple[Signature, ...]
    """In order of time; none is 4/4."""
    parts: tuple[Part, ...]
    """Those that have notes."""
    end: int
    """The tick at which the music ends."""
    events: tuple[Event, ...]
    """All that happens on the channels, in order of time, as it is to be played."""
    messages: tuple[bytes, ...]
    drum_channels: frozenset[int]
    """The channels that are drums whatever their bank."""
    drum_banks: frozenset[int]
    """The values of controller 0 that make drums of a channel."""
    is_ours: bool
    """Whether `midi_io.midi_writer` wrote it."""
    repairs: tuple[str, ...]
    """A line for each thing by which notes may have been lost or moved in reading."""

    @property
    def duration(self) -> float:
        """Length of the music in seconds."""
        return self.seconds(self.end)

    @cached_property
    def last_note(self) -> int:
        """The tick at which the last note ends, 0 if there is none."""
        return max((note.end for part in self.parts for note in part.notes), default=0)

    @cached_property
    def _begins(self) -> list[float]:
        """The seconds at which the tempi begin."""
        begins = [0.0]
        for tempo, following in pairwise(self.tempi):
            begins.append(begins[-1] + (following.tick - tempo.tick) * self._seconds_of_tick(tempo))
        return begins

    def _seconds_of_tick(self, tempo: Tempo) -> float:
        return tempo.microseconds / 1e6 / self.ticks_per_beat

    def seconds(self, tick: int) -> float:
        """When a tick comes."""
        place = bisect_right(self.tempi, tick, key=lambda tempo: tempo.tick) - 1
        return self._begins[place] + (tick - self.tempi[place].tick) * self._seconds_of_tick(self.tempi[place])

    @property
    def metres(self) -> tuple[str, ...]:
        """The time signatures that hold while there is music, such as ``3/4``, each once; without any it is 4/4."""
        last = max((note.start for part in self.parts for note in part.notes), default=0)
        at = {signature.tick: f"{signature.numerator}/{signature.denominator}" for signature in self.signatures}
        begun = [(tick, name) for tick, name in sorted(at.items()) if tick <= last]
        if not begun or begun[0][0] > 0:
            begun.insert(0, (0, "4/4"))
        return tuple(dict.fromkeys(name for _, name in begun))


def read_content(path: str | os.PathLike[str]) -> MidiContent:
    """Read a MIDI file.

    Raises
    ------
    MidiError
        If there is no such file, it is none, nothing of it can be read, or it lasts longer than music does.
    """
    path = Path(path)
    content = _content(path, parse(content_of(path, MOST_MIDI_BYTES, MidiError), path))
    _check_length(content)
    return content


def _content(path: Path, midi: MidiBytes) -> MidiContent:
    repairs = list(midi.repairs)
    tracks, ticks_per_beat, usual = midi.tracks, midi.division, USUAL_TEMPO
    if midi.division < 0:
        tracks, ticks_per_beat, usual = _in_frames(midi)
        repairs.append("counts time in frames: its beats are taken to last half a second")
    no_tempi = [tempo.microseconds for track in tracks for tempo in track.tempi if tempo.microseconds < FASTEST_BEAT]
    if no_tempi:
        which = f"a tempo of {no_tempi[0]}" if len(no_tempi) == 1 else f"{len(no_tempi)} tempi of {min(no_tempi)}"
        repairs.append(f"has {which} microseconds{' or more' if max(no_tempi) > min(no_tempi) else ''}, passed over")
        tracks = [
            track._replace(tempi=[tempo for tempo in track.tempi if tempo.microseconds >= FASTEST_BEAT])
            for track in tracks
        ]
    if midi.format == 2 and len(tracks) > 1:
        tracks = _one_after_another(tracks, ticks_per_beat, usual)
        repairs.append(f"holds {len(tracks)} sequences (type 2): they follow each other")
    drum_channels, drum_banks = _drums_of(tracks)
    parts = _parts_of(tracks, drum_channels, drum_banks)
    signatures = tuple(sorted(signature for track in tracks for signature in track.signatures))
    is_ours = midi.format == 1 and bool(tracks) and tracks[0].last_text == END_MARK and not tracks[0].events
    last = max((track.end for track in tracks), default=0)
    end = last if is_ours else _end_of_music(parts, signatures, last, ticks_per_beat)
    return MidiContent(
        path=path,
        ticks_per_beat=ticks_per_beat,
        tempi=_tempi_of(tracks, usual),
        signatures=signatures,
        parts=tuple(parts),
        end=end,
        events=_in_order(tracks),
        messages=tuple(message for track in tracks for message in track.messages),
        drum_channels=drum_channels,
        drum_banks=drum_banks,
        is_ours=is_ours,
        repairs=tuple(repairs),
    )


def _check_length(content: MidiContent) -> None:
    """Raise a MidiError if no music is so long."""
    last = content.last_note
    hours = content.seconds(last) / 3600
    if hours > MOST_HOURS:
        raise MidiError(
            f"{content.path}: lasts {hours:,.1f} hours, more than {MOST_HOURS} are not read; is a wait in it broken?"
        )
    if last > MOST_BEATS * content.ticks_per_beat:
        raise MidiError(
            f"{content.path}: has {last / content.ticks_per_beat:,.0f} beats, more than {MOST_BEATS:,} are not read; "
            "is a tempo in it broken?"
        )
    heard = 0
    if content.is_ours:
        return
    for note in sorted(note for part in content.parts for note in part.notes):
        minutes = (content.seconds(note.start) - content.seconds(heard)) / 60 if note.start > heard else 0.0
        if minutes > MOST_SILENT_MINUTES:
            raise MidiError(
                f"{content.path}: is silent for {minutes:,.0f} minutes after {content.seconds(heard):,.1f} s, which no "
                "music is; a wait in it is broken"
            )
        heard = max(heard, note.end)


def _in_frames(midi: MidiBytes) -> tuple[list[Track], int, int]:
    """The tracks without tempi, the ticks of a quarter note, and its microseconds.

    Ticks count twice, so that a quarter note of half a second is a whole number of them.
    """
    frames, ticks_of_frame = frames_of(midi.division)
    is_drop = frames == 29
    ticks_per_beat = max(1, (30 if is_drop else frames) * ticks_of_frame)
    tracks = [
        track._replace(
            events=[event._replace(tick=2 * event.tick) for event in track.events],
            signatures=[signature._replace(tick=2 * signature.tick) for signature in track.signatures],
            tempi=[],
            end=2 * track.end,
        )
        for track in midi.tracks
    ]
    return tracks, ticks_per_beat, USUAL_TEMPO * 1001 // 1000 if is_drop else USUAL_TEMPO


def _one_after_another(tracks: Sequence[Track], ticks_per_beat: int, usual: int) -> list[Track]:
    """The sequences of a file of type 2, each moved to where the one before it ends; each begins anew in all.

    They last whole beats: a sequence that ends with the release of its last note is not played on before its beat is
    over.
    """
    moved, begin = [], 0
    for track in tracks:
        parts = _parts_of([track], frozenset({DRUM_CHANNEL}), frozenset())
        end = _end_of_music(parts, tuple(sorted(track.signatures)), track.end, ticks_per_beat)
        end = -(-end // ticks_per_beat) * ticks_per_beat
        tempi, signatures = track.tempi, track.signatures
        if begin and not any(tempo.tick == 0 and tempo.microseconds for tempo in tempi):
            tempi = [Tempo(0, usual), *tempi]
        if begin and not any(signature.tick == 0 for signature in signatures):
            signatures = [Signature(0, 4, 4), *signatures]
        events = [Event(0, RESET, 0, 0, 0), *track.events] if begin else track.events
        moved.append(
            track._replace(
                events=[event._replace(tick=event.tick + begin) for event in events if event.tick <= end],
                tempi=[tempo._replace(tick=tempo.tick + begin) for tempo in tempi if tempo.tick <= end],
                signatures=[signature._replace(tick=signature.tick + begin) for signature in signatures],
                end=begin + end,
            )
        )
        begin += end
    return moved


def _tempi_of(tracks: Sequence[Track], usual: int) -> tuple[Tempo, ...]:
    """Of several at one tick the last one counts."""
    at = {0: usual}
    for track in tracks:
        at.update((tempo.tick, tempo.microseconds) for tempo in track.tempi)
    tempi: list[Tempo] = []
    for tick, microseconds in sorted(at.items()):
        if not tempi or tempi[-1].microseconds != microseconds:
            tempi.append(Tempo(tick, microseconds))
    return tuple(tempi)


def _drums_of(tracks: Sequence[Track]) -> tuple[frozenset[int], frozenset[int]]:
    """The channels that are drums whatever their bank, and the banks that make drums of a channel."""
    drums: set[int] = set()
    banks: set[int] = set()
    for message in (message for track in tracks for message in track.messages):
        if message.startswith(_XG_ON):
            banks.update(_XG_DRUM_BANKS)
        elif message[:1] == b"\x7e" and message[2:4] == _GM2_ON:
            banks.add(_GM2_DRUM_BANK)
        elif len(message) >= 8 and message[0] == 0x41 and message[2:5] == _GS_SET:
            part, what, value = message[5:8]
            if part >> 4 == 1 and what == _GS_USE:  # 0 is a melody, else drums
                number = part & 0x0F
                channel = 9 if number == 0 else number - 1 if number <= 9 else number
                (drums.add if value else drums.discard)(channel)
    every_port = {16 * port + channel for port in range(256) for channel in drums | {DRUM_CHANNEL}}
    return frozenset(every_port), frozenset(banks)


class _Programs:
    """Which program a channel has at a tick: what its own track says, else what any track says."""

    def __init__(self, tracks: Sequence[Track], drum_banks: frozenset[int]) -> None:
        self._own: dict[tuple[int, int], list[tuple[int, int, bool]]] = defaultdict(list)
        self._all: dict[int, list[tuple[int, int, bool]]] = defaultdict(list)
        for number, track in enumerate(tracks):
            bank: dict[int, int] = {}
            for event in track.events:
                if event.kind == CONTROL and event.number == BANK:
                    bank[event.channel] = event.value
                elif event.kind == PROGRAM:
                    said = (event.tick, event.number, bank.get(event.channel, 0) in drum_banks)
                    self._own[number, event.channel].append(said)
                    self._all[event.channel].append(said)
        for changes in self._all.values():
            changes.sort(key=lambda change: change[0])

    def own(self, track: int, channel: int) -> bool:
        """Whether the track has programs of its own on the channel."""
        return (track, channel) in self._own

    def at(self, channel: int, tick: int) -> tuple[int, bool]:
        """The program at a tick and whether it is drums, whatever track says so."""
        changes = self._all.get(channel, [])
        place = bisect_right(changes, tick, key=lambda change: change[0])
        # A program that is chosen after the first notes counts for them too: it is the only one that there is.
        return changes[place - 1][1:] if place else (0, False)


def _parts_of(tracks: Sequence[Track], drum_channels: frozenset[int], drum_banks: frozenset[int]) -> list[Part]:
    programs = _Programs(tracks, drum_banks)
    released: dict[tuple[int, int], list[int]] = defaultdict(list)
    for track in tracks:
        for event in track.events:
            if event.kind == NOTE_OFF or (event.kind == NOTE_ON and not event.value):
                released[event.channel, event.number].append(event.tick)
    for ticks in released.values():
        ticks.sort()
    return [
        part
        for number, track in enumerate(tracks)
        for part in _TrackNotes(number, track, programs, drum_channels, drum_banks).parts(released)
        if part.notes
    ]


class _Pressed(NamedTuple):
    """A note that sounds."""

    start: int
    velocity: int
    part: Part


class _TrackNotes:
    """Makes notes of a track's events."""

    def __init__(
        self, number: int, track: Track, programs: _Programs, drum_channels: frozenset[int], drum_banks: frozenset[int]
    ) -> None:
        self._number, self._track = number, track
        self._programs, self._drum_channels, self._drum_banks = programs, drum_channels, drum_banks
        self._program: dict[int, tuple[int, bool]] = {}
        self._bank: dict[int, int] = {}
        self._controls: dict[int, list[Event]] = defaultdict(list)
        self._sounding: dict[int, dict[int, deque[_Pressed]]] = defaultdict(dict)
        self._parts: dict[tuple[int, bool, int], Part] = {}

    def parts(self, released: dict[tuple[int, int], list[int]]) -> Iterable[Part]:
        """The parts; `released` are the ticks at which any track releases a channel's key."""
        for event in self._track.events:
            kind, channel, key = event.kind, event.channel, event.number
            if kind == NOTE_ON and event.value:
                pressed = _Pressed(event.tick, event.value, self._part_of(channel, event.tick))
                self._sounding[channel].setdefault(key, deque()).append(pressed)
            elif kind in (NOTE_OFF, NOTE_ON):
                sounding = self._sounding[channel].get(key)
                if sounding:
                    self._end(sounding.popleft(), event.tick, key)
            elif kind == PROGRAM:
                self._program[channel] = key, self._bank.get(channel, 0) in self._drum_banks
            elif kind == CONTROL and (key >= ALL_NOTES_OFF or key == ALL_SOUND_OFF):
                for pitch, sounding in self._sounding.pop(channel, {}).items():
                    for pressed in sounding:
                        self._end(pressed, event.tick, pitch)
            elif kind in (CONTROL, PITCH):
                if kind == CONTROL and key == BANK:
                    self._bank[channel] = event.value
                self._controls[channel].append(event)
        self._end_the_rest(released)
        return self._parts.values()

    def _part_of(self, channel: int, tick: int) -> Part:
        if self._programs.own(self._number, channel):
            program, is_drum = self._program.get(channel, (0, False))
        else:
            program, is_drum = self._programs.at(channel, tick)
        is_drum = is_drum or channel in self._drum_channels
        part = self._parts.get((program, is_drum, channel))
        if part is None:
            part = Part(channel, program, is_drum, self._track.name, controls=self._controls[channel])
            self._parts[program, is_drum, channel] = part
        return part

    def _end(self, pressed: _Pressed, tick: int, pitch: int) -> None:
        pressed.part.notes.append(FileNote(pressed.start, tick, pitch, pressed.velocity))

    def _end_the_rest(self, released: dict[tuple[int, int], list[int]]) -> None:
        """What this track never released ends by another track, by its key's next stroke, or with the track."""
        for channel, keys in self._sounding.items():
            for pitch, sounding in keys.items():
                ticks, following = released.get((channel, pitch), []), self._track.end
                for pressed in reversed(sounding):
                    place = bisect_right(ticks, pressed.start)
                    end = min(following, self._track.end, *ticks[place : place + 1])
                    self._end(pressed, max(pressed.start, end), pitch)
                    following = pressed.start


def _end_of_music(parts: Sequence[Part], signatures: Sequence[Signature], last: int, ticks_per_beat: int) -> int:
    """Where the music ends in a file whose last event is at a tick: with it, at most at the end of the last note's bar.

    What follows, such as tempi or controllers, is no music.
    """
    last_note = max((note.end for part in parts for note in part.notes), default=None)
    if last_note is None:
        return last
    signature = Signature(0, 4, 4)
    for candidate in signatures:
        if candidate.tick <= last_note:
            signature = candidate
    ticks_of_bar = max(1, signature.numerator * _QUARTERS_OF_A_WHOLE * ticks_per_beat // signature.denominator)
    bars = -(-(last_note - signature.tick) // ticks_of_bar)
    return max(last_note, min(last, signature.tick + bars * ticks_of_bar))


def _in_order(tracks: Sequence[Track]) -> tuple[Event, ...]:
    """All events in order of time, those of one tick in the order of their tracks; messages counted through."""
    events: list[Event] = []
    n_message = 0
    for track in tracks:
        events += (
            event._replace(number=event.number + n_message) if event.kind == SYSTEM else event for event in track.events
        )
        n_message += len(track.messages)
    return tuple(sorted(events, key=lambda event: event.tick))
