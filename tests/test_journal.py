"""Journals: what a run has done is there for the next, whatever ended it."""

import json
from pathlib import Path

import pytest

from cmt.errors import CmtError
from cmt.machine.journal import Journal, read_journal


def lines(path, fingerprint=None):
    return list(read_journal(path, fingerprint))


def write(path, *numbers, fingerprint=None):
    with Journal(path, fingerprint) as journal:
        for number in numbers:
            journal.write({"n": number})


@pytest.mark.parametrize("fingerprint", [None, "abc"])
def test_a_later_run_finds_the_lines_and_adds_its_own(tmp_path, fingerprint):
    path = tmp_path / "journal"
    assert lines(path, fingerprint) == []
    write(path, 1, 2, fingerprint=fingerprint)
    write(path, 3, fingerprint=fingerprint)
    header = [{"run": "abc"}] if fingerprint else []
    assert lines(path, fingerprint) == [*header, {"n": 1}, {"n": 2}, {"n": 3}]
    assert path.read_text() == "".join(json.dumps(line) + "\n" for line in lines(path))


def test_another_run_begins_anew(tmp_path):
    path = tmp_path / "journal"
    write(path, 1, fingerprint="abc")
    assert lines(path, "other") == []
    write(path, 2, fingerprint="other")
    assert lines(path, "other") == [{"run": "other"}, {"n": 2}]


@pytest.mark.parametrize("fingerprint", [None, "abc"])
def test_a_run_killed_at_any_byte_loses_the_last_line_at_most(tmp_path, fingerprint):
    path = tmp_path / "journal"
    write(path, 1, 2, fingerprint=fingerprint)
    content = path.read_bytes()
    for n_byte in range(len(content)):
        path.write_bytes(content[:n_byte])
        n_whole = content[: n_byte + 1].count(b"\n")  # a line is whole without its end too
        write(path, 3, fingerprint=fingerprint)
        kept = [json.loads(line) for line in content.splitlines()[:n_whole]]
        header = [{"run": "abc"}] if fingerprint and not kept else []
        assert lines(path, fingerprint) == [*header, *kept, {"n": 3}]


@pytest.mark.parametrize("strange", [b"\xff\x00", b"[]", b"7", b"", b'{"cut": "off'])
def test_a_line_that_is_no_object_is_passed_over(tmp_path, strange):
    path = tmp_path / "journal"
    path.write_bytes(b'{"n": 1}\n' + strange + b'\n{"n": 2}\n')
    assert lines(path) == [{"n": 1}, {"n": 2}]
    path.write_bytes(strange + b'\n{"n": 2}\n')
    assert lines(path, "abc") == []


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(None, 1, fingerprint="abc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_device_is_no_journal(tmp_path):
    (tmp_path / "journal").symlink_to("/dev/full")
    with pytest.raises(CmtError, match=r"^[^\n]*journal: is a device, not a file; give the name of a file$"):
        write(tmp_path / "journal", 1)


def test_a_journal_that_cannot_be_used_is_one_line(tmp_path):
    with pytest.raises(CmtError, match=r"nowhere.journal: cannot be written \(.*\); check the folder"):
        write(tmp_path / "nowhere" / "journal", 1)
    with pytest.raises(CmtError, match="is a folder, not a file"):
        lines(tmp_path)
