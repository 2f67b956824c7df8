"""What a deployed stack looks like, by read-only calls. Each part that cannot be read is named with the error's code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.errors import StackError
from engine.model.stack import StackState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.model import Channel


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


def read_stack(name: str, channels: Iterable[Channel], now: datetime, client: Callable[[str], Any]) -> StackState:
    """The state of the stack `name`; `client(service)` makes a boto3 client. Raises `StackError` where it cannot be found."""
    resources = _resources(name, client)
    known, reading = tuple(channels), _Reading()
    refs = [channel.webhook for channel in known]
    direct = "Queue" not in resources
    reading.part("rule", lambda: _rule(client("events"), resources["Rule"]))
    reading.part("trail", lambda: {"trail_prefixes": _trails(client("cloudtrail"))})
    reading.part("function", lambda: _function(client("lambda"), resources["Function"]))
    reading.part("dead letters", lambda: {"dead": _count(client("sqs"), resources["DeadLetters"])})
    if not direct:
        reading.part("queue", lambda: _queue(client, resources, now))
    if "Deliveries" in resources:
        reading.part("table", lambda: {"index_active": _index_active(client("dynamodb"), resources["Deliveries"])})
        reading.part("schedule", lambda: {"schedule_enabled": _schedule_enabled(client("events"), resources["EveryMinute"])})
        reading.part("owed", lambda: _owed(client("cloudwatch"), resources["Function"], known, now))
    reading.part("metrics", lambda: _events(client("cloudwatch"), resources["Function"], now))
    there = {
        "secrets": _existing(reading, "secret", [ref.secret for ref in refs], _secret_lookup(client)),
        "parameters": _existing(reading, "parameter", [ref.parameter for ref in refs], _parameter_lookup(client)),
        "topics": _existing(reading, "topic", [ref.sns for ref in refs], _topic_lookup(client)),
    }
    nothing: dict[str, Any] = dict.fromkeys(_PARTS)
    return StackState(
        **{**nothing, **reading.values, **there}, has_table="Deliveries" in resources, direct=direct, unread=reading.unread
    )


_PARTS = (
    "rule_enabled",
    "rule_buckets",
    "rule_events",
    "rule_targets",
    "trail_prefixes",
    "function_state",
    "environment",
    "queue_enabled",
    "waiting",
    "dead",
    "oldest",
    "index_active",
    "schedule_enabled",
    "oldest_owed",
    "owed",
    "last_event",
    "foreign",
)


def _resources(name: str, client: Callable[[str], Any]) -> dict[str, str]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        return {
            resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
            for page in pages
            for resource in page["StackResourceSummaries"]
        }
    except ClientError as error:
        code = error.response["Error"].get("Code", "error")
        raise StackError(f"the stack {name!r} could not be read ({code}); is it in this account and region?") from None
    except BotoCoreError as error:
        raise StackError(f"AWS did not answer ({type(error).__name__}); are credentials and a region set?") from None


def _rule(events: Any, physical: str) -> dict[str, Any]:  # noqa: ANN401
    rule = events.describe_rule(Name=physical.rsplit("|", 1)[-1].rsplit("/", 1)[-1])
    detail = json.loads(rule.get("EventPattern", "{}")).get("detail", {})
    return {
        "rule_enabled": rule.get("State", "").startswith("ENABLED"),
        "rule_buckets": _buckets(detail),
        "rule_events": _named(detail.get("eventName")),
        "rule_targets": len(events.list_targets_by_rule(Rule=rule["Name"])["Targets"]),
    }


def _buckets(detail: Mapping[str, Any]) -> frozenset[str] | None:
    """The buckets whose events a pattern lets through: its own, or those of an alternative of its `$or`."""
    parts = (detail, *detail.get("$or", ()))
    lists = (_named(part.get("requestParameters", {}).get("bucketName")) for part in parts)
    return next((names for names in lists if names is not None), None)


def _named(values: object) -> frozenset[str] | None:
    return frozenset(value for value in values if isinstance(value, str)) if isinstance(values, list) else None


def _trails(cloudtrail: Any) -> frozenset[str]:  # noqa: ANN401
    """The beginnings of object ARNs of which the region's logging trails record reads and writes, by either sort of selector."""
    trails = cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
    logging = [trail["TrailARN"] for trail in trails if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]]
    selectors = [cloudtrail.get_event_selectors(TrailName=arn) for arn in logging]
    return frozenset(prefix for trail in selectors for prefix in (*_classic(trail), *_advanced(trail)))


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


def _function(functions: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    configuration = functions.get_function_configuration(FunctionName=name)
    return {
        "function_state": configuration.get("State", "Active"),
        "environment": frozenset(configuration.get("Environment", {}).get("Variables", {})),
    }


def _queue(client: Callable[[str], Any], resources: Mapping[str, str], now: datetime) -> dict[str, Any]:
    mapping = client("lambda").get_event_source_mapping(UUID=resources["FromQueue"])
    return {
        "queue_enabled": mapping["State"] in {"Enabled", "Enabling", "Creating", "Updating"},
        "waiting": _count(client("sqs"), resources["Queue"]),
        "oldest": _oldest(client("cloudwatch"), resources["Queue"].rsplit("/", 1)[-1], now),
    }


def _index_active(dynamodb: Any, table: str) -> bool:  # noqa: ANN401
    """Whether the table has the index by which what is owed is found, and it is filled."""
    indexes = dynamodb.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", ())
    return any(index["IndexName"] == "owed" and index.get("IndexStatus", "ACTIVE") == "ACTIVE" for index in indexes)


def _schedule_enabled(events: Any, rule: str) -> bool:  # noqa: ANN401
    """Whether the function is started each minute to send what is owed."""
    name = rule.rsplit("|", 1)[-1].rsplit("/", 1)[-1]
    enabled = events.describe_rule(Name=name).get("State", "").startswith("ENABLED")
    return enabled and bool(events.list_targets_by_rule(Rule=name)["Targets"])


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


def _last_maximum(cloudwatch: Any, metric: tuple[str, str], dimensions: Mapping[str, str], now: datetime) -> int | None:  # noqa: ANN401
    """The maximum of the latest five minutes with a value, within a quarter of an hour. `metric`: namespace and name."""
    datapoints = cloudwatch.get_metric_statistics(
        Namespace=metric[0],
        MetricName=metric[1],
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )["Datapoints"]
    return int(max(datapoints, key=lambda point: point["Timestamp"])["Maximum"]) if datapoints else None


def _events(cloudwatch: Any, function: str, now: datetime) -> dict[str, Any]:  # noqa: ANN401
    """When CloudTrail's last event came, and how many came that are not CloudTrail's, in the last 24 hours."""
    events, foreign = (_sums(cloudwatch, function, metric, now) for metric in ("FromCloudTrail", "NotCloudTrail"))
    times: list[datetime] = [point["Timestamp"] for point in events if point["Sum"] > 0]
    return {"last_event": max(times, default=None), "foreign": int(sum(point["Sum"] for point in foreign))}


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
