"""In which bar a piece comes to rest, in which way, and on what."""

from collections import Counter

import pytest

from cmt.config import GenerateConfig
from cmt.music.words import CompoundWord, Mode, WordType
from cmt.planning.plan import plan_music
from cmt.planning.wishes import Wishes, settled
from cmt.writing.closing import ENDINGS, THIN, closing_of, closing_pitch_classes, draw_ending
from cmt.writing.grammar import Grammar
from cmt.writing.orders import BarOrders
from midi_io.song import Instrument, Timeline

FOUR_BARS = Timeline.steady(120, 64)


@pytest.mark.parametrize(
    ("length", "start", "bar"),
    [
        *((64, 0, 3), (56, 0, 3), (55.9, 0, 2), (32, 0, 1), (24, 0, 1), (23, 0, None), (16, 0, None), (3, 0, None)),
        *((32, 12, None), (48, 12, 2), (38, 12, None)),
    ],
)
def test_a_piece_closes_in_its_last_bar_that_is_long_enough(length, start, bar):
    closing = closing_of(Timeline.steady(120, length, start))
    assert (closing and closing.bar) == bar


def test_what_starts_on_the_third_beat_rings():
    assert [position for position in range(64) if closing_of(Timeline.steady(120, 64)).rings_at(position)] == list(
        range(57, 64)
    )


def test_the_bass_has_the_tonic_and_the_others_its_triad():
    assert closing_pitch_classes(Instrument.BASS, Mode.MINOR) == {9}
    assert closing_pitch_classes(Instrument.PIANO, Mode.MINOR) == {9, 0, 4}
    assert closing_pitch_classes(Instrument.STRINGS, Mode.MAJOR) == {0, 4, 7}


def test_endings_are_drawn_as_often_as_their_shares_say():
    drawn = Counter(draw_ending(seed) for seed in range(2000))
    assert sum(ending.share for ending in ENDINGS.values()) == pytest.approx(1)
    assert {ending: drawn[ending] / 2000 for ending in ENDINGS.values()} == pytest.approx(
        {ending: ending.share for ending in ENDINGS.values()}, abs=0.03
    )
    assert draw_ending(7) == draw_ending(7)


def test_a_last_bar_that_is_cut_off_has_its_last_stroke_earlier_so_that_it_rings():
    strokes = [closing_of(Timeline.steady(120, length), ENDINGS["full"]).last_stroke for length in (64, 60, 57.5, 56)]
    assert strokes == [14, 10, 8, 6]
    assert closing_of(Timeline.steady(120, 50), ENDINGS["full"])[:2] == (2, 14)  # two more sixteenths ring
    assert closing_of(Timeline.steady(120, 56), ENDINGS["stop"]).last_stroke == 0


@pytest.mark.parametrize(
    ("name", "densities"), [("stop", (1, 1)), ("third beat", (3, 3)), ("full", (6, 6)), ("thin", (1, 5))]
)
def test_a_bar_goes_on_as_the_one_before_until_its_last_stroke(name, densities):
    closing = closing_of(FOUR_BARS, ENDINGS[name])
    assert closing.densities_after([0, 6, 8, 10, 12]) == densities
    assert closing.densities_after([]) == (1, 5 if ENDINGS[name] is THIN else 1)


@pytest.mark.parametrize(
    ("name", "asked"), [("stop", [1, 1]), ("third beat", [3, 9]), ("full", [4, 15]), ("thin", [4, 5])]
)
def test_the_picture_asks_for_no_more_than_the_ending_has(name, asked):
    closing = closing_of(FOUR_BARS, ENDINGS[name])
    assert [closing.density_of(4), closing.density_of(16)] == asked
    assert closing.density == asked[1]


def closing_bar(ending, orders=None):
    """A grammar that stands in the last of four bars; bass and drums have played in the bar before, piano earlier."""
    grammar = Grammar(FOUR_BARS, (Instrument.DRUMS, Instrument.PIANO, Instrument.BASS), orders or {}, ending=ending)
    for instruments in ([Instrument.PIANO], [], [Instrument.DRUMS, Instrument.BASS]):
        grammar.accept(CompoundWord(WordType.RHYTHM, 17, 1 + len(instruments), 0, 0, 0, 0))
        for number, instrument in enumerate(instruments):
            left = len(instruments) - number
            grammar.accept(CompoundWord(WordType.RHYTHM, 1 + 4 * number, left, 1, 1 + instrument, 0, 0))
            grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 1 + instrument, 37, 1))
    density = grammar.densities().nonzero()[0][0]
    grammar.accept(CompoundWord(WordType.RHYTHM, 17, density, 0, 0, 0, 0))
    return grammar


def latest_strokes(grammar):
    """The strokes, by position and instrument, of a bar that has no more than it must, each as late as it may be."""
    strokes = set()
    while not grammar.types()[WordType.END]:
        if grammar.types()[WordType.NOTE]:
            pitch = int(grammar.pitches().argmax())
            grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 1 + grammar.instrument, pitch, 1))
            continue
        position = int(grammar.positions().nonzero()[0][-1]) - 1
        instrument = Instrument(int(grammar.instruments_at(position).nonzero()[0][-1]) - 1)
        strokes.add((position, instrument))
        strength = int(grammar.strengths(position, instrument).argmax())
        density = grammar.beat_density(position)
        grammar.accept(CompoundWord(WordType.RHYTHM, 1 + position, density, strength, 1 + instrument, 0, 0))
    return strokes


def test_all_who_play_strike_the_last_chord():
    together = {stroke for stroke in latest_strokes(closing_bar(ENDINGS["fourth beat"])) if stroke[0] >= 12}
    assert together == {(12, Instrument.DRUMS), (12, Instrument.BASS)}
    assert latest_strokes(closing_bar(THIN)) == {(8, Instrument.BASS)}, "there, nobody has to"


def test_what_is_ordered_in_the_closing_bar_comes_first():
    late = {3: BarOrders(1, {(15, Instrument.PIANO): 2})}
    assert latest_strokes(closing_bar(ENDINGS["stop"], late)) == {(15, Instrument.PIANO)}
    with_room = {3: BarOrders(2, {(15, Instrument.PIANO): 2})}
    assert latest_strokes(closing_bar(ENDINGS["stop"], with_room)) == {
        (0, Instrument.DRUMS),
        (0, Instrument.BASS),
        (15, Instrument.PIANO),
    }


def test_the_plan_draws_the_ending_by_the_seed():
    wishes = settled(Wishes(length=20.0, tempo=120.0), 20.0)
    for seed in range(5):
        plan = plan_music(None, wishes, GenerateConfig(seed=seed))
        assert plan.request.ending == plan.sheet.ending == draw_ending(seed)
        assert plan.asked.density[-1] == plan.sheet.closing.density_of(plan.asked.density[0])
