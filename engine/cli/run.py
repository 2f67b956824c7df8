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
from engine.model import DecodeError, Outcome, Ports, RecordOutcome, Selects
from engine.pipeline.batch import process_records
from engine.pipeline.metrics import summed
from engine.pipeline.posting import Posting, by_channel, compose
from engine.pipeline.setting import Setting
from engine.pipeline.total import ChannelOutcome, conclude
from engine.workbench.page import MESSAGES_MAX, ShownMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.model import Message
    from engine.pipeline.decode import Decoded
    from engine.pipeline.metrics import Tally
    from engine.pipeline.total import Received

BATCH_SIZE = 1_000
"""Records processed together."""

POST_TIMEOUT_SECONDS = 300.0


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
    digests are handled within batches of a thousand records.
    """
    policies = open_policies(policies_path)
    selected = policies._replace(selection=selection_of(policies.selection, select))
    setting = Setting(selected, desk(region, log_group), random_key())
    ports, shown = _ports(audit), _Shown()
    total, failed = summed(()), False
    for batch in _batches(_reporting(inputs)):
        received = tuple(process_records(batch, setting, ports))
        result = conclude(received, Posting(setting, ports).post(received) if post else _show(received, setting, shown))
        total, failed = summed((total, result.tally)), failed or result.failed
    show(*_summary(total, posted=post))
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

    def add(self, channel: str, message: Message) -> None:
        """Keep a message for the page."""
        if len(self.messages) < MESSAGES_MAX:
            self.messages.append(ShownMessage(channel, message.payload))
        else:
            self.left_out += 1


def _show(received: Sequence[Received], setting: Setting, shown: _Shown) -> Iterator[ChannelOutcome]:
    """Print each message as its channel would show it, keep it for the page, and count it as delivered."""
    width, colour = shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty()
    for name, pending in by_channel(received).items():
        for message in compose(setting.policies.channels[name], pending, setting):
            show(heading(f"#{name}"), PaintedText(preview(message.payload, width, colour=colour)), "")
            shown.add(name, message)
            yield from (ChannelOutcome(place, name, Outcome.DELIVERED) for place in message.events)


def _summary(tally: Tally, *, posted: bool) -> Iterator[str]:
    """Two columns: what came in and how it ended, why it was passed over, who was seen, what each channel was sent."""
    names = {outcome: outcome.value.replace("_", " ") for outcome in RecordOutcome}
    if not posted:
        names[RecordOutcome.DELIVERED] = "to be delivered"
    counts = [(names[outcome], count) for outcome, count in tally.records.items()]
    yield from _block("records", [("received", tally.received), *counts])
    yield from _block("passed over", sorted(tally.passed_over.items()))
    yield from _block("classes", sorted(tally.classes.items()))
    if posted:
        yield from _block("posts", [(f"{channel} {outcome.value}", n) for (channel, outcome), n in tally.messages.items()])
    else:
        yield "Nothing was posted: that takes --post."


def _block(title: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    if rows:
        width = max(len(name) for name, _ in rows)
        yield heading(title)
        yield from (f"  {name:<{width}}  {count:>7}" for name, count in rows)
