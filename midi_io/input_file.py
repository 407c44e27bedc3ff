"""The door for files that a user names: whole, ordinary, and of a size that such a file can have."""

from __future__ import annotations

import io
import json
import lzma
import os
import re
import stat
from typing import IO, Any

from cmt.errors import CmtError

from .limits import MOST_XZ_MEMORY

_CHUNK = 1 << 20
_TOO_LARGE = re.compile(rb"[0-9]{309}")
"""As many digits as the largest float has."""


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
    with opened(path, error) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise error(f"{path}: is larger than {most / 2**20:.3g} MiB, the most that is read; is it the right file?")
    return content


def opened(path: str | os.PathLike[str], error: type[CmtError] = CmtError) -> IO[bytes]:
    """An ordinary file, open for reading its bytes; where they cannot be read, an `error` is raised then.

    Raises
    ------
    CmtError
        Of the class `error`, if there is no such file, it is no ordinary one, or cannot be read.
    """
    try:
        # Without O_NONBLOCK a pipe that nobody writes to would block here.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise error(f"{path}: is {_what_else(status.st_mode)}, not a file; give the name of a file")
        return io.BufferedReader(_Content(descriptor, path, error))
    except OSError as problem:
        raise _unreadable(path, problem, error) from problem
    except ValueError as problem:  # a name with a zero byte
        raise error(f"{str(path)!r}: cannot be read ({problem}); check the path") from problem


class _Content(io.FileIO):
    """The bytes of a file. That they cannot be read is an error that names it, whatever else is being done then."""

    def __init__(self, descriptor: int, path: str | os.PathLike[str], error: type[CmtError]) -> None:
        super().__init__(descriptor, "rb")
        self._path, self._error = path, error

    def readinto(self, buffer: Any) -> int | None:
        """Read into a buffer, as any raw stream does."""
        try:
            return super().readinto(buffer)
        except OSError as problem:
            raise _unreadable(self._path, problem, self._error) from problem

    def readall(self) -> bytes:
        """Read all that is left."""
        try:
            return super().readall()
        except OSError as problem:
            raise _unreadable(self._path, problem, self._error) from problem


def check_ordinary(path: str | os.PathLike[str], error: type[CmtError] = CmtError) -> None:
    """Raise an `error` as `opened` does: a check before a library opens the file by its name."""
    opened(path, error).close()


def text_of(
    path: str | os.PathLike[str], most: int, error: type[CmtError] = CmtError, cure: str = "is it the right file?"
) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; lines may end as on any system.

    Raises
    ------
    CmtError
        As `content_of`, or if it is no text; `cure` is what to do then.
    """
    try:
        text = content_of(path, most, error).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise error(f"{path}: is no text; {cure}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def json_of(path: str | os.PathLike[str], most: int) -> Any:
    """What a file of JSON says.

    Raises
    ------
    CmtError
        If there is no such file, it is no ordinary one, too large, or cannot be read.
    ValueError
        If it is no JSON, or nested too deeply.
    """
    return json_in(content_of(path, most))


def json_in(content: bytes | str) -> Any:
    """What JSON says.

    Raises
    ------
    ValueError
        If it is none, is nested too deeply, or holds half a surrogate pair, which is no character, or a whole number
        that is too large for a float.
    """
    try:
        said = json.loads(content)
        if _TOO_LARGE.search(content if isinstance(content, bytes) else content.encode("utf-8", errors="replace")):
            json.loads(content, parse_int=_whole_number)
        if (b"\\ud" if isinstance(content, bytes) else "\\ud") in content.lower():  # type: ignore[operator]
            # A byte of a file's name that is no UTF-8 is half a pair too, but one that has its meaning.
            json.dumps(said, ensure_ascii=False).encode("utf-8", errors="surrogateescape")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None
    except UnicodeEncodeError:
        raise ValueError("it holds half a surrogate pair") from None
    return said


def _whole_number(digits: str) -> int:
    number = int(digits)
    try:
        float(number)
    except OverflowError:
        raise ValueError("it holds a number of hundreds of digits") from None
    return number


def unpacked_of(path: str | os.PathLike[str], most: int) -> bytes:
    """What an .xz file holds; it is unpacked as far as `most` bytes, whatever it would be in the end.

    Raises
    ------
    CmtError
        If there is no such file, it is no ordinary one, or it unpacks to more.
    ValueError
        If it is no such file, is cut off, or needs too much memory.
    """
    parts, n_byte = [], 0
    with opened(path) as file:
        unpacker = lzma.LZMADecompressor(memlimit=MOST_XZ_MEMORY)
        try:
            while not unpacker.eof:
                packed = file.read(_CHUNK) if unpacker.needs_input else b""
                if unpacker.needs_input and not packed:
                    raise ValueError("it is cut off")
                parts.append(unpacker.decompress(packed, _CHUNK))
                n_byte += len(parts[-1])
                if n_byte > most:
                    raise CmtError(
                        f"{path}: unpacks to more than {most / 2**20:g} MiB, the most that is read; check the file"
                    )
        except (lzma.LZMAError, OSError) as problem:
            raise ValueError(str(problem)) from None
    return b"".join(parts)


def _unreadable(path: str | os.PathLike[str], problem: OSError, error: type[CmtError]) -> CmtError:
    return error(f"{os.fspath(path)}: cannot be read ({problem.strerror or problem}); check the path")


def _what_else(mode: int) -> str:
    """What a file that is no ordinary one is."""
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
