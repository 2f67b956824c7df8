"""The audit record: what stays in CloudWatch Logs whatever becomes of Slack. Values only; the caller writes the line.

Its shape is `schemas/v1/audit.schema.json`. A decision record is written before anything is posted, a delivery record after
each post.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from engine.model import DecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from engine.model import Decision, Delivery, Event, MaskedEvent, PolicySet, Verdict

VERSION: Final = 1

LONGEST_LINE: Final = 250_000
"""Characters. Lambda breaks a longer line in two, of which neither is JSON; CloudWatch Logs took 256 kB an event for long.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (1 MB since 2025)
"""

_CUTS: Final = (8_192, 1_024)
_DEEPEST: Final = 20

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


def decision_record(  # noqa: PLR0913, PLR0917  one argument a field
    event: Event,
    decision: Decision,
    masked: MaskedEvent | None,
    policies: PolicySet,
    now: datetime,
    receive_count: int | None = None,
    *,
    shadow: dict[str, Any] | None = None,
    probe: bool = False,
) -> dict[str, Any]:
    """The record of one decision; with the event as the audit level leaves it, at `open` (`masked` None) the whole record.

    `receive_count`: how often SQS has handed out the event's batch item, this time included. Where it is more than 1, there may
    be an earlier record of the same event. `shadow`: what a shadow set would do. `probe`: it is the probe's event.
    """
    record: dict[str, Any] = {
        "type": "decision",
        "version": VERSION,
        "written": now.isoformat(),
        "commit": policies.commit,
        "where": event.where,
        "item": event.item,
        "receive_count": receive_count,
        "masking": policies.audit.level.name,
        "decision": decision_json(decision),
    }
    if shadow is not None:
        record["shadow"] = shadow
    if probe:
        record["probe"] = True
    if policies.audit.event:
        record["event"] = event.record if masked is None else {field.value: text for field, text in masked.values.items()}
    return record


def undecided_record(
    source: Event | DecodeError, reason: str, now: datetime, receive_count: int | None = None, *, with_event: bool = False
) -> dict[str, Any]:
    """The record of what could not be read or decided. `with_event` is for the audit level `open` alone.

    What lies in a log file has its address, so that it can be read again by hand.
    """
    record: dict[str, Any] = {
        "type": "undecided",
        "version": VERSION,
        "written": now.isoformat(),
        "where": source.where,
        "item": source.item,
        "receive_count": receive_count,
        "reason": reason,
    }
    if isinstance(source, DecodeError):
        return record if source.log_file is None else {**record, "log_file": source.log_file}
    return {**record, "event": dict(source.record)} if with_event else record


def self_test_record(answer: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """That the function was asked for its self-test, and how many problems it reported."""
    problems = sum(bool(problem) for problem in (*answer["webhooks"].values(), answer["table"]))
    return {
        "type": "self_test",
        "version": VERSION,
        "written": now.isoformat(),
        "revision": answer["revision"],
        "problems": problems,
    }


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


def line(record: Mapping[str, Any]) -> str:
    """One JSON line of at most `LONGEST_LINE` characters: ASCII, so that no character can break a log line or a terminal.

    A longer one has its long texts and lists cut, and says as `cut_from` how long it was.
    """
    text = _ENCODE(record)
    if len(text) <= LONGEST_LINE:
        return text
    for longest in _CUTS:
        cut = _ENCODE({**_cut(record, longest), "cut_from": len(text)})
        if len(cut) <= LONGEST_LINE:
            return cut
    without_event = {name: value for name, value in record.items() if name != "event"}
    return _ENCODE({**_cut(without_event, _CUTS[-1]), "cut_from": len(text)})


def _cut(value: Any, longest: int, depth: int = 0) -> Any:  # noqa: ANN401  what JSON holds
    """A value with texts of so many characters, lists and objects of a part of that, and no more levels than `_DEEPEST`."""
    members = longest // 32
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…"
    if not isinstance(value, (dict, list)):
        return value
    if depth == _DEEPEST:
        return "…"
    if isinstance(value, list):
        return [_cut(member, longest, depth + 1) for member in value[:members]]
    return {_cut(name, longest): _cut(member, longest, depth + 1) for name, member in islice(value.items(), members)}
