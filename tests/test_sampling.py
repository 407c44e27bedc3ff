"""Whatever the network says, the grammar makes it a song."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import lead_sheets

from cmt.music.encoding import Words, decode
from cmt.music.profile import profile_of_song
from cmt.music.words import BAR, CompoundWord, Mode, WordType
from cmt.writing.closing import CLOSING_TONIC, ENDINGS, closing_of, closing_pitch_classes
from cmt.writing.draw import draw, tilted
from cmt.writing.grammar import Grammar
from cmt.writing.orders import MOST_AT_ONCE, BarOrders, possible_orders
from cmt.writing.ranges import PITCH_RANGES, ranges_before
from cmt.writing.unannounced import UnannouncedGrammar
from midi_io.song import Instrument, Timeline

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
    grammar = Grammar(Timeline.steady(120, 32), tuple(Instrument), {})
    assert np.flatnonzero(grammar.types()).tolist() == [WordType.RHYTHM]
    assert np.flatnonzero(grammar.positions()).tolist() == [BAR]


def test_positions_too_late_to_leave_room_are_masked():
    grammar = Grammar(Timeline.steady(120, 32), tuple(Instrument), {})
    grammar.accept(bar(14))
    assert np.flatnonzero(grammar.positions()).tolist() == [1, 2, 3]


def test_an_order_is_neither_passed_nor_crowded_out():
    orders = {0: BarOrders(2, {(5, Instrument.PIANO): 3, (9, Instrument.BASS): 1})}
    grammar = Grammar(Timeline.steady(120, 32), tuple(Instrument), orders)
    grammar.accept(bar(2))
    assert np.flatnonzero(grammar.positions()).tolist() == [6]  # both places are ordered, none is spare
    assert np.flatnonzero(grammar.instruments_at(5)).tolist() == [1, 2]  # drums may come first, piano must come
    assert np.flatnonzero(grammar.strengths(5, Instrument.PIANO)).tolist() == [3]


def test_the_piece_ends_exactly_after_its_bars():
    grammar = Grammar(Timeline.steady(120, 32), tuple(Instrument), {})
    grammar.accept(bar(0))
    assert np.flatnonzero(grammar.positions()).tolist() == [BAR]
    assert not grammar.types()[WordType.END]
    assert not grammar.densities()[1]  # the last bar is not silent
    assert not grammar.densities()[1 + closing_of(Timeline.steady(120, 32)).density + 1 :].any()
    grammar.accept(bar(1))
    grammar.accept(CompoundWord(WordType.RHYTHM, 1, 1, 1, 1, 0, 0))
    assert np.flatnonzero(grammar.types()).tolist() == [WordType.NOTE]
    grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 1, 37, 1))
    assert not grammar.types()[WordType.END]  # drums alone are no music
    grammar.accept(CompoundWord(WordType.RHYTHM, 1, 1, 1, 2, 0, 0))
    grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 2, 61, 1))
    assert grammar.types()[WordType.END]
    assert not grammar.positions()[BAR]


def test_a_pickup_takes_no_notes_before_the_start():
    grammar = Grammar(Timeline.steady(120, 32, 12), tuple(Instrument), {})
    assert np.flatnonzero(grammar.densities()).tolist() == [1, 2, 3, 4, 5]
    grammar.accept(bar(2))
    assert np.flatnonzero(grammar.positions()).tolist() == [13, 14, 15]  # the last is left for the second
    later = Grammar(Timeline.steady(120, 32, 12), tuple(Instrument), {})
    later.accept(bar(0))
    later.accept(bar(1))
    assert np.flatnonzero(later.positions()).tolist() == list(range(1, 17))


def test_a_shortened_last_bar_takes_no_notes_after_the_end():
    grammar = Grammar(Timeline.steady(120, 26.5), tuple(Instrument), {1: BarOrders(density=11)})
    assert grammar.n_bar == 2
    grammar.accept(bar(0))
    assert np.flatnonzero(grammar.densities()).tolist() == [1 + 11]
    grammar.accept(bar(11))
    assert np.flatnonzero(grammar.positions()).tolist() == [1]  # all that the bar has
    grammar = Grammar(Timeline.steady(120, 26.5), tuple(Instrument), {1: BarOrders(density=12)})
    grammar.accept(bar(0))
    assert np.flatnonzero(grammar.densities()).tolist() == [1 + 11]  # of twelve, those that the bar has


def test_a_last_bar_that_is_cut_off_too_soon_only_rings():
    grammar = Grammar(Timeline.steady(120, 34), tuple(Instrument), {}, mode=Mode.MINOR)
    grammar.accept(bar(1))
    grammar.accept(CompoundWord(WordType.RHYTHM, 1, 1, 1, 1, 0, 0))
    grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 1, 37, 1))
    assert np.flatnonzero(grammar.densities()).tolist() == list(
        range(2, 2 + closing_of(Timeline.steady(120, 34)).density)
    )
    grammar.accept(bar(1))
    assert np.flatnonzero(grammar.positions()).tolist() == list(
        range(1, closing_of(Timeline.steady(120, 34)).last_stroke + 2)
    )
    grammar.accept(CompoundWord(WordType.RHYTHM, closing_of(Timeline.steady(120, 34)).last_stroke + 1, 1, 1, 4, 0, 0))
    assert {(pitch - 1) % 12 for pitch in np.flatnonzero(grammar.pitches())} == {9}  # the bass ends on A
    grammar.accept(CompoundWord(WordType.NOTE, 0, 0, 0, 4, 34, 1))
    assert np.flatnonzero(grammar.densities()).tolist() == [1]


def test_a_tilt_moves_what_it_speaks_of_and_nothing_else():
    logits, allowed = np.log([0.1, 0.2, 0.3, 0.3, 0.1]), np.array([True, True, True, True, False])
    moved = np.exp(tilted(logits, allowed, np.array([np.nan, 0.2, 0.2, 0.0, 0.6])))
    assert moved == pytest.approx([0.1, 0.8 * 0.2 / 0.5, 0.8 * 0.3 / 0.5, 0.0, 0.1])
    assert tilted(logits, allowed, np.full(5, np.nan)) is logits
    assert tilted(logits, allowed, np.array([np.nan, 0, 0, 0, 1.0])) is logits  # it leaves nothing to choose from


def test_impossible_orders_are_made_possible_and_named():
    asked = {
        0: BarOrders(20, {(5, Instrument.BASS): 20, (3, Instrument.PIANO): 2}),
        1: BarOrders(0, {(0, Instrument.DRUMS): 1, (12, Instrument.DRUMS): 1}),
        7: BarOrders(3),
    }
    kept, lines = possible_orders(asked, Timeline.steady(120, 24, 4), (Instrument.DRUMS, Instrument.BASS))
    assert kept == {
        0: BarOrders(12, {(5, Instrument.BASS): MOST_AT_ONCE[Instrument.BASS]}),
        1: BarOrders(1, {(0, Instrument.DRUMS): 1}),
    }
    assert lines == (
        "bar 1: density 20 was ordered; 1 to 12 can be played there, and it has 12",
        "bar 2: density 0 was ordered; 1 to 8 can be played there, and it has 1",
        "bar 2: drums was ordered on position 12, which is a rest or lies outside the piece; left out",
        "bar 8 was ordered, the piece has 2; left out",
        "bass: 20 notes at once were ordered; 1 to 4 can be played",
        "piano was ordered and does not play; left out",
    )
    assert possible_orders(kept, Timeline.steady(120, 24, 4), (Instrument.DRUMS, Instrument.BASS)) == (kept, ())


def written_at_random(grammar: Grammar, rng: np.random.Generator) -> Words:
    """What a model that knows nothing writes under a grammar: any allowed value is as likely as any other."""

    def choose(allowed: np.ndarray) -> int:
        return int(rng.choice(np.flatnonzero(allowed)))

    words, positions = [], []
    while not grammar.finished:
        word_type = choose(grammar.types())
        word = CompoundWord(word_type, 0, 0, 0, 0, 0, 0)
        if word_type == WordType.NOTE:
            pitch = choose(grammar.pitches())
            word = word._replace(
                instrument=1 + grammar.instrument, pitch=pitch, duration=choose(grammar.durations(pitch))
            )
        elif word_type == WordType.RHYTHM:
            lean, allowed = grammar.position_lean(), grammar.positions()
            if lean is not None and (allowed & ~np.isnan(lean)).any():
                assert np.nansum(lean[allowed]) == pytest.approx(1), "the groove wants what is allowed"
            place = choose(allowed)
            if place == BAR:
                word = word._replace(position=BAR, density=choose(grammar.densities()))
            else:
                instrument = choose(grammar.instruments_at(place - 1))
                strength = choose(grammar.strengths(place - 1, Instrument(instrument - 1)))
                density = grammar.beat_density(place - 1)
                word = word._replace(position=place, density=density, instrument=instrument, strength=strength)
        grammar.accept(word)
        words.append(word)
        positions.append(grammar.piece_position)
    return Words(np.array(words, dtype=np.uint8), np.array(positions, dtype=np.int32))


@st.composite
def demands(draw: st.DrawFn):
    """A length, a start, instruments and orders, most of which can be kept."""
    length = draw(st.integers(1, 80) | st.floats(1.5, 80))
    n_bar = -int(-length // 16)
    start = draw(st.integers(0, min(15, int(length) - 1)))
    instruments = draw(st.sets(st.sampled_from(Instrument), min_size=1))
    places = st.tuples(st.integers(0, 15), st.sampled_from(Instrument))
    rests = st.sets(places, max_size=40) | st.just({(p, i) for p in range(16) for i in Instrument})
    orders = st.builds(
        BarOrders,
        st.none() | st.integers(0, 18),
        st.dictionaries(places, st.integers(0, 18), max_size=6),
        st.just(frozenset()) | rests.map(frozenset),
        st.sampled_from([0, 0, 2, 5]),
    )
    return length, start, instruments, draw(st.dictionaries(st.integers(0, n_bar), orders, max_size=6))


@pytest.mark.slow
@pytest.mark.parametrize("left_out", [(), ("density",), ("strength",), ("density", "strength")], ids=" ".join)
@settings(max_examples=100)
@given(
    demand=demands(),
    seed=st.integers(0, 2**32),
    must=st.booleans(),
    mode=st.sampled_from([None, *Mode]),
    ending=st.sampled_from(list(ENDINGS.values())),
    data=st.data(),
)
def test_whatever_is_drawn_every_order_is_kept_and_the_piece_closes(left_out, demand, seed, must, mode, ending, data):
    length, start, instruments, asked = demand
    kind = partial(UnannouncedGrammar, left_out=left_out) if left_out else Grammar
    timeline = Timeline.steady(120, length, start)
    sheet = data.draw(st.none() | lead_sheets(timeline.n_bar))
    must_play = instruments if must else ()
    grammar = kind(timeline, instruments, asked, must_play=must_play, mode=mode, ending=ending, sheet=sheet)
    can_be_kept = {
        index: BarOrders(
            None if "density" in left_out else each.density,
            dict.fromkeys(each.strengths) if "strength" in left_out else each.strengths,
            each.rests,
            each.slack,
        )
        for index, each in asked.items()
    }
    kept, _ = possible_orders(can_be_kept, timeline, instruments)
    words = written_at_random(grammar, np.random.default_rng(seed))
    song = decode(words, timeline)
    obtained = profile_of_song(song)
    strengths = {(n.bar, n.position, n.instrument): n.strength for n in obtained.simu_notes}

    assert np.count_nonzero((words.fields[:, 0] == WordType.RHYTHM) & (words.fields[:, 1] == BAR)) == song.n_bar
    resting: set = set()
    for index, bar_orders in kept.items():
        density = obtained.density[index]
        least, most = bar_orders.densities
        assert least <= density <= most
        resting |= {(16 * index + position, instrument) for position, instrument in bar_orders.rests}
        for (position, instrument), strength in bar_orders.strengths.items():
            assert (index, position, instrument) in strengths
            found = strengths[index, position, instrument]
            assert strength is None or found == strength or (bar_orders.slack and found > strength)

    announced = [CompoundWord(*row) for row in words.fields.tolist() if row[0] == WordType.RHYTHM]
    densities = [word.density - 1 for word in announced if word.position == BAR]
    assert densities == ([-1] * song.n_bar if "density" in left_out else list(obtained.density))
    in_beats = [word.strength for word in announced if word.position != BAR]
    assert in_beats == [0 if "strength" in left_out else note.strength for note in obtained.simu_notes]
    for simu_note in obtained.simu_notes:
        ordered = kept.get(simu_note.bar, BarOrders()).strengths
        assert simu_note.strength <= MOST_AT_ONCE[simu_note.instrument] or ordered

    ends: dict = {}
    for note in song.notes:
        low, high = PITCH_RANGES[note.instrument]
        assert start <= note.position < length and note.instrument in instruments
        assert low <= note.pitch <= high
        assert ends.get((note.instrument, note.pitch), 0) <= note.position, "no pitch sounds twice at once"
        ends[note.instrument, note.pitch] = note.position + note.duration
        assert not resting & {(p, note.instrument) for p in range(note.position, note.position + note.duration)}

    if must and not resting and all(order.density is None for order in kept.values()):
        assert set(song.instruments) == instruments
    closing = closing_of(timeline, ending)
    if closing is None or resting:
        return
    asked_at_the_end = kept.get(closing.bar, BarOrders()).density
    assert (
        obtained.density[closing.bar]
        if asked_at_the_end is None
        else ("density" in left_out or obtained.density[closing.bar] == asked_at_the_end)
    ), "no slack where it closes"
    if not any(bar_index >= closing.bar for bar_index in kept):
        assert obtained.density[closing.bar] <= closing.density
        for note in song.notes:
            if note.position // 16 >= closing.bar:
                assert not closing.rings_at(note.position)
                chord = closing_pitch_classes(note.instrument, grammar.mode)
                assert note.instrument == Instrument.DRUMS or note.pitch % 12 in chord
        last = [n for n in song.notes if n.position == song.notes[-1].position and n.instrument != Instrument.DRUMS]
        for instrument in {note.instrument for note in last}:
            lowest = min(note.pitch for note in last if note.instrument == instrument)
            assert lowest % 12 == CLOSING_TONIC[grammar.mode], "everyone ends on the tonic"
        players = {note.instrument for note in song.notes if note.position // 16 == closing.bar - 1}
        if players and not closing.thins_out:
            assert song.notes[-1].position == 16 * closing.bar + closing.last_stroke
            struck_last = {note.instrument for note in song.notes if note.position == song.notes[-1].position}
            assert players <= struck_last, "all who play strike together"


@given(st.lists(st.integers(-6, 5), min_size=1, max_size=2))
def test_pitches_stay_in_range_when_they_are_moved(shifts):
    for instrument, (low, high) in ranges_before(shifts).items():
        for shift in shifts if instrument is not Instrument.DRUMS else [0]:
            assert PITCH_RANGES[instrument][0] <= low + shift and high + shift <= PITCH_RANGES[instrument][1]
