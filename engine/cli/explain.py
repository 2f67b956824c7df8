"""`trailbell explain`: how one event is decided, and why. Sends nothing."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.decision import decision_lines
from engine.cli.inputs import number_option, one_event
from engine.cli.matcher_parts import part_line, value_text
from engine.cli.options import (
    Timestamp,
    desk,
    html_option,
    log_group_option,
    open_policies,
    policies_option,
    region_option,
    reveal_option,
    write_page,
)
from engine.cli.preview import preview
from engine.cli.terminal import PaintedText, as_json_text, heading, show, show_json
from engine.edge.secrets import random_key
from engine.model import MatcherKind, MatchResult
from engine.pipeline.setting import Setting
from engine.workbench.explain import ExplainedRule, Explanation, as_json, facts_by_provenance
from engine.workbench.explain import explain as explain_event
from engine.workbench.page import ShownMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


_MARK = {MatchResult.HELD: "✓", MatchResult.NOT_HELD: "·", MatchResult.FAILED: "!", MatchResult.OUT_OF_TIME: "◷"}

NEAR_SHOWN = 4
"""Rules that nearly held and are shown; --full shows all."""


@click.command(short_help="Show how an event is decided, and why.")
@click.argument("event", metavar="EVENT", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@policies_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@number_option
@click.option("--now", type=Timestamp(), help="Timestamp assumed for an event that has none (default: now).")
@click.option("--full", is_flag=True, help="Show every fact, every evaluated matcher and the whole payload of each message.")
@reveal_option
@html_option
@region_option
@log_group_option
def explain(  # noqa: PLR0913, PLR0917  one parameter an option
    event: str,
    policies_path: Path,
    form: str,
    number: int | None,
    now: datetime | None,
    html: Path | None,
    region: str | None,
    log_group: str,
    *,
    full: bool,
    reveal: bool,
) -> None:
    """Show how an event is decided, and why: facts, the rules that held or nearly did, the decision, and the messages.

    EVENT is a file with one event (or - for standard input). Each fact stands beside who vouches for it; of a rule that nearly
    held, the part is marked that did not. Facts are masked at the strictest level shown. Nothing is sent.
    """
    policies = open_policies(policies_path)
    setting = Setting(policies, desk(region, log_group), random_key())
    explanation = explain_event(one_event(event, number), setting, now or datetime.now(UTC), reveal=reveal)
    if html is not None:
        shown = [ShownMessage(name, message.payload) for name, message in explanation.messages.items()]
        write_page(html, shown, f"Messages of {event}")
    if form == "json":
        show_json(as_json(explanation))
    else:
        show(*(_full_text(explanation) if full else _screen(explanation)))


def _full_text(explanation: Explanation) -> Iterator[str]:
    yield heading("Facts", "" if explanation.revealed else f"  (masked: {explanation.level.name})")
    yield from _facts(explanation.facts)
    yield ""
    yield heading("Matchers evaluated", "  (✓ held, · not held, ! failed, ◷ outside its time)")
    for entry in explanation.trace:
        yield f"  {_MARK[entry.answer]} {entry.kind.value} {entry.policy}/{entry.id}"
        yield from (f"      {expression}" for expression in entry.expressions)
        if entry.reason:
            yield f"      {entry.reason}"
    yield ""
    yield from decision_lines(explanation)
    for name, message in explanation.messages.items():
        yield ""
        yield heading(f"Message for {name}")
        yield PaintedText(preview(message.payload))
        yield PaintedText(as_json_text(message.payload))


# --- on one screen --------------------------------------------------------------------------------------------------------


def _screen(explanation: Explanation) -> Iterator[str]:
    """The facts by who vouches for them, the rules that held or nearly did, the decision, and what each channel would show."""
    width, colour = shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty()
    yield heading("Facts", "" if explanation.revealed else f"  (masked: {explanation.level.name})")
    for provenance, facts in facts_by_provenance(explanation.facts).items():
        texts = [f"{path} = {value_text(value)}" for path, value in facts.items()]
        yield from _wrapped(f"  {provenance:<17} ", texts, width)
    yield ""
    yield heading("Rules that held", "" if explanation.decisive else ": none")
    for rule in explanation.decisive:
        yield f"  {_MARK[rule.entry.answer]} {_name(rule)}{f'  {rule.entry.reason}' if rule.entry.reason else ''}"
    near = sorted(explanation.near, key=lambda rule: rule.entry.kind is MatcherKind.EVIDENCE)
    if near:
        yield heading("Rules that nearly held")
    for rule in near[:NEAR_SHOWN]:
        yield f"  {_MARK[rule.entry.answer]} {_name(rule)}{f'  outside its time: {rule.time}' if rule.time else ''}"
        yield from (part_line(part, explanation) for part in rule.parts if not part.holds)
    if len(near) > NEAR_SHOWN:
        yield f"    {len(near) - NEAR_SHOWN} more; --full shows every matcher"
    yield ""
    yield from decision_lines(explanation)
    for name, message in explanation.messages.items():
        yield ""
        yield heading(f"#{name}")
        yield PaintedText(preview(message.payload, width, colour=colour))


def _name(rule: ExplainedRule) -> str:
    return f"{rule.entry.kind.value} {rule.entry.policy}/{rule.entry.id}"


def _wrapped(head: str, items: Sequence[str], width: int) -> Iterator[str]:
    """Items one after the other, in lines that begin below each other."""
    line = head
    for item in items:
        if len(line) > len(head) and len(line) + len(item) > width:
            yield line.rstrip()
            line = " " * len(head)
        line += item + "   "
    yield line.rstrip()


def _facts(facts: object, path: str = "") -> Iterator[str]:
    if isinstance(facts, dict):
        for name, value in facts.items():
            yield from _facts(value, f"{path}.{name}" if path else name)
    else:
        yield f"  {path:<22} {value_text(facts)}"
