"""The addresses of the app, and what each answers."""

from __future__ import annotations

import asyncio
import hmac
import json
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse

from cmt.app.jobs import QueueFullError
from cmt.app.limits import ASKED_BYTES, MEGABYTE, AppLimits
from cmt.app.names import shown_name
from cmt.app.sessions import Film, Run, Session, Sessions, UnknownError
from cmt.app.telling import in_words_of_the_page
from cmt.app.web.guard import RESULT_POLICY, Guard
from cmt.app.web.page import STATIC, page
from cmt.app.work import STRIP
from cmt.errors import CmtError
from cmt.meaning.words import read_words

TOKEN = "x-cmt-token"
NAME = "x-cmt-name"
TICK = 0.25
"""A page that listens is told what has changed at most every so many seconds."""
QUIET = 20
"""After so many ticks without a change a sign of life is sent."""
SPARE = 200 * MEGABYTE
"""So much room is left on the disk."""
STARTED_ANEW = "the app was started anew, or you were away for long; load the page again"
MEDIA_TYPES = {
    ".mid": "audio/midi",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<")
"""How files begin that name other files, which FFmpeg would open."""


class RefusedError(CmtError):
    """A request that is not obeyed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def application(sessions: Sessions, limits: AppLimits, host: str, port: int) -> Any:
    """The app as a server runs it.

    Parameters
    ----------
    host, port
        Where it listens.
    """
    app = FastAPI(title="cmt", docs_url=None, redoc_url=None, openapi_url=None)
    cookie = f"cmt-{port}"  # cookies of one host are shared by all its ports

    def user(request: Request) -> Session:
        session = sessions.find(request.cookies.get(cookie))
        if session is None:
            raise RefusedError(401, STARTED_ANEW)
        return session

    def changing(request: Request) -> Session:
        session = user(request)
        if not hmac.compare_digest(request.headers.get(TOKEN, "").encode(), session.token.encode()):
            raise RefusedError(403, "the request does not come from the app's page; load the page again")
        return session

    _answer_errors(app)
    _add_page(app, sessions, limits, cookie)
    _add_films(app, sessions, limits, user, changing)
    _add_runs(app, sessions, user, changing)
    return Guard(app, host)


User: TypeAlias = Callable[[Request], Session]


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(CmtError)
    async def answer(request: Request, error: Exception) -> Response:
        status = 400
        if isinstance(error, RefusedError):
            status = error.status
        elif isinstance(error, UnknownError):
            status = 404
        elif isinstance(error, QueueFullError):
            status = 429
        headers = {"connection": "close"} if status == 413 else None  # the rest of what is too large is not read
        return JSONResponse({"error": in_words_of_the_page(str(error))}, status, headers)

    @app.exception_handler(HTTPException)
    async def answer_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": str(error.detail)}, error.status_code)


def _add_page(app: FastAPI, sessions: Sessions, limits: AppLimits, cookie: str) -> None:
    @app.get("/")
    async def show(request: Request) -> Response:
        session = sessions.find(request.cookies.get(cookie)) or sessions.new()
        response = HTMLResponse(page(session.token, sessions.boot, limits))
        response.set_cookie(cookie, session.id, httponly=True, samesite="strict", path="/")
        return response

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in STATIC:
            raise UnknownError("there is no such file")
        file, kind = STATIC[name]
        return Response(file.read_bytes(), media_type=kind)

    @app.get("/favicon.ico")
    async def icon() -> Response:
        return Response(status_code=204)

    @app.get("/api/state")
    async def state(request: Request) -> Response:
        return JSONResponse(sessions.state(_user(sessions, request, cookie)))

    @app.get("/api/events")
    async def events(request: Request) -> Response:
        session = _user(sessions, request, cookie)

        async def told() -> AsyncIterator[str]:
            sessions.listening(session, 1)
            try:
                last, quiet = "", 0
                while not await request.is_disconnected():
                    now = json.dumps(sessions.state(session))
                    if now != last:
                        yield f"data: {now}\n\n"
                        last, quiet = now, 0
                    elif (quiet := quiet + 1) >= QUIET:
                        yield ": still here\n\n"
                        quiet = 0
                    await asyncio.sleep(TICK)
            finally:
                sessions.listening(session, -1)

        return StreamingResponse(told(), media_type="text/event-stream")


def _user(sessions: Sessions, request: Request, cookie: str) -> Session:
    session = sessions.find(request.cookies.get(cookie))
    if session is None:
        raise RefusedError(401, STARTED_ANEW)
    return session


def _add_films(app: FastAPI, sessions: Sessions, limits: AppLimits, user: User, changing: User) -> None:
    @app.post("/api/films")
    async def put_up(request: Request) -> Response:
        session = changing(request)
        length = request.headers.get("content-length", "")
        _check_size(int(length) if length.isdecimal() else 0, limits, session)
        film = sessions.new_film(session, shown_name(request.headers.get(NAME, "")))
        try:
            await _take(request, film.file, limits, session)
            job = sessions.look(session, film)
        except BaseException:
            sessions.remove_film(session, film)
            if await request.is_disconnected():
                return Response(status_code=400)  # nobody hears it: the browser has left, or the user has stopped it
            raise
        return JSONResponse({"film": film.id, "job": job.id}, 201)

    @app.delete("/api/films/{film}")
    async def remove(request: Request, film: str) -> Response:
        session = changing(request)
        sessions.remove_film(session, session.film(film))
        return Response(status_code=204)

    @app.get("/api/films/{film}/seen")
    async def seen(request: Request, film: str) -> Response:
        return JSONResponse(sessions.seen(user(request).film(film)))

    @app.get("/api/films/{film}/strip")
    async def strip(request: Request, film: str) -> Response:
        return _file(user(request).film(film).folder / STRIP, "strip.png")

    @app.get("/api/films/{film}/file")
    async def original(request: Request, film: str) -> Response:
        its: Film = user(request).film(film)
        return FileResponse(_there(its.file), content_disposition_type="inline")

    @app.post("/api/films/{film}/runs")
    async def compose(request: Request, film: str) -> Response:
        session = changing(request)
        asked = await _json(request)
        job = await run_in_threadpool(sessions.compose, session, session.film(film), asked)
        return JSONResponse({"job": job.id}, 202)

    @app.post("/api/words")
    async def words(request: Request) -> Response:
        changing(request)
        asked = await _json(request)
        try:
            understood = read_words(str(asked.get("words", "")))
        except CmtError as error:
            return JSONResponse({"phrases": [], "passed_over": [], "error": str(error)})
        return JSONResponse({"phrases": understood.phrases, "passed_over": understood.passed_over, "error": ""})


def _add_runs(app: FastAPI, sessions: Sessions, user: User, changing: User) -> None:
    @app.delete("/api/jobs/{job}")
    async def cancel(request: Request, job: str) -> Response:
        sessions.cancel(changing(request).job(job))
        return Response(status_code=204)

    @app.post("/api/runs/{run}/redo")
    async def redo(request: Request, run: str) -> Response:
        session = changing(request)
        asked = await _json(request)
        parts, take = asked.get("redo"), asked.get("take", 1)
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts) or len(parts) > 500:
            raise CmtError("say which bars are to be written anew, such as 9-12")
        if not isinstance(take, int):
            raise CmtError("say by its number of which take bars are to be written anew, such as 2")
        job = sessions.redo(session, session.run(run), parts, take, asked.get("sounds"))
        return JSONResponse({"job": job.id}, 202)

    @app.post("/api/runs/{run}/takes/{number}")
    async def take(request: Request, run: str, number: int) -> Response:
        session = changing(request)
        job = sessions.take(session, session.run(run), number)
        return JSONResponse({"job": job.id}, 202)

    @app.delete("/api/runs/{run}")
    async def remove(request: Request, run: str) -> Response:
        session = changing(request)
        sessions.remove_run(session, session.run(run))
        return Response(status_code=204)

    @app.get("/api/runs/{run}/files/{name}")
    async def file(request: Request, run: str, name: str, download: bool = False) -> Response:
        return _file(user(request).run(run).file(name), name, is_download=download)

    @app.get("/api/runs/{run}/zip")
    async def everything(request: Request, run: str) -> Response:
        its = user(request).run(run)
        file = await run_in_threadpool(_zip_of, its)
        return _file(file, f"{its.summary['name']}-{its.number}.zip", is_download=True)


def _check_size(n_byte: int, limits: AppLimits, session: Session) -> None:
    if n_byte > limits.bytes:
        raise RefusedError(
            413,
            f"the film has {n_byte // MEGABYTE} MB, and {limits.megabytes} MB are the most; cut it or make it smaller",
        )
    place = session.folder if session.folder.exists() else session.folder.parent
    if shutil.disk_usage(place).free < n_byte + SPARE:
        raise RefusedError(507, "there is no room for the film on the disk of the machine that the app runs on")


async def _take(request: Request, path: Path, limits: AppLimits, session: Session) -> None:
    """Write what is put up into a file, no more of it than may be."""
    n_byte = 0
    with path.open("wb") as file:
        async for chunk in request.stream():
            if not n_byte and chunk.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(PLAYLISTS):
                raise CmtError("the file is a list of others, or a page, and no film; put the film itself up")
            n_byte += len(chunk)
            _check_size(n_byte, limits, session)
            await run_in_threadpool(file.write, chunk)


async def _json(request: Request) -> dict[str, Any]:
    """What a request says."""
    body, n_byte = b"", 0
    async for chunk in request.stream():
        n_byte += len(chunk)
        # A little too much is read to its end, so that who sends it hears the answer.
        if n_byte > 20 * ASKED_BYTES:
            break
        body += chunk if n_byte <= ASKED_BYTES else b""
    if n_byte > ASKED_BYTES:
        raise RefusedError(413, f"what is asked has more than {ASKED_BYTES // 1000} kB; say less")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "what is asked is no JSON; load the page again") from None
    if not isinstance(content, dict):
        raise RefusedError(400, "what is asked is no JSON object; load the page again")
    return content


def _there(path: Path) -> Path:
    if not path.is_file():
        raise UnknownError("there is no such file; it may have been removed")
    return path


def _file(path: Path, name: str, *, is_download: bool = False) -> Response:
    """A file, or the range of it that is asked for."""
    suffix = Path(name).suffix
    headers = {"content-security-policy": RESULT_POLICY} if suffix == ".html" and not is_download else None
    return FileResponse(
        _there(path),
        filename=name,
        media_type=MEDIA_TYPES.get(suffix, "application/octet-stream"),
        content_disposition_type="attachment" if is_download else "inline",
        headers=headers,
    )


def _zip_of(run: Run) -> Path:
    """All files of a result in one; it is made once."""
    path = run.folder / ".all.zip"
    if not path.exists():
        unfinished = run.folder / f".all-{id(run)}.zip"
        with zipfile.ZipFile(unfinished, "w") as archive:  # sound and film would not become smaller
            for name in run.summary["files"]:
                archive.write(run.file(name), name)
        unfinished.replace(path)
    return path
