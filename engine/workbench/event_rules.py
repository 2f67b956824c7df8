"""The EventBridge rules that let a policy set's events through: as few as fit into AWS's quota for a pattern.

An example: a file of the scope `["ledger", "payments-*"]` gives one rule whose pattern takes events

    whose request names the bucket             ledger, or a name that begins with payments-
    whose resources name it                    arn:aws:s3:::ledger, arn:aws:s3:::payments-..., and ARNs of other kinds
    that copy something out of it              x-amz-copy-source: ledger/..., /ledger/..., payments-..., /payments-...

and one rule more takes the copies whose source is encoded, or names an access point: only Trailbell can read these.

A pattern may let more through than the scopes, never less: exclusions (`!name`) are left to Trailbell, `?` becomes `*`, and the
key of an object can look like the ARN of a bucket. Forms of patterns:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from engine.errors import TrailbellError
from engine.matching.globs import shape
from engine.pipeline.select import S3_SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.model import PolicySet

Pattern: TypeAlias = dict[str, Any]
"""An event pattern as JSON has it."""

QUOTA: Final = 2048
"""Characters of a pattern. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (adjustable)."""

EVERY_BUCKET: Final = "*"

_OTHER_KINDS: Final = ("s3express", "s3tables", "s3-outposts", "s3-object-lambda")
"""The services in whose ARNs the name of a bucket, or of an access point, stands after a slash."""

_COPIES: Final = ({"wildcard": "*%*"}, {"wildcard": "*arn:*"})


class EventRulesError(TrailbellError):
    """No rules can be made."""


class EventRule(NamedTuple):
    """A pattern, and the globs of the buckets whose events it takes; none where it takes copies whose source is encoded."""

    buckets: tuple[str, ...]
    pattern: Pattern

    @property
    def text(self) -> str:
        """The pattern as EventBridge counts its characters."""
        return as_json(self.pattern)


class RuleSettings(NamedTuple):
    """What rules have in common. `own_role`: the ARN of the function's role, whose events are left out."""

    names: Sequence[str] | None
    partition: str = "aws"
    own_role: str | None = None
    quota: int = QUOTA


def watched_buckets(policies: PolicySet, more: Iterable[str] = ()) -> tuple[str, ...]:
    """The globs of the buckets that the routes of a set are about, sorted, and `more`.

    A file without a `buckets` scope is about whatever arrives, and names none. Raises `EventRulesError` where there is no glob.
    """
    scopes = (policy.buckets for policy in policies.policies if policy.routes and policy.buckets is not None)
    globs = {pattern for scope in (*scopes, more) for pattern in scope}
    if not globs:
        raise EventRulesError(
            "no file with routes has a `buckets` scope: name the buckets, as in --bucket 'acme-*' (--bucket '*' for every bucket)"
        )
    return (EVERY_BUCKET,) if EVERY_BUCKET in globs else tuple(sorted(globs))


def event_rules(buckets: Sequence[str], settings: RuleSettings) -> tuple[EventRule, ...]:
    """The rules that let through the events on some buckets.

    Raises `EventRulesError` where one glob alone is too long for a pattern.
    """
    if EVERY_BUCKET in buckets:
        return (EventRule((EVERY_BUCKET,), _pattern(settings, {})),)
    rules: list[EventRule] = []
    taken: list[str] = []
    for bucket in buckets:
        if taken and not _fits([*taken, bucket], settings):
            rules.append(_rule(taken, settings))
            taken = []
        taken.append(bucket)
        if not _fits(taken, settings):
            raise EventRulesError(
                f"the pattern for {bucket} is longer than {settings.quota} characters:"
                " select fewer event names, or have AWS raise the quota and name it with --quota"
            )
    encoded = {"requestParameters": {"x-amz-copy-source": list(_COPIES)}}
    return (*rules, _rule(taken, settings), EventRule((), _pattern(settings, encoded)))


def as_json(content: object) -> str:
    """JSON without spaces: EventBridge counts them."""
    return json.dumps(content, separators=(",", ":"))


def _fits(buckets: Sequence[str], settings: RuleSettings) -> bool:
    return len(_rule(buckets, settings).text) <= settings.quota


def _rule(buckets: Sequence[str], settings: RuleSettings) -> EventRule:
    resources = [test for bucket in buckets for test in _arns(bucket, settings.partition)]
    any_of = [
        {"requestParameters": {"bucketName": [_test("", bucket, "") for bucket in buckets]}},
        {"resources": {"ARN": resources}},
        {"requestParameters": {"x-amz-copy-source": [test for bucket in buckets for test in _sources(bucket)]}},
    ]
    return EventRule(tuple(buckets), _pattern(settings, {"$or": any_of}))


def _arns(bucket: str, partition: str) -> Iterator[object]:
    """Tests of the ARNs in which a bucket's name stands. Some records name objects of S3 alone, and not their bucket."""
    start = f"arn:{partition}:s3:::"
    kind, name = shape(bucket)
    yield from (_test(start, bucket, after) for after in (("",) if kind == "prefix" else ("", "/*")))
    if kind == "equals":
        yield {"suffix": f"/{name}"}
    else:
        yield from (_test(f"arn:{partition}:{service}:*/", bucket, "") for service in _OTHER_KINDS)


def _sources(bucket: str) -> Iterator[object]:
    """Tests of `x-amz-copy-source`, which names bucket and key, with or without a slash before them."""
    yield from (_test(start, bucket, "/*") for start in ("", "/"))


def _test(before: str, bucket: str, after: str) -> object:
    """The test of a text that has what a glob matches between two others, by EventBridge's simplest operator for it."""
    text = re.sub(r"\*{2,}", "*", f"{before}{bucket}{after}".replace("?", "*"))
    kind, name = shape(text)
    if kind == "equals":
        return name
    return {kind: name} if kind in ("prefix", "suffix") else {"wildcard": text}


def _pattern(settings: RuleSettings, condition: Pattern) -> Pattern:
    detail: Pattern = {}
    if settings.names is not None:
        detail["eventName"] = list(settings.names)
    if settings.own_role is not None:
        issuer = {"arn": [{"anything-but": settings.own_role}, {"exists": False}]}
        detail["userIdentity"] = {"sessionContext": {"sessionIssuer": issuer}}
    sources = [f"aws.{source.removesuffix('.amazonaws.com')}" for source in S3_SOURCES]
    return {"source": sources, "detail-type": ["AWS API Call via CloudTrail"], "detail": {**detail, **condition}}


# --- as a stack -----------------------------------------------------------------------------------------------------------------

_SENDER: Final = "trailbell-rules-${AWS::Region}"
"""A role's name holds in all regions of an account, so it has the region in it."""


def stack(rules: Sequence[EventRule]) -> Pattern:
    """A CloudFormation template that sends what the rules take to the bus of Trailbell's stack, from any account and region.

    What cannot be sent within a day stays in a queue of dead letters, with an alarm where a topic is given.
    """
    numbered = {f"Rule{number}": _resource(rule) for number, rule in enumerate(rules, 1)}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Sends S3 data events to Trailbell. Made by `trailbell rules`: make it again, do not edit it.",
        "Parameters": {
            "EventBusArn": {
                "Type": "String",
                "AllowedPattern": "^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._-]+$",
                "Description": "The output EventBusArn of Trailbell's stack.",
            },
            "EventBusName": {
                "Type": "String",
                "Default": "default",
                "Description": "The bus of this account and region that has CloudTrail's events.",
            },
            "AlarmTopicArn": {
                "Type": "String",
                "Default": "",
                "Description": "A topic in this region that hears when events cannot be sent.",
            },
        },
        "Conditions": {"HasTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}},
        "Resources": {**numbered, "Sender": _sender(), **_dead_letters(list(numbered))},
    }


def _resource(rule: EventRule) -> Pattern:
    target = {
        "Id": "trailbell",
        "Arn": {"Ref": "EventBusArn"},
        "RoleArn": {"Fn::GetAtt": ["Sender", "Arn"]},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
    }
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventBusName": {"Ref": "EventBusName"},
            "Description": "S3 data events for Trailbell",
            "EventPattern": rule.pattern,
            "Targets": [target],
        },
    }


def _sender() -> Pattern:
    """The role under which EventBridge sends."""
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Fn::Sub": _SENDER},
            "AssumeRolePolicyDocument": _policy(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                }
            ),
            "Policies": [
                {
                    "PolicyName": "send",
                    "PolicyDocument": _policy(
                        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": {"Ref": "EventBusArn"}}
                    ),
                }
            ],
        },
    }


def _dead_letters(rules: Sequence[str]) -> Pattern:
    arn = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    sends = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": [rule, "Arn"]} for rule in rules]}},
    }
    topic = {"Fn::If": ["HasTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    return {
        "DeadLetters": {
            "Type": "AWS::SQS::Queue",
            "UpdateReplacePolicy": "Retain",
            "DeletionPolicy": "Retain",
            "Properties": {"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": True},
        },
        "DeadLettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "DeadLetters"}], "PolicyDocument": _policy(sends)},
        },
        "NotSent": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmDescription": "S3 data events could not be sent to Trailbell: they are in the queue of dead letters.",
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}],
                "Statistic": "Maximum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 0,
                "TreatMissingData": "notBreaching",
                "AlarmActions": topic,
            },
        },
    }


def _policy(statement: Pattern) -> Pattern:
    return {"Version": "2012-10-17", "Statement": [statement]}
