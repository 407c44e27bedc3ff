"""Whose request is obeyed: that of the app's own page, by an address that is this machine's, and nobody else's."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = ("127.0.0.1", "localhost", "::1")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""What the app's page may load and run: its own files, nothing from anywhere else, nothing written into the page."""
RESULT_POLICY = (
    "sandbox allow-scripts allow-same-origin allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self' data:; "
    "font-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""The same for a result's own page, which holds its scripts and media inside itself."""
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
WRONG_HOST = "the app does not answer under this address; open the one that it printed"
OTHER_SITE = "a request of another site is not obeyed"


class Guard:
    """Lets requests through that come from the app's own page.

    Parameters
    ----------
    host
        The address that the app listens at. Only where that is not this machine's own may it be called by other
        numbers, and by the machine's name.
    """

    def __init__(self, app: App, host: str) -> None:
        self._app = app
        self._is_local = host in LOCAL
        self._names = {*LOCAL, host.lower()} | (set() if self._is_local else {socket.gethostname().lower()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_headers(message["headers"])
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request is refused; None for one that is not."""
        host = headers.get("host", "")
        if not self._is_known(host):
            return 421, WRONG_HOST
        site = headers.get("sec-fetch-site", "same-origin")
        is_visit = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        if site not in ("same-origin", "none") and not is_visit:
            return 403, OTHER_SITE
        if is_visit and site not in ("same-origin", "none") and headers.get("sec-fetch-dest", "") != "document":
            return 403, OTHER_SITE
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, OTHER_SITE
        return None

    def _is_known(self, host: str) -> bool:
        """Whether a Host header names this machine: other names can be led here by whoever owns them."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._names:
            return True
        if self._is_local:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def with_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A response's headers with those that each one has."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    policy = (b"content-security-policy", PAGE_POLICY.encode())
    cache = (b"cache-control", b"private, no-cache")
    return [*given, *((name, value) for name, value in (*HEADERS, policy, cache) if name not in names)]


async def _refuse(send: Send, status: int, message: str) -> None:
    body = message.encode()
    headers = with_headers([(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
