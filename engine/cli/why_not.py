"""`trailbell why-not`: the first reason why a rule did not act on an event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.inputs import number_option, one_event
from engine.cli.matcher_parts import part_line
from engine.cli.options import Timestamp, open_policies, policies_option
from engine.cli.terminal import show, show_json
from engine.edge.secrets import random_key
from engine.model import Deployment
from engine.pipeline.audit import decision_json
from engine.pipeline.setting import Setting
from engine.workbench.explain import explain
from engine.workbench.why_not import Why, WhyNot
from engine.workbench.why_not import why_not as answer_why_not

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.workbench.explain import Explanation


@click.command(name="why-not", short_help="Show why a rule did not act on an event.")
@click.argument("rule", metavar="RULE")
@click.argument("event", metavar="EVENT", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@policies_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@number_option
@click.option("--now", type=Timestamp(), help="Timestamp assumed for an event that has none (default: now).")
def why_not(rule: str, event: str, policies_path: Path, form: str, number: int | None, now: datetime | None) -> None:  # noqa: PLR0913, PLR0917  one parameter an option
    """Show the first reason why a rule did not act on an event, or what it did.

    RULE is POLICY/ROUTE, POLICY/SILENCE or CLASS/EVIDENCE; EVENT is a file with one event (or - for standard input). Values are
    masked as `trailbell explain` masks them. The exit code is 0 where the rule acted and 1 where it did not.
    """
    policies = open_policies(policies_path)
    record, time = one_event(event, number), now or datetime.now(UTC)
    answer = answer_why_not(record, rule, policies, time)
    if form == "json":
        show_json(_as_json(answer))
    else:
        explanation = explain(record, Setting(policies, Deployment(), random_key()), time)
        show(*_lines(answer, explanation))
    if answer.why is not Why.ACTED:
        raise click.exceptions.Exit(1)


def _lines(answer: WhyNot, explanation: Explanation) -> Iterator[str]:
    yield f"{answer.kind.value} {answer.name}: {answer.why.value}" + (f" ({answer.detail})" if answer.detail else "")
    yield from (part_line(part, explanation) for part in answer.parts)
    if answer.decision is not None:
        verdict = answer.decision.verdict
        channels = ", ".join(f"{request.channel} ({request.level.name})" for request in verdict.requests)
        quieter = ", ".join(f"{rule.policy}/{rule.id}" for rule in (*verdict.mutes, *verdict.silences))
        yield ""
        yield f"The event: class {verdict.actor.name}; notifies {channels or 'no channel'}" + (
            f"; quieted by {quieter}" if quieter else ""
        )


def _as_json(answer: WhyNot) -> dict[str, object]:
    return {
        "kind": answer.kind.value,
        "rule": answer.name,
        "why": answer.why.name.lower().replace("_", "-"),
        "detail": answer.detail,
        "parts": [{"text": part.text, "holds": part.holds} for part in answer.parts],
        "decision": None if answer.decision is None else decision_json(answer.decision),
    }
