"""Which of the video's wishes become orders."""

from cmt.control import draw_orders
from cmt.rhythm import RhythmProfile, SimuNote
from midi_io.song import Instrument

WISHES = RhythmProfile(
    density=tuple(range(1, 17)),
    simu_notes=tuple(
        SimuNote(bar, 4, instrument, 2) for bar in range(16) for instrument in (Instrument.DRUMS, Instrument.PIANO)
    ),
)


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


def test_raising_control_adds_orders_and_takes_none_away():
    counts = [count(control / 10) for control in range(11)]
    assert counts == sorted(counts)


def test_the_instruments_of_a_beat_are_ordered_together():
    orders = draw_orders(WISHES, 0.5, seed=1)
    assert {len(order.strengths) for order in orders.values()} <= {0, 2}


def test_free_bars_do_not_follow_one_another_at_the_usual_control():
    for seed in range(100):
        free = [
            bar
            for bar in range(16)
            if (orders := draw_orders(WISHES, 0.7, seed)).get(bar) is None or orders[bar].density is None
        ]
        assert all(later - earlier > 1 for earlier, later in zip(free, free[1:], strict=False))


def test_every_bar_is_ordered_equally_often():
    ordered = [bar for seed in range(400) for bar, order in draw_orders(WISHES, 0.7, seed).items() if order.density]
    for bar in range(16):
        assert abs(ordered.count(bar) / 400 - 0.7) < 0.08
