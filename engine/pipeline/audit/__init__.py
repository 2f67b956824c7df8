"""The audit record: what stays in CloudWatch Logs whatever becomes of Slack. Values only; the caller writes the line.

Its shape is `schemas/v1/audit.schema.json`. A decision record is written before anything is posted, a delivery record after
each post.
"""

from __future__ import annotations

from itertools import islice
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.pipeline.audit.encoding import AS_JSON, Encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from engine.model import Decision, Delivery, Event, MaskedEvent, PolicySet, Verdict

VERSION: Final = 1

MOST_KINDS: Final = 10_000
"""How many verdicts are remembered at once."""

_BEFORE_TIME: Final = f'{{"type":"decision","version":{VERSION},"written":"'
_BEFORE_ID: Final = '{"event_id":'
_BEFORE_NAME: Final = f'{_BEFORE_ID}"'
_AS_THEY_ARE: Final = bytes({*range(0x20, 0x7F)} - {*b'"\\'})
"""Characters that JSON takes as they are."""

_ENCODER: Final = Encoder()


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision as `schemas/v1/decision.schema.json` describes it."""
    return {"event_id": decision.event_id, **verdict_json(decision)}


def verdict_json(decision: Decision | Verdict) -> dict[str, Any]:
    """The same without the event's id."""
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
    """Decisions as JSON lines. What many have in common, all but the event's id, is encoded once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Verdict, str]] = {}

    def of(self, names: Sequence[object], tails: Sequence[str]) -> bytes:
        """The lines of `decision_json`, of what was recorded as the events' ids and of the tails of their verdicts."""
        if not names:
            return b""
        if not _plain(names):
            said = zip(names, tails, strict=True)
            return "".join(f"{_BEFORE_ID}{_name(name)}{tail[1 : -len(_BEFORE_NAME)]}" for name, tail in said).encode("ascii")
        parts: list[Any] = [_BEFORE_NAME] * (2 * len(names) + 1)
        parts[1::2] = names
        parts[2::2] = tails
        parts[-1] = parts[-1][: -len(_BEFORE_NAME)]
        return "".join(parts).encode("ascii")

    def tail(self, verdict: Verdict) -> str:
        """What follows the event's id in the lines of a verdict, with its quotes, to the id in the next line."""
        # A verdict is known by where it lies, which is its own while it is kept here.
        kept = self._known.get(id(verdict))
        if kept is None:
            if len(self._known) >= MOST_KINDS:
                self._known.clear()
            kept = self._known[id(verdict)] = verdict, f'",{line(verdict_json(verdict))[1:]}\n{_BEFORE_NAME}'
        return kept[1]


def _plain(names: Sequence[Any]) -> bool:
    """Whether all of these are texts that JSON takes as they are."""
    try:
        together = "".join(names)
    except TypeError:
        return False
    return all(names) and not together.encode("utf-8", "surrogatepass").translate(None, _AS_THEY_ARE)


def _name(name: object) -> str:
    return _quoted(name) if name.__class__ is str and name else "null"


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
        record["event"] = event.record if masked is None else _named(masked)
    return record


def decision_line(event: Event, decision: Decision, masked: MaskedEvent | None, policies: PolicySet, now: datetime) -> str:
    """The line of `decision_record`: what the records of like decisions have in common is encoded once."""
    # All decisions of one verdict share these three, of which one is hardly ever empty.
    known = _known.get(id(decision.requests or decision.mutes or decision.silences))
    if known is None or known.policies is not policies or known.verdict != decision[1:]:
        known = _common(decision, policies)
    _, _, before, between, after = known
    name, (record, where, item) = decision.event_id, event
    start = (
        f'{_BEFORE_TIME}{now.isoformat()}{before}{_quoted(where)},"item":{"null" if item is None else _quoted(item)}'
        f"{between}{'null' if name is None else _quoted(name)}{after}"
    )
    if not policies.audit.event:
        return f"{start}}}"
    return f'{start},"event":{_ENCODER.encoded(record if masked is None else _named(masked))}}}'


class _Common(NamedTuple):
    """What the records of like decisions have in common: before the event's place, up to its id, and up to the event itself."""

    policies: PolicySet
    verdict: tuple[object, ...]
    before: str
    between: str
    after: str


_known: dict[int, _Common] = {}
"""All of one policy set, that of the decision before."""


def _common(decision: Decision, policies: PolicySet) -> _Common:
    commit, level = line(policies.commit), line(policies.audit.level.name)
    made = _Common(
        policies=policies,
        verdict=decision[1:],
        before=f'","commit":{commit},"where":',
        between=f',"masking":{level},"decision":{_BEFORE_ID}',
        after=f",{line(verdict_json(decision))[1:]}",
    )
    # What is known of another policy set would keep all of that alive.
    if len(_known) >= MOST_KINDS or any(known.policies is not policies for known in islice(_known.values(), 1)):
        _known.clear()
    _known[id(decision.requests or decision.mutes or decision.silences)] = made
    return made


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


def line(record: object) -> str:
    """One JSON line: ASCII, so that no character of an event can break a log line or a terminal."""
    return AS_JSON(record)
