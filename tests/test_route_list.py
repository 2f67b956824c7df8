"""What can happen to a bucket: nothing that any event on it can meet is left out, and what can never hold is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, SHIPPED, events_in, policy_set
from click.testing import CliRunner
from expressions import EXAMPLES, expressions, objects
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.cli import trailbell
from engine.errors import ExpressionError, MatcherError
from engine.matching import compile_predicate
from engine.pipeline.decide import decide
from engine.pipeline.facts import facts
from engine.policy.load import load
from engine.workbench.route_list import listed, may_hold

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(expressions, min_size=1, max_size=3), objects, st.sampled_from(["a", "ledger", "x-1"]))
def test_a_matcher_that_holds_for_a_bucket_is_one_that_may(written: list[str], document: dict[str, Any], bucket: str) -> None:
    try:
        holds = compile_predicate(written)({**document, "bucket": bucket})
    except (ExpressionError, MatcherError):
        holds = False
    assume(holds)
    assert may_hold(tuple(written), bucket, policy_set())


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        ("bucket == 'ledger'", False),
        ("bucket == 'orders' && access.denied", True),
        ("access.denied && bucket == 'ledger'", False),
        ("!(bucket == 'orders')", False),
        ("!glob(bucket, 'ledger-*')", True),
        ("bucket == 'ledger' || actor.kind == 'person'", True),
        ("!(bucket == 'ledger' || actor.kind == 'person')", True),
        ("!(bucket == 'orders' || actor.kind == 'person')", False),
        ("copy.bucket == bucket", True),
        ("contains(['ledger', 'web'], bucket)", False),
    ],
)
def test_a_matcher_that_is_false_whatever_else_an_event_has_is_left_out(expression: str, may: bool) -> None:  # noqa: FBT001
    assert may_hold((expression,), "orders", policy_set()) is may


@pytest.mark.parametrize(("policies", "folder"), [(TOUR / "policies", TOUR / "events"), (SHIPPED, ROOT / "tests/events")])
def test_what_happened_to_an_event_is_listed_for_its_bucket(policies: Path, folder: Path) -> None:
    loaded = load(policies)
    for event in events_in(folder):
        bucket, recipient = facts(event).bucket, event.record.get("recipientAccountId")
        if facts(event).copy_bucket is not None:
            continue  # a copy is an event on two buckets
        verdict = decide(event, loaded, NOW).verdict
        names = {rule.name for policy in listed(loaded, bucket, recipient) for rule in policy.rules}
        suppressions = {f"{rule.policy}/{rule.id}" for rule in (*verdict.mutes, *verdict.silences)}
        requested = {route for request in verdict.requests for route in request.routes}
        assert {*verdict.routes} | suppressions | requested <= names


def command(*arguments: str) -> Any:
    return CliRunner().invoke(trailbell, ["routes", *arguments, "--policies", str(TOUR / "policies")])


def test_the_command_lists_every_rule_and_with_a_bucket_only_its_own() -> None:
    every, of_web = command().output, command("--for", "bucket=web-assets").output
    assert "payments/people" in every
    assert "web/visitors" in of_web
    assert "payments/people" not in of_web
    assert "base/default" in of_web


def test_the_tree_has_scopes_and_matchers_in_the_order_of_a_decision() -> None:
    lines = command("--tree", "--for", "bucket=payments-ledger").output.splitlines()
    assert "payments  " + str(TOUR / "policies/payments.yaml") + ", team-payments: buckets payments-*" in lines
    names = [line.split()[1] for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert names.index("denied") < names.index("people") < names.index("others")
    assert "             actor.class == 'human'" in lines


def test_the_level_is_the_strictest_of_the_route_and_the_floors() -> None:
    files = json.loads(command("--format", "json").output)
    rules = {rule["rule"]: rule for policy in files for rule in policy["rules"]}
    assert {channel["level"] for channel in rules["ledger/everyone"]["channels"]} == {"strict"}


def test_an_account_leaves_out_files_of_other_accounts(tmp_path: Path) -> None:
    for path in (TOUR / "policies").iterdir():
        text = path.read_text("utf-8").replace("buckets: [web-assets]", 'buckets: [web-assets]\naccounts: ["111122223333"]')
        (tmp_path / path.name).write_text(text, "utf-8")
    loaded = load(tmp_path)
    assert "web" in {policy.name for policy in listed(loaded, "web-assets", "111122223333")}
    assert "web" not in {policy.name for policy in listed(loaded, "web-assets", "444455556666")}


@pytest.mark.parametrize("subject", ["orders", "bucket=", "class=x"])
def test_what_is_neither_a_bucket_nor_an_account_is_refused(subject: str) -> None:
    result = command("--for", subject)
    assert result.exit_code == 2
    assert "bucket=NAME" in result.output


def test_the_json_has_no_file_in_which_nothing_can_happen() -> None:
    files = json.loads(command("--for", "bucket=payments-prod", "--format", "json").output)
    assert [file["policy"] for file in files] == ["base", "payments", "security"]
    assert all(file["rules"] for file in files)
