"""`trailbell rules`: the EventBridge rules that let the events of a policy set through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.options import open_policies, policies_option
from engine.cli.terminal import PaintedText, show, show_json
from engine.workbench.event_rules import QUOTA, RuleSettings, as_json, event_rules, stack, watched_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.workbench.event_rules import EventRule


@click.command(short_help="Make the EventBridge rules of the policies.")
@policies_option
@click.option(
    "--bucket",
    "more",
    metavar="GLOB",
    multiple=True,
    help="Also these buckets, such as 'acme-*'; '*' is every bucket. Repeatable.",
)
@click.option("--role-arn", metavar="ARN", help="The function's role: its own reads and writes are left out.")
@click.option("--partition", type=click.Choice(["aws", "aws-cn", "aws-us-gov"]), default="aws", show_default=True)
@click.option(
    "--quota",
    type=click.IntRange(min=QUOTA),
    default=QUOTA,
    show_default=True,
    help="Characters that a pattern may have in your accounts.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "template"]),
    default="text",
    show_default=True,
    help="json: the patterns, for Terraform; template: a CloudFormation template for each account and region.",
)
def rules(policies_path: Path, more: Sequence[str], role_arn: str | None, partition: str, quota: int, form: str) -> None:  # noqa: PLR0913, PLR0917  its options
    """Make the EventBridge rules that let the events of the policies through: by bucket and event name.

    As few rules are made as fit into EventBridge's quota. They may let more events through than the policies want, never fewer.
    Files without a `buckets` scope are about whatever arrives: name more buckets with --bucket.
    """
    policies = open_policies(policies_path)
    names = policies.selection.names
    settings = RuleSettings(None if names is None else sorted(names), partition, role_arn, quota)
    made = event_rules(watched_buckets(policies, more), settings)
    if form == "text":
        show(*_lines(made))
    elif form == "json":
        show(PaintedText(as_json([rule.pattern for rule in made])))
    else:
        show_json(stack(made))


def _lines(made: Sequence[EventRule]) -> Iterator[str]:
    for number, rule in enumerate(made, 1):
        buckets = ", ".join(rule.buckets) or "copies whose source is encoded or an access point"
        yield f"rule {number}  {len(rule.text):>5} characters  {buckets}"
