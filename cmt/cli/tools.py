"""`cmt tools`."""

from __future__ import annotations

from pathlib import Path

import click

from cmt.cli.options import FILE


@click.command()
@click.option(
    "--folder",
    "folders",
    type=FILE,
    multiple=True,
    required=True,
    help="Folder in which files may be read and written; as often as you like.",
)
def tools(folders: tuple[Path, ...]) -> None:
    """Serve the main job as tools for an agent, by the Model Context Protocol on standard input and output.

    The tools are analyze, describe, generate, redo and match. They read and write in the folders that are named, and
    nowhere else.
    """
    from cmt.app.tools.server import tool_server

    for folder in folders:
        if not folder.is_dir():
            raise click.UsageError(f"--folder {folder}: is no folder; make it first")
    tool_server(folders).run("stdio")
