"""Which events have been seen before: AWS delivers at least once, so the same event comes twice, in one batch or in two.

S3 tells the requester's and the bucket's account of one call, tied by `sharedEventID`: two events, each with its own `eventID`.
Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html (eventID)
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Event

_LONGEST_ID: Final = 128


def fingerprint(event: Event) -> str:
    """What an event is told apart by: its `eventID`, or the digest of its content where it has none that can be used.

    Printable ASCII, at most 128 characters. Two records have the same digest only where they hold the same, in any key order.
    Never raises for anything that JSON can hold.
    """
    name = event.record.get("eventID")
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_ID and name.isascii() and name.isprintable() and not name.isspace():
        return name
    digest = hashlib.sha256()
    for token in _tokens(event.record):
        digest.update(token.encode("ascii"))
    return f"sha256:{digest.hexdigest()}"


def _tokens(record: object) -> Iterator[str]:
    """A record as text that no other record has: keys sorted, every object and list preceded by its size."""
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
