"""The one way to the terminal: what names and messages hold reaches it as text, never as commands."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable

import click

_KEPT = frozenset("\n\t")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Categories of Unicode: control characters, those that turn the direction of text, half pairs, ends of lines."""


def say(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    r"""Print a message; what a terminal would obey or cannot show stands there as Python writes it, ``\x1b``."""
    stream = sys.stderr if err else sys.stdout
    click.echo(printable(str(message), getattr(stream, "encoding", None) or "utf-8"), err=err, nl=nl)


def say_left_out(lines: Iterable[str]) -> None:
    """Print a line on the standard error for each thing that is left out of the work, with its reason."""
    for line in lines:
        say(f"left out: {line}", err=True)


def printable(text: str, encoding: str = "utf-8") -> str:
    r"""A text as a terminal of an encoding may have it; bytes of names that are no UTF-8 stand there as ``\xff``."""
    if not (text.isascii() and text.replace("\n", "").isprintable()):
        text = "".join(map(_shown, text))
        try:
            text.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            text = text.encode("ascii", errors="backslashreplace").decode("ascii")
    return text


def _shown(char: str) -> str:
    if char in _KEPT or unicodedata.category(char) not in _UNSEEN:
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
