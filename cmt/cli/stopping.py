"""How a command begins and ends: whole standard streams, and an orderly way out when it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

BY_CTRL_C = 128 + signal.SIGINT
"""The exit code of what Ctrl-C has stopped, as shells have it."""
_SIGNALS = ("SIGTERM", "SIGHUP")


class Stopped(Exception):  # noqa: N818 - it says what happened
    """A command that was told to stop, and says what is kept or how to go on."""


class Ending:
    """The exit code of a command that is being stopped."""

    code = BY_CTRL_C


@contextmanager
def orderly() -> Iterator[Ending]:
    """Let SIGTERM and SIGHUP go the way of Ctrl-C until the block ends: what is unfinished is removed on the way out.

    Signals that something else has taken care of are left alone, such as SIGHUP by nohup.
    """
    ending = Ending()

    def stop(number: int, frame: FrameType | None) -> None:
        ending.code = 128 + number
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    is_main = threading.current_thread() is threading.main_thread()
    taken = [number for number in numbers if is_main and signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield ending
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def open_closed_streams() -> None:
    """Open standard streams that were closed, to nowhere: else a file to write would take the place of one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
