"""Sets of pieces side by side: differences, their intervals, and medians outside real songs' range."""

import csv
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.errors import CmtError
from cmt.evaluation.compare import names_of_sets
from cmt.metrics.distribution import mean_difference
from midi_io import Instrument, Note, Song, write_midi


def test_an_interval_of_a_difference_holds_it_as_often_as_it_says():
    """Means of 0 and 0.5: 95 % of the intervals should hold the half; 200 draws are 92 % or more but for bad luck."""
    rng, held = np.random.default_rng(1), 0
    for seed in range(200):
        its = mean_difference(rng.normal(0, 1, 40), rng.normal(0.5, 2, 60), seed)
        assert its.n == 40
        held += its.low <= 0.5 <= its.high
    assert 0.9 <= held / 200 <= 0.99


def test_a_difference_of_few_values_has_no_interval():
    assert mean_difference([1, np.nan], [3, 4]) == (
        2.5,
        pytest.approx(math.nan, nan_ok=True),
        pytest.approx(math.nan, nan_ok=True),
        1,
    )
    assert math.isnan(mean_difference([], [3, 4]).mean)
    assert mean_difference([1, 1], [3, 3])[:3] == (2, 2, 2)
    with pytest.raises(ValueError, match="two lists"):
        mean_difference([1, math.inf], [3])


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Two folders: songs with an eighth of noise each, and the same songs with one note a bar."""
    folder = tmp_path_factory.mktemp("sets")
    for name, step in (("busy", 2), ("sparse", 16)):
        (folder / name).mkdir()
        for number in range(5):
            rng = np.random.default_rng(number)
            notes = [Note(p, Instrument.PIANO, int(rng.integers(48, 72)), 2) for p in range(0, 128, step)]
            write_midi(Song.steady(notes, 120.0, 128), folder / name / f"{number}.mid")
    return folder


def test_a_comparison_says_the_same_everywhere(sets, tmp_path):
    arguments = ["evaluate", sets / "busy", sets / "sparse", "--compare", "-o", tmp_path, "--no-audio", "--jobs", "1"]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [its["name"] for its in content["sets"]] == ["busy", "sparse"]
    density = content["metrics"]["density"]["sets"]
    assert density["busy"]["mean"] == 8 and density["sparse"]["mean"] == 1
    assert density["sparse"]["difference"]["mean"] == -7 and density["busy"]["difference"] is None
    assert density["sparse"]["outside"], "songs do not have one note a bar"
    (line,) = (line for line in result.output.splitlines() if line.startswith("  density"))
    assert "1.000 [1.000, 1.000] !" in line and "-7.000 [-7.000, -7.000] *" in line
    with open(tmp_path / "comparison.csv", encoding="utf-8", newline="") as file:
        rows = {(row["metric"], row["set"]): row for row in csv.DictReader(file)}
    assert rows["density", "sparse"]["difference"] == "-7.0" and rows["density", "busy"]["difference"] == ""
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert "<b>-7.000 [-7.000, -7.000] *</b>" in page and "<span class='bad'>1.000 [1.000, 1.000] !</span>" in page
    assert "id='def-density'" in page and "http" not in page.replace("http-equiv", "")
    for name in ("busy", "sparse"):
        assert json.loads((tmp_path / name / "evaluation.json").read_text(encoding="utf-8"))["n_piece"] == 5


def test_what_cannot_be_compared_is_one_line(sets, tmp_path):
    with pytest.raises(CmtError, match="two folders"):
        names_of_sets([sets / "busy"])
    with pytest.raises(CmtError, match="no folder"):
        names_of_sets([sets / "busy", sets / "busy" / "0.mid"])
    with pytest.raises(CmtError, match="name each only once"):
        names_of_sets([sets / "busy", sets / "sparse" / ".." / "busy"])
    (tmp_path / "one" / "same").mkdir(parents=True)
    (tmp_path / "two" / "same").mkdir(parents=True)
    assert names_of_sets([tmp_path / "one" / "same", tmp_path / "two" / "same"]) == ("one-same", "two-same")
    arguments = [
        "evaluate",
        str(sets / "busy"),
        str(tmp_path / "one" / "same"),
        "--compare",
        "-o",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and "no .mid file" in result.stderr
