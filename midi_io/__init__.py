"""Songs on the sixteenth grid, read from and written to MIDI, pianorolls, audio and video.

Importing this package is quick: libraries that are slow to load are imported by the
functions that use them.
"""

from cmt.errors import MidiError, SynthesisError, WriteError

from .audio_file import write_wav
from .dynamics import perform
from .ending import close_ending
from .midi_file import MIDI_SUFFIXES, read_midi, read_performance
from .midi_writer import midi_bytes, write_midi
from .performance import Performance
from .pianoroll import read_pianoroll, song_from_multitrack, song_to_multitrack, write_pianoroll
from .rendering import render
from .song import Instrument, Knot, Note, Song, Timeline
from .synthesis import find_soundfont, has_fluidsynth, ready_soundfont

__all__ = [
    "MIDI_SUFFIXES",
    "Instrument",
    "Knot",
    "MidiError",
    "Note",
    "Performance",
    "Song",
    "SynthesisError",
    "Timeline",
    "WriteError",
    "close_ending",
    "find_soundfont",
    "has_fluidsynth",
    "midi_bytes",
    "perform",
    "read_midi",
    "read_performance",
    "read_pianoroll",
    "ready_soundfont",
    "render",
    "song_from_multitrack",
    "song_to_multitrack",
    "write_midi",
    "write_pianoroll",
    "write_wav",
]
