"""`trailbell decide`: one decision per event, as JSON Lines."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.bulk.deciding import decide_sources
from engine.cli.inputs import paths_argument, sources
from engine.cli.options import Timestamp, open_policies, policies_option, selection_of
from engine.cli.progress import progress
from engine.cli.terminal import show
from engine.model import Selects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.bulk.batches import BatchResult


@click.command(short_help="Print one decision per event, as JSON Lines.")
@paths_argument
@policies_option
@click.option("--now", type=Timestamp(), default=None, help="Timestamp assumed for events that have none (default: now).")
@click.option("--select", type=click.Choice([choice.value for choice in Selects]), help="Override the policies' `events.select`.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Maximum number of processes (default: one per core).")
def decide(inputs: Sequence[str], policies_path: Path, now: datetime | None, select: str | None, jobs: int | None) -> None:
    """Print one decision per event, as JSON Lines (schemas/v1/decision.schema.json).

    INPUT is any payload that a Lambda receives, a CloudTrail log file (.json.gz), JSON Lines, an export of CloudTrail, CloudWatch
    Logs or Athena, audit records, a folder of these, or - for standard input. Input that cannot be read is reported on standard
    error and makes the exit code 1; all other events are decided. Memory stays bounded for files of any size, large inputs are
    read on all cores, and the output keeps the order of the records.
    """
    policies = open_policies(policies_path)
    policies = policies._replace(selection=selection_of(policies.selection, select))
    inputs_read = sources(inputs)
    unread = False
    decisions = decide_sources(inputs_read, policies, now or datetime.now(UTC), jobs)
    with closing(decisions), progress(inputs_read) as advance:
        for result in decisions:
            advance(result)
            unread = unread or bool(result.errors)
            _print(result)
    if unread:
        raise click.exceptions.Exit(1)


def _print(result: BatchResult) -> None:
    """Print a result: decisions to standard output, errors to standard error."""
    sys.stdout.buffer.write(result.output)
    sys.stdout.buffer.flush()
    for error in result.errors:
        show(error, err=True)
