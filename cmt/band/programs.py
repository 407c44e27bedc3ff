"""Programs that the user chooses, by number or by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.music.named import instrument_named
from midi_io.general_midi import KIT_NAMES, PROGRAM_NAMES, instrument_of_program, sound_name
from midi_io.song import INSTRUMENTS, Instrument

_MOST_SHOWN = 5
_MOST_OF_A_FAMILY = 8


class ChosenProgram(NamedTuple):
    """The sound of an instrument."""

    instrument: Instrument
    program: int
    """The General MIDI program, from 0 to 127; of the drums the kit."""

    def __str__(self) -> str:
        return f"{self.instrument.label}={sound_name(self.program, self.instrument is Instrument.DRUMS)}"


def parse_program(text: str) -> ChosenProgram:
    """A program such as ``guitar=30``, ``guitar=distortion guitar`` or ``drums=jazz kit``.

    Raises
    ------
    CmtError
        If it is none; the nearest names are told.
    """
    label, _, sound = (part.strip() for part in text.partition("="))
    instrument = INSTRUMENTS.get(label.lower())
    if instrument is None or not sound:
        raise CmtError(
            f"no program {text!r}: write INSTRUMENT=PROGRAM, e.g. guitar=30 or 'guitar=distortion guitar', with one of "
            f"{', '.join(INSTRUMENTS)}"
        )
    names = KIT_NAMES if instrument is Instrument.DRUMS else dict(enumerate(PROGRAM_NAMES))
    if sound.lstrip("-").isdecimal():
        return ChosenProgram(instrument, _checked(int(sound), instrument, names))
    numbers = {name: number for number, name in names.items()}
    if sound.lower() in numbers:
        return ChosenProgram(instrument, numbers[sound.lower()])
    raise CmtError(f"no program {sound!r}; {_nearest(sound.lower(), numbers, instrument)}")


def programs_of(programs: Mapping[Instrument, int] | Mapping[str, int | str]) -> dict[Instrument, int]:
    """The programs of instruments, each given as itself or by its name; a sound may be given by its name too.

    Raises
    ------
    CmtError
        If there is none of a name, or a number is no program.
    """
    chosen: dict[Instrument, int] = {}
    for name, sound in programs.items():
        instrument = instrument_named(name)
        if isinstance(sound, str):
            chosen[instrument] = parse_program(f"{instrument.label}={sound}").program
        elif 0 <= sound <= 127:
            chosen[instrument] = sound
        else:
            raise CmtError(f"`programs`: {instrument.label} {sound}: General MIDI counts programs from 0 to 127")
    return chosen


def program_warnings(programs: Mapping[Instrument, int]) -> list[str]:
    """A line for each program that is of another family than its track."""
    warnings = []
    for instrument, program in programs.items():
        family = instrument_of_program(program, instrument is Instrument.DRUMS)
        if family is not instrument:
            counted = "leave it out" if family is None else f"count it as {family.label}"
            warnings.append(
                f"`programs`: {sound_name(program, False)} is not of the {instrument.label} family; commands that "
                f"read the MIDI file {counted}"
            )
    return warnings


def _checked(program: int, instrument: Instrument, names: Mapping[int, str]) -> int:
    if program in names:
        return program
    if instrument is Instrument.DRUMS:
        raise CmtError(f"no kit {program}; {_sounds_of(instrument, names)}")
    raise CmtError(f"no program {program}; General MIDI counts them from 0 to 127, and {_sounds_of(instrument, names)}")


def _nearest(sound: str, numbers: Mapping[str, int], instrument: Instrument) -> str:
    """``the nearest are 30 distortion guitar, 29 overdriven guitar``."""
    near = [name for name in numbers if sound in name][:_MOST_SHOWN]
    near += [name for name in difflib.get_close_matches(sound, numbers, _MOST_SHOWN, 0.4) if name not in near]
    if not near:
        return _sounds_of(instrument, {number: name for name, number in numbers.items()})
    return "the nearest are " + ", ".join(f"{numbers[name]} {name}" for name in near[:_MOST_SHOWN])


def _sounds_of(instrument: Instrument, names: Mapping[int, str]) -> str:
    """``those of the guitar are 24 nylon guitar, 25 steel guitar``: the first ones of the instrument's family."""
    is_drum = instrument is Instrument.DRUMS
    its = [number for number in names if instrument_of_program(number, is_drum) is instrument][:_MOST_OF_A_FAMILY]
    return f"those of the {instrument.label} are " + ", ".join(f"{number} {names[number]}" for number in its)
