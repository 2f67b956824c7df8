"""`trailbell run`: process events locally and print the messages; posts only with `--post`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO, TYPE_CHECKING

import click

from engine.cli.inputs import decode_inputs, paths_argument
from engine.cli.options import (
    desk,
    html_option,
    log_group_option,
    open_policies,
    policies_option,
    region_option,
    selection_of,
    write_page,
)
from engine.cli.preview import preview
from engine.cli.terminal import PaintedText, heading, show
from engine.edge.http import post as http_post
from engine.edge.secrets import Secrets, random_key
from engine.model import DecodeError, Ports, RecordOutcome, Selects
from engine.pipeline.batch import process_records
from engine.pipeline.metrics import summed
from engine.pipeline.posting import Posting
from engine.pipeline.setting import Setting
from engine.pipeline.total import conclude
from engine.workbench.incidents import shared_by
from engine.workbench.page import MESSAGES_MAX, ShownMessage
from engine.workbench.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.pipeline.decode import Decoded
    from engine.pipeline.metrics import Tally
    from engine.workbench.simulation import PostedMessage, SimulatedIncident

BATCH_SIZE = 1_000
"""Records processed together."""

POST_TIMEOUT_SECONDS = 300.0

INCIDENTS_SHOWN = 20
"""Incidents of several events in the summary, the largest first."""


@click.command(short_help="Process events and print the messages.")
@paths_argument
@policies_option
@click.option("--post", is_flag=True, help="Post the messages to Slack; without it nothing is sent.")
@click.option("--select", type=click.Choice([choice.value for choice in Selects]), help="Override the policies' `events.select`.")
@click.option(
    "--audit", type=click.File("w", lazy=True), help="Write the audit records to this file, as JSON Lines (- for stdout)."
)
@html_option
@region_option
@log_group_option
def run(  # noqa: PLR0913, PLR0917  one parameter an option
    inputs: Sequence[str],
    policies_path: Path,
    select: str | None,
    audit: IO[str] | None,
    html: Path | None,
    region: str | None,
    log_group: str,
    *,
    post: bool,
) -> None:
    """Process events and print each Slack message as the channel would show it, then a summary. Posts only with --post.

    INPUT is any payload that a Lambda receives, a CloudTrail log file (.json.gz), JSON Lines, a folder of these, or - for
    standard input. The exit code is 1 if a record could not be read or decided, or a message was not delivered. Duplicates and
    digests are handled within batches of a thousand records. Without --post all events arrive at once, as far as incidents are
    concerned: what is posted when these end comes last, and the summary says how many events each has.
    """
    policies = open_policies(policies_path)
    selected = policies._replace(selection=selection_of(policies.selection, select))
    setting = Setting(selected, desk(region, log_group), random_key())
    ports, shown = _ports(audit), _Shown()
    simulation = Simulation(setting, ports.now(), shown.show)
    total, failed = summed(()), False
    for batch in _batches(_reporting(inputs)):
        received = tuple(process_records(batch, setting, ports))
        result = conclude(received, Posting(setting, ports).post(received) if post else simulation.arrive(received))
        total, failed = summed((total, result.tally)), failed or result.failed
    simulation.finish()
    show(*_summary(total, posted=post), *_incidents(simulation.incidents()))
    if html is not None:
        write_page(html, shown.messages, f"Messages of {', '.join(inputs)}", shown.left_out)
    if failed or total.records.get(RecordOutcome.UNREADABLE):
        raise click.exceptions.Exit(1)


def _batches(decoded: Iterator[Decoded]) -> Iterator[list[Decoded]]:
    """Yield batches as a Lambda gets them, which bounds memory."""
    while batch := list(islice(decoded, BATCH_SIZE)):
        yield batch


def _reporting(inputs: Sequence[str]) -> Iterator[Decoded]:
    """Yield everything that is decoded, and print decode errors to standard error."""
    for item in decode_inputs(inputs):
        if isinstance(item, DecodeError):
            show(f"{item.where}: {item.reason}", err=True)
        yield item


def _ports(audit: IO[str] | None) -> Ports:
    started = time.monotonic()
    return Ports(
        post=http_post,
        webhook=Secrets(os.environ).webhook,
        emit=_discard if audit is None else (lambda line: click.echo(line, file=audit)),
        now=lambda: datetime.now(UTC),
        elapsed=time.monotonic,
        sleep=time.sleep,
        remaining=lambda: POST_TIMEOUT_SECONDS - (time.monotonic() - started),
    )


def _discard(_: str) -> None:
    """Drop an audit record."""


@dataclass(slots=True)
class _Shown:
    """The messages that were printed so far, as many as a page holds, and how many there were beyond these."""

    messages: list[ShownMessage] = field(default_factory=list)
    left_out: int = 0

    def show(self, posted: PostedMessage) -> None:
        """Print a message as its channel would show it, and keep it for the page."""
        message = posted.message
        width, colour = shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty()
        show(heading(f"#{message.channel}"), PaintedText(preview(message.payload, width, colour=colour)), "")
        if len(self.messages) < MESSAGES_MAX:
            self.messages.append(ShownMessage(message.channel, message.payload))
        else:
            self.left_out += 1


def _summary(tally: Tally, *, posted: bool) -> Iterator[str]:
    """Two columns: what came in and how it ended, why it was passed over, who was seen, what each channel was sent."""
    names = {outcome: outcome.value.replace("_", " ") for outcome in RecordOutcome}
    if not posted:
        names[RecordOutcome.BOOKED] = "to be delivered"
    counts = [(names[outcome], count) for outcome, count in tally.records.items()]
    yield from _block("records", [("received", tally.received), *counts])
    yield from _block("passed over", sorted(tally.passed_over.items()))
    yield from _block("classes", sorted(tally.classes.items()))
    if posted:
        yield from _block("posts", [(f"{channel} {outcome.value}", n) for (channel, outcome), n in tally.messages.items()])
    else:
        yield "Nothing was posted: that takes --post."


def _incidents(incidents: Sequence[SimulatedIncident]) -> Iterator[str]:
    """The incidents of several events: what these have in common, and how many were posted and counted."""
    if not incidents:
        return
    yield heading("incidents")
    several = sorted((one for one in incidents if one.events > 1), key=lambda incident: -incident.events)
    for incident in several[:INCIDENTS_SHOWN]:
        shared = ", ".join(shared_by(incident).values())
        counts = f"{incident.events:,} events, {incident.posted:,} posted, {incident.events - incident.posted:,} counted"
        yield f"  {incident.channel}, {shared}: {counts}"
    if len(several) > INCIDENTS_SHOWN:
        yield f"  {len(several) - INCIDENTS_SHOWN:,} smaller ones"
    if len(incidents) > len(several):
        yield f"  {len(incidents) - len(several):,} of one event each"


def _block(title: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    if rows:
        width = max(len(name) for name, _ in rows)
        yield heading(title)
        yield from (f"  {name:<{width}}  {count:>7}" for name, count in rows)
