"""A description as a file: TOML, one page, each decision with its reason as a comment."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmt.errors import CmtError
from cmt.meaning.checks import contradictions
from cmt.meaning.description import FIELDS, Description, Origin
from cmt.meaning.fields import FORMS
from cmt.report.values import Value
from midi_io.input_file import text_of
from midi_io.limits import MOST_OPTIONS_BYTES
from midi_io.whole_file import whole_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSION = 1
"""The number of the form. It goes up when a field changes its meaning or goes."""
SUFFIX = ".toml"
MOST_LINES = 1_000
CURE = "correct it, or remove the line"
_WIDE = 118
"""A comment stands behind its value where both fit into so many characters, else above it."""


def read_description(path: Path) -> Description:
    """The description in a file.

    Raises
    ------
    CmtError
        If it cannot be read, is no TOML, is of another version, has a key that is unknown or a value that is wrong, or
        contradicts itself; the message names the line.
    """
    text = _text_of(path)
    content = _parsed(text, path)
    _check_version(content, text, path)
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for name in content:
        if name == "version":
            continue
        place = f"{path}:{line_of(text, name)}"
        if name not in FORMS:
            near = difflib.get_close_matches(name, FIELDS, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(FIELDS)}"
            raise CmtError(f"{place}: no key {name!r}; {hint}")
        values[name] = FORMS[name].read(Value(content[name], place, name, CURE))
        origins[name] = Origin("user", place)
    description = Description(**values, origins=origins)
    for names, reason in contradictions(description):
        lines = " and ".join(f"line {line_of(text, name)} ({name})" for name in names)
        raise CmtError(f"{path}: {lines}: {reason}; change or remove one")
    if not values:
        raise CmtError(f"{path}: says nothing; write a line such as mood = {FORMS['mood'].example}")
    return description


def _text_of(path: Path) -> str:
    text = text_of(path, MOST_OPTIONS_BYTES, cure="give a description, as cmt describe writes it")
    if text.count("\n") > MOST_LINES:  # to find a key's line each statement is read once more
        raise CmtError(f"{path}: has more than {MOST_LINES} lines, and a description is a page; check the path")
    return text


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        message = str(error).partition("; use sys.")[0]  # of a number of thousands of digits: it is for programmers
        found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
        place = f"{path}:{found[1] or text.count(chr(10)) + 1}" if found else str(path)
        reason = re.sub(r"\s*\(at .*\)$", "", message)
        raise CmtError(f"{place}: is no TOML ({reason}); {CURE}") from None
    except RecursionError:
        raise CmtError(f"{path}: is nested too deeply for a description; {CURE}") from None


def _check_version(content: Mapping[str, Any], text: str, path: Path) -> None:
    if "version" not in content:
        return
    place = f"{path}:{line_of(text, 'version')}"
    version = Value(content["version"], place, "version", CURE).whole()
    if version > VERSION:
        raise CmtError(
            f"{place}: is a description of version {version}, this version of cmt reads {VERSION}; install a newer "
            "one (pip install -U video-cmt)"
        )
    if version < VERSION:
        raise CmtError(
            f"{place}: is a description of version {version}, this version of cmt reads {VERSION}; write a new one "
            "with cmt describe, and carry your changes over"
        )


def line_of(text: str, name: str) -> int:
    """The line, counted from 1, with which the value of a key, or the table of that name, begins."""
    lines = text.split("\n")
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            statement = tomllib.loads("\n".join(lines[begin:end]))
        except (ValueError, RecursionError):
            continue  # a value over several lines
        if name in statement:
            return begin + 1
        begin = end
    return begin + 1


def write_description(description: Description, path: Path, head: str = "") -> None:
    """Write a description into a file, whole or not at all; see `as_toml`."""
    with whole_file(path) as unfinished:
        unfinished.write_text(as_toml(description, head), encoding="utf-8", errors="replace")


def as_toml(description: Description, head: str = "") -> str:
    """A description as TOML.

    Fields that are open stand there too, as comments, with the value that another run would decide or an example.

    Parameters
    ----------
    head
        Lines for its beginning, which become comments.
    """
    lines = [*(f"# {line}".rstrip() for line in head.splitlines()), f"version = {VERSION}", ""]
    values = description.values
    for name in FIELDS:
        form, origin = FORMS[name], description.origin(name)
        if name in values:
            reason = f"{origin.source}: {origin.reason}" if origin.reason else origin.source
            lines += _with_comment(f"{name} = {form.write(values[name])}", reason)
        else:
            said = description.origins.get(name)
            lines += _with_comment(f"# {name} = {form.example}", f"open: {said.reason if said else form.tells}")
    return "\n".join(lines) + "\n"


def _with_comment(statement: str, comment: str) -> list[str]:
    comment = "".join(one if one.isprintable() else " " for one in comment)
    if "\n" not in statement and len(statement) + len(comment) + 4 <= _WIDE:
        return [f"{statement}  # {comment}"]
    return [f"# {comment}", statement]
