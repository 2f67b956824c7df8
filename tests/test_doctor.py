"""Which link of a deployed chain is broken."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
import pytest
from builders import NOW, channel, policy, policy_set, route
from click.testing import CliRunner
from deployed_stack import AnsweredElsewhere, DeployedStack
from moto.server import ThreadedMotoServer
from templates import for_moto

from engine.cli import trailbell
from engine.edge.stack import read_stack
from engine.edge.stack_archive import read_archive
from engine.edge.stack_parts import NO_ACCOUNT
from engine.errors import StackError
from engine.model import IncidentRule, WebhookRef
from engine.model.stack import AlarmState, ArchiveState, Denial, LiveVersion, ProbeState, SelfTestAnswer, StackState
from engine.policy.scopes import named_buckets
from engine.workbench.chain_links import ChainLink, Health
from engine.workbench.doctor import diagnose
from engine.workbench.stack_watch import ALARMS, QUEUED_ALARMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOPIC = "arn:aws:sns:eu-west-1:111122223333:pager"
RULE, QUEUE, DEAD, FUNCTION, MINUTE, PROBE, ROLE = (
    f"arn:aws:{rest}"
    for rest in (
        "events:eu-west-1:111122223333:rule/trailbell",
        "sqs:eu-west-1:111122223333:queue",
        "sqs:eu-west-1:111122223333:dead",
        "lambda:eu-west-1:111122223333:function:trailbell",
        "events:eu-west-1:111122223333:rule/minute",
        "events:eu-west-1:111122223333:rule/probe",
        "iam::111122223333:role/trailbell",
    )
)


def lets(service: str, *actions: str, source: str | None = None) -> str:
    """A resource policy."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Statement": [statement | ({"Condition": {"ArnEquals": {"aws:SourceArn": source}}} if source else {})]})


KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
EVENTS = "events.amazonaws.com"
ARCHIVE = ArchiveState("archive", True, True, "kept", 365, 1.0)  # noqa: FBT003
SOUND = StackState(
    parts={
        "Rule": "trailbell",
        "Queue": "https://sqs/queue",
        "DeadLetters": "https://sqs/dead",
        "Function": "trailbell",
        "Live": f"{FUNCTION}:live",
        "FromQueue": "u",
        "ArchiveStream": "archive",
        "EveryMinute": "minute",
        "EveryFiveMinutes": "probe",
        "Deliveries": "t",
        "Logs": "/trailbell",
        "Role": "trailbell",
    },
    arns={
        "Rule": RULE,
        "Queue": QUEUE,
        "DeadLetters": DEAD,
        "Function": FUNCTION,
        "Role": ROLE,
        "EveryMinute": MINUTE,
        "EveryFiveMinutes": PROBE,
    },
    terraform=False,
    trail_errors={"trail": ""},
    documents={
        "Queue": lets(EVENTS, "sqs:SendMessage", source=RULE),
        "DeadLetters": lets(EVENTS, "sqs:SendMessage", source=RULE),
        "Function": lets(EVENTS, "lambda:InvokeFunction", source="arn:aws:events:eu-west-1:111122223333:rule/*"),
        f"key {KEY}": lets(EVENTS, "kms:*"),
        "bucket logs": lets("cloudtrail.amazonaws.com", "s3:PutObject"),
        "versions policies": "Enabled",
    },
    keys={KEY: "Enabled"},
    denials=(),
    table_active=True,
    retention=365,
    alarms={metric: AlarmState(f"trailbell-{metric[1]}", True, (TOPIC,), False) for metric in (*ALARMS, *QUEUED_ALARMS)},  # noqa: FBT003
    listeners={TOPIC: 1},
    set_age=3_600,
    refused=0,
    answer=SelfTestAnswer("abc", {"watch": ""}, "", {"payments-prod": 1_700_000_000}),
    rule_enabled=True,
    rule_buckets=frozenset({"payments-prod"}),
    rule_events=None,
    rule_targets=frozenset({QUEUE}),
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
    archive=ARCHIVE,
    live=LiveVersion("4", "3", True),  # noqa: FBT003
    probe=ProbeState(True, 4, 0),  # noqa: FBT003
    direct=False,
    unread={},
)
CHANNELS = {"watch": channel("watch"), "pager": channel("pager")._replace(webhook=WebhookRef(sns=TOPIC))}
POLICIES = policy_set(policy("p", route("r"), buckets=("payments-prod", "ledger-*")), channels=CHANNELS)


LOOSE = SOUND.alarms[ALARMS[0]]  # type: ignore[index]


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
        ({"rule_targets": frozenset({DEAD})}, "rule has a target"),
        ({"documents": {**SOUND.documents, "Queue": ""}}, "rule may send to the queue"),
        (
            {"documents": {**SOUND.documents, "DeadLetters": lets(EVENTS, "sqs:*", source=MINUTE)}},
            "rule may send dead letters",
        ),
        (
            {"documents": {**SOUND.documents, "Function": lets(EVENTS, "lambda:InvokeFunction", source=PROBE)}},
            "schedule may start the function",
        ),
        (
            {"documents": {**SOUND.documents, "Function": lets(EVENTS, "lambda:InvokeFunction", source=MINUTE)}},
            "schedule may start the probe",
        ),
        ({"probe": ProbeState(False, 4, 0)}, "probe arrives"),  # noqa: FBT003
        ({"probe": ProbeState(True, None, 0)}, "probe arrives"),  # noqa: FBT003
        ({"probe": ProbeState(True, None, 3)}, "probe arrives"),  # noqa: FBT003
        ({"probe": None, "unread": {"probe": "ResourceNotFoundException"}}, "probe arrives"),
        ({"documents": {**SOUND.documents, f"key {KEY}": lets(EVENTS, "kms:Decrypt")}}, "EventBridge may use key k"),
        ({"documents": {**SOUND.documents, "bucket logs": ""}}, "bucket logs takes log files"),
        ({"documents": {**SOUND.documents, "versions policies": "Suspended"}}, "bucket policies keeps versions of the policies"),
        ({"keys": {KEY: "PendingDeletion"}}, "key k is enabled"),
        ({"trail_errors": {"main": "AccessDenied"}}, "trail main writes its log files"),
        ({"denials": (Denial("reads the queue", "sqs:ReceiveMessage", QUEUE),)}, "role reads the queue"),
        ({"denials": None, "unread": {"role": "NoSuchEntity"}}, "function has its role"),
        ({"table_active": None, "unread": {"table": "ResourceNotFoundException"}}, "table of deliveries is there"),
        ({"schedule_enabled": None, "unread": {"schedule": "ResourceNotFoundException"}}, "what is owed is sent"),
        ({"retention": None, "unread": {"log group": "KeyError"}}, "audit records are kept"),
        ({"retention": 0}, "audit records are kept"),
        ({"alarms": {**SOUND.alarms, ALARMS[0]: LOOSE._replace(enabled=False)}}, "alarms are on"),  # type: ignore[dict-item]
        ({"alarms": {**SOUND.alarms, ALARMS[0]: LOOSE._replace(actions=())}}, "somebody hears the alarms"),  # type: ignore[dict-item]
        ({"alarms": {**SOUND.alarms, ALARMS[0]: LOOSE._replace(rings=True)}}, "no alarm rings"),  # type: ignore[dict-item]
        ({"alarms": {**SOUND.alarms, ALARMS[0]: LOOSE._replace(threshold=9.0)}}, "alarms ring when they should"),  # type: ignore[dict-item]
        ({"alarms": dict.fromkeys(ALARMS, LOOSE)}, "everything has an alarm"),
        ({"listeners": {TOPIC: 0}}, "topic pager has a listener"),
        ({"answer": SelfTestAnswer("", {}, "", {}, "PolicySetError")}, "function answers"),
        ({"answer": None, "unread": {"self-test": "KeyError"}}, "function answers"),
        (
            {"answer": SelfTestAnswer("a", {"watch": "it is gone"}, "", {})},
            "function reads the webhook of watch",
        ),
        ({"answer": SelfTestAnswer("a", {}, "AccessDenied", {})}, "function reaches its table"),
        ({"rule_buckets": frozenset({"other"})}, "rule lets each bucket through"),
        ({"dead": 3}, "no dead letters"),
        ({"queue_enabled": False}, "queue is read"),
        ({"waiting": 9, "oldest": 4000}, "queue drains"),
        ({"archive": ARCHIVE._replace(active=False)}, "records go to the archive"),
        ({"archive": ARCHIVE._replace(subscribed=False)}, "records go to the archive"),
        ({"archive": None, "unread": {"archive": "ResourceNotFoundException"}}, "records go to the archive"),
        ({"archive": ARCHIVE._replace(delivered=0.5)}, "archive takes records"),
        ({"archive": ARCHIVE._replace(days=0)}, "archive is locked"),
        ({"function_state": "Inactive"}, "function is active"),
        ({"live": LiveVersion("4", "5", False)}, "events go to the newest version"),  # noqa: FBT003
        ({"live": None, "unread": {"live": "ResourceNotFoundException"}}, "events go to the newest version"),
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
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST"), timeout=10).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield
    server.stop()


def without_invocations(service: str) -> Any:
    """A client that neither starts the function nor simulates IAM, for which moto has no means."""
    nothing: dict[str, dict[str, Callable[..., Any]]] = {
        "lambda": {"invoke": lambda **_: {"Payload": io.BytesIO(b"null")}},
        "iam": {"simulate_principal_policy": lambda **_: {"EvaluationResults": []}},
    }
    return AnsweredElsewhere(boto3.client(service), nothing.get(service, {}))


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto makes no alarms and no saved queries
@pytest.mark.usefixtures("aws")
def test_a_stack_made_from_the_template_is_read_as_it_is() -> None:
    boto3.client("s3").create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("s3").put_object(Bucket="code", Key="t.zip", Body=_empty_zip())
    wanted = {
        "BucketNames": "payments-prod,ledger",
        "EventNames": "GetObject,PutObject",
        "CodeBucket": "code",
        "CodeKey": "t.zip",
        "SlackWebhookUrl": "https://hooks.slack.com/services/T/B/x",
    }
    boto3.client("cloudformation").create_stack(
        StackName="trailbell",
        TemplateBody=for_moto(),
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
    state = read_stack("trailbell", channels, NOW, without_invocations)
    assert state.rule_enabled
    assert state.rule_buckets == {"payments-prod", "ledger"}
    assert "GetObject" in (state.rule_events or ())
    assert len(state.rule_targets or ()) == 1
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


def _without_newest_version(stack: DeployedStack) -> None:
    """Events go to a version that was published before the function's settings changed."""
    functions, name = boto3.client("lambda"), stack.parts["Function"]
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    functions.update_function_configuration(FunctionName=name, Timeout=61)


REMOVALS: dict[str, tuple[Callable[[DeployedStack], object], str, str]] = {
    "queue policy": (
        lambda stack: boto3.client("sqs").set_queue_attributes(QueueUrl=stack.parts["Queue"], Attributes={"Policy": ""}),
        "rule may send to the queue",
        "aws sqs set-queue-attributes",
    ),
    "role policy": (
        lambda _: boto3.client("iam").delete_role_policy(RoleName="trailbell", PolicyName="queue"),
        "role reads the queue",
        "aws iam put-role-policy --role-name trailbell",
    ),
    "log group": (
        lambda stack: boto3.client("logs").delete_log_group(logGroupName=stack.parts["Logs"]),
        "audit records are kept",
        "aws logs create-log-group",
    ),
    "index": (
        lambda stack: boto3.client("dynamodb").update_table(
            TableName=stack.parts["Deliveries"], GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "owed"}}]
        ),
        "what is owed is found",
        "aws dynamodb update-table",
    ),
    "table": (
        lambda stack: _without_table(stack.parts["Deliveries"]),
        "table of deliveries is there",
        "aws dynamodb create-table",
    ),
    "schedule": (
        lambda stack: boto3.client("events").disable_rule(Name=stack.parts["EveryMinute"]),
        "what is owed is sent",
        "aws events enable-rule",
    ),
    "key": (
        lambda stack: boto3.client("kms").disable_key(KeyId=stack.key.rpartition("/")[2]),
        " is enabled",
        "aws kms enable-key",
    ),
    "newest version": (
        _without_newest_version,
        "events go to the newest version",
        "aws lambda update-alias --function-name",
    ),
    "alarm action": (
        lambda _: boto3.client("cloudwatch").disable_alarm_actions(AlarmNames=["trailbell-ErrorsAlarm-X"]),
        "alarms are on",
        "aws cloudwatch enable-alarm-actions --alarm-names trailbell-ErrorsAlarm-X",
    ),
    "probe": (
        lambda stack: boto3.client("events").disable_rule(Name=stack.parts["EveryFiveMinutes"]),
        "probe arrives",
        "aws events enable-rule",
    ),
    "trail selector": (
        lambda _: boto3.client("cloudtrail").put_event_selectors(
            TrailName="trailbell",
            AdvancedEventSelectors=[{"Name": "a", "FieldSelectors": [{"Field": "eventName", "Equals": ["CopyObject"]}]}],
        ),
        "trail records payments-prod",
        "aws cloudtrail put-event-selectors",
    ),
}


def _without_table(name: str) -> None:
    boto3.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
    boto3.client("dynamodb").delete_table(TableName=name)


@pytest.mark.filterwarnings("ignore:Tried to parse")
@pytest.mark.usefixtures("aws")
def test_links_that_are_removed_one_after_another_are_named_each_with_the_command_that_mends_it() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    stack = DeployedStack(now)
    policies = policy_set(policy("p", route("r"), buckets=("payments-prod",)), channels={"watch": channel("watch")})

    def links() -> dict[str, ChainLink]:
        state = read_stack("trailbell", policies.channels.values(), now, stack.client)
        return {link.name: link for link in diagnose(state, policies, now) if link.health is not Health.OK}

    assert links() == {}
    removed: set[str] = set()
    for what, (remove, name, command) in REMOVALS.items():
        remove(stack)
        broken_now = links()
        (found,) = [link for link in broken_now.values() if link.name.endswith(name)]
        assert found.health is Health.BROKEN, what
        assert command in found.remedy, what
        expected = removed | {found.name}
        assert {link for link in broken_now if link not in expected} <= {"what is owed is found", "role uses the table"}, what
        removed = set(broken_now)


def _empty_zip() -> bytes:
    return b"PK\x05\x06" + bytes(18)


def test_without_a_region_the_error_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "absent")
    with pytest.raises(StackError, match="needs a region and credentials"):
        read_stack("trailbell", (), NOW, boto3.session.Session().client)


@pytest.mark.parametrize("command", [["doctor"], ["send-test", "--channel", "pager"]], ids=" ".join)
@pytest.mark.parametrize("missing", ["region", "credentials"])
def test_commands_that_need_aws_say_in_one_sentence_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str], missing: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "absent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "absent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if missing == "region":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    else:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
    policies = (
        "version: 1\nname: base\nowner: security\nchannels: [{name: pager, webhook: {secret: trailbell/slack}}]\n"
        "masking: [{level: standard, fields: {time: keep}}]\ndefault: {notify: [pager], masking: standard}\n"
    )
    (tmp_path / "base.yaml").write_text(policies, "utf-8")
    done = CliRunner().invoke(trailbell, [*command, "--policies", str(tmp_path)])
    assert str(done.exception) == NO_ACCOUNT


def test_the_rule_of_a_stack_that_reads_log_files_is_off() -> None:
    files = {**SOUND.documents, "Queue": lets("s3.amazonaws.com", "sqs:SendMessage", source="arn:aws:s3:::logs")}
    assert broken(rule_enabled=False, documents=files) == []


def test_a_part_of_terraforms_is_mended_by_terraform() -> None:
    state = SOUND._replace(terraform=True, documents={**SOUND.documents, "Queue": ""})
    assert [link.remedy for link in diagnose(state, POLICIES, NOW) if link.health is Health.BROKEN] == ["terraform apply"]


@pytest.mark.usefixtures("aws")
def test_what_terraform_made_is_found_by_its_name() -> None:
    role = boto3.client("iam").create_role(RoleName="bell", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    queue = boto3.client("sqs").create_queue(QueueName="bell")["QueueUrl"]
    boto3.client("sqs").create_queue(QueueName="bell-dead-letters")
    functions = boto3.client("lambda")
    functions.create_function(
        FunctionName="bell",
        Runtime="python3.13",
        Role=role,
        Handler="lambda_entry.handler",
        Code={"ZipFile": _empty_zip()},
        Environment={"Variables": {"TRAILBELL_DELIVERY_TABLE": "bell-deliveries"}},
    )
    functions.create_event_source_mapping(EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:bell", FunctionName="bell")
    events = boto3.client("events")
    events.create_event_bus(Name="bell")
    events.put_rule(Name="bell", EventBusName="bell", EventPattern='{"source": ["aws.s3"]}')
    state = read_stack("bell", [], NOW, without_invocations, terraform=True)
    assert (state.terraform, state.direct, state.has_table) == (True, False, True)
    assert (state.parts["Rule"], state.parts["Queue"], state.parts["Logs"]) == ("bell|bell", queue, "/trailbell/bell")
    assert (state.rule_enabled, state.queue_enabled, state.waiting) == (True, True, 0)
    assert state.unread["table"] == "ResourceNotFoundException"
    with pytest.raises(StackError, match="nowhere"):
        read_stack("nowhere", [], NOW, boto3.client, terraform=True)


@pytest.mark.usefixtures("aws")
def test_an_archive_is_read_as_it_is() -> None:
    where = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3").create_bucket(Bucket="kept", ObjectLockEnabledForBucket=True, CreateBucketConfiguration=where)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
    arn = boto3.client("firehose").create_delivery_stream(
        DeliveryStreamName="archive",
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE.replace("111122223333", "123456789012"),
            "BucketARN": "arn:aws:s3:::kept",
        },
    )["DeliveryStreamARN"]
    boto3.client("logs").create_log_group(logGroupName="/trailbell")
    parts = {"ArchiveStream": "archive", "Logs": "/trailbell"}
    assert read_archive(boto3.client, parts, NOW) == ArchiveState("archive", True, False, "kept", 0, None)  # noqa: FBT003
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    boto3.client("s3").put_object_lock_configuration(Bucket="kept", ObjectLockConfiguration=lock)
    boto3.client("logs").put_subscription_filter(
        logGroupName="/trailbell", filterName="archive", filterPattern="", destinationArn=arn, roleArn=ROLE
    )
    assert read_archive(boto3.client, parts, NOW) == ArchiveState("archive", True, True, "kept", 30, None)  # noqa: FBT003
