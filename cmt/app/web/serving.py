"""Runs the app: takes the port, opens the browser, and removes everything at the end."""

from __future__ import annotations

import errno
import ipaddress
import shutil
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from cmt.app.jobs import JobQueue
from cmt.app.limits import LIMITS, AppLimits
from cmt.app.sessions import Models, Sessions
from cmt.app.web.guard import LOCAL
from cmt.app.web.server import application
from cmt.errors import CmtError

TIDY_EVERY = 1.0
"""The seconds between two looks for users who are gone."""


def serve(
    host: str,
    port: int,
    *,
    open_browser: bool,
    limits: AppLimits = LIMITS,
    models: Models | None = None,
    say: Callable[[str], object] = print,
    warn: Callable[[str], object] = print,
) -> None:
    """Run the app until it is stopped by Ctrl-C or SIGTERM.

    Parameters
    ----------
    port
        0 takes any that is free.
    open_browser
        Whether the page is opened in the browser.
    say, warn
        Called with a line on where it is, and with what is unsafe.

    Raises
    ------
    CmtError
        If the port is in use or may not be taken, or there is no folder for temporary files.
    """
    listener = listen(host, port)
    port = listener.getsockname()[1]
    address = f"http://{_in_address(host)}:{port}/"
    if host not in LOCAL:
        warn(f"`host` {host}: whoever reaches this machine over the network can use the app, and read along")
    try:
        folder = Path(tempfile.mkdtemp(prefix="cmt-app-"))
    except OSError as error:
        listener.close()
        raise CmtError(f"no folder for temporary files ({error.strerror}); make room, or set TMPDIR") from None
    queue = JobQueue(limits.waiting)
    sessions = Sessions(folder, queue, limits, models)
    server = uvicorn.Server(
        uvicorn.Config(
            application(sessions, limits, host, port),
            log_level="critical",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
            proxy_headers=False,
        )
    )
    stopped = threading.Event()
    tidier = threading.Thread(target=_tidy, args=(sessions, stopped), daemon=True)

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        tidier.start()
        say(f"the app is at {address} (Ctrl-C stops it and removes what it made)")
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # asked for
    finally:
        stopped.set()
        queue.close()
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    CmtError
        If it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = (
                f"`port` {port}: is in use, by an app that runs already perhaps; stop that, or choose another port"
            )
        elif error.errno in (errno.EACCES, errno.EPERM):
            message = f"`port` {port}: may not be taken; choose one above 1023"
        else:
            message = f"`host` {host}: cannot be listened at ({error.strerror or error}); leave it out"
        raise CmtError(message) from None
    return listener


def _in_address(host: str) -> str:
    """The host as it stands in an address that a browser on this machine can open."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return host
    if number.is_unspecified:
        return "127.0.0.1"
    return f"[{host}]" if number.version == 6 else host


def _tidy(sessions: Sessions, stopped: threading.Event) -> None:
    while not stopped.wait(TIDY_EVERY):
        sessions.tidy()
