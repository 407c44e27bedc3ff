"""Write docs/options.md: every command and option, as the command line itself describes them.

    python docs/options.py [--output docs/options.md]

A test holds the page to the code, so run this after a change of an option.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from cmt.cli import main as commands

PAGE = Path(__file__).resolve().parent / "options.md"
INTRODUCTION = """# Options

Every command with all its options. `python docs/options.py` writes this page from the command line itself. The
[guide](guide.md) tells what the options are for.

An option marked *repeatable* may be given several times. `cmt COMMAND --help` prints the same.
"""
_OTHER = "Other options"
"""The heading of options that a command puts under none."""


def options_page() -> str:
    """The whole page as Markdown."""
    names = list(commands.commands)
    contents = ", ".join(f"[{name}](#cmt-{name})" for name in names)
    sections = ["\n".join(_section(name, commands.commands[name])) for name in names]
    return "\n".join([INTRODUCTION, contents, "", *sections])


def _section(name: str, command: click.Command) -> Iterator[str]:
    """The lines on one command."""
    context = click.Context(command, info_name=name)
    usage = " ".join(["cmt", name, *command.collect_usage_pieces(context)])
    yield f"## cmt {name}\n\n`{usage}`\n\n{_plain(command.help or '')}\n"
    for heading, options in _by_heading(command):
        if heading:
            yield f"**{heading}**\n"
        yield "| option | what it does | default |\n|---|---|---|"
        yield from (_row(option) for option in options)
        yield ""


def _by_heading(command: click.Command) -> list[tuple[str, list[click.Option]]]:
    """The options as the command's own help groups them; without headings, all in one group."""
    options = {option.name: option for option in command.params if isinstance(option, click.Option)}
    headings: dict[str, Sequence[str]] = getattr(command, "headings", {})
    groups = [(heading, [options.pop(name) for name in names]) for heading, names in headings.items()]
    rest = list(options.values())
    return [*groups, *([(_OTHER if groups else "", rest)] if rest else [])]


def _row(option: click.Option) -> str:
    """The line of a table on one option."""
    names = ", ".join(f"`{name}`" for name in sorted([*option.opts, *option.secondary_opts], key=len, reverse=True))
    value = "" if option.is_flag else f" `{_value(option)}`"
    help_text, written_default = _split_default(_plain(option.help or ""))
    notes = [_range(option.type), "repeatable" if option.multiple else "", "required" if option.required else ""]
    note = "; ".join(note for note in notes if note)
    described = " ".join(part for part in (help_text, f"*({note})*" if note else "") if part)
    default = written_default or (f"`{_default(option)}`" if _default(option) else "")
    return f"| {_cell(names + value)} | {_cell(described)} | {_cell(default)} |"


def _value(option: click.Option) -> str:
    """What stands for the value of an option."""
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return "NUMBER" if isinstance(option.type, click.IntRange | click.FloatRange) else option.type.name.upper()


def _range(of: click.ParamType) -> str:
    """The numbers that are allowed, in words; nothing where any value is."""
    if not isinstance(of, click.IntRange | click.FloatRange):
        return ""
    parts = []
    if of.min is not None:
        parts.append(f"above {of.min}" if of.min_open else f"{of.min} or more")
    if of.max is not None:
        parts.append(f"below {of.max}" if of.max_open else f"at most {of.max}")
    is_closed = of.min is not None and of.max is not None and not of.min_open and not of.max_open
    return f"{of.min} to {of.max}" if is_closed else ", ".join(parts)


def _default(option: click.Option) -> str:
    """The default that the help shows, or nothing."""
    value: Any = option.default
    if not option.show_default or value is None or option.is_flag:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _split_default(text: str) -> tuple[str, str]:
    """A help text without the default that is written into it, and that default."""
    written = re.search(r"\s*\[default: ([^\]]*)\]$", text)
    return (text[: written.start()], written[1]) if written else (text, "")


def _plain(text: str) -> str:
    """Paragraphs in one line each, their breaks kept."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _cell(text: str) -> str:
    """Text that cannot end a cell of a table."""
    return text.replace("|", "\\|")


def run() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=PAGE)
    output: Path = parser.parse_args().output
    output.write_text(options_page(), encoding="utf-8")
    print(f"wrote {output}")


if __name__ == "__main__":
    run()
