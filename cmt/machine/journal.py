"""A journal: a line of JSON for each thing that a run has done, so that a run that was cut short can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from cmt.errors import CmtError
from midi_io.hidden_folder import try_lock
from midi_io.input_file import check_ordinary, json_in, opened
from midi_io.limits import MOST_LINE_BYTES


def read_journal(path: Path, fingerprint: str | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a journal, in order; none if there is no such file.

    A line that is no JSON object is passed over, such as one that was cut off half-way, as by a full disk.

    Parameters
    ----------
    fingerprint
        If given, a journal that was begun with another one has no lines.

    Raises
    ------
    CmtError
        If the file cannot be read.
    """
    try:
        if _is_begun(path, fingerprint):
            with opened(path) as file:
                lines = iter(partial(file.readline, MOST_LINE_BYTES), b"")
                yield from filter(None, map(_object_in, lines))
    except OSError as error:
        raise CmtError(f"{path}: cannot be read ({error.strerror}); check its rights, or remove it") from None


class Journal:
    """A journal that a run writes, open as long as the `with` block lasts; without a path nothing is written.

    Parameters
    ----------
    fingerprint
        A hash of all that the run depends on. If given, it stands in the first line, ``{"run": fingerprint}``, and a
        journal with another one is begun anew. If not, what was written before stays, whatever it is.

    Raises
    ------
    CmtError
        If the file cannot be written, at the beginning or later, or another run is writing it.
    """

    def __init__(self, path: Path | None, fingerprint: str | None = None) -> None:
        self._path, self._fingerprint = path, fingerprint
        self._file: TextIO | None = None

    def __enter__(self) -> Journal:
        if self._path is None:
            return self
        try:
            if self._path.exists():
                check_ordinary(self._path)
            is_begun = _is_begun(self._path, self._fingerprint)
            cut_off = is_begun and _is_cut_off(self._path)
            self._file = open(self._path, "a", encoding="utf-8")
            # From here on nobody else opens the file in this process.
            if try_lock(self._file.fileno()) is False:
                self._file.close()
                raise CmtError(f"{self._path}: another run is writing it; wait for it, or give another name")
            if not is_begun:
                self._file.truncate(0)
            if cut_off:
                self._file.write("\n")  # so that the next line is one of its own
        except OSError as error:
            raise CmtError(f"{self._path}: cannot be written ({error.strerror}); check the folder") from None
        if not is_begun and self._fingerprint is not None:
            self.write({"run": self._fingerprint})
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # a line that could not be written has been reported
                self._file.close()

    def write(self, line: dict[str, Any]) -> None:
        """Add a line. It is handed to the system at once: it stays even if this process is killed."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise CmtError(
                f"{self._path}: cannot be written ({error.strerror}); free some space and start again, "
                "what is done is kept"
            ) from None


def _is_begun(path: Path, fingerprint: str | None) -> bool:
    """Whether there is a journal, and one of this run where `fingerprint` is given."""
    if not path.exists():
        return False
    if fingerprint is None:
        return True
    with opened(path) as file:
        first = _object_in(file.readline(MOST_LINE_BYTES))
    return first is not None and first.get("run") == fingerprint


def _is_cut_off(path: Path) -> bool:
    """Whether the last line has no end."""
    with opened(path) as file:
        file.seek(max(0, os.path.getsize(path) - 1))
        return file.read(1) not in (b"", b"\n")


def _object_in(line: bytes) -> dict[str, Any] | None:
    try:
        content = json_in(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
