"""Songs and performances from Standard MIDI Files."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cmt.errors import MidiError

from .general_midi import instrument_of_program
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
from .song import BEATS_PER_BAR, POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Knot, Note, Song, Timeline
from .ticks import TickNotes, TickSong, joined

if TYPE_CHECKING:
    import miditoolkit

MIDI_SUFFIXES = (".mid", ".midi")
"""The endings, in lower case, of the files that are taken from a folder."""
TICKS_PER_BEAT = 480
TICKS_PER_POSITION = TICKS_PER_BEAT // POSITIONS_PER_BEAT
MICROSECONDS_PER_MINUTE = 60_000_000
_KEY_SIGNATURE = re.compile(rb"\xff\x59\x02..", re.DOTALL)
_C_MAJOR = b"\xff\x59\x02\x00\x00"
"""Keys are not used here, but a wrong one, which real files have, would stop the parser."""
END_MARK = "end"
MOST_VOICES = 64
"""A performance that is read has at most this many voices."""
_STRAY_TICKS = 2
"""Writers of MIDI put the end of a track one tick, some two, after its last event."""


def read_midi(path: str | os.PathLike[str]) -> Song:
    """Read any MIDI file as a `Song` on the sixteenth grid.

    Tracks are merged into the five instruments by channel (drums) and program; positions
    come from the file's own ticks, and a bar counts 16 of them whatever its time signature
    says; a first bar of so many sixteenths in front of 4/4 is a pickup. Each pitch
    sounds once at a time: see `quantize.without_overlaps`.

    Raises
    ------
    MidiError
        If the file is missing, malformed, or counts time in SMPTE frames.
    """
    midi = _parse_midi(Path(path))
    start = _pickup_start(midi)
    notes = _notes_on_the_grid(midi, start)
    return Song(tuple(notes), _whole_timeline(midi, start, notes))


def read_performance(path: str | os.PathLike[str]) -> Performance:
    """Read any MIDI file as it is to be played: each track with its own program, nothing moved to the grid.

    Each track that has notes is a voice; where there are more than `MOST_VOICES`, tracks of one family share one. What
    LPD-5 leaves out, such as effects, counts as strings.

    Raises
    ------
    MidiError
        As `read_midi`.
    """
    midi = _parse_midi(Path(path))
    start = _pickup_start(midi)
    tracks = [track for track in midi.instruments if track.notes]
    voices = [_voice_of(track) for track in tracks]
    numbers = list(range(len(voices)))
    if len(voices) > MOST_VOICES:
        kept = {voice.instrument: voice for voice in reversed(voices)}
        numbers = [list(kept).index(voice.instrument) for voice in voices]
        voices = list(kept.values())

    def position(tick: int) -> float:
        return float(start + tick * POSITIONS_PER_BEAT / midi.ticks_per_beat)

    notes, controls = [], []
    for number, track in zip(numbers, tracks, strict=True):
        notes += [PlayedNote(position(n.start), number, n.pitch, position(n.end), n.velocity) for n in track.notes]
        controls += [Control(position(c.time), number, c.number, c.value) for c in track.control_changes]
        controls += [Control(position(bend.time), number, BEND, bend.pitch) for bend in track.pitch_bends]
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
    midi = _parse_midi(Path(path))
    parts = []
    for track in midi.instruments:
        instrument = instrument_of_program(int(track.program), track.is_drum)
        if instrument is not None and track.notes:
            columns = np.array(
                [(note.start, note.end, 0, note.pitch, note.velocity) for note in track.notes], np.int64
            ).T
            parts.append(TickNotes(*columns)._replace(instrument=np.full(len(track.notes), int(instrument))))
    tempo_at = {change.time: float(change.tempo) for change in midi.tempo_changes}
    changes = sorted((tick, tempo) for tick, tempo in tempo_at.items() if 0 <= tick <= midi.max_tick and tempo > 0)
    lasts = np.diff([*(tick for tick, _ in changes), max(midi.max_tick, 1)]) if changes else np.zeros(0, np.int64)
    start = _pickup_start(midi)
    pickup = (POSITIONS_PER_BAR - start) % POSITIONS_PER_BAR * midi.ticks_per_beat // POSITIONS_PER_BEAT
    return TickSong(
        joined(parts),
        midi.ticks_per_beat,
        midi.max_tick,
        np.array([tempo for _, tempo in changes]),
        lasts,
        pickup,
        _is_common_time(midi, start),
    )


def _notes_on_the_grid(midi: miditoolkit.MidiFile, start: int) -> list[Note]:
    notes = []
    for track in midi.instruments:
        instrument = instrument_of_program(int(track.program), track.is_drum)
        if instrument is None:
            continue
        for note in track.notes:
            position, duration = quantize_span(note.start, note.end, midi.ticks_per_beat)
            notes.append(Note(start + position, instrument, note.pitch, duration, note.velocity))
    return without_overlaps(notes)


def _whole_timeline(midi: miditoolkit.MidiFile, start: int, notes: Sequence[Note]) -> Timeline:
    """Where the positions lie in seconds, to the end of the file."""
    end_tick = midi.max_tick - 1  # miditoolkit counts the tick of the last event in
    length = start + _length_in_positions(end_tick, midi.ticks_per_beat)
    # Not of notes that only ring beyond the end by being rounded: a piece need not end on a sixteenth.
    length = max([length, *(note.position + note.duration for note in notes if note.position >= length)])
    last_note = max((note.end for track in midi.instruments for note in track.notes), default=0)
    return _timeline(midi, start, length, last_note or end_tick)


def _voice_of(track: miditoolkit.Instrument) -> Voice:
    """The voice that a track of a file is: its program, and its controllers as they stand first."""
    family = instrument_of_program(int(track.program), track.is_drum)
    instrument = Instrument.STRINGS if family is None else family  # drums are number 0, which `or` takes for nothing
    first: dict[int, int] = {}
    for control in track.control_changes:
        first.setdefault(control.number, control.value)
    plain = Voice(instrument, int(track.program), track.name or instrument.label.capitalize())
    return plain._replace(
        volume=first.get(VOLUME, plain.volume),
        pan=first.get(PAN, plain.pan),
        reverb=first.get(REVERB, plain.reverb),
        doubled=first.get(CHORUS, 0) == MOST,
    )


def _parse_midi(path: Path) -> miditoolkit.MidiFile:
    import miditoolkit

    try:
        content = path.read_bytes()
    except OSError as error:
        raise MidiError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    try:
        midi = miditoolkit.MidiFile(file=io.BytesIO(_KEY_SIGNATURE.sub(_C_MAJOR, content)), clip=True)
    except Exception as error:
        # The parsers raise whatever the first wrong byte leads to: EOFError, KeyError,
        # IndexError, ValueError, OSError. For the user they all mean the same.
        reason = str(error) or type(error).__name__
        raise MidiError(
            f"{path}: not a readable MIDI file ({reason}); export it again from the program that made it"
        ) from error
    if not 0 < midi.ticks_per_beat < 2**15:
        raise MidiError(f"{path}: counts time in SMPTE frames; export it again with ticks per quarter note")
    return midi


def _length_in_positions(end_tick: int, ticks_per_beat: int) -> float:
    ticks_per_position = ticks_per_beat / POSITIONS_PER_BEAT
    whole = round(end_tick / ticks_per_position)
    if abs(end_tick - whole * ticks_per_position) <= min(_STRAY_TICKS, ticks_per_position / 4):
        return whole
    return end_tick / ticks_per_position


def _pickup_start(midi: miditoolkit.MidiFile) -> int:
    """The position at which the file begins: above 0 if a bar of so many sixteenths stands before 4/4."""
    signatures = sorted(midi.time_signature_changes, key=lambda signature: signature.time)
    if len(signatures) < 2 or signatures[0].time != 0:
        return 0
    pickup, following = signatures[:2]
    whole = (following.numerator, following.denominator) == (BEATS_PER_BAR, 4)
    if not whole or pickup.denominator != 16 or not pickup.numerator < POSITIONS_PER_BAR:
        return 0
    if following.time * POSITIONS_PER_BEAT != pickup.numerator * midi.ticks_per_beat:
        return 0
    return POSITIONS_PER_BAR - int(pickup.numerator)


def _timeline(midi: miditoolkit.MidiFile, start: int, length: float, end_tick: int) -> Timeline:
    """The file's tempi, those until `end_tick`, where the music ends; the last one goes on."""
    # The last one counts where several stand at one tick.
    tempo_at = {change.time: float(change.tempo) for change in midi.tempo_changes if change.time <= max(0, end_tick)}
    changes = sorted(tempo_at.items())
    changes = [change for i, change in enumerate(changes) if i == 0 or change[1] != changes[i - 1][1]]
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


def _is_common_time(midi: miditoolkit.MidiFile, start: int) -> bool:
    """Whether all time signatures after a pickup are 4/4 and stand on downbeats."""
    signatures = sorted(midi.time_signature_changes, key=lambda signature: signature.time)[1 if start else 0 :]
    return all(
        (signature.numerator, signature.denominator) == (BEATS_PER_BAR, 4)
        and (start + nearest_position(signature.time, midi.ticks_per_beat)) % POSITIONS_PER_BAR == 0
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
