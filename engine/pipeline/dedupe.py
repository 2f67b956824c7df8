"""What identifies an event: AWS delivers at least once, so the same event can come twice, in one batch or in two.

S3 reports one call to the requester's and to the bucket's account: two events with one `sharedEventID`, each with its own
`eventID`.
Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html (eventID)
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Event

_ID_MAX_LENGTH: Final = 128


def fingerprint(event: Event) -> str:
    """The identity of an event: its `eventID`, or the digest of its content where it has no usable one.

    Printable ASCII, at most 128 characters. Two records have the same digest only if they hold the same, in any key order.
    Never raises for anything that JSON can hold.
    """
    event_id = event.record.get("eventID")
    if isinstance(event_id, str) and _is_usable(event_id):
        return event_id
    digest = hashlib.sha256()
    for token in _tokens(event.record):
        digest.update(token.encode("ascii"))
    return f"sha256:{digest.hexdigest()}"


def _is_usable(event_id: str) -> bool:
    short = 0 < len(event_id) <= _ID_MAX_LENGTH
    return short and event_id.isascii() and event_id.isprintable() and not event_id.isspace()


def _tokens(record: object) -> Iterator[str]:
    """A record as text that no other record has: keys are sorted, the size precedes every object and list."""
    waiting: list[Any] = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield f"{{{len(value)}:"
            for key in sorted(value, reverse=True):
                waiting += (value[key], key)
        elif isinstance(value, list):
            yield f"[{len(value)}:"
            waiting += reversed(value)
        else:
            yield f"{json.dumps(value)},"
