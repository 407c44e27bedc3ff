"""What `cmt train` is asked for by a file, on which device and for how long; what its folder holds."""

import csv
import json
import stat
import sys

import pytest
import torch
from click.testing import CliRunner
from packs import write_pack

from cmt.cli import main
from cmt.cli.train_file import as_file
from cmt.errors import CmtError
from cmt.training.device import check_precision, device_of
from cmt.training.run_folder import LOSSES, MODEL, OPTIONS, PICTURE, STATE, settings_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow

QUICK = ["--preset", "planner", "--words-per-step", "64", "--validation-words", "20", "--threads", "1", "-q"]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("pack"), n_song=6, n_bar=8)


def trained(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(pack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    result = trained(pack, "-o", folder, *QUICK, "--steps", 2)
    assert result.exit_code == 0, result.output
    assert "inside its warm-up, after 2 of 200 steps" in result.output
    return folder


def test_a_run_can_be_asked_for_again_by_its_own_file(run, pack, tmp_path):
    again = tmp_path / "again"
    assert trained("--config", run / OPTIONS, "-o", again, "-q").exit_code == 0
    assert (again / MODEL).read_bytes()[-2000:] == (run / MODEL).read_bytes()[-2000:]
    one, other = (tomllib.loads((folder / OPTIONS).read_text(encoding="utf-8")) for folder in (run, again))
    assert one == other
    assert one["corpus"] == [str(pack)] and one["steps"] == 2 and one["preset"] == "planner"


def test_the_command_line_wins_over_the_file(run, tmp_path):
    result = trained("--config", run / OPTIONS, "-o", tmp_path / "run", "-q", "--warmup-steps", 1, "--steps", 1)
    assert result.exit_code == 0 and "warm-up" not in result.output
    config = settings_of(tmp_path / "run")[1]
    assert (config.warmup_steps, config.words_per_step) == (1, 64)
    shorter = trained("--config", run / OPTIONS, "-o", tmp_path / "clock", "-q", "--minutes", 0.0001)
    assert shorter.exit_code == 0, "minutes of the command line take the place of the file's steps"
    assert settings_of(tmp_path / "clock")[1].words_per_step == 64


def test_paths_in_a_file_count_from_its_folder(pack, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "run.toml").write_text('corpus = ["no.npz.xz"]\noutput = "run"\n', encoding="utf-8")
    result = trained("--config", tmp_path / "here" / "run.toml")
    assert result.exit_code == 1 and str(tmp_path / "here" / "no.npz.xz") in result.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("minuts = 3", "no option 'minuts'; did you mean minutes?"),
        ("xyz = 3", "no option 'xyz'; choose from corpus, output"),
        ('minutes = "soon"', "minutes: 'soon' is not a valid number"),
        ("resume = 1", "resume: give true or false"),
        ("seed = true", "seed: give a value"),
        ("[train]\nseed = 1", "no option 'train'"),
        ("corpus = 3", "corpus: give the name"),
        ("minutes = ", "is no TOML"),
    ],
)
def test_a_wrong_line_of_a_file_is_one_line(content, message, tmp_path):
    (tmp_path / "run.toml").write_text(content, encoding="utf-8")
    result = trained("--config", tmp_path / "run.toml", "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert message in result.output and result.output.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_names_of_any_kind_survive_the_file():
    odd = 'a "b" \\ ü\n'
    assert tomllib.loads(as_file({"device": odd, "seed": None, "learning_rate": 1e-05})) == {
        "device": odd,
        "learning_rate": 1e-05,
    }


def test_a_group_may_read_what_a_run_leaves(run):
    files = sorted(path.name for path in run.iterdir())
    assert {MODEL, STATE, LOSSES, PICTURE, OPTIONS} <= set(files)
    probe = run / "probe"
    probe.touch()
    usual = stat.S_IMODE(probe.stat().st_mode)
    probe.unlink()
    assert {stat.S_IMODE((run / name).stat().st_mode) for name in files} == {usual}


def test_the_picture_follows_a_run_that_goes_on(run, tmp_path):
    again = tmp_path / "again"
    assert trained("--config", run / OPTIONS, "-o", again, "-q").exit_code == 0
    before = (again / PICTURE).read_bytes()
    assert trained("--config", run / OPTIONS, "-o", again, "-q", "--resume", "--steps", 3).exit_code == 0
    assert (again / PICTURE).read_bytes() != before
    assert before.startswith(b"\x89PNG")


def test_the_device_that_is_asked_for_is_used_or_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto").type == device_of("cpu").type == "cpu"
    for asked, message in (
        ("cuda", "finds no GPU"),
        ("cuda:1", "finds no GPU"),
        ("tpu", "choose cpu"),
        ("auto:1", "choose cpu"),
    ):
        with pytest.raises(CmtError, match=message):
            device_of(asked)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [device_of(asked).index for asked in ("auto", "cuda", "cuda:1")] == [0, 0, 1]
    assert device_of("auto", local_rank=1, size=2).index == 1
    assert device_of("cpu").type == "cpu"
    with pytest.raises(CmtError, match="there is no GPU 2, the last one is 1"):
        device_of("cuda:2")
    with pytest.raises(CmtError, match="2 processes train together"):
        device_of("cuda:1", 0, 2)


def test_a_precision_that_the_hardware_lacks_is_told(monkeypatch):
    monkeypatch.setattr("cmt.training.device.multiplies_bf16", lambda kind: False)
    assert "slowly" in check_precision("bf16", torch.device("cpu"))
    assert check_precision("fp32", torch.device("cpu")) == check_precision("auto", torch.device("cpu")) == ""
    with pytest.raises(CmtError, match="choose fp32"):
        check_precision("bf16", torch.device("cuda"))
    monkeypatch.setattr("cmt.training.device.multiplies_bf16", lambda kind: True)
    assert check_precision("bf16", torch.device("cuda")) == ""


def test_the_loss_of_a_checkpoint_is_that_of_its_validation(run, pack, tmp_path):
    """But for the half precision of its weights."""
    result = CliRunner().invoke(main, ["loss", str(run / MODEL), str(pack), "-o", str(tmp_path / "loss.json")])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "loss.json").read_text(encoding="utf-8"))
    with open(run / LOSSES, encoding="utf-8", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert found["unit"] == "nats a bar" and found["split"] == "val"
    for name, its in found["loss"].items():
        assert its["mean"] == pytest.approx(float(last[f"val_{name}"]), abs=2e-3), name
        assert its["low"] <= its["mean"] <= its["high"]
        assert f"{its['mean']:.4f} [{its['low']:.4f}, {its['high']:.4f}]" in result.output


@pytest.mark.parametrize("name", ["model.safetensors", "pack.npz.xz"])
def test_a_loss_of_nothing_is_one_line(name, run, pack, tmp_path):
    checkpoint = run / MODEL if name.startswith("pack") else tmp_path / name
    result = CliRunner().invoke(main, ["loss", str(checkpoint), str(tmp_path / name)])
    assert result.exit_code == 1 and result.output.count("\n") == 1 and name in result.output
