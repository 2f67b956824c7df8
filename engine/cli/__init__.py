"""The command line: parses, calls, prints, sets the exit code.

Exit codes of every command: 0 all is well, 1 something was found or failed, 2 wrong usage, 3 an error inside Trailbell.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from engine import __version__
from engine.errors import MissingResourceError, TrailbellError, WorkerFaultError

INTERNAL = 3
NEEDS_BOTO3: Final = "this needs boto3: install Trailbell with its extra aws, as in pip install 'trailbell[aws]'"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


COMMANDS: Final = (
    "init",
    "run",
    "decide",
    "explain",
    "fields",
    "lint",
    "test",
    "upgrade",
    "build",
    "publish",
    "doctor",
    "send-test",
    "completion",
)


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

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401  what a command returns
        """Run a command; one that needs boto3, where it is not installed, says how to get it."""
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {"boto3", "botocore"}:
                raise
            raise click.ClickException(NEEDS_BOTO3) from None


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
    except Exception as error:  # noqa: BLE001  the edge: what is left is a fault of ours
        if isinstance(error, OSError) and error.errno in _FULL:
            click.echo(f"trailbell: {error.strerror}", err=True)
            sys.exit(1)
        click.echo(f"trailbell: internal error: {_described(error)}", err=True)
        sys.exit(INTERNAL)


def _described(error: Exception) -> str:
    """What broke and where, without the text of an error that may quote event data.

    The place is the innermost line of Trailbell's own code; the name of a missing file is shown where it is one of Trailbell's.
    """
    if isinstance(error, MissingResourceError | WorkerFaultError):
        return str(error)
    from engine.resources import package_folder  # noqa: PLC0415  only where something broke

    package = package_folder()
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((frame for frame in reversed(frames) if Path(frame.filename).is_relative_to(package)), frames[-1])
    missing = error.filename if isinstance(error, FileNotFoundError) else None
    ours = isinstance(missing, str | Path) and Path(missing).is_relative_to(package)
    what = f" ({missing} is missing)" if ours else ""
    return f"{type(error).__name__}{what} in {frame.filename}:{frame.lineno}"
