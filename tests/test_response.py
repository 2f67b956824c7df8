"""Lambda is told which items to retry, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payload_files import EXPECTED, FIREHOSE, MESSAGE, SEQUENCE, payload

from engine.pipeline.response import lambda_response, supports_partial_failure

BATCHES = {"sqs-eventbridge", "sqs-one-unreadable", "sqs-fifo", "sqs-s3", "sqs-sns-s3", "sqs-sns-raw", "sqs-cloudtrail-sns"} | {
    "kinesis",
    "firehose",
}


def again(*ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


def sqs(*messages: tuple[str, str | None], queue: str = "trailbell") -> dict[str, Any]:
    """Messages as (id, group)."""
    arn = f"arn:aws:sqs:us-east-1:111122223333:{queue}"
    return {
        "Records": [
            {"messageId": one, "body": "", "eventSourceARN": arn, "attributes": {"MessageGroupId": group} if group else {}}
            for one, group in messages
        ]
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_is_a_batch_where_its_items_can_come_again(name: str) -> None:
    assert supports_partial_failure(payload(name)) == (name in BATCHES)


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - BATCHES))
def test_what_is_no_batch_is_answered_with_nothing(name: str) -> None:
    assert lambda_response(payload(name), frozenset({"m1"})) is None


@pytest.mark.parametrize("name", sorted(BATCHES - {"firehose"}))
def test_a_batch_that_went_well_fails_nothing(name: str) -> None:
    assert lambda_response(payload(name), frozenset()) == again()


def test_only_the_failed_messages_come_again_in_the_order_of_the_batch() -> None:
    given = sqs(("m1", None), ("m2", None), ("m3", None))
    assert lambda_response(given, frozenset({"m3", "m1"})) == again("m1", "m3")


def test_an_id_that_is_not_in_the_batch_is_not_named() -> None:
    assert lambda_response(sqs(("m1", None)), frozenset({"m1", "m9", ""})) == again("m1")


def test_a_message_twice_in_a_batch_is_named_once() -> None:
    assert lambda_response(sqs(("m1", None), ("m1", None)), frozenset({"m1"})) == again("m1")


def test_in_a_fifo_queue_what_follows_a_failure_in_its_group_comes_again_too() -> None:
    assert lambda_response(payload("sqs-fifo"), frozenset({MESSAGE.format(1)})) == again(MESSAGE.format(1), MESSAGE.format(3))
    assert lambda_response(payload("sqs-fifo"), frozenset({MESSAGE.format(2)})) == again(MESSAGE.format(2))


def test_in_a_standard_queue_groups_have_no_order_to_keep() -> None:
    given = sqs(("m1", "a"), ("m2", "a"))
    assert lambda_response(given, frozenset({"m1"})) == again("m1")


def test_a_kinesis_batch_names_sequence_numbers() -> None:
    assert lambda_response(payload("kinesis"), frozenset({SEQUENCE.format(2)})) == again(SEQUENCE.format(2))


def test_a_dynamodb_batch_names_sequence_numbers() -> None:
    given = {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "111"}}]}
    assert lambda_response(given, frozenset({"111"})) == again("111")


def test_firehose_gets_every_record_back_as_it_came() -> None:
    given = payload("firehose")
    assert lambda_response(given, frozenset({FIREHOSE.format(1)})) == {
        "records": [
            {"recordId": FIREHOSE.format(index), "result": result, "data": given["records"][index]["data"]}
            for index, result in enumerate(["Ok", "ProcessingFailed", "Ok"])
        ]
    }


@pytest.mark.parametrize("broken", [None, 5, "", [], {}, {"messageId": ""}, {"messageId": 5}, {"kinesis": "x"}, {"dynamodb": {}}])
def test_a_list_with_an_item_that_has_no_id_is_no_batch(broken: object) -> None:
    given = sqs(("m1", None))
    given["Records"].append(broken)
    assert not supports_partial_failure(given)
    assert lambda_response(given, frozenset({"m1"})) is None


@pytest.mark.parametrize(
    "given", [None, 5, "x", [], {}, {"Records": []}, {"Records": {}}, {"records": [5]}, [{"messageId": "m1"}]]
)
def test_anything_else_is_no_batch(given: object) -> None:
    assert not supports_partial_failure(given)
    assert lambda_response(given, frozenset({"m1"})) is None


GROUPS = st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=8)


@given(GROUPS, st.data())
def test_a_fifo_group_goes_on_nowhere_after_a_failure(groups: list[str | None], data: st.DataObject) -> None:
    ids = [f"m{number}" for number in range(len(groups))]
    failed = data.draw(st.frozensets(st.sampled_from(ids)))
    told = lambda_response(sqs(*zip(ids, groups, strict=True), queue="trailbell.fifo"), failed)
    assert isinstance(told, dict)
    named = [one["itemIdentifier"] for one in told["batchItemFailures"]]
    for group in set(groups):
        own = [one for one, its in zip(ids, groups, strict=True) if its == group]
        first = next((index for index, one in enumerate(own) if one in failed), len(own))
        assert [one for one in named if one in own] == own[first:]
