"""General MIDI programs: their names, the one each instrument plays on, and the family others belong to."""

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

PROGRAM_NAMES = (
    "acoustic grand piano",
    "bright acoustic piano",
    "electric grand piano",
    "honky-tonk piano",
    "electric piano 1",
    "electric piano 2",
    "harpsichord",
    "clavinet",
    "celesta",
    "glockenspiel",
    "music box",
    "vibraphone",
    "marimba",
    "xylophone",
    "tubular bells",
    "dulcimer",
    "drawbar organ",
    "percussive organ",
    "rock organ",
    "church organ",
    "reed organ",
    "accordion",
    "harmonica",
    "tango accordion",
    "nylon guitar",
    "steel guitar",
    "jazz guitar",
    "clean guitar",
    "muted guitar",
    "overdriven guitar",
    "distortion guitar",
    "guitar harmonics",
    "acoustic bass",
    "fingered bass",
    "picked bass",
    "fretless bass",
    "slap bass 1",
    "slap bass 2",
    "synth bass 1",
    "synth bass 2",
    "violin",
    "viola",
    "cello",
    "contrabass",
    "tremolo strings",
    "pizzicato strings",
    "orchestral harp",
    "timpani",
    "string ensemble",
    "slow strings",
    "synth strings 1",
    "synth strings 2",
    "choir aahs",
    "voice oohs",
    "synth voice",
    "orchestra hit",
    "trumpet",
    "trombone",
    "tuba",
    "muted trumpet",
    "french horn",
    "brass section",
    "synth brass 1",
    "synth brass 2",
    "soprano sax",
    "alto sax",
    "tenor sax",
    "baritone sax",
    "oboe",
    "english horn",
    "bassoon",
    "clarinet",
    "piccolo",
    "flute",
    "recorder",
    "pan flute",
    "blown bottle",
    "shakuhachi",
    "whistle",
    "ocarina",
    "square lead",
    "saw lead",
    "calliope lead",
    "chiff lead",
    "charang lead",
    "voice lead",
    "fifths lead",
    "bass lead",
    "new age pad",
    "warm pad",
    "polysynth",
    "choir pad",
    "bowed pad",
    "metallic pad",
    "halo pad",
    "sweep pad",
    "rain",
    "soundtrack",
    "crystal",
    "atmosphere",
    "brightness",
    "goblins",
    "echoes",
    "sci-fi",
    "sitar",
    "banjo",
    "shamisen",
    "koto",
    "kalimba",
    "bagpipe",
    "fiddle",
    "shanai",
    "tinkle bell",
    "agogo",
    "steel drums",
    "woodblock",
    "taiko drum",
    "melodic tom",
    "synth drum",
    "reverse cymbal",
    "guitar fret noise",
    "breath noise",
    "seashore",
    "bird tweet",
    "telephone ring",
    "helicopter",
    "applause",
    "gunshot",
)
"""The General MIDI sound set by number, as General MIDI 1 (MMA, 1991) calls them, the longest names shortened."""
KIT_NAMES = {
    0: "standard kit",
    8: "room kit",
    16: "power kit",
    24: "electronic kit",
    25: "tr-808 kit",
    32: "jazz kit",
    40: "brush kit",
    48: "orchestra kit",
}
"""The drum kits by program, as the GS standard (Roland, 1991) numbers them."""

_PROGRAMS_PER_FAMILY = 8
_STAND_INS = (
    (range(40, 48), 48),  # one string player: many of them
    (range(64, 68), 61),  # saxophones: brass
    (range(68, 72), 73),  # other reeds: a flute
    (range(96, 104), 89),  # synthesiser effects: a warm pad
    (range(104, 109), 24),  # plucked strings of many countries: a nylon guitar
    (range(109, 112), 48),  # bagpipe, fiddle, shanai: strings
    (range(112, 120), 11),  # bells and drums that have a pitch: a vibraphone
    (range(120, 128), 95),  # noises: a sweep pad
)
"""What plays the programs of families of which a font has none."""
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


def programs_nearest_to(program: int) -> list[int]:
    """The programs of a program's family, itself first, then the nearest."""
    family = program // _PROGRAMS_PER_FAMILY * _PROGRAMS_PER_FAMILY
    return sorted(range(family, family + _PROGRAMS_PER_FAMILY), key=lambda other: abs(other - program))


def stand_ins_of(program: int) -> list[int]:
    """The programs that may play what one is for, itself first, the better ones before the others."""
    others = [other for programs, other in _STAND_INS if program in programs]
    instrument = instrument_of_program(program, is_drum=False)
    return [*programs_nearest_to(program), *others, PROGRAMS[instrument or Instrument.PIANO], 0]


def sound_name(program: int, is_drum: bool) -> str:
    """What a program is called, such as ``nylon guitar``; of the drums the kit, such as ``jazz kit``."""
    return KIT_NAMES.get(program, f"kit {program}") if is_drum else PROGRAM_NAMES[program]
