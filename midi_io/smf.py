"""Standard MIDI Files as they are found: bytes to tracks of events, as much of a damaged file as can be read.

What the standard (MIDI Manufacturers Association, *Standard MIDI Files 1.0*, 1996) has and real files do not keep to is
repaired here, and said where notes may have been lost or moved. Nothing is taken from a length that a file claims.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

from cmt.errors import MidiError

from .limits import MOST_EVENTS

NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL, PROGRAM, PRESSURE, PITCH = 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0
"""The kinds of an event."""
SYSTEM = 0xF0
"""The kind of a system exclusive message; its number is its place in `Track.messages`."""
_META, _ESCAPE = 0xFF, 0xF7
_TEXT, _TRACK_NAME, _PORT, _END, _TEMPO, _SIGNATURE = 0x01, 0x03, 0x21, 0x2F, 0x51, 0x58
_FINEST_DENOMINATOR = 6
"""The power of two of the finest denominator of a time signature, a 64th."""
MOST_VALUE = 127
"""The largest value of an event."""
_NO_META = -1
_VALUES_OF_SYSTEM = {0xF1: 1, 0xF2: 2, 0xF3: 1}
"""The values behind a system message that is not exclusive."""
_HEADER, _TRACK = b"MThd", b"MTrk"
_LONGEST_HEADER = 256


class Event(NamedTuple):
    """Something that happens on a channel."""

    tick: int
    kind: int
    channel: int
    """The channel, 0 to 15, and 16 for each port before its own."""
    number: int
    """The key, the controller, the program, or of a bend its lower seven bits."""
    value: int

    @property
    def bend(self) -> int:
        """Of a bend, 8,192ths of its range, below 0 downwards."""
        return (self.value << 7 | self.number) - 8192


class Tempo(NamedTuple):
    """A tempo that begins."""

    tick: int
    microseconds: int
    """Of a quarter note, above 0."""


class Signature(NamedTuple):
    """A time signature that begins."""

    tick: int
    numerator: int
    denominator: int


class Track(NamedTuple):
    """What a track holds."""

    name: str
    events: list[Event]
    tempi: list[Tempo]
    signatures: list[Signature]
    messages: list[bytes]
    """The system exclusive messages, without their first byte."""
    end: int
    """The tick of its last event, the end of the track included."""
    last_text: str
    """The last text before its end; the sign that our own files bear."""


class MidiBytes(NamedTuple):
    """What a file holds."""

    format: int
    """0 one track, 1 tracks that play together, 2 tracks that follow each other."""
    division: int
    """Ticks of a quarter note; below 0 it counts frames (see `frames_of`)."""
    tracks: list[Track]
    repairs: list[str]
    """A line for each kind of damage by which notes may have been lost or moved."""


class _Damage(NamedTuple):
    """Why a track cannot be read further, or in another way than it says."""

    kind: str
    place: int


class _DamageError(Exception):
    """What a track holds from here on cannot be read."""


class _TooManyError(Exception):
    """More than any music has."""


def parse(content: bytes, path: Path) -> MidiBytes:
    """The tracks of a MIDI file; one that lies inside another file (RIFF, MacBinary) is found.

    Raises
    ------
    MidiError
        If there is none in it, it has no tracks, or nothing of them can be read.
    """
    place = _place_of_header(content)
    if place is None:
        raise MidiError(
            f"{path}: not a readable MIDI file ({_what_it_is(content)}); export it again as a Standard MIDI File (.mid)"
        )
    length, kind, n_said, division = struct.unpack_from(">IHHh", content, place + 4)
    length = length if 6 <= length <= _LONGEST_HEADER else 6
    if division == 0:
        raise MidiError(f"{path}: says that a beat has 0 ticks; export it again from the program that made it")
    behind = content.find(_HEADER + b"\0\0\0\6", place + 8 + length)
    tracks, damages = _tracks_of(content if behind < 0 else content[:behind], place + 8 + length, path)
    if not tracks:
        raise MidiError(f"{path}: no tracks in it; export it again from the program that made it")
    has_notes = any(event.kind == NOTE_ON and event.value for track in tracks for event in track.events)
    broken = [(number, damage) for number, damage in damages if damage.kind != _LENGTH]
    if broken and not has_notes:
        number, damage = broken[0]
        raise MidiError(
            f"{path}: track {number} {damage.kind} (byte {damage.place:,}) and no note can be read; "
            "export it again from the program that made it"
        )
    repairs = _in_words(damages)
    if behind >= 0:
        repairs.append("another MIDI file stands behind the first one: it is left out")
    if len(tracks) < n_said and not broken:
        repairs.append(f"{len(tracks)} of {n_said} tracks are there: the others are lost")
    return MidiBytes(kind, division, tracks, repairs)


def frames_of(division: int) -> tuple[int, int]:
    """The frames a second, 29 for 30,000 / 1,001, and the ticks of a frame, of a division that counts frames."""
    return -(division >> 8), division & 0xFF


_LENGTH = "says a wrong length"
_CUT = "is cut off"
_WAIT = "has a wait of more than four bytes"
_STATUS = "has a value where an event should be"


def _place_of_header(content: bytes) -> int | None:
    """Where the header begins; a file inside another one is not at its beginning."""
    place = content.find(_HEADER)
    return place if 0 <= place <= len(content) - 14 else None


_KNOWN_HEADS = (
    (b"RIFF", "a RIFF file without MIDI in it"),
    (b"PK\x03\x04", "a zip archive: unpack it"),
    (b"\x1f\x8b", "packed by gzip: unpack it"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC file"),
    (b"%PDF", "a PDF file"),
    (b"<", "a text file"),
)


def _what_it_is(content: bytes) -> str:
    """What a file that is no MIDI file seems to be."""
    if not content:
        return "it is empty"
    if _HEADER in content:
        return "its header is damaged"
    found = next((name for head, name in _KNOWN_HEADS if content.startswith(head)), None)
    return f"it is {found}" if found else "it has no header MThd"


def _tracks_of(content: bytes, place: int, path: Path) -> tuple[list[Track], list[tuple[int, _Damage]]]:
    """The tracks from a place on, and the number, from 1, of each damaged one with its damage."""
    tracks: list[Track] = []
    damages: list[tuple[int, _Damage]] = []
    n_event = 0
    while place + 8 <= len(content):
        name, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "big")
        begin, end = place + 8, place + 8 + length
        is_true = end == len(content) or (end < len(content) and _is_end_of_chunk(content, end))
        if name != _TRACK:
            # A chunk of another kind is passed over; what is none at all, up to the next track.
            place = end if is_true else _next_track(content, place + 1)
            continue
        reader = _TrackReader(content, begin, end if is_true else len(content), MOST_EVENTS - n_event)
        try:
            track = reader.read(stop_at_end=not is_true)
        except _TooManyError:
            raise MidiError(
                f"{path}: has more than {MOST_EVENTS:,} events, the most that are read; is it music?"
            ) from None
        n_event += len(track.events) + len(track.tempi) + len(track.signatures)
        tracks.append(track)
        if reader.damage is not None:
            damages.append((len(tracks), reader.damage))
        elif not is_true and reader.place != end:
            damages.append((len(tracks), _Damage(_LENGTH, place + 4)))
        place = end if is_true else _next_track(content, reader.place)
    return tracks, damages


def _is_end_of_chunk(content: bytes, place: int) -> bool:
    """Whether another chunk, or what cannot be part of a track, begins at a place."""
    name = content[place : place + 4]
    return name == _TRACK or (len(name) == 4 and name.isalnum()) or not any(content[place:])


def _next_track(content: bytes, place: int) -> int:
    found = content.find(_TRACK, place)
    return len(content) if found < 0 else found


class _TrackReader:
    """Reads the events of a track, up to its end or to what cannot be read."""

    def __init__(self, content: bytes, begin: int, end: int, most_events: int) -> None:
        self._content, self._end, self._most = content, end, most_events
        self.place = begin
        """How far it has been read."""
        self.damage: _Damage | None = None
        self._track = Track("", [], [], [], [], 0, "")
        self._tick = self._port = 0
        self._name = self._text = ""
        self._is_ended = False

    def read(self, stop_at_end: bool) -> Track:
        """The track.

        Events behind an end of the track are read where its length says that they belong to it; with `stop_at_end`,
        where the length cannot be trusted, they are not.
        """
        try:
            self._read(stop_at_end)
        except _DamageError as found:
            if not self._is_ended:  # what stands behind the end is no part of the music
                self.damage = _Damage(str(found), self.place)
        return self._track._replace(name=self._name, end=self._tick, last_text=self._text)

    def _read(self, stop_at_end: bool) -> None:
        content, end, events = self._content, self._end, self._track.events
        running = 0
        while self.place < end:
            if stop_at_end and content.startswith(_TRACK, self.place):
                return
            self._most -= 1
            if self._most < 0:
                raise _TooManyError
            wait, place = self._number(self.place)
            tick = self._tick + wait
            status = content[place] if place < end else _damage(_CUT)
            if status >= 0x80:
                place += 1
            else:
                status = running or _damage(_STATUS)
            if status < SYSTEM:
                running, kind = status, status & 0xF0
                n_value = 1 if kind in (PROGRAM, PRESSURE) else 2
                if place + n_value > end:
                    _damage(_CUT)
                number, value = content[place], content[place + 1] if n_value == 2 else 0
                if number > MOST_VALUE or value > MOST_VALUE:  # no value; what is near is played
                    number, value = min(number, MOST_VALUE), min(value, MOST_VALUE)
                events.append(Event(tick, kind, 16 * self._port + (status & 0x0F), number, value))
                place += n_value
            else:
                place = self._read_system(status, place, tick)
            self._tick, self.place = tick, place
            if self._is_ended and (stop_at_end or not any(content[place:end])):
                return

    def _read_system(self, status: int, place: int, tick: int) -> int:
        """Take what concerns no channel, and give the place behind it."""
        if status not in (SYSTEM, _ESCAPE, _META):
            return place + _VALUES_OF_SYSTEM.get(status, 0)
        kind = _NO_META
        if status == _META:
            kind = self._content[place] if place < self._end else _damage(_CUT)
            place += 1
        length, place = self._number(place)
        data = self._content[place : min(place + length, self._end)]
        if len(data) < length:
            _damage(_CUT)
        if status == SYSTEM:
            self._track.events.append(Event(tick, SYSTEM, 0, len(self._track.messages), 0))
            self._track.messages.append(data)
        elif status == _META:
            self._take_meta(kind, data, tick)
        return place + length

    def _take_meta(self, kind: int, data: bytes, tick: int) -> None:
        """Take what is needed of a meta event; one that is not well-formed says nothing."""
        if kind == _END:
            self._is_ended = True
        elif kind == _TEMPO and len(data) == 3:
            self._track.tempi.append(Tempo(tick, int.from_bytes(data, "big")))
        elif kind == _SIGNATURE and len(data) >= 2 and data[0] and data[1] <= _FINEST_DENOMINATOR:
            self._track.signatures.append(Signature(tick, data[0], 2 ** data[1]))
        elif kind == _PORT and data:
            self._port = data[0]
        elif kind == _TRACK_NAME:
            self._name = self._name or _decoded(data)
        elif kind == _TEXT:
            self._text = _decoded(data)

    def _number(self, place: int) -> tuple[int, int]:
        """A number of one to four bytes and the place behind it."""
        number = 0
        for here in range(place, place + 4):
            byte = self._content[here] if here < self._end else _damage(_CUT)
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                return number, here + 1
        return _damage(_WAIT), place


def _damage(kind: str) -> NoReturn:
    raise _DamageError(kind)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


_OUTCOMES: tuple[tuple[str, Callable[[str], str]], ...] = (
    (_LENGTH, lambda which: f"{which} a wrong length: read up to the end of the track"),
    (_CUT, lambda which: f"{which} cut off: what is there is read"),
    (_WAIT, lambda which: f"{which} a wait of more than four bytes: what follows it is left out"),
    (_STATUS, lambda which: f"{which} damaged, a value stands where an event should: what follows it is left out"),
)


def _in_words(damages: list[tuple[int, _Damage]]) -> list[str]:
    """A line for each kind of damage."""
    lines = []
    for kind, outcome in _OUTCOMES:
        numbers = [number for number, damage in damages if damage.kind == kind]
        if numbers:
            verb = {_LENGTH: ("says", "say"), _CUT: ("is", "are"), _WAIT: ("has", "have"), _STATUS: ("is", "are")}[kind]
            shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
            which = f"track {shown} {verb[0]}" if len(numbers) == 1 else f"tracks {shown} {verb[1]}"
            lines.append(outcome(which))
    return lines
