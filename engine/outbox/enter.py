"""Entering events: an event's claim and its count in a row are one transaction, so a redelivery counts nothing twice.

An incident has a head, which names its open row. Whole groups of like events share a transaction; a group that another invocation
got in the way of is entered by itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.outbox.rows import KEPT_SECONDS, DamagedRowError, OutboxRow, count, from_item, opened, to_item
from engine.outbox.store import WRITES_MAX, AttributeTest, TableAwayError, TableBusyError, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import IncidentRule
    from engine.outbox.calls import Calls
    from engine.outbox.rows import OutboxEntry
    from engine.outbox.store import Item, Scalar

TRIES: Final = 30
"""Times that one group is tried where others write the same row."""

_ENTRIES_MAX: Final = WRITES_MAX - 2
"""Claims of one transaction; the row and its head are the others."""

_BYTES_MAX: Final = 3_000_000
"""Of one transaction, of which DynamoDB takes 4 MB."""


class EntryState(StrEnum):
    """What became of an entry: counted now, counted before, being delivered by an older version, or the table is away."""

    BOOKED = "booked"
    DUPLICATE = "duplicate"
    HELD = "held"
    AWAY = "away"


class Entered(NamedTuple):
    """Where an entry stands: its row (None: in none), and its number among that row's events (0: not known)."""

    state: EntryState
    row: str | None = None
    ordinal: int = 0


class _Group(NamedTuple):
    """Entries of one incident that are counted in one step; `places` are theirs among all."""

    places: tuple[int, ...]
    entries: tuple[OutboxEntry, ...]

    @property
    def rule(self) -> IncidentRule | None:
        return self.entries[0].rule

    @property
    def head(self) -> str:
        return f"incident:{self.entries[0].channel}:{self.entries[0].key}"


class Entries:
    """One call's entries on their way into the table.

    `by` names this invocation in the claims; each transaction has a `token`.
    """

    def __init__(self, calls: Calls, now: Callable[[], int], by: str, token: Callable[[], str]) -> None:
        self._calls = calls
        self._now = now
        self._by = by
        self._token = token

    def enter(self, entries: Sequence[OutboxEntry]) -> list[Entered]:
        """What became of each entry, in this order. Raises nothing: what the table does not take is `AWAY`."""
        states = [Entered(EntryState.AWAY)] * len(entries)
        waiting = self._groups(entries)
        while waiting:
            packed, waiting = _packed(waiting)
            undisturbed, disturbed = self._transact(packed, states)
            waiting = [*undisturbed, *waiting]
            for group in disturbed:
                self._singly(group, states)
        return states

    def _groups(self, entries: Sequence[OutboxEntry]) -> list[_Group]:
        """Like entries together, where they have a rule; each other one by itself."""
        groups: dict[object, list[int]] = {}
        for place, entry in enumerate(entries):
            groups.setdefault(place if entry.rule is None else (entry.channel, entry.key), []).append(place)
        parts = [
            places[start : start + _ENTRIES_MAX] for places in groups.values() for start in range(0, len(places), _ENTRIES_MAX)
        ]
        return [_Group(tuple(part), tuple(entries[place] for place in part)) for part in parts]

    def _singly(self, group: _Group, states: list[Entered]) -> None:
        """Enter one group, however often others get in the way."""
        for _ in range(TRIES):
            rest = [group for groups in self._transact([group], states) for group in groups]
            if not rest:
                return
            (group,) = rest

    def _transact(self, groups: Sequence[_Group], states: list[Entered]) -> tuple[list[_Group], list[_Group]]:
        """One transaction for some groups, each of another row.

        Returns the groups that are to be tried again: those in whose way nobody was, and those, or what is left of them, that
        somebody disturbed.
        """
        try:
            return self._transacted(groups, states)
        except TableBusyError:
            return [], list(groups)
        except TableAwayError:
            return [], []

    def _transacted(self, groups: Sequence[_Group], states: list[Entered]) -> tuple[list[_Group], list[_Group]]:
        now = self._now()
        plans = [_plan(group, *current, now) for group, current in zip(groups, self._current(groups, now), strict=True)]
        writes: list[Write] = []
        for group, plan in zip(groups, plans, strict=True):
            writes += [_claim(entry, plan.after.id, self._by, now) for entry in group.entries]
            writes += plan.writes
        refused = self._calls.write_all(writes, self._token())
        if not refused:
            for group, plan in zip(groups, plans, strict=True):
                first = plan.after.events - len(group.entries) + 1
                for ordinal, place in enumerate(group.places, first):
                    states[place] = Entered(EntryState.BOOKED, plan.after.id, ordinal)
            return [], []
        undisturbed: list[_Group] = []
        disturbed: list[_Group] = []
        start = 0
        for group, plan in zip(groups, plans, strict=True):
            claims, end = start + len(group.entries), start + len(group.entries) + len(plan.writes)
            rest = self._without_claimed(group, refused[start:claims], states)
            if rest.entries:
                (undisturbed if all(item is None for item in refused[start:end]) else disturbed).append(rest)
            start = end
        return undisturbed, disturbed

    def _without_claimed(self, group: _Group, items: Sequence[Item | None], states: list[Entered]) -> _Group:
        """The group without the entries whose claim another holds."""
        kept = []
        for place, entry, item in zip(group.places, group.entries, items, strict=True):
            if item is None:
                kept.append((place, entry))
            elif item.get("state") == "delivered":
                ours = item.get("by") == self._by
                row = item.get("window")
                states[place] = Entered(
                    EntryState.BOOKED if ours else EntryState.DUPLICATE, row if isinstance(row, str) else None
                )
            else:
                states[place] = Entered(EntryState.HELD)
        return group._replace(places=tuple(place for place, _ in kept), entries=tuple(entry for _, entry in kept))

    def _current(self, groups: Sequence[_Group], now: int) -> list[tuple[OutboxRow | None, str]]:
        """The open row of each group, or None and which row its head names although it is over (empty: none)."""
        heads = self._read([group.head for group in groups if group.rule is not None])
        named = {name: str(item["window"]) for name, item in heads.items()}
        items = self._read([window for name, window in named.items() if int(heads[name].get("until", 0)) > now])
        rows = {window: _row_of(item) for window, item in items.items()}
        current: list[tuple[OutboxRow | None, str]] = []
        for group in groups:
            window = named.get(group.head, "") if group.rule is not None else ""
            row = rows.get(window)
            current.append((row, "") if row is not None and not row.closed and row.until > now else (None, window))
        return current

    def _read(self, ids: Sequence[str]) -> dict[str, Item]:
        some = list(dict.fromkeys(ids))
        return self._calls.read(some) if some else {}


def _row_of(item: Item) -> OutboxRow | None:
    """The row that an item is; None where it cannot be read, so that a new one takes its place."""
    try:
        return from_item(item)
    except DamagedRowError:
        return None


class _Plan(NamedTuple):
    """The writes of a group beside its claims, and the row as they leave it."""

    writes: list[Write]
    after: OutboxRow


def _plan(group: _Group, row: OutboxRow | None, over: str, now: int) -> _Plan:
    """What counts a group: in its open row, or in a new one in place of the one that is `over`."""
    if row is not None:
        after = count(row, group.entries, now)
        same = (
            AttributeTest("version", "=", row.version),
            AttributeTest("closed", "=", value=False),
            AttributeTest("until", ">", now),
        )
        put = {name: value for name, value in to_item(after).items() if name not in {"id", "opened", "until", "channel"}}
        return _Plan([Write(row.id, (same,), put, remove=("expires",))], after)
    first, *further = group.entries
    after = opened(f"window:{first.channel}:{first.key}:{now}", first, now)
    if further:
        after = count(after, further, now)._replace(version=1)
    put = {name: value for name, value in to_item(after).items() if name != "id"}
    writes = [Write(after.id, ((AttributeTest("id", "absent"),),), put)]
    if group.rule is not None:
        # Clocks differ: a row that was closed is over, even where this one says that its time is not.
        free = ((AttributeTest("id", "absent"),), (AttributeTest("until", "<=", now),), (AttributeTest("window", "=", over),))
        head: dict[str, Scalar] = {"window": after.id, "until": after.until, "expires": after.until // 1000 + KEPT_SECONDS}
        writes.append(Write(group.head, free, head))
    return _Plan(writes, after)


def _claim(entry: OutboxEntry, row: str, by: str, now: int) -> Write:
    """The claim of an event on a channel. One that is `open` was made by an older version, and runs out."""
    free = ((AttributeTest("id", "absent"),), (AttributeTest("state", "=", "open"), AttributeTest("until", "<", now // 1000)))
    kept: dict[str, Scalar] = {"state": "delivered", "until": 0, "window": row, "by": by, "expires": now // 1000 + KEPT_SECONDS}
    return Write(f"{entry.identity}#{entry.channel}", free, kept)


def _packed(groups: Sequence[_Group]) -> tuple[list[_Group], list[_Group]]:
    """The groups that fit into one transaction, no two of one row, and the others."""
    packed: list[_Group] = []
    rest: list[_Group] = []
    used, size, heads = 0, 0, set[str]()
    for group in groups:
        needs = len(group.entries) + 1 + (group.rule is not None)
        bytes_ = 16_000 + 400 * len(group.entries)
        if used + needs > WRITES_MAX or size + bytes_ > _BYTES_MAX or group.head in heads:
            rest.append(group)
        else:
            packed.append(group)
            used, size = used + needs, size + bytes_
            heads.add(group.head)
    return packed, rest
