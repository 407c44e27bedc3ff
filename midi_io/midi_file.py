"""Songs to and from Standard MIDI Files."""

from __future__ import annotations

import io
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cmt.errors import MidiError

from .general_midi import PROGRAMS, instrument_of_program
from .quantize import nearest_position, quantize_span, without_overlaps
from .song import BEATS_PER_BAR, POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Knot, Note, Song, Timeline
from .ticks import TickNotes, TickSong, joined
from .whole_file import whole_file

if TYPE_CHECKING:
    import miditoolkit

MIDI_SUFFIXES = (".mid", ".midi")
"""The endings, in lower case, of the files that are taken from a folder."""
TICKS_PER_BEAT = 480
TICKS_PER_POSITION = TICKS_PER_BEAT // POSITIONS_PER_BEAT
_MICROSECONDS_PER_MINUTE = 60_000_000
_LONGEST_BEAT = 2**24 - 1
"""The longest beat in microseconds: a tempo is stored in three bytes."""
_LAST_TICK = 2**28 - 1
"""The last tick: a file can store no longer wait."""
_KEY_SIGNATURE = re.compile(rb"\xff\x59\x02..", re.DOTALL)
_C_MAJOR = b"\xff\x59\x02\x00\x00"
"""Keys are not used here, but a wrong one, which real files have, would stop the parser."""
_END_MARK = "end"
_STRAY_TICKS = 2
"""Writers of MIDI put the end of a track one tick, some two, after its last event."""


def write_midi(song: Song, path: str | os.PathLike[str], *, title: str | None = None) -> None:
    """Write `song` as a Standard MIDI File of type 1; the same song gives the same bytes.

    Notes are cut at `song.length`, and the file ends there even if the last note ends
    earlier. Tempi are stored as whole microseconds per quarter note, so a steady stretch drifts
    by at most half a microsecond a beat; what one stretch drifts the next makes up for. A pickup
    is a first bar of as many sixteenths, by its time signature, so that a sequencer shows every
    downbeat where it is.

    Parameters
    ----------
    title : str, optional
        The name of the piece, stored as the name of the first track.

    Raises
    ------
    WriteError
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
    says; a first bar of so many sixteenths in front of 4/4 is a pickup. Each pitch
    sounds once at a time: see `quantize.without_overlaps`.

    Raises
    ------
    MidiError
        If the file is missing, malformed, or counts time in SMPTE frames.
    """
    path = Path(path)
    midi = _parse_midi(path)
    ticks_per_beat = midi.ticks_per_beat
    start = _pickup_start(midi)
    notes = []
    for track in midi.instruments:
        instrument = instrument_of_program(int(track.program), track.is_drum)
        if instrument is None:
            continue
        for note in track.notes:
            position, duration = quantize_span(note.start, note.end, ticks_per_beat)
            notes.append(Note(start + position, instrument, note.pitch, duration, note.velocity))
    notes = without_overlaps(notes)
    end_tick = midi.max_tick - 1  # miditoolkit counts the tick of the last event in
    length = start + _length_in_positions(end_tick, ticks_per_beat)
    # Not of notes that only ring beyond the end by being rounded: a piece need not end on a sixteenth.
    length = max([length, *(note.position + note.duration for note in notes if note.position >= length)])
    last_note = max((note.end for track in midi.instruments for note in track.notes), default=0)
    return Song(tuple(notes), _timeline(midi, start, length, last_note or end_tick))


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


def _encode_midi(song: Song, title: str | None) -> bytes:
    import miditoolkit
    import mido

    tempo_changes = _tempo_changes(song)
    end_tick = _tick(song, song.length)
    if end_tick > _LAST_TICK:
        raise ValueError(f"a MIDI file holds at most {_LAST_TICK // TICKS_PER_POSITION} sixteenths, got {song.length}")
    midi = miditoolkit.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
    midi.tempo_changes = [
        miditoolkit.TempoChange(_MICROSECONDS_PER_MINUTE / change.microseconds_per_beat, change.tick)
        for change in tempo_changes
    ]
    midi.time_signature_changes = [miditoolkit.TimeSignature(BEATS_PER_BAR, 4, 0)]
    pickup = int(-song.start % POSITIONS_PER_BAR)
    if pickup and pickup < song.length - song.start:
        midi.time_signature_changes[0].time = pickup * TICKS_PER_POSITION
        midi.time_signature_changes.insert(0, miditoolkit.TimeSignature(pickup, 16, 0))
    midi.instruments = [_track_of(song, instrument, end_tick) for instrument in song.instruments]

    draft = io.BytesIO()
    midi.dump(file=draft)
    draft.seek(0)
    # miditoolkit writes neither a title nor a text, and ends every track one tick late.
    mido_file = mido.MidiFile(file=draft, charset="utf-8")
    conductor = mido_file.tracks[0]
    conductor.insert(0, mido.MetaMessage("track_name", name=title or "", time=0))
    last_tick = sum(message.time for message in conductor[:-1])
    conductor.insert(-1, mido.MetaMessage("text", text=_END_MARK, time=end_tick - last_tick))
    for track in mido_file.tracks:
        track[-1].time = 0
    content = io.BytesIO()
    mido_file.save(file=content)
    return content.getvalue()


class _StoredTempo(NamedTuple):
    """A tempo as the file holds it."""

    tick: int
    microseconds_per_beat: int


def _tick(song: Song, position: float) -> int:
    return round((position - song.start) * TICKS_PER_POSITION)


def _tempo_changes(song: Song) -> list[_StoredTempo]:
    """The tempo map in ticks and microseconds, without drift from one stretch to the next."""
    if song.start != int(song.start):
        raise ValueError(f"a MIDI file begins with a whole sixteenth, got {song.start}")
    changes: list[_StoredTempo] = []
    stored_seconds = 0.0  # where the file's own tempi have come to
    inner = [knot.position for knot in song.timeline.knots[1:-1] if knot.position < song.length]
    end = max(song.length, song.timeline.knots[-1].position)
    borders = [song.start, *inner, end]
    for begin, stop in pairwise(borders):
        # The end is no event: it need not lie on a tick.
        stop_tick = (stop - song.start) * TICKS_PER_POSITION if stop == end else _tick(song, stop)
        beats = (stop_tick - _tick(song, begin)) / TICKS_PER_BEAT
        if not beats:
            continue
        microseconds = round((song.seconds(stop) - stored_seconds) / beats * 1e6)
        if not 1 <= microseconds <= _LONGEST_BEAT:
            raise ValueError(
                f"MIDI stores tempi from 3.6 to 60,000,000, got {song.timeline.tempo_between(begin, stop):g}"
            )
        stored_seconds += beats * microseconds / 1e6
        if not changes or changes[-1].microseconds_per_beat != microseconds:
            changes.append(_StoredTempo(_tick(song, begin), microseconds))
    return changes


def _track_of(song: Song, instrument: Instrument, end_tick: int) -> miditoolkit.Instrument:
    import miditoolkit

    track = miditoolkit.Instrument(
        program=PROGRAMS[instrument], is_drum=instrument is Instrument.DRUMS, name=instrument.label.capitalize()
    )
    for note in without_overlaps(note for note in song.notes if note.instrument is instrument):
        start = _tick(song, note.position)
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
    microseconds = round(_MICROSECONDS_PER_MINUTE / tempo)
    for digits in range(6):
        simple = round(tempo, digits)
        if simple > 0 and round(_MICROSECONDS_PER_MINUTE / simple) == microseconds:
            return simple
    return tempo
