"""The outbox is the same over a dictionary and over DynamoDB, whatever is done to it in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from outbox_world import TABLE, Clock, entry, outbox, shared_memory
from simulated_aws import SimulatedAws
from simulated_dynamodb import SimulatedDynamoDB

from engine.edge.claims import DeliveryTable
from engine.edge.outbox_table import DynamoStore
from engine.model import LogFilePlace, Severity
from engine.outbox.operations import Lane
from engine.outbox.store import AttributeTest, TableAwayError, Write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.outbox.outbox import Outbox

NAMES = iter(range(1_000_000))
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-west-1"}


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb", **KEYS)


@pytest.fixture(scope="module")
def moto_over_http() -> Iterator[Any]:
    with SimulatedAws() as aws:
        yield boto3.client("dynamodb", endpoint_url=aws.url, **KEYS)


@pytest.fixture(scope="module")
def fast_over_http() -> Iterator[Any]:
    with SimulatedDynamoDB() as table:
        yield boto3.client("dynamodb", endpoint_url=table.url, **KEYS)


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


def does_the_same(client: Any, steps: list[tuple[str, Any]]) -> None:
    table, memory, clocks = new_table(client), shared_memory(), (Clock(), Clock())
    actors = [Actor(outbox(store, clock), clock) for store, clock in zip((table, memory), clocks, strict=True)]
    for step in steps:
        first, second = (actor.do(step) for actor in actors)
        assert first == second, step
        assert items(table, client) == memory.items, step


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(steps=st.lists(STEPS, max_size=25))
def test_both_tables_hold_the_same_after_any_steps(dynamodb: Any, steps: list[tuple[str, Any]]) -> None:
    does_the_same(dynamodb, steps)


@settings(max_examples=5, deadline=None, phases=PHASES)
@given(steps=st.lists(STEPS, min_size=5, max_size=12))
def test_they_do_when_moto_is_asked_over_http(moto_over_http: Any, steps: list[tuple[str, Any]]) -> None:
    does_the_same(moto_over_http, steps)


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(steps=st.lists(STEPS, max_size=25))
def test_the_simulated_dynamodb_of_the_chaos_answers_as_moto_does(fast_over_http: Any, steps: list[tuple[str, Any]]) -> None:
    does_the_same(fast_over_http, steps)


def test_its_transaction_is_done_whole_or_not_at_all_and_once(fast_over_http: Any) -> None:
    store = new_table(fast_over_http)
    same = AttributeTest("amount", "=", 1)
    assert store.write_all([Write("a", put={"amount": 1}), Write("b", put={"amount": 2})], "first") == []
    refused = store.write_all(
        [Write("a", put={"amount": 9}), Write("b", ((same,),), {"amount": 9}), Write("c", put={"amount": 9})], "t"
    )
    assert refused == [None, {"id": "b", "amount": 2}, None]
    assert store.read("abc") == {"a": {"id": "a", "amount": 1}, "b": {"id": "b", "amount": 2}}
    assert [store.write_all([Write("a", add={"amount": 1})], "twice") for _ in range(2)] == [[], []]
    assert store.read("a")["a"]["amount"] == 2
    with pytest.raises(TableAwayError, match="IdempotentParameterMismatchException"):
        store.write_all([Write("a", add={"amount": 2})], "twice")


def test_its_claims_are_those_of_moto(dynamodb: Any, fast_over_http: Any) -> None:
    answers = []
    for client in (dynamodb, fast_over_http):
        now = [1_000.0]
        table = DeliveryTable(new_table(client)._table, lambda _, client=client: client, lambda now=now: now[0])
        found = [table.claim("a", 60), table.claim("a", 60), table.claim("b", 60)]
        table.settle(["a"], delivered=True)
        table.settle(["b"], delivered=False)
        found += [table.claim("a", 60), table.claim("b", 60)]
        now[0] += 61
        found.append(table.claim("b", 60))
        table.remember("2026-12-01", {"base/x": 2, "base/y": 1})
        table.remember("2026-12-01", {"base/x": 3})
        table.note_done(LogFilePlace("s3://logs/a", 7))
        table.note_done(LogFilePlace("s3://logs/a", 5))
        answers.append((found, table.muted("2026-12-01"), table.records_done("s3://logs/a"), table.records_done("s3://logs/b")))
    assert answers[0] == answers[1]
    assert answers[0][1:] == ({"base/x": 5, "base/y": 1}, 7, 0)
