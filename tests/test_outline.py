"""Chords and form as the user writes them, and what they order of a lead sheet."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cmt.config import PLANNER
from cmt.errors import CmtError
from cmt.music.chords import NO_CHORD, names_of, number_of, parse_chord
from cmt.music.key import KEYS
from cmt.music.lead_sheet import LETTERS, UNKNOWN, energy_at
from cmt.music.words import Mode, initial_words
from cmt.network.planner import Planner
from cmt.planning.energy import NAMES, energy_of_sections, parse_section
from cmt.planning.form import WishedForm, WishedSection, parse_form, section_lengths
from cmt.planning.mutes import parse_mute, rests_of
from cmt.planning.outline import at_home, orders_of_wishes, sections_of_wishes
from cmt.planning.progression import Progression, parse_chords
from cmt.planning.sheet import Sheet
from cmt.planning.wishes import ALL_INSTRUMENTS, Wishes, settled
from cmt.training.model import weights_of
from cmt.training.planner import PlannerNetwork
from cmt.writing.sheets import write_sheet
from midi_io.song import Instrument, Timeline

DRUMS, BASS = Instrument.DRUMS, Instrument.BASS
EVERYONE = 0b11111


def numbers(text):
    """Half bars of chords by their names; ? is UNKNOWN, N no chord."""
    special = {"?": UNKNOWN, "N": NO_CHORD}
    return [special[name] if name in special else number_of(parse_chord(name)) for name in text.split()]


def planned(n_bar, timeline=None, sections=(), **wishes):
    """Orders, warnings and sections for bars of two seconds."""
    timeline = timeline or Timeline.steady(120.0, 16 * n_bar)
    energy = energy_of_sections([parse_section(text) for text in sections]) if sections else None
    given = settled(Wishes(energy=energy, **wishes), timeline.duration)
    sheet = Sheet(timeline, given.instruments or ALL_INSTRUMENTS, rests_of(given.mutes, timeline))
    placed, form_warnings = sections_of_wishes(given, timeline)
    orders, warnings = orders_of_wishes(given, sheet, placed)
    assert orders_of_wishes(given, sheet)[0].lags.tolist() == orders.lags.tolist()
    return orders, (*form_warnings, *warnings), placed


def chords_of(n_bar, text, **wishes):
    """The chords by bar, one name where both halves are the same."""
    halves = [
        "?" if number == UNKNOWN else names_of([number])[0]
        for number in planned(n_bar, chords=text, **wishes)[0].chords.tolist()
    ]
    return [one if one == other else f"{one} {other}" for one, other in zip(halves[::2], halves[1::2], strict=True)]


def test_chords_without_bar_lines_are_one_a_bar_and_begin_anew_until_the_end():
    assert chords_of(6, "C G Am F") == ["C", "G", "Am", "F", "C", "G"]
    assert chords_of(2, " c,F#m7 ") == ["C", "F#m7"]


def test_bar_lines_say_what_a_bar_is():
    assert chords_of(3, "C G | Am F") == ["C G", "Am F", "C G"]
    assert chords_of(3, "| C | G Am |") == ["C", "G Am", "C"]
    assert chords_of(2, "C G |") == ["C G", "C G"]


def test_signs_repeat_the_chord_or_the_bar_and_leave_chords_out_or_open():
    assert chords_of(4, "C - % G") == ["C", "C", "C", "G"]
    assert chords_of(4, "C G | % | - F | C %") == ["C G", "C G", "G F", "C"]
    assert chords_of(4, "C N ? n.c.") == ["C", "N", "?", "N"]


def test_sections_have_the_chords_of_their_letter_from_their_begin():
    assert chords_of(8, "A: C G Am F; B: F G | C C", form="A:3 B:2 A:3") == [
        *("C", "G", "Am"),
        *("F G", "C"),
        *("C", "G", "Am"),
    ]
    assert chords_of(4, "C G; b: Dm", form="A:1 B:1 C:2") == ["C", "Dm", "C", "G"]
    assert chords_of(4, "Drop: Em", form="A:2 drop:2") == ["?", "?", "Em", "Em"]
    assert chords_of(4, "F; drop: Em", sections=["3.9:drop"]) == ["F", "F", "Em", "Em"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no chords; write one for each bar, e.g. C G Am F"),
        (" ; ", "no chords; write one for each bar"),
        ("A:", "no chords for section A; write one for each bar"),
        ("| |", r"no chords in '\| \|'; write one for each bar"),
        (
            "C G Am | F",
            r"3 chords in the bar 'C G Am'; write 2 at most, half a bar each, and a bar line \| behind each",
        ),
        (
            "H#7",
            r"no chord 'H#7'; write a root, such as C, F# or Bb, and one of \(nothing\), m, 7, maj7, m7, dim, sus4, 5",
        ),
        ("% C", "'%' repeats what stands before, and it stands first; write a chord"),
        ("A: C; B: - F", "'-' repeats what stands before, and it stands first"),
        ("Z: C", "no section 'Z' for chords; write letters from A to H, or intro, verse"),
        ("A: C; a: G", "A has two rows of chords; write one"),
        ("C; G", "the piece has two rows of chords; write one"),
    ],
)
def test_what_are_no_chords_is_one_line(text, message):
    with pytest.raises(CmtError, match=rf"^{message}") as caught:
        parse_chords(text)
    assert "\n" not in str(caught.value)


half_bars = st.sampled_from(numbers("C G7 F#m Bbmaj7 ? N"))
bars = half_bars.map(lambda number: (number, number)) | st.tuples(half_bars, half_bars)
rows = st.dictionaries(
    st.none() | st.sampled_from([*LETTERS, *NAMES]), st.lists(bars, min_size=1, max_size=5).map(tuple), min_size=1
)


@given(rows)
def test_chords_are_read_as_they_are_written(rows):
    progression = Progression(tuple(rows.items()))
    assert parse_chords(str(progression)) == progression


forms = st.lists(
    st.builds(WishedSection, st.sampled_from([*LETTERS, *NAMES]), st.none() | st.integers(1, 40)),
    min_size=1,
    max_size=12,
).map(lambda sections: WishedForm(tuple(sections)))


@given(forms)
def test_a_form_is_read_as_it_is_written(form):
    assert parse_form(str(form)) == form


def test_a_form_is_letters_and_names_in_any_case():
    assert parse_form("AABA").labels == ("A", "A", "B", "A")
    assert parse_form("Intro, a a  BUILD,drop").labels == ("intro", "A", "A", "build", "drop")
    assert parse_form("intro:4 A:8 outro") == WishedForm(
        (WishedSection("intro", 4), WishedSection("A", 8), WishedSection("outro"))
    )


@pytest.mark.parametrize("text", ["", "solo", "AXB", "A:", "A:x", "AAB:4", "A;B", "A:-1", "A:1.5", "é"])
def test_what_is_no_form_is_told_how_to_write_one(text):
    with pytest.raises(
        CmtError, match=r"write sections in order, e\.g\. AABA, .* letters from A to H, or intro, verse"
    ):
        parse_form(text)


def test_the_size_of_a_form_has_limits():
    with pytest.raises(CmtError, match="section 'A:0': must last from 1 to 9999 bars"):
        parse_form("A:0")
    with pytest.raises(CmtError, match="a form of 257 sections: must be 256 at most"):
        parse_form("A" * 257)


@pytest.mark.parametrize(
    ("form", "n_bar", "lengths"),
    [
        ("AABA", 32, [8, 8, 8, 8]),
        ("AABA", 36, [8, 8, 12, 8]),
        ("AABA", 40, [8, 8, 12, 12]),
        ("AABA", 44, [12, 12, 8, 12]),
        ("AABA", 35, [8, 8, 8, 11]),
        ("AABA", 10, [2, 2, 4, 2]),
        ("AABA", 7, [2, 2, 1, 2]),
        ("AABA", 4, [1, 1, 1, 1]),
        ("A", 17, [17]),
        ("intro:4 A B outro:4", 24, [4, 8, 8, 4]),
        ("intro:4 A:8 B", 16, [4, 8, 4]),
        ("A:3 B", 6, [3, 3]),
    ],
)
def test_sections_without_a_length_share_whole_phrases(form, n_bar, lengths):
    assert section_lengths(parse_form(form), n_bar) == (lengths, [])


@given(forms, st.integers(1, 200))
def test_sections_fill_the_piece_or_are_one_line(form, n_bar):
    try:
        lengths, warnings = section_lengths(form, n_bar)
    except CmtError:
        asked = [section.n_bar or 1 for section in form.sections]
        assert sum(asked) > n_bar
        return
    assert sum(lengths) == n_bar and min(lengths) >= 1
    given_lengths = [section.n_bar for section in form.sections]
    if not warnings:
        assert all(asked in (None, length) for asked, length in zip(given_lengths, lengths, strict=True))
    shared = [length for asked, length in zip(given_lengths, lengths, strict=True) if asked is None]
    if shared:
        assert max(shared[:-1], default=0) - min(shared) <= 4


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("ABCDEFGHA", "`form`: 9 sections do not fit into 8 bars; name 8 at most"),
        (
            "A:4 B:5",
            "`form`: its lengths make 9 bars, yet the piece has 8; make sections shorter, or leave lengths out",
        ),
        ("A:8 B", "`form`: it needs 9 bars, yet the piece has 8; make sections shorter"),
    ],
)
def test_a_form_that_does_not_fit_is_one_line(form, message):
    with pytest.raises(CmtError, match=rf"^{message}"):
        planned(8, form=form)


def test_lengths_that_leave_bars_stretch_the_last_section_and_it_is_said():
    _, warnings, sections = planned(9, form="A:4 outro:4")
    assert [section.begin for section in sections] == [0, 4]
    assert warnings == ("`form`: its lengths make 8 bars, yet the piece has 9; outro at the end is 1 bar longer",)


def test_sections_of_one_letter_return_bar_by_bar():
    orders, warnings, _ = planned(16, form="AABA")
    assert warnings == ()
    assert np.flatnonzero(orders.begins).tolist() == [0, 4, 8, 12] and set(orders.begins.tolist()) == {0, 1}
    assert orders.letters.tolist() == [0] * 8 + [1] * 4 + [0] * 4
    open_bars = [UNKNOWN] * 3
    assert orders.lags.tolist() == [0, *open_bars, *[4] * 4, 0, *open_bars, *[12] * 3, UNKNOWN]
    assert set(orders.energy.tolist()) == set(orders.kit.tolist()) == {UNKNOWN}
    assert set(orders.chords.tolist()) == {UNKNOWN}
    assert set(orders.may_play.tolist()) == {EVERYONE} and not orders.must_play.any()


def test_what_is_longer_than_its_model_goes_on_by_itself_or_after_a_longer_one():
    orders, _, _ = planned(13, form="A:2 B:1 A:4 A:4 B:2")
    assert orders.lags.tolist() == [0, -1, 0, 3, 3, -1, -1, 7, 7, 4, 4, 9, -1]


def test_what_lies_too_far_away_returns_from_a_nearer_section():
    orders, _, _ = planned(121, form="A:40 B:40 A:40 B:1")
    assert set(orders.lags[80:120].tolist()) == {UNKNOWN}
    orders, _, _ = planned(121, form="A:40 A:40 A:40 B:1")
    assert set(orders.lags[40:120].tolist()) == {40}


def test_letters_count_kinds_of_section_in_order_of_their_coming():
    orders, _, _ = planned(8, form="intro B A B break outro drop B")
    assert orders.letters.tolist() == [0, 1, 2, 1, 3, 4, 5, 1]
    many, _, _ = planned(9, form="ABCDEFGH drop")
    assert many.letters.tolist() == [*range(8), 0], "there are eight"


def test_names_order_energy_and_who_plays():
    orders, _, _ = planned(28, form="intro:4 A:4 build:4 drop:4 break:4 drop:4 outro:4")
    assert orders.energy.tolist() == [*[1] * 4, *[-1] * 4, 2, 3, 3, 4, *[4] * 4, *[0] * 4, *[4] * 4, *[1] * 4]
    assert orders.must_play.tolist() == [*[0] * 12, *[EVERYONE] * 4, *[0] * 4, *[EVERYONE] * 4, *[0] * 4]
    no_drums = EVERYONE & ~(1 << DRUMS)
    assert orders.may_play.tolist() == [*[EVERYONE] * 16, *[no_drums] * 4, *[EVERYONE] * 8]


def test_drums_stay_in_a_break_where_they_would_have_nothing_else_or_nobody_else_plays():
    assert set(planned(4, form="break")[0].may_play.tolist()) == {EVERYONE}
    alone = planned(4, form="A break", instruments=(DRUMS,))[0]
    assert set(alone.may_play.tolist()) == {1 << DRUMS}
    duo = planned(4, form="A:2 break:2", instruments=(DRUMS, BASS), mutes=(parse_mute("bass@4-6"),))[0]
    assert duo.may_play.tolist() == [9, 9, 1, 8]


def test_the_users_own_energy_is_above_that_of_a_name_and_levels_alone_are_no_form():
    orders, _, sections = planned(4, form="A drop", sections=["6:calm"])
    assert orders.energy.tolist() == [-1, -1, 4, 0] and len(sections) == 2
    orders, _, sections = planned(4, sections=["2:calm", "4:free"])
    assert orders.energy.tolist() == [-1, 0, -1, -1] and sections == ()
    assert set(orders.begins.tolist()) == {UNKNOWN}


def test_energies_are_the_fifths_of_real_bars():
    assert [energy_at(energy) for energy in (0.0, 0.19, 0.2, 0.5, 0.7, 0.9, 1.0)] == [0, 0, 1, 2, 3, 4, 4]


def test_a_section_with_a_name_begins_at_the_nearest_bar():
    orders, warnings, sections = planned(8, sections=["4.9:build", "9.1:drop", "12:free", "13.9:drop"])
    assert warnings == ()
    assert [(section.label, section.begin, section.end) for section in sections] == [
        (None, 0, 2),
        ("build", 2, 5),
        ("drop", 5, 6),
        (None, 6, 7),
        ("drop", 7, 8),
    ]
    assert orders.begins.tolist() == [1, -1, 1, 0, 0, 1, 1, 1]
    assert orders.letters.tolist() == [-1, -1, 1, 1, 1, 2, -1, 2]
    assert orders.energy.tolist() == [-1, -1, 2, 3, 4, 4, -1, 4]
    assert orders.lags.tolist() == [-1, -1, 0, -1, -1, 0, -1, -1]


def test_two_sections_that_are_nearest_to_one_bar_are_told():
    _, warnings, sections = planned(4, sections=["4:build", "4.5:drop", "99:free"])
    assert warnings == ("`sections`: that at 4 s, build, has no bar of its own beside that at 4.5 s",)
    assert [section.label for section in sections] == [None, "drop"]
    assert [section.label for section in planned(4, sections=["0.5:drop"])[2]] == ["drop"]


def test_a_pickup_leads_into_the_first_section_and_its_chord():
    timeline = Timeline.steady(120.0, 16 * 9, 12)  # a beat, and eight bars
    orders, warnings, sections = planned(9, timeline, form="A:4 A:4", chords="C F G C")
    assert warnings == () and [(s.begin, s.downbeat, s.end) for s in sections] == [(0, 1, 5), (5, 5, 9)]
    assert orders.chords.tolist() == numbers("C C C C F F G G C C C C F F G G C C")
    assert orders.lags.tolist() == [-1, 0, -1, -1, -1, 4, 4, 4, -1]
    orders, _, _ = planned(9, timeline, chords="C | F G")
    assert orders.chords.tolist()[:8] == numbers("C C C C F G C C")
    assert planned(1, Timeline.steady(120.0, 16, 12), form="A", chords="C")[0].chords.tolist() == numbers("C C")


def test_chords_that_are_not_heard_are_told():
    assert planned(3, chords="C G Am F")[1] == ("`chords`: 4 bars, yet the piece has 3; the rest is not heard",)
    text = "C F; A: C G Am F G"
    assert planned(7, chords=text, form="A:4 B:1 A:2")[1] == (
        "`chords`: 2 bars, yet its sections have 1; the rest is not heard",
        "`chords`: 5 bars, yet A has 4; the rest is not heard",
    )
    assert planned(9, chords=text, form="A:2 B:2 A:5")[1] == ()


def test_who_is_muted_for_a_whole_bar_may_not_play_in_it():
    orders, _, _ = planned(4, instruments=(DRUMS, BASS), mutes=(parse_mute("bass@2-4.5"), parse_mute("drums@7.9-")))
    assert orders.may_play.tolist() == [9, 1, 9, 9]
    cut_off = planned(2, Timeline.steady(120.0, 20.5), form="drop", mutes=(parse_mute("drums@2-"),))[0]
    assert cut_off.must_play.tolist() == cut_off.may_play.tolist() == [EVERYONE, EVERYONE & ~1]


def test_chords_move_home_with_the_key():
    orders, _, _ = planned(3, chords="A F#m ?", key="A:major")
    home = at_home(orders, KEYS["A:major"])
    assert home.chords.tolist() == numbers("C C Am Am ? ?")
    assert at_home(orders, KEYS["F#:minor"]).chords.tolist() == home.chords.tolist()
    assert home.may_play is orders.may_play


def test_chords_that_contradict_the_key_are_told_and_win():
    orders, warnings, _ = planned(4, chords="C G Am F", key="F#:major")
    assert warnings == (
        "`key` F#:major and `chords` contradict each other: 17% of the chords' notes are in that key, which are rather "
        "C:major; the chords win",
    )
    assert orders.chords.tolist() == numbers("C C G G Am Am F F")
    assert planned(4, chords="C G Am F", key="G:major")[1] == ()
    assert planned(4, chords="C Db B Bb")[1] == (), "a key that was not asked for contradicts nothing"
    assert planned(4, chords="? N", key="F#:major")[1] == ()


@given(forms, st.integers(1, 60), st.integers(0, 15))
def test_orders_of_any_form_are_whole(form, n_bar, start):
    length = 16 * n_bar
    if start >= length:
        return
    timeline = Timeline.steady(120.0, length, start)
    wishes = settled(Wishes(form=form, chords="C G | Am"), timeline.duration)
    try:
        orders, _ = orders_of_wishes(wishes, Sheet(timeline, ALL_INSTRUMENTS))
    except CmtError:
        return
    assert orders.n_bar == n_bar and len(orders.chords) == 2 * n_bar
    bars = np.arange(n_bar)
    returns = orders.lags > 0
    assert (orders.lags[returns] <= bars[returns]).all()
    sources = (bars - orders.lags)[returns]
    assert (orders.letters[sources] == orders.letters[returns]).all()
    halves = orders.chords.reshape(n_bar, 2)
    assert (halves[sources] == halves[returns]).all(), "what returns has the chords of its model"
    assert orders.begins[0] == 1 and not math.isnan(float(orders.energy.sum()))
    assert ((orders.must_play & ~orders.may_play) == 0).all()


@pytest.fixture(scope="module")
def planner():
    torch.manual_seed(0)
    small = replace(PLANNER, d_model=32, n_layer=2, n_head=2, d_feed_forward=48, dropout=0.0)
    return Planner(small, weights_of(PlannerNetwork(small)))


@pytest.mark.parametrize(
    ("n_bar", "wishes"),
    [
        (16, {"form": "AABA", "chords": "C G | Am F; B: ? N Em7 C"}),
        (28, {"form": "intro:4 A:4 build:4 drop:4 break:4 drop:4 outro:4", "chords": "A F#m"}),
        (9, {"form": "break drop break", "chords": "Gm; drop: F", "key": "Bb"}),
        (8, {"sections": ["4.9:build", "9.1:drop", "12:free", "13.9:drop"]}),
        (5, {"form": "ABCDE", "instruments": (DRUMS, BASS), "mutes": (parse_mute("bass@2-4.5"),)}),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_planner_writes_what_is_ordered(planner, n_bar, wishes, seed):
    orders, _, _ = planned(n_bar, **wishes)
    home = at_home(orders, KEYS["C:major"])
    known = initial_words(None, Mode.MAJOR, 120.0, None)
    sheet = write_sheet(planner, known, home, Mode.MAJOR, np.random.default_rng(seed))
    for name in ("chords", "lags", "letters", "energy"):
        ordered = getattr(home, name)
        assert np.array_equal(getattr(sheet, name)[ordered != UNKNOWN], ordered[ordered != UNKNOWN]), name
    assert np.array_equal(sheet.begins[home.begins != UNKNOWN], home.begins[home.begins != UNKNOWN] == 1)
    assert ((sheet.players & ~home.may_play) == 0).all() and ((home.must_play & ~sheet.players) == 0).all()
