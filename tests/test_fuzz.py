"""A short run of the fuzzing bench; the long one is `python -m benchmarks.fuzz`."""

import pytest

from benchmarks.fuzz import case, run
from benchmarks.fuzz_seeds import KINDS

QUICK = ("midi", "npz", "pack", "corpus", "checkpoint", "text")


def test_damaged_input_of_every_quick_kind_is_read_or_refused_in_one_line():
    counts, faults = run(QUICK, range(36), seed=2)
    assert faults == []
    assert {kind: its.total() for kind, its in counts.items()} == dict.fromkeys(QUICK, 6)


@pytest.mark.parametrize("kind", sorted(QUICK))
def test_what_is_not_mutated_is_read(kind, tmp_path):
    (tmp_path / "seeds").mkdir()
    for number, files in enumerate(KINDS[kind].seeds(tmp_path / "seeds")):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        KINDS[kind].read(folder)


def test_a_case_can_be_made_again():
    seeds = [{"a.csv": b"1,2\n3,4\n"}]
    assert case("text", seeds, 1, 5) == case("text", seeds, 1, 5)
