"""Training learns, and goes on where it stopped."""

import json
import math
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from packs import write_pack

from cmt.checkpoint import load_checkpoint
from cmt.config import PRESETS, TrainConfig
from cmt.corpus import read_packs
from cmt.decoder import weight_shapes
from cmt.errors import CmtError
from cmt.train import LOSSES, MODEL, learning_rate, train
from cmt.words import CompoundWord

MINIATURE = replace(
    PRESETS["tiny"], d_model=32, n_layer=1, n_head=1, d_feed_forward=64, embedding_sizes=CompoundWord(*[8] * 7)
)
QUICK = TrainConfig(words_per_step=1000, max_words=500, warmup_steps=5, learning_rate=1e-2, validation_words=1000)
SECONDS = 1 / 60


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    # Its songs are noise, each its own: what can be seen to be learnt are the songs themselves.
    corpus = read_packs([write_pack(tmp_path_factory.mktemp("pack"))], "train")
    return corpus, corpus


@pytest.fixture(scope="module")
def run(corpora, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(*corpora, folder, MINIATURE, QUICK, minutes=1.5 * SECONDS, show_progress=False)
    train(*corpora, folder, MINIATURE, QUICK, minutes=5 * SECONDS, resume=True, show_progress=False)
    return folder


def test_the_loss_falls_and_a_resumed_run_counts_on(run):
    first, last = (json.loads(line) for line in (run / LOSSES).read_text().splitlines())
    assert last["step"] > first["step"] and last["words"] > first["words"]
    assert last["total"] < first["total"] - 0.3


def test_what_was_trained_can_be_loaded_to_generate(run):
    loaded = load_checkpoint(run / MODEL)
    assert loaded.decoder.config == MINIATURE
    assert loaded.provenance["step"] > 0


def test_the_checkpoint_holds_half_precision_weights(run):
    weights = (run / MODEL).read_bytes()
    n_parameter = sum(math.prod(shape) for shape in weight_shapes(MINIATURE).values())
    assert len(weights) < 2 * n_parameter + 10_000


def test_a_run_is_never_overwritten(run, corpora):
    with pytest.raises(CmtError, match="--resume"):
        train(*corpora, run, MINIATURE, QUICK, minutes=SECONDS, show_progress=False)


def test_a_run_of_another_model_is_not_resumed(run, corpora):
    with pytest.raises(CmtError, match="--preset"):
        train(*corpora, run, PRESETS["tiny"], QUICK, minutes=SECONDS, resume=True, show_progress=False)


def test_resuming_nothing_is_refused(tmp_path, corpora):
    with pytest.raises(CmtError, match="no training to go on with"):
        train(*corpora, tmp_path, MINIATURE, QUICK, minutes=SECONDS, resume=True, show_progress=False)


def test_a_loss_that_is_no_number_stops_the_training(tmp_path, corpora, monkeypatch):
    monkeypatch.setattr(
        "cmt.model.MusicTransformer.losses",
        lambda self, batch: {"type": torch.tensor(float("nan"), requires_grad=True)},
    )
    with pytest.raises(CmtError, match="no longer a number"):
        train(*corpora, tmp_path, MINIATURE, QUICK, minutes=SECONDS, show_progress=False)


def test_a_kernel_that_is_not_installed_is_named(tmp_path, corpora):
    if find_spec("fast_transformers"):
        pytest.skip("it is installed here")
    with pytest.raises(CmtError, match="fast-transformers is not installed"):
        train(*corpora, tmp_path, MINIATURE, replace(QUICK, kernel="fast-transformers"), minutes=SECONDS)


def test_the_learning_rate_rises_stays_and_falls():
    config = TrainConfig(learning_rate=1.0, warmup_steps=10, decay_share=0.5)
    assert learning_rate(0, 0.0, config) == pytest.approx(0.1)
    assert learning_rate(100, 0.4, config) == 1.0
    assert learning_rate(100, 0.75, config) == pytest.approx(0.5)
    assert learning_rate(100, 1.0, config) == pytest.approx(0.02)
