"""The table of controls, with an untrained model: what is ordered is obeyed whatever the model has learnt."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from clips import draw_clip

from cmt.config import PRESETS
from cmt.network.checkpoint import save_checkpoint
from cmt.training.model import MusicTransformer, weights_of

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent.parent / "benchmarks" / "controls.py"


@pytest.fixture(scope="module")
def controls():
    specification = importlib.util.spec_from_file_location("controls", SOURCE)
    module = importlib.util.module_from_spec(specification)
    sys.modules["controls"] = module
    specification.loader.exec_module(module)
    return module


def test_the_table_says_that_orders_are_kept_and_a_second_run_writes_nothing(controls, tmp_path, monkeypatch, capsys):
    torch.manual_seed(0)
    model = MusicTransformer(PRESETS["tiny"])
    save_checkpoint(model.config, weights_of(model), tmp_path / "model.safetensors", {"words": 0})
    clip = draw_clip(tmp_path / "clip.mp4", 6.0)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    arguments = [clip, tmp_path / "broken.mp4", "-o", tmp_path / "out", "--jobs", 1, "--genres", "pop", "metal"]
    arguments += ["--controls", 1, 0, "--checkpoint", tmp_path / "model.safetensors"]
    monkeypatch.setattr(sys, "argv", ["controls.py", *map(str, arguments)])
    controls.main()
    table = capsys.readouterr().out
    made = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert len(made) == 2 * 2 * 3  # a piece and its JSON, for two genres, at two C and for some of the instruments
    assert "4 pieces: 1 clips, 2 genres" in table
    assert "left out:" in table and "broken.mp4" in table
    assert "The worst piece at C = 1: density error 0.000, strength error 0.000, 0.00" in table
    assert "| instruments: precision | 1.0000 | 1.0000 |\n| instruments: recall | 1.0000 | 1.0000 |" in table
    free = next(line for line in table.splitlines() if line.startswith("| density error"))
    assert float(free.split("|")[2]) > 0.1 and float(free.split("|")[3]) == 0

    controls.main()
    assert capsys.readouterr().out == table
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == made
