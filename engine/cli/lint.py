"""`trailbell lint`: what is wrong with a policy set."""

from __future__ import annotations

from pathlib import Path

import click

from engine.model import FindingSeverity
from engine.policy.load import check, read


@click.command()
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(path_type=Path))
def lint(path: Path) -> None:
    """Say what is wrong with the policy set in PATH (default: policies). Exit code 0: nothing, 1: findings."""
    _, findings = check(read(path))
    for finding in findings:
        click.echo(finding.line)
    errors = sum(finding.severity is FindingSeverity.ERROR for finding in findings)
    click.echo(f"{path}: {len(findings)} findings, {errors} of them errors" if findings else f"{path}: no findings", err=True)
    if findings:
        raise click.exceptions.Exit(1)
