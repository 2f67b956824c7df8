"""Who may do what in a deployed stack: the policies of its queues, keys and buckets, and what IAM lets its role do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.edge.stack_parts import bus_and_rule, qualified
from engine.model.stack import Denial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.model import WebhookRef


@dataclass(frozen=True, slots=True)
class Access:
    """Resource policies as JSON text by part, `key ARN` of a queue's key or `bucket NAME` of a trail's; the state of keys; ARNs.

    `versions NAME` of the bucket of published sets is whether it keeps versions. `unread`: why something could not be read.
    """

    documents: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def read(self, name: str, call: Callable[[], None]) -> None:
        """Make a call, or keep why it failed."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        try:
            call()
        except ClientError as error:
            self.unread[name] = str(error.response["Error"].get("Code", "error"))
        except (BotoCoreError, KeyError) as error:
            self.unread[name] = type(error).__name__


NONE_THERE = {"NoSuchBucketPolicy", "ResourceNotFoundException"}
"""Codes of a bucket and of a function that have no resource policy."""


def read_access(
    parts: Mapping[str, str], variables: Mapping[str, str], trail_buckets: Iterable[str], client: Callable[[str], Any]
) -> Access:
    """The resource policies of a stack. `variables`: the function's environment."""
    access = Access()
    for part in ("Queue", "DeadLetters"):
        if part in parts:
            access.read(f"policy of {part}", lambda part=part: _of_queue(access, part, parts[part], client("sqs")))  # type: ignore[misc]
    access.read("policy of Function", lambda: _of_function(access, parts, client("lambda")))
    access.read("rule", lambda: _of_rules(access, parts, client("events")))
    if "Role" in parts:
        access.read("role", lambda: access.arns.update(Role=client("iam").get_role(RoleName=parts["Role"])["Role"]["Arn"]))
    if "Deliveries" in parts:
        access.read("table", lambda: _of_table(access, parts["Deliveries"], client("dynamodb")))
    access.read("log group", lambda: _of_logs(access, parts["Logs"], client("logs")))
    for key in tuple(access.keys):
        access.read(f"key {key}", lambda key=key: _of_key(access, key, client("kms")))  # type: ignore[misc]
    signing, published = variables.get("TRAILBELL_POLICIES_KEY"), _published(variables)
    if signing:
        access.read(f"key {signing}", lambda: _state_of_key(access, signing, client("kms")))
    if published:
        access.read("published set", lambda: _versions(access, published[0], client("s3")))
    for bucket in dict.fromkeys(trail_buckets):
        access.read(f"bucket {bucket}", lambda bucket=bucket: _of_bucket(access, bucket, client("s3")))  # type: ignore[misc]
    for name in [name for name, code in access.unread.items() if code in NONE_THERE and name.startswith(("policy", "bucket"))]:
        access.documents[name.removeprefix("policy of ")] = ""
        del access.unread[name]
    return access


def _of_queue(access: Access, part: str, url: str, sqs: Any) -> None:  # noqa: ANN401
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy", "QueueArn", "KmsMasterKeyId"])["Attributes"]
    access.documents[part], access.arns[part] = attributes.get("Policy", ""), attributes["QueueArn"]
    if attributes.get("KmsMasterKeyId"):
        access.keys[attributes["KmsMasterKeyId"]] = ""


def _of_function(access: Access, parts: Mapping[str, str], functions: Any) -> None:  # noqa: ANN401
    name = parts["Function"]
    access.arns["Function"] = parts.get("Live") or functions.get_function_configuration(FunctionName=name)["FunctionArn"]
    access.documents["Function"] = functions.get_policy(**qualified(parts))["Policy"]


def _of_rules(access: Access, parts: Mapping[str, str], events: Any) -> None:  # noqa: ANN401
    for part in ("Rule", "EveryMinute", "EveryFiveMinutes"):
        if part in parts:
            access.arns[part] = events.describe_rule(**bus_and_rule(parts[part]))["Arn"]


def _of_table(access: Access, name: str, dynamodb: Any) -> None:  # noqa: ANN401
    access.arns["Deliveries"] = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]


def _of_logs(access: Access, name: str, logs: Any) -> None:  # noqa: ANN401
    for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        if group["logGroupName"] == name:
            access.arns["Logs"] = group["arn"].removesuffix(":*")


def _state_of_key(access: Access, key: str, kms: Any) -> None:  # noqa: ANN401
    access.keys[key] = ""
    access.keys[key] = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def _of_key(access: Access, key: str, kms: Any) -> None:  # noqa: ANN401
    _state_of_key(access, key, kms)
    access.documents[f"key {key}"] = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]


def _versions(access: Access, bucket: str, s3: Any) -> None:  # noqa: ANN401
    access.documents[f"versions {bucket}"] = s3.get_bucket_versioning(Bucket=bucket).get("Status", "")


def _of_bucket(access: Access, bucket: str, s3: Any) -> None:  # noqa: ANN401
    access.documents[f"bucket {bucket}"] = s3.get_bucket_policy(Bucket=bucket)["Policy"]


# --- what the role may do ------------------------------------------------------------------------------------------------------


class _Need(NamedTuple):
    """Actions that the role has to be allowed on some resources."""

    purpose: str
    actions: Sequence[str]
    resources: Sequence[str]


def denials(
    parts: Mapping[str, str],
    variables: Mapping[str, str],
    refs: Iterable[WebhookRef],
    arns: Mapping[str, str],
    client: Callable[[str], Any],
) -> tuple[Denial, ...]:
    """What IAM would refuse of all that the role needs. Raises botocore's errors, and `KeyError` where there is no role."""
    role, iam, named = arns["Role"], client("iam"), tuple(refs)
    secrets = _secrets([*(ref.secret for ref in named), variables.get("TRAILBELL_HASH_KEY_SECRET")], client("secretsmanager"))
    found = []
    for need in (_Need("reads secrets", ("secretsmanager:GetSecretValue",), secrets), *_needs(parts, variables, named, arns)):
        if need.resources:
            how = {"PolicySourceArn": role, "ActionNames": list(need.actions), "ResourceArns": list(need.resources)}
            results = iam.simulate_principal_policy(**how)["EvaluationResults"]
            refused = [one for one in results if one["EvalDecision"] != "allowed"]
            found += [Denial(need.purpose, one["EvalActionName"], one["EvalResourceName"]) for one in refused]
    return tuple(found)


def _needs(
    parts: Mapping[str, str], variables: Mapping[str, str], refs: Sequence[WebhookRef], arns: Mapping[str, str]
) -> Iterator[_Need]:
    _, partition, _, _, account, *_ = arns["Role"].split(":")
    region = arns["Function"].split(":")[3]
    place = f"{region}:{account}"
    group = arns.get("Logs", f"arn:{partition}:logs:{place}:log-group:{parts['Logs']}")
    yield _Need("writes its log", ("logs:CreateLogStream", "logs:PutLogEvents"), [f"{group}:log-stream:any"])
    if "Queue" in parts and "Queue" in arns:
        yield _Need("reads the queue", ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"), [arns["Queue"]])
    if "Queue" not in parts and "DeadLetters" in arns:
        yield _Need("sends dead letters", ("sqs:SendMessage",), [arns["DeadLetters"]])
    if "Deliveries" in parts:
        table = arns.get("Deliveries", f"arn:{partition}:dynamodb:{place}:table/{parts['Deliveries']}")
        writes = ("PutItem", "BatchWriteItem", "UpdateItem", "GetItem", "BatchGetItem")
        yield _Need("uses the table", [f"dynamodb:{action}" for action in writes], [table])
        yield _Need("finds what is owed", ("dynamodb:Query",), [f"{table}/index/owed"])
    parameters = [f"arn:{partition}:ssm:{place}:parameter{ref.parameter}" for ref in refs if ref.parameter]
    yield _Need("reads parameters", ("ssm:GetParameter",), list(dict.fromkeys(parameters)))
    yield _Need("publishes to topics", ("sns:Publish",), list(dict.fromkeys(ref.sns for ref in refs if ref.sns)))
    if variables.get("TRAILBELL_PROBE_ROLE"):
        yield _Need("takes the role of the probe", ("sts:AssumeRole",), [variables["TRAILBELL_PROBE_ROLE"]])
    published = _published(variables)
    if published:
        address = f"arn:{partition}:s3:::{'/'.join(published)}"
        reads = ("s3:GetObject", "s3:GetObjectVersion")
        yield _Need("reads published policies", reads, [address, f"{address}.state"])
        yield _Need("keeps which set is good", ("s3:PutObject",), [f"{address}.state"])
        yield _Need("checks signatures", ("kms:Verify",), [variables["TRAILBELL_POLICIES_KEY"]])


def _secrets(names: Iterable[str | None], secretsmanager: Any) -> list[str]:  # noqa: ANN401
    """The ARNs of secrets, which end in characters of AWS's choice; of those that are there."""
    arns = []
    for name in dict.fromkeys(name for name in names if name):
        try:
            arns.append(str(secretsmanager.describe_secret(SecretId=name)["ARN"]))
        except secretsmanager.exceptions.ResourceNotFoundException:
            continue
    return arns


def _published(variables: Mapping[str, str]) -> tuple[str, str] | None:
    """Bucket and key of the published set that a function follows."""
    address = variables.get("TRAILBELL_POLICIES", "")
    if not address.startswith("s3://") or "TRAILBELL_POLICIES_KEY" not in variables:
        return None
    bucket, _, key = address.removeprefix("s3://").partition("#")[0].partition("/")
    return bucket, key
