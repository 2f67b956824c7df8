"""Records out of values, in CloudTrail's shape; and what a record answers to the questions of a circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from engine.matching.formula import AtomFailure, evaluate
from engine.matching.relations import document_with
from engine.model import Event
from engine.pipeline.facts import document, facts
from engine.pipeline.facts.target import names_bucket, scope_of, split_arn
from engine.prove.paths import (
    ACCOUNT,
    ARN,
    BUCKET,
    BUCKET_NAME,
    CLAIMS,
    COPY_BUCKET,
    COPY_KEY,
    COPY_SOURCE,
    CROSS_ACCOUNT,
    FACT_TEXTS,
    KEY,
    NAME,
    PRINCIPAL,
    RECIPIENT,
    REQUEST_KEY,
    ROLE,
    SERVICE,
    SESSION,
    TYPE,
    USER,
)
from engine.prove.questions import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from engine.model import ActorClass, Document, Evidence, Record
    from engine.prove.fields import Fields
    from engine.prove.values import Values

    Path = tuple[str, ...]

_ID: Final = "11111111-2222-4333-8444-555555555555"
_ACCOUNT: Final = "111122223333"
_OTHER_ACCOUNT: Final = "444455556666"
_READS: Final = ("Get", "Head", "List", "Select")

# --- making records -------------------------------------------------------------------------------------------------------


def record_of(values: Values) -> dict[str, Any]:
    """The record that has these values, and is otherwise as CloudTrail writes one of this type of caller."""
    of_paths = values.of_paths
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {},
        "eventTime": values.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "example-client/1.0",
        "requestParameters": {},
        "eventID": _ID,
        "readOnly": True,
        "resources": [],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": of_paths.get(RECIPIENT, _recipient(values)),
        "eventCategory": "Data",
    }
    if ("eventName",) in of_paths and ("readOnly",) not in of_paths:
        record["readOnly"] = str(of_paths["eventName",]).startswith(_READS)
    _identify(record, values)
    _target(record, values)
    for path, value in of_paths.items():
        if path not in FACT_TEXTS and path not in (TYPE, ACCOUNT, SERVICE, USER, ARN, PRINCIPAL, RECIPIENT):
            _put(record, path, value)
    return _without_nulls(record)


def _put(record: dict[str, Any], path: Path, value: Any) -> None:  # noqa: ANN401  any JSON value
    inner = record
    for name in path[:-1]:
        if not isinstance(inner.get(name), dict):
            if value is None:
                return
            inner[name] = {}
        inner = inner[name]
    known = inner.get(path[-1])
    inner[path[-1]] = {**value, **known} if isinstance(known, dict) and isinstance(value, dict) else value


def _without_nulls(record: dict[str, Any]) -> dict[str, Any]:
    """A record without fields that are null or empty objects, which CloudTrail leaves out."""
    kept: dict[str, Any] = {}
    for name, value in record.items():
        inner = _without_nulls(value) if isinstance(value, dict) else value
        if inner is not None and inner not in ({}, []):
            kept[name] = inner
    return kept


def _recipient(values: Values) -> str | None:
    """The account that received the event: the bucket's, which is another one than a stranger's."""
    account = values.of_paths.get(ACCOUNT)
    if values.crossed is None and account:
        return None
    if values.crossed or not account:
        return _other_than(account)
    return str(account)


def _other_than(account: object) -> str:
    return _ACCOUNT if account != _ACCOUNT else _OTHER_ACCOUNT


def _identify(record: dict[str, Any], values: Values) -> None:
    """Who calls."""
    of_paths, identity = values.of_paths, record["userIdentity"]
    kind = identity["type"] = of_paths.get(TYPE, "AssumedRole")
    role, session = of_paths.get(ROLE, "app"), of_paths.get(SESSION, "app-1")
    account = of_paths.get(ACCOUNT, None if kind == "AWSService" else _ACCOUNT)
    identity["accountId"] = account
    identity["invokedBy"] = of_paths.get(SERVICE, "config.amazonaws.com" if kind == "AWSService" else None)
    named = of_paths.get(NAME)
    if named is not None and SESSION not in of_paths and kind == "AssumedRole":
        session = named
    else:
        identity["userName"] = named if named not in (session, identity["invokedBy"]) else None
    identity["userName"] = of_paths.get(USER, identity.get("userName"))
    user = named if NAME in of_paths else identity["userName"] or "alice"
    if kind == "AssumedRole":
        identity["principalId"] = of_paths.get(PRINCIPAL, f"AROAEXAMPLEEXAMPLEEXA:{session}")
        identity["arn"] = of_paths.get(ARN, f"arn:aws:sts::{account or _ACCOUNT}:assumed-role/{role}/{session}")
        identity["accessKeyId"] = "ASIAIOSFODNN7EXAMPLE"
        issuer = {"type": "Role", "arn": f"arn:aws:iam::{account or _ACCOUNT}:role/{role}", "userName": role}
        identity["sessionContext"] = {"sessionIssuer": issuer}
    else:
        users = {"Root": "root"} if user is None else {"Root": "root", "IAMUser": f"user/{user}"}
        if kind == "IAMUser" and USER not in of_paths:
            identity["userName"] = user
        arn = f"arn:aws:iam::{account or _ACCOUNT}:{users[kind]}" if kind in users else None
        identity["arn"] = of_paths.get(ARN, arn)
        identity["principalId"] = of_paths.get(PRINCIPAL, None if kind == "AWSService" else "AIDAEXAMPLEEXAMPLEEXA")


def _target(record: dict[str, Any], values: Values) -> None:
    """What is asked for, and whose it is."""
    of_paths, request = values.of_paths, record["requestParameters"]
    bucket, key = of_paths.get(BUCKET, "example-bucket"), of_paths.get(KEY, "2026/11/report.csv")
    request["bucketName"] = of_paths.get(BUCKET_NAME, bucket)
    request["key"] = of_paths.get(REQUEST_KEY, key)
    if request["key"] != key:
        request["Key"] = key
    source = of_paths.get(COPY_BUCKET)
    if source is not None and COPY_SOURCE not in of_paths:
        copied_key = of_paths.get(COPY_KEY, "2026/11/source.csv")
        request["x-amz-copy-source"] = f"{source}/{quote(copied_key)}" if copied_key is not None else source
        if ("eventName",) not in of_paths:
            record["eventName"], record["readOnly"] = "CopyObject", False
    owner = _owner(values, record)
    arns: list[tuple[str, str | None]] = [(f"arn:aws:s3:::{bucket}/{key}", None)] if key and names_bucket(bucket) else []
    named = dict.fromkeys(name for name in (bucket, *values.elsewhere) if name is not None)
    arns += [(f"arn:aws:s3:::{name}", owner) for name in named if split_arn(f"arn:aws:s3:::{name}")[0] == name]
    record["resources"] = [
        {"type": "AWS::S3::Bucket", "accountId": owned_by, "ARN": arn}
        if owned_by
        else {"type": "AWS::S3::Object" if "/" in arn else "AWS::S3::Bucket", "ARN": arn}
        for arn, owned_by in arns
    ]


def _owner(values: Values, record: Mapping[str, Any]) -> str | None:
    """The account of the buckets: the caller's, another one, or one that is not known."""
    account = record["userIdentity"].get("accountId")
    if values.crossed is None:
        return None
    return _other_than(account) if values.crossed else account


# --- what a record answers ------------------------------------------------------------------------------------------------


def document_of(record: Record, actor: ActorClass, evidence: Evidence | None) -> Document:
    """What the matchers of routes see of a record, whose class is decided."""
    return document(record, facts(Event(record, "")), actor, evidence)


def answers_of(fields: Fields, seen: Document, time: datetime) -> dict[int, bool]:
    """The value of every variable for an event: what its matchers see, and its time.

    Where the circuit is about a second event, too, what they see of that stands in `seen` under `CLAIMS`.
    """
    return dict(_answers(fields, seen, time))


def _answers(fields: Fields, seen: Document, time: datetime) -> Iterator[tuple[int, bool]]:
    crossing = fields.crossing()  # first, as it may bring in more fields
    for path, field in fields.texts.items():
        if path[0] == CLAIMS and CLAIMS not in seen:
            continue
        value = _at(seen, path)
        is_text = isinstance(value, str)
        yield field.null, value is None
        yield field.other, not is_text and value is not None
        yield from ((question.variable, is_text and ask(question, value)) for question in field.questions.values())
        for answers in field.of_other:
            result = evaluate(answers.atom, document_with({field.path: value}))
            yield answers.yes, result is True
            yield answers.fails, isinstance(result, AtomFailure)
    for literal, (one, other) in fields.equal.items():
        if CLAIMS in (one[0], other[0]) and CLAIMS not in seen:
            continue
        yield literal, _at(seen, one) == _at(seen, other)
    for literal, atom in (*fields.guesses.items(), *fields.addresses.items()):
        if literal in fields.claimed and CLAIMS not in seen:
            continue
        result = evaluate(atom, seen[CLAIMS] if literal in fields.claimed else seen)
        fails = isinstance(result, AtomFailure)
        yield literal, fails if literal in fields.failures else not fails and bool(result)
    crossed = _at(seen, CROSS_ACCOUNT)
    yield from ((crossing.yes, crossed is True), (crossing.unknown, crossed is None))
    yield from ((question.variable, question.is_in(time)) for question in fields.times.values())
    named = set(_named(seen))
    for literal, question in fields.elsewhere.items():
        yield literal, any(ask(question, name) for name in named)


def _named(seen: Document) -> Iterable[str]:
    """The buckets that `resources` names beside the request's and the copy's."""
    target = (_at(seen, BUCKET), None, _at(seen, COPY_BUCKET), None)
    touched, every, _ = scope_of(target, seen.get("resources"), None)
    return (name for name in every if name not in touched)


def _at(seen: Mapping[str, Any], path: Path) -> Any:  # noqa: ANN401  any JSON value
    value: Any = seen
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
