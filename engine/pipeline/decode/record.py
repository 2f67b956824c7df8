"""What a CloudTrail record is, and the JSON it is read from."""

from __future__ import annotations

import json
import math
from gc import get_referents
from typing import TYPE_CHECKING, Any, Final, TypeGuard

if TYPE_CHECKING:
    from engine.model import DecodeError, Event
    from engine.pipeline.decode.location import PayloadPath

DEEPEST: Final = 100
"""How deep a record may be nested. DynamoDB items, the deepest that AWS logs, reach about 70."""

TOO_DEEP: Final = f"is nested deeper than {DEEPEST} levels"

OWN_NAMES: Final = (
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "eventID",
    "eventType",
    "eventCategory",
    "recipientAccountId",
    "requestParameters",
)
"""Fields by which a record is known.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

_OWN_NAMES: Final = frozenset(OWN_NAMES)
_ENOUGH: Final = 3
_CONTAINERS: Final = frozenset({dict, list})
_FLOAT: Final = frozenset({float})


def is_record(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is shaped like a CloudTrail record, of any category and age.

    Insight events have no `eventName`, old and hand-made records lack others, so any three of CloudTrail's names will do, or the
    two that say what happened.
    """
    if not isinstance(value, dict) or from_a_service(value):
        return False
    return ("eventName" in value and "eventSource" in value) or len(_OWN_NAMES & value.keys()) >= _ENOUGH


def from_a_service(value: dict[str, Any]) -> bool:
    """Whether a value is an item of a service's event: its source is `aws:sqs` or the like, a record's is a host name."""
    source = value.get("eventSource")
    return isinstance(source, str) and source.startswith("aws:")


def event(record: dict[str, Any], location: PayloadPath) -> Event | DecodeError:
    """The event of a record, with numbers that are not finite made text, so that later JSON stays JSON."""
    level: list[Any] = [record]
    everything: list[Any] = []
    for _ in range(DEEPEST):
        # The members of all objects and lists of a level in one call; text and numbers have none.
        level = get_referents(*level)
        if not level:
            break
        everything += level
    if not _CONTAINERS.isdisjoint(map(type, level)):
        return location.unreadable(TOO_DEEP)
    finite = _FLOAT.isdisjoint(map(type, everything)) or all(math.isfinite(value) for value in everything if type(value) is float)
    return location.event(record if finite else _plain(record))


def _finite(text: str) -> float | str:
    """A number, or its text where it is too large for one (`1e999`)."""
    number = float(text)
    return number if math.isfinite(number) else text


READER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=str)
"""Python's JSON, but `NaN`, `Infinity` and numbers that overflow are kept as text. Of a doubled key, the last one counts."""


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = READER.decode(json.dumps(record))
    return plain
