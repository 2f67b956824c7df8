"""The message fields as text, as recorded.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Decision, Facts, Record

_NOTHING: Final[Mapping[str, Any]] = {}
_FIELDS: Final = tuple(Field)


def values(record: Record, found: Facts, decision: Decision) -> dict[Field, str]:
    """Every field that the event has, in the order of `Field`. What is not text is its JSON."""
    identity = _mapping(record.get("userIdentity"))
    attributes = _mapping(_mapping(identity.get("sessionContext")).get("attributes"))
    everything = (
        record.get("eventTime"),
        record.get("eventName"),
        found.bucket,
        found.key,
        copy_source(found.copy_bucket, found.copy_key),
        record.get("awsRegion"),
        record.get("sourceIPAddress"),
        record.get("userAgent"),
        decision.actor.name,
        decision.evidence and decision.evidence.id,
        found.actor_type,
        found.actor_name,
        found.role,
        found.session,
        identity.get("arn"),
        identity.get("principalId"),
        found.account,
        identity.get("accessKeyId"),
        attributes.get("mfaAuthenticated"),
        record.get("errorCode"),
        record.get("errorMessage"),
        record.get("eventID"),
        record.get("requestID"),
    )
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


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
