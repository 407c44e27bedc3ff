"""The door for files that a user names: whole, ordinary, and of a size that such a file can have."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cmt.errors import CmtError


def content_of(path: str | os.PathLike[str], most: int, error: type[CmtError] = CmtError) -> bytes:
    """All bytes of a file.

    Pipes, devices and folders are refused before anything is read of them: they may block, or never end.

    Parameters
    ----------
    most
        The most bytes that the file may have.
    error
        What is raised.

    Raises
    ------
    CmtError
        Of the class `error`, if there is no such file, it is no ordinary one, too large, or cannot be read.
    """
    path = Path(path)
    try:
        # Without O_NONBLOCK a pipe that nobody writes to would block here.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise error(f"{path}: is {_what_else(status.st_mode)}, not a file; give the name of a file")
            content = file.read(most + 1)
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror or problem}); check the path") from problem
    except ValueError as problem:  # a name with a zero byte
        raise error(f"{str(path)!r}: cannot be read ({problem}); check the path") from problem
    if len(content) > most:
        raise error(f"{path}: is larger than {most / 2**20:g} MiB, the most that is read; is it the right file?")
    return content


def _what_else(mode: int) -> str:
    """What a file that is no ordinary one is."""
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
