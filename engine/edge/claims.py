"""Deliveries shared between invocations, in a DynamoDB table: what was delivered once is not delivered again.

Of a delivery an item is `{id, state: open or delivered, until, expires}`; of a day, what was muted, in counts by `policy/id`;
of a log file, `{id, done, expires}`: how many of its records are done; and one item of when the last event of each bucket came.
Times are in seconds since 1970; `expires` is the table's time to live.
A table that does not answer grants every claim, and is not called for a while: a message twice is better than none.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from engine.edge.circuit_breaker import CircuitBreaker, is_unanswered
from engine.edge.secrets import quick_client
from engine.model import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.model import LogFilePlace

KEPT_SECONDS: Final = 14 * 86_400
"""For how long a delivery is remembered: as long as SQS keeps a message at most.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

_COUNTS_PER_UPDATE: Final = 50
"""An expression has at most 4 kB."""

_LAST_EVENTS: Final = "last-events"
_BUCKET: Final = "bucket:"
_EVENTS_KEPT_SECONDS: Final = 400 * 86_400
_NOTED_SECONDS: Final = 300

_WRITES_PER_BATCH: Final = 25
"""Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

_FREE: Final = "attribute_not_exists(id) OR (#state = :open AND #until < :now)"
_NAMES: Final = {"#state": "state", "#until": "until"}


class DeliveryTable:
    """Claims in a table. `now` counts seconds since 1970."""

    def __init__(self, table: str, client: Callable[[str], Any] = quick_client, now: Callable[[], float] = time.time) -> None:
        self._table = table
        self._client = client
        self._now = now
        self._made: Any = None
        self._breaker = CircuitBreaker(now)
        self._noted: dict[str, int] = {}

    def claim(self, key: str, seconds: float) -> Claim:
        """Claim a delivery for so many seconds. Never raises."""
        now = int(self._now())
        until, expires = str(now + int(seconds)), str(now + KEPT_SECONDS)
        item = {"id": {"S": key}, "state": {"S": "open"}, "until": {"N": until}, "expires": {"N": expires}}
        response = self._call(
            "put_item",
            TableName=self._table,
            Item=item,
            ConditionExpression=_FREE,
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues={":open": {"S": "open"}, ":now": {"N": str(now)}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        if response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            return Claim.GRANTED
        return Claim.DELIVERED if response.get("Item", {}).get("state", {}).get("S") == "delivered" else Claim.HELD

    def settle(self, keys: Sequence[str], *, delivered: bool) -> None:
        """Keep deliveries for good, or release the claims. Never raises: an open claim expires by itself."""
        expires = str(int(self._now()) + KEPT_SECONDS)
        for start in range(0, len(keys), _WRITES_PER_BATCH):
            some = keys[start : start + _WRITES_PER_BATCH]
            writes = [_kept(key, expires) if delivered else {"DeleteRequest": {"Key": {"id": {"S": key}}}} for key in some]
            left = self._call("batch_write_item", RequestItems={self._table: writes}).get("UnprocessedItems")
            if left:
                self._call("batch_write_item", RequestItems=left)

    def remember(self, day: str, counts: Mapping[str, int]) -> None:
        """Add to what was muted and silenced on a day, by `policy/id`. Never raises: the audit records have it too."""
        items = list(counts.items())
        for start in range(0, len(items), _COUNTS_PER_UPDATE):
            some = list(enumerate(items[start : start + _COUNTS_PER_UPDATE]))
            added = ", ".join(f"#n{number} :n{number}" for number, _ in some)
            values = {f":n{number}": {"N": str(count)} for number, (_, count) in some}
            self._call(
                "update_item",
                TableName=self._table,
                Key={"id": {"S": _day(day)}},
                UpdateExpression=f"SET #expires = :expires ADD {added}",
                ExpressionAttributeNames={"#expires": "expires", **{f"#n{number}": name for number, (name, _) in some}},
                ExpressionAttributeValues={**values, ":expires": {"N": str(int(self._now()) + KEPT_SECONDS)}},
            )

    def muted(self, day: str) -> Mapping[str, int]:
        """What was muted and silenced on a day, by `policy/id`. Raises botocore's errors."""
        item = self._dynamodb().get_item(TableName=self._table, Key={"id": {"S": _day(day)}}).get("Item", {})
        return {name: int(value["N"]) for name, value in item.items() if "/" in name}

    def records_done(self, file: str) -> int:
        """How many records of a log file are done; 0 where the table has nothing of it, or does not answer."""
        answer = self._call("get_item", TableName=self._table, Key={"id": {"S": _file(file)}}, ConsistentRead=True)
        number = answer.get("Item", {}).get("done", {}).get("N", "0")
        return int(number)

    def note_done(self, place: LogFilePlace) -> None:
        """Keep how far a log file was read; never less far than before. Never raises."""
        self._call(
            "update_item",
            TableName=self._table,
            Key={"id": {"S": _file(place.file)}},
            UpdateExpression="SET done = :done, expires = :expires",
            ConditionExpression="attribute_not_exists(done) OR done < :done",
            ExpressionAttributeValues={
                ":done": {"N": str(place.number)},
                ":expires": {"N": str(int(self._now()) + KEPT_SECONDS)},
            },
        )

    def note_events(self, buckets: Iterable[str]) -> None:
        """Keep that an event of these buckets came just now; each at most every five minutes. Never raises."""
        now = int(self._now())
        names = [name for name in sorted(buckets) if now - self._noted.get(name, 0) >= _NOTED_SECONDS]
        self._noted.update(dict.fromkeys(names, now))
        for start in range(0, len(names), _COUNTS_PER_UPDATE):
            some = dict(enumerate(names[start : start + _COUNTS_PER_UPDATE]))
            self._call(
                "update_item",
                TableName=self._table,
                Key={"id": {"S": _LAST_EVENTS}},
                UpdateExpression=f"SET #expires = :expires, {', '.join(f'#n{number} = :now' for number in some)}",
                ExpressionAttributeNames={
                    "#expires": "expires",
                    **{f"#n{number}": f"{_BUCKET}{bucket}" for number, bucket in some.items()},
                },
                ExpressionAttributeValues={":now": {"N": str(now)}, ":expires": {"N": str(now + _EVENTS_KEPT_SECONDS)}},
            )

    def last_events(self) -> tuple[dict[str, int], str]:
        """When the last event of each bucket came that is noted, in seconds since 1970, and why that could not be read.

        Never raises; the reason is empty where it was read.
        """
        answer = self._call("get_item", TableName=self._table, Key={"id": {"S": _LAST_EVENTS}})
        if "Error" in answer or not answer:
            return {}, str(answer.get("Error", {}).get("Code", "it does not answer"))
        item = answer.get("Item", {})
        return {name.removeprefix(_BUCKET): int(value["N"]) for name, value in item.items() if name.startswith(_BUCKET)}, ""

    def _call(self, call: str, **how: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's own arguments
        """The table's response, errors included; empty where it does not answer, and while it is not called for that reason."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        if self._breaker.error(self._table) is not None:
            return {}
        try:
            return dict(getattr(self._dynamodb(), call)(**how) or {})
        except (BotoCoreError, ClientError) as error:
            if is_unanswered(error):
                self._breaker.trip(self._table, type(error).__name__)
            return dict(error.response) if isinstance(error, ClientError) else {}

    def _dynamodb(self) -> Any:  # noqa: ANN401  boto3 clients have no types
        if self._made is None:
            self._made = self._client("dynamodb")
        return self._made


def _kept(key: str, expires: str) -> dict[str, Any]:
    """The write that marks a delivery as delivered."""
    item = {"id": {"S": key}, "state": {"S": "delivered"}, "until": {"N": "0"}, "expires": {"N": expires}}
    return {"PutRequest": {"Item": item}}


def _file(file: str) -> str:
    """The id of how far a log file was read."""
    return f"file:{file}"


def _day(day: str) -> str:
    """The id of a day's counts, which no delivery has: there `#` follows an event."""
    return f"muted:{day}"
