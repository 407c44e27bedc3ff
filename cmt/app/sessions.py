"""What belongs to each user of the app: films, runs and jobs, and when it goes."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmt.app.asking import asked_of
from cmt.app.jobs import OVER, Job, JobQueue, State
from cmt.app.limits import AppLimits
from cmt.app.names import suffix_of, title_of
from cmt.app.telling import in_words_of_the_page
from cmt.app.work import SEEN, SOUNDS_OF_PAGE, STRIP
from cmt.errors import CmtError
from cmt.planning.redo import parse_redo
from cmt.report.sounds import events_from_json

KEPT_JOBS = 12
"""The page hears of so many jobs that are over."""


class UnknownError(CmtError):
    """Nothing of that name belongs to the user."""


@dataclass
class Film:
    """A film that a user has put up."""

    id: str
    name: str
    """What it is called on the page."""
    folder: Path
    file: Path
    bytes: int = 0
    state: str = "uploading"
    """`uploading`, `looking`, `ready` or `failed`."""
    error: str = ""
    duration: float = 0.0
    picture: bool = False

    def as_json(self) -> dict[str, object]:
        """What the page hears of it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "error": self.error,
            "duration": self.duration,
            "picture": self.picture,
        }


@dataclass
class Run:
    """Music that was made for a film."""

    id: str
    number: int
    film: str
    folder: Path
    asked: dict[str, Any]
    """What the page asked for."""
    summary: dict[str, Any]
    parent: int | None = None
    """The number of the run of which some bars were written anew, or that has the take that this one is."""
    take: int | None = None
    """The take of the parent that this run is, or whose bars were written anew, numbers from 1; None is the best."""

    def as_json(self) -> dict[str, object]:
        """What the page hears of it."""
        files = [
            {"name": name, "bytes": (self.folder / name).stat().st_size}
            for name in self.summary["files"]
            if (self.folder / name).is_file()
        ]
        return {
            "id": self.id,
            "number": self.number,
            "film": self.film,
            "parent": self.parent,
            "take": self.take,
            "asked": self.asked,
            "summary": {**self.summary, "files": files},
        }

    def file(self, name: str) -> Path:
        """One of its files.

        Raises
        ------
        UnknownError
            If it has none of that name.
        """
        if name not in self.summary["files"] or not (self.folder / name).is_file():
            raise UnknownError("there is no such file; it may have been removed")
        return self.folder / name


@dataclass
class Session:
    """A user."""

    id: str
    folder: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """What each request that changes something must name."""
    seen: float = 0.0
    """When the browser was heard of last."""
    streams: int = 0
    """The pages that listen."""
    films: dict[str, Film] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    n_run: int = 0

    @property
    def active(self) -> list[Job]:
        """The jobs that wait or run."""
        return [job for job in self.jobs if job.state not in OVER]

    def film(self, film: str) -> Film:
        """The film of that id."""
        if film not in self.films:
            raise UnknownError("there is no such film; it may have been removed")
        return self.films[film]

    def run(self, run: str) -> Run:
        """The run of that id."""
        if run not in self.runs:
            raise UnknownError("there is no such result; it may have been removed")
        return self.runs[run]

    def job(self, job: str) -> Job:
        """The job of that id."""
        for one in self.jobs:
            if one.id == job:
                return one
        raise UnknownError("there is no such job; it may be over")


@dataclass(frozen=True)
class Models:
    """What writes and plays the music; None is what comes with the program."""

    checkpoint: Path | None = None
    soundfont: Path | None = None


class Sessions:
    """All users, and what is done for them.

    Parameters
    ----------
    folder
        Where everything lies.
    clock
        The seconds by which it is told that a browser is gone.
    """

    def __init__(
        self,
        folder: Path,
        queue: JobQueue,
        limits: AppLimits,
        models: Models | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._queue, self._limits, self._clock = folder, queue, limits, clock
        self._models = models or Models()
        self._lock = threading.RLock()
        self._sessions: dict[str, Session] = {}
        self.boot = secrets.token_urlsafe(8)
        """A word that is another one each time the app starts."""

    def new(self) -> Session:
        """A user who was not here before."""
        with self._lock:
            if len(self._sessions) >= self._limits.sessions:
                away = [session for session in self._sessions.values() if not session.streams and not session.active]
                if not away:
                    raise CmtError("too many people use the app at this moment; try again later")
                self._forget(min(away, key=lambda session: session.seen))
            identity = secrets.token_urlsafe(32)
            session = Session(identity, self._folder / secrets.token_hex(8), seen=self._clock())
            self._sessions[identity] = session
            return session

    def find(self, identity: str | None) -> Session | None:
        """The user with that cookie, who is here now; None if there is none."""
        with self._lock:
            session = self._sessions.get(identity or "")
            if session is not None:
                session.seen = self._clock()
            return session

    def listening(self, session: Session, change: int) -> None:
        """Hear that a page of the user has begun to listen, 1, or has stopped, -1."""
        with self._lock:
            session.streams += change
            session.seen = self._clock()

    def new_film(self, session: Session, name: str) -> Film:
        """A place for a film that is being put up."""
        with self._lock:
            if len(session.films) >= self._limits.films:
                raise CmtError(f"there are {len(session.films)} films, the most there can be; remove one first")
            identity = secrets.token_urlsafe(16)
            folder = session.folder / f"film-{secrets.token_hex(8)}"
            folder.mkdir(parents=True)
            film = Film(identity, name, folder, folder / f"{title_of(name)}{suffix_of(name)}")
            session.films[identity] = film
            return film

    def look(self, session: Session, film: Film) -> Job:
        """Have a film looked at."""
        film.state = "looking"
        film.bytes = film.file.stat().st_size
        seconds = self._limits.minutes * 60

        def finished(job: Job, outcome: State) -> None:
            job.error = self._told(job.error, film)
            if outcome == "done":
                for name in (SEEN, STRIP):
                    (job.folder / name).replace(film.folder / name)
                shutil.rmtree(job.folder, ignore_errors=True)
                film.duration, film.picture = job.result["duration"], job.result["picture"]
                film.state = "ready"
                return
            film.state, film.error = "failed", job.error
            film.file.unlink(missing_ok=True)

        task = {"task": "look", "film": str(film.file), "seconds": seconds}
        return self._add(session, Job(task, session.id, film.folder / "look", finished, subject=film.id))

    def seen(self, film: Film) -> dict[str, Any]:
        """What was seen in a film."""
        if film.state != "ready":
            raise UnknownError("the film was not looked at yet")
        seen: dict[str, Any] = json.loads((film.folder / SEEN).read_text(encoding="utf-8"))
        return seen

    def compose(self, session: Session, film: Film, asked: dict[str, Any]) -> Job:
        """Have music written for a film."""
        if film.state != "ready":
            raise CmtError("the film was not looked at yet; wait a moment")
        asked_of(asked, is_picture=film.picture, duration=film.duration)  # what is wrong is told at once
        task = {
            "task": "compose",
            "film": str(film.file),
            "picture": film.picture,
            "asked": asked,
            "title": title_of(film.name),
            **self._with(),
        }
        return self._add(session, self._making(session, film, task, asked))

    def redo(self, session: Session, run: Run, parts: list[str], number: int = 1, sounds: object = None) -> Job:
        """Have some bars of a take of a result, numbers from 1, written anew; the rest stays.

        `sounds` is the JSON of the sounds that take the place of those that are there; None leaves them.
        """
        if not parts and sounds is None:
            raise CmtError("no bars are to be written anew; choose some")
        for part in parts:
            parse_redo(part)
        if sounds is not None:
            events_from_json(sounds, SOUNDS_OF_PAGE)  # what is wrong is told at once
        return self._again(session, run, number, "redo", parts, sounds)

    def take(self, session: Session, run: Run, number: int) -> Job:
        """Have a take of a result, numbers from 1, made a result of its own."""
        return self._again(session, run, number, "take", [])

    def _again(
        self, session: Session, run: Run, number: int, name: str, parts: list[str], sounds: object = None
    ) -> Job:
        """Have a take made from its report."""
        film = session.film(run.film)
        if number != 1 and not 1 <= number <= len(run.summary.get("takes", ())):
            raise UnknownError("there is no such take of this result")
        which = "" if number == 1 else f".take{number}"
        task = {
            "task": name,
            "film": str(film.file),
            "report": str(run.file(f"{run.summary['name']}{which}.json")),
            "redo": parts,
            "sounds": sounds,
            "title": title_of(film.name),
            **self._with(),
        }
        take = None if number == 1 and parts else number
        return self._add(session, self._making(session, film, task, run.asked, run.number, take))

    def _with(self) -> dict[str, str | None]:
        models = {"checkpoint": self._models.checkpoint, "soundfont": self._models.soundfont}
        return {name: None if path is None else str(path) for name, path in models.items()}

    def _making(
        self,
        session: Session,
        film: Film,
        task: dict[str, Any],
        asked: dict[str, Any],
        parent: int | None = None,
        take: int | None = None,
    ) -> Job:
        folder = session.folder / f"run-{secrets.token_hex(8)}"

        def finished(job: Job, outcome: State) -> None:
            job.error = self._told(job.error, film)
            if outcome != "done":
                return
            with self._lock:
                session.n_run += 1
                run = Run(secrets.token_urlsafe(16), session.n_run, film.id, folder, asked, job.result, parent, take)
                if film.id not in session.films:  # it was removed meanwhile
                    shutil.rmtree(folder, ignore_errors=True)
                    return
                session.runs[run.id] = run
            job.result = {"run": run.id}

        return Job(task, session.id, folder, finished, subject=film.id)

    def _add(self, session: Session, job: Job) -> Job:
        self._queue.add(job)
        with self._lock:
            session.jobs.append(job)
            over = [one for one in session.jobs if one.state in OVER]
            for one in over[: max(0, len(over) - KEPT_JOBS)]:
                session.jobs.remove(one)
        return job

    def _told(self, message: str, film: Film) -> str:
        """A message in the page's words, with the film's own name."""
        message = message.removesuffix(f"; check it with: ffprobe {film.file.name}")
        message = message.replace(str(film.file), film.name)
        if message.startswith(f"{film.file.name}: "):
            message = film.name + message[len(film.file.name) :]
        return in_words_of_the_page(message.replace(str(self._folder), "the app's folder"))

    def cancel(self, job: Job) -> None:
        """End a job."""
        self._queue.cancel(job)

    def remove_film(self, session: Session, film: Film) -> None:
        """Remove a film, the jobs for it and all music that was made for it."""
        for job in session.active:
            if job.subject == film.id:
                self._queue.cancel(job)
        with self._lock:
            session.films.pop(film.id, None)
            for run in [run for run in session.runs.values() if run.film == film.id]:
                self.remove_run(session, run)
        shutil.rmtree(film.folder, ignore_errors=True)

    def remove_run(self, session: Session, run: Run) -> None:
        """Remove a result."""
        with self._lock:
            session.runs.pop(run.id, None)
        shutil.rmtree(run.folder, ignore_errors=True)

    def state(self, session: Session) -> dict[str, object]:
        """All that a page of the user shows; JSON."""
        with self._lock:
            return {
                "boot": self.boot,
                "films": [film.as_json() for film in session.films.values()],
                "runs": [run.as_json() for run in session.runs.values()],
                "jobs": [self._job(job) for job in session.jobs],
            }

    def _job(self, job: Job) -> dict[str, object]:
        return {
            "id": job.id,
            "task": job.task["task"],
            "film": job.subject,
            "state": job.state,
            "before": self._queue.position(job),
            "stage": job.stage,
            "share": job.share,
            "error": job.error,
            "run": job.result.get("run") if job.state == "done" else None,
        }

    def tidy(self) -> None:
        """Cancel the jobs of users who are gone, and forget those who were away for long."""
        now = self._clock()
        with self._lock:
            away = [session for session in self._sessions.values() if not session.streams]
            for session in away:
                if now - session.seen >= self._limits.left_after:
                    for job in session.active:
                        self._queue.cancel(job)
                if now - session.seen >= self._limits.forgotten_after:
                    self._forget(session)

    def _forget(self, session: Session) -> None:
        for job in session.active:
            self._queue.cancel(job)
        self._sessions.pop(session.id, None)
        shutil.rmtree(session.folder, ignore_errors=True)
