"""The group of commands, and what the terminal sees when one fails."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

from cmt.cli.flags import with_flags
from cmt.cli.saying import say
from cmt.cli.stopping import Ending, Stopped, open_closed_streams, orderly
from cmt.errors import CmtError

_OF_THE_MACHINE = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EMFILE),
        *(errno.ENFILE, errno.ENOMEM, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ESTALE),
    )
)
"""What the system may say that is no bug of ours: a full disk, one that may not be written, a folder that has gone."""


MOST_SHOWN = 500
"""A longer message loses its middle: so many characters of its beginning and of its end are shown."""


class Commands(click.Group):
    """Translates what goes wrong for a user: one line on stderr, exit 1 (usage: 2). A bug keeps its traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line and exit."""
        open_closed_streams()
        with orderly() as ending:
            self._run(ending, *args, **{**options, "standalone_mode": False})

    def _run(self, ending: Ending, *args: Any, **options: Any) -> None:
        try:
            result = super().main(*args, **options)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except CmtError as error:
            _fail(str(error), 1)
        except Stopped as error:
            _fail(f"stopped; {error}", ending.code)
        except (KeyboardInterrupt, click.Abort):
            _fail("stopped; nothing was written", ending.code)
        except BrokenPipeError:
            sys.stdout = None  # else Python would try once more at its end
            sys.exit(1)
        except OSError as error:
            if error.errno not in _OF_THE_MACHINE:
                raise
            sys.stdout = None
            where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
            _fail(f"{where}cannot be read or written ({error.strerror}); check the space and the rights", 1)
        sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, exit_code: int) -> None:
    line = " ".join(with_flags(message).split())
    if len(line) > 2 * MOST_SHOWN:  # a value of thousands of characters, and after it what to do
        line = f"{line[:MOST_SHOWN]} ... {line[-MOST_SHOWN:]}"
    say(f"cmt: {line}", err=True)
    sys.exit(exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="video-cmt", prog_name="cmt")
def main() -> None:
    """Background music for a video, led by the picture's rhythm."""
