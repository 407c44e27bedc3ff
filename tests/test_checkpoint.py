"""A checkpoint is whole and ours, or it is refused in one line."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from cmt.config import PRESETS
from cmt.errors import CmtError
from cmt.music.words import VOCABULARY_VERSION, InitialWords
from cmt.network.checkpoint import default_checkpoint, load_checkpoint, load_tensors, save_checkpoint, save_tensors
from cmt.network.decoder import Decoder
from cmt.training.model import MusicTransformer, weights_of


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(0)
    model = MusicTransformer(PRESETS["tiny"])
    save_checkpoint(model.config, weights_of(model), tmp_path / "model.safetensors", {"step": 7})
    return tmp_path / "model.safetensors"


def test_what_is_saved_is_loaded(path):
    torch.manual_seed(0)
    decoder = Decoder(PRESETS["tiny"], weights_of(MusicTransformer(PRESETS["tiny"])))
    loaded = load_checkpoint(path)
    assert loaded.provenance == {"step": 7}
    assert loaded.decoder.config == PRESETS["tiny"]
    words = InitialWords(1, 2)
    assert np.allclose(
        loaded.decoder.start([words], decoder.new_state()), decoder.start([words], decoder.new_state()), atol=1e-2
    )


def test_nothing_else_is_left_in_the_folder(path):
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"x" * 100, lambda b: b[8:]])
def test_a_damaged_checkpoint_is_refused(path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CmtError, match="damaged, or not a checkpoint"):
        load_checkpoint(path)


def test_a_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(CmtError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_somebody_elses_tensors_are_refused(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(CmtError, match="not a checkpoint of cmt"):
        load_checkpoint(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("name", "value"),
    [("echo_bars", ["1", 2]), ("d_model", "64"), ("dropout", None), ("left_out", [1]), ("cues", "no")],
)
def test_a_configuration_of_other_kinds_is_refused(path, name, value):
    tensors, description = load_tensors(path)
    description["model"][name] = value
    save_tensors(tensors, description, path)
    with pytest.raises(CmtError, match="its weights do not fit its configuration"):
        load_checkpoint(path)


def test_another_vocabulary_is_refused(tmp_path):
    path = tmp_path / "old.safetensors"
    save_file({"weight": np.zeros(3)}, path, metadata={"cmt": json.dumps({"vocabulary": 0, "model": {}})})
    with pytest.raises(CmtError, match="vocabulary 0"):
        load_checkpoint(path)


def test_weights_that_do_not_fit_their_configuration_are_refused(tmp_path, path):
    from dataclasses import asdict

    description = {"vocabulary": VOCABULARY_VERSION, "model": asdict(PRESETS["tiny"])}
    save_file({"weight": np.zeros(3)}, path, metadata={"cmt": json.dumps(description)})
    with pytest.raises(CmtError, match="do not fit"):
        load_checkpoint(path)


def test_the_shipped_checkpoint_loads_and_is_small():
    assert default_checkpoint().stat().st_size < 80e6
    assert load_checkpoint().provenance["words"] > 0
