"""Songs and performances from Standard MIDI Files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

from .general_midi import instrument_of_program
from .midi_content import MidiContent, Part, read_content
from .performance import (
    BEND,
    CHORUS,
    MOST,
    PAN,
    REVERB,
    VOLUME,
    Band,
    Control,
    Performance,
    PlayedNote,
    Voice,
    ends_at_next_stroke,
)
from .quantize import nearest_position, quantize_span, without_overlaps
from .smf import CONTROL
from .song import BEATS_PER_BAR, POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Knot, Note, Song, Timeline
from .ticks import TickNotes, TickSong, joined

MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".smf")
"""The endings, in lower case, of the files that are taken from a folder."""
TICKS_PER_BEAT = 480
TICKS_PER_POSITION = TICKS_PER_BEAT // POSITIONS_PER_BEAT
MICROSECONDS_PER_MINUTE = 60_000_000
MOST_VOICES = 64
"""A performance that is read has at most this many voices."""
_STRAY_TICKS = 2
"""Writers of MIDI put the end of a track one tick, some two, after its last event."""

Warn = Callable[[str], object]
"""A function that is called with a line for each thing by which notes may have been lost or moved in reading."""


def _unheard(line: str) -> None:
    """What is not listened to."""


def read_midi(path: str | os.PathLike[str], warn: Warn = _unheard) -> Song:
    """Read any MIDI file as a `Song` on the sixteenth grid.

    Tracks are merged into the five instruments by channel (drums) and program; positions
    come from the file's own ticks, and a bar counts 16 of them whatever its time signature
    says; a first bar of so many sixteenths in front of 4/4 is a pickup. Each pitch
    sounds once at a time: see `quantize.without_overlaps`. A file that is damaged is read as far as can be (see
    `midi_io.smf`); the song ends with the file, at most with the bar of its last note.

    Raises
    ------
    MidiError
        If the file is missing, no MIDI file, or nothing of it can be read.
    """
    return song_of(told(read_content(path), warn))


def song_of(midi: MidiContent) -> Song:
    """What `read_midi` makes of a file's content."""
    start = _pickup_start(midi)
    notes = _notes_on_the_grid(midi, start)
    return Song(tuple(notes), _whole_timeline(midi, start, notes))


def read_performance(path: str | os.PathLike[str], warn: Warn = _unheard) -> Performance:
    """Read any MIDI file as it is to be played by a band: each track with its own program, nothing moved to the grid.

    Each track that has notes is a voice; where there are more than `MOST_VOICES`, tracks of one family share one. What
    LPD-5 leaves out, such as effects, counts as strings.

    Raises
    ------
    MidiError
        As `read_midi`.
    """
    return performance_of(told(read_content(path), warn))


def performance_of(midi: MidiContent) -> Performance:
    """What `read_performance` makes of a file's content."""
    start = _pickup_start(midi)
    voices = [_voice_of(part) for part in midi.parts]
    numbers = list(range(len(voices)))
    if len(voices) > MOST_VOICES:
        kept = {voice.instrument: voice for voice in reversed(voices)}
        numbers = [list(kept).index(voice.instrument) for voice in voices]
        voices = list(kept.values())

    def position(tick: int) -> float:
        return float(start + tick * POSITIONS_PER_BEAT / midi.ticks_per_beat)

    notes, controls = [], []
    for number, part in zip(numbers, midi.parts, strict=True):
        notes += [PlayedNote(position(n.start), number, n.pitch, position(n.end), n.velocity) for n in part.notes]
        for event in part.controls:
            if event.kind == CONTROL:
                controls.append(Control(position(event.tick), number, event.number, event.value))
            else:
                controls.append(Control(position(event.tick), number, BEND, event.bend))
    timeline = _whole_timeline(midi, start, _notes_on_the_grid(midi, start))
    return Performance(tuple(ends_at_next_stroke(notes)), Band(tuple(voices)), timeline, tuple(sorted(controls)))


def read_midi_ticks(path: str | os.PathLike[str]) -> TickSong:
    """The notes of any MIDI file as they are in it, in its own ticks, merged into the five instruments.

    Without a time signature a file is in 4/4, as its standard says; one pickup bar may stand in front.

    Raises
    ------
    MidiError
        As `read_midi`.
    """
    return ticks_of(read_content(path))


def ticks_of(midi: MidiContent) -> TickSong:
    """What `read_midi_ticks` makes of a file's content."""
    parts = []
    for part in midi.parts:
        instrument = instrument_of_program(part.program, part.is_drum)
        if instrument is not None:
            columns = np.array(
                [(note.start, note.end, 0, note.pitch, note.velocity) for note in part.notes], np.int64
            ).T
            parts.append(TickNotes(*columns)._replace(instrument=np.full(len(part.notes), int(instrument))))
    n_tick = midi.end + 1
    changes = [tempo for tempo in midi.tempi if tempo.tick <= n_tick]
    start = _pickup_start(midi)
    pickup = (POSITIONS_PER_BAR - start) % POSITIONS_PER_BAR * midi.ticks_per_beat // POSITIONS_PER_BEAT
    return TickSong(
        joined(parts),
        midi.ticks_per_beat,
        n_tick,
        np.array([MICROSECONDS_PER_MINUTE / tempo.microseconds for tempo in changes]),
        np.diff([*(tempo.tick for tempo in changes), n_tick]),
        pickup,
        _is_common_time(midi, start),
        ", ".join(metre for metre in midi.metres[1 if start else 0 :] if metre != "4/4"),
        midi.repairs,
    )


def told(midi: MidiContent, warn: Warn) -> MidiContent:
    """The content, what was repaired in it told with the file's name."""
    for line in midi.repairs:
        warn(f"{midi.path}: {line}")
    return midi


def _notes_on_the_grid(midi: MidiContent, start: int) -> list[Note]:
    notes = []
    for part in midi.parts:
        instrument = instrument_of_program(part.program, part.is_drum)
        if instrument is None:
            continue
        for note in part.notes:
            position, duration = quantize_span(note.start, note.end, midi.ticks_per_beat)
            notes.append(Note(start + position, instrument, note.pitch, duration, note.velocity))
    return without_overlaps(notes)


def _whole_timeline(midi: MidiContent, start: int, notes: Sequence[Note]) -> Timeline:
    """Where the positions lie in seconds, to the end of the file."""
    length = start + _length_in_positions(midi.end, midi.ticks_per_beat)
    # Not of notes that only ring beyond the end by being rounded: a piece need not end on a sixteenth.
    length = max([length, *(note.position + note.duration for note in notes if note.position >= length)])
    return _timeline(midi, start, length, midi.last_note or midi.end)


def _voice_of(part: Part) -> Voice:
    """The voice that a part of a file is: its program, and its controllers as they stand first."""
    family = instrument_of_program(part.program, part.is_drum)
    instrument = Instrument.STRINGS if family is None else family  # drums are number 0, which `or` takes for nothing
    first: dict[int, int] = {}
    for control in part.controls:
        if control.kind == CONTROL:
            first.setdefault(control.number, control.value)
    plain = Voice(instrument, part.program, part.name or instrument.label.capitalize())
    return plain._replace(
        volume=first.get(VOLUME, plain.volume),
        pan=first.get(PAN, plain.pan),
        reverb=first.get(REVERB, plain.reverb),
        doubled=first.get(CHORUS, 0) == MOST,
    )


def _length_in_positions(end_tick: int, ticks_per_beat: int) -> float:
    ticks_per_position = ticks_per_beat / POSITIONS_PER_BEAT
    whole = round(end_tick / ticks_per_position)
    if abs(end_tick - whole * ticks_per_position) <= min(_STRAY_TICKS, ticks_per_position / 4):
        return whole
    return end_tick / ticks_per_position


def _pickup_start(midi: MidiContent) -> int:
    """The position at which the file begins: above 0 if a bar of so many sixteenths stands before 4/4."""
    signatures = midi.signatures
    if len(signatures) < 2 or signatures[0].tick != 0:
        return 0
    pickup, following = signatures[:2]
    whole = (following.numerator, following.denominator) == (BEATS_PER_BAR, 4)
    if not whole or pickup.denominator != 16 or not pickup.numerator < POSITIONS_PER_BAR:
        return 0
    if following.tick * POSITIONS_PER_BEAT != pickup.numerator * midi.ticks_per_beat:
        return 0
    return POSITIONS_PER_BAR - pickup.numerator


def _timeline(midi: MidiContent, start: int, length: float, end_tick: int) -> Timeline:
    """The file's tempi, those until `end_tick`, where the music ends; the last one goes on."""
    changes = [
        (tempo.tick, MICROSECONDS_PER_MINUTE / tempo.microseconds) for tempo in midi.tempi if tempo.tick <= end_tick
    ]
    if len(changes) == 1:
        return Timeline.steady(_simplest_tempo(changes[0][1]), length, start)
    seconds_per_tick = [60.0 / (tempo * midi.ticks_per_beat) for _, tempo in changes]
    # The last tempo goes on: any later tick will do.
    ticks = [tick for tick, _ in changes] + [max(end_tick, changes[-1][0] + 1)]
    knots = [Knot(start, 0.0)]
    for tick, following, slope in zip(ticks, ticks[1:], seconds_per_tick, strict=False):
        position = start + following * POSITIONS_PER_BEAT / midi.ticks_per_beat
        knots.append(Knot(position, knots[-1].seconds + (following - tick) * slope))
    return Timeline(tuple(knots), length)


def _is_common_time(midi: MidiContent, start: int) -> bool:
    """Whether all time signatures after a pickup, up to the last note, are 4/4 and stand on downbeats."""
    signatures = [signature for signature in midi.signatures if signature.tick <= midi.last_note][1 if start else 0 :]
    return all(
        (signature.numerator, signature.denominator) == (BEATS_PER_BAR, 4)
        and (start + nearest_position(signature.tick, midi.ticks_per_beat)) % POSITIONS_PER_BAR == 0
        for signature in signatures
    )


def _simplest_tempo(tempo: float) -> float:
    """The roundest tempo that a file would store as the same microseconds: 90.0, not 89.99996."""
    microseconds = round(MICROSECONDS_PER_MINUTE / tempo)
    for digits in range(6):
        simple = round(tempo, digits)
        if simple > 0 and round(MICROSECONDS_PER_MINUTE / simple) == microseconds:
            return simple
    return tempo
