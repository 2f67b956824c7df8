"""Small events and policy sets for tests, made of documentation values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.model import (
    ActorClass,
    AuditRule,
    Channel,
    Default,
    Definitions,
    Event,
    Evidence,
    Field,
    Kind,
    Level,
    LocalizedText,
    Matcher,
    Operator,
    Policy,
    PolicySet,
    Route,
    Selection,
    Silence,
    Strength,
    WebhookRef,
)
from engine.pipeline.decode import decode_stream
from engine.policy.compile import in_order
from engine.policy.load import read
from engine.policy.matchers import from_source
from engine.policy.source import Source, parse_source

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "tests/base/policies"
"""The shipped base with fixed channels: what the product's tests decide by. Whoever works in a clone may change `policies/`."""
SHIPPED_TESTS = ROOT / "tests/base/tests"
SHIPPED_BASE = ROOT / "engine/base"

DEFINITIONS = Definitions(
    lists={"few": frozenset({"ab", "payments-prod"}), "many": frozenset({"ledger", "read", *map("text-{}".format, range(40))})},
    conditions={"of-few": ("in_list(bucket, 'few')", "glob(key, '*ledger*')"), "either": ("holds('of-few') || odd",)},
)
"""What the matchers of `matcher` may use."""

FACTORY = from_source(defined=DEFINITIONS)

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

OPEN_LEVEL = Level("open", 0, MappingProxyType(dict.fromkeys(Field, Operator.KEEP)))
STANDARD = Level(
    "standard",
    1,
    MappingProxyType(
        {
            **dict.fromkeys(Field, Operator.KEEP),
            Field.SOURCE_IP: Operator.NETWORK,
            Field.ACCESS_KEY: Operator.LAST4,
            Field.ACCOUNT: Operator.MASK,
        }
    ),
)
STRICT = Level(
    "strict", 2, MappingProxyType({Field.TIME: Operator.KEEP, Field.EVENT: Operator.KEEP, Field.BUCKET: Operator.KEEP})
)


def record(**changes: Any) -> dict[str, Any]:
    """A person reads an object; `changes` replace top-level fields."""
    return {
        "eventVersion": "1.11",
        "eventID": "11111111-2222-4333-8444-555555555555",
        "eventTime": "2026-11-01T09:30:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "eventCategory": "Data",
        "managementEvent": False,
        "readOnly": True,
        "awsRegion": "ap-northeast-1",
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "[aws-cli/2.15.0 Python/3.11.6 Darwin/23.1.0]",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEEXAMPLEEXA:analyst@example.com",
            "arn": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/analyst@example.com",
            "accountId": "111122223333",
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        },
        "requestParameters": {"bucketName": "payments-prod", "key": "2026/11/ledger.csv"},
        "resources": [
            {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payments-prod/2026/11/ledger.csv"},
            {"type": "AWS::S3::Bucket", "accountId": "111122223333", "ARN": "arn:aws:s3:::payments-prod"},
        ],
        **changes,
    }


def event(**changes: Any) -> Event:
    """`record` as an event."""
    return Event(record(**changes), "test")


def events_in(folder: Path) -> list[Event]:
    """The events of a folder's JSON files, in path order."""
    read: list[Event] = []
    for path in sorted(folder.glob("*.json*")):
        with path.open("rb") as stream:
            read += [item for item in decode_stream(stream, path.name) if isinstance(item, Event)]
    return read


def matcher(*expressions: str) -> Matcher:
    """A matcher over expressions that must all hold."""
    return FACTORY.matcher(expressions)


def route(name: str, when: str | None = None, **parts: Any) -> Route:
    """A route; it notifies `watch` unless it mutes or says otherwise."""
    if "mute" not in parts:
        parts.setdefault("notify", ("watch",))
    return Route(name, matcher(when) if when else None, **parts)


def silence(name: str, when: str, until: datetime, **parts: Any) -> Silence:
    """A silence, for the reason `work`."""
    return Silence(name, matcher(when), until, parts.pop("reason", "work"), **parts)


def policy(name: str, *routes: Route, **parts: Any) -> Policy:
    """A policy of the routes; anchored where it has a bucket scope."""
    parts.setdefault("anchored", parts.get("buckets") is not None)
    parts.setdefault("holds_default", name == "base")
    return Policy(name=name, owner="team", path=f"policies/{name}.yaml", routes=routes, **parts)


def actor(name: str, when: str, kind: Kind = Kind.PERSON, strength: Strength = Strength.ATTESTED, **parts: Any) -> ActorClass:
    """A class with one evidence, named after it."""
    evidence = Evidence(f"{name}-sign", LocalizedText(f"it looks like {name}"), strength, matcher(when))
    return ActorClass(name, kind, evidence=(evidence,), **parts)


def channel(name: str, floor: Level = OPEN_LEVEL, **parts: Any) -> Channel:
    """A channel whose webhook stands in the environment."""
    return Channel(name, WebhookRef(env="SLACK_WEBHOOK_URL"), floor, UTC, **parts)


def policy_set(*policies: Policy, **parts: Any) -> PolicySet:
    """A set over channels `watch`, `security` and `ops`; its default, in the file `base`, goes to `ops` at `open`."""
    evidence = in_order((one, sign) for one in parts.get("actors", ()) for sign in one.evidence)
    return PolicySet(
        **{
            "revision": "sha256:000000000000",
            "commit": None,
            "policies": policies,
            "actors": (),
            "unknown": ActorClass("unknown", Kind.UNKNOWN),
            "evidence": evidence,
            "levels": (OPEN_LEVEL, STANDARD, STRICT),
            "channels": MappingProxyType({name: channel(name) for name in ("watch", "security", "ops")}),
            "default": Default("base", ("ops",), OPEN_LEVEL),
            "selection": Selection(),
            "audit": AuditRule(OPEN_LEVEL),
            "definitions": DEFINITIONS,
            "first": FACTORY.first([sign.matcher.expressions for _, sign in evidence]),
            **parts,
        }
    )


def base_files() -> tuple[Source, ...]:
    """The files of the shipped base, each as an own file of a set, with the channel that they need."""
    channels = "version: 1\nname: channels\nowner: platform\nchannels: [{name: s3-watch, webhook: {env: SLACK_WEBHOOK_URL}}]\n"
    return (*read(SHIPPED_BASE), parse_source(channels.encode(), "channels.yaml"))
