"""The planner: the same at once and bar by bar, and sheets in which every order is kept."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import example, write_untrained
from packs import write_pack
from safetensors.numpy import save_file

from cmt.cli import main
from cmt.config import PLANNER, PLANNER_TRAINING
from cmt.corpus.reading import read_corpus
from cmt.errors import CmtError
from cmt.music.chords import chord_of
from cmt.music.key import home_key
from cmt.music.lead_sheet import CRASH, KICK, UNKNOWN, SheetOrders, no_orders
from cmt.music.plan_words import (
    PAST_CUES,
    PLAN_CUE_SIZES,
    PLAN_FIELDS,
    PLAN_SIZES,
    PLAN_VERSION,
    PlanWord,
    past_cues,
    plan_cues,
    sheet_of_words,
    words_of_sheet,
)
from cmt.music.words import Genre, InitialWords, Mode, initial_words
from cmt.network.checkpoint import load_checkpoint
from cmt.network.planner import Planner, default_planner, load_planner, planner_shapes, save_planner
from cmt.training.loop import train
from cmt.training.model import weights_of
from cmt.training.plan_dataset import plan_batches, plan_example, plan_validation, some_orders
from cmt.training.planner import PlannerNetwork, collate_plans
from cmt.training.run_folder import MODEL, settings_of
from cmt.writing.sheets import LONGEST_CHORD, write_sheet
from midi_io.song import Instrument

SMALL = replace(PLANNER, d_model=32, n_layer=2, n_head=2, d_feed_forward=48, dropout=0.0)
DRUMS, PIANO = (1 << i for i in (Instrument.DRUMS, Instrument.PIANO))
PITCHED = 31 - DRUMS


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PlannerNetwork(SMALL).eval()


@pytest.fixture(scope="module")
def planner(network):
    return Planner(SMALL, weights_of(network))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return read_corpus([write_pack(tmp_path_factory.mktemp("pack"))], "train")


def sheet_with_everything(n_bar=24, seed=0):
    """A real form of made-up notes, and a lag now and then."""
    sheet = example(n_bar, seed).sheet
    lags = np.where(np.arange(n_bar) % 3 == 2, 2, 0)
    exact = np.where(lags > 0, sheet.players & np.roll(sheet.players, 2) & 5, 0)
    return replace(sheet, lags=lags, exact=exact, accents=None)


def test_a_sheet_is_its_words():
    sheet = sheet_with_everything()
    again = sheet_of_words(words_of_sheet(sheet))
    for name, column in vars(sheet).items():
        assert np.array_equal(getattr(again, name), column), name


@torch.no_grad()
def test_bar_by_bar_is_as_at_once(network, planner):
    sheet = sheet_with_everything()
    orders = some_orders(sheet, np.random.default_rng(1))
    drawn = plan_example(sheet, orders, initial_words(Genre.ROCK, Mode.MINOR, 120.0))
    batch = collate_plans([plan_example(sheet_with_everything(30, 5), no_orders(30), InitialWords()), drawn], SMALL)
    hidden, source = network.hidden(batch)
    state = planner.start(drawn.initial)
    for bar, word in enumerate(drawn.words.tolist()):
        ours = planner.hear(drawn.cues[bar].tolist(), state)
        assert np.allclose(ours[0], hidden[1, bar], atol=1e-5)
        known = dict(zip(PLAN_FIELDS, word, strict=True))
        recall = int(batch.recalls[1, bar])
        for name in PLAN_FIELDS:
            at_once = network.heads.logits(
                name,
                hidden[1, bar : bar + 1],
                batch.words[1, bar : bar + 1],
                source[1, bar : bar + 1],
                torch.tensor([recall]),
            )
            source_bar = bar - known["lag"] if known["lag"] else None
            logits = planner.logits(name, ours, known, source_bar, recall, state)
            assert np.allclose(logits, at_once[0], atol=1e-5), name
        planner.write(PlanWord(*word), state)


def test_what_a_bar_is_told_does_not_depend_on_what_comes():
    words = words_of_sheet(sheet_with_everything())
    whole = past_cues(words)
    for n in range(len(words)):
        assert np.array_equal(past_cues(words[:n])[-1], whole[n])


def test_cues_lie_in_their_range():
    rng = np.random.default_rng(0)
    for seed in range(20):
        sheet = sheet_with_everything(int(rng.integers(1, 80)), seed)
        cues = plan_example(sheet, some_orders(sheet, rng), InitialWords()).cues
        assert (cues >= 0).all() and (cues < np.array(PLAN_CUE_SIZES)).all()
    assert (plan_cues(no_orders(3))[:, PAST_CUES] == 0).all()


def test_drawn_orders_are_obeyed_by_their_sheet():
    rng = np.random.default_rng(0)
    for seed in range(50):
        sheet = sheet_with_everything(20, seed)
        assert_kept(some_orders(sheet, rng), sheet)


def assert_kept(orders, sheet):
    """Every order of orders that do not contradict each other."""
    columns = {"chords": sheet.chords, "lags": sheet.lags, "letters": sheet.letters, "energy": sheet.energy}
    columns |= {"begins": sheet.begins.astype(int), "kit": sheet.kit}
    for name, column in columns.items():
        order = getattr(orders, name)
        assert ((order == UNKNOWN) | (order == column)).all(), name
    assert not (sheet.players & ~orders.may_play).any()
    assert ((sheet.players & orders.must_play) == orders.must_play).all()


@st.composite
def orders_of_any_kind(draw):
    n_bar = draw(st.integers(1, 24))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)

    def column(most, n=n_bar):
        return np.where(rng.random(n) < rng.random(), rng.integers(0, most, n), UNKNOWN)

    may_play = np.where(rng.random(n_bar) < 0.6, 31, rng.integers(0, 32, n_bar))
    kit = np.where(may_play & DRUMS > 0, column(PLAN_SIZES.kit), UNKNOWN)
    must_play = rng.integers(0, 32, n_bar) & may_play & np.where(kit == 0, PITCHED, 31)
    begins = column(2)
    begins[0] = 1
    letters = np.where(begins == 1, column(PLAN_SIZES.letter), UNKNOWN)
    lags = np.minimum(column(20), np.arange(n_bar))
    energy = column(PLAN_SIZES.energy)
    return SheetOrders(column(PLAN_SIZES.chord, 2 * n_bar), lags, begins, letters, kit, energy, may_play, must_play)


@settings(max_examples=60, deadline=None)
@given(orders=orders_of_any_kind(), seed=st.integers(0, 1000))
def test_orders_are_kept(planner, orders, seed):
    sheet = write_sheet(planner, InitialWords(), orders, Mode.MAJOR, np.random.default_rng(seed))
    assert_kept(orders, sheet)
    words = words_of_sheet(sheet)
    assert (words >= 0).all() and (words < np.array(PLAN_SIZES)).all()
    may_play = np.where(orders.kit == 0, orders.may_play & (PITCHED | orders.must_play), orders.may_play)
    assert (sheet.players[may_play > 0] > 0).all()
    assert (sheet.players[may_play & PITCHED > 0] & PITCHED > 0).all()
    assert not (sheet.kit[sheet.players & DRUMS == 0]).any()
    for bar in range(sheet.n_bar):
        source = sheet.source(bar)
        exact = int(sheet.exact[bar])
        assert not exact or source is not None
        if source is not None:
            assert not exact & ~(sheet.players[bar] & sheet.players[source])
            assert not exact & DRUMS or sheet.kit[bar] == sheet.kit[source]
    if sheet.n_bar >= 4:
        everybody = int(np.bitwise_or.reduce(may_play))
        assert int(np.bitwise_or.reduce(sheet.players)) == everybody


@pytest.mark.parametrize("mode", Mode)
def test_a_piece_comes_home_unless_another_chord_is_ordered(planner, mode):
    for seed in range(5):
        sheet = write_sheet(planner, InitialWords(), no_orders(6), mode, np.random.default_rng(seed))
        assert chord_of(sheet.chords[-1]).root == home_key(mode).tonic
    orders = no_orders(6)
    orders.chords[-1] = 6
    sheet = write_sheet(planner, InitialWords(), orders, mode, np.random.default_rng(0))
    assert sheet.chords[-1] == 6


class OneChordPlanner(Planner):
    """A planner that would stay on its first chord, and repeat each bar exactly."""

    def logits(self, name, hidden, known, source, recall, state):
        logits = super().logits(name, hidden, known, source, recall, state)
        favoured = {"chord": 1, "second_chord": 1, "lag": 1, "exact": 31, "players": 31}
        return logits + 1000.0 * (np.arange(len(logits)) == favoured[name]) if name in favoured else logits


@pytest.mark.parametrize(("n_bar", "longest"), [(20, LONGEST_CHORD), (10, 3), (5, 2)])
def test_no_chord_lasts_long_unless_it_is_ordered(n_bar, longest, network):
    planner = OneChordPlanner(SMALL, weights_of(network))
    window = 2 * longest + 1
    sheet = write_sheet(planner, InitialWords(), no_orders(n_bar), Mode.MAJOR, np.random.default_rng(0))
    inner = sheet.chords[:-2]
    assert all(len(set(inner[k : k + window].tolist())) > 1 for k in range(len(inner) - window + 1))
    worn = [b for b in range(longest, n_bar - 1) if len(set(sheet.chords[2 * (b - longest) : 2 * b].tolist())) == 1]
    assert worn and not (sheet.exact[worn] & PITCHED).any()  # where the chord must change nobody repeats its notes
    ordered = replace(no_orders(n_bar), chords=np.full(2 * n_bar, 1))
    sheet = write_sheet(planner, InitialWords(), ordered, Mode.MAJOR, np.random.default_rng(0))
    assert set(sheet.chords.tolist()) == {1}


def test_drums_alone_have_no_chords(planner):
    sheet = write_sheet(planner, InitialWords(), no_orders(8, [Instrument.DRUMS]), Mode.MAJOR, np.random.default_rng(0))
    assert not sheet.chords.any() and (sheet.players == DRUMS).all()


def test_drums_that_may_not_play_keep_no_order_of_drums(planner):
    orders = no_orders(4, [Instrument.PIANO])
    orders = replace(orders, kit=np.full(4, KICK | CRASH))
    sheet = write_sheet(planner, InitialWords(), orders, Mode.MAJOR, np.random.default_rng(0))
    assert not sheet.kit.any() and (sheet.players == PIANO).all()


def test_one_seed_writes_one_sheet(planner):
    def written(seed):
        return words_of_sheet(
            write_sheet(planner, InitialWords(), no_orders(16), Mode.MAJOR, np.random.default_rng(seed))
        )

    assert np.array_equal(written(3), written(3))
    assert not np.array_equal(written(3), written(4))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("lags", 3, "bar 2 cannot repeat the bar 3"), ("energy", 7, "energy: an order outside -1..4"), ("kit", -2, "kit")],
)
def test_orders_that_cannot_be_are_refused(planner, name, value, message):
    column = np.full(4, UNKNOWN)
    column[2] = value
    orders = replace(no_orders(4), **{name: column})
    with pytest.raises(ValueError, match=message):
        write_sheet(planner, InitialWords(), orders, Mode.MAJOR, np.random.default_rng(0))
    orders = replace(no_orders(4), energy=np.full(3, UNKNOWN))
    with pytest.raises(ValueError, match="energy: 3 orders for 4 bars"):
        write_sheet(planner, InitialWords(), orders, Mode.MAJOR, np.random.default_rng(0))


def test_a_long_lag_may_be_ordered(planner):
    orders = no_orders(80)
    lags = np.full(80, UNKNOWN)
    lags[75] = 70
    sheet = write_sheet(planner, InitialWords(), replace(orders, lags=lags), Mode.MAJOR, np.random.default_rng(0))
    assert sheet.lags[75] == 70


def test_shapes_are_those_of_the_network():
    for config in (PLANNER, SMALL):
        shapes = {name: tuple(tensor.shape) for name, tensor in PlannerNetwork(config).state_dict().items()}
        assert planner_shapes(config) == shapes


def test_what_is_saved_is_loaded(network, tmp_path):
    path = tmp_path / "planner.safetensors"
    save_planner(SMALL, weights_of(network), path, {"step": 7})
    loaded = load_planner(path)
    assert loaded.provenance == {"step": 7} and loaded.planner.config == SMALL and len(loaded.sha256) == 64


def test_a_planner_and_a_network_of_notes_are_not_mistaken(network, tmp_path):
    path = tmp_path / "planner.safetensors"
    save_planner(SMALL, weights_of(network), path, {})
    with pytest.raises(CmtError, match="a planner, which writes lead sheets"):
        load_checkpoint(path)
    with pytest.raises(CmtError, match="no planner; train one"):
        load_planner(write_untrained(tmp_path / "notes.safetensors"))


def test_other_files_are_refused(network, tmp_path):
    with pytest.raises(CmtError, match="no such checkpoint"):
        load_planner(tmp_path / "none.safetensors")
    path = tmp_path / "planner.safetensors"
    description = {"planner": 0, "model": asdict(SMALL)}
    save_file({"weight": np.zeros(3)}, path, metadata={"cmt": json.dumps(description)})
    with pytest.raises(CmtError, match="plan words 0"):
        load_planner(path)
    description["planner"] = PLAN_VERSION
    save_file({"weight": np.zeros(3)}, path, metadata={"cmt": json.dumps(description)})
    with pytest.raises(CmtError, match="do not fit"):
        load_planner(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CmtError, match="damaged"):
        load_planner(path)


@pytest.mark.slow
def test_sheets_of_a_corpus_are_examples(corpus):
    config = replace(PLANNER_TRAINING, words_per_step=64)
    examples, _ = next(plan_batches(corpus, config))
    for each in (*examples, *plan_validation(corpus, replace(config, validation_words=50))[0]):
        assert (each.words >= 0).all() and (each.words < np.array(PLAN_SIZES)).all()
        assert each.words[0, 0] == 1 and not each.chosen[0, :2].any()


@pytest.mark.slow
def test_a_planner_is_trained_by_the_same_loop(corpus, tmp_path):
    config = replace(PLANNER_TRAINING, words_per_step=64, validation_words=50, validation_steps=2)
    train(corpus, corpus, tmp_path / "run", SMALL, config, steps=2, show_progress=False)
    progress = train(corpus, corpus, tmp_path / "run", SMALL, config, steps=4, resume=True, show_progress=False)
    assert set(progress.losses) == {*PLAN_FIELDS, "total"}
    assert load_planner(tmp_path / "run" / MODEL).provenance["step"] == 4


def test_the_shipped_planner_loads_and_is_small():
    assert default_planner().stat().st_size < 4e6
    assert load_planner().provenance["words"] > 0


@pytest.mark.slow
def test_the_command_trains_a_planner_with_settings_of_its_own(tmp_path):
    pack, run = write_pack(tmp_path), tmp_path / "run"
    arguments = ["train", str(pack), "-o", str(run), "--preset", "planner", "--steps", "1", "-q"]
    arguments += ["--validation-words", "64"]
    result = CliRunner().invoke(main, [*arguments, "--words-per-step", "128"])
    assert result.exit_code == 0, result.output
    assert settings_of(run) == (PLANNER, replace(PLANNER_TRAINING, words_per_step=128, validation_words=64))
    result = CliRunner().invoke(main, [*arguments, "--heads", "independent"])
    assert result.exit_code == 2 and "--heads is for networks that write notes" in result.output
