"""Songs to and from Standard MIDI Files."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MidiError
from .general_midi import PROGRAMS, instrument_of_program
from .quantize import quantize_span, without_overlaps
from .song import BEATS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Note, Song
from .whole_file import whole_file

if TYPE_CHECKING:
    import miditoolkit

TICKS_PER_BEAT = 480
TICKS_PER_POSITION = TICKS_PER_BEAT // POSITIONS_PER_BEAT
_MICROSECONDS_PER_MINUTE = 60_000_000
_LONGEST_BEAT = 2**24 - 1
"""Microseconds: a tempo is stored in three bytes."""
_LAST_TICK = 2**28 - 1
"""The longest wait that a file can store."""
_KEY_SIGNATURE = re.compile(rb"\xff\x59\x02..", re.DOTALL)
_C_MAJOR = b"\xff\x59\x02\x00\x00"
"""Keys are not used here, but a wrong one, which real files have, would stop the parser."""
_END_MARK = "end"
_STRAY_TICKS = 2
"""Writers of MIDI put the end of a track one tick, some two, after its last event."""


def write_midi(song: Song, path: str | os.PathLike[str], *, title: str | None = None) -> None:
    """Write `song` as a Standard MIDI File of type 1; the same song gives the same bytes.

    Notes are cut at `song.length`, and the file ends there even if the last note ends
    earlier. The tempo is stored as whole microseconds per quarter note, so a piece drifts
    by at most half a microsecond a beat.

    Parameters
    ----------
    title : str, optional
        Name of the piece, stored as the name of the first track.

    Raises
    ------
    MidiError
        If the file cannot be written.
    ValueError
        If the song is too slow or too long for the format.
    """
    content = _encode_midi(song, title)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)


def read_midi(path: str | os.PathLike[str]) -> Song:
    """Read any MIDI file as a `Song` on the sixteenth grid.

    Tracks are merged into the five instruments by channel (drums) and program; positions
    come from the file's own ticks, and a bar counts 16 of them whatever its time signature
    says. A file with several tempi gets the steady tempo that lasts as long. Each pitch
    sounds once at a time: see `quantize.without_overlaps`.

    Raises
    ------
    MidiError
        If the file is missing, malformed, or counts time in SMPTE frames.
    """
    path = Path(path)
    midi = _parse_midi(path)
    ticks_per_beat = midi.ticks_per_beat
    notes = []
    for track in midi.instruments:
        instrument = instrument_of_program(int(track.program), track.is_drum)
        if instrument is None:
            continue
        for note in track.notes:
            position, duration = quantize_span(note.start, note.end, ticks_per_beat)
            notes.append(Note(position, instrument, note.pitch, duration, note.velocity))
    notes = without_overlaps(notes)
    end_tick = midi.max_tick - 1  # miditoolkit counts the tick of the last event in
    length = max([_length_in_positions(end_tick, ticks_per_beat), *(note.position + note.duration for note in notes)])
    return Song(tuple(notes), _steady_tempo(midi, end_tick), length)


def _encode_midi(song: Song, title: str | None) -> bytes:
    import miditoolkit
    import mido

    microseconds_per_beat = round(_MICROSECONDS_PER_MINUTE / song.tempo)
    if not 1 <= microseconds_per_beat <= _LONGEST_BEAT:
        raise ValueError(f"MIDI stores tempi from 3.6 to 60,000,000, got {song.tempo}")
    end_tick = round(song.length * TICKS_PER_POSITION)
    if end_tick > _LAST_TICK:
        raise ValueError(f"a MIDI file holds at most {_LAST_TICK // TICKS_PER_POSITION} sixteenths, got {song.length}")
    midi = miditoolkit.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
    midi.tempo_changes = [miditoolkit.TempoChange(_MICROSECONDS_PER_MINUTE / microseconds_per_beat, 0)]
    midi.time_signature_changes = [miditoolkit.TimeSignature(BEATS_PER_BAR, 4, 0)]
    midi.instruments = [_track_of(song, instrument, end_tick) for instrument in song.instruments]

    draft = io.BytesIO()
    midi.dump(file=draft)
    draft.seek(0)
    # miditoolkit writes neither a title nor a text, and ends every track one tick late.
    mido_file = mido.MidiFile(file=draft, charset="utf-8")
    conductor = mido_file.tracks[0]
    conductor.insert(0, mido.MetaMessage("track_name", name=title or "", time=0))
    conductor.insert(-1, mido.MetaMessage("text", text=_END_MARK, time=end_tick))
    for track in mido_file.tracks:
        track[-1].time = 0
    content = io.BytesIO()
    mido_file.save(file=content)
    return content.getvalue()


def _track_of(song: Song, instrument: Instrument, end_tick: int) -> miditoolkit.Instrument:
    import miditoolkit

    track = miditoolkit.Instrument(
        program=PROGRAMS[instrument], is_drum=instrument is Instrument.DRUMS, name=instrument.label.capitalize()
    )
    for note in without_overlaps(note for note in song.notes if note.instrument is instrument):
        start = note.position * TICKS_PER_POSITION
        end = min(start + note.duration * TICKS_PER_POSITION, end_tick)
        if start < end:
            track.notes.append(miditoolkit.Note(note.velocity, note.pitch, start, end))
    return track


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


def _steady_tempo(midi: miditoolkit.MidiFile, end_tick: int) -> float:
    """The tempo at which the whole file lasts as long as it does with all its tempo changes."""
    changes = sorted((change.time, float(change.tempo)) for change in midi.tempo_changes)
    last_note = max((note.end for track in midi.instruments for note in track.notes), default=0)
    end_tick = last_note or end_tick
    ticks = minutes_in_ticks = 0.0
    for (start, tempo), (stop, _) in zip(changes, [*changes[1:], (end_tick, 0.0)], strict=True):
        span = min(stop, end_tick) - start
        if span > 0:
            ticks += span
            minutes_in_ticks += span / tempo
    return _simplest_tempo(ticks / minutes_in_ticks if ticks else changes[0][1])


def _simplest_tempo(tempo: float) -> float:
    """The roundest tempo that a file would store as the same microseconds: 90.0, not 89.99996."""
    microseconds = round(_MICROSECONDS_PER_MINUTE / tempo)
    for digits in range(6):
        simple = round(tempo, digits)
        if simple > 0 and round(_MICROSECONDS_PER_MINUTE / simple) == microseconds:
            return simple
    return tempo
