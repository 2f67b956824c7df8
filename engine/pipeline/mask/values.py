"""The message fields as text, as recorded.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Decision, FactGroups, Record

_NOTHING: Final[Mapping[str, Any]] = {}
_FIELDS: Final = tuple(Field)


def read(record: Record, decision: Decision, found: FactGroups) -> tuple[Any, ...]:
    """What the event has of each field, in the order of `Field`, as JSON gave it. None and an empty text: nothing."""
    get, identity, evidence = record.get, record.get("userIdentity"), decision.evidence
    if identity.__class__ is not dict:
        identity = _NOTHING
    of, context = identity.get, identity.get("sessionContext")
    attributes = context.get("attributes") if context.__class__ is dict else None
    (bucket, key, copy_bucket, copy_key), (role, session), (actor_type, actor_name, account, _, _), *_ = found
    return (
        get("eventTime"),
        get("eventName"),
        bucket,
        key,
        None if copy_bucket is None and copy_key is None else copy_source(copy_bucket, copy_key),
        get("awsRegion"),
        get("sourceIPAddress"),
        get("userAgent"),
        decision.actor.name,
        None if evidence is None else evidence.id,
        actor_type,
        actor_name,
        role,
        session,
        of("arn"),
        of("principalId"),
        account,
        of("accessKeyId"),
        attributes.get("mfaAuthenticated") if attributes.__class__ is dict else None,
        get("errorCode"),
        get("errorMessage"),
        get("eventID"),
        get("requestID"),
    )


def values(everything: tuple[Any, ...]) -> dict[Field, str]:
    """Every field that the event has, in the order of `Field`. What is not text is its JSON."""
    return {
        field: value if isinstance(value, str) else _json(value)
        for field, value in zip(_FIELDS, everything, strict=True)
        if value or (value is not None and value != "")
    }


def copy_source(bucket: str | None, key: str | None) -> str | None:
    """`bucket/key` of a copy's source, as far as it is known."""
    if bucket is None:
        return key
    return bucket if key is None else f"{bucket}/{key}"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
