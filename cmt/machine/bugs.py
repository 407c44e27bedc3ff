"""What is told of a file whose reading ended in a way that nobody has thought of."""

from __future__ import annotations

import os


def unexpected(path: str | os.PathLike[str], error: Exception) -> str:
    """The reason, one line, why one of many files is left out: its bug must not end the work on the others."""
    return f"{os.fspath(path)}: {unforeseen(error)}"


def unforeseen(error: Exception) -> str:
    """The same without the file."""
    reason = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {reason} (a bug, or a damaged file; please report it)"
