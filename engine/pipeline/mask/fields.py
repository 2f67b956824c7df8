"""The message fields of an event as text, as recorded.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field
from engine.pipeline.mask.clients import client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Decision, FactGroups, Record

_EMPTY: Final[Mapping[str, Any]] = {}
_FIELDS: Final = tuple(Field)
_TRANSFERRED: Final = {"read": "bytesTransferredOut", "list": "bytesTransferredOut", "write": "bytesTransferredIn"}
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
_SIZE_LIMIT: Final = 1 << 63


def field_values(record: Record, decision: Decision, facts: FactGroups) -> dict[Field, str]:
    """Every field that the event has, in the order of `Field`. What is not text is its JSON."""
    return {
        field: value if isinstance(value, str) else _json(value)
        for field, value in zip(_FIELDS, _values(record, decision, facts), strict=True)
        if value or (value is not None and value != "")
    }


def _values(record: Record, decision: Decision, facts: FactGroups) -> tuple[Any, ...]:
    """The value of each field, in the order of `Field`, as JSON gave it. None or an empty text: the event has none."""
    identity, evidence = record.get("userIdentity"), decision.verdict.evidence
    if identity.__class__ is not dict:
        identity = _EMPTY
    context = identity.get("sessionContext")
    attributes = context.get("attributes") if context.__class__ is dict else None
    (bucket, key, copy_bucket, copy_key), (role, session), (actor_type, actor_name, account, _), _, (_, access_kind), *_ = facts
    return (
        record.get("eventTime"),
        record.get("eventName"),
        bucket,
        key,
        _copy_source(copy_bucket, copy_key),
        None if copy_bucket or copy_key else _size(record, access_kind),
        record.get("awsRegion"),
        record.get("sourceIPAddress"),
        record.get("userAgent"),
        client(record.get("userAgent")),
        decision.verdict.actor.name,
        None if evidence is None else evidence.id,
        actor_type,
        actor_name,
        role,
        session,
        identity.get("arn"),
        identity.get("principalId"),
        account,
        identity.get("accessKeyId"),
        attributes.get("mfaAuthenticated") if attributes.__class__ is dict else None,
        record.get("errorCode"),
        record.get("errorMessage"),
        record.get("eventID"),
        record.get("requestID"),
    )


def _copy_source(bucket: str | None, key: str | None) -> str | None:
    """`bucket/key` of a copy's source, as far as it is known."""
    return key if bucket is None else bucket if key is None else f"{bucket}/{key}"


def _size(record: Record, access_kind: str) -> int | None:
    """The bytes of the object that went out (a read or a list) or came in (a write); None where the record does not say.

    A copy and a deletion transfer no object, and what a `Head…` transfers is none. CloudTrail writes whole numbers, some of them
    as floats.
    """
    transferred = record.get("additionalEventData")
    if transferred.__class__ is not dict or access_kind not in _TRANSFERRED:
        return None
    count = transferred.get(_TRANSFERRED[access_kind])
    if count.__class__ not in (int, float) or not 0 <= count < _SIZE_LIMIT or (count == 0 and access_kind != "write"):
        return None
    return int(count)


def _json(value: object) -> str:
    return str(value) if value.__class__ is int else _ENCODE(value)
