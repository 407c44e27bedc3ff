"""The group of commands, and what the terminal sees when one fails."""

from __future__ import annotations

import sys
from typing import Any

import click

from cmt.cli.flags import with_flags
from cmt.errors import CmtError


class Commands(click.Group):
    """Translates what goes wrong for a user: one line on stderr, exit 1 (usage: 2). A bug keeps its traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line and exit."""
        options["standalone_mode"] = False
        try:
            result = super().main(*args, **options)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except CmtError as error:
            _fail(str(error), 1)
        except (KeyboardInterrupt, click.Abort):
            _fail("stopped; nothing was written", 130)
        except BrokenPipeError:
            sys.exit(1)
        sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, exit_code: int) -> None:
    click.echo(f"cmt: {' '.join(with_flags(message).split())}", err=True)
    sys.exit(exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="video-cmt", prog_name="cmt")
def main() -> None:
    """Background music for a video, led by the picture's rhythm."""
