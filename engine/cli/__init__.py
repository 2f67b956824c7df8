"""The command line: parses, calls, prints, sets the exit code.

Exit codes of every command: 0 all is well, 1 something was found or failed, 2 wrong usage, 3 an error inside Trailbell.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module
from typing import Final

import click

from engine import __version__
from engine.errors import TrailbellError, WorkerFaultError

INTERNAL = 3
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


COMMANDS: Final = ("run", "decide", "explain", "fields", "lint", "test", "build", "publish", "doctor", "send-test", "completion")


class _Commands(click.Group):
    """The commands, each in a module of its name, which is imported when it is asked for: no command waits for the others."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Their names, in the order in which help lists them."""
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """A command by its name; None where there is none of that name."""
        if name not in COMMANDS:
            return None
        module = name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), module)
        return command


@click.group(cls=_Commands, commands=dict.fromkeys(COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trailbell")
def trailbell() -> None:
    """Rings the right Slack channel when someone touches an S3 bucket.

    Policies (policies/*.yaml) say who is calling, how much of it a reader may see, and where it goes.
    """


def main() -> None:
    """Run the command line; a broken Trailbell exits with 3 and says where, without event data."""
    try:
        trailbell(standalone_mode=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except TrailbellError as error:
        click.echo(f"trailbell: {error}", err=True)
        sys.exit(1)
    except Exception as broken:  # noqa: BLE001  the edge: what is left is a fault of ours
        if isinstance(broken, OSError) and broken.errno in _FULL:
            click.echo(f"trailbell: {broken.strerror}", err=True)
            sys.exit(1)
        where = traceback.extract_tb(broken.__traceback__)[-1]
        what = f"{type(broken).__name__} in {where.filename}:{where.lineno}"
        click.echo(f"trailbell: internal error {broken if isinstance(broken, WorkerFaultError) else what}", err=True)
        sys.exit(INTERNAL)
