"""Whatever the network says, a piece keeps its lead sheet: who plays, and what repeats what, as far as orders allow."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import lead_sheets
from test_sampling import demands, written_at_random

from cmt.music.encoding import Words
from cmt.music.lead_sheet import KICKS, SNARES, UNKNOWN, LeadSheet, empty_sheet
from cmt.music.words import WordType
from cmt.writing.closing import closing_of
from cmt.writing.grammar import Grammar
from cmt.writing.orders import BarOrders, possible_orders
from cmt.writing.repeats import Tone, backbone, resized, thinned
from midi_io.song import Instrument, Timeline

DRUMS, PIANO, BASS = Instrument.DRUMS, Instrument.PIANO, Instrument.BASS
ALL = tuple(Instrument)


def notes_of(words: Words) -> list[tuple[int, int, Instrument, int, int]]:
    """Bar, position, instrument, MIDI pitch and duration of every note."""
    rows = zip(words.fields.tolist(), words.positions.tolist(), strict=True)
    return [
        (*divmod(position, 16), Instrument(instrument - 1), pitch - 1, duration)
        for (kind, _, _, _, instrument, pitch, duration), position in rows
        if kind == WordType.NOTE
    ]


def strokes_of(words: Words, bar: int, instrument: Instrument) -> list[tuple[int, int, int]]:
    return [(p, pitch, duration) for b, p, i, pitch, duration in notes_of(words) if (b, i) == (bar, instrument)]


REPEATED = {"lags": [0, 1, *[0] * 6], "exact": [UNKNOWN, 31, *[UNKNOWN] * 6]}
"""Of eight bars, so that no note reaches the end of the piece, the second repeats the first."""


def sheet_with(n_bar: int, **columns) -> LeadSheet:
    return replace(empty_sheet(n_bar), **{name: np.array(values) for name, values in columns.items()})


def written(n_bar, orders=None, seed=0, instruments=ALL, must_play=(), **columns) -> Words:
    sheet = sheet_with(n_bar, **columns)
    grammar = Grammar(Timeline.steady(120, 16 * n_bar), instruments, orders or {}, must_play=must_play, sheet=sheet)
    return written_at_random(grammar, np.random.default_rng(seed))


@pytest.mark.slow
@settings(max_examples=150)
@given(demand=demands(), seed=st.integers(0, 2**32), data=st.data())
def test_whatever_is_drawn_the_sheet_is_kept_as_far_as_orders_allow(demand, seed, data):
    length, start, instruments, asked = demand
    timeline = Timeline.steady(120, length, start)
    sheet = data.draw(lead_sheets(timeline.n_bar))
    words = written_at_random(Grammar(timeline, instruments, asked, sheet=sheet), np.random.default_rng(seed))
    kept, _ = possible_orders(asked, timeline, instruments)
    closing, first = closing_of(timeline), 1 if start else 0
    notes, ringing_until = notes_of(words), 0
    for bar in range(timeline.n_bar):
        here = kept.get(bar, BarOrders())
        in_bar = [note for note in notes if note[0] == bar]
        is_inner = first < bar < (closing.bar if closing else timeline.n_bar - 1)
        if is_inner and here.density is None:
            assert all(sheet.plays(bar, i) or (p, i) in here.strengths for _, p, i, *_ in in_bar)
        source = sheet.source(bar)
        for instrument in instruments:
            if source is None or source < first or not is_inner or here != BarOrders():
                continue
            if kept.get(source, BarOrders()) != BarOrders():
                continue  # what was ordered there is not repeated
            if sheet.plays(bar, instrument) and sheet.repeats_exactly(bar, instrument):
                rest_of_piece = int(np.ceil(length)) - 16 * bar
                copied = strokes_of(words, bar, instrument)
                model = strokes_of(words, source, instrument)
                assert [stroke[:2] for stroke in copied] == [stroke[:2] for stroke in model]
                assert all(
                    d == e or kept or (d < e and p + d == rest_of_piece)
                    for (p, _, d), (_, _, e) in zip(copied, model, strict=True)
                )
        pitched = [i for i in instruments if i is not DRUMS]
        free = [i for i in pitched if sheet.plays(bar, i) and (source is None or not sheet.repeats_exactly(bar, i))]
        if is_inner and free and here.density is None and not here.rests:
            assert ringing_until > 16 * bar or any(i is not DRUMS for _, _, i, *_ in in_bar), "never a lone hi-hat"
        ends = [16 * bar + p + d for _, p, i, _, d in in_bar if i is not DRUMS]
        ringing_until = max([ringing_until, *ends])


def test_a_repeated_bar_leaves_nothing_to_chance():
    for seed in range(5):
        words = written(8, {}, seed, **REPEATED)
        once, again = ([note[1:] for note in notes_of(words) if note[0] == bar] for bar in (0, 1))
        assert once == again


def test_a_repeat_yields_to_rests():
    rests = frozenset((position, PIANO) for position in range(8, 16))
    words = written(8, {1: BarOrders(rests=rests)}, seed=3, **REPEATED)
    before = [(p, pitch, min(d, 8 - p)) for p, pitch, d in strokes_of(words, 0, PIANO) if p < 8]
    assert strokes_of(words, 1, PIANO) == before
    assert strokes_of(words, 1, BASS) == strokes_of(words, 0, BASS)


@pytest.mark.parametrize("density", [1, 3, 6, 9, 12, 16])
@pytest.mark.parametrize("seed", range(3))
def test_an_ordered_density_thins_a_repeated_bar_or_adds_to_it(density, seed):
    words = written(8, {0: BarOrders(8), 1: BarOrders(density)}, seed, **REPEATED)
    first, second = ({(p, i, x, d) for b, p, i, x, d in notes_of(words) if b == bar} for bar in (0, 1))
    places = [len({note[0] for note in bar}) for bar in (first, second)]
    assert places == [8, density]
    common = first & second
    if density <= 8:
        instruments = {note[1] for note in common}
        assert all(note in first or note[1] not in instruments for note in second)
    else:
        assert first <= second
        added = second - first
        assert not any(i is DRUMS and pitch in KICKS + SNARES for _, i, pitch, _ in added)


def test_an_ordered_stroke_is_an_ornament_on_the_repeated_ones():
    for seed in range(3):
        model = written(8, {}, seed, (DRUMS, PIANO), **REPEATED)
        place = next((p, i) for b, p, i, *_ in notes_of(model) if b == 0)
        strength = sum((b, p, i) == (0, *place) for b, p, i, *_ in notes_of(model))
        for ordered in {max(1, strength - 1), strength, min(6, strength + 2)}:
            orders = {1: BarOrders(None, {place: ordered})}
            words = written(8, orders, seed, (DRUMS, PIANO), **REPEATED)
            first, second = ({note[1:] for note in notes_of(words) if note[0] == bar} for bar in (0, 1))
            assert {note for note in first if note[:2] != place} == {note for note in second if note[:2] != place}
            here = [{note for note in bar if note[:2] == place} for bar in (first, second)]
            assert len(here[1]) == ordered
            assert here[0] <= here[1] or here[1] <= here[0]


def test_what_was_ordered_in_a_bar_is_not_repeated_with_it():
    lags, exact = [0, 1, 1, *[0] * 5], [UNKNOWN, 31, 31, *[UNKNOWN] * 5]
    for seed in range(5):
        orders = {1: BarOrders(3, {(5, DRUMS): 4, (9, PIANO): 1})}
        words = written(8, orders, seed, lags=lags, exact=exact)
        for instrument in ALL:
            assert strokes_of(words, 2, instrument) == strokes_of(words, 0, instrument)


def test_what_is_ordered_varies_a_varied_repeat_enough():
    chords, kit = [0, 0, 0, 0, 0, 7, *[UNKNOWN] * 10], [7, 7, 7, 3, *[UNKNOWN] * 4]
    columns = {"lags": [0, 1, 2, *[0] * 5], "exact": [0] * 8, "letters": [0] * 8, "chords": chords, "kit": kit}
    orders = {bar: BarOrders(6) for bar in range(4)}
    for seed in range(5):
        words = written(8, orders, seed, **columns)
        for instrument in ALL:
            same = [strokes_of(words, bar, instrument) == strokes_of(words, 0, instrument) for bar in (1, 2)]
            if strokes_of(words, 0, instrument):
                assert same[0], "the chords are the same, and so are the notes"
            if instrument is DRUMS and strokes_of(words, 0, instrument):
                assert same[1], "the kit is the same, and so are the drums"
    free = written(8, {}, 0, **columns)
    assert strokes_of(free, 1, PIANO) != strokes_of(free, 0, PIANO)


def test_an_order_for_one_who_does_not_play_wins():
    orders = {1: BarOrders(None, {(4, PIANO): 2})}
    words = written(4, orders, players=[31, 1 << BASS, 31, 31])
    assert {(p, i) for b, p, i, *_ in notes_of(words) if b == 1 and i is not BASS} == {(4, PIANO)}


def test_who_must_play_enters_where_the_sheet_first_lets_it():
    without, everyone = 31 - (1 << PIANO), 31
    bass_alone = 1 << BASS
    players = [bass_alone, bass_alone, everyone, *[without] * 5]
    for seed in range(5):
        notes = notes_of(written(8, {}, seed, must_play=ALL, players=players))
        assert {b for b, _, i, *_ in notes if i is PIANO} == {2}
        never = notes_of(written(8, {}, seed, must_play=ALL, players=[without] * 8))
        assert 6 in {b for b, _, i, *_ in never if i is PIANO} <= {6, 7}


def test_who_may_play_in_early_bars_alone_enters_there_even_against_the_sheet():
    without = 31 - (1 << PIANO)
    muted = {bar: BarOrders(rests=frozenset((p, PIANO) for p in range(16))) for bar in range(2, 8)}
    for seed in range(5):
        notes = notes_of(written(8, muted, seed, must_play=ALL, players=[without] * 8))
        assert {b for b, _, i, *_ in notes if i is PIANO} == {1}


def test_a_sheet_for_another_piece_is_refused():
    with pytest.raises(ValueError, match="has 3 bars, the piece 4"):
        Grammar(Timeline.steady(120, 64), ALL, {}, sheet=empty_sheet(3))


def test_the_backbone_goes_last_and_ticks_first():
    kick, snare, hat = Tone(36, 1), Tone(38, 1), Tone(42, 1)
    strokes = {(p, DRUMS): (hat,) for p in range(0, 16, 2)} | {
        (0, DRUMS): (kick, hat),
        (4, DRUMS): (snare, hat),
        (12, DRUMS): (snare, hat),
        (3, PIANO): (Tone(60, 4),),
        (6, BASS): (Tone(36, 4),),
    }
    assert backbone(strokes) == [0, 4, 6, 12]
    kept = [sorted({p for p, _ in thinned(strokes, n, n, (), with_pitch=False)}) for n in (5, 4, 2)]
    assert kept == [[0, 3, 4, 6, 12], [0, 4, 6, 12], [4, 12]]
    assert sorted({p for p, _ in thinned(strokes, 1, 1, [3], with_pitch=False)}) == [3, 4]
    assert sorted({p for p, _ in thinned(strokes, 1, 1, (), with_pitch=True)}) == [6]


def test_ticks_that_are_equally_light_go_together_if_that_leaves_enough():
    kick, hat = Tone(36, 1), Tone(42, 1)
    strokes = {(p, DRUMS): (hat,) for p in range(16)} | {(0, DRUMS): (kick, hat), (8, DRUMS): (kick, hat)}

    def kept(least: int, most: int) -> list[int]:
        return sorted(p for p, _ in thinned(strokes, least, most, (), with_pitch=False))

    assert kept(8, 12) == kept(7, 9) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert kept(4, 7) == [0, 4, 8, 12]
    assert len(kept(10, 12)) == 12, "eight would be too few"


@pytest.mark.parametrize("seed", range(3))
def test_with_slack_a_repeated_bar_stays_as_it_is_if_that_is_near_enough(seed):
    same, near, far = ({0: BarOrders(8), 1: BarOrders(density, slack=2)} for density in (8, 10, 12))
    for orders in (same, near):
        words = written(8, orders, seed, **REPEATED)
        first, second = ([note[1:] for note in notes_of(words) if note[0] == bar] for bar in (0, 1))
        assert set(first) <= set(second)
    words = written(8, far, seed, **REPEATED)
    assert 10 <= len({note[1] for note in notes_of(words) if note[0] == 1}) <= 14


def test_ornaments_come_on_top_where_there_is_slack():
    strengths = {(3, PIANO): 3, (4, DRUMS): 2, (7, PIANO): 3, (7, BASS): 1}
    assert BarOrders(8, strengths, slack=2).n_ornament == 2, "positions between the eighths, not strokes"
    assert BarOrders(8, strengths).n_ornament == BarOrders(8, slack=2).n_ornament == 0


def test_a_stroke_made_smaller_keeps_what_tells_most():
    assert resized((Tone(36, 1), Tone(38, 1), Tone(42, 1)), 1, DRUMS) == (Tone(38, 1),)
    chord = (Tone(48, 4), Tone(52, 4), Tone(55, 8))
    assert resized(chord, 2, PIANO) == (Tone(48, 4), Tone(55, 8))
    assert resized(chord, 5, PIANO) == chord


def test_unknown_players_are_everyone():
    assert len({i for *_, i, _, _ in notes_of(written(6, {}, players=[UNKNOWN] * 6))}) == 5
