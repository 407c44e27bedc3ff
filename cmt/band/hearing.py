"""How loud a performance is from moment to moment, told from its notes, before anything is played.

A voice has the loudness that its program was measured with (`cmt.band.levels`), its volume and the notes' velocities;
what is struck or plucked falls while it is held. Decays were measured on our font: a note of velocity 80 that is held
for 16 seconds (piano and guitar at pitch 60, bass at 40). docs/bands.md says how near the estimate is to sound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cmt.band.levels import KIT_LOUDNESS, LOUDNESS, USUAL_LOUDNESS
from midi_io.mastering import TARGET
from midi_io.performance import MOST, Performance, Voice
from midi_io.song import Instrument

FRAME = 0.1
"""Seconds of a frame."""
SILENCE = -120.0
"""dBFS of a frame in which nothing sounds."""
_TIMES = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
_DECAYS = {
    Instrument.DRUMS: (0.0, -60.0, -120.0, -120.0, -120.0, -120.0),
    Instrument.PIANO: (0.0, -11.0, -22.0, -33.0, -47.0, -75.0),
    Instrument.GUITAR: (0.0, -13.0, -20.0, -32.0, -47.0, -75.0),
    Instrument.BASS: (0.0, -6.0, -9.0, -16.0, -29.0, -53.0),
    Instrument.STRINGS: (0.0,) * 6,
}
"""Decibels by which a held note has fallen at `_TIMES`, by track..."""
_DECAYS_OF_PROGRAM = {
    11: (0.0, -13.0, -28.0, -55.0, -120.0, -120.0),
    28: (0.0, -120.0, -120.0, -120.0, -120.0, -120.0),
    29: (0.0, -4.0, -6.0, -12.0, -28.0, -28.0),
    30: (0.0, -3.0, -4.0, -11.0, -23.0, -45.0),
    39: (0.0, -5.0, -5.0, -5.0, -5.0, -5.0),
}
"""...and of programs that fall otherwise: the vibraphone, the muted, the overdriven and the distorted guitar, and a
synthetic bass."""
_RELEASE = 180.0
"""Decibels a second by which a note falls that is let go: most programs of our font are 36 dB down within 0.2 s..."""
_SLOW_RELEASES = {25: 26.0, 48: 45.0, 49: 20.0, 50: 30.0, 52: 72.0, 89: 40.0, 90: 30.0}
"""...and those of programs that ring on."""
_ROOM, _ROOM_FALLS = -15.0, 43.0
"""Decibels at which a room answers it, and by which that falls in a second: 60 in the 1.4 s of pop's room."""
_AFTER = 1.5
"""Seconds after which both are over."""
_TOO_LOUD = 2.2
"""Decibels by which the estimate was above what is heard, in the middle: loudness in LUFS weighs high tones more."""
_DRUM_RINGS = 0.5
"""Seconds for which a stroke of the kit counts."""
_GATE = 10.0
"""Frames so many decibels below the mean do not count for the loudness of the whole, as in its standard."""


def estimated_levels(performance: Performance, loudness: float = TARGET) -> NDArray[np.float64]:
    """The level, in dBFS, of each frame of `FRAME` seconds of a performance that is mastered to a loudness in LUFS."""
    timeline = performance.timeline
    n_frame = max(1, round(timeline.duration / FRAME))
    times = (np.arange(n_frame) + 0.5) * FRAME
    power = np.zeros(n_frame)
    for note in performance.notes:
        voice = performance.band.voices[note.voice]
        begin, end = timeline.seconds(note.start), timeline.seconds(note.end)
        is_drum = voice.instrument is Instrument.DRUMS
        end = begin + _DRUM_RINGS if is_drum else end
        first, last = max(0, int(begin / FRAME)), min(n_frame, int((end + _AFTER) / FRAME) + 1)
        held = np.maximum(0.0, np.minimum(times[first:last], end) - begin)
        after = np.maximum(0.0, times[first:last] - end)
        falling = np.where(after > 0, np.maximum(-_release(voice) * after, _ROOM - _ROOM_FALLS * after), 0.0)
        level = _loudness(voice, note.velocity) + np.interp(held, _TIMES, _decays(voice)) + falling
        power[first:last] += 10 ** (level / 10)
    levels = 10 * np.log10(np.maximum(power, 10 ** (SILENCE / 10)))
    loud = levels > 10 * np.log10(max(power.mean(), 1e-30)) - _GATE
    if power.any() and loud.any():
        levels += loudness - _TOO_LOUD - 10 * np.log10(power[loud].mean())
    heard: NDArray[np.float64] = np.where(power > 0, np.maximum(levels, SILENCE), SILENCE)
    return heard


def _loudness(voice: Voice, velocity: int) -> float:
    """About how loud a note of a voice begins, in LUFS, before mastering."""
    measured = KIT_LOUDNESS if voice.instrument is Instrument.DRUMS else LOUDNESS
    loudness = measured.get(voice.program, USUAL_LOUDNESS)
    return loudness + 40 * math.log10(velocity / MOST) + 40 * math.log10(max(1, voice.volume) / MOST)


def _decays(voice: Voice) -> tuple[float, ...]:
    usual = _DECAYS[voice.instrument]
    return usual if voice.instrument is Instrument.DRUMS else _DECAYS_OF_PROGRAM.get(voice.program, usual)


def _release(voice: Voice) -> float:
    return _RELEASE if voice.instrument is Instrument.DRUMS else _SLOW_RELEASES.get(voice.program, _RELEASE)
