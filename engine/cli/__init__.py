"""The command line: parses, calls, prints, sets the exit code.

Exit codes of every command: 0 success, 1 findings or failures, 2 wrong usage, 3 an internal error of Trailbell.
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
EXTRAS: Final = {
    **dict.fromkeys(("boto3", "botocore"), ("boto3", "aws")),
    **dict.fromkeys(("pyspark", "py4j", "pyarrow"), ("PySpark", "spark")),
}
"""What is not there when a command needs it, by the module: the package, and the extra that brings it."""
NEEDS: Final = "this needs {0}: install Trailbell with its extra {1}, as in pip install 'trailbell[{1}]'"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


COMMANDS: Final = (
    "init",
    "run",
    "decide",
    "diff",
    "replay",
    "explain",
    "why-not",
    "routes",
    "rules",
    "mint",
    "fields",
    "lint",
    "prove",
    "test",
    "upgrade",
    "build",
    "build-spark",
    "publish",
    "doctor",
    "send-test",
    "completion",
)


class _Commands(click.Group):
    """The commands. Each is in a module of its own name and imported on first use, so starting one does not import the others."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return their names in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Return a command by its name, None if there is no such command."""
        if name not in COMMANDS:
            return None
        module = name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), module)
        return command

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401  what a command returns
        """Run a command. If it needs a package that is not installed, say which extra brings it."""
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            module = (error.name or "").partition(".")[0]
            if module not in EXTRAS:
                raise
            raise click.ClickException(NEEDS.format(*EXTRAS[module])) from None
        except click.ClickException as error:
            vars(error).update(message=_escaped(error.message))
            raise


@click.group(cls=_Commands, commands=dict.fromkeys(COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trailbell")
def trailbell() -> None:
    """Rings the right Slack channel when someone touches an S3 bucket.

    Policies (policies/*.yaml) say who is calling, how much of it a reader may see, and where it goes.
    """


def main() -> None:
    """Run the command line. An internal error exits with 3 and names the place, never event data."""
    try:
        trailbell(standalone_mode=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except TrailbellError as error:
        click.echo(f"trailbell: {_escaped(str(error))}", err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  anything left is a bug in Trailbell
        if isinstance(error, OSError) and error.errno in _FULL:
            click.echo(f"trailbell: {error.strerror}", err=True)
            sys.exit(1)
        click.echo(f"trailbell: internal error: {_described(error)}", err=True)
        sys.exit(INTERNAL)


def _escaped(text: str) -> str:
    """Return a text that a terminal obeys nothing in."""
    from engine.pipeline.render.escape import harmless  # noqa: PLC0415  only needed after an error

    return harmless(text)


def _described(error: Exception) -> str:
    """Return the kind of error and the innermost line of Trailbell's own code.

    The error's text may quote event data and is left out; the path of a missing file is shown if the file is part of Trailbell.
    """
    if isinstance(error, MissingResourceError | WorkerFaultError):
        return str(error)
    from engine.resources import package_folder  # noqa: PLC0415  only needed after an error

    package = package_folder()
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((frame for frame in reversed(frames) if Path(frame.filename).is_relative_to(package)), frames[-1])
    missing = error.filename if isinstance(error, FileNotFoundError) else None
    ours = isinstance(missing, str | Path) and Path(missing).is_relative_to(package)
    what = f" ({missing} is missing)" if ours else ""
    return f"{type(error).__name__}{what} in {frame.filename}:{frame.lineno}"
