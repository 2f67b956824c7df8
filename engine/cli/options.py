"""Options that several commands share, and what they need to open policies and write files."""

from __future__ import annotations

import codecs
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.terminal import show
from engine.model import Deployment, Selection, Selects
from engine.policy.load import check, read_set
from engine.workbench.page import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.lint.fix import Sources
    from engine.model import PolicySet
    from engine.policy.source import Source
    from engine.workbench.page import ShownMessage

policies_option = click.option(
    "--policies",
    "policies_path",
    metavar="DIR",
    default="policies",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder of the policy set.",
)


include_base_option = click.option(
    "--include-base", is_flag=True, help="Include the rules of the base that the set extends; for authors of the base."
)


region_option = click.option(
    "--region",
    envvar="AWS_REGION",
    help="The region of the links to the AWS console (default: AWS_REGION, else each event's own).",
)

log_group_option = click.option(
    "--log-group",
    envvar="TRAILBELL_LOG_GROUP",
    default="/aws/lambda/trailbell",
    show_default=True,
    help="The function's log group: where the links to audit records lead.",
)


def _only_on_a_terminal(_ctx: click.Context, _param: click.Parameter, value: bool) -> bool:  # noqa: FBT001  click's own shape
    if value and (not sys.stdout.isatty() or os.environ.get("CI")):
        raise click.UsageError("--reveal works only on a terminal, and not with CI set: what it prints is unmasked")
    return value


reveal_option = click.option(
    "--reveal", is_flag=True, callback=_only_on_a_terminal, help="Show the values unmasked; only on a terminal, never in CI."
)

html_option = click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Also write the messages to this file, as a page that shows them as Slack would.",
)


def desk(region: str | None, log_group: str) -> Deployment:
    """Return where the links of messages lead that are made on the command line."""
    return Deployment(region=region or None, log_group=log_group)


def write_page(path: Path, messages: Sequence[ShownMessage], title: str, left_out: int = 0) -> None:
    """Write messages as a page."""
    path.write_text(page(messages, title, left_out), encoding="utf-8")
    show(f"{path}: {len(messages):,} message{'' if len(messages) == 1 else 's'}", err=True)


def open_policies(path: Path) -> PolicySet:
    """Return the policy set of a folder. If it does not load, print its findings and exit with 1."""
    return compiled(read_set(path))


def compiled(sources: Sequence[Source]) -> PolicySet:
    """Return the policy set of these files. If it does not load, print its findings and exit with 1."""
    policies, findings = check(sources)
    if policies is None:
        for finding in findings:
            show(finding.line, err=True)
        raise click.exceptions.Exit(1)
    return policies


class Timestamp(click.ParamType[datetime]):
    """An option's value in ISO 8601, with a time zone."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Convert `2026-11-01T00:00:00Z` to an aware datetime."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time; write 2026-11-01T00:00:00Z", param, ctx)
        if time.tzinfo is None:
            self.fail(f"{value!r} has no time zone; write {value}Z for UTC", param, ctx)
        return time


def selection_of(own: Selection, select: str | None) -> Selection:
    """Return the policy set's selection, or the one that `--select` overrides it with."""
    return own if select is None else Selection(Selects(select))


def commit_of(policies_path: Path) -> str | None:
    """Return the git commit that is checked out, None if there is none."""
    git = shutil.which("git")
    if git is None:
        return None
    command = (git, "-C", str(policies_path), "rev-parse", "HEAD")
    completed = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  no shell, fixed words
    return completed.stdout.strip() if completed.returncode == 0 else None


def write_changed(before: Sources, after: Sources) -> None:
    """Write the files whose text has changed, each atomically."""
    for path, source in after.items():
        if source.text != before[path].text:
            file = Path(path)
            bom = codecs.BOM_UTF8 if file.read_bytes().startswith(codecs.BOM_UTF8) else b""
            temporary = file.with_name(f"{file.name}.tmp")
            temporary.write_bytes(bom + source.text.encode())
            shutil.copymode(file, temporary)
            temporary.replace(file)
