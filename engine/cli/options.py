"""What several commands share: options, what these mean, and what they open."""

from __future__ import annotations

import codecs
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.model import Selection, Selects
from engine.policy.load import check, read_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.lint.fix import Sources
    from engine.model import PolicySet
    from engine.policy.source import Source

policies_option = click.option(
    "--policies",
    "policies_path",
    metavar="DIR",
    default="policies",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder that holds the policy set.",
)


include_base_option = click.option(
    "--include-base", is_flag=True, help="Also the rules of the base that the set extends: for those who write the base."
)


def open_policies(path: Path) -> PolicySet:
    """The policy set in a folder. A set that does not load ends the command: its findings, then exit 1."""
    return compiled(read_set(path))


def compiled(sources: Sequence[Source]) -> PolicySet:
    """The policy set of files. A set that does not load ends the command: its findings, then exit 1."""
    policies, findings = check(sources)
    if policies is None:
        for finding in findings:
            click.echo(finding.line, err=True)
        raise click.exceptions.Exit(1)
    return policies


class Moment(click.ParamType[datetime]):
    """A time with its zone, in ISO 8601."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """`2026-11-01T00:00:00Z` -> an aware datetime."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time; write 2026-11-01T00:00:00Z", param, ctx)
        if time.tzinfo is None:
            self.fail(f"{value!r} has no zone; write {value}Z for UTC", param, ctx)
        return time


def selection_of(own: Selection, select: str | None) -> Selection:
    """The policy set's selection, or what `--select` puts in its place: every name of that kind."""
    return own if select is None else Selection(Selects(select))


def commit_of(policies_path: Path) -> str | None:
    """The git commit that is checked out, where there is one."""
    git = shutil.which("git")
    if git is None:
        return None
    command = (git, "-C", str(policies_path), "rev-parse", "HEAD")
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  no shell, fixed words
    return done.stdout.strip() if done.returncode == 0 else None


def write_changed(before: Sources, after: Sources) -> None:
    """Files whose text is another one now, each as a whole or not at all."""
    for path, source in after.items():
        if source.text != before[path].text:
            file = Path(path)
            mark = codecs.BOM_UTF8 if file.read_bytes().startswith(codecs.BOM_UTF8) else b""
            beside = file.with_name(f"{file.name}.tmp")
            beside.write_bytes(mark + source.text.encode())
            shutil.copymode(file, beside)
            beside.replace(file)
