"""The folders to which agents are held."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cmt.errors import CmtError
from cmt.machine.files import real_path


class Folders:
    """The folders in which files are read and written, and no others."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [real_path(folder) for folder in folders]

    def path(self, text: str) -> Path:
        """A path that lies in one of them.

        Raises
        ------
        CmtError
            If it does not, wherever links lead.
        """
        try:
            path = real_path(self._folders[0] / text)
        except (OSError, ValueError) as error:
            raise CmtError(f"{text!r}: is no path ({error})") from None
        if not any(path == folder or folder in path.parents for folder in self._folders):
            raise CmtError(f"{text}: lies outside the folders that may be used: {', '.join(map(str, self._folders))}")
        return path
