"""One queue of jobs, one of which runs at a time, in a process that can be ended at any moment."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cmt.errors import CmtError

State: TypeAlias = Literal["waiting", "working", "done", "failed", "cancelled"]
OVER: frozenset[State] = frozenset(("done", "failed", "cancelled"))
PATIENCE = 10.0
"""The seconds for which the end of the queue waits for the process that it has killed."""
BROKEN = "the work ended before it was done; look at the terminal in which the app runs"
CANCELLED = "cancelled; nothing was kept of it"


class QueueFullError(CmtError):
    """Too many jobs wait."""


@dataclass
class Job:
    """Something to do for a user, and how far it is."""

    task: dict[str, Any]
    """What `cmt.app.work` does, as JSON; its folder is filled in by the queue."""
    owner: str
    folder: Path
    """The folder in which its files are made. It is removed unless the job is done."""
    finished: Callable[[Job, State], None]
    """What is called with what became of it when it is over, before its state says so."""
    subject: str = ""
    """The id of the film or the run that it is about."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: State = "waiting"
    stage: str = ""
    share: float | None = None
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)


class JobQueue:
    """Runs jobs one after another.

    Parameters
    ----------
    most_waiting
        The jobs that may wait beside the one that runs.
    command
        The program that does the work, as `cmt.app.work` does.
    """

    def __init__(self, most_waiting: int, command: tuple[str, ...] = (sys.executable, "-m", "cmt.app.work")) -> None:
        self._most, self._command = most_waiting, command
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting: list[Job] = []
        self._current: Job | None = None
        self._process: subprocess.Popen[str] | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue.

        Raises
        ------
        QueueFullError
            If as many wait as may.
        """
        with self._changed:
            if len(self._waiting) >= self._most:
                raise QueueFullError(f"{len(self._waiting)} jobs wait already, and no more can; try again in a minute")
            self._waiting.append(job)
            self._changed.notify_all()

    def position(self, job: Job) -> int:
        """How many jobs come before this one: 0 for one that runs or is over."""
        with self._lock:
            return self._waiting.index(job) + bool(self._current) if job in self._waiting else 0

    def cancel(self, job: Job) -> None:
        """End a job; nothing is kept of it."""
        with self._changed:
            if job.state in OVER:
                return
            was_waiting = job in self._waiting
            if was_waiting:
                self._waiting.remove(job)
            job.state, job.error = "cancelled", CANCELLED
            process = self._process if self._current is job else None
            self._changed.notify_all()
        if was_waiting:
            self._end(job, "cancelled")
        elif process is not None:
            process.kill()

    def close(self) -> None:
        """End all jobs, and take no more."""
        with self._changed:
            self._is_closed = True
            jobs = [*self._waiting, *([self._current] if self._current else [])]
            self._changed.notify_all()
        for job in jobs:
            self.cancel(job)
        self._thread.join(timeout=PATIENCE)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                job = self._current = self._waiting.pop(0)
                job.state = "working"
            try:
                self._run(job)
            except Exception as error:  # whatever it was, the queue goes on
                job.error = job.error or f"{BROKEN} ({error})"
            with self._lock:
                self._current = self._process = None
                outcome: State = job.state if job.state in OVER else "done" if job.result else "failed"
                if outcome == "failed":
                    job.error = job.error or BROKEN
            self._end(job, outcome)

    def _run(self, job: Job) -> None:
        job.folder.mkdir(parents=True, exist_ok=True)
        scratch = job.folder / ".scratch"
        scratch.mkdir()
        with subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "TMPDIR": str(scratch), "MPLBACKEND": "Agg"},
            start_new_session=True,  # Ctrl-C in the terminal is for the app, which then ends it
        ) as process:
            assert process.stdin is not None and process.stdout is not None  # pipes
            with self._lock:
                self._process = process
                is_cancelled = job.state in OVER
            if is_cancelled:
                process.kill()
            try:
                process.stdin.write(json.dumps({**job.task, "folder": str(job.folder)}) + "\n")
                process.stdin.flush()  # it stays open: its end is the end of the process
                for line in process.stdout:
                    self._hear(job, json.loads(line))
                    if job.state in OVER or job.result or job.error:
                        break
            except (BrokenPipeError, json.JSONDecodeError):
                pass
            process.kill()
        shutil.rmtree(scratch, ignore_errors=True)

    def _hear(self, job: Job, message: Mapping[str, Any]) -> None:
        with self._lock:
            if job.state in OVER:
                return
            if "result" in message:
                job.result = message["result"]
            elif "error" in message:
                job.error = message["error"]
            else:
                job.stage, job.share = message["stage"], message["share"]

    def _end(self, job: Job, outcome: State) -> None:
        if outcome != "done":
            shutil.rmtree(job.folder, ignore_errors=True)
        job.finished(job, outcome)
        job.state = outcome
