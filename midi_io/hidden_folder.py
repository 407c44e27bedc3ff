"""Hidden folders for what is unfinished, which the next run removes if the process that made them has died.

A folder ``.cmt-XXXXXXXX`` holds a file ``lock``, on which its process has an advisory lock (flock), and ``files``. The
system gives the lock back when the process ends, however it ends, so whoever gets the lock knows that nobody works
there. Linux hands flock on NFS to the server, so that it holds between machines; where a file system knows no locks,
nothing is removed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked and nothing that is left is removed
    fcntl = None  # type: ignore[assignment]

PREFIX = ".cmt-"
_OURS = re.compile(r"\.cmt-(?:[a-z]+-)?[a-z0-9_]{8}")
_LOCK, _FILES = "lock", "files"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextmanager
def hidden_folder(folder: Path) -> Iterator[Path]:
    """An empty folder inside a hidden one inside `folder`, until the block ends; what dead processes left there goes.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    remove_abandoned(folder)
    hidden, lock = _begin(folder)
    try:
        files = hidden / _FILES
        files.mkdir()
        yield files
    finally:
        # The lock goes last: without it another process would take what is still there for abandoned.
        shutil.rmtree(hidden, ignore_errors=True)
        os.close(lock)


def remove_abandoned(folder: Path) -> None:
    """Remove the hidden folders in `folder` whose processes have died; those of processes that live stay."""
    if fcntl is None:
        return
    try:
        names = [name for name in os.listdir(folder) if name.startswith(PREFIX) and _OURS.fullmatch(name)]
    except OSError:
        return
    for hidden in [folder / name for name in names if not (folder / name).is_symlink()]:
        with suppress(OSError):
            if not hidden.is_dir() or hidden.stat().st_uid != os.geteuid():
                continue
            lock = _opened(hidden / _LOCK)
            try:
                if try_lock(lock):
                    shutil.rmtree(hidden, ignore_errors=True)
            finally:
                os.close(lock)


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file for as long as it stays open; False if it is locked already, None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _NO_LOCKS else False
    return True


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other run is in such a block for the folder, and keep others out until the block ends.

    It is for an instant, in which files of a run appear together. The lock is on the folder itself, so that nothing is
    left behind; where there are no locks, nobody waits.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_the_file(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that lies at `path` now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def _begin(folder: Path) -> tuple[Path, int]:
    """A hidden folder, and its lock."""
    while True:
        hidden = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        try:
            lock = _opened(hidden / _LOCK)
        except FileNotFoundError:  # somebody has taken it for an abandoned one
            continue
        except OSError:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        if try_lock(lock) is not False and is_the_file(lock, hidden / _LOCK):
            return hidden, lock
        os.close(lock)


def _opened(lock: Path) -> int:
    return os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
