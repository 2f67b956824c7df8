"""Outboxes for tests: entries of the outbox, a clock, and the table in moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model import IncidentRule, Severity
from engine.outbox.calls import Calls
from engine.outbox.digest import Digest
from engine.outbox.outbox import Outbox
from engine.outbox.rows import OutboxEntry, View
from engine.outbox.store import MemoryStore

if TYPE_CHECKING:
    from worlds import World

    from engine.outbox.store import ItemStore

RULE = IncidentRule(window=900.0)
START = 1_800_000_000_000
"""When every clock here begins, in milliseconds since 1970."""

TABLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "owed", "AttributeType": "S"},
        {"AttributeName": "due", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "owed",
            "KeySchema": [{"AttributeName": "owed", "KeyType": "HASH"}, {"AttributeName": "due", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
"""The table of deliveries, as the templates make it."""


class Clock:
    """Milliseconds that move when told to; sleeping moves them."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        """The time."""
        return self.now

    def seconds(self) -> float:
        """The time in seconds, for who counts them."""
        return self.now / 1000

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.now += int(seconds * 1000)


def outbox(store: ItemStore, clock: Clock, by: str = "one") -> Outbox:
    return Outbox(Calls(store, clock.seconds, clock.sleep, lambda: 0.5), clock, by)


def shared_memory() -> MemoryStore:
    """A dictionary that several invocations share, as they share a table."""
    store = MemoryStore()
    store.durable = True  # type: ignore[misc]
    return store


def entry(identity: str, **changes: Any) -> OutboxEntry:
    """An event of `key` for the channel `ops`, that all of its readers may see."""
    severity = changes.pop("severity", Severity.WARNING)
    values = {"bucket": "payments-prod", "event_id": identity, **changes.pop("values", {})}
    lead = {"policy": "base", "route": "people", "title": None, "runbook": None, "detail": "short", "fallback_for": None}
    lead |= {"revision": "sha256:0", "actor": ["unknown", "unknown", None, None, False], "evidence": None}
    flags = {"denied": False, "cross_account": False, "access_kind": "read", "of_version": False}
    flags |= {"makes_public": False, "foreign": False}
    digest = Digest(
        total=1,
        failed=0,
        denied=0,
        severity=severity.value,
        lead=lead,
        shared=values,
        flags=flags,
        first=None,
        last=None,
        size=None,
        top={},
        further={},
        keys={},
        depth=None,
        keys_dropped=0,
        objects=[],
        objects_dropped=0,
        denied_under=None,
        callers={},
        callers_dropped={},
        routes=["base/people"],
        failures=[],
        hash_missing=0,
    )
    sample = {"values": values, "flags": flags, "hash_missing": 0, "event_id": identity, "severity": severity.value}
    sample |= {"routes": ["base/people"], "matched": ["base/people"], "defaulted": False, "failures": [], **lead}
    made = {
        "channel": "ops",
        "key": "0" * 32,
        "severity": severity,
        "views": (View("open", digest, sample),),
        "rule": RULE,
        "arrived": START,
        "occurred": START,
        **changes,
    }
    return OutboxEntry(identity, **made)


def outbox_of(store: ItemStore, world: World, by: str) -> Outbox:
    """An invocation's outbox whose clock is that of a world of `worlds`."""
    return Outbox(Calls(store, lambda: world.time, world._sleep, lambda: 0.5), lambda: START + int(world.time * 1000), by)
