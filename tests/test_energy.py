"""The user's curves and sections, and what they make of what the picture asks."""

import math

import pytest

from cmt.errors import CmtError
from cmt.planning.calibration import read_calibration
from cmt.planning.energy import (
    LEVELS,
    NAMES,
    Begin,
    Energy,
    Section,
    Stretch,
    check_energy,
    energy_of_sections,
    parse_section,
    read_energy,
    with_energy,
)
from cmt.planning.liveliness import Liveliness, profile_of_liveliness
from cmt.planning.sheet import Sheet
from midi_io.song import Instrument, Timeline

BAND = (Instrument.DRUMS, Instrument.PIANO)


def sheet(n_bar, rests=None):
    """Bars of two seconds."""
    return Sheet(Timeline.steady(120.0, 16 * n_bar), BAND, rests or {})


def curve(tmp_path, text):
    path = tmp_path / "curve.csv"
    path.write_text(text)
    return path


def test_a_curve_goes_straight_between_its_points_and_leaves_the_rest_to_the_picture(tmp_path):
    energy = read_energy(curve(tmp_path, "time,energy\n2,0.2\n6;0.6\n\n# the end\n8,0\n"))
    assert energy.by_bar([0, 2, 4, 6, 8, 10]) == [None, *map(pytest.approx, (0.3, 0.5, 0.3)), None]


def test_a_bar_belongs_to_the_section_that_fills_more_of_it():
    energy = energy_of_sections([Section(4.9, 0.9), Section(0, 0.1), Section(8.9, None)])
    assert energy.by_bar([0, 2, 4, 6, 8, 10, 12]) == [0.1, 0.1, 0.9, 0.9, None, None]


def test_the_words_are_energies_in_order():
    assert [parse_section(f"3:{word}").energy for word in LEVELS] == sorted(LEVELS.values())
    assert parse_section(" 12.5 : Intense") == Section(12.5, LEVELS["intense"])
    assert parse_section("0:0.35") == Section(0, 0.35)
    assert parse_section("20:free") == Section(20, None)


@pytest.mark.parametrize(
    "text", ["", "12", "calm", "calm:3", "3:", "3:furious", "3:1.5", "3:-1", "-1:calm", "nan:calm"]
)
def test_what_is_no_section_is_told_how_to_write_one(text):
    with pytest.raises(CmtError, match=r"write SECONDS:LEVEL, e\.g. 12\.5:intense, with a level of calm, gentle"):
        parse_section(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"curve.csv: holds no points; write"),
        ("time,energy\n", r"curve.csv: holds no points; write"),
        ("0,0.5\n", r"curve.csv: holds one point; write"),
        ("0,0.5\n4,\n8,1\n", r"curve.csv:2: no energy beside 4 s; write"),
        ("0,0.5\n4\n8,1\n", r"curve.csv:2: no energy beside 4 s; write"),
        ("0,0.5\n4,1.2\n", r"curve.csv:2: '1.2' is no energy; write a number from 0 to 1"),
        ("0,0.5\n4,nan\n", r"curve.csv:2: 'nan' is no energy; write a number from 0 to 1"),
        ("0,0.5\nx,1\n", r"curve.csv:2: 'x' is no time; write seconds"),
        ("-1,0.5\n4,1\n", r"curve.csv:1: -1 s lies before the first picture; begin at 0"),
        ("0,0.5\n8,1\n4,1\n", r"curve.csv:3: 4 s does not come after 8 s; put the lines in order of time"),
        ("0,0.5\n0,1\n", r"curve.csv:2: 0 s does not come after 0 s; put"),
    ],
)
def test_a_curve_that_is_none_is_one_line_with_its_place(tmp_path, text, message):
    with pytest.raises(CmtError, match=message):
        read_energy(curve(tmp_path, text))


def test_a_curve_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CmtError, match=r"none.csv: cannot be read"):
        read_energy(tmp_path / "none.csv")
    (tmp_path / "curve.csv").write_bytes(b"\xff\x00\x9d")
    with pytest.raises(CmtError, match=r"curve.csv: is no text"):
        read_energy(tmp_path / "curve.csv")


def test_two_sections_cannot_begin_together_nor_one_after_the_end():
    with pytest.raises(CmtError, match="two sections begin at 3 s"):
        energy_of_sections([Section(3, 0.1), Section(3, 0.2)])
    with pytest.raises(CmtError, match=r"`sections`: 9 s lies outside the piece, which lasts 8\.000 s"):
        check_energy(energy_of_sections([Section(0, 0.1), Section(9, 0.2)]), 8.0)
    check_energy(Energy((Stretch(0, 7, 0, 1), Stretch(7, 20, 1, 0)), "long.csv"), 5.0)
    with pytest.raises(CmtError, match=r"late\.csv: 7 s lies outside"):
        check_energy(Energy((Stretch(7, 20, 1, 0),), "late.csv"), 5.0)


def test_energy_overrides_the_bars_it_covers_and_no_others():
    asked = Liveliness((0.9, 0.9, 0.1), {0: 0.9, 20: 0.9, 36: 0.3})
    led = with_energy(asked, [None, 0.2, None], sheet(3), read_calibration())
    assert led.bars == (0.9, 0.2, 0.1)
    assert led.accents == {0: 0.9, 20: 0.2, 36: 0.3}


def test_a_calm_bar_keeps_its_strongest_accents_and_all_markers():
    calibration = read_calibration()
    accents = {position: 0.2 + position / 20 for position in range(16)}
    led = with_energy(Liveliness((1.0,), accents), [0.0], sheet(1), calibration, marked={0})
    n_calm = calibration.density_at(0.0, with_drums=True)
    assert len(led.accents) == n_calm < 16
    assert led.accents[0] == accents[0]
    assert set(led.accents) == {0, *range(17 - n_calm, 16)}
    profile = profile_of_liveliness(led, sheet(1), calibration)
    assert profile.density == (n_calm,)


def test_without_drums_a_bar_has_the_density_of_bars_without_them():
    calibration = read_calibration()
    asked = Liveliness((0.2, 0.2, 0.2), {4: 1.0, 20: 1.0})
    profile = profile_of_liveliness(asked, sheet(3, {Instrument.DRUMS: frozenset(range(16))}), calibration)
    assert profile.density[:2] == tuple(calibration.density_at(0.2, with_drums=drums) for drums in (False, True))
    assert {note.instrument for note in profile.simu_notes if note.bar == 0} == {Instrument.PIANO}
    assert {note.instrument for note in profile.simu_notes if note.bar == 1} == set(BAND)
    nobody = profile_of_liveliness(asked, Sheet(Timeline.steady(120.0, 48), ()), calibration)
    assert nobody.density == (0, 0, 0) and nobody.simu_notes == ()


def test_a_section_lasts_to_the_end():
    assert energy_of_sections([Section(0, 0.5)]).stretches == (Stretch(0, math.inf, 0.5, 0.5),)


def test_a_name_is_a_section_with_its_energies():
    assert parse_section("8: Drop") == Section(8, LEVELS["intense"], "drop")
    energy = energy_of_sections(map(parse_section, ("8:build", "0:calm", "20:free")))
    assert energy.stretches == (Stretch(0, 8, 0.05, 0.05), Stretch(8, 20, *NAMES["build"]))
    assert energy.begins == (Begin(0, None), Begin(8, "build"), Begin(20, None))
    assert energy_of_sections([Section(0, 0.05), Section(8, 0.9)]).begins == ()


def test_a_build_to_the_end_has_risen_when_the_piece_ends():
    energy = energy_of_sections([parse_section("2:build")])
    assert energy.until(10.0).stretches == (Stretch(2, 10.0, *NAMES["build"]),)
    bars = energy.until(10.0).by_bar([0, 2, 4, 6, 8, 10])
    assert bars == [None, *(pytest.approx(value) for value in (0.55, 0.65, 0.75, 0.85))]
    steady = energy_of_sections([Section(2, 0.5)])
    assert steady.until(10.0) == steady


def test_sections_that_are_all_free_leave_everything_to_the_picture():
    energy = energy_of_sections([Section(0, None), Section(2, None)])
    check_energy(energy, 4.0)
    assert energy.by_bar([0, 2, 4]) == [None, None]
