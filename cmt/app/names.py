"""What a film is called on the page and in its files, whatever name it was given."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote_to_bytes

from cmt.machine.videos import VIDEO_SUFFIXES
from video_rhythm.signatures import STILL_SUFFIXES

MOST_CHARACTERS = 80
NAMELESS = "film"
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def shown_name(quoted: str) -> str:
    """A percent-encoded name as it is shown: no folders, no control characters, not endless."""
    text = unquote_to_bytes(quoted).decode("utf-8", errors="replace")
    name = PurePosixPath(PureWindowsPath(text).name).name
    kept = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in name)
    kept = " ".join(kept.split())
    if len(kept) > MOST_CHARACTERS:
        half = MOST_CHARACTERS // 2
        kept = f"{kept[: half - 1]}\N{HORIZONTAL ELLIPSIS}{kept[-half:]}"
    return kept if kept.strip(f". {_REPLACED}") else NAMELESS


def title_of(shown: str) -> str:
    """What the files of a film's music are called: letters and digits of its name, and nothing that means a place."""
    stem = shown.rpartition(".")[0] or shown
    safe = "".join(one if one.isalnum() or one in "-_" else " " for one in stem)
    return "-".join(safe.split())[:MOST_CHARACTERS].strip("-_") or NAMELESS


def suffix_of(shown: str) -> str:
    """The ending of a name where it is that of a video or a picture, else none."""
    suffix = PurePosixPath(shown).suffix.lower()
    return suffix if suffix in VIDEO_SUFFIXES | STILL_SUFFIXES else ""
