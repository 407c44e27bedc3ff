"""The part of a report that says who plays."""

from __future__ import annotations

from cmt.report.values import Value
from midi_io.general_midi import sound_name
from midi_io.performance import MOST, Voice
from midi_io.song import INSTRUMENTS, Instrument


def voice_as_json(voice: Voice) -> dict[str, object]:
    """A voice as JSON, keys in order."""
    return {
        "name": voice.name,
        "instrument": voice.instrument.label,
        "program": voice.program,
        "sound": sound_name(voice.program, voice.instrument is Instrument.DRUMS),
        "volume": voice.volume,
        "pan": voice.pan,
        "reverb": voice.reverb,
        "doubled": voice.doubled,
    }


def voice_from_json(voice: Value) -> Voice:
    """The voice of a report's JSON."""
    return Voice(
        instrument=voice["instrument"].one_of(INSTRUMENTS),
        program=voice["program"].whole(0, MOST),
        name=voice["name"].text(),
        volume=voice["volume"].whole(0, MOST),
        pan=voice["pan"].whole(0, MOST),
        reverb=voice["reverb"].whole(0, MOST),
        doubled=voice["doubled"].flag(),
    )
