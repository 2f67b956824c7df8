"""Mutes and silences that hold and are void: of which events, why, and who says so."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders import NOW, event, record
from click.testing import CliRunner

from engine import __version__
from engine.active_policies import FixedPolicies, accepted, not_allowed
from engine.cli import trailbell
from engine.lint.registry import BASE, HEADER
from engine.matching.checks import Trees
from engine.model import Deployment, HttpResponse, PolicySet, Ports, VoidReason
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide, decide_reference
from engine.pipeline.setting import Setting
from engine.policy.load import check, read, read_set
from engine.policy.prepared import load_prepared, prepare
from engine.policy.quieter import QuieterRules
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from engine.model import Event, Verdict

HOME = Path(__file__).parent / "quieter"
UNSOUND = yaml.safe_load((HOME / "rules.yaml").read_text("utf-8"))["unsound"]
ANALYSIS = QuieterRules([source.root.value for source in read(HOME / "actors.yaml") if source.root], Trees())

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


WRITER = """
actors:
  - class: writer
    kind: robot
    evidence:
      - {id: by-role, says: its role, strength: attested, when: actor.role == 'nightly'}
      - {id: by-bucket, says: its bucket, strength: claimed, when: "actor.session == 'run' && actor.role == 'nightly' && TEST"}
"""


@RULES
@pytest.mark.parametrize(
    "test",
    [
        "bucket == 'payments-prod'",
        "!(bucket != 'payments-prod')",
        "requestParameters.bucketName == 'payments-prod'",
        "requestParameters.Host == 'payments-prod.s3.amazonaws.com'",
        "tlsDetails.clientProvidedHostHeader == 'payments-prod.s3.amazonaws.com'",
        "resources[0].ARN == 'arn:aws:s3:::payments-prod'",
        "regex(to_string(requestParameters), 'payments-prod')",
        "regex(to_string(@), 'payments-prod')",
    ],
)
def test_a_bucket_is_tested_however_it_is_written_and_by_evidence_too(rule: Any, test: str) -> None:
    rules = [rule(f"{ROLE} && {test}"), WRITER.replace("TEST", test.replace('"', "'")) + rule("actor.class == 'writer'")]
    for written in rules:
        policies = compiled(written)
        made = [route for policy in policies.policies for route in (*policy.routes, *policy.silences) if route.id == "job"]
        assert [VoidReason.BUCKET in one.void_for for one in made] == [True]


@RULES
@pytest.mark.parametrize("parameters", [{}, {"x-amz-copy-source": ["payments-prod/a"]}, {"X-Amz-Copy-Source": "payments-prod/a"}])
def test_a_rule_about_a_bucket_is_void_for_a_copy_whose_source_cannot_be_read(rule: Any, parameters: dict[str, Any]) -> None:
    made = copied("payments-prod")
    made.record["requestParameters"] = {"bucketName": "payments-prod", "key": "b", **parameters}
    assert answer(rule(f"bucket == 'payments-prod' && {ROLE}"), made) == (False, [("example/job", "another bucket")])


@RULES
@pytest.mark.parametrize("resources", [None, [], [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payments-prod/a"}]])
def test_a_role_of_the_same_name_in_a_partners_own_trail_is_heard(rule: Any, resources: object) -> None:
    made = event(userIdentity=OTHERS, recipientAccountId="444455556666", resources=resources)
    assert answer(rule(ROLE), made) == (False, [("example/job", "another account")])


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
    assert VoidReason.NOT_ALLOWED not in route.void_for
    assert [rule.reason for rule in decided(policies, event(userIdentity=OTHERS)).void] == [VoidReason.ACCOUNT]


# --- a set that is in force already -----------------------------------------------------------------------------------------


def unsound(folder: Path) -> Path:
    """The same set with a mute by a claim alone, as an engine before allowed it."""
    (folder / "policies/example.yaml").write_text(HEADER + mute("actor.session == 'run'"), encoding="utf-8")
    return folder / "policies"


def test_a_published_set_with_such_a_rule_is_accepted_and_the_rule_is_void(folder: Path) -> None:
    policies = accepted(read_set(unsound(folder)), None)
    assert not_allowed(policies) == ("example/job",)
    assert [rule.reason for rule in decided(policies, event(userIdentity=NIGHTLY)).void] == [VoidReason.NOT_ALLOWED]


@pytest.mark.parametrize("words", [["lint"], ["test", "tests.yaml", "--policies"], ["decide", "event.json", "--policies"]])
def test_lint_test_and_decide_refuse_it(folder: Path, words: list[str]) -> None:
    policies = str(unsound(folder))
    (folder / "event.json").write_text(json.dumps(record()), encoding="utf-8")
    done = CliRunner().invoke(trailbell, [str(folder / word) if "." in word else word for word in words] + [policies])
    assert done.exit_code == 1
    assert "TB405" in done.output


def test_lint_engine_lists_what_an_upgrade_makes_void_and_what_would_mend_it(folder: Path) -> None:
    done = CliRunner().invoke(trailbell, ["lint", str(unsound(folder)), "--engine"])
    assert done.exit_code == 1
    assert "this mute does not pin its caller where actor.session == 'run'" in done.output
    assert "also test who calls: actor.role == '…'" in done.output
    assert f"1 mutes and silences are void under Trailbell {__version__}" in done.output


def test_lint_engine_says_nothing_of_a_set_whose_rules_pin(folder: Path) -> None:
    done = CliRunner().invoke(trailbell, ["lint", str(folder / "policies"), "--engine"])
    assert (done.exit_code, done.stdout) == (0, "")


def test_it_is_told_once_a_day_and_counted(folder: Path) -> None:
    policies = accepted(read_set(unsound(folder)), None)
    posted, days = [], [NOW, NOW, NOW + timedelta(days=1)]
    world = Ports(
        post=lambda _, body, __: posted.append(json.loads(body)) or HttpResponse(200, "ok"),
        webhook=lambda *_: "https://hooks.slack.com/services/T/B/X",
        emit=lambda _: None,
        now=lambda: days[0],
        elapsed=lambda: 0.0,
        sleep=lambda _: None,
        remaining=lambda: 60.0,
    )
    fixed = FixedPolicies(Setting(policies, Deployment(), None))
    while days:
        fixed.post_notices(world)
        days.pop(0)
    assert len(posted) == 2
    assert all("example/job" in json.dumps(message) for message in posted)
    assert all("trailbell lint --engine" in json.dumps(message) for message in posted)


# --- what the linter offers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", [rule for rule in UNSOUND if set(rule["codes"]) <= {"TB404", "TB405"}], ids=lambda rule: rule["why"]
)
def test_the_test_that_a_finding_offers_pins_the_caller(rule: dict[str, Any]) -> None:
    (problem,) = ANALYSIS.judge(rule, (), "mute").problems
    offered = re.search(r"(?:calls|such as|about)[:,]? (?:such as )?([^;]+)", problem.instead)
    if offered is None:
        assert "everyone: true" in problem.instead
        return
    when = [rule["when"]] if isinstance(rule["when"], str) else rule["when"]
    mended = {"when": [*when, offered[1].replace("…", "payments")]}
    assert [left.code for left in ANALYSIS.judge(mended, (), "mute").problems] == []
