"""What was delivered is not delivered again, whichever invocation meets it; what was not, comes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from engine.edge.circuit_breaker import OPEN_SECONDS
from engine.edge.claims import KEPT_SECONDS, DeliveryTable
from engine.model import Claim, LogFilePlace

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Seconds since 1970 that move when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="deliveries",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(dynamodb: Any, clock: Clock) -> DeliveryTable:
    return DeliveryTable("deliveries", lambda _: dynamodb, clock)


# --- the table ---------------------------------------------------------------------------------------------------------------


def test_a_claim_is_granted_once(table: DeliveryTable) -> None:
    assert [table.claim("a", 60), table.claim("a", 60), table.claim("b", 60)] == [Claim.GRANTED, Claim.HELD, Claim.GRANTED]


def test_a_claim_of_somebody_who_was_killed_runs_out(table: DeliveryTable, clock: Clock) -> None:
    table.claim("a", 60)
    clock.now += 61
    assert table.claim("a", 60) is Claim.GRANTED


def test_what_was_delivered_stays_delivered(table: DeliveryTable, clock: Clock) -> None:
    table.claim("a", 60)
    table.settle(["a"], delivered=True)
    clock.now += 86_400
    assert table.claim("a", 60) is Claim.DELIVERED


@pytest.mark.parametrize("delivered", [True, False])
def test_the_events_of_a_message_are_settled_together_however_many(table: DeliveryTable, delivered: bool) -> None:  # noqa: FBT001
    keys = [f"event-{number}#ops" for number in range(60)]
    for key in keys:
        table.claim(key, 60)
    table.settle(keys, delivered=delivered)
    assert {table.claim(key, 60) for key in keys} == {Claim.DELIVERED if delivered else Claim.GRANTED}


def test_what_a_busy_table_left_undone_is_asked_of_it_once_more() -> None:
    class Busy:
        asked: ClassVar[list[Any]] = []

        def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803  boto3's name
            self.asked.append(RequestItems)
            ((table, writes),) = RequestItems.items()
            return {"UnprocessedItems": {table: writes[1:]} if len(self.asked) == 1 else {}}

    DeliveryTable("deliveries", lambda _: Busy()).settle(["a", "b"], delivered=True)
    assert [len(one["deliveries"]) for one in Busy.asked] == [2, 1]


def test_what_was_not_delivered_may_be_claimed_at_once(table: DeliveryTable) -> None:
    table.claim("a", 60)
    table.settle(["a"], delivered=False)
    assert table.claim("a", 60) is Claim.GRANTED


def test_items_expire_after_a_fortnight(table: DeliveryTable, dynamodb: Any, clock: Clock) -> None:
    table.claim("a", 60)
    table.settle(["a"], delivered=True)
    (item,) = dynamodb.scan(TableName="deliveries")["Items"]
    assert int(item["expires"]["N"]) == int(clock.now) + KEPT_SECONDS


def test_a_table_that_cannot_be_asked_grants_every_claim(dynamodb: Any) -> None:
    missing = DeliveryTable("no-such-table", lambda _: dynamodb)
    assert missing.claim("a", 60) is Claim.GRANTED
    missing.settle(["a"], delivered=True)
    assert missing.claim("a", 60) is Claim.GRANTED


def test_a_table_that_does_not_answer_is_left_alone_for_a_while(clock: Clock) -> None:
    class Away:
        asked = 0

        def put_item(self, **_: Any) -> None:
            self.asked += 1
            raise EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")

    away = Away()
    table = DeliveryTable("deliveries", lambda _: away, clock)
    assert {table.claim(f"event-{number}#ops", 60) for number in range(50)} == {Claim.GRANTED}
    table.settle(["event-1#ops"], delivered=True)
    assert away.asked == 1
    clock.now += OPEN_SECONDS + 1
    table.claim("a", 60)
    assert away.asked == 2


@pytest.mark.parametrize(
    "first",
    [
        lambda table: table.claim("a", 60),
        lambda table: table.settle([str(number) for number in range(60)], delivered=True),
        lambda table: table.remember("2026-11-25", {f"p/{number}": 1 for number in range(120)}),
    ],
    ids=["claim", "settle", "remember"],
)
@pytest.mark.parametrize("busy", [False, True])
def test_whichever_call_finds_the_table_away_or_busy_no_other_asks_it(first: Any, busy: bool, clock: Clock) -> None:  # noqa: FBT001
    class Away:
        asked = 0

        def __getattr__(self, call: str) -> Any:
            def fails(**_: Any) -> None:
                self.asked += 1
                if busy:
                    raise ClientError({"Error": {"Code": "ThrottlingException"}}, call)
                raise EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")

            return fails

    away = Away()
    table = DeliveryTable("deliveries", lambda _: away, clock)
    first(table)
    assert table.claim("b", 60) is Claim.GRANTED
    table.settle(["b"], delivered=False)
    table.remember("2026-11-25", {"p/i": 1})
    table.note_done(LogFilePlace("a", 1))
    assert table.records_done("a") == 0
    assert away.asked == 1


# --- log files ----------------------------------------------------------------------------------------------------------------


def test_it_is_known_how_far_a_log_file_was_read(table: DeliveryTable, dynamodb: Any, clock: Clock) -> None:
    assert table.records_done("a") == 0
    for number in (10, 30, 20):
        table.note_done(LogFilePlace("a", number))
    table.note_done(LogFilePlace("b", 5))
    assert [table.records_done(file) for file in "abc"] == [30, 5, 0]
    (item,) = [item for item in dynamodb.scan(TableName="deliveries")["Items"] if item["id"]["S"] == "file:a"]
    assert int(item["expires"]["N"]) == clock.now + KEPT_SECONDS


# --- what was muted -------------------------------------------------------------------------------------------------------------


def test_what_was_muted_on_a_day_adds_up(table: DeliveryTable) -> None:
    table.remember("2026-11-01", {"payments/nightly": 2, "payments/soon": 1})
    table.remember("2026-11-01", {"payments/nightly": 3})
    table.remember("2026-11-02", {"payments/nightly": 9})
    assert table.muted("2026-11-01") == {"payments/nightly": 5, "payments/soon": 1}
    assert table.muted("2026-11-03") == {}


def test_more_rules_than_one_update_takes_are_counted(table: DeliveryTable) -> None:
    many = {f"p/r{number}": number + 1 for number in range(120)}
    table.remember("2026-11-01", many)
    assert table.muted("2026-11-01") == many
