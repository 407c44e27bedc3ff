"""Training learns, and goes on where it stopped."""

import csv
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from loopback import skip_without_loopback
from packs import write_pack

import cmt.training.loop
from cmt.cli import main
from cmt.config import PRESETS, TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.errors import CmtError
from cmt.music.cues import CUE_SIZES
from cmt.music.words import CompoundWord
from cmt.network.checkpoint import load_checkpoint, load_tensors, save_tensors
from cmt.network.weights import weight_shapes
from cmt.training.average import Average
from cmt.training.collate import collate
from cmt.training.dataset import batches
from cmt.training.loop import CUE_RATE, learning_rate, train
from cmt.training.model import MusicTransformer, weights_of
from cmt.training.run_folder import BEST, CONFIG, LOSSES, MODEL, STATE, Progress, settings_of
from cmt.training.task import NOTES
from cmt.training.team import Team

pytestmark = pytest.mark.slow

MINIATURE = replace(
    PRESETS["tiny"],
    d_model=32,
    n_layer=1,
    n_head=1,
    d_feed_forward=64,
    embedding_sizes=CompoundWord(*[8] * 7),
    echo_bars=(),
)
QUICK = TrainConfig(
    words_per_step=1000,
    max_words=500,
    warmup_steps=5,
    learning_rate=1e-2,
    validation_words=1000,
    validation_steps=20,
    average=0.8,
)
SECONDS = 1 / 60


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    # Its songs are noise, each its own: what can be seen to be learnt are the songs themselves.
    corpus = read_corpus([write_pack(tmp_path_factory.mktemp("pack"))], "train")
    return corpus, corpus


@pytest.fixture(scope="module")
def run(corpora, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(*corpora, folder, MINIATURE, QUICK, steps=60, show_progress=False)
    return folder


def losses_of(run):
    with open(run / LOSSES, encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def without_clock(rows):
    return [{name: value for name, value in row.items() if name != "minutes"} for row in rows]


def test_the_loss_falls(run):
    rows = losses_of(run)
    assert [row["step"] for row in rows] == [20, 40, 60]
    assert rows[-1]["val_total"] < rows[0]["val_total"] - 0.3
    assert rows[-1]["train_total"] < rows[0]["train_total"] - 0.3
    for row in rows:
        assert row["val_total"] == pytest.approx(sum(row[f"val_{name}"] for name in NOTES.attributes))


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(run, corpora, tmp_path, monkeypatch):
    """Killed after 33 steps, 13 behind its last checkpoint."""

    steps_left, step = iter(range(33)), cmt.training.loop._step

    def killed(*arguments):
        if next(steps_left, None) is None:
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("cmt.training.loop._step", killed)
        with pytest.raises(KeyboardInterrupt):
            train(*corpora, tmp_path, MINIATURE, QUICK, steps=60, show_progress=False)
    assert len(losses_of(tmp_path)) == 1
    train(*corpora, tmp_path, MINIATURE, QUICK, steps=60, resume=True, show_progress=False)
    assert without_clock(losses_of(tmp_path)) == without_clock(losses_of(run))
    unbroken, resumed = (load_tensors(folder / MODEL)[0] for folder in (run, tmp_path))
    assert all(np.array_equal(unbroken[name], resumed[name]) for name in unbroken)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_tables_of_cues_learn_at_a_rate_of_their_own(optimizer, corpora, tmp_path):
    """AdamW's first step moves every weight that learns by the rate."""
    config = replace(MINIATURE, cues=True)
    quick = replace(QUICK, optimizer=optimizer, warmup_steps=1, average=0.0, learning_rate=1e-3, precision="fp32")
    torch.manual_seed(quick.seed)
    before = weights_of(MusicTransformer(config))
    train(*corpora, tmp_path, config, quick, steps=1, show_progress=False)
    after = load_tensors(tmp_path / MODEL)[0]
    moved = {name: np.abs(after[name].astype(np.float64) - weight).max() for name, weight in before.items()}
    tables = [name for name in moved if name.startswith("embedding.cues.")]
    assert len(tables) == len(CUE_SIZES) and not any(before[name].any() for name in tables)
    for name in tables:
        assert moved[name] == pytest.approx(CUE_RATE * 1e-3, rel=0.01), name
    assert moved["embedding.w_in.bias"] == pytest.approx(1e-3, rel=0.1)


def test_a_run_can_be_given_minutes(corpora, tmp_path, monkeypatch):
    """By a clock on which each step takes a quarter of a second, and nothing else takes any time."""
    n_step, step = 0, cmt.training.loop._step

    def counted(*arguments):
        nonlocal n_step
        n_step += 1
        return step(*arguments)

    class Clock:
        def __init__(self, before, read):
            pass

        def seconds(self):
            return 0.25 * n_step

    monkeypatch.setattr("cmt.training.loop._step", counted)
    monkeypatch.setattr("cmt.training.loop._Clock", Clock)
    config = replace(QUICK, validation_steps=0, checkpoint_minutes=0.7 * SECONDS)
    progress = train(*corpora, tmp_path, MINIATURE, config, minutes=2 * SECONDS, show_progress=False)
    assert (progress.step, progress.seconds) == (8, 2.0)
    assert [row["step"] for row in progress.history] == [3, 6, 8]  # after 0.75, 1.5 and 2 s


def test_two_processes_learn_together(tmp_path):
    """Two gloo processes: both learn from examples of their own, and come to the same weights."""
    skip_without_loopback()
    write_pack(tmp_path)
    script = (
        "import sys; from pathlib import Path; import test_train as t; from cmt.corpus.reading import read_corpus\n"
        "corpus = read_corpus([Path(sys.argv[1])], 'train')\n"
        "t.train(corpus, corpus, Path(sys.argv[2]), t.MINIATURE, t.QUICK, steps=30, show_progress=False)"
    )
    (tmp_path / "script.py").write_text(script)
    pack, run = tmp_path / "lpd5_16th_test.npz.xz", tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    subprocess.run(
        [*command, str(tmp_path / "script.py"), str(pack), str(run)], check=True, env=environment, capture_output=True
    )
    rows = losses_of(run)
    assert rows[-1]["step"] == 30
    assert rows[-1]["val_total"] < rows[0]["val_total"]
    _, description = load_tensors(run / STATE)
    assert len(description["places"]) == 2


def weights_after_a_step(examples, groups, precision):
    """All weights of a network, one after the other, that has learnt once from groups of examples."""
    torch.manual_seed(0)
    model = MusicTransformer(MINIATURE)
    config = replace(QUICK, precision=precision)
    drawn = [collate(group, MINIATURE) for group in groups(examples)]
    losses = cmt.training.loop._step(model, [torch.optim.SGD(model.parameters(), lr=0.1)], drawn, 0.1, config, Team())
    assert losses is not None
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def all_at_once(examples):
    return [examples]


def one_by_one(examples):
    return [[example] for example in examples]


def test_accumulated_batches_are_one_larger_batch(corpora):
    examples, _ = next(batches(corpora[0], QUICK))
    assert len(examples) > 1
    together = weights_after_a_step(examples, all_at_once, "fp32")
    apart = weights_after_a_step(examples, one_by_one, "fp32")
    assert torch.allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("groups", [all_at_once, one_by_one])
def test_a_step_in_bf16_is_nearly_one_in_fp32(corpora, groups):
    """On any processor: where it has no instructions for bf16, torch does the same in software."""
    examples, _ = next(batches(corpora[0], QUICK))
    exact, rounded = (weights_after_a_step(examples, groups, precision) for precision in ("fp32", "bf16"))
    assert torch.allclose(exact, rounded, atol=1e-2)
    assert not torch.equal(exact, rounded)


def test_early_stopping_waits_for_patience_validations():
    def stops(*totals):
        return cmt.training.loop._learns_no_more(
            Progress(history=[{"val_total": t} for t in totals]), replace(QUICK, patience=2)
        )

    assert not stops(3.0, 2.0) and not stops(3.0, 2.0, 2.5) and not stops(3.0, 2.0, 2.5, 1.9)
    assert stops(3.0, 2.0, 2.5, 2.1)
    assert not cmt.training.loop._learns_no_more(Progress(history=[{"val_total": 1.0}] * 9), QUICK)


def test_the_average_follows_and_is_taken_off_again():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = Average(model, 0.9)
    for _ in range(300):
        torch.nn.init.ones_(model.weight)
        average.follow(model)
    with average.worn_by(model):
        assert 0.9 < model.weight.item() <= 1
        torch.nn.init.zeros_(model.weight)
    assert model.weight.item() == 1 and average.weights[0].item() == 0


def test_a_run_starts_from_a_checkpoint_and_what_it_lacks_from_the_beginning(run, corpora, tmp_path):
    richer = replace(MINIATURE, echo_bars=(1, 2, 4))
    progress = train(*corpora, tmp_path, richer, QUICK, steps=1, start_from=run / MODEL, show_progress=False)
    assert progress.losses["total"] < losses_of(run)[0]["val_total"]


def test_tensorboard_that_is_not_installed_is_named(tmp_path, corpora, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(CmtError, match=r"^`tensorboard` needs tensorboard, .*video-cmt\[tensorboard\]"):
        train(*corpora, tmp_path, MINIATURE, QUICK, steps=1, tensorboard=True, show_progress=False)


def test_a_batch_beyond_the_memory_says_what_to_lower(tmp_path, corpora, monkeypatch):
    def too_large(self, batch):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: not enough memory: you tried")

    monkeypatch.setattr("cmt.training.model.MusicTransformer.losses", too_large)
    with pytest.raises(CmtError, match="halve `words_per_step`"):
        train(*corpora, tmp_path, MINIATURE, QUICK, steps=1, show_progress=False)


@pytest.mark.skipif(not find_spec("tensorboard"), reason="TensorBoard is not installed")
def test_tensorboard_gets_the_losses(tmp_path, corpora):
    train(*corpora, tmp_path, MINIATURE, QUICK, steps=2, tensorboard=True, show_progress=False)
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_checkpoint_of_another_model_is_no_start(run, corpora, tmp_path):
    with pytest.raises(CmtError, match="`model_config`"):
        train(*corpora, tmp_path, PRESETS["tiny"], QUICK, steps=1, start_from=run / MODEL, show_progress=False)


def test_what_was_trained_can_be_loaded_to_generate(run):
    loaded = load_checkpoint(run / MODEL)
    assert loaded.decoder.config == MINIATURE
    assert loaded.provenance["step"] > 0


def test_the_checkpoint_holds_half_precision_weights(run):
    weights = (run / MODEL).read_bytes()
    n_parameter = sum(math.prod(shape) for shape in weight_shapes(MINIATURE).values())
    assert len(weights) < 2 * n_parameter + 10_000


def test_a_run_is_never_overwritten(run, corpora):
    with pytest.raises(CmtError, match="`resume`"):
        train(*corpora, run, MINIATURE, QUICK, steps=1, show_progress=False)


def test_a_run_of_another_model_is_not_resumed(run, corpora):
    with pytest.raises(CmtError, match="`model_config`"):
        train(*corpora, run, PRESETS["tiny"], QUICK, steps=1, resume=True, show_progress=False)


def test_resuming_nothing_is_refused(tmp_path, corpora):
    with pytest.raises(CmtError, match="no training to go on with"):
        train(*corpora, tmp_path, MINIATURE, QUICK, steps=1, resume=True, show_progress=False)


def test_a_loss_that_is_no_number_stops_the_training(tmp_path, corpora, monkeypatch):
    monkeypatch.setattr(
        "cmt.training.model.MusicTransformer.losses",
        lambda self, batch: dict.fromkeys(NOTES.attributes, self.norm.weight.sum() * float("nan")),
    )
    with pytest.raises(CmtError, match="no number 10 times"):
        train(*corpora, tmp_path, MINIATURE, QUICK, steps=30, show_progress=False)


def test_a_kernel_that_is_not_installed_is_named(tmp_path, corpora):
    if find_spec("fast_transformers"):
        pytest.skip("it is installed here")
    with pytest.raises(CmtError, match="fast-transformers is not installed"):
        train(*corpora, tmp_path, MINIATURE, replace(QUICK, kernel="fast-transformers"), steps=1)


def test_the_learning_rate_rises_stays_and_falls():
    config = TrainConfig(learning_rate=1.0, warmup_steps=10, decay_share=0.5)
    assert learning_rate(0, 0.0, config) == pytest.approx(0.1)
    assert learning_rate(100, 0.4, config) == 1.0
    assert learning_rate(100, 0.75, config) == pytest.approx(0.5)
    assert learning_rate(100, 1.0, config) == pytest.approx(0.02)


def test_adamw_alone_learns_too_and_does_not_go_on_with_the_others_run(run, corpora, tmp_path):
    config = replace(QUICK, optimizer="adamw")
    progress = train(*corpora, tmp_path, MINIATURE, config, steps=40, show_progress=False)
    assert progress.history[-1]["val_total"] < progress.history[0]["val_total"] - 0.1
    with pytest.raises(CmtError, match="give the same `optimizer`"):
        train(*corpora, run, MINIATURE, config, steps=80, resume=True, show_progress=False)


def cmt_train(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments), "-q"])


@pytest.fixture
def begun(run, tmp_path_factory):
    """A run to go on with, and the pack that it learns from."""
    folder = tmp_path_factory.mktemp("begun")
    shutil.copytree(run, folder / "run")
    return folder / "run", write_pack(folder)


def test_a_resumed_run_keeps_its_settings_but_for_those_that_are_given(begun):
    folder, pack = begun
    before = settings_of(folder)
    result = cmt_train(pack, "-o", folder, "--resume", "--steps", 62, "--patience", 7)
    assert result.exit_code == 0, result.output
    assert settings_of(folder) == (before[0], replace(before[1], patience=7)) == (MINIATURE, replace(QUICK, patience=7))


def test_the_rate_is_the_optimizers_own(tmp_path, monkeypatch):
    pack, asked = write_pack(tmp_path), []

    def noted(*arguments, **options):
        asked.extend(one for one in arguments if isinstance(one, TrainConfig))
        raise CmtError("noted")

    monkeypatch.setattr("cmt.training.loop.train", noted)
    for optimizer in ("muon", "adamw"):
        assert "noted" in cmt_train(pack, "-o", tmp_path / optimizer, "--steps", 1, "--optimizer", optimizer).output
    assert [(config.optimizer, config.learning_rate) for config in asked] == [("muon", 0.003), ("adamw", 0.001)]


def test_ctrl_c_says_how_to_go_on(begun, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("cmt.training.loop._step", interrupted)
    folder, pack = begun
    result = cmt_train(pack, "-o", folder, "--resume", "--steps", 62)
    assert result.exit_code == 130 and "--resume goes on" in result.output
    result = cmt_train(pack, "-o", folder / "new", "--steps", 62, "--preset", "tiny")
    assert result.exit_code == 130 and "--resume" not in result.output


def test_the_state_is_written_last(corpora, tmp_path, monkeypatch):
    """What was written before it is made again, so that the newest model is never an old one."""

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("cmt.training.run_folder.save_tensors", killed)
    with pytest.raises(KeyboardInterrupt):
        train(*corpora, tmp_path, MINIATURE, QUICK, steps=1, show_progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, MODEL, BEST, LOSSES, "loss.png"}


def test_a_run_of_an_older_version_is_named(begun):
    folder, _ = begun
    tensors, description = load_tensors(folder / STATE)
    del description["train"]
    save_tensors(tensors, description, folder / STATE)
    with pytest.raises(CmtError, match="begun by an older cmt; begin a new run with `start_from`"):
        settings_of(folder)


def test_the_shortest_training_takes_a_step(corpora, tmp_path):
    assert train(*corpora, tmp_path, MINIATURE, QUICK, minutes=1e-9, show_progress=False).step == 1
