"""The rules of a policy set: nothing that a scope wants is stopped, little else comes through, and each fits into the quota."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from builders import policy, policy_set, record, route
from click.testing import CliRunner
from event_patterns import matches
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from repository import ROOT
from templates import linted

from engine.cli import trailbell
from engine.pipeline.decide.reference import in_scope
from engine.pipeline.facts import derive_facts
from engine.pipeline.facts.target import record_scope
from engine.policy.fact_layout import TARGET
from engine.policy.load import load
from engine.workbench.event_rules import QUOTA, EventRulesError, RuleSettings, event_rules, watched_buckets

if TYPE_CHECKING:
    from pathlib import Path

    from engine.workbench.event_rules import EventRule

NAMES = ("GetObject", "CopyObject", "PutObject")
PLAIN = RuleSettings(NAMES)
BUCKETS = ("ledger", "ledgers", "payments-eu", "payments-us", "web", "acme-logs", "other")
GLOBS = ("ledger", "payments-*", "*-logs", "pay*-us", "we?", "acme-*", "*e*s")


def arns(bucket: str) -> list[str]:
    """The ARNs that name a bucket, by its kind."""
    of = "eu-west-1:111122223333"
    return [
        f"arn:aws:s3:::{bucket}",
        f"arn:aws:s3:::{bucket}/a/b",
        f"arn:aws:s3express:{of}:bucket/{bucket}",
        f"arn:aws:s3tables:{of}:bucket/{bucket}",
        f"arn:aws:s3-outposts:{of}:outpost/op-1/bucket/{bucket}",
    ]


buckets = st.sampled_from(BUCKETS)
sources = st.builds(
    lambda form, bucket: form.replace("BUCKET", bucket),
    st.sampled_from(
        [
            "BUCKET/a",
            "/BUCKET/a?versionId=1",
            "%2FBUCKET/a",
            "BUCKET%2Fa",
            "arn:aws:s3:eu-west-1:111122223333:accesspoint/x/object/a",
        ]
    ),
    buckets,
)
events = st.builds(
    lambda requested, named, source: record(
        eventName="GetObject" if source is None else "CopyObject",
        requestParameters={"bucketName": requested, "key": "k", **({} if source is None else {"x-amz-copy-source": source})},
        resources=[{"type": "AWS::S3::Bucket", "ARN": arn} for arn in named],
    ),
    buckets | st.just("arn:aws:s3:eu-west-1:111122223333:accesspoint/point"),
    st.lists(buckets.flatmap(lambda bucket: st.sampled_from(arns(bucket))), max_size=2),
    st.none() | sources,
)


def takes(rules: tuple[EventRule, ...], detail: dict[str, Any]) -> bool:
    """Whether one of the rules takes an event."""
    source = f"aws.{detail['eventSource'].removesuffix('.amazonaws.com')}"
    event = {"source": source, "detail-type": "AWS API Call via CloudTrail", "detail": detail}
    return any(matches(json.loads(rule.text), [event]) for rule in rules)


def wanted(globs: list[str], detail: dict[str, Any]) -> bool:
    """Whether a scope has a bucket that the record names."""
    _, named, recipient = record_scope(detail, derive_facts(detail)[TARGET])
    return in_scope(policy("p", buckets=tuple(globs)), named, recipient)


def rules_for(globs: list[str]) -> tuple[EventRule, ...]:
    return event_rules(watched_buckets(policy_set(policy("p", route("r"), buckets=tuple(globs)))), PLAIN)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(GLOBS), min_size=1, max_size=3, unique=True), events)
def test_what_a_scope_wants_is_let_through(globs: list[str], detail: dict[str, Any]) -> None:
    assert takes(rules_for(globs), detail) >= wanted(globs, detail)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([glob for glob in GLOBS if "?" not in glob]), min_size=1, max_size=3, unique=True), events)
def test_what_it_does_not_want_is_stopped_but_for_copies_whose_source_is_encoded(
    globs: list[str], detail: dict[str, Any]
) -> None:
    source = detail["requestParameters"].get("x-amz-copy-source", "")
    assume("%" not in source and "arn:" not in source)
    assert takes(rules_for(globs), detail) == wanted(globs, detail)


def test_rules_for_two_hundred_buckets_fit_into_the_quota_and_name_each_bucket_once() -> None:
    globs = [f"acme-team-{number:03}-data" for number in range(200)]
    names = load(ROOT / "tests/base/policies").selection.names
    assert names is not None
    rules = event_rules(globs, RuleSettings(sorted(names), own_role="arn:aws:iam::111122223333:role/trailbell"))
    assert [bucket for rule in rules for bucket in rule.buckets] == globs
    assert max(len(rule.text) for rule in rules) <= QUOTA
    rule = rules[0]
    assert len(event_rules([*rule.buckets, globs[len(rule.buckets)]], RuleSettings(sorted(names)))) > len(
        event_rules(rule.buckets, RuleSettings(sorted(names)))
    )


def test_what_trailbell_itself_does_is_left_out() -> None:
    role = "arn:aws:iam::111122223333:role/trailbell"
    rules = event_rules(["ledger"], PLAIN._replace(own_role=role))
    for arn, taken in ((role, False), (f"{role}-reader", True)):
        identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": arn}}}
        assert takes(rules, record(requestParameters={"bucketName": "ledger"}, userIdentity=identity)) == taken


def test_every_bucket_is_one_rule() -> None:
    policies = policy_set(policy("p", route("r"), buckets=("ledger",)))
    (rule,) = event_rules(watched_buckets(policies, ["*"]), PLAIN)
    assert takes((rule,), record(requestParameters={"bucketName": "anything"}))
    assert not takes((rule,), record(eventName="HeadBucket"))


def test_files_that_route_nothing_and_files_without_a_scope_name_no_bucket() -> None:
    policies = policy_set(policy("a", buckets=("silent",)), policy("b", route("r")))
    assert watched_buckets(policies, ["ledger"]) == ("ledger",)
    with pytest.raises(EventRulesError, match="--bucket"):
        watched_buckets(policies)


def test_a_bucket_that_fits_into_no_pattern_is_refused() -> None:
    with pytest.raises(EventRulesError, match="longer than 2048 characters"):
        event_rules(["a" * 600], PLAIN)


# --- the command --------------------------------------------------------------------------------------------------------------

TOUR = ROOT / "examples/tour/policies"


def output(*arguments: str) -> str:
    done = CliRunner().invoke(trailbell, ["rules", "--policies", str(TOUR), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_prints_each_rule_with_its_size() -> None:
    lines = output("--bucket", "more-*").splitlines()
    assert re.fullmatch(r"rule 1 +[0-9]+ characters  analytics-\*, ledger, more-\*, payments-\*, web-assets", lines[0])
    assert lines[-1].endswith("copies whose source is encoded or an access point")


def test_the_patterns_are_json() -> None:
    patterns = json.loads(output("--format", "json"))
    assert all(pattern["detail-type"] == ["AWS API Call via CloudTrail"] for pattern in patterns)
    assert "payments-" in json.dumps(patterns[0])


def test_the_template_is_valid_and_sends_each_pattern_to_the_bus(tmp_path: Path) -> None:
    made = output("--format", "template")
    path = tmp_path / "rules.json"
    path.write_text(made)
    assert linted(path, "--regions", "eu-west-1") == (0, "")
    resources = json.loads(made)["Resources"]
    patterns = [one["Properties"]["EventPattern"] for one in resources.values() if one["Type"] == "AWS::Events::Rule"]
    assert patterns == json.loads(output("--format", "json"))
    for one in resources.values():
        if one["Type"] == "AWS::Events::Rule":
            (target,) = one["Properties"]["Targets"]
            assert target["Arn"] == {"Ref": "EventBusArn"}
            assert set(target) == {"Id", "Arn", "RoleArn", "DeadLetterConfig", "RetryPolicy"}


def test_the_rules_reach_the_bus_of_trailbells_stack_by_the_same_steps_in_both_languages() -> None:
    resources = json.loads(output("--format", "template"))["Resources"]
    module = (ROOT / "deploy/terraform/rules/main.tf").read_text("utf-8")
    kinds = {"AWS::Events::Rule", "AWS::IAM::Role", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::CloudWatch::Alarm"}
    assert {one["Type"] for one in resources.values()} == kinds
    made = set(re.findall(r'^resource "aws_(\w+)"', module, re.MULTILINE))
    rule_parts = {"cloudwatch_event_rule", "cloudwatch_event_target"}
    assert made == {*rule_parts, "iam_role", "iam_role_policy", "sqs_queue", "sqs_queue_policy", "cloudwatch_metric_alarm"}
    (policy,) = resources["Sender"]["Properties"]["Policies"]
    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": {"Ref": "EventBusArn"}}
    ]
    assert re.search(r'actions += \["events:PutEvents"\]\n +resources = \[var\.event_bus_arn\]', module)


def test_the_page_has_the_commands_that_make_them() -> None:
    page = (ROOT / "docs/organization.md").read_text("utf-8")
    lines = re.findall(r"\$ (trailbell rules [^>\n]+)", page)
    assert len(lines) == 2
    for line in lines:
        done = CliRunner().invoke(trailbell, [*shlex.split(line)[1:], "--policies", str(TOUR)])
        assert done.exit_code == 0, done.output
