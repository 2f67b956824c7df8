"""`trailbell run`: process events locally and print the messages; posts only with `--post`."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO, TYPE_CHECKING

import click

from engine.cli.inputs import InputReader, paths_argument
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
from engine.model import Outcome, Ports, RecordOutcome, Selects
from engine.pipeline.batch import process_records
from engine.pipeline.metrics import summed
from engine.pipeline.posting import Posting, memory_outbox
from engine.pipeline.setting import Setting
from engine.pipeline.total import conclude
from engine.workbench.incidents import shared_by
from engine.workbench.page import MESSAGES_MAX, ShownMessage
from engine.workbench.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.pipeline.decode import Decoded
    from engine.pipeline.metrics import Tally
    from engine.workbench.simulation import PostedMessage, SimulatedIncident

BATCH_SIZE = 1_000
"""Records processed together."""

POST_TIMEOUT_SECONDS = 300.0

_OF_A_POST = '{"type":"delivery",'
"""How an audit record of a delivery begins; there are many of decisions, and these need not be read."""

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

    INPUT is any payload that a Lambda receives, a CloudTrail log file (.json.gz), JSON Lines, an export of CloudTrail, CloudWatch
    Logs or Athena, audit records, a folder of these, or - for standard input. The exit code is 1 if a record could not be read or
    decided, or a message was not delivered. Duplicates and digests are handled within batches of a thousand records. Without
    --post all events arrive at once, as far as incidents are concerned: what is posted when these end comes last, and the summary
    says how many events each has. With --post an incident is one batch, and the summary says why something was not posted.
    """
    policies = open_policies(policies_path)
    selected = policies._replace(selection=selection_of(policies.selection, select))
    setting = Setting(selected, desk(region, log_group), random_key())
    log, shown = _Log(audit), _Shown()
    ports = _ports(log)
    outbox = memory_outbox(ports)
    simulation = Simulation(setting, ports.now(), shown.show)
    total, failed = summed(()), False
    for batch in _batches(InputReader(inputs).items()):
        received = tuple(process_records(batch, setting, ports))
        result = conclude(received, Posting(setting, ports, outbox).post(received) if post else simulation.arrive(received))
        total, failed = summed((total, result.tally)), failed or result.failed
    simulation.finish()
    show(*_summary(total, posted=post), *_incidents(simulation.incidents()), *_failures(log.failures, total))
    if html is not None:
        write_page(html, shown.messages, f"Messages of {', '.join(inputs)}", shown.left_out)
    if failed or total.records.get(RecordOutcome.UNREADABLE):
        raise click.exceptions.Exit(1)


def _batches(decoded: Iterator[Decoded]) -> Iterator[list[Decoded]]:
    """Yield batches as a Lambda gets them, which bounds memory."""
    while batch := list(islice(decoded, BATCH_SIZE)):
        yield batch


def _ports(log: _Log) -> Ports:
    started = time.monotonic()
    return Ports(
        post=http_post,
        webhook=Secrets(os.environ).webhook,
        emit=log.emit,
        now=lambda: datetime.now(UTC),
        elapsed=time.monotonic,
        sleep=time.sleep,
        remaining=lambda: POST_TIMEOUT_SECONDS - (time.monotonic() - started),
    )


@dataclass(slots=True)
class _Log:
    """The audit records, written to a file if there is one. `failures` counts attempts by channel and by why they failed."""

    file: IO[str] | None
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)

    def emit(self, line: str) -> None:
        """Take one record."""
        if self.file is not None:
            click.echo(line, file=self.file)
        if line.startswith(_OF_A_POST):
            record = json.loads(line)
            if record["outcome"] == Outcome.FAILED:
                self.failures[record["channel"], record["reason"]] += 1


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
    several = sorted((incident for incident in incidents if incident.events > 1), key=lambda incident: -incident.events)
    for incident in several[:INCIDENTS_SHOWN]:
        shared = ", ".join(shared_by(incident).values())
        counts = f"{incident.events:,} events, {incident.posted:,} posted, {incident.events - incident.posted:,} counted"
        yield f"  {incident.channel}, {shared}: {counts}"
    if len(several) > INCIDENTS_SHOWN:
        yield f"  {len(several) - INCIDENTS_SHOWN:,} smaller ones"
    if len(incidents) > len(several):
        yield f"  {len(incidents) - len(several):,} of one event each"


def _failures(failures: Mapping[tuple[str, str], int], tally: Tally) -> Iterator[str]:
    """Why attempts to post failed, and where there was no time for one."""
    yield from _block("failed attempts", [(f"{channel}: {reason}", count) for (channel, reason), count in failures.items()])
    tried = {channel for channel, _ in failures}
    for (channel, outcome), count in tally.messages.items():
        if outcome is Outcome.FAILED and channel not in tried:
            limit = f"{POST_TIMEOUT_SECONDS:.0f} seconds at Slack's rate"
            yield f"{channel}: of its events, {count:,} could not be sent within {limit}."


def _block(title: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    if rows:
        width = max(len(name) for name, _ in rows)
        yield heading(title)
        yield from (f"  {name:<{width}}  {count:>7}" for name, count in rows)
