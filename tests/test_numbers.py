"""The highest number of a published set, in the table that the functions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from engine.edge.numbers import NumberTable
from engine.errors import OlderSetError, PublishedSetError

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = "s3://sets/current"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="deliveries",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def numbers(dynamodb: Any, place: str = PLACE) -> NumberTable:
    return NumberTable("deliveries", place, lambda _: dynamodb)


def test_the_number_never_falls_and_the_version_before_is_known(dynamodb: Any) -> None:
    assert numbers(dynamodb).raise_to(10, "a") is None
    assert numbers(dynamodb).raise_to(10, "a") == "a"
    assert numbers(dynamodb).raise_to(11, "b") == "a"
    with pytest.raises(OlderSetError):
        numbers(dynamodb).raise_to(10, "a")
    assert numbers(dynamodb).raise_to(11, "b") == "b"


def test_places_do_not_share_a_number(dynamodb: Any) -> None:
    numbers(dynamodb).raise_to(10, "a")
    assert numbers(dynamodb, "s3://sets/staging").raise_to(1, "x") is None


def test_what_is_remembered_does_not_expire(dynamodb: Any) -> None:
    numbers(dynamodb).raise_to(10, "a")
    assert dynamodb.get_item(TableName="deliveries", Key={"id": {"S": f"policies:{PLACE}"}})["Item"] == {
        "id": {"S": f"policies:{PLACE}"},
        "number": {"N": "10"},
        "version": {"S": "a"},
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.integers(1, 2**53), min_size=1, max_size=6))
def test_the_table_holds_the_highest_of_what_was_given(dynamodb: Any, given_numbers: list[int]) -> None:
    dynamodb.delete_item(TableName="deliveries", Key={"id": {"S": f"policies:{PLACE}"}})
    highest = 0
    for number in given_numbers:
        if number < highest:
            with pytest.raises(OlderSetError):
                numbers(dynamodb).raise_to(number, "v")
        else:
            numbers(dynamodb).raise_to(number, "v")
        highest = max(highest, number)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem"), "AccessDeniedException"),
        (ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com"), "ReadTimeoutError"),
    ],
)
def test_a_table_that_does_not_answer_decides_nothing_for_now(error: Exception, reason: str) -> None:
    calls = []

    class Down:
        def update_item(self, **how: Any) -> Any:
            calls.append(how)
            raise error

    table = NumberTable("deliveries", PLACE, lambda _: Down())
    for _ in range(2):
        with pytest.raises(PublishedSetError, match=rf"the highest number seen cannot be compared \({reason}\)") as raised:
            table.raise_to(1, "a")
        assert raised.value.passing
    assert len(calls) == (1 if reason == "ReadTimeoutError" else 2), "one that hangs is not called again at once"
