"""Which events are looked at. What is not selected is passed over: counted, not decided, not sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Selects

if TYPE_CHECKING:
    from engine.model import Event, Record, Selection

NOT_S3_DATA: Final = "not an S3 data event"
NOT_NAMED: Final = "its name is not selected"
OWN_READ: Final = "Trailbell's own read of a log file"

_COLONS: Final = 5
"""In the ARN of a role."""

S3_SOURCES: Final = (
    "s3.amazonaws.com",
    "s3express.amazonaws.com",
    "s3-outposts.amazonaws.com",
    "s3-object-lambda.amazonaws.com",
    "s3-banner.amazonaws.com",
    "s3tables.amazonaws.com",
)
"""The sources of S3's events: S3 itself, directory buckets, Outposts, Object Lambda (under two names), and table buckets.

EventBridge gives each its own `source`: `aws.` and what stands before `.amazonaws.com`.
Sources: https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-s3.html and the pages beside it (s3express, s3-outposts,
s3-banner, s3tables); https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-best-practices.html
"""

OBJECT_CALLS: Final = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "CreateSession",
        "DeleteObject",
        "DeleteObjectTagging",
        "DeleteObjects",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAttributes",
        "GetObjectLegalHold",
        "GetObjectRetention",
        "GetObjectTagging",
        "GetObjectTorrent",
        "HeadBucket",
        "HeadObject",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "ListParts",
        "PostObject",
        "PutObject",
        "PutObjectAcl",
        "PutObjectLegalHold",
        "PutObjectRetention",
        "PutObjectTagging",
        "RenameObject",
        "RestoreObject",
        "SelectObjectContent",
        "UpdateObjectEncryption",
        "UploadPart",
        "UploadPartCopy",
        "WriteGetObjectResponse",
    }
)
"""S3's object-level calls, the data events of `AWS::S3::Object`.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""


def passed_over(event: Event, selection: Selection, own_role: str | None = None) -> str | None:
    """Why an event is passed over, or None where it is selected. `own_role`: under which Trailbell reads log files."""
    if own_role is not None and _reads_as(event.record, own_role):
        return OWN_READ
    record = event.record
    if selection.select is Selects.S3_DATA and not is_s3_data(record):
        return NOT_S3_DATA
    if selection.names is not None and not is_named(record.get("eventName"), selection.names):
        return NOT_NAMED
    return None


def is_named(name: object, names: frozenset[str]) -> bool:
    """Whether an event name is one of some. A name that is no text says nothing, so its event is looked at."""
    return name in names if name is None or isinstance(name, str) else True


def is_s3_data(record: Record) -> bool:
    """Whether a record is an S3 data event: by its category, and where it has none (before event version 1.07) by its name."""
    if record.get("eventSource") not in S3_SOURCES:
        return False
    category = record.get("eventCategory")
    if category is not None:
        return bool(category == "Data")
    management = record.get("managementEvent")
    if isinstance(management, bool | str):
        return str(management).lower() == "false"
    return is_named(record.get("eventName"), OBJECT_CALLS)


def _reads_as(record: Record, role: str) -> bool:
    """Whether Trailbell itself read a CloudTrail log file: nothing else that its role touches is passed over.

    `role` is its name, in the account that recorded the event, or its ARN.
    """
    identity, parameters = record.get("userIdentity"), record.get("requestParameters")
    arn = identity.get("arn") if isinstance(identity, dict) else None
    key = parameters.get("key") if isinstance(parameters, dict) else None
    return (
        record.get("eventName") == "GetObject"
        and isinstance(arn, str)
        and _is_of(arn, role, record.get("recipientAccountId"))
        and isinstance(key, str)
        and "AWSLogs/" in key
        and key.endswith(".json.gz")
    )


def _is_of(session: str, role: str, recorded_in: object) -> bool:
    """Whether an assumed role's ARN is of a role: another account may have one of the same name."""
    account = role.split(":")[4] if role.count(":") == _COLONS else recorded_in
    *before, resource = session.split(":", _COLONS)
    return before[4:] == [account] and resource.startswith(f"assumed-role/{role.rpartition('/')[2]}/")
