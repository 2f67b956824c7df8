"""Options that several commands share, and what they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.errors import PolicySetError
from engine.policy.load import load

if TYPE_CHECKING:
    from engine.model import PolicySet

NEEDS_BOTO3: Final = "this command needs boto3: .venv/bin/python -m pip install --require-hashes -r requirements/aws.txt"

policies_option = click.option(
    "--policies",
    "policies_path",
    metavar="DIR",
    default="policies",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder that holds the policy set.",
)


def open_policies(path: Path) -> PolicySet:
    """The policy set in a folder. A set that does not load ends the command: its findings, then exit 1."""
    try:
        return load(path)
    except PolicySetError as error:
        for finding in error.findings:
            click.echo(finding.line, err=True)
        raise click.exceptions.Exit(1) from None
