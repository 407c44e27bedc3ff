"""The recipe of our SoundFont cuts rightly, and every sound that ships can be heard, also with one speaker."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import struct
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from presets import audio_of, measure

from midi_io import has_fluidsynth
from midi_io.general_midi import PROGRAMS
from midi_io.song import Instrument
from midi_io.synthesis import OUR_SOUNDFONT

ROOT = Path(__file__).resolve().parent.parent


def load_recipe() -> ModuleType:
    # By its path: data/ is no package, and nothing imports it.
    spec = importlib.util.spec_from_file_location("make_soundfont", ROOT / "data" / "make_soundfont.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their module
    spec.loader.exec_module(module)
    return module


recipe = load_recipe()
KEYS, PAN, INSTRUMENT, SAMPLE = 43, 17, 41, 53
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


def zone(*generators, modulators=()):
    return recipe.Zone(tuple(generators), modulators)


def stream(letters: str, size: int) -> bytes:
    return b"OggS" + letters.encode() * size


@pytest.fixture
def font():
    """Four presets that share instruments and samples; samples of odd and even length, a pair, halves of pairs."""
    samples = (
        recipe.Sample("unused", stream("u", 3), (0, 1), 22050, 60),
        recipe.Sample("left", stream("l", 4), (8, 15386), 44100, 61, -7, 4, 2),
        recipe.Sample("right", stream("r", 5), (9, 15387), 44100, 61, 5, 2, 1),
        recipe.Sample("half", stream("h", 6), (1, 2), 32000, 62, 0, 4, 0),
        recipe.Sample("kick", stream("k", 7), (0, 0), 11025, 36),
    )
    instruments = (
        recipe.Instrument("not played", (zone((SAMPLE, 0)),)),
        recipe.Instrument("wide", (zone((38, 5)), zone((PAN, 65036), (SAMPLE, 1)), zone((PAN, 500), (SAMPLE, 2)))),
        recipe.Instrument("both", (zone((KEYS, 0x4000), (SAMPLE, 3), modulators=((258, 8, 0, 3330, 0),)),)),
        recipe.Instrument("drum", (zone((SAMPLE, 4)),)),
    )
    presets = (
        recipe.Preset("Kit", 128, 0, (zone((INSTRUMENT, 3)), zone((INSTRUMENT, 2)))),
        recipe.Preset("Piano", 0, 0, (zone((48, 10)), zone((PAN, 401), (INSTRUMENT, 1))), (7, 8, 9)),
        recipe.Preset("Unwanted", 0, 1, (zone((INSTRUMENT, 0)),)),
        recipe.Preset("Pad", 0, 89, (zone((PAN, 65136), (INSTRUMENT, 2), modulators=((1, 2, 3, 4, 5),)),)),
    )
    return recipe.Font({"ifil": b"\3\0\1\0", "INAM": b"tiny\0\0"}, presets, instruments, samples)


def test_a_font_that_is_written_reads_the_same(font):
    data = recipe.font_bytes(font)
    assert recipe.read_font(data) == font
    assert recipe.font_bytes(recipe.read_font(data)) == data
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


def test_a_cut_keeps_what_its_presets_play_and_nothing_else(font):
    cut = recipe.read_font(recipe.font_bytes(recipe.cut(font, [(128, 0), (0, 89)])))
    assert [(preset.bank, preset.program, preset.name) for preset in cut.presets] == [(0, 89, "Pad"), (128, 0, "Kit")]
    assert [instrument.name for instrument in cut.instruments] == ["both", "drum"]
    assert [(sample.name, sample.data) for sample in cut.samples] == [
        ("half", stream("h", 6)),
        ("kick", stream("k", 7)),
    ]
    pad, kit = cut.presets
    assert pad.zones == (zone((PAN, 65136), (INSTRUMENT, 0), modulators=((1, 2, 3, 4, 5),)),)
    assert kit.zones == (zone((INSTRUMENT, 1)), zone((INSTRUMENT, 0)))
    assert cut.instruments[0].zones == (zone((KEYS, 0x4000), (SAMPLE, 0), modulators=((258, 8, 0, 3330, 0),)),)
    assert cut.samples_of(kit) == {0, 1}


def test_a_pair_of_samples_stays_one_and_a_half_becomes_mono(font):
    cut = recipe.cut(font, [(128, 0), (0, 0)])
    assert [(sample.name, sample.side, sample.link) for sample in cut.samples] == [
        ("left", 4, 1),
        ("right", 2, 0),
        ("half", 1, 0),
        ("kick", 1, 0),
    ]
    assert cut.samples[0] == replace(font.samples[1], link=1)
    one_sided = replace(font, samples=(*font.samples[:2], replace(font.samples[2], link=4), *font.samples[3:]))
    assert {sample.side for sample in recipe.cut(one_sided, [(128, 0), (0, 0)]).samples} == {1}


def test_a_cut_is_the_same_in_whatever_order_presets_are_named(font):
    cuts = {recipe.font_bytes(recipe.cut(font, wanted)) for wanted in ([(0, 0), (128, 0)], [(128, 0), (0, 0), (0, 0)])}
    assert len(cuts) == 1


def test_a_preset_that_is_missing_is_named(font):
    with pytest.raises(recipe.FontError, match=r"^has no preset 0:30, 128:40 \(bank:program\)$"):
        recipe.cut(font, [(0, 30), (0, 0), (128, 40)])


def test_pans_are_halved_in_the_presets_named_only(font):
    narrow = recipe.narrowed(font, [(0, 0), (0, 1)])
    assert narrow.presets[1].zones[1] == zone((PAN, 200), (INSTRUMENT, 1))
    assert narrow.presets[3] == font.presets[3]
    assert recipe.narrowed(font, [(0, 89)]).presets[3].zones[0].generators[0] == (PAN, 65336)  # -400 becomes -200


def test_chunks_of_odd_length_are_read_with_and_without_padding():
    first = b"abcd" + struct.pack("<I", 3) + b"xyz"
    second = b"efgh" + struct.pack("<I", 1) + b"w"
    expected = [("abcd", b"xyz"), ("efgh", b"w")]
    assert recipe._chunks(first + second) == recipe._chunks(first + b"\0" + second + b"\0") == expected


def damaged(data: bytes, chunk: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(chunk) + 8 + offset
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "not a SoundFont"),
        (lambda data: b"RIFX" + data[4:], "not a SoundFont"),
        (lambda data: data[:-1], "cut off"),
        (lambda data: data.replace(b"sdta", b"sdtb"), "no list sdta"),
        (lambda data: damaged(data, b"pbag", -4, b"\xff\xff\xff\x7f"), "longer than what is left"),
        (lambda data: damaged(data, b"shdr", -4, struct.pack("<I", 6 * 46 - 1)), "no number of records"),
        (lambda data: damaged(data, b"phdr", 38 + 24, b"\xff\xff"), "points outside"),
        (lambda data: damaged(data, b"pbag", 4, b"\xff\xff"), "points outside"),
        (lambda data: damaged(data, b"inst", 20, b"\xff\xff"), "points outside"),
        (lambda data: damaged(data, b"shdr", 24, b"\xff\xff\xff\xff"), "no Ogg stream within"),
        (lambda data: data.replace(b"OggS", b"RIFF"), "no Ogg stream within"),
        (lambda data: damaged(data, b"shdr", 44, b"\1\0"), "not compressed"),
        (lambda data: damaged(data, b"pgen", 2, b"\xff\0"), "does not have"),
    ],
)
def test_a_damaged_font_is_refused_in_one_line(font, damage, message):
    with pytest.raises(recipe.FontError, match=message) as caught:
        recipe.read_font(damage(recipe.font_bytes(font)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "reason"), [(None, "cannot be read"), (b"RIFF", "none of the fonts")])
def test_the_recipe_takes_the_fonts_that_it_knows_only(tmp_path, monkeypatch, content, reason):
    path = tmp_path / "font.sf3"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["make_soundfont.py", str(path), "-o", str(tmp_path / "made.sf3")])
    with pytest.raises(SystemExit, match=reason):
        recipe.main()
    assert not (tmp_path / "made.sf3").exists()


def test_the_font_that_ships_is_the_one_of_the_recipe():
    data = OUR_SOUNDFONT.read_bytes()
    stated = re.search(r"`([0-9a-f]{64})`", (ROOT / "data" / "README.md").read_text(encoding="utf-8"))
    assert stated is not None and hashlib.sha256(data).hexdigest() == stated[1]
    font = recipe.read_font(data)
    assert {(preset.bank, preset.program) for preset in font.presets} == set(recipe.WANTED)
    assert recipe.font_bytes(font) == data
    assert len(data) < 6_000_000


def test_the_font_carries_its_licence():
    font = recipe.read_font(OUR_SOUNDFONT.read_bytes())
    notice = recipe.NOTICE.read_text(encoding="utf-8")
    assert font.info["ICMT"].rstrip(b"\0").decode() == notice
    for words in ("Michael Cowgill", "Frank Wen", "Permission is hereby granted", "WITHOUT WARRANTY OF ANY KIND"):
        assert words in notice


def test_the_font_has_the_programs_that_are_played():
    presets = set(recipe.WANTED)
    for instrument, program in PROGRAMS.items():
        assert (recipe.DRUM_BANK if instrument is Instrument.DRUMS else 0, program) in presets


@pytest.mark.slow
@needs_fluidsynth
@pytest.mark.parametrize(("bank", "program"), recipe.WANTED)
def test_every_sound_is_heard_with_two_speakers_and_with_one(bank, program):
    sound = measure(audio_of(bank, program))
    assert -46 < sound.loudness < -20
    assert sound.peak < 1
    assert 0 <= sound.mono_loss < 1.5
