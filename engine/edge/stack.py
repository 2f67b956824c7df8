"""What a deployed stack looks like, by read-only calls. Each part that cannot be read is named with the error's code.

The function is asked for its self-test, too, which posts nothing and changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.edge.stack_access import denials, read_access
from engine.edge.stack_archive import read_archive
from engine.edge.stack_parts import LIVE, bus_and_rule, of_cloudformation, of_terraform, qualified
from engine.model.stack import AlarmState, LiveVersion, ProbeState, SelfTestAnswer, StackState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.model import Channel


_SETTINGS = ("Environment", "Timeout", "MemorySize", "Role", "Runtime", "Architectures", "KMSKeyArn")
"""What of a function's configuration a version keeps, and a deployment may change."""

SELF_TEST = b'{"trailbell": "self-test"}'


@dataclass(frozen=True, slots=True)
class _Reading:
    """The values read so far, and why the others could not be."""

    values: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def part(self, name: str, read: Callable[[], Mapping[str, Any]]) -> None:
        """One part, or why it could not be read."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        try:
            self.values.update(read())
        except ClientError as error:
            self.unread[name] = str(error.response["Error"].get("Code", "error"))
        except (BotoCoreError, KeyError) as error:
            self.unread[name] = type(error).__name__


def read_stack(
    name: str, channels: Iterable[Channel], now: datetime, client: Callable[[str], Any], *, terraform: bool = False
) -> StackState:
    """The state of the stack `name`; `client(service)` makes a boto3 client. Raises `StackError` where it cannot be found.

    `terraform`: it was made by the module, whose `name` it is.
    """
    parts = of_terraform(name, client) if terraform else of_cloudformation(name, client)
    known, reading = tuple(channels), _Reading()
    refs = [channel.webhook for channel in known]
    direct, has_table = "Queue" not in parts, "Deliveries" in parts
    reading.part("rule", lambda: _rule(client("events"), parts["Rule"]))
    reading.part("trail", lambda: _trails(client("cloudtrail")))
    reading.part("function", lambda: _function(client("lambda"), parts))
    if "Live" in parts:
        reading.part("live", lambda: {"live": _live(client("lambda"), parts["Function"])})
    reading.part("dead letters", lambda: {"dead": _count(client("sqs"), parts["DeadLetters"])})
    if not direct:
        reading.part("queue", lambda: _queue(client, parts, now))
    if has_table:
        reading.part("table", lambda: _table(client("dynamodb"), parts["Deliveries"]))
        reading.part("schedule", lambda: {"schedule_enabled": _schedule_enabled(client("events"), parts["EveryMinute"])})
        reading.part("owed", lambda: _owed(client("cloudwatch"), parts["Function"], known, now))
    if "EveryFiveMinutes" in parts:
        reading.part("probe", lambda: {"probe": _probe(client, parts, now)})
    if "ArchiveStream" in parts:
        reading.part("archive", lambda: {"archive": read_archive(client, parts, now)})
    reading.part("log group", lambda: {"retention": _retention(client("logs"), parts["Logs"])})
    reading.part("alarms", lambda: {"alarms": _alarms(client("cloudwatch"), name)})
    reading.part("metrics", lambda: _events(client("cloudwatch"), parts["Function"], now))
    reading.part("self-test", lambda: {"answer": _self_test(client("lambda"), parts)})
    there = {
        "secrets": _existing(reading, "secret", [ref.secret for ref in refs], _secret_lookup(client)),
        "parameters": _existing(reading, "parameter", [ref.parameter for ref in refs], _parameter_lookup(client)),
        "topics": _existing(reading, "topic", [ref.sns for ref in refs], _topic_lookup(client)),
        "listeners": _listeners(client("sns"), reading.values.get("alarms") or {}),
    }
    variables, trail_buckets = reading.values.pop("variables", {}), reading.values.pop("trail_buckets", ())
    access = read_access(parts, variables, trail_buckets, client)
    reading.unread.update(access.unread)
    reading.part("role", lambda: {"denials": denials(parts, variables, refs, access.arns, client)})
    whole = {"terraform": terraform, "has_table": has_table, "direct": direct, "unread": reading.unread}
    whole |= {"parts": parts, "arns": access.arns, "documents": access.documents, "keys": access.keys}
    nothing: dict[str, Any] = {**dict.fromkeys(StackState._fields), "trail_errors": {}}
    return StackState(**{**nothing, **reading.values, **there, **whole})


def _rule(events: Any, physical: str) -> dict[str, Any]:  # noqa: ANN401
    named = bus_and_rule(physical)
    rule = events.describe_rule(**named)
    detail = json.loads(rule.get("EventPattern", "{}")).get("detail", {})
    return {
        "rule_enabled": rule.get("State", "").startswith("ENABLED"),
        "rule_buckets": _buckets(detail),
        "rule_events": _named(detail.get("eventName")),
        "rule_targets": _targets(events, physical),
    }


def _targets(events: Any, physical: str) -> frozenset[str]:  # noqa: ANN401
    named = bus_and_rule(physical)
    how = {"Rule": named.pop("Name"), **named}
    return frozenset(target["Arn"] for target in events.list_targets_by_rule(**how)["Targets"])


def _buckets(detail: Mapping[str, Any]) -> frozenset[str] | None:
    """The buckets whose events a pattern lets through: its own, or those of an alternative of its `$or`."""
    parts = (detail, *detail.get("$or", ()))
    lists = (_named(part.get("requestParameters", {}).get("bucketName")) for part in parts)
    return next((names for names in lists if names is not None), None)


def _named(values: object) -> frozenset[str] | None:
    return frozenset(value for value in values if isinstance(value, str)) if isinstance(values, list) else None


def _trails(cloudtrail: Any) -> dict[str, Any]:  # noqa: ANN401
    """What the region's logging trails record of reads and writes, by either sort of selector, and whether they can write it.

    What they record are the beginnings of object ARNs.
    """
    trails = cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
    status = {trail["TrailARN"]: cloudtrail.get_trail_status(Name=trail["TrailARN"]) for trail in trails}
    logging = [trail for trail in trails if status[trail["TrailARN"]]["IsLogging"]]
    selectors = [cloudtrail.get_event_selectors(TrailName=trail["TrailARN"]) for trail in logging]
    errors = {trail["Name"]: status[trail["TrailARN"]].get("LatestDeliveryError") or "" for trail in logging}
    return {
        "trail_prefixes": frozenset(prefix for trail in selectors for prefix in (*_classic(trail), *_advanced(trail))),
        "trail_errors": errors,
        "trail_buckets": tuple(trail["S3BucketName"] for trail in logging),
    }


def _classic(selectors: Mapping[str, Any]) -> Iterable[str]:
    reads_and_writes = (
        selector for selector in selectors.get("EventSelectors") or () if selector.get("ReadWriteType", "All") == "All"
    )
    resources = (resource for selector in reads_and_writes for resource in selector.get("DataResources", ()))
    return [value for resource in resources if resource["Type"] == "AWS::S3::Object" for value in resource["Values"]]


def _advanced(selectors: Mapping[str, Any]) -> Iterable[str]:
    for selector in selectors.get("AdvancedEventSelectors") or ():
        fields = {condition["Field"]: condition for condition in selector["FieldSelectors"]}
        objects = "AWS::S3::Object" in fields.get("resources.type", {}).get("Equals", ())
        if objects and not {"readOnly", "eventName"} & set(fields):
            arns = fields.get("resources.ARN")
            yield from ["arn:aws:s3"] if arns is None else [*arns.get("StartsWith", ()), *arns.get("Equals", ())]


def _function(functions: Any, parts: Mapping[str, str]) -> dict[str, Any]:  # noqa: ANN401
    configuration = functions.get_function_configuration(**qualified(parts))
    variables = configuration.get("Environment", {}).get("Variables", {})
    return {
        "function_state": configuration.get("State", "Active"),
        "environment": frozenset(variables),
        "variables": {key: value for key, value in variables.items() if key.startswith("TRAILBELL_")},
    }


def _live(functions: Any, name: str) -> LiveVersion:  # noqa: ANN401
    alias = functions.get_alias(FunctionName=name, Name=LIVE)
    settings = [
        functions.get_function_configuration(FunctionName=name, Qualifier=version)
        for version in (alias["FunctionVersion"], "$LATEST")
    ]
    running, deployed = ([one.get(field) for field in ("CodeSha256", *_SETTINGS)] for one in settings)
    return LiveVersion(alias["FunctionVersion"], alias.get("Description", "").removeprefix("before: "), running == deployed)


def _self_test(functions: Any, parts: Mapping[str, str]) -> SelfTestAnswer:  # noqa: ANN401
    """What the function says of itself. Raises `KeyError` where that is no answer of Trailbell's."""
    invoked = functions.invoke(**qualified(parts), InvocationType="RequestResponse", Payload=SELF_TEST)
    text = invoked["Payload"].read()
    if "FunctionError" in invoked:
        return SelfTestAnswer("", {}, "", {}, str(json.loads(text).get("errorType", "error")))
    answer = json.loads(text or "null")
    if not isinstance(answer, dict) or "revision" not in answer:
        raise KeyError("revision")
    return SelfTestAnswer(answer["revision"], answer["webhooks"], answer["table"], answer["buckets"])


def _queue(client: Callable[[str], Any], resources: Mapping[str, str], now: datetime) -> dict[str, Any]:
    mapping = client("lambda").get_event_source_mapping(UUID=resources["FromQueue"])
    return {
        "queue_enabled": mapping["State"] in {"Enabled", "Enabling", "Creating", "Updating"},
        "waiting": _count(client("sqs"), resources["Queue"]),
        "oldest": _oldest(client("cloudwatch"), resources["Queue"].rsplit("/", 1)[-1], now),
    }


def _table(dynamodb: Any, table: str) -> dict[str, Any]:  # noqa: ANN401
    """Whether the table is there, and whether it has the index by which what is owed is found, and it is filled."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    indexes = described.get("GlobalSecondaryIndexes", ())
    return {
        "table_active": described["TableStatus"] in {"ACTIVE", "UPDATING"},
        "index_active": any(one["IndexName"] == "owed" and one.get("IndexStatus", "ACTIVE") == "ACTIVE" for one in indexes),
    }


def _retention(logs: Any, group: str) -> int:  # noqa: ANN401
    """The days that records are kept, 0 for ever. Raises `KeyError` where there is no such group."""
    groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    found = {one["logGroupName"]: int(one.get("retentionInDays", 0)) for one in groups}
    return found[group]


def _alarms(cloudwatch: Any, stack: str) -> dict[tuple[str, str], AlarmState]:  # noqa: ANN401
    """The stack's alarms on metrics, whose names begin with its own."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack}-")
    return {
        (one.get("Namespace", ""), one.get("MetricName", "")): AlarmState(
            one["AlarmName"],
            one.get("ActionsEnabled", True),
            tuple(one.get("AlarmActions", ())),
            one["StateValue"] == "ALARM",
            not one.get("AlarmDescription", "").startswith("morning"),
            float(one.get("Threshold", 0)),
        )
        for page in pages
        for one in page["MetricAlarms"]
    }


def _listeners(sns: Any, alarms: Mapping[tuple[str, str], AlarmState]) -> dict[str, int]:  # noqa: ANN401
    """How many confirmed subscriptions the topics of alarms have; one that cannot be read is left out."""
    topics = {action for alarm in alarms.values() for action in alarm.actions if ":sns:" in action}
    counts: dict[str, int] = {}
    for topic in sorted(topics):
        local = _Reading()
        local.part(topic, lambda topic=topic: sns.list_subscriptions_by_topic(TopicArn=topic))  # type: ignore[misc]
        if topic not in local.unread or local.unread[topic] in {"NotFound", "NotFoundException"}:
            found = local.values.get("Subscriptions", ())
            counts[topic] = sum(one["SubscriptionArn"].startswith("arn:") for one in found)
    return counts


def _schedule_enabled(events: Any, rule: str) -> bool:  # noqa: ANN401
    """Whether a rule that starts the function on a schedule is on, and has a target."""
    enabled = events.describe_rule(**bus_and_rule(rule)).get("State", "").startswith("ENABLED")
    return enabled and bool(_targets(events, rule))


def _probe(client: Callable[[str], Any], parts: Mapping[str, str], now: datetime) -> ProbeState:
    cloudwatch, since = client("cloudwatch"), now - timedelta(minutes=30)
    failed = [point for point in _sums(cloudwatch, parts["Function"], "ProbeReadFailed", now) if point["Timestamp"] >= since]
    return ProbeState(
        _schedule_enabled(client("events"), parts["EveryFiveMinutes"]),
        _last_maximum(cloudwatch, ("Trailbell", "ProbeMinutes"), {"Function": parts["Function"]}, now, 30),
        int(sum(point["Sum"] for point in failed)),
    )


def _owed(cloudwatch: Any, function: str, channels: Iterable[Channel], now: datetime) -> dict[str, Any]:  # noqa: ANN401
    """What was said last of how long alerts have been owed: by the schedule, of all channels, and of each of them."""

    def last(**dimensions: str) -> int | None:
        return _last_maximum(cloudwatch, ("Trailbell", "OldestOwedSeconds"), {"Function": function, **dimensions}, now)

    by_channel = {channel.name: last(Channel=channel.name) for channel in channels}
    return {"oldest_owed": last(), "owed": {name: seconds for name, seconds in by_channel.items() if seconds is not None}}


def _count(sqs: Any, url: str) -> int:  # noqa: ANN401
    wanted = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])["Attributes"][wanted])


def _oldest(cloudwatch: Any, queue: str, now: datetime) -> int | None:  # noqa: ANN401
    return _last_maximum(cloudwatch, ("AWS/SQS", "ApproximateAgeOfOldestMessage"), {"QueueName": queue}, now)


def _last_maximum(
    cloudwatch: Any,  # noqa: ANN401
    metric: tuple[str, str],
    dimensions: Mapping[str, str],
    now: datetime,
    minutes: int = 15,
) -> int | None:
    """The maximum of the latest five minutes with a value, within some `minutes`. `metric`: namespace and name."""
    datapoints = cloudwatch.get_metric_statistics(
        Namespace=metric[0],
        MetricName=metric[1],
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )["Datapoints"]
    return int(max(datapoints, key=lambda point: point["Timestamp"])["Maximum"]) if datapoints else None


def _events(cloudwatch: Any, function: str, now: datetime) -> dict[str, Any]:  # noqa: ANN401
    """When CloudTrail's last event came, how many came that are not CloudTrail's, and what became of published sets, in a day."""
    wanted = ("FromCloudTrail", "NotCloudTrail", "PolicySetRefused")
    events, foreign, refused = (_sums(cloudwatch, function, metric, now) for metric in wanted)
    times: list[datetime] = [point["Timestamp"] for point in events if point["Sum"] > 0]
    return {
        "last_event": max(times, default=None),
        "foreign": int(sum(point["Sum"] for point in foreign)),
        "refused": int(sum(point["Sum"] for point in refused)),
        "set_age": _last_maximum(cloudwatch, ("Trailbell", "PolicySetAge"), {"Function": function}, now),
    }


def _sums(cloudwatch: Any, function: str, metric: str, now: datetime) -> list[dict[str, Any]]:  # noqa: ANN401
    datapoints: list[dict[str, Any]] = cloudwatch.get_metric_statistics(
        Namespace="Trailbell",
        MetricName=metric,
        Dimensions=[{"Name": "Function", "Value": function}],
        StartTime=now - timedelta(hours=24),
        EndTime=now,
        Period=300,
        Statistics=["Sum"],
    )["Datapoints"]
    return datapoints


def _existing(reading: _Reading, kind: str, names: Iterable[str | None], exists: Callable[[str], bool]) -> dict[str, bool]:
    """Which of the names exist; one that could not be looked up is left out."""
    existing: dict[str, bool] = {}
    for name in dict.fromkeys(name for name in names if name is not None):
        local = _Reading()
        local.part(kind, lambda name=name: {name: exists(name)})  # type: ignore[misc]
        existing |= local.values
        reading.unread.update({f"{kind} {name}": why for why in local.unread.values()})
    return existing


def _secret_lookup(client: Callable[[str], Any]) -> Callable[[str], bool]:
    """Whether a secret exists; its value is not read."""

    def exists(name: str) -> bool:
        secrets = client("secretsmanager")
        try:
            return "DeletedDate" not in secrets.describe_secret(SecretId=name)
        except secrets.exceptions.ResourceNotFoundException:
            return False

    return exists


def _parameter_lookup(client: Callable[[str], Any]) -> Callable[[str], bool]:
    """Whether a parameter exists; its value is not read."""

    def exists(name: str) -> bool:
        parameters = client("ssm").describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
        return any(parameter["Name"] == name for parameter in parameters)

    return exists


def _topic_lookup(client: Callable[[str], Any]) -> Callable[[str], bool]:
    """Whether a topic exists."""

    def exists(arn: str) -> bool:
        topics = client("sns")
        try:
            topics.get_topic_attributes(TopicArn=arn)
        except topics.exceptions.NotFoundException:
            return False
        return True

    return exists
