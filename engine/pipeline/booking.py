"""Notifications as entries of the outbox: masked for the channel's readers, and grouped by unmasked values.

Nothing else of an event gets into the table: values as the channel's level masks them (and its fallback's, where that differs),
and keyed digests of the values by which events are alike, and by which callers, objects and networks are told apart.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import WebhookError
from engine.model import Field, IncidentKey, IncidentRule, Kind, Severity, repr_only
from engine.outbox.rows import OutboxEntry, View
from engine.pipeline.dedupe import fingerprint
from engine.pipeline.digest import Entry, digest_of, flags_of, lead_of
from engine.pipeline.facts import derive_facts, time_of
from engine.pipeline.facts.values import members, text
from engine.pipeline.mask import mask
from engine.pipeline.mask.fields import field_values
from engine.pipeline.mask.operators import network
from engine.policy.fact_layout import ACCESS, CALLER, ROLE, SOURCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Channel, Decision, Event, FactGroups, Ports, Request
    from engine.pipeline.setting import Setting

NAMES_KEPT: Final = 6
"""Routes, and failures, of one event that a row keeps. Thousands of routes may hold, and the size of a row is bounded."""

DIGEST_WINDOW_SECONDS: Final = 60.0
"""How long entering a digest of one batch may take; events of another batch are never counted in it."""


@repr_only("number", "event", "decision", "request")
class PendingNotification(NamedTuple):
    """One channel's notification of one event; `number` is its place in the batch, `facts` are None where unknown."""

    number: int
    event: Event
    decision: Decision
    request: Request
    facts: FactGroups | None = None


class Booking:
    """Makes entries for the channels of one set. `batch` tells the digests of this batch from those of others."""

    def __init__(self, setting: Setting, ports: Ports, batch: str) -> None:
        self._setting = setting
        self._ports = ports
        self._batch = batch
        self._keys: dict[str, bytes] = {}

    def entries(self, channel: Channel, pending: Sequence[PendingNotification], now: int) -> list[OutboxEntry]:
        """The entries of one channel, in the order of its notifications."""
        key = self._key(channel)
        facts = [notification.facts or derive_facts(notification.event.record) for notification in pending]
        made = [self._entry(channel, notification, known, key, now) for notification, known in zip(pending, facts, strict=True)]
        rule = channel.digest
        if rule is None or len(pending) <= rule.after:
            return made
        likes = [_likeness(notification, known, rule.by) for notification, known in zip(pending, facts, strict=True)]
        many = {like for like in likes if likes.count(like) > rule.after}
        window = IncidentRule(by=(), window=DIGEST_WINDOW_SECONDS)
        return [
            entry._replace(
                key=_keyed(key, "digest", self._batch, *like),
                rule=window,
                views=tuple(view._replace(sample=None) for view in entry.views),
            )
            if like in many
            else entry
            for entry, like in zip(made, likes, strict=True)
        ]

    def _entry(self, channel: Channel, pending: PendingNotification, facts: FactGroups, key: bytes, now: int) -> OutboxEntry:
        event, decision, request = pending.event, pending.decision, pending.request
        actor, identity = decision.verdict.actor, fingerprint(event)
        account, role, session, name = facts[CALLER][2], *facts[ROLE], facts[CALLER][1]
        moment = time_of(event.record.get("eventTime"))
        critical = request.severity is Severity.CRITICAL
        rule = channel.incident
        where = _network(event, facts)
        return OutboxEntry(
            identity=identity,
            channel=channel.name,
            key=_keyed(key, "event", identity) if rule is None else _keyed(key, "incident", *_likeness(pending, facts, rule.by)),
            severity=request.severity,
            views=tuple(self._views(channel, pending, facts, key, (account, role, session, name))),
            network=_keyed(key, "network", *where)[:16] if any(where) else None,
            never_mute=actor.never_mute,
            critical=critical,
            occurred=now if moment is None else int(moment.timestamp() * 1000),
            arrived=now,
            rule=rule,
        )

    def _views(
        self, channel: Channel, pending: PendingNotification, facts: FactGroups, key: bytes, caller: Sequence[str | None]
    ) -> list[View]:
        """What the channel's readers may see and, where it is less, those of its fallback."""
        levels = [pending.request.level]
        if channel.fallback is not None:
            floor = self._setting.policies.channels[channel.fallback].masking_floor
            levels += [floor] if floor.rank > levels[0].rank else []
        views = []
        object_key = facts[TARGET][1]
        for level in levels:
            masked = mask(pending.event, pending.decision, level, self._setting.key, facts)._replace(
                caller_ids=tuple("" if part is None else _keyed(key, "part", part)[:8] for part in caller),
                object_id="" if object_key is None else _keyed(key, "object", object_key)[:8],
            )
            entry = Entry(pending.number, masked, pending.decision, pending.request._replace(level=level))
            views.append(View(level.name, digest_of(entry), sample_of(entry)))
        return views

    def _key(self, channel: Channel) -> bytes:
        """The key of a channel's keyed digests: from the hash key, else from an address that only the deployment knows."""
        if channel.name not in self._keys:
            secret = self._setting.key.secret if self._setting.key is not None else self._address(channel)
            self._keys[channel.name] = hmac.digest(secret, b"trailbell outbox", hashlib.sha256)
        return self._keys[channel.name]

    def _address(self, channel: Channel) -> bytes:
        """The channel's address, else its fallback's, else the name of this batch, which no other batch has."""
        channels = self._setting.policies.channels
        for ref in (channel.webhook, *([channels[channel.fallback].webhook] if channel.fallback else [])):
            try:
                return self._ports.webhook(ref, False).encode()  # noqa: FBT003  the port's shape
            except WebhookError:
                continue
        return self._batch.encode()


def sample_of(entry: Entry) -> dict[str, Any]:
    """One event as a row keeps it: what `engine.pipeline.notices` makes a message of."""
    request, verdict = entry.request, entry.decision.verdict
    return {
        "values": {field.value: text for field, text in entry.masked.values.items()},
        "flags": flags_of(entry.masked),
        "hash_missing": entry.masked.hash_missing,
        "event_id": entry.decision.event_id,
        "severity": request.severity.value,
        "routes": list(request.routes[:NAMES_KEPT]),
        "matched": list(verdict.routes[:NAMES_KEPT]),
        "defaulted": verdict.defaulted,
        "failures": [[rule.kind.value, rule.policy, rule.id, rule.reason] for rule in verdict.failures[:NAMES_KEPT]],
        **lead_of(entry),
    }


def _network(event: Event, facts: FactGroups) -> tuple[str | None, str | None]:
    """Where an event came from: its network and the VPC endpoint.

    Within a VPC its owner chooses the addresses, so the endpoint, which AWS records, is kept as well. Where there is no single
    address, the source as recorded stands for it: the host of a service, or a list.
    """
    address, source, endpoint = facts[SOURCE][0], event.record.get("sourceIPAddress"), event.record.get("vpcEndpointId")
    recorded = source if isinstance(source, str) and source else None
    return recorded if address is None else network(address), endpoint if isinstance(endpoint, str) else None


def _likeness(pending: PendingNotification, facts: FactGroups, by: Sequence[Field | IncidentKey]) -> tuple[str | None, ...]:
    """What like events have in common, those of an incident and those of a digest."""
    request, verdict = pending.request, pending.decision.verdict
    fixed = (
        request.level.name,
        verdict.actor.name,
        verdict.evidence.strength.value if verdict.evidence else "",
        "denied" if facts[ACCESS][0] else "",
        "critical" if request.severity is Severity.CRITICAL else "",
        request.policy,
        request.route,
    )
    return (*fixed, *_true_values(pending, facts, by))


def _true_values(pending: PendingNotification, facts: FactGroups, by: Sequence[Field | IncidentKey]) -> tuple[str | None, ...]:
    values: list[str | None] = []
    recorded = field_values(pending.event.record, pending.decision, facts)
    for key in by:
        if key is IncidentKey.ACTOR:
            values += _actor(pending, facts)
        elif key is IncidentKey.ACCESS:
            values.append(facts[ACCESS][1])
        elif key is Field.BUCKET:
            values += (facts[TARGET][0], facts[TARGET][2])
        else:
            values.append(recorded.get(key))
    return tuple(values)


def _actor(pending: PendingNotification, facts: FactGroups) -> tuple[str | None, ...]:
    """Robots and services: account and role or service. Anonymous callers: their network. All others: the session, too.

    A service is another caller for each account for which it acts. Who has neither role nor name differs by principal, or by the
    user for whom the request was made: federated users, those of Identity Center and those of other accounts.
    """
    kind, account, name = pending.decision.verdict.actor.kind, facts[CALLER][2], facts[CALLER][1]
    role, session = facts[ROLE]
    if _anonymous(pending.event):
        source = facts[SOURCE][0]
        return ("anonymous", None if source is None else network(source))
    identity = members(pending.event.record.get("userIdentity"))
    acts_for = text(members(identity("inScopeOf"))("sourceAccount")) if facts[CALLER][0] == "AWSService" else None
    if kind in {Kind.ROBOT, Kind.SERVICE}:
        return (account, role or name, acts_for)
    user = text(members(identity("onBehalfOf"))("userId"))
    return (account, role or name, session, acts_for, text(identity("principalId")), user)


def _anonymous(event: Event) -> bool:
    """Whether nobody signed the request, as far as its record says."""
    identity = event.record.get("userIdentity")
    names = (identity.get("accountId"), identity.get("principalId")) if isinstance(identity, dict) else ()
    return any(name in {"anonymous", "ANONYMOUS_PRINCIPAL"} for name in names if isinstance(name, str))


def _keyed(key: bytes, *parts: str | None) -> str:
    """128 bits of HMAC-SHA-256 in hex over values, each with its length, so that no two lists of values are one text."""
    text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:32]
