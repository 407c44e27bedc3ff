"""A MIDI file to sound as it is: its own channels, programs, controllers and times, by FluidSynth and a SoundFont."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import MidiError, SynthesisError

from .general_midi import PROGRAMS, instrument_of_program, programs_nearest_to, sound_name, stand_ins_of
from .limits import MOST_PLAYED_CHANNELS
from .midi_content import ALL_NOTES_OFF, BANK, RESET, MidiContent, read_content
from .midi_file import Warn, performance_of, told
from .performance import CENTRE, PAN, REVERB, VOLUME, Band, Performance, Voice
from .smf import CONTROL, KEY_PRESSURE, NOTE_OFF, NOTE_ON, PITCH, PRESSURE, PROGRAM, SYSTEM, Event
from .song import Instrument
from .synthesis import DRUM_BANK, SAMPLE_RATE, SAMPLE_RATES, Synthesizer, find_soundfont, synthesizer

RING_SECONDS = 6.0
"""What rings on after the end of a file is played for so long at most."""
_FINE_BANK, _PEDAL, _EXPRESSION, _RESET_ALL, _OMNI_OFF = 32, 64, 11, 121, 124
_USUAL_VOLUME, _USUAL_REVERB, _MOST = 100, 40, 127
_MASTER_VOLUME, _FULL_VOLUME = bytes((0x04, 0x01)), bytes((0x7F, 0x7F))
_GM2_MELODY = 121
"""The bank of General MIDI 2 that is bank 0 of others."""


def read_to_play(path: str | os.PathLike[str], warn: Warn) -> Performance | MidiContent:
    """What is to be played of a MIDI file: the file as it is, or of a file that this program wrote its performance.

    Raises
    ------
    MidiError
        If the file cannot be read, or has no notes.
    """
    midi = read_content(path)
    if not midi.parts:
        raise MidiError(f"{path}: no notes to play; give a MIDI file that has some")
    told(midi, warn)
    if midi.is_ours:
        return performance_of(midi)
    if _changes_master_volume(midi):
        warn(f"{midi.path}: changes its master volume by system exclusive messages: that is not obeyed")
    return midi


def _changes_master_volume(midi: MidiContent) -> bool:
    """Whether the volume of all channels together (MMA, *Universal SysEx*, device control) changes as they play.

    One that holds throughout makes no difference: the sound is brought to a loudness of its own.
    """
    first = min(note.start for part in midi.parts for note in part.notes)
    volume, changes = _FULL_VOLUME, False
    for event in midi.events:
        message = midi.messages[event.number] if event.kind == SYSTEM else b""
        if message[:1] == b"\x7f" and message[2:4] == _MASTER_VOLUME and len(message) >= 6:
            changes = changes or (event.tick > first and message[4:6] != volume)
            volume = message[4:6]
    return changes


class _Timed(NamedTuple):
    """An event and the sample at which it comes; without an event the music is over."""

    sample: int
    event: Event | None


class _Sound(NamedTuple):
    """What plays on a channel."""

    bank: int
    program: int
    is_drum: bool


class FilePlaying:
    """A MIDI file that is being played: samples of each channel, block by block (see `midi_io.synthesis.Playing`).

    Every note starts within one block of FluidSynth (64 samples, 1.5 ms) of its time in the file. Programs, banks,
    controllers, bends and pressure are the file's, at their times; a channel's reverb (controller 91) is what it is
    where the channel's first note starts, and its chorus is left out. Where the font lacks a program, one of its family
    or its kind plays, and a line says so.
    """

    def __init__(
        self, midi: MidiContent, soundfont: str | os.PathLike[str] | None = None, sample_rate: int = SAMPLE_RATE
    ) -> None:
        if sample_rate not in SAMPLE_RATES:
            raise ValueError(f"sample_rate must be from 8000 to 96000, got {sample_rate}")
        self._midi, self._soundfont, self._sample_rate = midi, soundfont, sample_rate
        self.n_sample = round(midi.seconds(midi.end) * sample_rate)
        """The samples of the piece."""
        self.n_played = self.n_sample + round(RING_SECONDS * sample_rate)
        """The samples of all that is played."""
        channels = sorted({part.channel for part in midi.parts})
        self._number = {channel: min(number, MOST_PLAYED_CHANNELS - 1) for number, channel in enumerate(channels)}
        self.band = Band(tuple(self._voice_of(channel) for channel in channels[:MOST_PLAYED_CHANNELS]))
        """The channels, as voices."""
        self.sounding = frozenset(range(len(self.band.voices)))
        """Their numbers."""
        self._sounds: dict[int, _Sound] = {}
        self._chosen: dict[int, _Sound] = {}
        self._instead: dict[_Sound, _Sound] = {}
        self._lacking: Counter[tuple[str, str]] = Counter()
        self._lacking_banks: set[int] = set()
        self._font = Path()

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """A line for each program that the font lacks; known when all is played."""
        lines = [
            f"the SoundFont {self._font.name} has no {lacks}: {plays} plays its notes ({n_note})"
            for (lacks, plays), n_note in self._lacking.items()
        ]
        if self._lacking_banks:
            which = ", ".join(map(str, sorted(self._lacking_banks)))
            plural = "s" if len(self._lacking_banks) > 1 else ""
            lines.append(f"the SoundFont {self._font.name} has no bank{plural} {which}: bank 0 plays")
        return tuple(lines)

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The first sample of each block and the block, (n_voice, 2, n_sample), which is valid until the next one."""
        self._font = find_soundfont(self._soundfont)
        with synthesizer(self._font, self._sample_rate, len(self.band.voices)) as synth:
            self._reset(synth)
            yield from synth.play(self._events(), partial(self._apply, synth), self.n_played)

    def _voice_of(self, channel: int) -> Voice:
        """A channel as a voice: what it plays most, and its share of the room."""
        parts = [part for part in self._midi.parts if part.channel == channel]
        most = max(parts, key=lambda part: len(part.notes))
        instrument = instrument_of_program(most.program, most.is_drum)
        first = min(note.start for part in parts for note in part.notes)
        sent = [
            event.value
            for event in self._midi.events
            if event.kind == CONTROL and event.channel == channel and event.number == REVERB and event.tick <= first
        ]
        voice = Voice(Instrument.STRINGS if instrument is None else instrument, most.program, most.name)
        return voice._replace(reverb=sent[-1] if sent else _USUAL_REVERB)

    def _events(self) -> Iterator[_Timed]:
        """The events of the channels that have notes, up to the end, and the end."""
        for event in self._midi.events:
            if event.tick > self._midi.end:
                break
            yield _Timed(round(self._midi.seconds(event.tick) * self._sample_rate), event)
        yield _Timed(self.n_sample, None)

    def _reset(self, synth: Synthesizer) -> None:
        """All channels as a file finds them."""
        self._sounds = {channel: _Sound(0, 0, channel in self._midi.drum_channels) for channel in self._number}
        self._chosen = {}
        for number in range(len(self.band.voices)):
            for controller, value in (
                (ALL_NOTES_OFF, 0),
                (_RESET_ALL, 0),
                (VOLUME, _USUAL_VOLUME),
                (PAN, CENTRE),
                (_EXPRESSION, _MOST),
            ):
                synth.control(number, controller, value)

    def _apply(self, synth: Synthesizer, timed: _Timed) -> None:
        event = timed.event
        if event is None or event.kind == RESET:
            for number in range(len(self.band.voices)):
                synth.control(number, _PEDAL, 0)
                synth.control(number, ALL_NOTES_OFF, 0)
            if event is not None:
                self._reset(synth)
            return
        if event.channel not in self._number:  # it has no notes
            return
        number = self._number[event.channel]
        if event.kind == NOTE_ON and event.value:
            self._choose(synth, event.channel)
            synth.press(number, event.number, event.value)
        elif event.kind in (NOTE_OFF, NOTE_ON):
            synth.release(number, event.number)
        elif event.kind == CONTROL:
            self._control(synth, event, number)
        elif event.kind == PROGRAM:
            self._sounds[event.channel] = self._sounds[event.channel]._replace(program=event.number)
        elif event.kind == PITCH:
            synth.bend(number, event.bend)
        elif event.kind == PRESSURE:
            synth.pressure(number, event.number)
        elif event.kind == KEY_PRESSURE:
            synth.pressure(number, event.value, event.number)

    def _control(self, synth: Synthesizer, event: Event, number: int) -> None:
        controller, value = event.number, event.value
        if controller == BANK:
            is_drum = event.channel in self._midi.drum_channels or value in self._midi.drum_banks
            self._sounds[event.channel] = self._sounds[event.channel]._replace(bank=value, is_drum=is_drum)
        elif controller >= _OMNI_OFF:  # how a channel answers is fixed here; what is left is that notes end
            synth.control(number, ALL_NOTES_OFF, 0)
        elif controller != _FINE_BANK:
            synth.control(number, controller, value)

    def _choose(self, synth: Synthesizer, channel: int) -> None:
        """Give a channel its sound before a note, unless it has it."""
        wanted, number = self._sounds[channel], self._number[channel]
        if self._chosen.get(channel) != wanted:
            self._chosen[channel] = wanted
            found = next((sound for sound in _choices(wanted) if synth.select(number, sound.bank, sound.program)), None)
            if found is None:
                raise SynthesisError(
                    f"{self._font}: has no sound for {sound_name(wanted.program, wanted.is_drum)}; "
                    "choose a General MIDI SoundFont with `soundfont`"
                )
            self._instead[wanted] = found
        found = self._instead[wanted]
        if found.program != wanted.program:
            names = sound_name(wanted.program, wanted.is_drum), sound_name(found.program, wanted.is_drum)
            self._lacking[names] += 1
        elif found.bank != wanted.bank and not wanted.is_drum and wanted.bank != _GM2_MELODY:
            self._lacking_banks.add(wanted.bank)


def _choices(wanted: _Sound) -> list[_Sound]:
    """The sounds that may play what one is for, the better ones before the others."""
    if wanted.is_drum:
        kits = (*programs_nearest_to(wanted.program), PROGRAMS[Instrument.DRUMS])
        return [_Sound(DRUM_BANK, kit, True) for kit in kits]
    return [wanted, *(_Sound(0, program, False) for program in stand_ins_of(wanted.program))]
