"""The probe: a read of one object by a role of its own, on a schedule, to see whether events arrive.

Its event goes the way of all others, and is decided and recorded as they are. It is not sent: how long it took is a metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.pipeline.facts import time_of

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Event, Probe


def is_probe(event: Event, probe: Probe) -> bool:
    """Whether an event is the probe's: a read of that object by that role, whose ARN AWS attests."""
    record = event.record
    identity, parameters = record.get("userIdentity"), record.get("requestParameters")
    if not isinstance(identity, dict) or not isinstance(parameters, dict):
        return False
    session = identity.get("sessionContext")
    issuer = session.get("sessionIssuer") if isinstance(session, dict) else None
    return (
        record.get("eventSource") == "s3.amazonaws.com"
        and record.get("eventName") == "GetObject"
        and identity.get("type") == "AssumedRole"
        and isinstance(issuer, dict)
        and issuer.get("arn") == probe.role
        and (parameters.get("bucketName"), parameters.get("key")) == (probe.bucket, probe.key)
    )


def minutes_since(event: Event, now: datetime) -> float | None:
    """For how many minutes an event was on its way; None where it has no time."""
    time = time_of(event.record.get("eventTime"))
    return None if time is None else max((now - time).total_seconds(), 0.0) / 60
