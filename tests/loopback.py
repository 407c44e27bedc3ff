"""Whether processes of this machine can talk to each other over its network."""

from __future__ import annotations

import socket

import pytest


def skip_without_loopback() -> None:
    """Skip the test, with the reason, where this machine cannot be reached by itself, as in some sandboxes."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
        socket.getaddrinfo(socket.gethostname(), None)
    except OSError as error:
        pytest.skip(f"this machine cannot be reached by its own name or by 127.0.0.1: {error}")
