"""What a masked event keeps beside its fields: facts of few values, and ids by which callers can be counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import Record

_PUBLIC: Final = re.compile(r"groups/global/(?:AllUsers|AuthenticatedUsers)|(?:public|authenticated)-read(?:-write)?\Z")
"""Grantees that are everybody, or everybody with an account of AWS, and the canned ACLs that name them. S3 calls both public.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html (the meaning of "public")
"""

_GRANTS: Final = re.compile(r"(?:x-amz-)?acl|x-amz-grant-.*|AccessControlPolicy", re.IGNORECASE)
"""Headers, fields of a form, and the body by which a request grants access."""

_GRANTING: Final = frozenset({"CopyObject", "CreateMultipartUpload", "PostObject", "PutObject", "PutObjectAcl"})
_ID_BITS: Final = 2**64 - 1


def names_version(record: Record) -> bool:
    """Whether the request names a version of the object."""
    return bool(_parameters(record).get("versionId"))


def makes_public(record: Record) -> bool:
    """Whether the request grants access to everybody. Its own text alone is read: S3 may have refused it."""
    if record.get("eventName") not in _GRANTING:
        return False
    waiting = [value for name, value in _parameters(record).items() if _GRANTS.fullmatch(name)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and _PUBLIC.search(value):
            return True
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return False


def is_foreign(record: Record, account: str | None) -> bool:
    """Whether the caller is of another account than the one whose trail has the record."""
    own = record.get("recipientAccountId")
    return isinstance(own, str) and account is not None and account.isdecimal() and account != own


def caller_ids(parts: Iterable[str | None]) -> tuple[str, ...]:
    """An id for each value, the same for the same value in this process only: Python's hash of text has a random key."""
    return tuple("" if part is None else f"{hash(part) & _ID_BITS:x}" for part in parts)


def _parameters(record: Record) -> dict[str, Any]:
    parameters = record.get("requestParameters")
    return parameters if isinstance(parameters, dict) else {}
