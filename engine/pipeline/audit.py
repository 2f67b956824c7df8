"""The audit record: what stays in CloudWatch Logs whatever becomes of Slack. Values only; the caller writes the line.

Its shape is `schemas/v1/audit.schema.json`. A decision record is written before anything is posted, a delivery record after
each post.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final

from engine.model import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from engine.model import Decision, Delivery, Event, MaskedEvent, PolicySet, Record, Verdict

VERSION: Final = 1

MOST_KINDS: Final = 10_000
"""How many decisions that differ in more than the event's id are remembered at once."""

_BEFORE_ID: Final = '{"event_id":'


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision as `schemas/v1/decision.schema.json` describes it."""
    return {"event_id": decision.event_id, **_verdict_json(decision)}


def _verdict_json(decision: Decision | Verdict) -> dict[str, Any]:
    return {
        "class": decision.actor.name,
        "kind": decision.actor.kind.value,
        "evidence": decision.evidence.id if decision.evidence else None,
        "channels": {request.channel: request.level.name for request in decision.requests},
        "routes": list(decision.routes),
        "mutes": [{"policy": mute.policy, "id": mute.id, "reason": mute.reason} for mute in decision.mutes],
        "silences": [{"policy": hush.policy, "id": hush.id, "reason": hush.reason} for hush in decision.silences],
        "defaulted": decision.defaulted,
        "failures": [
            {"kind": failure.kind.value, "policy": failure.policy, "id": failure.id, "reason": failure.reason}
            for failure in decision.failures
        ],
        "revision": decision.revision,
    }


class DecisionLines:
    """Decisions of one policy set as JSON lines. What they have in common, nearly everything, is encoded once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, Verdict]] = {}
        self._by_content: dict[object, str] = {}

    def lines(self, records: Iterable[Record], verdicts: Iterable[Verdict]) -> bytes:
        """The line of `decision_json`, with its end, for each record and what was chosen for it."""
        parts: list[str] = []
        add, known = parts.append, self._known
        for record, verdict in zip(records, verdicts, strict=True):
            name = record.get("eventID")
            add(_BEFORE_ID)
            add(encode_basestring_ascii(name) if isinstance(name, str) and name else "null")
            # A verdict is known by where it lies, which is its own as long as it is kept here.
            add((known.get(id(verdict)) or self._remember(verdict))[0])
        return "".join(parts).encode("ascii")

    def _remember(self, verdict: Verdict) -> tuple[str, Verdict]:
        """What follows the event's id in the lines of a verdict that was not met before. One like it may have been."""
        if len(self._known) >= MOST_KINDS:
            self._known.clear()
            self._by_content.clear()
        requests = tuple([(one.channel, one.level.name) for one in verdict.requests])
        evidence = verdict.evidence and verdict.evidence.id
        key = verdict.actor.name, evidence, requests, verdict[3:]
        if key not in self._by_content:
            self._by_content[key] = line(_verdict_json(verdict)).replace("{", ",", 1) + "\n"
        self._known[id(verdict)] = known = self._by_content[key], verdict
        return known


def decision_record(event: Event, decision: Decision, masked: MaskedEvent, policies: PolicySet, now: datetime) -> dict[str, Any]:
    """The record of one decision; with the event as the audit level leaves it, at `open` the whole record."""
    record: dict[str, Any] = {
        "type": "decision",
        "version": VERSION,
        "written": now.isoformat(),
        "commit": policies.commit,
        "where": event.where,
        "item": event.item,
        "masking": masked.level.name,
        "decision": decision_json(decision),
    }
    if policies.audit.event:
        record["event"] = dict(event.record) if masked.level.name == OPEN else _named(masked)
    return record


def _named(masked: MaskedEvent) -> dict[str, str]:
    return {field.value: value for field, value in masked.values.items()}


def undecided_record(where: str, item: str | None, reason: str, now: datetime, event: Event | None = None) -> dict[str, Any]:
    """The record of what could not be read or decided. `event` is given only where the audit level is `open`."""
    record: dict[str, Any] = {
        "type": "undecided",
        "version": VERSION,
        "written": now.isoformat(),
        "where": where,
        "item": item,
        "reason": reason,
    }
    return record if event is None else {**record, "event": dict(event.record)}


def delivery_record(
    delivery: Delivery, channel: str, event_ids: Sequence[str | None], revision: str, now: datetime
) -> dict[str, Any]:
    """What became of one post. `channel` is the one asked for; `posted_to` may be its fallback."""
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
    }


def line(record: Mapping[str, Any]) -> str:
    """One JSON line: ASCII, so that no character of an event can break a log line or a terminal."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"))
