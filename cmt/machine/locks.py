"""One run at a time in one place: a lock that dies with its process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cmt.errors import CmtError
from midi_io.hidden_folder import is_the_file, try_lock

LOCK = ".cmt-lock"
"""The name of the lock in a folder that a run writes into; the run removes it at its end."""


@contextmanager
def only_run(folder: Path, what: str, cure: str = "wait for it, or choose another `folder`") -> Iterator[None]:
    """Be the only run in a folder, which is there, until the block ends.

    The lock is an advisory one (flock) on a file in it. The system gives it back when the process ends, however it
    ends; on a file system without locks there is none.

    Parameters
    ----------
    what
        What is written there, for the message: ``an index``.
    cure
        What to do while another run is there.

    Raises
    ------
    CmtError
        If another process holds the lock, or none can be made.
    """
    path = folder / LOCK
    lock = -1
    try:
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
            if try_lock(lock) is False:
                holder = _holder(lock)
                os.close(lock)
                raise CmtError(f"{folder}: another run{holder} is writing {what} there; {cure}")
            if is_the_file(lock, path):
                break
            os.close(lock)  # of a run that has just ended and removed it
            lock = -1
        os.truncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
    except OSError as error:
        if lock >= 0:  # it is there and cannot be filled: the disk is full
            _give_back(lock, path)
        raise CmtError(f"{folder}: cannot be written to ({error.strerror or error}); choose another `folder`") from None
    try:
        yield
    finally:
        _give_back(lock, path)


def _give_back(lock: int, path: Path) -> None:
    with suppress(OSError):
        if is_the_file(lock, path):
            path.unlink()
    with suppress(OSError):
        os.close(lock)


def _holder(lock: int) -> str:
    with suppress(OSError):
        number = os.pread(lock, 20, 0).decode("ascii", errors="replace").strip()
        if number.isdecimal():
            return f" (process {number})"
    return ""
