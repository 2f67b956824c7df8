"""Mutes and silences that hold and are void: of which events, why, and who says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders import NOW, event, record
from click.testing import CliRunner

from engine.cli import trailbell
from engine.lint.registry import BASE, HEADER
from engine.model import PolicySet, VoidReason
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide, decide_reference
from engine.policy.load import check
from engine.policy.prepared import load_prepared, prepare
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import Event, Verdict

NIGHTLY = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLENIGHTLY00:run",
    "arn": "arn:aws:sts::111122223333:assumed-role/nightly/run",
    "accountId": "111122223333",
    "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
}
OTHERS = {**NIGHTLY, "arn": "arn:aws:sts::444455556666:assumed-role/nightly/run", "accountId": "444455556666"}
ROLE = "actor.role == 'nightly'"


def mute(when: str, **more: object) -> str:
    return yaml.safe_dump({"routes": [{"id": "job", "when": when, "mute": "a job", **more}, {"id": "rest", "notify": ["watch"]}]})


def silenced(when: str, **more: object) -> str:
    rule = {"id": "job", "when": when, "until": "2027-01-31T00:00:00Z", "reason": "work", **more}
    return yaml.safe_dump({"routes": [{"id": "rest", "notify": ["watch"]}], "silences": [rule]})


def compiled(body: str, *, in_force: bool = False) -> PolicySet:
    texts = {"base.yaml": BASE, "example.yaml": HEADER + "buckets: ['payments-*']\n" + body}
    policies, findings = check([parse_source(text.encode(), path) for path, text in texts.items()], in_force=in_force)
    assert policies is not None, findings
    return policies


def decided(policies: PolicySet, one: Event) -> Verdict:
    verdict = decide(one, policies, NOW).verdict
    assert verdict == decide_reference(one, policies, NOW).verdict
    return verdict


def answer(body: str, one: Event, *, in_force: bool = False) -> tuple[bool, list[tuple[str, str]]]:
    """Whether a rule kept the event from the channel, and which rules were void, with the reason."""
    verdict = decided(compiled(body, in_force=in_force), one)
    return not verdict.requests, [(f"{rule.policy}/{rule.id}", rule.reason.value) for rule in verdict.void]


def copied(source: str) -> Event:
    """A copy into payments-prod."""
    return event(
        eventName="CopyObject",
        userIdentity=NIGHTLY,
        requestParameters={"bucketName": "payments-prod", "key": "b", "x-amz-copy-source": f"{source}/a"},
        resources=[{"type": "AWS::S3::Bucket", "accountId": "111122223333", "ARN": "arn:aws:s3:::payments-prod"}],
    )


RULES = pytest.mark.parametrize("rule", [mute, silenced])


@RULES
def test_a_rule_that_pins_its_caller_holds_for_that_caller(rule: Any) -> None:
    assert answer(rule(ROLE), event(userIdentity=NIGHTLY)) == (True, [])


@RULES
def test_a_role_of_the_same_name_in_another_account_is_heard(rule: Any) -> None:
    assert answer(rule(ROLE), event(userIdentity=OTHERS)) == (False, [("example/job", "another account")])


@RULES
def test_a_caller_whose_account_is_not_known_is_heard(rule: Any) -> None:
    unknown = {key: value for key, value in NIGHTLY.items() if key != "accountId"}
    assert answer(rule(ROLE), event(userIdentity=unknown)) == (False, [("example/job", "another account")])


@RULES
def test_a_rule_that_names_the_account_holds_for_it(rule: Any) -> None:
    assert answer(rule(f"{ROLE} && actor.account == '444455556666'"), event(userIdentity=OTHERS)) == (True, [])


@RULES
def test_a_rule_of_everyone_holds_for_strangers(rule: Any) -> None:
    stranger = event(userIdentity={"type": "AWSAccount", "accountId": "anonymous", "principalId": "ANONYMOUS_PRINCIPAL"})
    assert answer(rule("access.kind == 'read'", everyone=True), stranger) == (True, [])


@RULES
def test_a_rule_about_a_bucket_is_void_for_copies_out_of_another(rule: Any) -> None:
    of_bucket = rule(f"bucket == 'payments-prod' && {ROLE}")
    assert answer(of_bucket, copied("payments-prod")) == (True, [])
    assert answer(of_bucket, copied("payments-archive")) == (False, [("example/job", "another bucket")])
    assert answer(
        rule(f"bucket == 'payments-prod' && copy.bucket == 'payments-archive' && {ROLE}"), copied("payments-archive")
    ) == (True, [])
    assert answer(rule(ROLE), copied("payments-archive")) == (True, [])


@RULES
def test_a_class_that_is_never_muted_says_so(rule: Any) -> None:
    evidence = {"id": "sign", "says": "its agent", "strength": "claimed", "when": "regex(userAgent, 'pacu')"}
    actors = yaml.safe_dump({"actors": [{"class": "tool", "kind": "unknown", "never_mute": True, "evidence": [evidence]}]})
    verdict = decided(compiled(actors + rule(ROLE)), event(userIdentity=NIGHTLY, userAgent="pacu"))
    assert verdict.requests
    assert [rule.reason for rule in verdict.void] == [VoidReason.NEVER_MUTE]


def test_a_mute_after_a_failed_route_says_so() -> None:
    broken = {"id": "broken", "when": "starts_with(errorCode, 'x')", "notify": ["watch"]}
    routes = yaml.safe_load(mute(ROLE))["routes"]
    verdict = decided(compiled(yaml.safe_dump({"routes": [broken, *routes]})), event(userIdentity=NIGHTLY))
    assert [rule.reason for rule in verdict.void] == [VoidReason.FAILURE]


@RULES
def test_in_a_set_that_is_in_force_a_rule_that_does_not_pin_is_void_and_its_routes_stand(rule: Any) -> None:
    assert answer(rule("actor.session == 'run'"), event(userIdentity=NIGHTLY), in_force=True) == (
        False,
        [("example/job", "not allowed")],
    )


def test_a_void_silence_that_would_have_removed_nothing_is_not_listed() -> None:
    body = silenced(ROLE, channels=["watch"]).replace("notify:\n  - watch", "notify:\n  - watch")
    assert answer(body, event(userIdentity=OTHERS))[1] == [("example/job", "another account")]
    other = BASE.replace("- {name: watch,", "- {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}}\n  - {name: watch,")
    texts = {"base.yaml": other, "example.yaml": HEADER + silenced(ROLE, channels=["ops"])}
    policies, _ = check([parse_source(text.encode(), path) for path, text in texts.items()])
    assert policies is not None
    assert decided(policies, event(userIdentity=OTHERS)).void == ()


# --- who says so ----------------------------------------------------------------------------------------------------------


def test_the_decision_lists_void_rules() -> None:
    decision = decide(event(userIdentity=OTHERS), compiled(mute(ROLE)), NOW)
    assert decision_json(decision)["void"] == [{"policy": "example", "id": "job", "reason": "another account"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set and a test of it."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/base.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "policies/example.yaml").write_text(HEADER + mute(ROLE), encoding="utf-8")
    case = {
        "name": "another account's role is heard",
        "event": record(userIdentity=OTHERS),
        "expect": {"void": ["example/job"], "mutes": []},
    }
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"version": 1, "tests": [case]}), encoding="utf-8")
    return tmp_path


def test_a_policy_test_can_expect_them(folder: Path) -> None:
    words = ["test", str(folder / "tests.yaml"), "--policies", str(folder / "policies")]
    assert CliRunner().invoke(trailbell, words).exit_code == 0
    cases = folder / "tests.yaml"
    cases.write_text(cases.read_text("utf-8").replace("- example/job", "- example/other"), encoding="utf-8")
    assert CliRunner().invoke(trailbell, words).exit_code == 1


def test_explain_names_them(folder: Path) -> None:
    (folder / "event.json").write_text(json.dumps(record(userIdentity=OTHERS)), encoding="utf-8")
    done = CliRunner().invoke(trailbell, ["explain", str(folder / "event.json"), "--policies", str(folder / "policies")])
    assert "  void      example/job: another account" in done.output.splitlines()


def test_a_prepared_set_knows_what_makes_its_rules_void(folder: Path) -> None:
    sources = [parse_source(path.read_bytes(), path.as_posix()) for path in sorted((folder / "policies").iterdir())]
    prepared = prepare(sources, folder / "policies", None)
    (folder / "prepared.json").write_text(prepared.content, encoding="utf-8")
    (folder / "prepared_code.py").write_text(prepared.code, encoding="utf-8")
    policies = load_prepared(folder / "policies", folder)
    assert policies is not None
    (route, _) = policies.policies[1].routes
    assert VoidReason.ACCOUNT in route.void_for
    assert VoidReason.UNSOUND not in route.void_for
    assert [rule.reason for rule in decided(policies, event(userIdentity=OTHERS)).void] == [VoidReason.ACCOUNT]
