"""`cmt app` as a process: what it prints, and what it leaves when it is stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from app_server import wait_until
from click.testing import CliRunner

from cmt.app.web.serving import listen
from cmt.cli import main

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_it_is_stopped(number: int, tmp_path: Path):
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "cmt", "app", "--no-browser", "--port", "0"]
    with started(command, environment) as app:
        assert app.stdout is not None and app.stderr is not None
        line = app.stdout.readline()
        address = line.split()[4]
        assert address.startswith("http://127.0.0.1:") and "Ctrl-C stops it" in line
        with httpx.Client(base_url=address, timeout=60) as user:
            token = user.get("/").text.partition('name="cmt-token" content="')[2].partition('"')[0]
            headers = {"x-cmt-token": token, "x-cmt-name": "a.txt"}
            assert user.post("/api/films", content=b"a text", headers=headers).status_code == 201
            wait_until(lambda: user.get("/api/state").json()["films"][0]["state"] == "failed")
            error = user.get("/api/state").json()["films"][0]["error"]
            assert "a.txt: not a video that FFmpeg can read" in error and str(tmp_path) not in error
            assert list(tmp_path.glob("cmt-app-*"))
            # In the middle of a job, too.
            assert user.post("/api/films", content=b"another", headers=headers).status_code == 201
        app.send_signal(number)
        assert app.wait(30) == 0
        assert app.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_one_line_and_another_host_a_warning():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        done = CliRunner().invoke(main, ["app", "--no-browser", "--port", str(port)])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"cmt: --port {port}: is in use") and done.stderr.count("\n") == 1
