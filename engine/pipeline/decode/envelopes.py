"""The envelopes that carry records to a Lambda: each kind is recognised by its shape and unwrapped until a record is reached.

Source of the shapes: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html and the pages of the services.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_plus

from engine.pipeline.decode.inflate import MAX_INLINE_SIZE, text_of
from engine.pipeline.decode.location import MAX_LAYERS, Decoded, Fetch, PayloadPath
from engine.pipeline.decode.logfile import (
    DIGEST_FILE,
    NOT_A_LOG_FILE,
    is_digest,
    log_file_events,
    not_a_log_file,
    record_events,
)
from engine.pipeline.decode.record import event, from_a_service, is_record
from engine.pipeline.decode.values import START, Position, read_values

UNKNOWN: Final = "is not a payload that Trailbell knows"
TOO_WRAPPED: Final = f"is wrapped in more than {MAX_LAYERS} layers"
NOT_BASE64: Final = "is not base64"
TWICE_PACKED: Final = "is base64 within base64"
NO_RECORD_INSIDE: Final = "says that it is a CloudTrail record and is not"
OTHER_EVENT: Final = "an EventBridge event that is not CloudTrail's"
EVENT_OF_S3: Final = "an event of S3's own, not CloudTrail's record of a call"
OTHER_SOURCE: Final = "an event of a service that carries no CloudTrail records"
CONTROL_MESSAGE: Final = "a control message of a CloudWatch Logs subscription"
TEST_EVENT: Final = "a test event of S3"
VALIDATION: Final = "a validation message of CloudTrail"
SUBSCRIPTION: Final = "a message about an SNS subscription"
NOT_CREATED: Final = "an S3 notification that is not about a new object"

_VALIDATION_TEXT: Final = "CloudTrail validation message."

_Object: TypeAlias = dict[str, Any]
_Unwrapper: TypeAlias = Callable[[_Object, PayloadPath, Fetch], Iterator[Decoded]]


def unwrap(value: object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    """Everything in a payload, or in a part of one. Never raises for anything that JSON can hold."""
    if location.layers > MAX_LAYERS:
        yield location.unreadable(TOO_WRAPPED)
    elif isinstance(value, str):
        yield from _text(value, location, fetch)
    elif isinstance(value, list):
        yield from _each(value, location, "", fetch)
    elif is_record(value):
        yield event(value, location)
    elif isinstance(value, dict):
        yield from _unwrapper_for(value)(value, location, fetch)
    else:
        yield location.unreadable(UNKNOWN)


def unwrap_text(pieces: Iterator[str], location: PayloadPath, fetch: Fetch, position: Position = START) -> Iterator[Decoded]:
    """Everything in a text from `position` on: one payload, several, or a list of them."""
    for item in read_values(pieces, position):
        here = location.at(item.path)
        if item.error:
            yield here.unreadable(item.error, retry=item.retry)
        else:
            yield from unwrap(item.value, here, fetch)


def item_id(element: object) -> str | None:
    """The id by which a batch item can be delivered again; None if this is not a batch item.

    It is SQS's `messageId`, Kinesis' and DynamoDB's sequence number, Firehose's `recordId`.
    """
    if not isinstance(element, dict):
        return None
    message = element.get("messageId")
    if isinstance(message, str) and message:
        return message
    ids = (
        _object(element, "kinesis").get("sequenceNumber"),
        _object(element, "dynamodb").get("SequenceNumber"),
        element.get("recordId"),
    )
    return next((name for name in ids if isinstance(name, str) and name), None)


def _object(outer: _Object, name: str) -> _Object:
    inner = outer.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: str, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    if value.strip() == _VALIDATION_TEXT:
        yield location.passed_over(VALIDATION)
    else:
        yield from unwrap_text(iter([value]), location, fetch)


def _each(elements: list[object], location: PayloadPath, name: str, fetch: Fetch) -> Iterator[Decoded]:
    for index, element in enumerate(elements):
        yield from unwrap(element, location.at(f"{name}[{index}]"), fetch)


def _base64(value: object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    """Everything in base64, gzipped or not. Only once: what inflates to something that inflates could grow without bounds."""
    if location.unpacked:
        yield location.unreadable(TWICE_PACKED)
        return
    try:
        inner = binascii.a2b_base64(value, strict_mode=True) if isinstance(value, str) else None
    except ValueError:
        inner = None
    if inner is None:
        yield location.unreadable(NOT_BASE64)
        return
    yield from unwrap_text(text_of(BytesIO(inner), MAX_INLINE_SIZE), location._replace(unpacked=True), fetch)


# --- batches -----------------------------------------------------------------------------------------------------------


def _records(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return _each(value["Records"], location, ".Records", fetch)


def _firehose(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return _each(value["records"], location, ".records", fetch)


def _sqs_message(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return unwrap(value["body"], location.at(".body"), fetch)


def _kinesis_record(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return _base64(value["kinesis"].get("data"), location.at(".kinesis.data"), fetch)


def _firehose_record(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return _base64(value["data"], location.at(".data"), fetch)


# --- SNS, EventBridge, CloudWatch Logs ---------------------------------------------------------------------------------


def _sns_record(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return unwrap(value["Sns"].get("Message"), location.at(".Sns.Message"), fetch)


def _sns_notification(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return unwrap(value["Message"], location.at(".Message"), fetch)


def _eventbridge(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    """A record in `detail` is known by its shape; the kinds of CloudTrail's events have grown over the years.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """
    detail, kind = value["detail"], value["detail-type"]
    here = location.at(".detail")
    if is_record(detail):
        yield event(detail, here)
    elif isinstance(kind, str) and kind.endswith(" via CloudTrail"):
        yield here.unreadable(NO_RECORD_INSIDE)
    elif value.get("source") == "aws.s3" and isinstance(detail, dict):
        yield from _s3_eventbridge_notification(detail, here, fetch, created=kind == "Object Created")
    else:
        yield location.passed_over(OTHER_EVENT, foreign=True)


def _s3_eventbridge_notification(detail: _Object, location: PayloadPath, fetch: Fetch, *, created: bool) -> Iterator[Decoded]:
    """An event that S3 itself sends: a new log file is read; whatever else AWS keeps beside it under `AWSLogs` is passed over.

    Any other such event is passed over: it does not identify the caller, and a rule that forwards it was meant for CloudTrail
    events from the same source. Unlike in S3 event notifications sent to SQS, SNS or Lambda, the key is not URL-encoded.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    bucket, key = _object(detail, "bucket").get("name"), _object(detail, "object").get("key")
    if not created or (isinstance(key, str) and not_a_log_file(key) == NOT_A_LOG_FILE and "AWSLogs" not in key.split("/")):
        yield location.passed_over(EVENT_OF_S3, foreign=True)
    else:
        yield from log_file_events(bucket, key, location, fetch)


def _logs_subscription(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    return _base64(value["awslogs"].get("data"), location.at(".awslogs.data"), fetch)


def _log_events(value: _Object, location: PayloadPath, _fetch: Fetch) -> Iterator[Decoded]:
    """A subscription's content, inflated; each message is one record. Applications log, too: their text opens nothing else."""
    if value["messageType"] == "CONTROL_MESSAGE":
        yield location.passed_over(CONTROL_MESSAGE)
        return
    for index, entry in enumerate(value["logEvents"]):
        here = location.at(f".logEvents[{index}].message")
        message = entry.get("message") if isinstance(entry, dict) else None
        if isinstance(message, str):
            yield from record_events(iter([message]), here)
        else:
            yield here.unreadable(UNKNOWN)


# --- log files in S3 ---------------------------------------------------------------------------------------------------


def _s3_record(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    """An S3 notification; its key is URL-encoded, a space as `+`.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    here, s3 = location.at(".s3"), value["s3"]
    name = value.get("eventName")
    if not (isinstance(name, str) and "ObjectCreated:" in name):
        yield here.passed_over(NOT_CREATED)
        return
    key = _object(s3, "object").get("key")
    decoded = unquote_plus(key) if isinstance(key, str) else None
    yield from log_file_events(_object(s3, "bucket").get("name"), decoded, here, fetch)


def _cloudtrail_notification(value: _Object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    """CloudTrail's own SNS message about new log files; the keys are plain.

    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
    """
    for index, key in enumerate(value["s3ObjectKey"]):
        yield from log_file_events(value.get("s3Bucket"), key, location.at(f".s3ObjectKey[{index}]"), fetch)


# --- which is which ----------------------------------------------------------------------------------------------------


def _always_passed_over(reason: str) -> _Unwrapper:
    def unwrapper(_value: _Object, location: PayloadPath, _fetch: Fetch) -> Iterator[Decoded]:
        yield location.passed_over(reason)

    return unwrapper


def _unknown(_value: _Object, location: PayloadPath, _fetch: Fetch) -> Iterator[Decoded]:
    yield location.unreadable(UNKNOWN)


_KINDS: Final[tuple[tuple[str, Callable[[_Object], bool], _Unwrapper], ...]] = (
    ("Records", lambda value: isinstance(value["Records"], list), _records),
    ("records", lambda value: isinstance(value["records"], list), _firehose),
    ("body", lambda value: "messageId" in value, _sqs_message),
    ("kinesis", lambda value: isinstance(value["kinesis"], dict), _kinesis_record),
    ("recordId", lambda value: "data" in value, _firehose_record),
    ("Sns", lambda value: isinstance(value["Sns"], dict), _sns_record),
    ("Message", lambda value: value.get("Type") == "Notification", _sns_notification),
    ("detail", lambda value: "detail-type" in value, _eventbridge),
    ("awslogs", lambda value: isinstance(value["awslogs"], dict), _logs_subscription),
    ("logEvents", lambda value: "messageType" in value and isinstance(value["logEvents"], list), _log_events),
    ("s3", lambda value: isinstance(value["s3"], dict), _s3_record),
    ("s3ObjectKey", lambda value: isinstance(value["s3ObjectKey"], list), _cloudtrail_notification),
    ("Event", lambda value: value["Event"] == "s3:TestEvent", _always_passed_over(TEST_EVENT)),
    (
        "Type",
        lambda value: value["Type"] in ("SubscriptionConfirmation", "UnsubscribeConfirmation"),
        _always_passed_over(SUBSCRIPTION),
    ),
    ("logFiles", is_digest, _always_passed_over(DIGEST_FILE)),
    ("eventSource", from_a_service, _always_passed_over(OTHER_SOURCE)),
)
"""Every kind of payload and batch item: a key that it contains, a further check, and the function that unwraps it.

The first match wins.
"""


def _unwrapper_for(value: _Object) -> _Unwrapper:
    for name, fits, unwrapper in _KINDS:
        if name in value and fits(value):
            return unwrapper
    return _unknown
