"""A table that is busy or away costs an invocation a bounded time, and a lost answer tells no event twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from outbox_world import START, Clock, entry, outbox, shared_memory

from engine.outbox.calls import AWAY_SECONDS, WASTED_MAX_SECONDS, Calls
from engine.outbox.enter import EntryState
from engine.outbox.outbox import Outbox
from engine.outbox.store import MemoryStore, TableAwayError, TableBusyError, Write

if TYPE_CHECKING:
    from collections.abc import Callable


class Faulty:
    """A table of which `fault` decides before each call, and `lost` after it, whether it fails."""

    durable = True

    def __init__(self, store: MemoryStore, fault: Callable[[str], None], lost: Callable[[str, Any], None]) -> None:
        self.store, self.fault, self.lost = store, fault, lost

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A call of the table."""

        def call(*arguments: Any) -> Any:
            self.fault(name)
            result = getattr(self.store, name)(*arguments)
            self.lost(name, result)
            return result

        return call


@pytest.mark.parametrize(("error", "seconds"), [(TableBusyError, 0.0), (TableAwayError, 2.0), (TableBusyError, 1.0)])
def test_all_calls_of_an_invocation_together_waste_little_time(error: type[Exception], seconds: float) -> None:
    clock = Clock()

    def fault(_: str) -> None:
        clock.sleep(seconds)
        raise error("no")

    box = outbox(Faulty(shared_memory(), fault, lambda *_: None), clock)  # type: ignore[arg-type]
    began = clock.seconds()
    states = box.enter([entry(f"event-{number}", key=f"{number:032}") for number in range(300)])
    assert {state.state for state in states} == {EntryState.AWAY}
    assert clock.seconds() - began <= WASTED_MAX_SECONDS + 2 * seconds + 2.0


def test_a_table_that_was_away_is_asked_again_after_a_while() -> None:
    clock, away = Clock(), [True]

    def fault(_: str) -> None:
        if away[0]:
            raise TableAwayError("no")

    calls = Calls(Faulty(shared_memory(), fault, lambda *_: None), clock.seconds, clock.sleep, lambda: 0.5)  # type: ignore[arg-type]
    with pytest.raises(TableAwayError):
        calls.read(["a"])
    away[0] = False
    with pytest.raises(TableAwayError):
        calls.read(["a"])
    clock.sleep(AWAY_SECONDS)
    assert calls.read(["a"]) == {}


def test_what_is_counted_while_the_answer_to_begin_is_lost_belongs_to_what_is_sent() -> None:
    clock, store = Clock(), shared_memory()
    other = outbox(store, clock, "other")
    other.enter([entry("event-1"), entry("event-2"), entry("event-3")])
    losing = [True]

    def lost(name: str, _: Any) -> None:
        if name == "write" and losing.pop() if losing else False:
            other.enter([entry("event-4"), entry("event-5")])
            raise TableAwayError("the answer is lost")

    box = outbox(Faulty(store, lambda _: None, lost), clock)  # type: ignore[arg-type]
    (row,) = box.rows.read(box.rows.owed("ops", clock.now, 10))
    holder = box.token()
    (held,) = box.rows.begin([row], holder, clock.now)
    assert (held.events, held.in_flight, held.tries) == (5, 5, 1)
    assert box.rows.settle([held], holder, clock.now) == []
    (settled,) = box.rows.read([row.id])
    assert (settled.notified, settled.due) == (5, None)


def test_a_settlement_whose_answer_is_lost_is_looked_at_again() -> None:
    clock, store = Clock(), shared_memory()
    box = outbox(store, clock)
    box.enter([entry("event-1")])
    (row,) = box.rows.read(box.rows.owed("ops", clock.now, 10))
    holder = box.token()
    held = box.rows.begin([row], holder, clock.now)
    box.enter([entry("event-2", network="n1")])
    losing = [True]

    def lost(_: str, result: Any) -> None:
        if losing and result.applied:
            losing.pop()
            raise TableAwayError("the answer is lost")

    faulty = outbox(Faulty(store, lambda _: None, lost), clock)  # type: ignore[arg-type]
    assert faulty.rows.settle(held, holder, clock.now) == [row.id], "a network that is new rings at once"


def test_a_slot_says_that_an_address_is_gone() -> None:
    clock = Clock()
    box = outbox(shared_memory(), clock)
    box.calls.write(Write("pace:key", put={"tat": 0}))
    box.pace.gone("key", clock.now)
    assert [slot.gone for _ in range(2) if (slot := box.pace.slot("key", clock.now, 5_000))] == [True, True]


def test_without_a_table_each_worker_keeps_its_part_of_the_rate_and_sends_no_bursts() -> None:
    clock = Clock()
    box = Outbox(Calls(MemoryStore(), clock.seconds, clock.sleep, lambda: 0.5), clock, "one", workers=4)
    slots = [box.pace.slot("key", clock(), 60_000) for _ in range(3)]
    assert [slot.at - START for slot in slots if slot is not None] == [0, 4_000, 8_000]
