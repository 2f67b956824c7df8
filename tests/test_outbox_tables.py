"""The outbox is the same over a dictionary and over DynamoDB, whatever is done to it in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from outbox_world import TABLE, Clock, entry, outbox, shared_memory

from engine.edge.outbox_table import DynamoStore
from engine.model import Severity
from engine.outbox.operations import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.outbox.outbox import Outbox

NAMES = iter(range(1_000_000))


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        yield boto3.client("dynamodb", region_name="eu-west-1", **keys)


def new_table(client: Any) -> DynamoStore:
    name = f"deliveries-{next(NAMES)}"
    client.create_table(TableName=name, **TABLE)
    return DynamoStore(name, lambda _: client)


def items(store: DynamoStore, client: Any) -> dict[str, Any]:
    ids = [item["id"]["S"] for item in client.scan(TableName=store._table)["Items"]]
    return store.read(ids) if ids else {}


STEPS = st.one_of(
    st.tuples(
        st.just("enter"),
        st.lists(
            st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.sampled_from(Severity), st.sampled_from([None, "n1", "n2"])),
            min_size=1,
            max_size=6,
            unique_by=lambda step: step[0],
        ),
    ),
    st.tuples(st.just("later"), st.integers(0, 1_000_000)),
    st.tuples(st.just("begin"), st.integers(1, 4)),
    st.tuples(st.just("settle"), st.sampled_from(Lane)),
    st.tuples(st.just("release"), st.booleans()),
    st.tuples(st.just("slot"), st.integers(0, 5_000)),
    st.tuples(st.just("quiet"), st.integers(0, 400_000)),
    st.tuples(st.just("failed"), st.none()),
    st.tuples(st.just("lease"), st.sampled_from("xy")),
    st.tuples(st.just("fallback"), st.integers(1, 3)),
)


class Actor:
    """Does the same to one of both outboxes. `held`: the rows that it has begun."""

    def __init__(self, box: Outbox, clock: Clock) -> None:
        self.box, self.clock = box, clock
        self.held: dict[Lane, tuple[str, list[Any]]] = {}

    def do(self, step: tuple[str, Any]) -> Any:  # noqa: PLR0911  one for each kind of step
        """What a step answers."""
        name, given_value = step
        now = self.clock.now
        rows = self.box.rows
        if name == "enter":
            return self.box.enter(
                [
                    entry(f"event-{number}", key=key * 32, severity=severity, network=network)
                    for number, key, severity, network in given_value
                ]
            )
        if name == "later":
            self.clock.now += given_value
            return None
        if name in {"begin", "fallback"}:
            lane = Lane.CHANNEL if name == "begin" else Lane.FALLBACK
            holder = self.box.token()
            current = rows.read(rows.owed("ops", now, given_value))
            self.held[lane] = holder, rows.begin(current, holder, now, lane)
            return self.held[lane][1]
        if name == "settle":
            holder, held = self.held.pop(given_value, ("", []))
            return rows.settle(held, holder, now, given_value)
        if name == "release":
            holder, held = self.held.pop(Lane.CHANNEL, ("", []))
            return rows.release(held, holder, now, sent=given_value)
        if name == "lease":
            return rows.lease("ops", given_value, now, now + 15_000)
        return {
            "slot": lambda: self.box.pace.slot("line", now, given_value),
            "quiet": lambda: self.box.pace.quiet("line", now, given_value),
            "failed": lambda: self.box.pace.failed("line", now),
        }[name]()


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps=st.lists(STEPS, max_size=25))
def test_both_tables_hold_the_same_after_any_steps(dynamodb: Any, steps: list[tuple[str, Any]]) -> None:
    table, memory, clocks = new_table(dynamodb), shared_memory(), (Clock(), Clock())
    actors = [Actor(outbox(store, clock), clock) for store, clock in zip((table, memory), clocks, strict=True)]
    for step in steps:
        first, second = (actor.do(step) for actor in actors)
        assert first == second, step
        assert items(table, dynamodb) == memory.items, step
