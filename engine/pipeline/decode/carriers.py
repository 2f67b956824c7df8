"""What carries records to a Lambda: every kind of payload is known by its shape and opened until a record is reached.

Source of the shapes: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html and the pages of the services.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_plus

from engine.pipeline.decode.inflate import LARGEST_INLINE, text_of
from engine.pipeline.decode.logfile import DIGEST_FILE, fetched, is_digest, records
from engine.pipeline.decode.place import MOST_LAYERS, Fetch, Found, Place
from engine.pipeline.decode.record import event, from_a_service, is_record
from engine.pipeline.decode.scan import START, Begun, scan, sole_object

UNKNOWN: Final = "is not a payload that Trailbell knows"
TOO_WRAPPED: Final = f"is wrapped in more than {MOST_LAYERS} layers"
NOT_BASE64: Final = "is not base64"
TWICE_PACKED: Final = "is base64 within base64"
NO_RECORD_INSIDE: Final = "says that it is a CloudTrail record and is not"
OTHER_EVENT: Final = "an EventBridge event that is not CloudTrail's"
OTHER_SOURCE: Final = "an event of a service that carries no CloudTrail records"
CONTROL_MESSAGE: Final = "a control message of a CloudWatch Logs subscription"
TEST_EVENT: Final = "a test event of S3"
VALIDATION: Final = "a validation message of CloudTrail"
SUBSCRIPTION: Final = "a message about an SNS subscription"
NOT_CREATED: Final = "an S3 notification that is not about a new object"

DETAIL: Final = Place().at(".detail")
"""Where in an EventBridge event its record stands."""

_ENVELOPE: Final = frozenset({"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"})
"""What an EventBridge event has; none of it is a name by which another kind of payload is known.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

_VALIDATION_TEXT: Final = "CloudTrail validation message."

_Object: TypeAlias = dict[str, Any]
_Opener: TypeAlias = Callable[[_Object, Place, Fetch], Iterator[Found]]


def sole_record(payload: object) -> dict[str, Any] | None:
    """The record of an EventBridge event, the most usual payload, which is known by having nothing else; None for any other."""
    if not isinstance(payload, dict) or "detail-type" not in payload or not payload.keys() <= _ENVELOPE:
        return None
    detail = payload.get("detail")
    return detail if is_record(detail) else None


def opened(value: object, place: Place, fetch: Fetch) -> Iterator[Found]:
    """Everything in a payload, or in a part of one. Never raises for what JSON can hold."""
    if place.layers > MOST_LAYERS:
        yield place.unreadable(TOO_WRAPPED)
    elif isinstance(value, str):
        yield from _text(value, place, fetch)
    elif isinstance(value, list):
        yield from _each(value, place, "", fetch)
    elif (record := sole_record(value)) is not None:
        yield event(record, place.at(".detail"))
    elif is_record(value):
        yield event(value, place)
    elif isinstance(value, dict):
        yield from _opener(value)(value, place, fetch)
    else:
        yield place.unreadable(UNKNOWN)


def texts(pieces: Iterator[str], place: Place, fetch: Fetch, begun: Begun = START) -> Iterator[Found]:
    """Everything in a text: one payload, several, or a list of them; with `begun`, what is left of it."""
    for one in scan(pieces, begun):
        there = place.at(one.step)
        if one.gap:
            yield there.unreadable(one.gap, again=one.again)
        else:
            yield from opened(one.value, there, fetch)


def item_of(element: object) -> str | None:
    """The id by which a batch item can be asked for again, or None where this is none.

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
    return next((one for one in ids if isinstance(one, str) and one), None)


def _object(outer: _Object, name: str) -> _Object:
    inner = outer.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: str, place: Place, fetch: Fetch) -> Iterator[Found]:
    sole = sole_object(value)
    if sole is not None:
        yield from opened(sole, place.at(""), fetch)
    elif value.strip() == _VALIDATION_TEXT:
        yield place.passed_over(VALIDATION)
    else:
        yield from texts(iter([value]), place, fetch)


def _each(elements: list[object], place: Place, name: str, fetch: Fetch) -> Iterator[Found]:
    for index, element in enumerate(elements):
        yield from opened(element, place.at(f"{name}[{index}]"), fetch)


def _base64(value: object, place: Place, fetch: Fetch) -> Iterator[Found]:
    """Everything in base64, gzipped or not. Only once: what inflates to something that inflates could grow without bounds."""
    if place.unpacked:
        yield place.unreadable(TWICE_PACKED)
        return
    try:
        inner = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        inner = None
    if inner is None:
        yield place.unreadable(NOT_BASE64)
        return
    yield from texts(text_of(BytesIO(inner), LARGEST_INLINE), place._replace(unpacked=True), fetch)


# --- batches -----------------------------------------------------------------------------------------------------------


def _records(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return _each(value["Records"], place, ".Records", fetch)


def _firehose(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return _each(value["records"], place, ".records", fetch)


def _sqs_message(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return opened(value["body"], place.at(".body"), fetch)


def _kinesis_record(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return _base64(value["kinesis"].get("data"), place.at(".kinesis.data"), fetch)


def _firehose_record(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return _base64(value["data"], place.at(".data"), fetch)


# --- SNS, EventBridge, CloudWatch Logs ---------------------------------------------------------------------------------


def _sns_record(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return opened(value["Sns"].get("Message"), place.at(".Sns.Message"), fetch)


def _sns_notification(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return opened(value["Message"], place.at(".Message"), fetch)


def _eventbridge(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    """A record in `detail` is known by its shape; the kinds of CloudTrail's events have grown over the years.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """
    detail, kind = value["detail"], value["detail-type"]
    there = place.at(".detail")
    if is_record(detail):
        yield event(detail, there)
    elif isinstance(kind, str) and kind.endswith(" via CloudTrail"):
        yield there.unreadable(NO_RECORD_INSIDE)
    elif kind == "Object Created" and value.get("source") == "aws.s3" and isinstance(detail, dict):
        # Other than in S3's own notifications, the key is not URL-encoded.
        # Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
        yield from fetched(_object(detail, "bucket").get("name"), _object(detail, "object").get("key"), there, fetch)
    else:
        yield place.passed_over(OTHER_EVENT)


def _logs_subscription(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    return _base64(value["awslogs"].get("data"), place.at(".awslogs.data"), fetch)


def _log_events(value: _Object, place: Place, _fetch: Fetch) -> Iterator[Found]:
    """A subscription's content, inflated; each message is one record. Applications log, too: their text opens nothing else."""
    if value["messageType"] == "CONTROL_MESSAGE":
        yield place.passed_over(CONTROL_MESSAGE)
        return
    for index, entry in enumerate(value["logEvents"]):
        there = place.at(f".logEvents[{index}].message")
        message = entry.get("message") if isinstance(entry, dict) else None
        if isinstance(message, str):
            yield from records(iter([message]), there)
        else:
            yield there.unreadable(UNKNOWN)


# --- log files in S3 ---------------------------------------------------------------------------------------------------


def _s3_record(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    """An S3 notification; its key is URL-encoded, a space as `+`.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    there, s3 = place.at(".s3"), value["s3"]
    name = value.get("eventName")
    if not (isinstance(name, str) and "ObjectCreated:" in name):
        yield there.passed_over(NOT_CREATED)
        return
    key = _object(s3, "object").get("key")
    decoded = unquote_plus(key) if isinstance(key, str) else None
    yield from fetched(_object(s3, "bucket").get("name"), decoded, there, fetch)


def _cloudtrail_notification(value: _Object, place: Place, fetch: Fetch) -> Iterator[Found]:
    """CloudTrail's own SNS message about new log files; the keys are plain.

    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
    """
    for index, key in enumerate(value["s3ObjectKey"]):
        yield from fetched(value.get("s3Bucket"), key, place.at(f".s3ObjectKey[{index}]"), fetch)


# --- which is which ----------------------------------------------------------------------------------------------------


def _passed(reason: str) -> _Opener:
    def opener(_value: _Object, place: Place, _fetch: Fetch) -> Iterator[Found]:
        yield place.passed_over(reason)

    return opener


def _unknown(_value: _Object, place: Place, _fetch: Fetch) -> Iterator[Found]:
    yield place.unreadable(UNKNOWN)


_KINDS: Final[tuple[tuple[str, Callable[[_Object], bool], _Opener], ...]] = (
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
    ("Event", lambda value: value["Event"] == "s3:TestEvent", _passed(TEST_EVENT)),
    ("Type", lambda value: value["Type"] in ("SubscriptionConfirmation", "UnsubscribeConfirmation"), _passed(SUBSCRIPTION)),
    ("logFiles", is_digest, _passed(DIGEST_FILE)),
    ("eventSource", from_a_service, _passed(OTHER_SOURCE)),
)
"""Every kind of payload and of batch item: a name in it, what else tells it, and what opens it. The first that fits is meant."""


def _opener(value: _Object) -> _Opener:
    for name, fits, opener in _KINDS:
        if name in value and fits(value):
            return opener
    return _unknown
