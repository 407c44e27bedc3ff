"""Songs and performances to Standard MIDI Files."""

from __future__ import annotations

import io
import os
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from .midi_content import END_MARK
from .midi_file import MICROSECONDS_PER_MINUTE, TICKS_PER_BEAT, TICKS_PER_POSITION
from .performance import (
    BEND,
    CHORUS,
    MOST,
    PAN,
    REVERB,
    VOLUME,
    Performance,
    as_performance,
    ends_at_next_stroke,
)
from .song import BEATS_PER_BAR, POSITIONS_PER_BAR, Instrument, Song, Timeline
from .whole_file import whole_file

if TYPE_CHECKING:
    import miditoolkit

_LONGEST_BEAT = 2**24 - 1
"""The longest beat in microseconds: a tempo is stored in three bytes."""
_LAST_TICK = 2**28 - 1
"""The last tick: a file can store no longer wait."""


class Sign(NamedTuple):
    """A word that stands at a place in the file."""

    position: float
    """Sixteenths from the start of the first bar."""
    text: str


class Signs(NamedTuple):
    """What a file says about its music beside the notes, for those who open it in a sequencer."""

    key: str | None = None
    """The key signature as MIDI has it: ``C``, ``F#m``; at most seven sharps or flats."""
    sections: tuple[Sign, ...] = ()
    """The sections, written as markers."""
    chords: tuple[Sign, ...] = ()
    """The chords, written as text."""
    cues: tuple[Sign, ...] = ()
    """What happens in a film, written as cue points."""


NO_SIGNS = Signs()


def write_midi(
    music: Song | Performance, path: str | os.PathLike[str], *, title: str | None = None, signs: Signs = NO_SIGNS
) -> None:
    """Write `music` as a Standard MIDI File of type 1; the same music gives the same bytes.

    A song is written as `midi_io.performance.STANDARD_BAND` plays it, each note exactly on its sixteenth. A voice is a
    track, with its program, volume, place and reverb. Notes are cut at the end of the piece, and the file ends there
    even if the last note ends earlier. Tempi are stored as whole microseconds per quarter note, so a steady stretch
    drifts by at most half a microsecond a beat; what one stretch drifts the next makes up for. A pickup
    is a first bar of as many sixteenths, by its time signature, so that a sequencer shows every
    downbeat where it is.

    Parameters
    ----------
    title : str, optional
        The name of the piece, stored as the name of the first track.
    signs : Signs
        The key, and words that stand in the first track: sections, chords, what happens in a film.

    Raises
    ------
    WriteError
        If the file cannot be written.
    ValueError
        If the music is too slow or too long for the format.
    """
    content = midi_bytes(music, title=title, signs=signs)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)


def _storable(text: str) -> str:
    """The text with ? for what no encoding holds, such as the bytes of a file name that are not UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def midi_bytes(music: Song | Performance, *, title: str | None = None, signs: Signs = NO_SIGNS) -> bytes:
    """The content of the file that `write_midi` writes.

    Raises
    ------
    ValueError
        If the music is too slow or too long for the format.
    """
    performance = as_performance(music)
    import miditoolkit
    import mido

    timeline = performance.timeline
    tempo_changes = _tempo_changes(timeline)
    end_tick = _tick(timeline, timeline.length)
    if end_tick > _LAST_TICK:
        raise ValueError(
            f"a MIDI file holds at most {_LAST_TICK // TICKS_PER_POSITION} sixteenths, got {timeline.length}"
        )
    midi = miditoolkit.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
    midi.tempo_changes = [
        miditoolkit.TempoChange(MICROSECONDS_PER_MINUTE / change.microseconds_per_beat, change.tick)
        for change in tempo_changes
    ]
    midi.time_signature_changes = [miditoolkit.TimeSignature(BEATS_PER_BAR, 4, 0)]
    pickup = int(-timeline.start % POSITIONS_PER_BAR)
    if pickup and pickup < timeline.length - timeline.start:
        midi.time_signature_changes[0].time = pickup * TICKS_PER_POSITION
        midi.time_signature_changes.insert(0, miditoolkit.TimeSignature(pickup, 16, 0))
    midi.instruments = [_track_of(performance, voice, end_tick) for voice in performance.playing]

    draft = io.BytesIO()
    midi.dump(file=draft)
    draft.seek(0)
    # miditoolkit writes neither a title nor a text, and ends every track one tick late.
    mido_file = mido.MidiFile(file=draft, charset="utf-8")
    conductor = mido_file.tracks[0]
    conductor.insert(0, mido.MetaMessage("track_name", name=_storable(title or ""), time=0))
    last_tick = sum(message.time for message in conductor[:-1])
    conductor.insert(-1, mido.MetaMessage("text", text=END_MARK, time=end_tick - last_tick))
    _put_in(conductor, _messages_of(signs, timeline, end_tick))
    for track in mido_file.tracks:
        track[-1].time = 0
    content = io.BytesIO()
    mido_file.save(file=content)
    return content.getvalue()


def _messages_of(signs: Signs, timeline: Timeline, end_tick: int) -> list[tuple[int, Any]]:
    """The tick of each sign, and the sign as a message."""
    import mido

    kinds = (("marker", signs.sections), ("text", signs.chords), ("cue_marker", signs.cues))
    messages = [
        (max(0, min(_tick(timeline, sign.position), end_tick)), mido.MetaMessage(kind, text=sign.text))
        for kind, its in kinds
        for sign in its
    ]
    key = [] if signs.key is None else [(0, mido.MetaMessage("key_signature", key=signs.key))]
    return sorted(key + messages, key=lambda message: message[0])


def _put_in(track: Any, messages: list[tuple[int, Any]]) -> None:
    """Put messages into a track, each behind what stands at its tick, the two that end the track behind all."""
    tick, events = 0, []
    for number, message in enumerate(track):
        tick += message.time
        events.append((tick, number >= len(track) - 2, message))
    events = sorted([*events, *((at, False, message) for at, message in messages)], key=lambda event: event[:2])
    tick = 0
    for at, _, message in events:
        message.time, tick = at - tick, at
    track[:] = [message for _, _, message in events]


class _StoredTempo(NamedTuple):
    """A tempo as the file holds it."""

    tick: int
    microseconds_per_beat: int


def _tick(timeline: Timeline, position: float) -> int:
    return round((position - timeline.start) * TICKS_PER_POSITION)


def _tempo_changes(timeline: Timeline) -> list[_StoredTempo]:
    """The tempo map in ticks and microseconds, without drift from one stretch to the next."""
    if timeline.start != int(timeline.start):
        raise ValueError(f"a MIDI file begins with a whole sixteenth, got {timeline.start}")
    changes: list[_StoredTempo] = []
    stored_seconds = 0.0  # where the file's own tempi have come to
    inner = [knot.position for knot in timeline.knots[1:-1] if knot.position < timeline.length]
    end = max(timeline.length, timeline.knots[-1].position)
    borders = [timeline.start, *inner, end]
    for begin, stop in pairwise(borders):
        # The end is no event: it need not lie on a tick.
        stop_tick = (stop - timeline.start) * TICKS_PER_POSITION if stop == end else _tick(timeline, stop)
        beats = (stop_tick - _tick(timeline, begin)) / TICKS_PER_BEAT
        if not beats:
            continue
        microseconds = round((timeline.seconds(stop) - stored_seconds) / beats * 1e6)
        if not 1 <= microseconds <= _LONGEST_BEAT:
            raise ValueError(f"MIDI stores tempi from 3.6 to 60,000,000, got {timeline.tempo_between(begin, stop):g}")
        stored_seconds += beats * microseconds / 1e6
        if not changes or changes[-1].microseconds_per_beat != microseconds:
            changes.append(_StoredTempo(_tick(timeline, begin), microseconds))
    return changes


def _track_of(performance: Performance, number: int, end_tick: int) -> miditoolkit.Instrument:
    import miditoolkit

    voice, timeline = performance.band.voices[number], performance.timeline
    track = miditoolkit.Instrument(program=voice.program, is_drum=voice.instrument is Instrument.DRUMS, name=voice.name)
    settings = {VOLUME: voice.volume, PAN: voice.pan, REVERB: voice.reverb}
    if voice.doubled:
        settings[CHORUS] = MOST
    track.control_changes = [miditoolkit.ControlChange(controller, value, 0) for controller, value in settings.items()]
    track.control_changes += [
        miditoolkit.ControlChange(control.number, control.value, min(_tick(timeline, control.position), end_tick))
        for control in performance.controls
        if control.voice == number and control.number != BEND
    ]
    for note in ends_at_next_stroke(note for note in performance.notes if note.voice == number):
        start, end = (max(0, _tick(timeline, position)) for position in (note.start, note.end))
        end = min(max(end, start + 1), end_tick)
        if start < end:
            track.notes.append(miditoolkit.Note(note.velocity, note.pitch, start, end))
    return track
