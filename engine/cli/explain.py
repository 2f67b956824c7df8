"""`trailbell explain`: how one event is decided, and why. Sends nothing."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.inputs import decode_inputs
from engine.cli.options import Timestamp, open_policies, policies_option
from engine.cli.preview import preview, safe
from engine.edge.secrets import random_key
from engine.model import DecodeError, Deployment, Event, MatchResult
from engine.pipeline.setting import Setting
from engine.workbench.explain import Explanation, as_json
from engine.workbench.explain import explain as explain_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARK = {MatchResult.HELD: "✓", MatchResult.NOT_HELD: "·", MatchResult.FAILED: "!", MatchResult.OUT_OF_TIME: "◷"}


@click.command(short_help="Show how an event is decided, and why.")
@click.argument("event", metavar="EVENT", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@policies_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--number", type=click.IntRange(min=1), help="Which event of the file, counted from 1, if it holds several.")
@click.option("--now", type=Timestamp(), help="Timestamp assumed for an event that has none (default: now).")
@click.option("--reveal", is_flag=True, help="Show the facts unmasked; only on a terminal, never in CI.")
def explain(  # noqa: PLR0913  one parameter an option
    event: str, policies_path: Path, form: str, number: int | None, now: datetime | None, *, reveal: bool
) -> None:
    """Show how an event is decided, and why: facts, evaluated matchers, decision, and the message for each channel.

    EVENT is a file with one event (or - for standard input). Facts are masked at the strictest level shown. Nothing is sent.
    """
    if reveal and (not sys.stdout.isatty() or os.environ.get("CI")):
        raise click.UsageError("--reveal works only on a terminal, and not with CI set: what it prints is unmasked")
    policies = open_policies(policies_path)
    setting = Setting(policies, Deployment(), random_key())
    explanation = explain_event(_one_event(event, number), setting, now or datetime.now(UTC), reveal=reveal)
    if form == "json":
        click.echo(json.dumps(as_json(explanation), indent=2))
    else:
        click.echo("\n".join(_text(explanation)))


def _one_event(path: str, number: int | None) -> Event:
    events = []
    for item in decode_inputs([path]):
        if isinstance(item, DecodeError):
            click.echo(f"{item.where}: {item.reason}", err=True)
        elif isinstance(item, Event):
            events.append(item)
    if not events:
        raise click.ClickException(f"{path}: no event in it")
    if number is None and len(events) > 1:
        raise click.UsageError(f"{path} holds {len(events)} events; say which with --number 1 … {len(events)}")
    if (number or 1) > len(events):
        raise click.UsageError(f"{path} holds {len(events)} events, so there is no number {number}")
    return events[(number or 1) - 1]


def _text(explanation: Explanation) -> Iterator[str]:
    verdict = explanation.decision.verdict
    yield click.style("Facts", bold=True) + ("" if explanation.revealed else f"  (masked: {explanation.level.name})")
    yield from _facts(explanation.facts)
    yield ""
    yield click.style("Matchers evaluated", bold=True) + "  (✓ held, · not held, ! failed, ◷ outside its time)"
    for entry in explanation.trace:
        yield f"  {_MARK[entry.answer]} {entry.kind.value} {entry.policy}/{entry.id}"
        yield from (f"      {expression}" for expression in entry.expressions)
        if entry.reason:
            yield f"      {entry.reason}"
    yield ""
    yield click.style("Decision", bold=True)
    evidence = f", because {verdict.evidence.says.en} [{verdict.evidence.id}]" if verdict.evidence else ""
    yield f"  class     {verdict.actor.name} ({verdict.actor.kind.value}){evidence}"
    yield f"  routes    {', '.join(verdict.routes) or 'none'}{' - the default applies' if verdict.defaulted else ''}"
    for request in verdict.requests:
        asked_by = ", ".join(request.routes)
        yield f"  channel   {request.channel} at {request.level.name}, {request.severity.value}, asked by {asked_by}"
    for word, suppressions in (("muted", verdict.mutes), ("silenced", verdict.silences)):
        yield from (f"  {word:<9} by {rule.policy}/{rule.id}: {rule.reason}" for rule in suppressions)
    yield from (f"  void      {rule.policy}/{rule.id}: {rule.reason}" for rule in verdict.void)
    yield f"  revision  {verdict.revision}"
    for name, message in explanation.messages.items():
        yield ""
        yield click.style(f"Message for {name}", bold=True)
        yield preview(message.payload)
        yield json.dumps(message.payload, indent=2)


def _facts(facts: object, path: str = "") -> Iterator[str]:
    if isinstance(facts, dict):
        for name, value in facts.items():
            yield from _facts(value, f"{path}.{name}" if path else name)
    else:
        yield f"  {path:<22} {safe(facts) if isinstance(facts, str) else json.dumps(facts)}"
