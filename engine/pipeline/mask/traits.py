"""What is told of a masked event beside its fields: facts of few values, and numbers by which callers are told apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import Record

_EVERYBODY: Final = "groups/global/AllUsers"
"""The grantee that is everybody: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl"""

_PUBLIC_ACLS: Final = frozenset({"public-read", "public-read-write"})
_NAMES: Final = frozenset({"key", "bucketName", "Host"})
_GRANTING: Final = frozenset({"PutObjectAcl", "PutObject", "CopyObject"})


def names_version(record: Record) -> bool:
    """Whether the request names a version of the object."""
    return bool(_parameters(record).get("versionId"))


def makes_public(record: Record) -> bool:
    """Whether the request grants access to everybody. Its own text alone is read: S3 may have refused it."""
    if record.get("eventName") not in _GRANTING:
        return False
    parameters = _parameters(record)
    acl = parameters.get("x-amz-acl")
    if any(one in _PUBLIC_ACLS for one in (acl if isinstance(acl, list) else [acl]) if isinstance(one, str)):
        return True
    return _EVERYBODY in json.dumps({name: value for name, value in parameters.items() if name not in _NAMES})


def is_foreign(record: Record, account: str | None) -> bool:
    """Whether the caller is of another account than the one whose trail has the record."""
    own = record.get("recipientAccountId")
    return isinstance(own, str) and account is not None and account.isdecimal() and account != own


def caller_ids(parts: Iterable[str | None]) -> tuple[int, ...]:
    """A number for each value, the same for the same value in this process only: Python's hash of text has a random key."""
    return tuple(hash(part) for part in parts)


def _parameters(record: Record) -> dict[str, Any]:
    parameters = record.get("requestParameters")
    return parameters if isinstance(parameters, dict) else {}
