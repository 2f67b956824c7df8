"""`trailbell test`: run policy tests and print expected and actual values side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import compiled, include_base_option, policies_option
from engine.cli.preview import AS_EMOJI
from engine.cli.terminal import show, show_json
from engine.edge.secrets import random_key
from engine.model import Deployment
from engine.pipeline.render.parts import shortened
from engine.pipeline.setting import Setting
from engine.policy.load import read_set
from engine.workbench.casefile import read_cases
from engine.workbench.cases import COUNTS, CaseResult, Comparison, Covered, base_rules, check, coverage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from engine.workbench.simulation import PostedMessage
MESSAGES_SHOWN = 20
MESSAGE_MAX_LENGTH = 100


@click.command(short_help="Run policy tests.")
@click.argument("path", metavar="[PATH]", default="tests/policies", type=click.Path(exists=True, path_type=Path))
@policies_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--full-coverage", is_flag=True, help="Fail unless every evidence, route and silence was seen to hold and not to hold."
)
@include_base_option
def test(path: Path, policies_path: Path, form: str, *, full_coverage: bool, include_base: bool) -> None:
    """Run the policy tests in PATH (a folder or a file; default: tests/policies).

    Coverage: every evidence, route and silence of the set's own files held in some test, and did not hold in some test. Without
    any test the command fails.
    """
    sources = read_set(policies_path)
    policies = compiled(sources)
    cases, findings = read_cases(path)
    for finding in findings:
        show(finding.line, err=True)
    setting = Setting(policies, Deployment(), random_key())
    results = [check(case, setting) for case in cases]
    covered = coverage(results, policies, frozenset() if include_base else base_rules(sources))
    if form == "json":
        show_json(_json(results, covered))
    else:
        show(*_text(results, covered))
    gaps = full_coverage and any(not (rule.held and rule.not_held) for rule in covered)
    if findings or gaps or not results or not all(result.passed for result in results):
        raise click.exceptions.Exit(1)


def _text(results: Sequence[CaseResult], covered: Sequence[Covered]) -> Iterator[str]:
    for result in results:
        yield f"{'✓' if result.passed else '✗'} {result.case.name}"
        if not result.passed:
            yield f"    {result.case.where}"
            for comparison in result.comparisons:
                if not comparison.holds:
                    yield f"    {comparison.what}"
                    yield f"        expected  {_shown(comparison.expected)}"
                    yield f"        actual    {_shown(comparison.actual)}"
            channels = {channel for comparison in result.comparisons for channel in _miscounted(comparison)}
            if channels:
                yield from _messages([post for post in result.posted if post.message.channel in channels])
    passed = sum(result.passed for result in results)
    yield ""
    yield (
        f"{passed} of {len(results)} passed" if results else "no tests, so nothing shows that the policies do what they should"
    )
    yield from _coverage_text(covered)


def _miscounted(comparison: Comparison) -> set[str]:
    """The channels whose count is not as expected."""
    if comparison.what not in COUNTS:
        return set()
    expected, actual = comparison.expected, comparison.actual
    return {channel for channel in {**expected, **actual} if expected.get(channel) != actual.get(channel)}


def _messages(posted: Sequence[PostedMessage]) -> Iterator[str]:
    """The first line of each message, with the time since the first one."""
    yield "    messages" if posted else "    no messages"
    for message, at in posted[:MESSAGES_SHOWN]:
        text = str(message.payload.get("Subject") or message.payload["text"]).replace(AS_EMOJI, "")
        yield f"        {_clock(at - posted[0].at)}  {message.channel}  {shortened(text, MESSAGE_MAX_LENGTH)}"
    if len(posted) > MESSAGES_SHOWN:
        yield f"        {len(posted) - MESSAGES_SHOWN:,} more"


def _clock(elapsed: timedelta) -> str:
    minutes, seconds = divmod(int(elapsed.total_seconds()), 60)
    return f"+{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _coverage_text(covered: Sequence[Covered]) -> Iterator[str]:
    if not covered:
        yield "no rules of its own are in this set, only those of its base; --include-base counts those"
        return
    full = sum(rule.held and rule.not_held for rule in covered)
    yield f"{full} of {len(covered)} evidence entries, routes and silences were seen to hold and not to hold"
    for rule in covered:
        missing = " and ".join(word for word, seen in (("to hold", rule.held), ("not to hold", rule.not_held)) if not seen)
        if missing:
            yield f"  never seen {missing}: {rule.kind.value} {rule.policy}/{rule.id}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(results: Sequence[CaseResult], covered: Sequence[Covered]) -> dict[str, object]:
    return {
        "cases": [
            {
                "name": result.case.name,
                "where": result.case.where,
                "passed": result.passed,
                "comparisons": [
                    {"what": compared.what, "expected": compared.expected, "actual": compared.actual, "holds": compared.holds}
                    for compared in result.comparisons
                ],
            }
            for result in results
        ],
        "coverage": [
            {"kind": rule.kind.value, "policy": rule.policy, "id": rule.id, "held": rule.held, "not_held": rule.not_held}
            for rule in covered
        ],
    }
