"""The audit record: what stays in CloudWatch Logs whatever becomes of Slack. Values only; the caller writes the line.

Its shape is `schemas/v1/audit.schema.json`. A decision record is written before anything is posted, a delivery record after
each post.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from engine.model import Decision, Delivery, Event, MaskedEvent, PolicySet, Verdict

VERSION: Final = 1

_ENCODE: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode
"""Values that came from JSON never contain themselves, so there are no cycles to look for."""


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision as `schemas/v1/decision.schema.json` describes it."""
    return {"event_id": decision.event_id, **verdict_json(decision.verdict)}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The same without the event's id."""
    return {
        "class": verdict.actor.name,
        "kind": verdict.actor.kind.value,
        "evidence": verdict.evidence.id if verdict.evidence else None,
        "strength": verdict.evidence.strength.value if verdict.evidence else None,
        "channels": {request.channel: request.level.name for request in verdict.requests},
        "routes": list(verdict.routes),
        "mutes": [{"policy": mute.policy, "id": mute.id, "reason": mute.reason} for mute in verdict.mutes],
        "silences": [{"policy": silence.policy, "id": silence.id, "reason": silence.reason} for silence in verdict.silences],
        "void": [{"policy": rule.policy, "id": rule.id, "reason": rule.reason.value} for rule in verdict.void],
        "defaulted": verdict.defaulted,
        "failures": [
            {"kind": failure.kind.value, "policy": failure.policy, "id": failure.id, "reason": failure.reason}
            for failure in verdict.failures
        ],
        "revision": verdict.revision,
    }


def decision_record(
    event: Event, decision: Decision, masked: MaskedEvent | None, policies: PolicySet, now: datetime
) -> dict[str, Any]:
    """The record of one decision; with the event as the audit level leaves it, at `open` (`masked` None) the whole record."""
    record: dict[str, Any] = {
        "type": "decision",
        "version": VERSION,
        "written": now.isoformat(),
        "commit": policies.commit,
        "where": event.where,
        "item": event.item,
        "masking": policies.audit.level.name,
        "decision": decision_json(decision),
    }
    if policies.audit.event:
        record["event"] = event.record if masked is None else {field.value: text for field, text in masked.values.items()}
    return record


def undecided_record(  # noqa: PLR0913  one argument a field
    where: str, item: str | None, reason: str, now: datetime, event: Event | None = None, *, log_file: str | None = None
) -> dict[str, Any]:
    """The record of what could not be read or decided. `event` is given only where the audit level is `open`.

    `log_file` is the address of the log file that it lies in, so that it can be read again by hand.
    """
    record: dict[str, Any] = {
        "type": "undecided",
        "version": VERSION,
        "written": now.isoformat(),
        "where": where,
        "item": item,
        "reason": reason,
    }
    if log_file is not None:
        record["log_file"] = log_file
    return record if event is None else {**record, "event": dict(event.record)}


def delivery_record(  # noqa: PLR0913  one argument a field
    delivery: Delivery,
    channel: str,
    event_ids: Sequence[str | None],
    revision: str,
    now: datetime,
    *,
    ranges: Sequence[tuple[str, int, int]] = (),
    again: bool = False,
) -> dict[str, Any]:
    """What became of one post. `channel` is the requested one; `posted_to` may be its fallback.

    `ranges`: which events of which incidents it is about, by their numbers in each, both ends included (0: not known).
    `again`: it may repeat what the channel has heard. The ranges of what was delivered cover each incident, and overlap
    only where `again`.
    """
    return {
        "type": "delivery",
        "version": VERSION,
        "written": now.isoformat(),
        "revision": revision,
        "event_ids": list(event_ids),
        "channel": channel,
        "posted_to": delivery.message.channel,
        "outcome": delivery.outcome.value,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "plain": delivery.plain,
        "incidents": [{"incident": incident, "from": start, "to": end} for incident, start, end in ranges],
        "again": again,
    }


def line(record: object) -> str:
    """One JSON line: ASCII, so that no character of an event can break a log line or a terminal."""
    return _ENCODE(record)
