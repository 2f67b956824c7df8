"""Why a rule did not act: the first reason, the same as the decision gives, for every rule of every sample event."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, SHIPPED, events_in
from click.testing import CliRunner

from engine.cli import trailbell
from engine.errors import InputError
from engine.model import Event, MatcherKind
from engine.pipeline.decide import decide
from engine.pipeline.select import passed_over
from engine.policy.load import load
from engine.workbench.why_not import Why, rule_names, why_not

if TYPE_CHECKING:
    from engine.model import PolicySet

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"


@cache
def tour() -> PolicySet:
    return load(TOUR / "policies")


def sample(name: str) -> Event:
    (event,) = [event for event in events_in(TOUR / "events") if event.where.startswith(name)]
    return event


@pytest.mark.parametrize(("policies", "folder"), [(TOUR / "policies", TOUR / "events"), (SHIPPED, ROOT / "tests/events")])
def test_the_answer_for_every_rule_is_what_the_decision_has(policies: Path, folder: Path) -> None:
    loaded = load(policies)
    seen = set()
    for event in events_in(folder):
        verdict = decide(event, loaded, NOW).verdict
        selected = passed_over(event, loaded.selection) is None
        quieted = {f"{rule.policy}/{rule.id}" for rule in (*verdict.mutes, *verdict.silences)}
        notifying = {route for request in verdict.requests for route in request.routes}
        evidence = {f"{verdict.actor.name}/{verdict.evidence.id}"} if verdict.evidence else set()
        void = {f"{rule.policy}/{rule.id}" for rule in verdict.void}
        for kind, owner, rule in rule_names(loaded):
            name = f"{owner}/{rule}"
            why = why_not(event, name, loaded, NOW).why
            seen.add(why)
            acted = name in (evidence if kind is MatcherKind.EVIDENCE else quieted | notifying)
            assert (why is Why.ACTED) == (selected and acted), (name, event.where)
            assert (why is Why.VOID) == (selected and name in void), (name, event.where)
            assert (why is Why.NOT_SELECTED) == (not selected), (name, event.where)
    assert {Why.ACTED, Why.NOT_HELD, Why.ENDED_BEFORE} <= seen


@pytest.mark.parametrize(
    ("rule", "event", "why", "detail"),
    [
        ("payments/people", "01", Why.ACTED, "it notifies payments-alerts"),
        ("payments/nightly-batch", "02", Why.ACTED, "it mutes: reconciliation job, PAY-1123"),
        ("payments/others", "01", Why.ENDED_BEFORE, "the route payments/people holds, stands earlier, and does not continue"),
        ("web/visitors", "01", Why.OUT_OF_SCOPE, "buckets: web-assets"),
        ("payments/at-night", "01", Why.OUT_OF_TIME, "mon-fri 20:00-07:00 Asia/Tokyo"),
        ("payments/nightly-batch", "01", Why.NOT_HELD, ""),
        ("payments/migration", "02", Why.NOTHING_TO_SILENCE, ""),
        ("payments/migration", "04", Why.ACTED, ""),
        ("payments/others", "04", Why.SILENCED, "by payments/migration"),
        ("security/misuse", "13", Why.NOT_SELECTED, "its name is not selected"),
    ],
)
def test_the_first_reason_is_named(rule: str, event: str, why: Why, detail: str) -> None:
    answer = why_not(sample(event), rule, tour(), NOW)
    assert (answer.why, answer.detail) == (why, detail)


def test_a_void_mute_says_why_it_is_void(tmp_path: Path) -> None:
    record = dict(sample("02").record)
    policies = _with_misuse(tmp_path)
    answer = why_not(Event(record, "x"), "payments/nightly-batch", policies, NOW)
    assert (answer.why, answer.detail) == (Why.VOID, "never_mute")


def _with_misuse(folder: Path) -> PolicySet:
    """The tour's set, in which the class of the nightly job is never muted."""
    for path in (TOUR / "policies").iterdir():
        text = path.read_text("utf-8")
        (folder / path.name).write_text(text.replace("class: ecs-robot\n", "class: ecs-robot\n    never_mute: true\n"), "utf-8")
    return load(folder)


def test_an_evidence_behind_the_one_that_holds_was_not_evaluated() -> None:
    event = sample("01")
    verdict = decide(event, tour(), NOW).verdict
    names = [f"{actor.name}/{evidence.id}" for actor, evidence in tour().evidence]
    held = f"{verdict.actor.name}/{verdict.evidence.id}" if verdict.evidence else ""
    later = names[names.index(held) + 1 :]
    assert later
    for name in later:
        answer = why_not(event, name, tour(), NOW)
        assert answer.why is Why.ENDED_BEFORE
        assert held in answer.detail


def test_a_matcher_that_fails_says_how(tmp_path: Path) -> None:
    for path in (TOUR / "policies").iterdir():
        text = path.read_text("utf-8").replace("when: actor.class == 'human'", "when: starts_with(to_array(bucket), 'x')")
        (tmp_path / path.name).write_text(text, "utf-8")
    answer = why_not(sample("01"), "payments/people", load(tmp_path), NOW)
    assert answer.why is Why.FAILED
    assert "starts_with()" in answer.detail


def test_a_rule_that_does_not_exist_is_refused_with_one_like_it() -> None:
    with pytest.raises(InputError, match="there is no rule payments/peopel; did you mean payments/people"):
        why_not(sample("01"), "payments/peopel", tour(), NOW)


def command(*arguments: str) -> Any:
    return CliRunner().invoke(trailbell, ["why-not", *arguments, "--policies", str(TOUR / "policies")])


def test_the_command_marks_the_part_that_did_not_hold_and_its_masked_value() -> None:
    path = next((TOUR / "events").glob("01*"))
    result = command("payments/nightly-batch", str(path))
    assert result.exit_code == 1
    assert "route payments/nightly-batch: it does not hold" in result.output
    assert "✗ actor.class == 'ecs-robot'  it is human" in result.output
    assert "The event: class human; notifies payments-alerts (standard)" in result.output
    assert json.loads(command("payments/nightly-batch", str(path), "--format", "json").output)["why"] == "not-held"


def test_the_command_succeeds_where_the_rule_acted() -> None:
    path = next((TOUR / "events").glob("01*"))
    result = command("payments/people", str(path))
    assert result.exit_code == 0
    assert "it acted (it notifies payments-alerts)" in result.output


def test_the_time_of_an_event_without_one_can_be_said(tmp_path: Path) -> None:
    record = {name: value for name, value in sample("01").record.items() if name != "eventTime"}
    path = tmp_path / "event.json"
    path.write_text(json.dumps(record), "utf-8")
    night = datetime.fromisoformat("2026-11-03T15:30:00+00:00").isoformat()
    assert command("payments/at-night", str(path), "--now", night).exit_code == 0
