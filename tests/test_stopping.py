"""Commands that are told to stop, and those whose standard streams are closed."""

import os
import signal
import sys

import click
import pytest
from click.testing import CliRunner

from cmt.cli.app import Commands
from cmt.cli.app import main as cmt
from cmt.cli.stopping import open_closed_streams


def _command(callback):
    return Commands(commands={"work": click.Command("work", callback=callback)})


@pytest.mark.parametrize(("name", "code"), [("SIGHUP", 129), ("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_is_one_line_and_what_is_unfinished_goes(name, code, tmp_path, request):
    usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
    given = signal.signal(getattr(signal, name), usual)  # it may be ignored, as in the background of a script
    request.addfinalizer(lambda: signal.signal(getattr(signal, name), given))

    def work():
        try:
            (tmp_path / "unfinished").touch()
            signal.raise_signal(getattr(signal, name))
        finally:
            (tmp_path / "unfinished").unlink()

    before = signal.getsignal(getattr(signal, name))
    result = CliRunner().invoke(_command(work), ["work"])
    assert (result.exit_code, result.stderr.lstrip()) == (code, "cmt: stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(getattr(signal, name)) == before


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        result = CliRunner().invoke(_command(lambda: signal.raise_signal(signal.SIGHUP)), ["work"])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert result.exit_code == 0


@pytest.mark.parametrize("kept", ["index", "match"])
def test_a_stopped_run_says_that_what_is_done_is_kept(kept, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cmt.matching.indexing.update_index", stop)
    monkeypatch.setattr("cmt.matching.index.is_index", stop)
    (tmp_path / "a.mp4").touch()
    options = {
        "index": ["-o", str(tmp_path / "index"), "--jobs", "1"],
        "match": ["--library", str(tmp_path), "--out", str(tmp_path / "a.csv"), "--jobs", "1"],
    }
    result = CliRunner().invoke(cmt, [kept, str(tmp_path / "a.mp4"), *options[kept]])
    assert result.exit_code == 130
    assert result.stderr.startswith("cmt: stopped; what ") and "kept" in result.stderr


def test_a_closed_standard_stream_is_no_place_for_the_next_file(tmp_path, monkeypatch):
    kept = os.dup(0)
    try:
        os.close(0)
        monkeypatch.setattr(sys, "stdout", None)
        open_closed_streams()
        assert os.open(tmp_path, os.O_RDONLY) > 2
        print("goes nowhere")
        sys.stdout.close()
    finally:
        os.dup2(kept, 0)
        os.close(kept)
