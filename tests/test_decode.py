"""Every kind of payload is opened down to its records, and says where they stand."""

from __future__ import annotations

import base64
import copy
import gzip
import io
import json
from typing import Any

import pytest
from builders import record
from payload_files import EXPECTED, LOG_FILE, PAYLOADS, fetch, logged, payload, seen

from engine.errors import FetchError
from engine.model import DecodeError, Event, FetchedFile, PassedOver
from engine.pipeline.decode import decode
from engine.pipeline.decode.envelopes import (
    EVENT_OF_S3,
    NO_RECORD_INSIDE,
    NOT_BASE64,
    OTHER_EVENT,
    OTHER_SOURCE,
    SUBSCRIPTION,
    TOO_WRAPPED,
    TWICE_PACKED,
    UNKNOWN,
)
from engine.pipeline.decode.logfile import DIGEST_FILE, NO_OBJECT, NOT_A_LOG_FILE
from engine.pipeline.decode.record import TOO_DEEP
from engine.pipeline.decode.values import CUT_OFF


def no_fetch(_bucket: str, _key: str) -> FetchedFile:
    pytest.fail("nothing was to be fetched")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_is_opened_down_to_its_records(name: str) -> None:
    assert [seen(one) for one in decode(payload(name), fetch)] == EXPECTED[name]


def test_every_payload_beside_this_test_is_expected() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_places_and_reasons_hold_nothing_of_the_event(name: str) -> None:
    shown = [found.where + getattr(found, "reason", "") for found in decode(payload(name), fetch)]
    assert not [text for text in shown for word in ("payments", "ledger", "203.0.113.7", "AWSLogs", "trail-logs") if word in text]


def test_decoding_does_not_change_the_payload() -> None:
    before = payload("sqs-eventbridge")
    given = copy.deepcopy(before)
    list(decode(given, fetch))
    assert given == before


# --- what is and is not a record ---------------------------------------------------------------------------------------


def test_a_list_of_records_gives_each_of_them_and_the_bad_one_alone_is_reported() -> None:
    given = {"Records": [record(eventID="a1"), {"no": "record"}, record(eventID="a2")]}
    expected = [("1", "Records[0]", None), (UNKNOWN, "Records[1]", None), ("2", "Records[2]", None)]
    assert [seen(one) for one in decode(given, no_fetch)] == expected


def test_a_bad_record_before_the_good_ones_does_not_make_the_payload_unreadable() -> None:
    found = list(decode({"Records": [{"no": "record"}, record()]}, no_fetch))
    assert [(type(one), getattr(one, "retry", None)) for one in found] == [(DecodeError, False), (Event, None)]


def test_a_payload_of_which_nothing_can_be_read_is_to_be_retried() -> None:
    found = list(decode({"Records": [{"no": "record"}, 5]}, no_fetch))
    assert found == [DecodeError("Records[0]", UNKNOWN, None, retry=True), DecodeError("Records[1]", UNKNOWN, None, retry=True)]


@pytest.mark.parametrize(
    "given",
    [
        {"eventName": "GetObject", "eventSource": "s3.amazonaws.com"},
        {"eventVersion": "1.0", "eventTime": "2013-11-01T00:00:00Z", "awsRegion": "us-east-1"},
        {"eventName": ["wrong", "type"], "eventSource": 5, "userIdentity": "root"},
    ],
)
def test_a_record_is_known_by_its_fields_whatever_they_hold(given: Any) -> None:
    assert list(decode(given, no_fetch)) == [Event(given, "payload")]


def test_a_stream_item_of_another_service_is_passed_over() -> None:
    item = {"eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1"}
    assert list(decode({"Records": [item]}, no_fetch)) == [PassedOver("Records[0]", OTHER_SOURCE)]


@pytest.mark.parametrize(
    "given", [None, True, 5, 1.5, {}, "", "hello", {"key1": "value1"}, {"Records": "none"}, {"Records": None}]
)
def test_what_is_no_payload_is_one_whole_error(given: Any) -> None:
    (found,) = decode(given, no_fetch)
    assert isinstance(found, DecodeError)
    assert found.retry


def test_an_event_that_says_it_is_cloudtrails_and_is_not_is_an_error() -> None:
    given = payload("eventbridge") | {"detail": {"nothing": "here"}}
    assert list(decode(given, no_fetch)) == [DecodeError("detail", NO_RECORD_INSIDE, None, retry=True)]


@pytest.mark.parametrize("kind", ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "a kind of the future"])
def test_a_record_in_an_eventbridge_event_is_known_by_its_shape(kind: str) -> None:
    (found,) = decode(payload("eventbridge") | {"detail-type": kind}, no_fetch)
    assert isinstance(found, Event)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"Records": [record(eventID="other")]}, "Records[0]"),
        ({"messageId": "m", "body": record(eventID="other")}, "body"),
        ({"kinesis": {"data": base64.b64encode(json.dumps(record(eventID="other")).encode()).decode()}}, "kinesis.data"),
    ],
    ids=["Records", "body", "kinesis"],
)
def test_what_is_known_by_an_earlier_name_is_not_taken_for_an_eventbridge_event(more: dict[str, Any], where: str) -> None:
    (found,) = decode(payload("eventbridge") | more, no_fetch)
    assert isinstance(found, Event)
    assert (found.record["eventID"], found.where) == ("other", where)


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_message_about_a_subscription_is_passed_over(kind: str) -> None:
    assert list(decode(payload("sns-http") | {"Type": kind}, no_fetch)) == [PassedOver("payload", SUBSCRIPTION)]


# --- batches -----------------------------------------------------------------------------------------------------------


def sqs(*bodies: object) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body if isinstance(body, str) else json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies, 1)
        ]
    }


def test_an_item_is_whole_only_where_nothing_of_it_could_be_read() -> None:
    given = sqs({"Records": [record(eventID="a1"), 5]}, {"Records": [5, 6]}, {"Records": [5, record(eventID="a2")]})
    assert [seen(one) for one in decode(given, no_fetch)] == [
        ("1", "Records[0].body.Records[0]", "m1"),
        (UNKNOWN, "Records[0].body.Records[1]", "m1"),
        (f"whole: {UNKNOWN}", "Records[1].body.Records[0]", "m2"),
        (f"whole: {UNKNOWN}", "Records[1].body.Records[1]", "m2"),
        (UNKNOWN, "Records[2].body.Records[0]", "m3"),
        ("2", "Records[2].body.Records[1]", "m3"),
    ]


@pytest.mark.parametrize(
    ("kind", "key", "reason", "foreign"),
    [
        ("Object Created", "2026/ledger.csv", EVENT_OF_S3, True),
        ("Object Access Tier Changed", "2026/ledger.csv", EVENT_OF_S3, True),
        ("Object Deleted", "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/x_CloudTrail_y.json.gz", EVENT_OF_S3, True),
        ("Object Created", "AWSLogs/111122223333/Config/eu-west-1/2026/11/01/x.json.gz", NOT_A_LOG_FILE, False),
        ("Object Created", "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/01/x.json.gz", DIGEST_FILE, False),
    ],
)
def test_what_s3_itself_sends_is_told_apart_from_what_cloudtrail_records(
    kind: str, key: str, reason: str, *, foreign: bool
) -> None:
    given = payload("eventbridge-object-created")
    given["detail-type"], given["detail"]["object"]["key"] = kind, key
    (one,) = decode(given, no_fetch)
    assert isinstance(one, PassedOver)
    assert (one.reason, one.foreign) == (reason, foreign)


def test_another_services_event_is_not_cloudtrails_either() -> None:
    (one,) = decode(payload("eventbridge-scheduled"), no_fetch)
    assert isinstance(one, PassedOver)
    assert (one.reason, one.foreign) == (OTHER_EVENT, True)


def test_what_is_passed_over_counts_as_read() -> None:
    given = sqs({"Records": [payload("eventbridge-scheduled"), 5]})
    assert [seen(one)[0] for one in decode(given, no_fetch)] == [f"({OTHER_EVENT})", UNKNOWN]


def test_a_batch_within_a_batch_keeps_the_outer_item() -> None:
    inner = base64.b64encode(json.dumps(sqs(record())).encode()).decode()
    given = {"records": [{"recordId": "r1", "data": inner}]}
    assert [one.item for one in decode(given, no_fetch)] == ["r1"]


def test_a_list_in_which_an_item_has_no_id_is_no_batch() -> None:
    given = sqs(record(), record())
    del given["Records"][1]["messageId"]
    assert [one.item for one in decode(given, no_fetch)] == [None, None]


@pytest.mark.parametrize("text", ["%%%", "QQ=", "é", 5, None, ["QQ=="]])
def test_what_is_not_base64_is_an_error_of_its_item(text: object) -> None:
    given = {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "7", "data": text}}]}
    assert list(decode(given, no_fetch)) == [DecodeError("Records[0].kinesis.data", NOT_BASE64, "7", retry=True)]


def test_base64_within_base64_is_not_opened() -> None:
    inner = base64.b64encode(gzip.compress(json.dumps(payload("logs")).encode())).decode()
    assert list(decode({"awslogs": {"data": inner}}, no_fetch)) == [
        DecodeError("awslogs.data.awslogs.data", TWICE_PACKED, None, retry=True)
    ]


def test_wrapping_without_end_is_refused() -> None:
    given: object = record()
    for _ in range(20):
        given = {"Type": "Notification", "Message": given}
    (found,) = decode(given, no_fetch)
    assert isinstance(found, DecodeError)
    assert found.reason == TOO_WRAPPED


def test_text_in_text_without_end_is_refused() -> None:
    given = '"' * 3
    for _ in range(12):
        given = json.dumps(given)
    assert all(isinstance(one, DecodeError) for one in decode(given, no_fetch))


# --- log files named by notifications --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("s3", "team a/trails+logs/AWSLogs/"),
        ("eventbridge-object-created", "team a/trails+logs/AWSLogs/"),
        ("sns-s3", "team a/tra"),
    ],
)
def test_a_key_is_asked_for_as_s3_knows_it(name: str, key: str) -> None:
    asked: list[tuple[str, str]] = []

    def noting(bucket: str, name: str) -> FetchedFile:
        asked.append((bucket, name))
        return FetchedFile(io.BytesIO(b'{"Records":[]}'), "file")

    assert [one.reason for one in decode(payload(name), noting) if isinstance(one, PassedOver)] == ["holds no record"]
    ((bucket, found),) = asked
    assert (bucket, found[: len(key)]) == ("trail-logs", key)


@pytest.mark.parametrize("passing", [True, False])
def test_a_file_that_cannot_be_fetched_brings_its_item_back_though_its_neighbour_was_read(passing: bool) -> None:  # noqa: FBT001  parametrized
    def failing(_bucket: str, key: str) -> FetchedFile:
        if key.endswith("2.json.gz"):
            raise FetchError("S3 says SlowDown", passing=passing)
        return FetchedFile(LOG_FILE.open("rb"), "file")

    keys = [f"AWSLogs/111122223333/CloudTrail/us-east-1/{number}.json.gz" for number in (1, 2)]
    given = sqs({"s3Bucket": "trail-logs", "s3ObjectKey": keys})
    assert [seen(one) for one in decode(given, failing)] == [
        *logged("Records[0].body.s3ObjectKey[0]", "m1"),
        ("whole: could not be fetched: S3 says SlowDown", "Records[0].body.s3ObjectKey[1]", "m1"),
    ]


class Breaking(io.BytesIO):
    """A connection that breaks after its first bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The first bytes, then nothing more."""
        if self.tell():
            raise ConnectionResetError
        return super().read(min(size or 0, 2000))


def test_a_file_whose_connection_breaks_gives_what_arrived_and_comes_again() -> None:
    text = json.dumps({"Records": [record(eventID=f"a{number}") for number in range(9)]})
    *events, error = decode(payload("s3"), lambda _bucket, _key: FetchedFile(Breaking(text.encode()), "file"))
    assert [seen(one) for one in events] == [
        (str(number), f"Records[0].s3 record {number + 1}", None) for number in range(len(events))
    ]
    assert len(events) in range(1, 9)
    assert isinstance(error, DecodeError)
    assert error[:4] == (f"Records[0].s3 record {len(events) + 1}", "could not be read to its end", None, True)


def test_a_damaged_file_gives_its_whole_records_and_does_not_come_again() -> None:
    text = json.dumps({"Records": [record(eventID="a1"), record(eventID="a2")]})[:-40]
    assert [seen(one) for one in decode(payload("s3"), lambda _bucket, _key: FetchedFile(io.BytesIO(text.encode()), "file"))] == [
        ("1", "Records[0].s3 record 1", None),
        (CUT_OFF, "Records[0].s3 record 2", None),
    ]


def test_a_fetched_file_is_closed() -> None:
    stream = io.BytesIO(LOG_FILE.read_bytes())
    assert len(list(decode(payload("s3"), lambda _bucket, _key: FetchedFile(stream, "file")))) == 3
    assert stream.closed


def test_a_log_file_names_no_further_files() -> None:
    inner = json.dumps(payload("s3"))
    asked: list[str] = []

    def once(_bucket: str, key: str) -> FetchedFile:
        asked.append(key)
        return FetchedFile(io.BytesIO(inner.encode()), "file")

    (found,) = decode(payload("s3"), once)
    assert isinstance(found, DecodeError)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "s3",
    [{}, {"bucket": {"name": "b"}}, {"bucket": {"name": ""}, "object": {"key": "k"}}, {"bucket": "b", "object": {"key": ["k"]}}],
)
def test_a_notification_that_names_no_object_is_an_error(s3: Any) -> None:
    given = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}
    assert list(decode(given, no_fetch)) == [DecodeError("Records[0].s3", NO_OBJECT, None, retry=True)]


# --- values that JSON can hold and should not ----------------------------------------------------------------------


def nested(depth: int) -> object:
    value: object = "core"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


def test_a_record_may_be_nested_a_hundred_levels_and_no_deeper() -> None:
    given = {"Records": [record(requestParameters=nested(99)), record(requestParameters=nested(100))]}
    found = list(decode(given, no_fetch))
    assert [type(one) for one in found] == [Event, DecodeError]
    assert found[1] == DecodeError("Records[1]", TOO_DEEP)


def test_a_number_that_is_not_finite_becomes_text() -> None:
    (given,) = decode(record(x=float("inf"), y=[float("nan"), 1.5], z=-float("inf")), no_fetch)
    (text,) = decode(json.dumps(record(x=1)).replace('"x": 1', '"x": 1e999, "y": [NaN, 1.5], "z": -Infinity'), no_fetch)
    assert isinstance(given, Event)
    assert isinstance(text, Event)
    assert [given.record[name] for name in "xyz"] == ["Infinity", ["NaN", 1.5], "-Infinity"]
    assert [text.record[name] for name in "xyz"] == ["1e999", ["NaN", 1.5], "-Infinity"]
