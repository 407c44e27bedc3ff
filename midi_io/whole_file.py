"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cmt.errors import WriteError

from .hidden_folder import hidden_folder


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name in a hidden folder beside `path`; rename it to `path` once the block ends well.

    If the block raises, the temporary file is removed and an earlier file at `path` stays as it was. What a process
    left there that was killed is removed (`midi_io.hidden_folder`).

    Raises
    ------
    WriteError
        If the folder does not exist or the file cannot be written there.
    """
    path = Path(path)
    check_place(path)
    try:
        with hidden_folder(path.parent) as folder:
            # The name stays: numpy and FFmpeg look at its suffix. The file is an ordinary one, of the user's umask.
            yield folder / path.name
            os.replace(folder / path.name, path)
    except OSError as error:
        reason = error.strerror or error
        raise WriteError(f"{path}: cannot be written ({reason}); check the folder and the free space") from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise a WriteError if no file can be written at `path`: a check before the work; nothing is left behind.

    A file that is there already is not touched.
    """
    path = Path(path)
    check_place(path)
    try:
        tempfile.TemporaryFile(dir=path.parent).close()  # without a name where the system can do that
    except OSError as error:
        raise WriteError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder, or choose another"
        ) from None


def check_not_read(path: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]]) -> None:
    """Raise a WriteError if `path` is one of the files that are read, or lies in one of the folders that are.

    A file that is there already in such a folder would be replaced by one that is none of its kind.
    """
    if not os.path.exists(path):
        return
    for source in sources:
        if os.path.exists(source) and os.path.samefile(path, source):
            raise WriteError(f"{path}: is what is read here; give another name, or it would be lost")
        if os.path.isdir(source) and os.path.samefile(os.path.dirname(path) or ".", source):
            raise WriteError(f"{path}: belongs to {source}, which is read here; give another name, or it would be lost")


def check_place(path: Path) -> None:
    """Raise a WriteError if `path` is there and no file, or would lie in a folder that does not exist.

    A device or a pipe must not be replaced by a file, which ``/dev/null`` would be where the user may do that.
    """
    try:
        os.lstat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise WriteError(f"{path}: cannot be written ({error.strerror}); give another name") from None
    if not os.path.isdir(path.parent):
        what = "is no folder; choose another" if os.path.exists(path.parent) else "does not exist; create it first"
        raise WriteError(f"{path}: folder {path.parent} {what}")
    if os.path.isdir(path):
        raise WriteError(f"{path}: is a folder; give the name of a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise WriteError(f"{path}: is a pipe or a device; give the name of a file")
