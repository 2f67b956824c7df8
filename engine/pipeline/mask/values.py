"""The message fields as text, as recorded.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Decision, Record

_NOTHING: Final[Mapping[str, Any]] = {}


def values(record: Record, decision: Decision) -> dict[Field, str]:
    """Every field that the event has, in the order of `Field`. What is not text is its JSON."""
    found = decision.facts
    identity = _mapping(record.get("userIdentity"))
    attributes = _mapping(_mapping(identity.get("sessionContext")).get("attributes"))
    everything = (
        (Field.TIME, record.get("eventTime")),
        (Field.EVENT, record.get("eventName")),
        (Field.BUCKET, found.bucket),
        (Field.KEY, found.key),
        (Field.COPY_SOURCE, copy_source(found.copy_bucket, found.copy_key)),
        (Field.REGION, record.get("awsRegion")),
        (Field.SOURCE_IP, record.get("sourceIPAddress")),
        (Field.USER_AGENT, record.get("userAgent")),
        (Field.CLASS, decision.actor.name),
        (Field.EVIDENCE, decision.evidence and decision.evidence.id),
        (Field.ACTOR_TYPE, found.actor_type),
        (Field.NAME, found.actor_name),
        (Field.ROLE, found.role),
        (Field.SESSION, found.session),
        (Field.ARN, identity.get("arn")),
        (Field.PRINCIPAL, identity.get("principalId")),
        (Field.ACCOUNT, found.account),
        (Field.ACCESS_KEY, identity.get("accessKeyId")),
        (Field.MFA, attributes.get("mfaAuthenticated")),
        (Field.ERROR_CODE, record.get("errorCode")),
        (Field.ERROR_MESSAGE, record.get("errorMessage")),
        (Field.EVENT_ID, record.get("eventID")),
        (Field.REQUEST_ID, record.get("requestID")),
    )
    return {field: text for field, value in everything if value is not None and (text := _text(value))}


def copy_source(bucket: str | None, key: str | None) -> str | None:
    """`bucket/key` of a copy's source, as far as it is known."""
    parts = [part for part in (bucket, key) if part is not None]
    return "/".join(parts) if parts else None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
