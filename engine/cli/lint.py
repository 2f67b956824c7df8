"""`trailbell lint`: what is wrong with a policy set."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.lint import lint as lint_set
from engine.lint.formats import FORMATS, summary, text
from engine.lint.registry import BY_CODE, CHECKS, INTERNAL, page
from engine.model import Finding, FindingSeverity
from engine.policy.load import read
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

_RANK: Final = {FindingSeverity.NOTE: 0, FindingSeverity.WARNING: 1, FindingSeverity.ERROR: 2}


@click.command()
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: text, and github within GitHub Actions.")
@click.option(
    "--fail-level",
    type=click.Choice([one.value for one in FindingSeverity]),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option("--explain", metavar="CODE", help="Print the page of a code (or `all`: every code in a line) and do nothing else.")
def lint(path: Path, form: str | None, fail_level: str, explain: str | None) -> None:
    """Say what is wrong with the policy set in PATH (default: policies).

    Exit code 0: nothing of --fail-level or above, 1: findings, 2: wrong usage, 3: an error inside Trailbell. A finding that is
    meant is allowed by a comment: # trailbell: allow TB406 until 2027-03-01, REASON.
    """
    if explain is not None:
        click.echo(_page(explain))
        return
    sources = read(path)
    findings = lint_set(sources, datetime.now(UTC))
    form = form or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")
    _print(form, findings, {source.path: source.text for source in sources})
    click.echo(f"{path}: {summary(findings, len(sources))}", err=True)
    if any(finding.code == INTERNAL for finding in findings):
        raise click.exceptions.Exit(3)
    if any(_RANK[finding.severity] >= _RANK[FindingSeverity(fail_level)] for finding in findings):
        raise click.exceptions.Exit(1)


def _print(form: str, findings: Sequence[Finding], texts: dict[str, str]) -> None:
    if form == "text":
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        said = text(findings, texts, colour=colour)
    else:
        said = FORMATS[form](findings, texts)
    if said:
        click.echo(said, color=True)


def _page(code: str) -> str:
    if code == "all":
        return "\n".join(f"{check.code}  {check.what}" for check in CHECKS)
    if code.upper() not in BY_CODE:
        raise click.UsageError(f"there is no finding {code}; {suggestion(code.upper(), BY_CODE)}")
    return page(BY_CODE[code.upper()]).rstrip()
