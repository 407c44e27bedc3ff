"""Whatever the network says, the grammar makes it a song."""

import numpy as np
import pytest

from cmt.sampling import BarOrders, Grammar, draw
from cmt.words import BAR, CompoundWord, WordType
from midi_io.song import Instrument

ALL = np.ones(4, dtype=bool)


def test_a_forbidden_value_is_never_drawn():
    rng = np.random.default_rng(0)
    allowed = np.array([True, False, True, False])
    drawn = {draw(np.array([0.0, 50.0, 0.0, 50.0]), allowed, 1.0, 1.0, rng) for _ in range(200)}
    assert drawn == {0, 2}


def test_the_nucleus_keeps_the_value_that_crosses_its_border():
    rng = np.random.default_rng(0)
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    assert {draw(logits, ALL, 1.0, 0.6, rng) for _ in range(500)} == {0, 1}


def test_draws_follow_the_probabilities():
    rng = np.random.default_rng(0)
    drawn = [draw(np.log([0.1, 0.2, 0.3, 0.4]), ALL, 1.0, 1.0, rng) for _ in range(20_000)]
    assert np.bincount(drawn) / 20_000 == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.015)


def test_a_low_temperature_takes_the_likeliest():
    rng = np.random.default_rng(0)
    assert {draw(np.array([1.0, 2.0, 3.0, 2.9]), ALL, 0.01, 1.0, rng) for _ in range(100)} == {2}


def bar(density):
    return CompoundWord(WordType.RHYTHM, BAR, density + 1, 0, 0, 0, 0)


def test_a_piece_opens_with_a_bar():
    grammar = Grammar(32, tuple(Instrument), {})
    assert np.flatnonzero(grammar.types()).tolist() == [WordType.RHYTHM]
    assert np.flatnonzero(grammar.positions()).tolist() == [BAR]


def test_positions_too_late_to_leave_room_are_masked():
    grammar = Grammar(32, tuple(Instrument), {})
    grammar.accept(bar(14))
    assert np.flatnonzero(grammar.positions()).tolist() == [1, 2, 3]


def test_an_order_is_neither_passed_nor_crowded_out():
    orders = {0: BarOrders(2, {(5, Instrument.PIANO): 3, (9, Instrument.BASS): 1})}
    grammar = Grammar(32, tuple(Instrument), orders)
    grammar.accept(bar(2))
    assert np.flatnonzero(grammar.positions()).tolist() == [6]  # both places are ordered, none is spare
    assert np.flatnonzero(grammar.instruments_at(5)).tolist() == [1, 2]  # drums may come first, piano must come
    assert np.flatnonzero(grammar.strengths(5, Instrument.PIANO)).tolist() == [3]


def test_the_piece_ends_exactly_after_its_bars():
    grammar = Grammar(32, tuple(Instrument), {})
    grammar.accept(bar(0))
    assert np.flatnonzero(grammar.positions()).tolist() == [BAR]
    assert not grammar.types()[WordType.END]
    assert not grammar.densities()[1]  # the last bar is not silent
    grammar.accept(bar(1))
    grammar.accept(CompoundWord(WordType.RHYTHM, 1, 1, 1, 1, 0, 0))
    assert np.flatnonzero(grammar.types()).tolist() == [WordType.NOTE]
    grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 1, 37, 1))
    assert grammar.types()[WordType.END]
    assert not grammar.positions()[BAR]


def test_a_pickup_takes_no_notes_before_the_start():
    grammar = Grammar(32, tuple(Instrument), {}, start=12)
    assert np.flatnonzero(grammar.densities()).tolist() == [1, 2, 3, 4, 5]
    grammar.accept(bar(2))
    assert np.flatnonzero(grammar.positions()).tolist() == [13, 14, 15]  # the last is left for the second
    later = Grammar(32, tuple(Instrument), {}, start=12)
    later.accept(bar(0))
    later.accept(bar(1))
    assert np.flatnonzero(later.positions()).tolist() == list(range(1, 17))


def test_a_shortened_last_bar_takes_no_notes_after_the_end():
    grammar = Grammar(20.5, tuple(Instrument), {})
    assert grammar.n_bar == 2
    grammar.accept(bar(0))
    assert np.flatnonzero(grammar.densities()).max() == 1 + 5
    grammar.accept(bar(1))
    assert np.flatnonzero(grammar.positions()).tolist() == [1, 2, 3, 4, 5]
