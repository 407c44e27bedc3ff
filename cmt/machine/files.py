"""Folders in which either everything appears or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmt.errors import CmtError


@contextmanager
def folder_for_all_or_nothing(folder: Path) -> Iterator[Path]:
    """A hidden folder inside `folder`; its files move up when the block ends well, else they go."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = tempfile.TemporaryDirectory(prefix=".cmt-", dir=folder)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be written to ({error.strerror}); choose another `folder`") from None
    try:
        with unfinished as name:
            yield Path(name)
            for file in sorted(Path(name).iterdir()):
                os.replace(file, folder / file.name)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be written to ({error.strerror}); check its space and rights") from None
    finally:
        for path in made:  # the innermost first; what holds files stays
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
