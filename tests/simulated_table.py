"""The table of deliveries on a simulated clock, with what DynamoDB does and moto does not.

Calls take time and are throttled, transactions that meet get in each other's way, answers get lost, and the index lags behind.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from engine.outbox.store import Item, MemoryStore, TableAwayError, TableBusyError, Write, Written

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from simulated_time import SimulatedTime

_Result = TypeVar("_Result")

CALL_SECONDS = 0.006
TRANSACTION_SECONDS = 0.015
"""How long a call takes, more or less a half."""
FROZEN_SECONDS = 20.0
"""Longer than a row is held by who sends it, and than a channel is leased."""
NO_ANSWER_SECONDS = 2.0
"""For how long an answer is waited for: `engine.edge.outbox_table.single_try_client`."""
TRANSACTION_UNITS = 2


class Fault(StrEnum):
    """What goes wrong with one step, a call to the table or a post."""

    KILLED_BEFORE = "killed before it"
    KILLED_AFTER = "killed after it"
    NO_ANSWER = "not done, no answer"
    ANSWER_LOST = "done, the answer lost"
    BUSY = "throttled"
    FROZEN = "done late"


class SimulatedTable(MemoryStore):
    """A table that all workers share. `step(name)` is told of each call, and says what goes wrong with it.

    `away(now)`: whether the table gives no answer at a moment. `index_lag` is in seconds.
    """

    durable = True

    def __init__(self, time: SimulatedTime, dice: random.Random, step: Callable[[str], Fault | None]) -> None:
        super().__init__()
        self._time = time
        self._dice = dice
        self._step = step
        self._busy: Counter[str] = Counter()
        self._sent: dict[str, tuple[Write, ...]] = {}
        self._index: dict[str, dict[str, int]] = {}
        self._indexed_in: dict[str, str] = {}
        self._unindexed: deque[tuple[float, str, tuple[str, int] | None]] = deque()
        self.index_lag = 0.05
        self.throttled = 0.0
        self.away: Callable[[float], bool] = lambda _: False
        self.calls: Counter[str] = Counter()
        self.units = 0

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items as they stand at this moment."""
        return self._called("read", CALL_SECONDS, (), lambda: MemoryStore.read(self, ids))

    def write(self, write: Write) -> Written:
        """One write. Raises `TableBusyError` where a transaction has the item."""
        return self._called("write", CALL_SECONDS, (write,), lambda: MemoryStore.write(self, write))

    def write_all(self, writes: Sequence[Write], token: str) -> list[Item | None]:
        """One transaction. Raises `TableBusyError` where another one has one of its items."""
        assert len({write.id for write in writes}) == len(writes) <= 100, "a transaction has at most 100 items, each once"
        assert len(token) <= 36, "DynamoDB takes tokens of 36 characters"
        assert self._sent.setdefault(token, tuple(writes)) == tuple(writes), f"{token} names two transactions"
        return self._called("transaction", TRANSACTION_SECONDS, writes, lambda: MemoryStore.write_all(self, writes, token))

    def owed(self, partition: str, until: int, limit: int) -> list[str]:
        """What the index knows, which is what was a while ago."""
        return self._called("query", CALL_SECONDS, (), lambda: self._indexed(partition, until, limit))

    def _called(self, name: str, seconds: float, writes: Sequence[Write], apply: Callable[[], _Result]) -> _Result:
        self._time.alive()
        self.calls[name] += 1
        fault = self._step(name)
        if fault is Fault.KILLED_BEFORE:
            self._time.process.dead = True
        if fault is Fault.FROZEN:
            self._time.sleep(FROZEN_SECONDS)
        if fault is Fault.NO_ANSWER or self.away(self._time.now):
            self._time.sleep(NO_ANSWER_SECONDS)
            raise TableAwayError("no answer")
        ids = [write.id for write in writes]
        transaction = name == "transaction"
        conflict = any(self._busy[one] for one in ids)
        if conflict or fault is Fault.BUSY or self._dice.random() < self.throttled:
            self.calls["conflict" if conflict else "throttled"] += 1
            self._time.sleep(self._about(seconds))
            raise TableBusyError("TransactionConflict" if conflict else "ThrottlingError")
        if transaction:
            self._busy.update(ids)
        try:
            self._time.sleep(self._about(seconds) / 2)
            before = {one: dict(self.items.get(one, {})) for one in ids}
            result = apply()
            self._count(ids, before, TRANSACTION_UNITS if transaction else 1)
        finally:
            if transaction:
                self._busy.subtract(ids)
        if fault is Fault.KILLED_AFTER:
            self._time.process.dead = True
        if fault is Fault.ANSWER_LOST:
            self._time.sleep(NO_ANSWER_SECONDS)
            raise TableAwayError("the answer was lost")
        self._time.sleep(self._about(seconds) / 2)
        return result

    def _about(self, seconds: float) -> float:
        return seconds * (0.5 + self._dice.random())

    def _count(self, ids: Sequence[str], before: dict[str, Item], units: int) -> None:
        for one in ids:
            item = self.items.get(one, {})
            if item == before[one]:
                continue
            self.units += units
            owed, due = item.get("owed"), item.get("due")
            entry = (owed, due) if isinstance(owed, str) and isinstance(due, int) else None
            self._unindexed.append((self._time.now, one, entry))

    def _indexed(self, partition: str, until: int, limit: int) -> list[str]:
        while self._unindexed and self._unindexed[0][0] <= self._time.now - self.index_lag:
            _, one, entry = self._unindexed.popleft()
            self._index.get(self._indexed_in.pop(one, ""), {}).pop(one, None)
            if entry is not None:
                self._indexed_in[one] = entry[0]
                self._index.setdefault(entry[0], {})[one] = entry[1]
        found = sorted((due, one) for one, due in self._index.get(partition, {}).items() if due <= until)
        return [one for _, one in found[:limit]]
