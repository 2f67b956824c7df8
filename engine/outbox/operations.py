"""The operations on rows that are owed: begin to send them, settle what was sent, give back what was not; leases; what is owed.

Each is one conditional write, or one transaction for several rows, so that of two invocations one does it. `Lane` says whether it
is the channel that hears of a row or, while the channel is away, its fallback.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.outbox.rows import KEPT_SECONDS, SHARDS, DamagedRowError, OutboxRow, from_item, in_place_of, partition, to_item
from engine.outbox.store import WRITES_MAX, Attribute, AttributeTest, IndexAwayError, TableBusyError, Write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.outbox.calls import Calls
    from engine.outbox.store import Condition, Item, Scalar

HOLD_MS: Final = 15_000
"""For how long a row is held by who began to send it: after that, anybody may."""

LEASE_MAX_MS: Final = 120_000
"""No lease ends later than this."""

FOLD_MAX: Final = 100
"""Rows in one message: each is a write of a transaction."""

BEGIN_TRIES: Final = 3
_KNOWN: Final = "channels"


class Lane(StrEnum):
    """Who hears of a row; the value precedes the attributes that say how far."""

    CHANNEL = ""
    FALLBACK = "fallback_"


class Rows:
    """The rows of a table. `now` of each call is in milliseconds since 1970. Raises `TableAwayError`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: set[str] = set()

    @property
    def fold_max(self) -> int:
        """Rows that one message can tell of: a dictionary has no limit."""
        return FOLD_MAX if self._calls.store.durable else 1_000_000

    def read(self, ids: Sequence[str]) -> list[OutboxRow]:
        """The rows as they stand now, in this order; those that do not exist are left out."""
        rows = []
        for start in range(0, len(ids), WRITES_MAX):
            some = list(dict.fromkeys(ids[start : start + WRITES_MAX]))
            items = self._calls.read(some)
            read = [self._readable(items[name]) for name in some if name in items]
            rows += [row for row in read if row is not None]
        return rows

    def _readable(self, item: Item) -> OutboxRow | None:
        """An item as a row. One that cannot be read is replaced once: it blocks no other row, and its events are reported."""
        try:
            return from_item(item)
        except DamagedRowError:
            row = in_place_of(item)
        put = {name: value for name, value in to_item(row).items() if name != "id"}
        unrepaired = ((AttributeTest("repaired", "absent"),),)
        write = Write(row.id, unrepaired, {**put, "repaired": True}, remove=tuple(sorted(item.keys() - put.keys() - {"id"})))
        return row if self._calls.write(write).applied else None

    def owed(self, channel: str, now: int, limit: int) -> list[str]:
        """The ids of rows of a channel that are due, urgent ones first. Without the index, none is found."""
        ids: list[str] = []
        with suppress(IndexAwayError):
            for shard in (None, *range(SHARDS)):
                if len(ids) >= limit:
                    break
                name, room = partition(channel, shard), limit - len(ids)
                ids += self._calls.owed(name, now, room)
        return ids

    def remember_channels(self, names: Iterable[str]) -> None:
        """Note channels that have rows: one that leaves the policy set is still looked for."""
        new = set(names) - self._known
        if new:
            write = Write(_KNOWN, put=dict.fromkeys(sorted(f"c:{name}" for name in new), 1))
            self._calls.write(write)
            self._known |= new

    def known_channels(self) -> list[str]:
        """The channels that ever had rows."""
        item = self._calls.read([_KNOWN]).get(_KNOWN, {})
        return sorted(name.removeprefix("c:") for name in item if name.startswith("c:"))

    # --- leases -------------------------------------------------------------------------------------------------------------

    def lease(self, rate_key: str, holder: str, now: int, until: int) -> bool:
        """Whether this holder alone sends what is owed through a rate until then.

        A lease that ends later than any could is damage: it must not silence a channel.
        """
        free: Condition = (
            (AttributeTest("holder", "absent"),),
            (AttributeTest("until", "<", now),),
            (AttributeTest("holder", "=", holder),),
            (AttributeTest("until", ">", now + LEASE_MAX_MS),),
        )
        write = Write(f"drain:{rate_key}", free, {"holder": holder, "until": until, "expires": until // 1000 + KEPT_SECONDS})
        written = self._calls.write(write)
        if written.applied or type(held_until := written.item.get("until")) is int or held_until is None:
            return written.applied
        return self._calls.write(write._replace(when=((AttributeTest("until", "=", held_until),),))).applied

    def end_lease(self, rate_key: str, holder: str) -> None:
        """Let another one send."""
        write = Write(f"drain:{rate_key}", ((AttributeTest("holder", "=", holder),),), remove=("holder", "until"))
        self._calls.write(write)

    # --- sending ------------------------------------------------------------------------------------------------------------

    def begin(self, rows: Sequence[OutboxRow], holder: str, now: int, lane: Lane = Lane.CHANNEL) -> list[OutboxRow]:
        """Hold rows to send them; returns those that are held now, as they stand. The others moved, or somebody else has them."""
        held = list(rows)
        while held:
            writes = [_begin(row, holder, now, lane) for row in held]
            if len(writes) == 1:
                return self._begin_one(writes[0], holder, now, lane)
            refused = self._calls.write_all(writes, _token(holder, f"b{len(writes)}"))
            if not refused:
                return [_begun(row, holder, now, lane) for row in held]
            held = [row for row, item in zip(held, refused, strict=True) if item is None]
        return []

    def _begin_one(self, write: Write, holder: str, now: int, lane: Lane) -> list[OutboxRow]:
        """The row, if it is held. Where the answer was lost and events were counted since, it is begun anew with these."""
        for _ in range(BEGIN_TRIES):
            written = self._calls.write(write)
            if not written.applied and not _is_ours(written.item, holder, lane):
                break
            row = from_item(written.item)
            if int(written.item.get(f"{lane.value}in_flight", 0)) == row.events:
                return [row]
            write = _begin(row, holder, now, lane)
            write = write._replace(add={"version": 1})
        return []

    def settle(self, rows: Sequence[OutboxRow], holder: str, now: int, lane: Lane = Lane.CHANNEL) -> list[str]:
        """Note that what these rows held was sent. Returns the ids of rows of which more is owed at once."""
        if len(rows) > 1 and lane is Lane.CHANNEL:
            rows, more = self._settle_many(rows, holder, now)
        else:
            more = []
        return [*more, *(row.id for row in rows if self._settle_one(row, holder, now, lane))]

    def release(self, rows: Sequence[OutboxRow], holder: str, due: int, *, sent: bool, lane: Lane = Lane.CHANNEL) -> None:
        """Give rows back, to be sent from `due` on.

        `sent`: nobody knows whether the message was taken, so the next try says that it may be a repeat.
        """
        prefix = lane.value
        for row in rows:
            write = Write(
                row.id,
                ((AttributeTest(f"{prefix}holder", "=", holder),),),
                {} if lane is Lane.FALLBACK else {"due": due},
                {"version": 1} if sent else {"version": 1, f"{prefix}tries": -1},
                (f"{prefix}holder", f"{prefix}held_until", f"{prefix}in_flight"),
            )
            self._calls.write(write)

    def _settle_many(self, rows: Sequence[OutboxRow], holder: str, now: int) -> tuple[list[OutboxRow], list[str]]:
        """The rows that are still to be settled one by one, and those of which more is owed at once."""
        current = {row.id: row for row in self.read([row.id for row in rows])}
        held = [current[row.id] for row in rows if row.id in current and current[row.id].holder == holder]
        writes = []
        for row in held:
            write = _settlements(row, holder, now)[_settlement_of(row)]
            writes.append(write._replace(when=((*write.when[0], AttributeTest("version", "=", row.version)),)))
        if not writes:
            return [], []
        try:
            refused = self._calls.write_all(writes, _token(holder, "s"))
        except TableBusyError:
            return held, []
        if refused:
            return held, []
        return [], [row.id for row in held if _settlement_of(row) == _MORE]

    def _settle_one(self, row: OutboxRow, holder: str, now: int, lane: Lane) -> bool:
        """Whether more is owed at once, or may be: where no condition holds, an answer was lost, or somebody else has the row."""
        settlements = [_settle_fallback(row, holder)] if lane is Lane.FALLBACK else _settlements(row, holder, now)
        for number, write in enumerate(settlements):
            if self._calls.write(write).applied:
                return lane is Lane.CHANNEL and number == _MORE
        return lane is Lane.CHANNEL


def _is_ours(item: dict[str, Scalar], holder: str, lane: Lane) -> bool:
    return item.get(f"{lane.value}holder") == holder and "views" in item


def _token(holder: str, step: str) -> str:
    """The token of a transaction of this holder; DynamoDB takes 36 characters."""
    return f"{holder}.{step}"


def _begin(row: OutboxRow, holder: str, now: int, lane: Lane) -> Write:
    prefix = lane.value
    unheld = (
        (AttributeTest(f"{prefix}held_until", "absent"),),
        (AttributeTest(f"{prefix}held_until", "<", now),),
        (AttributeTest(f"{prefix}holder", "=", holder),),
    )
    same = [AttributeTest("version", "=", row.version)]
    if lane is Lane.CHANNEL:
        same.append(AttributeTest("notified", "<", Attribute("events")))
    put: dict[str, Scalar] = {
        f"{prefix}holder": holder,
        f"{prefix}held_until": now + HOLD_MS,
        f"{prefix}in_flight": row.events,
    }
    if now >= row.until and lane is Lane.CHANNEL:
        put["closed"] = True
    return Write(row.id, tuple((*same, *group) for group in unheld), put, {f"{prefix}tries": 1, "version": 1})


def _begun(row: OutboxRow, holder: str, now: int, lane: Lane) -> OutboxRow:
    """The row after `_begin`."""
    if lane is Lane.FALLBACK:
        tries = row.fallback_tries + 1
        return row._replace(fallback_holder=holder, fallback_in_flight=row.events, fallback_tries=tries, version=row.version + 1)
    return row._replace(
        holder=holder,
        held_until=now + HOLD_MS,
        in_flight=row.events,
        tries=row.tries + 1,
        closed=row.closed or now >= row.until,
        version=row.version + 1,
    )


_DONE, _LATER, _MORE = range(3)


def _settlement_of(row: OutboxRow) -> int:
    """Which of the three settlements holds for a row as it stands."""
    if row.events == row.in_flight:
        return _DONE
    return _LATER if row.must_notify_to <= row.in_flight else _MORE


def _settlements(row: OutboxRow, holder: str, now: int) -> list[Write]:
    """Three writes, of which the condition of exactly one holds while the row is held."""
    mine, sent = AttributeTest("holder", "=", holder), row.in_flight
    over = ("holder", "held_until", "in_flight", "tries")
    return [
        Write(
            row.id,
            ((mine, AttributeTest("events", "=", Attribute("in_flight"))),),
            {"notified": sent, "expires": max(now, row.until) // 1000 + KEPT_SECONDS},
            {"version": 1},
            (*over, "owed", "due", "since"),
        ),
        Write(
            row.id,
            (
                (
                    mine,
                    AttributeTest("events", ">", Attribute("in_flight")),
                    AttributeTest("must_notify_to", "<=", Attribute("in_flight")),
                ),
            ),
            {"notified": sent, "due": row.until},
            {"version": 1},
            (*over, "since"),
        ),
        Write(
            row.id,
            ((mine, AttributeTest("must_notify_to", ">", Attribute("in_flight"))),),
            {"notified": sent, "due": now, "since": now},
            {"version": 1},
            over,
        ),
    ]


def _settle_fallback(row: OutboxRow, holder: str) -> Write:
    return Write(
        row.id,
        ((AttributeTest("fallback_holder", "=", holder),),),
        {"fallback_notified": row.fallback_in_flight},
        {"version": 1},
        ("fallback_holder", "fallback_held_until", "fallback_in_flight", "fallback_tries"),
    )
