"""`trailbell rules`: the EventBridge rules that let the events of a policy set through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import compiled, open_policies, policies_option
from engine.cli.terminal import PaintedText, show, show_json
from engine.policy.load import read_set
from engine.prove.findings import NEEDS_SOLVER, has_solver
from engine.prove.trail_selectors import MOST_VALUES, answers, selectors, values_in
from engine.workbench.event_rules import QUOTA, RuleSettings, as_json, event_rules, stack, watched_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.prove.trail_selectors import MuteAnswer
    from engine.workbench.event_rules import EventRule


def _accounts(_context: click.Context, _parameter: click.Parameter, accounts: tuple[str, ...]) -> tuple[str, ...]:
    for account in accounts:
        if not re.fullmatch(r"[0-9]{12}", account):
            raise click.BadParameter("it is the id of an account, of twelve digits, such as 111122223333")
    return accounts


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
    "--trail",
    "accounts",
    metavar="ACCOUNT",
    multiple=True,
    callback=_accounts,
    help="In place of rules, the event selectors of this account's trail, without what is muted for good. Repeatable.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "template"]),
    default="text",
    show_default=True,
    help="json: the patterns, for Terraform; template: a CloudFormation template for each account and region.",
)
def rules(  # noqa: PLR0913, PLR0917  its options
    policies_path: Path, more: Sequence[str], role_arn: str | None, partition: str, quota: int, accounts: Sequence[str], form: str
) -> None:
    """Make the EventBridge rules that let the events of the policies through: by bucket and event name.

    As few rules are made as fit into EventBridge's quota. They may let more events through than the policies want, never fewer.
    Files without a `buckets` scope are about whatever arrives: name more buckets with --bucket.

    With --trail, events need not even be recorded whose caller is a service-linked role and of which it is proved that none
    rings. Nothing that a person could do is left out. It needs the extra trailbell[prove].
    """
    if accounts:
        _trail(policies_path, more, accounts, partition, form)
        return
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


# --- the selectors of a trail ------------------------------------------------------------------------------------------------


def _trail(policies_path: Path, more: Sequence[str], accounts: Sequence[str], partition: str, form: str) -> None:
    if form == "template":
        raise click.UsageError("--trail has the formats text and json")
    if not has_solver():
        raise click.ClickException(f"this needs python-sat: {NEEDS_SOLVER}")
    sources = read_set(policies_path)
    policies = compiled(sources)
    found = list(answers(sources, policies, accounts, partition))
    left_out = [one for answer in found for one in answer.left_out]
    made = selectors(watched_buckets(policies, more), left_out, partition)
    if form == "json":
        show(PaintedText(as_json(made)))
    else:
        show(*_trail_lines(found, made))


def _trail_lines(found: Sequence[MuteAnswer], made: Sequence[dict[str, Any]]) -> Iterator[str]:
    for answer in found:
        for one in answer.left_out:
            yield f"\u2713 {answer.mute}: the trail may leave out {one.role} of {one.account} on {one.bucket}, but for copies"
        if answer.why:
            yield f"- {answer.mute}: stays recorded: {answer.why}"
    if not any(answer.left_out for answer in found):
        yield "Nothing can be left out of the trail."
        return
    roles = ", ".join(sorted({one.role for answer in found for one in answer.left_out}))
    yield ""
    yield f"What a trail leaves out is in no log. Check that each role has the path /aws-service-role/: {roles}"
    values = values_in(made)
    if values > MOST_VALUES:
        yield f"The selectors have {values} values, of which a trail takes {MOST_VALUES}: name fewer buckets."
        return
    yield "Its event selectors: those below, and those that it has for other things (get-event-selectors)"
    yield ""
    yield as_json(made)
