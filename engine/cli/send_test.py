"""`trailbell send-test`: post a test message to one channel."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.options import open_policies, policies_option
from engine.cli.terminal import show
from engine.edge.http import post
from engine.edge.secrets import Secrets
from engine.edge.stack_parts import need_account
from engine.model import Outcome, Ports
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.render import plain, trial_notice
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 30.0


@click.command("send-test", short_help="Post a test message to a channel.")
@policies_option
@click.option("--channel", "name", metavar="NAME", required=True, help="The channel's name in the policies.")
def send_test(policies_path: Path, name: str) -> None:
    """Post a test message to a channel through its webhook, and print Slack's answer.

    Secrets are read with this machine's AWS credentials. Exit code 0: Slack accepted the message; 1: it did not.
    """
    policies = open_policies(policies_path)
    if name not in policies.channels:
        raise click.UsageError(f"there is no channel {name!r}; {suggestion(name, policies.channels)}")
    if policies.channels[name].webhook.env is None:
        need_account()
    message = trial_notice(policies.channels[name], policies.revision)
    (delivery,) = WebhookSender(policies.channels, plain, _ports()).deliver([message])
    status = f" (status {delivery.status})" if delivery.status else ""
    show(f"{name}: {delivery.outcome.value}: {delivery.reason}{status}, after {delivery.attempts} posts")
    if delivery.outcome is Outcome.FAILED:
        raise click.exceptions.Exit(1)


def _ports() -> Ports:
    started = time.monotonic()
    return Ports(
        post=post,
        webhook=Secrets(os.environ).webhook,
        emit=lambda _: None,
        now=lambda: datetime.now(UTC),
        elapsed=time.monotonic,
        sleep=time.sleep,
        remaining=lambda: TIMEOUT_SECONDS - (time.monotonic() - started),
    )
