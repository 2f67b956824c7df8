"""Which link of a deployed chain is broken."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from builders import NOW, channel, policy, policy_set, route
from moto.server import ThreadedMotoServer

from engine.edge.stack import read_stack
from engine.errors import StackError
from engine.model import IncidentRule, WebhookRef
from engine.model.stack import StackState
from engine.workbench.doctor import Health, diagnose, named_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "arn:aws:sns:eu-west-1:111122223333:pager"
SOUND = StackState(
    rule_enabled=True,
    rule_buckets=frozenset({"payments-prod"}),
    rule_events=None,
    rule_targets=1,
    trail_prefixes=frozenset({"arn:aws:s3:::payments-prod/"}),
    function_state="Active",
    environment=frozenset({"SLACK_WEBHOOK_URL"}),
    queue_enabled=True,
    waiting=0,
    dead=0,
    oldest=None,
    secrets={},
    parameters={},
    topics={TOPIC: True},
    has_table=True,
    index_active=True,
    schedule_enabled=True,
    oldest_owed=0,
    owed={"watch": 3},
    last_event=NOW,
    foreign=0,
    direct=False,
    unread={},
)
CHANNELS = {"watch": channel("watch"), "pager": channel("pager")._replace(webhook=WebhookRef(sns=TOPIC))}
POLICIES = policy_set(policy("p", route("r"), buckets=("payments-prod", "ledger-*")), channels=CHANNELS)


def broken(**changes: Any) -> list[str]:
    return [link.name for link in diagnose(SOUND._replace(**changes), POLICIES, NOW) if link.health is Health.BROKEN]


def test_every_link_of_a_sound_stack_holds() -> None:
    assert {link.health for link in diagnose(SOUND, POLICIES, NOW)} == {Health.OK}


def test_only_buckets_named_in_full_can_be_looked_for() -> None:
    assert named_buckets(POLICIES) == ("payments-prod",)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"trail_prefixes": frozenset({"arn:aws:s3:::other/"})}, "trail records payments-prod"),
        ({"rule_enabled": False}, "rule is enabled"),
        ({"rule_targets": 0}, "rule has a target"),
        ({"rule_buckets": frozenset({"other"})}, "rule lets each bucket through"),
        ({"dead": 3}, "no dead letters"),
        ({"queue_enabled": False}, "queue is read"),
        ({"waiting": 9, "oldest": 4000}, "queue drains"),
        ({"function_state": "Inactive"}, "function is active"),
        ({"environment": frozenset()}, "webhook of watch"),
        ({"topics": {TOPIC: False}}, "topic of pager"),
        ({"index_active": False}, "what is owed is found"),
        ({"schedule_enabled": False}, "what is owed is sent"),
        ({"oldest_owed": None}, "what is owed is sent"),
        ({"owed": {"watch": 4_000}}, "watch takes messages"),
        ({"last_event": None}, "an event came recently"),
        ({"foreign": 3}, "only CloudTrail's events come"),
    ],
)
def test_a_broken_link_is_named_and_has_a_remedy(changes: dict[str, Any], name: str) -> None:
    links = {link.name: link for link in diagnose(SOUND._replace(**changes), POLICIES, NOW)}
    assert broken(**changes) == [name]
    assert links[name].remedy


def test_without_a_table_incidents_are_named_that_last_for_one_batch() -> None:
    assert broken(has_table=False) == []
    policies = POLICIES._replace(channels={"watch": channel("watch", incident=IncidentRule())})
    links = diagnose(SOUND._replace(has_table=False), policies, NOW)
    assert [(link.name, link.seen) for link in links if link.health is Health.BROKEN] == [
        ("incidents last", "without a table each is one batch: watch")
    ]


def test_a_stack_that_follows_published_sets_needs_the_table_to_know_older_ones() -> None:
    name, follows = "older policy sets are refused", SOUND.environment | {"TRAILBELL_POLICIES_KEY"}  # type: ignore[operator]
    assert name not in [link.name for link in diagnose(SOUND, POLICIES, NOW)]
    assert broken(environment=follows, has_table=False) == [name]
    sound = {link.name: link.health for link in diagnose(SOUND._replace(environment=follows), POLICIES, NOW)}
    assert sound[name] is Health.OK


def test_what_could_not_be_read_is_unknown_and_not_sound() -> None:
    links = {
        link.name: link for link in diagnose(SOUND._replace(trail_prefixes=None, unread={"trail": "AccessDenied"}), POLICIES, NOW)
    }
    assert links["trail"].health is Health.UNKNOWN
    assert "AccessDenied" in links["trail"].seen


def test_a_trail_of_every_bucket_records_each() -> None:
    assert broken(trail_prefixes=frozenset({"arn:aws:s3"})) == []


def _classic(which: str) -> dict[str, Any]:
    values = ["arn:aws:s3:::payments-prod/"]
    return {"ReadWriteType": which, "DataResources": [{"Type": "AWS::S3::Object", "Values": values}]}


def _function() -> str:
    """The name of the stack's function."""
    resources = boto3.client("cloudformation").list_stack_resources(StackName="trailbell")["StackResourceSummaries"]
    return next(str(one["PhysicalResourceId"]) for one in resources if one["LogicalResourceId"] == "Function")


EMPTY = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


# --- against AWS's interfaces ----------------------------------------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield
    server.stop()


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto makes no alarms and no saved queries
@pytest.mark.usefixtures("aws")
def test_a_stack_made_from_the_template_is_read_as_it_is() -> None:
    boto3.client("s3").create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("s3").put_object(Bucket="code", Key="t.zip", Body=_empty_zip())
    template = (Path(__file__).parent.parent / "deploy" / "template.yaml").read_text(encoding="utf-8")
    wanted = {
        "BucketNames": "payments-prod,ledger",
        "EventNames": "GetObject,PutObject",
        "CodeBucket": "code",
        "CodeKey": "t.zip",
        "SlackWebhookUrl": "https://hooks.slack.com/services/T/B/x",
    }
    boto3.client("cloudformation").create_stack(
        StackName="trailbell",
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in wanted.items()],
    )
    boto3.client("secretsmanager").create_secret(Name="trailbell/slack", SecretString="{}")
    refs = [
        WebhookRef(secret="trailbell/slack", key="a"),  # noqa: S106  a name
        WebhookRef(secret="trailbell/none", key="a"),  # noqa: S106  a name
        WebhookRef(parameter="/trailbell/x"),
        WebhookRef(sns=boto3.client("sns").create_topic(Name="pager")["TopicArn"]),
        WebhookRef(sns=TOPIC),
    ]
    boto3.client("cloudwatch").put_metric_data(
        Namespace="Trailbell",
        MetricData=[
            {
                "MetricName": "OldestOwedSeconds",
                "Dimensions": dimensions,
                "Value": seconds,
                "Timestamp": NOW - timedelta(minutes=2),
            }
            for dimensions, seconds in (
                ([{"Name": "Function", "Value": _function()}], 70),
                ([{"Name": "Function", "Value": _function()}, {"Name": "Channel", "Value": "channel-0"}], 70),
            )
        ],
    )
    channels = [channel(f"channel-{number}")._replace(webhook=ref) for number, ref in enumerate(refs)]
    state = read_stack("trailbell", channels, NOW, boto3.client)
    assert state.rule_enabled
    assert state.rule_buckets == {"payments-prod", "ledger"}
    assert "GetObject" in (state.rule_events or ())
    assert state.rule_targets == 1
    assert state.queue_enabled
    assert (state.waiting, state.dead) == (0, 0)
    assert "SLACK_WEBHOOK_URL" in (state.environment or ())
    assert state.secrets == {"trailbell/slack": True, "trailbell/none": False}
    assert state.parameters == {"/trailbell/x": False}
    assert (state.has_table, state.index_active, state.schedule_enabled) == (True, True, True)
    assert (state.oldest_owed, state.owed) == (70, {"channel-0": 70})
    assert state.topics == {refs[-2].sns: True, TOPIC: False}


OBJECTS = {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("selectors", "prefixes"),
    [
        ({"EventSelectors": [_classic("All")]}, {"arn:aws:s3:::payments-prod/"}),
        ({"EventSelectors": [_classic("WriteOnly")]}, set()),
        ({"AdvancedEventSelectors": [{"Name": "a", "FieldSelectors": [OBJECTS]}]}, {"arn:aws:s3"}),
        (
            {"AdvancedEventSelectors": [{"Name": "a", "FieldSelectors": [OBJECTS, {"Field": "readOnly", "Equals": ["false"]}]}]},
            set(),
        ),
    ],
    ids=["all", "writes alone", "every object", "writes of every object"],
)
def test_a_trail_counts_that_records_reads_too(selectors: dict[str, Any], prefixes: set[str]) -> None:
    name, trails = f"trail-{uuid.uuid4().hex[:8]}", boto3.client("cloudtrail")
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    trails.create_trail(Name=name, S3BucketName=name)
    trails.start_logging(Name=name)
    trails.put_event_selectors(TrailName=name, **selectors)
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=EMPTY)
    state = read_stack(name, [], NOW, boto3.client)
    trails.delete_trail(Name=name)
    assert state.trail_prefixes == prefixes


@pytest.mark.usefixtures("aws")
def test_a_stack_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises(StackError, match="nowhere"):
        read_stack("nowhere", [], NOW, boto3.client)


def _empty_zip() -> bytes:
    return b"PK\x05\x06" + bytes(18)


def test_without_a_region_the_error_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "absent")
    with pytest.raises(StackError, match="are credentials and a region set"):
        read_stack("trailbell", (), NOW, boto3.session.Session().client)
