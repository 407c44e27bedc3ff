"""The file of `cmt train --config`: its options by name, and the one that a run writes of itself."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cmt.errors import CmtError
from cmt.machine.files import real_path
from midi_io.input_file import text_of
from midi_io.limits import MOST_OPTIONS_BYTES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CORPUS = "corpus"
"""The key under which the corpora stand, which the command line gives without an option."""
_NOT_IN_A_FILE = ("config", "help")


def use_file(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    """Let the options that a file gives stand wherever the command line gives none.

    Raises
    ------
    CmtError
        If it cannot be read, is no TOML, or has a key or a value that the command has not.
    """
    if path is None:
        return
    try:
        content = tomllib.loads(text_of(path, MOST_OPTIONS_BYTES, cure="write lines such as minutes = 60"))
    except RecursionError:
        raise CmtError(f"{path}: is nested too deeply; write lines such as minutes = 60") from None
    except ValueError as error:
        reason = str(error).partition("; use sys.")[0]  # of a number of thousands of digits: it is for programmers
        raise CmtError(f"{path}: is no TOML ({reason}); write lines such as minutes = 60") from None
    known = {_key(one): one for one in ctx.command.params if one.name not in _NOT_IN_A_FILE}
    ctx.default_map = {}
    for written, value in content.items():
        key = written.replace("-", "_")
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
            raise CmtError(f"{path}: no option {written!r}; {hint}")
        parameter = known[key]
        if parameter.name in ctx.default_map:
            raise CmtError(f"{path}: {written!r} stands there twice, with a - and with a _; leave one of them out")
        assert parameter.name is not None  # click gives every parameter a name
        ctx.default_map[parameter.name] = _value(parameter, value, f"{path}: {written}", ctx)


def _key(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return CORPUS
    return max(parameter.opts, key=len).removeprefix("--").replace("-", "_")


def _value(parameter: click.Parameter, value: Any, place: str, ctx: click.Context) -> Any:
    """The value as the command line would give it; paths count from the file's folder."""
    is_flag = isinstance(parameter, click.Option) and parameter.is_flag
    if isinstance(value, bool) != is_flag or isinstance(value, dict):
        raise CmtError(f"{place}: give {'true or false' if is_flag else 'a value, such as the option takes'}")
    if isinstance(parameter.type, click.Path):
        given = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in given) or (isinstance(value, list) and parameter.nargs != -1):
            raise CmtError(f"{place}: give the name of a file or folder")
        if not all(one and "\0" not in one for one in given):
            raise CmtError(f"{place}: give the name of a file or folder, not an empty one")
        folder = Path(place.split(": ")[0]).parent
        paths = tuple(folder / one for one in given)
        return paths if parameter.nargs == -1 else paths[0]
    if isinstance(parameter.type, click.types.IntParamType) and isinstance(value, float) and not value.is_integer():
        raise CmtError(f"{place}: {value!r} is no whole number; give one")
    try:
        return parameter.type_cast_value(ctx, value)
    except (click.BadParameter, TypeError, ValueError, OverflowError) as error:
        reason = error.message if isinstance(error, click.BadParameter) else f"{value!r} cannot be it"
        raise CmtError(f"{place}: {reason}") from None


def as_file(options: Mapping[str, Any]) -> str:
    """The options as TOML, in their order; those that are None are left out."""
    lines = ["# What `cmt train --config` takes; options on the command line win. Paths count from this folder."]
    for name, value in options.items():
        if value is not None:
            lines.append(f"{name} = {_as_toml(value)}")
    return "\n".join(lines) + "\n"


def _as_toml(value: Any) -> str:
    if isinstance(value, Path):
        value = str(real_path(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)  # of strings, numbers and truth TOML's way of writing is JSON's
