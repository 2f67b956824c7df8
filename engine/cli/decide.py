"""`trailbell decide`: one decision per event, as JSON Lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.inputs import decode_inputs, paths_argument
from engine.cli.options import open_policies, policies_option
from engine.model import DecodeError, Event, Selection, Selects
from engine.pipeline.audit import decision_json, line
from engine.pipeline.decide import decide as decide_event
from engine.pipeline.select import passed_over

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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


@click.command()
@paths_argument
@policies_option
@click.option("--now", type=Moment(), default=None, help="The time that events without one are decided by (default: now).")
@click.option("--select", type=click.Choice([choice.value for choice in Selects]), help="Look at these, whatever `events` says.")
def decide(inputs: Sequence[str], policies_path: Path, now: datetime | None, select: str | None) -> None:
    """Print one decision per event, as JSON Lines (schemas/v1/decision.schema.json).

    INPUT is any payload that a Lambda receives, a CloudTrail log file (.json.gz), JSON Lines, a folder of these, or - for
    standard input. What cannot be read is reported on standard error and makes the exit code 1; its neighbours are decided.
    """
    policies = open_policies(policies_path)
    policies = policies._replace(selection=selection_of(policies.selection, select))
    moment = now or datetime.now(UTC)
    unread = 0
    for one in decode_inputs(inputs):
        if isinstance(one, DecodeError):
            unread += 1
            click.echo(f"{one.where}: {one.reason}", err=True)
        elif isinstance(one, Event) and passed_over(one, policies.selection) is None:
            click.echo(line(decision_json(decide_event(one, policies, moment))))
    if unread:
        raise click.exceptions.Exit(1)
