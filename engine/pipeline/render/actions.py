"""What was done, in one word of ours, by the name of the event."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.model import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import MaskedEvent


class Action(StrEnum):
    """What was done to an object or a bucket. `OTHER`: the event's name says it; `ACCESS`: a level hides it."""

    READ = "read"
    HEAD = "head"
    READ_ACL = "read_acl"
    READ_TAGS = "read_tags"
    LIST = "list"
    WRITE = "write"
    COPY = "copy"
    COPY_OUT = "copy_out"
    RENAME = "rename"
    DELETE = "delete"
    DELETE_VERSION = "delete_version"
    DELETE_SEVERAL = "delete_several"
    DELETE_TAGS = "delete_tags"
    ABORT = "abort"
    ACL = "acl"
    PUBLIC = "public"
    TAG = "tag"
    LOCK = "lock"
    RESTORE = "restore"
    OTHER = "other"
    ACCESS = "access"


_BY_EVENT: Final[Mapping[str, Action]] = {
    **dict.fromkeys(("GetObject", "SelectObjectContent", "GetObjectTorrent", "GetObjectAttributes"), Action.READ),
    **dict.fromkeys(("HeadObject", "HeadBucket"), Action.HEAD),
    "GetObjectAcl": Action.READ_ACL,
    "GetObjectTagging": Action.READ_TAGS,
    **dict.fromkeys(
        ("ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "ListParts"),
        Action.LIST,
    ),
    **dict.fromkeys(
        ("PutObject", "PostObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload", "InitiateMultipartUpload"),
        Action.WRITE,
    ),
    **dict.fromkeys(("CopyObject", "UploadPartCopy"), Action.COPY),
    "RenameObject": Action.RENAME,
    "DeleteObject": Action.DELETE,
    "DeleteObjects": Action.DELETE_SEVERAL,
    "DeleteObjectTagging": Action.DELETE_TAGS,
    "AbortMultipartUpload": Action.ABORT,
    "PutObjectAcl": Action.ACL,
    "PutObjectTagging": Action.TAG,
    **dict.fromkeys(
        ("PutObjectRetention", "PutObjectLegalHold", "PutObjectLockRetention", "PutObjectLockLegalHold"),
        Action.LOCK,
    ),
    "RestoreObject": Action.RESTORE,
}
"""S3's data events, https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html."""

OBJECTS: Final = frozenset({Action.READ, Action.WRITE, Action.DELETE, Action.DELETE_VERSION})
"""What is done to one object, so that several times are several objects where their keys differ."""


_OTHER: Final = Action.OTHER
_DEPENDS: Final = frozenset({Action.COPY, Action.DELETE, Action.ACL, Action.WRITE})
"""Actions that may be another one by what else the event says."""


def action_of(masked: MaskedEvent) -> Action:
    """What a masked event says was done, as far as its level shows the event's name."""
    name = masked.values.get(Field.EVENT)
    if name is None:
        return Action.ACCESS
    action = _BY_EVENT.get(name, _OTHER)
    if action not in _DEPENDS:
        return action
    if action is Action.COPY and _other_source(masked):
        return Action.COPY_OUT
    if action is Action.DELETE and masked.of_version:
        return Action.DELETE_VERSION
    if action in (Action.ACL, Action.WRITE, Action.COPY) and masked.makes_public:
        return Action.PUBLIC
    return action


def source_bucket(masked: MaskedEvent) -> str | None:
    """The bucket that a copy was made from, as the level shows it."""
    source = masked.values.get(Field.COPY_SOURCE)
    return None if source is None else source.partition("/")[0]


def _other_source(masked: MaskedEvent) -> bool:
    source = source_bucket(masked)
    return source is not None and source != masked.values.get(Field.BUCKET)
