"""Which of the video's wishes become orders."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cmt.music.lead_sheet import UNKNOWN, empty_sheet
from cmt.music.profile import RhythmProfile, SimuNote
from cmt.planning.control import draw_orders
from midi_io.song import Instrument

WISHES = RhythmProfile(
    density=tuple(range(1, 17)),
    simu_notes=tuple(
        SimuNote(bar, 4, instrument, 2) for bar in range(16) for instrument in (Instrument.DRUMS, Instrument.PIANO)
    ),
)


@st.composite
def profiles(draw: st.DrawFn) -> RhythmProfile:
    """What a picture may ask for."""
    density = draw(st.lists(st.integers(0, 16), min_size=1, max_size=12))
    places = st.tuples(st.integers(0, len(density) - 1), st.integers(0, 15), st.sampled_from(Instrument))
    strengths = draw(st.dictionaries(places, st.integers(1, 6), max_size=12))
    return RhythmProfile(tuple(density), tuple(SimuNote(*place, strengths[place]) for place in sorted(strengths)))


def items_of(orders):
    """Every single order, so that sets of them can be compared."""
    for bar, order in orders.items():
        if order.density is not None:
            yield bar, order.density
        for place, strength in order.strengths.items():
            yield bar, place, strength


def count(control, seed=5):
    orders = draw_orders(WISHES, control, seed)
    return sum((order.density is not None) + len(order.strengths) for order in orders.values())


def test_without_control_nothing_is_ordered():
    assert draw_orders(WISHES, 0.0, seed=0) == {}


def test_full_control_orders_every_bar_and_every_beat():
    orders = draw_orders(WISHES, 1.0, seed=0)
    assert [orders[bar].density for bar in range(16)] == list(WISHES.density)
    assert all(len(orders[bar].strengths) == 2 for bar in range(16))


def test_control_is_the_share_of_wishes_that_become_orders():
    shares = [count(0.3, seed) / 48 for seed in range(200)]
    assert abs(sum(shares) / 200 - 0.3) < 0.03


@given(profiles(), st.lists(st.floats(0, 1), min_size=2, max_size=2), st.integers(0, 2**32))
def test_raising_control_adds_orders_and_takes_none_away(wishes, controls, seed):
    less, more = (set(items_of(draw_orders(wishes, control, seed))) for control in sorted(controls))
    assert less <= more


@given(profiles(), st.floats(0, 1), st.integers(0, 2**32))
def test_all_that_is_ordered_is_wished(wishes, control, seed):
    assert set(items_of(draw_orders(wishes, control, seed))) <= set(items_of(draw_orders(wishes, 1.0, 0)))
    assert draw_orders(wishes, 1.0, seed) == draw_orders(wishes, 1.0, 0)


def test_the_instruments_of_a_beat_are_ordered_together():
    orders = draw_orders(WISHES, 0.5, seed=1)
    assert {len(order.strengths) for order in orders.values()} <= {0, 2}


def test_below_full_control_a_beat_asks_one_simu_note_of_those_who_play():
    players = [1 << Instrument.PIANO, UNKNOWN, 1 << Instrument.BASS, UNKNOWN] * 4
    sheet = replace(empty_sheet(16), players=np.array(players))
    both = {(4, Instrument.DRUMS), (4, Instrument.PIANO)}
    for seed in range(5):
        usual = draw_orders(WISHES, 0.7, seed, {4})
        for bar, order in draw_orders(WISHES, 0.7, seed, {4}, sheet).items():
            first = {UNKNOWN: {(4, Instrument.DRUMS)}, 1 << Instrument.PIANO: {(4, Instrument.PIANO)}}
            kept = both if bar == 0 else first.get(players[bar], set())
            assert set(order.strengths) == (kept if usual[bar].strengths else set())
            assert order.density == usual[bar].density
    assert draw_orders(WISHES, 1.0, 0, (), sheet) == draw_orders(WISHES, 1.0, 0)


def test_below_full_control_densities_have_a_slack_under_a_lead_sheet():
    sheet = empty_sheet(16)
    for control, slack in ((0.3, 5), (0.7, 2), (0.9, 1), (1.0, 0)):
        assert {order.slack for order in draw_orders(WISHES, control, 0, (), sheet).values()} == {slack}
        assert {order.slack for order in draw_orders(WISHES, control, 0).values()} == {0}


def test_below_full_control_a_beat_between_the_eighths_is_a_chord_rather_than_a_drum():
    drums = RhythmProfile((8,) * 4, tuple(SimuNote(bar, 4 + bar, Instrument.DRUMS, 2) for bar in range(4)))
    everyone = empty_sheet(4)
    with_strings = replace(everyone, players=np.full(4, 1 << Instrument.DRUMS | 1 << Instrument.STRINGS))
    alone = replace(everyone, players=np.full(4, 1 << Instrument.DRUMS))
    for sheet, who in ((everyone, Instrument.PIANO), (with_strings, Instrument.STRINGS), (alone, Instrument.DRUMS)):
        orders = draw_orders(drums, 0.99, 0, (), sheet)
        assert [dict(orders[bar].strengths) for bar in range(0, 4, 2)] == [
            {(4 + bar, Instrument.DRUMS): 2} for bar in range(0, 4, 2)
        ]
        strength = 2 if who is Instrument.DRUMS else 3
        assert [dict(orders[bar].strengths) for bar in (1, 3)] == [{(4 + bar, who): strength} for bar in (1, 3)]


def test_free_bars_do_not_follow_one_another_at_the_usual_control():
    for seed in range(100):
        free = [
            bar
            for bar in range(16)
            if (orders := draw_orders(WISHES, 0.7, seed)).get(bar) is None or orders[bar].density is None
        ]
        assert all(later - earlier > 1 for earlier, later in pairwise(free))


def test_every_bar_is_ordered_equally_often():
    ordered = [bar for seed in range(400) for bar, order in draw_orders(WISHES, 0.7, seed).items() if order.density]
    for bar in range(16):
        assert abs(ordered.count(bar) / 400 - 0.7) < 0.08
