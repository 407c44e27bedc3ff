"""General MIDI programs: the one each instrument plays on, and the family others belong to."""

from __future__ import annotations

from .song import Instrument

PROGRAMS = {
    Instrument.DRUMS: 0,
    Instrument.PIANO: 0,
    Instrument.GUITAR: 24,
    Instrument.BASS: 33,
    Instrument.STRINGS: 48,
}
"""The program numbers, 0..127: standard kit, grand piano, nylon guitar, fingered bass, string ensemble."""

_PROGRAMS_PER_FAMILY = 8
_FAMILIES = {0: Instrument.PIANO, 3: Instrument.GUITAR, 4: Instrument.BASS}
_FIRST_EFFECT = 96
_ETHNIC = range(104, 112)


def instrument_of_program(program: int, is_drum: bool) -> Instrument | None:
    """The LPD-5 track that a program is merged into, or None if LPD-5 leaves it out.

    Left out are synthesiser effects (96-103), percussive sounds (112-119) and sound
    effects (120-127).
    """
    if is_drum:
        return Instrument.DRUMS
    family = program // _PROGRAMS_PER_FAMILY
    if family in _FAMILIES:
        return _FAMILIES[family]
    if program < _FIRST_EFFECT or program in _ETHNIC:
        return Instrument.STRINGS
    return None
