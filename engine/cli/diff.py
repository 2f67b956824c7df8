"""`trailbell diff`: who hears what with another policy set, and who no longer."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.diff_report import as_json, as_markdown, as_text
from engine.cli.inputs import InputReader, paths_argument
from engine.cli.options import Timestamp, compiled
from engine.cli.policy_sets import sources_at
from engine.cli.spark import SPARK, engine_option, files_for_spark, spark_session
from engine.cli.terminal import PaintedText, show, show_json
from engine.edge.secrets import random_key
from engine.workbench.policy_diff import ChangeKind, PolicyDiff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import PolicySet
    from engine.policy.source import Source

_KINDS = [kind.value for kind in ChangeKind]


class _KindList(click.ParamType[frozenset[ChangeKind]]):
    """`newly-muted,masked-less`."""

    name = "kinds"

    def convert(
        self, value: str | frozenset[ChangeKind], param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[ChangeKind]:
        """Convert names, separated by commas."""
        if isinstance(value, frozenset):
            return value
        names = value.split(",")
        if unknown := [name for name in names if name not in _KINDS]:
            self.fail(f"{unknown[0]!r} is none of {', '.join(_KINDS)}", param, ctx)
        return frozenset(map(ChangeKind, names))


@click.command(short_help="Show who hears what with another policy set.")
@click.argument("base")
@click.argument("head")
@paths_argument
@click.option(
    "--policies",
    "folder",
    metavar="DIR",
    default="policies",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder of the policy set in a git revision.",
)
@click.option("--messages", "shown", type=click.IntRange(min=0), default=0, help="Show the messages of this many changes.")
@click.option(
    "--fail-on", type=_KindList(), default=frozenset(), metavar="KINDS", help=f"Exit with 1 on these: {', '.join(_KINDS)}."
)
@click.option("--now", type=Timestamp(), help="Timestamp assumed for events that have none (default: now).")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@engine_option
def diff(  # noqa: PLR0913, PLR0917  one parameter an option
    base: str,
    head: str,
    inputs: Sequence[str],
    folder: Path,
    shown: int,
    fail_on: frozenset[ChangeKind],
    now: datetime | None,
    form: str,
    engine: str,
) -> None:
    """Decide events by two policy sets, and show what changes: who hears what, and who no longer.

    BASE and HEAD are folders or git revisions (REV, or REV:FOLDER). INPUT is what `trailbell decide` takes. Events that change
    alike are one change, with their number and the first of them; the quieter ones come first. Values are masked as the policies
    say. --format markdown is for a comment on a pull request.
    """
    base_files, head_files = sources_at(base, folder), sources_at(head, folder)
    before, after = compiled(base_files), compiled(head_files)
    changes = PolicyDiff(before, after, now or datetime.now(UTC))
    if engine == SPARK:
        unread = _diff_on_spark(inputs, base_files, head_files, changes)
    else:
        reader = InputReader(inputs)
        for event in reader.events():
            changes.add(event)
        unread = reader.unread
    key = random_key()
    if form == "json":
        show_json(as_json(changes, key))
    elif form == "markdown":
        show(PaintedText(as_markdown(changes, key)))
    else:
        width, colour = shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty()
        show(*as_text(changes, key, shown, width, colour=colour))
    if not changes.counts.kinds() and not unread:
        _show_possible(before, after, base)
    if unread or fail_on & changes.counts.kinds().keys():
        raise click.exceptions.Exit(1)


def _diff_on_spark(inputs: Sequence[str], base: Sequence[Source], head: Sequence[Source], changes: PolicyDiff) -> bool:
    """Compare on Spark; whether something could not be read."""
    from engine.spark import jobs, tasks  # noqa: PLC0415  an extra

    files = files_for_spark(inputs)
    with spark_session() as spark:
        errors = jobs.diff(spark, files, tasks.DiffPlan(tasks.packed(base), tasks.packed(head), changes.now), changes.counts)
    for error in errors:
        show(error, err=True)
    return bool(errors)


def _show_possible(before: PolicySet, after: PolicySet, base: str) -> None:
    """Say whether any event could have another effect where none at hand has; nothing where python-sat is not installed."""
    from engine.prove.findings import has_solver  # noqa: PLC0415  large, and not always needed

    if has_solver():
        from engine.prove.compare import difference  # noqa: PLC0415  an extra

        if difference(after, before) is None:
            show("No other event has another effect, either: that is proved.", err=True)
        else:
            show(f"Other events may have another effect: trailbell prove --same-as {base} says more.", err=True)
