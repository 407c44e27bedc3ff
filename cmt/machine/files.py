"""Folders that are looked through or written into, also all or nothing, and what shows that a file has changed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cmt.errors import CmtError, WriteError
from midi_io.hidden_folder import alone_in, hidden_folder

NO_FILE = (0, 0)
"""The state of a file that is not there."""
LINKED = "is a link to a folder, which is not followed; name that folder beside this one"
"""Why a folder inside one is passed over: links may lead round in circles."""


def file_state(path: str | os.PathLike[str]) -> tuple[int, int]:
    """What shows that a file has changed: its size in bytes and the time of its last change in nanoseconds.

    `NO_FILE` if there is no such file, or none that may be looked at.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return NO_FILE
    return status.st_size, status.st_mtime_ns


def leads_nowhere(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a link whose target is gone or is the link itself; it may have been a folder full of files."""
    return os.path.islink(path) and not os.path.exists(path)


def real_path(path: str | os.PathLike[str]) -> Path:
    """The path without links; of one that leads round in circles what can be said. `Path.resolve` raises then."""
    return Path(os.path.realpath(path))


def files_below(folder: Path, left_out: list[str], output: Path | None = None) -> Iterator[Path]:
    """The files of a folder and of those in it, each folder's in the order of their names.

    Hidden files and folders and the `output` folder are passed over. A link to a folder is not followed, and a folder
    that may not be read is not looked into: `left_out` gets a line for each.
    """

    def tell(error: OSError) -> None:
        left_out.append(f"{error.filename}: cannot be read ({error.strerror}); check who may")

    passed_over = None if output is None else real_path(output)
    for root, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and real_path(Path(root) / name) != passed_over
        )
        left_out += (f"{Path(root) / name}: {LINKED}" for name in folders if (Path(root) / name).is_symlink())
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root) / name


def ready_folder(folder: Path, otherwise: str = "choose another `folder`") -> None:
    """Make a folder to write into, and those above it, unless it is there, and see that it can be written to.

    Parameters
    ----------
    otherwise
        What to do where it cannot be made; the message ends with it.

    Raises
    ------
    CmtError
        If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be made ({error.strerror or error}); {otherwise}") from None
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CmtError(f"{folder}: cannot be written to ({error.strerror or error}); {otherwise}") from None


def write_texts(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Write texts by file name into a folder, which is made: all of them or none. What UTF-8 lacks becomes a `?`.

    Raises
    ------
    CmtError
        If they cannot be written.
    """
    with folder_for_all_or_nothing(folder) as unfinished:
        for name, text in texts.items():
            (unfinished / name).write_text(text, encoding="utf-8", errors="replace")
    return [folder / name for name in texts]


def check_folder(folder: Path, otherwise: str = "choose another `folder`") -> None:
    """Raise a CmtError if a folder cannot be made or written to, before the work; nothing is left behind.

    `otherwise` is what to do then; the message ends with it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        ready_folder(folder, otherwise)
    finally:
        _remove_empty(made)


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove those that are there and hold nothing, in order."""
    for path in folders:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


@contextmanager
def folder_for_all_or_nothing(folder: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """A hidden folder inside `folder`; its files move up when the block ends well, else they go.

    Raises
    ------
    CmtError
        If the folder cannot be made or written to, or without `overwrite` a file of the name is there. That a file in
        it cannot be written is told of the file's own name.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hidden = ExitStack()
        unfinished = hidden.enter_context(hidden_folder(folder))
    except OSError as error:
        raise CmtError(f"{folder}: cannot be written to ({error.strerror}); choose another `folder`") from None
    try:
        with hidden:
            yield unfinished
            files = sorted(unfinished.iterdir())
            with alone_in(folder):  # else files of two runs could appear under one name
                for file in files:
                    if (folder / file.name).is_dir():
                        raise WriteError(f"{folder / file.name}: is a folder; remove it, or choose another `folder`")
                for file in files if not overwrite else ():
                    if (folder / file.name).exists():
                        raise CmtError(f"{folder / file.name}: another run has written it meanwhile; run it once more")
                for file in files:
                    os.replace(file, folder / file.name)
    except WriteError as error:
        raise WriteError(str(error).replace(str(unfinished), str(folder))) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise CmtError(f"{folder}: a file in it would have too long a name; choose a shorter `name`") from None
        raise CmtError(f"{folder}: cannot be written to ({error.strerror}); check its space and rights") from None
    finally:
        _remove_empty(made)  # the innermost first; what holds files stays
