"""Deliveries told apart across invocations, in a DynamoDB table: what was delivered once is not delivered again.

An item is `{id, state: open or delivered, until, expires}`, times in seconds since 1970; `expires` is the table's time to live.
A table that cannot be asked grants every claim: a message twice is better than none.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from engine.edge.secrets import aws_client
from engine.model import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT: Final = 14 * 86_400
"""Seconds for which a delivery is remembered: as long as SQS keeps a message at most.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

_FREE: Final = "attribute_not_exists(id) OR (#state = :open AND #until < :now)"
_NAMES: Final = {"#state": "state", "#until": "until"}


class DeliveryTable:
    """Claims in a table. `now` counts seconds since 1970."""

    def __init__(self, table: str, client: Callable[[str], Any] = aws_client, now: Callable[[], float] = time.time) -> None:
        self._table = table
        self._client = client
        self._now = now
        self._made: Any = None

    def claim(self, key: str, seconds: float) -> Claim:
        """Claim a delivery for so many seconds. Never raises."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is asked

        now = int(self._now())
        until, expires = str(now + int(seconds)), str(now + KEPT)
        item = {"id": {"S": key}, "state": {"S": "open"}, "until": {"N": until}, "expires": {"N": expires}}
        try:
            self._dynamodb().put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=_FREE,
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues={":open": {"S": "open"}, ":now": {"N": str(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                return Claim.GRANTED
            state = error.response.get("Item", {}).get("state", {}).get("S")
            return Claim.DELIVERED if state == "delivered" else Claim.HELD
        except BotoCoreError:
            return Claim.GRANTED
        return Claim.GRANTED

    def settle(self, key: str, *, delivered: bool) -> None:
        """Keep a delivery for good, or give the claim back. Never raises: an open claim runs out by itself."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        dynamodb = self._dynamodb()
        try:
            if delivered:
                expires = str(int(self._now()) + KEPT)
                item = {"id": {"S": key}, "state": {"S": "delivered"}, "until": {"N": "0"}, "expires": {"N": expires}}
                dynamodb.put_item(TableName=self._table, Item=item)
            else:
                dynamodb.delete_item(TableName=self._table, Key={"id": {"S": key}})
        except (BotoCoreError, ClientError):
            return

    def _dynamodb(self) -> Any:  # noqa: ANN401  boto3 clients have no types
        if self._made is None:
            self._made = self._client("dynamodb")
        return self._made
