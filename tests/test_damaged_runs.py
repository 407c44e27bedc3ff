"""The folder of a training whose files are damaged or of another kind: one line before the work, nothing is left."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from packs import write_pack

from cmt.cli import main
from cmt.config import ModelConfig, TrainConfig
from cmt.corpus.folder import COLUMN_TYPES, Entry, read_folder, write_folder
from cmt.corpus.songs import SongInfo
from cmt.errors import CmtError
from cmt.music.words import Mode
from cmt.network.checkpoint import load_tensors, save_tensors
from cmt.training import run_folder
from cmt.training.average import Average
from cmt.training.dataset import Place
from cmt.training.run_folder import CONFIG, OPTIONS, STATE, Progress, begin, resume

ALONE = SimpleNamespace(rank=0, size=1)


class Small(torch.nn.Linear):
    """As much of a network as a run's folder knows of one."""

    config = ModelConfig()


def small():
    torch.manual_seed(0)
    model = Small(3, 2)
    return model, [torch.optim.AdamW(model.parameters())], Average(model, 0.9)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The tensors of a run's state and what stands beside them."""
    folder = tmp_path_factory.mktemp("run")
    model, optimizers, average = small()
    model(torch.ones(1, 3)).sum().backward()
    optimizers[0].step()
    row = {"step": 1, "words": 9, "minutes": 0.1, "learning_rate": 0.1, "skipped": 0, "train_total": 2, "val_total": 2}
    progress = Progress(1, 9, 6.0, 0, [row])
    places = [Place(1, 2)]
    run_folder.save(folder, model, optimizers, average, progress, places, TrainConfig(), lambda *_: None)
    return load_tensors(folder / STATE)


def resumed(tensors, description, folder):
    save_tensors(tensors, description, folder / STATE)
    return resume(folder, *small(), ALONE)


def test_what_is_whole_is_taken_up(state, tmp_path):
    progress, place = resumed(*state, tmp_path)
    assert (progress.step, progress.history[0]["words"], place) == (1, 9, Place(1, 2))


DAMAGES = [
    *(("progress", name, value) for name in ("step", "n_word", "skipped") for value in ("x", -1, None, [], 1.5)),
    *(("progress", "seconds", value) for value in ("x", -1, float("inf"), float("nan"), [])),
    *(("progress", "history", value) for value in ("x", 1, [1], [{}], [{"step": 1}], [{"step": "x", "val_total": []}])),
    *(("places", None, value) for value in (None, [], [1], [["x", 1]], [[-1, 1]], [[1, 2, 3]], "x")),
    *(("averaged", None, value) for value in (None, "x", -1, [])),
    *(("model", None, value) for value in ([], "x", {}, None)),
    ("progress", None, []),
    ("progress", "nothing", 1),
]


@pytest.mark.parametrize(("part", "key", "value"), DAMAGES)
def test_a_state_that_says_what_cannot_be_is_damaged(state, tmp_path, part, key, value):
    tensors, description = state
    description = json.loads(json.dumps(description))
    if key is None:
        description[part] = value
    else:
        description[part][key] = value
    with pytest.raises(CmtError, match=r"is damaged; begin a new run with `start_from` .*model\.safetensors"):
        resumed(tensors, description, tmp_path)


@pytest.mark.parametrize("part", ["progress", "places", "averaged", "model", "optimizers"])
def test_a_state_that_lacks_something_is_damaged(state, tmp_path, part):
    tensors, description = state
    with pytest.raises(CmtError, match="is damaged; begin a new run"):
        resumed(tensors, {name: value for name, value in description.items() if name != part}, tmp_path)


@pytest.mark.parametrize("prefix", ["model.", "average.", "optimizer.0."])
@pytest.mark.parametrize("damage", ["gone", "renamed", "another shape"])
def test_a_state_with_other_tensors_is_damaged(state, tmp_path, prefix, damage):
    tensors, description = dict(state[0]), state[1]
    name = next(name for name in tensors if name.startswith(prefix) and tensors[name].ndim == 2)
    tensor = tensors.pop(name)
    if damage == "renamed":
        tensors[prefix + "x"] = tensor
    elif damage == "another shape":
        tensors[name] = tensor[:, :1].copy()
    with pytest.raises(CmtError, match="is damaged; begin a new run"):
        resumed(tensors, description, tmp_path)


@pytest.mark.parametrize("size", [0, 7, 40, -1])
def test_a_state_that_is_cut_off_says_how_to_go_on(state, tmp_path, size):
    save_tensors(*state, tmp_path / STATE)
    content = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(content[:size])
    with pytest.raises(CmtError, match=r"damaged, .*train one or begin a new run with `start_from`"):
        run_folder.settings_of(tmp_path)


@pytest.mark.parametrize("name", ["losses.csv", "loss.png", "model.safetensors", "best.safetensors", "config.toml"])
@pytest.mark.parametrize("is_pipe", [True, False])
def test_a_file_that_cannot_be_replaced_is_refused_before_the_training(tmp_path, name, is_pipe):
    os.mkfifo(tmp_path / name) if is_pipe else (tmp_path / name).mkdir()
    with (
        pytest.raises(CmtError, match=f"{name}: is a"),
        begin(tmp_path, ModelConfig(), TrainConfig(), resume=False, team=ALONE, options="steps = 1\n"),
    ):
        pytest.fail("it has begun")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_run_that_ends_before_its_first_checkpoint_leaves_nothing_but_what_was_there(tmp_path):
    run = tmp_path / "run"
    for before in ([], [OPTIONS]):
        with begin(run, ModelConfig(), TrainConfig(), resume=False, team=ALONE, options="steps = 1\n"):
            assert (run / CONFIG).exists() and (run / OPTIONS).exists()
        assert [file.name for file in tmp_path.glob("run/*")] == before and run.exists() == bool(before)
        run.mkdir(exist_ok=True)
        (run / OPTIONS).write_text("steps = 1\n")


def test_a_checkpoint_to_start_from_that_is_none_leaves_nothing(tmp_path):
    (tmp_path / "junk").write_bytes(b"junk" * 99)
    command = ["train", write_pack(tmp_path, 3, 8), "-o", tmp_path / "run", "--preset", "planner", "--steps", 1, "-q"]
    result = CliRunner().invoke(main, [*map(str, command), "--start-from", str(tmp_path / "junk")])
    assert result.exit_code == 1 and result.stderr.endswith("train one or leave --start-from out\n")
    assert not (tmp_path / "run").exists()


def test_a_column_that_is_no_array_is_said_without_a_way_to_run_what_is_in_it(tmp_path):
    info = SongInfo("song", None, Mode.MAJOR, 120.0, 0, 1)
    columns = {name: [0 if name != "duration" else 1] for name in COLUMN_TYPES._fields}

    (tmp_path / "corpus").mkdir()
    write_folder(
        tmp_path / "corpus",
        [Entry(info, "train", 1)],
        ((name, np.array(values, getattr(COLUMN_TYPES, name))) for name, values in columns.items()),
    )
    assert len(read_folder(tmp_path / "corpus", "train").songs) == 1
    (tmp_path / "corpus" / "pitch.npy").write_bytes(b"\x80\x04junk" * 20)
    with pytest.raises(CmtError, match=r"pitch\.npy: not a column of notes \(it is no array\)"):
        read_folder(tmp_path / "corpus", "train")
