"""The app as it runs, on a port of its own, for tests; its jobs are done by a program that only pretends to."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from cmt.app.jobs import JobQueue
from cmt.app.limits import LIMITS, AppLimits
from cmt.app.sessions import Sessions
from cmt.app.web.server import application
from cmt.app.web.serving import listen

PATIENCE = 60.0

PRETENDER = """
import json, os, sys, time
from pathlib import Path
task = json.loads(sys.stdin.readline())
folder = Path(task["folder"])
def tell(message):
    print(json.dumps(message), flush=True)
tell({"stage": task["task"], "share": 0.5})
if task["task"] == "look":
    head = Path(task["film"]).read_bytes()[:5]
    if head == b"text ":
        tell({"error": task["film"] + ": not a video that FFmpeg can read"})
        sys.exit()
    if head == b"crash":
        os._exit(3)
    seen = dict(duration=8.0, fps=12.0, width=160, height=96, cuts=[4.0], beats=[[2.0, 1.0]], fades=[], scenes=[],
                borders=[0.0, 2.0, 4.0, 6.0, 8.0], energy=[0.2, 0.4, 0.6, 0.8], tempo=120.0, told=[], warnings=[],
                toml="version = 1", picture=False)
    (folder / "seen.json").write_text(json.dumps(seen))
    (folder / "strip.png").write_bytes(b"strip")
    tell({"result": {"duration": 8.0, "picture": False}})
else:
    (folder / ".cmt-half").mkdir()
    (folder / ".cmt-half" / "half").write_text("half")
    if task["task"] == "compose" and task["asked"].get("words") == "slow":
        time.sleep(600)
    files = {"clip.json": "{}", "clip.mp4": "0123456789", "clip.html": "<script>1</script>"}
    if task["task"] == "compose":
        files["clip.take2.json"] = "{}"
    if task["task"] in ("redo", "take"):
        files["clip.mp4"] = Path(task["report"]).name + " " + ",".join(task["redo"])
    for name, content in files.items():
        (folder / name).write_text(content)
    tell({"result": {"files": sorted(files), "name": "clip", "start": 0.0, "borders": [0, 2, 4], "redone": [],
                     "takes": [{"seed": 4}, {"seed": 9}]}})
"""


@dataclass
class Running:
    """An app that runs."""

    address: str
    folder: Path
    sessions: Sessions
    queue: JobQueue

    @contextmanager
    def user(self) -> Iterator[User]:
        """Somebody who has opened the page."""
        with httpx.Client(base_url=self.address, timeout=PATIENCE) as client:
            page = client.get("/").text
            token = page.partition('name="cmt-token" content="')[2].partition('"')[0]
            yield User(client, token)


@dataclass
class User:
    """Somebody who has opened the page."""

    client: httpx.Client
    token: str

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request as the page sends it."""
        headers = {"x-cmt-token": self.token, **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **options)

    def state(self) -> dict[str, Any]:
        return self.client.get("/api/state").json()

    def put_up(self, content: bytes = b"film", name: str = "clip.mp4") -> str:
        """A film that was put up and looked at, its id."""
        answer = self.send("POST", "/api/films", content=content, headers={"x-cmt-name": name})
        assert answer.status_code == 201, answer.text
        film = answer.json()["film"]
        wait_until(lambda: self.film(film)["state"] in ("ready", "failed"))
        return film

    def film(self, film: str) -> dict[str, Any]:
        return next(one for one in self.state()["films"] if one["id"] == film)

    def job(self, job: str) -> dict[str, Any]:
        return next(one for one in self.state()["jobs"] if one["id"] == job)

    def compose(self, film: str, **asked: Any) -> str:
        answer = self.send("POST", f"/api/films/{film}/runs", json=asked)
        assert answer.status_code == 202, answer.text
        return answer.json()["job"]

    def run(self, film: str, **asked: Any) -> dict[str, Any]:
        """Music that was made for a film."""
        job = self.compose(film, **asked)
        wait_until(lambda: self.job(job)["state"] == "done")
        return next(run for run in self.state()["runs"] if run["id"] == self.job(job)["run"])


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fail if it never is."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.05)


@contextmanager
def running(
    folder: Path,
    limits: AppLimits = LIMITS,
    *,
    host: str = "127.0.0.1",
    command: tuple[str, ...] = (sys.executable, "-c", PRETENDER),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Running]:
    """The app, until the block ends."""
    folder.mkdir(exist_ok=True)
    listener = listen(host, 0)
    port = listener.getsockname()[1]
    queue = JobQueue(limits.waiting, command)
    sessions = Sessions(folder, queue, limits, clock=clock)
    config = uvicorn.Config(
        application(sessions, limits, host, port), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield Running(f"http://127.0.0.1:{port}", folder, sessions, queue)
    finally:
        server.should_exit = True
        thread.join(10)
        queue.close()
        listener.close()
