"""The sounds of a SoundFont one by one: what each plays to be measured, and how loud it is with one speaker and two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from midi_io import Instrument, Note, Song
from midi_io.general_midi import instrument_of_program
from midi_io.performance import STANDARD_BAND, exactly
from midi_io.rendering import play

DRUM_BANK = 128
VELOCITY = 100
_STROKES = (36, 42, 38, 42, 36, 46, 38, 49, 45, 47, 50, 51, 56, 39, 37, 54)
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12)
_TRIAD = (0, 4, 7)


class Sound(NamedTuple):
    """How a preset sounds at FluidSynth's own loudness, in our place and room."""

    loudness: float
    """Root mean square of both channels, dB of full scale."""
    peak: float
    mono_loss: float
    """How many dB quieter the mean of both channels is."""
    correlation: float


def song_for(bank: int, program: int) -> tuple[Instrument, Song]:
    """Sixteen strokes on a kit, or a scale and a chord (for a bass its root), all of one velocity, in 4.25 s."""
    instrument = instrument_of_program(program, bank == DRUM_BANK)
    assert instrument is not None
    if instrument is Instrument.DRUMS:
        notes = [Note(2 * i, instrument, key, 1, VELOCITY) for i, key in enumerate(_STROKES)]
    else:
        root, chord = (36, (0,)) if instrument is Instrument.BASS else (60, _TRIAD)
        notes = [Note(2 * i, instrument, root + step, 2, VELOCITY) for i, step in enumerate(_SCALE)]
        notes += [Note(16, instrument, root + step, 16, VELOCITY) for step in chord]
    return instrument, Song.steady(notes, 120.0, 34)


def audio_of(bank: int, program: int, soundfont: str | None = None) -> NDArray[np.float32]:
    """The samples of a preset, shape (n_sample, 2) at 44.1 kHz."""
    instrument, song = song_for(bank, program)
    return play(exactly(song, STANDARD_BAND.with_programs({instrument: program})), soundfont=soundfont)


def measure(audio: NDArray[np.float32]) -> Sound:
    """The sound of samples, shape (n_sample, 2); silence has a loudness of minus infinity."""
    loudness = decibels(audio)
    correlation = float(np.corrcoef(audio.T)[0, 1]) if np.isfinite(loudness) else 0.0
    return Sound(loudness, float(np.abs(audio).max()), loudness - decibels(audio.mean(axis=1)), correlation)


def decibels(audio: NDArray[np.float32]) -> float:
    """The root mean square in dB of full scale."""
    power = float(np.mean(np.square(audio, dtype=np.float64)))
    return 10 * np.log10(power) if power else -np.inf
