"""Folders to write into, and what shows that a file has changed."""

import os

import pytest

from cmt.errors import CmtError, WriteError
from cmt.machine.files import NO_FILE, file_state, folder_for_all_or_nothing, ready_folder, write_texts
from cmt.machine.pictures import find_pictures
from cmt.machine.videos import find_videos
from midi_io.input_file import opened
from midi_io.whole_file import check_writable, whole_file


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


@pytest.mark.parametrize("name", ["/dev/null", "pipe", "folder", "file/a", "nowhere/a"])
def test_only_a_file_is_replaced_by_a_file(name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for write in (check_writable, lambda path: whole_file(path).__enter__()):
        with pytest.raises(WriteError, match=r"a pipe or a device|is a folder|is no folder|does not exist"):
            write(tmp_path / name)


def test_texts_are_written_all_or_none(tmp_path):
    write_texts({"a": "old"}, tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(CmtError, match="b: is a folder; remove it"):
        write_texts({"a": "new", "b": "\udcff"}, tmp_path)
    assert (tmp_path / "a").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_cannot_be_read_is_not_told_of_the_folder_that_is_written(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    out = tmp_path / "out"
    with opened(tmp_path / "a") as file:
        descriptor = os.open("/", os.O_RDONLY)
        os.dup2(descriptor, file.fileno())  # a folder has no bytes: reading fails, as on a broken disk
        os.close(descriptor)
        with pytest.raises(CmtError, match="a: cannot be read"), folder_for_all_or_nothing(out):
            file.read()
    assert not out.exists()


def test_a_name_that_is_too_long_is_said(tmp_path):
    with (
        pytest.raises(CmtError, match="a file in it would have too long a name; choose a shorter `name`"),
        folder_for_all_or_nothing(tmp_path) as unfinished,
    ):
        (unfinished / ("x" * 300)).write_text("a")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_itself_is_a_path_all_the_same(tmp_path):
    (tmp_path / "out").symlink_to("out")
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    assert find_videos([tmp_path / "clips"], tmp_path / "out").videos == (tmp_path / "clips" / "a.mp4",)
    assert find_pictures([tmp_path / "clips"], tmp_path / "out").files == ()
