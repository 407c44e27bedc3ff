"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmt.errors import WriteError


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` once the block ends well.

    If the block raises, the temporary file is removed and an earlier file at `path`
    stays as it was.

    Raises
    ------
    WriteError
        If the folder does not exist or the file cannot be written there.
    """
    path = Path(path)
    check_place(path)
    # The suffix stays last: numpy and FFmpeg look at it. mkstemp is not used because its
    # files are readable by their owner only, whatever the umask.
    unfinished = path.with_name(f".{path.stem[:100]}-{os.urandom(4).hex()}{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        reason = error.strerror or error
        raise WriteError(f"{path}: cannot be written ({reason}); check the folder and the free space") from error
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise a WriteError if no file can be written at `path`: a check before the work; nothing is left behind.

    A file that is there already is not touched.
    """
    path = Path(path)
    check_place(path)
    probe = path.with_name(f".{path.stem[:100]}-{os.urandom(4).hex()}")
    try:
        probe.touch()
    except OSError as error:
        raise WriteError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder, or choose another"
        ) from None
    else:
        probe.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Raise a WriteError if `path` is a folder, or would lie in one that does not exist."""
    if not path.parent.is_dir():
        raise WriteError(f"{path}: folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise WriteError(f"{path}: is a folder; give the name of a file")
