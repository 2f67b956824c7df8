"""`trailbell doctor`: which link of a deployed stack is broken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import open_policies, policies_option
from engine.cli.terminal import show, show_json
from engine.edge.stack import read_stack
from engine.edge.stack_parts import need_account
from engine.workbench.chain_links import ChainLink, Health
from engine.workbench.doctor import diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MARK = {Health.OK: "✓", Health.BROKEN: "✗", Health.UNKNOWN: "?"}


@click.command(short_help="Check every link of a deployed stack.")
@policies_option
@click.option(
    "--stack", default="trailbell", show_default=True, help="The CloudFormation stack, or the name of Terraform's module."
)
@click.option("--terraform", is_flag=True, help="Terraform made it, by deploy/terraform.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(policies_path: Path, stack: str, form: str, *, terraform: bool) -> None:
    """Check every link of a deployed stack, from the trail to Slack, and name the command that mends one.

    Reads, asks IAM what the function's role may do, and asks the function for a self-test, which posts nothing.
    Needs AWS credentials and the extra trailbell[aws]. Exit code 0: every link works; 1: a link is broken or could not be read.
    """
    policies, now = open_policies(policies_path), datetime.now(UTC)
    need_account()
    links = diagnose(read_stack(stack, policies.channels.values(), now, _client, terraform=terraform), policies, now)
    if form == "json":
        show_json([_json(link) for link in links])
    else:
        show(*_text(links))
    if any(link.health is not Health.OK for link in links):
        raise click.exceptions.Exit(1)


def _client(service: str) -> Any:  # noqa: ANN401  boto3 clients have no types
    import boto3  # noqa: PLC0415  only this command needs it

    return boto3.client(service)


def _text(links: Sequence[ChainLink]) -> Iterator[str]:
    width = max(len(link.name) for link in links)
    for link in links:
        yield f"{_MARK[link.health]} {link.name:<{width}}  {link.seen}"
        if link.remedy:
            yield f"  {'':<{width}}  → {link.remedy}"
    broken = sum(link.health is not Health.OK for link in links)
    yield f"{len(links) - broken} of {len(links)} links work"


def _json(link: ChainLink) -> dict[str, str]:
    return {"name": link.name, "health": link.health.value, "seen": link.seen, "remedy": link.remedy}
