"""Policy sets of any size, and CloudTrail records that they decide: made up, and the same for the same seed.

A rule is a conjunction of conditions over a few fields, so that every engine is given the same rules in its own tongue. Nine
records in ten satisfy a rule chosen at random, one in ten none. `python -m bench.generate FOLDER` writes a set and records.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEED: Final = 20_261_101
ROUTES_A_FILE: Final = 2_000
"""Routes a policy file: more would pass the language's limit of 1 MiB a file."""

UNMATCHED: Final = 0.1
USERS: Final = 0.3
ACCOUNT: Final = "111122223333"
CHANNELS: Final = ("watch", "security", "ops")


class Field(StrEnum):
    """What a condition is about; the value is the name under which a Trailbell policy knows it."""

    BUCKET = "bucket"
    TYPE = "userIdentity.type"
    ROLE = "actor.role"
    AGENT = "userAgent"
    REGION = "awsRegion"


RAW: Final = {
    Field.BUCKET: "requestParameters.bucketName",
    Field.TYPE: "userIdentity.type",
    Field.ROLE: "userIdentity.sessionContext.sessionIssuer.userName",
    Field.AGENT: "userAgent",
    Field.REGION: "awsRegion",
}
"""Where the same stands in the record."""


class Compare(StrEnum):
    """How a condition compares."""

    EQUALS = "equals"
    DIFFERS = "differs"
    PREFIX = "prefix"
    CONTAINS = "contains"
    GLOB = "glob"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a field with a value."""

    field: Field
    compare: Compare
    value: str


@dataclass(frozen=True, slots=True)
class Rule:
    """All of `clauses` must hold; of a clause, any one condition. `satisfied` is how a record makes it hold: field -> value."""

    id: str
    clauses: tuple[tuple[Condition, ...], ...]
    satisfied: dict[Field, str]
    channel: str


class Shape(StrEnum):
    """Kinds of policy set: the usual one, which suits an index, and those that do not."""

    USUAL = "a bucket (equal, one in five by prefix) and one or two of identity"
    CONTAINS = "only contains(userAgent, …)"
    ROLES = "one bucket, a role each"
    ONE_BUCKET_CONTAINS = "one bucket, contains(userAgent, …) each"
    ALTERNATIVES = "any of three buckets, and a type"
    GLOBS = "glob(bucket, …) and a type"
    REGEXES = "regex(bucket, …) and a type"
    NEGATIONS = "a role, a type, and not a region"


# --- rules ------------------------------------------------------------------------------------------------------------------


def rules(shape: Shape, count: int) -> tuple[Rule, ...]:
    """The first `count` rules of a shape."""
    return tuple(_rule(shape, number) for number in range(count))


def _rule(shape: Shape, number: int) -> Rule:
    clauses, satisfied = _MAKERS[shape](number)
    return Rule(f"r{number}", clauses, satisfied, CHANNELS[number % len(CHANNELS)])


_Clauses = tuple[tuple[Condition, ...], ...]


def _equals(field: Field, value: str) -> tuple[Condition, ...]:
    return (Condition(field, Compare.EQUALS, value),)


_ASSUMED: Final = _equals(Field.TYPE, "AssumedRole")


def _usual(number: int) -> tuple[_Clauses, dict[Field, str]]:
    role, bucket = f"role-{number % 97}", f"bucket-{number:06}"
    named = _equals(Field.BUCKET, bucket)
    if number % 5 == 0:
        named, bucket = (Condition(Field.BUCKET, Compare.PREFIX, f"team-{number:06}-"),), f"team-{number:06}-logs"
    satisfied = {Field.BUCKET: bucket, Field.TYPE: "AssumedRole"}
    if number % 2:
        return (named, _ASSUMED), satisfied
    return (named, _ASSUMED, _equals(Field.ROLE, role)), {**satisfied, Field.ROLE: role}


def _contains(number: int) -> tuple[_Clauses, dict[Field, str]]:
    tool = f"tool-{number:06}/"
    return ((Condition(Field.AGENT, Compare.CONTAINS, tool),),), {Field.AGENT: f"[aws-sdk-java/2.20 {tool}1.0 Linux/5.10]"}


def _roles(number: int) -> tuple[_Clauses, dict[Field, str]]:
    role = f"role-{number:06}"
    return (_equals(Field.BUCKET, "shared"), _equals(Field.ROLE, role)), {Field.BUCKET: "shared", Field.ROLE: role}


def _one_bucket_contains(number: int) -> tuple[_Clauses, dict[Field, str]]:
    clauses, satisfied = _contains(number)
    return (_equals(Field.BUCKET, "shared"), *clauses), {**satisfied, Field.BUCKET: "shared"}


def _alternatives(number: int) -> tuple[_Clauses, dict[Field, str]]:
    buckets = [f"bucket-{number:06}-{part}" for part in ("raw", "clean", "out")]
    return (
        (tuple(Condition(Field.BUCKET, Compare.EQUALS, bucket) for bucket in buckets), _ASSUMED),
        {Field.BUCKET: buckets[number % 3], Field.TYPE: "AssumedRole"},
    )


def _globs(number: int) -> tuple[_Clauses, dict[Field, str]]:
    pattern = f"team-{number:06}-*" if number % 2 else f"*-{number:06}-prod"
    bucket = pattern.replace("*", "billing")
    return ((Condition(Field.BUCKET, Compare.GLOB, pattern),), _ASSUMED), {Field.BUCKET: bucket, Field.TYPE: "AssumedRole"}


def _regexes(number: int) -> tuple[_Clauses, dict[Field, str]]:
    pattern = f"^team-{number:06}-(raw|clean)-[0-9]+$"
    satisfied = {Field.BUCKET: f"team-{number:06}-raw-7", Field.TYPE: "AssumedRole"}
    return ((Condition(Field.BUCKET, Compare.REGEX, pattern),), _ASSUMED), satisfied


def _negations(number: int) -> tuple[_Clauses, dict[Field, str]]:
    role = f"role-{number:06}"
    elsewhere = (Condition(Field.REGION, Compare.DIFFERS, "us-east-1"),)
    return (elsewhere, _equals(Field.ROLE, role), _ASSUMED), {Field.ROLE: role, Field.TYPE: "AssumedRole"}


_MAKERS: Final = {
    Shape.USUAL: _usual,
    Shape.CONTAINS: _contains,
    Shape.ROLES: _roles,
    Shape.ONE_BUCKET_CONTAINS: _one_bucket_contains,
    Shape.ALTERNATIVES: _alternatives,
    Shape.GLOBS: _globs,
    Shape.REGEXES: _regexes,
    Shape.NEGATIONS: _negations,
}


# --- the same as policies ---------------------------------------------------------------------------------------------------


def expression(rule: Rule) -> str:
    """A rule as JMESPath."""
    return " && ".join(_clause(clause) for clause in rule.clauses)


def _clause(clause: Sequence[Condition]) -> str:
    joined = " || ".join(_condition(condition) for condition in clause)
    return f"({joined})" if len(clause) > 1 else joined


def _condition(condition: Condition) -> str:
    match condition.compare:
        case Compare.EQUALS:
            return f"{condition.field} == '{condition.value}'"
        case Compare.DIFFERS:
            return f"{condition.field} != '{condition.value}'"
        case Compare.PREFIX:
            return f"starts_with({condition.field}, '{condition.value}')"
        case _:
            return f"{condition.compare}({condition.field}, '{condition.value}')"


BASE: Final = """\
version: 1
name: base
owner: bench
actors:
  - class: ecs-robot
    kind: robot
    evidence:
      - id: ecs-task-session
        says: the session name is an ECS task id
        strength: claimed
        when: userIdentity.type == 'AssumedRole' && regex(actor.session, '^[0-9a-f]{32}$')
  - class: ec2-robot
    kind: robot
    evidence:
      - id: instance-session
        says: the session name is an instance id
        strength: claimed
        when: userIdentity.type == 'AssumedRole' && regex(actor.session, '^i-[0-9a-f]{8,17}$')
  - class: service
    kind: service
    evidence:
      - id: aws-service
        says: AWS itself called
        strength: attested
        when: userIdentity.type == 'AWSService'
      - id: service-role
        says: a service-linked role
        strength: attested
        when: glob(actor.role, 'AWSServiceRoleFor*')
  - class: human
    kind: person
    evidence:
      - id: identity-center-role
        says: the role of an Identity Center permission set
        strength: attested
        when: glob(actor.role, 'AWSReservedSSO_*')
      - id: iam-user
        says: an IAM user
        strength: attested
        when: userIdentity.type == 'IAMUser'
masking:
  - level: standard
    fields: {time: keep, event: keep, bucket: keep, key: keep, source_ip: network, user_agent: keep, class: keep, evidence: keep,
             name: keep, role: keep, session: keep, arn: keep, account: mask, access_key: last4, event_id: keep, error_code: keep}
  - level: strict
    fields: {time: keep, event: keep, bucket: keep, source_ip: drop, class: keep, evidence: keep, role: keep}
channels:
  - {name: watch, webhook: {env: SLACK_WEBHOOK_WATCH}, masking_floor: standard}
  - {name: security, webhook: {env: SLACK_WEBHOOK_SECURITY}, masking_floor: standard}
  - {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}, masking_floor: standard}
default: {notify: [watch], masking: standard}
audit: {masking: open, event: true}
"""


def policy_files(rules: Sequence[Rule]) -> dict[str, str]:
    """The rules as a policy set: file name -> YAML."""
    parts = [rules[start : start + ROUTES_A_FILE] for start in range(0, len(rules), ROUTES_A_FILE)]
    return {"base.yaml": BASE, **{f"team-{number:03}.yaml": _policy(number, part) for number, part in enumerate(parts)}}


def _policy(number: int, rules: Sequence[Rule]) -> str:
    head = f"version: 1\nname: team-{number:03}\nowner: bench\nroutes:\n"
    return head + "".join(map(_route, rules))


def _route(rule: Rule) -> str:
    return f"  - {{id: {rule.id}, when: {json.dumps(expression(rule))}, notify: [{rule.channel}]}}\n"


# --- records ----------------------------------------------------------------------------------------------------------------


def records(rules: Sequence[Rule], count: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """`count` records of about 2 kB."""
    chance = random.Random(seed)
    for number in range(count):
        wanted = {} if chance.random() < UNMATCHED else chance.choice(rules).satisfied
        yield _record(chance, number, wanted)


_AGENTS: Final = (
    "[aws-sdk-java/2.20.162 Linux/5.10.225-213.878.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.9 exec-env/AWS_ECS_FARGATE]",
    "[Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#5.10.0 md/arch#x86_64 lang/python#3.11.8 cfg/retry-mode#legacy]",
    "[aws-cli/2.15.30 Python/3.11.8 Darwin/23.4.0 source/x86_64 prompt/off command/s3.cp]",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.0 OpenJDK_64-Bit_Server_VM/25.372-b08]",
)


def _record(chance: random.Random, number: int, wanted: dict[Field, str]) -> dict[str, Any]:
    bucket = wanted.get(Field.BUCKET) or f"other-{chance.randrange(500):04}"
    key = f"year=2026/month=11/day={chance.randrange(1, 29):02}/part-{chance.randrange(10**6):06}-{_uuid(chance)}.parquet"
    return {
        "eventVersion": "1.11",
        "userIdentity": _identity(chance, wanted),
        "eventTime": f"2026-11-{chance.randrange(1, 29):02}T{number % 24:02}:{number % 60:02}:{chance.randrange(60):02}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": chance.choice(("GetObject", "GetObject", "GetObject", "PutObject", "ListObjects", "DeleteObject")),
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": f"{chance.choice(('192.0.2', '198.51.100', '203.0.113'))}.{chance.randrange(1, 255)}",
        "userAgent": wanted.get(Field.AGENT) or chance.choice(_AGENTS),
        "requestParameters": {"bucketName": bucket, "Host": f"{bucket}.s3.ap-northeast-1.amazonaws.com", "key": key},
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": f"{chance.getrandbits(448):0112x}",
            "bytesTransferredOut": chance.randrange(10**8),
        },
        "requestID": f"{chance.getrandbits(64):016X}",
        "eventID": _uuid(chance),
        "readOnly": True,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": ACCOUNT,
        "vpcEndpointId": f"vpce-{chance.getrandbits(64):017x}",
        "vpcEndpointAccountId": ACCOUNT,
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{bucket}.s3.ap-northeast-1.amazonaws.com",
        },
    }


def _identity(chance: random.Random, wanted: dict[Field, str]) -> dict[str, Any]:
    if Field.TYPE not in wanted and Field.ROLE not in wanted and chance.random() < USERS:
        return _user(f"user-{chance.randrange(40)}")
    role = wanted.get(Field.ROLE) or chance.choice(
        ("batch-task", "etl-task", "web-instance", "AWSReservedSSO_Analyst_0123456789abcdef")
    )
    session = _session(chance, role)
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLEEXAMPLE123:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEEXAMPLE123",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-11-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def _user(name: str) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLEEXAMPLE123",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "userName": name,
    }


def _session(chance: random.Random, role: str) -> str:
    if role.startswith("AWSReservedSSO_"):
        return f"analyst-{chance.randrange(40)}@example.com"
    if chance.random() < UNMATCHED:
        return f"i-{chance.getrandbits(68):017x}"
    return f"{chance.getrandbits(128):032x}"


def _uuid(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


# --- files ------------------------------------------------------------------------------------------------------------------


def write_policies(folder: Path, rules: Sequence[Rule]) -> Path:
    """A policy set in a folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in policy_files(rules).items():
        (folder / name).write_text(text)
    return folder


def write_log(path: Path, logged: Sequence[dict[str, Any]]) -> int:
    """Records as a CloudTrail log file (gzip); returns the bytes of JSON in it."""
    text = json.dumps({"Records": logged}, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, compresslevel=6, mtime=0))
    return len(text)


def main(folder: Path, routes: int = 1_000, count: int = 10_000) -> None:
    """A usual policy set and log files of 10,000 records each, to try things with."""
    made = rules(Shape.USUAL, routes)
    write_policies(folder / "policies", made)
    logged = list(records(made, count))
    for start in range(0, count, 10_000):
        write_log(folder / f"log-{start:07}.json.gz", logged[start : start + 10_000])


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
