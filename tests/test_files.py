"""Folders to write into, and what shows that a file has changed."""

import os

import pytest

from cmt.errors import CmtError
from cmt.machine.files import NO_FILE, file_state, ready_folder


def test_a_folder_is_made_with_those_above_it_and_stays_if_it_is_there(tmp_path):
    ready_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "file").touch()
    ready_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "file").exists()


def test_a_folder_that_cannot_be_made_is_one_line_with_the_callers_way_out(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CmtError, match=r"^.*file.out: cannot be made \(.*\); choose another `folder`$"):
        ready_folder(tmp_path / "file" / "out")
    with pytest.raises(CmtError, match=r"^.*file: cannot be made \(.*\); choose another name$"):
        ready_folder(tmp_path / "file", "choose another name")


def test_the_state_changes_with_size_and_time(tmp_path):
    path = tmp_path / "file"
    assert file_state(path) == file_state("a\0b") == NO_FILE
    path.write_text("abc")
    os.utime(path, ns=(5, 7_000_000_000))
    assert file_state(path) == file_state(str(path)) == (3, 7_000_000_000)
