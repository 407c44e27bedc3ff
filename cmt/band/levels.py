"""How loud the voices of a band are beside each other.

How loud a sound of our SoundFont is has been measured (`benchmarks/sound.py`), and what a voice plays says how loud it
will be: how many notes sound at a time, and their velocities. Each voice then gets the volume, controller 7, at which
it lies where its band wants it. So the MIDI file has the same mix as the sound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from midi_io.performance import MOST, Band
from midi_io.song import Instrument, Song

LOUDNESS: Mapping[int, float] = {
    0: -28.1,
    1: -29.4,
    4: -23.8,
    5: -28.3,
    11: -26.9,
    16: -27.2,
    18: -24.4,
    22: -27.4,
    24: -28.0,
    25: -29.6,
    26: -25.0,
    27: -24.1,
    28: -29.9,
    29: -23.3,
    30: -23.8,
    32: -21.7,
    33: -22.2,
    34: -23.3,
    35: -22.0,
    36: -26.0,
    38: -24.8,
    39: -17.4,
    48: -24.6,
    49: -22.3,
    50: -22.3,
    51: -20.0,
    52: -24.6,
    56: -21.7,
    61: -19.7,
    62: -26.1,
    73: -22.4,
    80: -19.2,
    81: -22.2,
    87: -23.1,
    89: -26.9,
    90: -29.3,
    95: -22.3,
}
"""LUFS of each program of our font where one note at a time sounds, struck with velocity 127 at full volume..."""
KIT_LOUDNESS: Mapping[int, float] = {0: -26.7, 8: -19.5, 16: -21.8, 24: -23.2, 25: -13.5, 32: -19.7, 40: -20.0}
"""...and of each kit, with one stroke every eighth at 120 BPM."""
USUAL_LOUDNESS = -20.0
"""The same of a program that is not in our font."""
_SUSTAIN: Mapping[Instrument, float] = {
    Instrument.DRUMS: 0.25,
    Instrument.PIANO: 1.0,
    Instrument.GUITAR: 1.0,
    Instrument.BASS: 1.0,
}
"""Seconds after which a struck note has faded to what counts for nothing..."""
_FOREVER = 1e3
"""...and those of one that is bowed or blown: it sounds as long as it lasts."""
_BEYOND: Mapping[Instrument, float] = {
    Instrument.DRUMS: -1.0,
    Instrument.PIANO: 0.0,
    Instrument.GUITAR: 1.0,
    Instrument.BASS: -1.8,
    Instrument.STRINGS: 1.5,
}
"""Decibels by which the tracks of pieces were louder than estimated, against each other: low tones are less loud."""
_VOLUME = 118
"""The volume of the loudest voice."""
_SOFTEST = 24
"""No voice is softer than this volume, which is 29 dB below the largest."""
_DOUBLED = 3.0
"""Two players of the same notes are louder by so many decibels."""


def with_levels(band: Band, levels: Sequence[float], song: Song, voices: Sequence[int]) -> Band:
    """The band with the volumes at which each voice, while it plays, lies at its level.

    Parameters
    ----------
    levels
        Decibels for each voice, against each other.
    voices
        The number of the voice that plays each note of `song`.
    """
    wanted = {number: levels[number] - estimated_loudness(song, voices, number, band) for number in sorted(set(voices))}
    most = max(wanted.values(), default=0.0)
    placed = []
    for number, voice in enumerate(band.voices):
        gain = wanted.get(number, most) - most
        volume = round(_VOLUME * 10 ** (gain / 40))
        placed.append(voice._replace(volume=max(_SOFTEST, min(MOST, volume))))
    return replace(band, voices=tuple(placed))


def estimated_loudness(song: Song, voices: Sequence[int], number: int, band: Band) -> float:
    """About how loud a voice is while it plays at full volume, in LUFS."""
    voice = band.voices[number]
    is_drum = voice.instrument is Instrument.DRUMS
    loudness = (KIT_LOUDNESS if is_drum else LOUDNESS).get(voice.program, USUAL_LOUDNESS) + _BEYOND[voice.instrument]
    loudness += _DOUBLED if voice.doubled else 0
    powers: dict[int, float] = {}
    for note, its in zip(song.notes, voices, strict=True):
        if its != number:
            continue
        sixteenth = song.seconds(note.position + 1) - song.seconds(note.position)
        longest = math.ceil(_SUSTAIN.get(note.instrument, _FOREVER) / sixteenth)
        for position in range(note.position, note.position + (longest if is_drum else min(note.duration, longest))):
            powers[position] = powers.get(position, 0.0) + (note.velocity / MOST) ** 4
    if not powers:
        return loudness
    mean = sum(powers.values()) / len(powers)
    # As loudness is measured: what is softer by ten decibels does not count.
    loud = [power for power in powers.values() if power > mean / 10]
    return loudness + 10 * math.log10(sum(loud) / len(loud))
