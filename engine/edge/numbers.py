"""The highest number of a published policy set that was ever active, in the table of deliveries, which no publisher may write.

The item is `{id: policies:<place>, number, version}` and has no time to live. Source of the conditional update:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from engine.edge.circuit_breaker import CircuitBreaker, is_unanswered
from engine.edge.secrets import quick_client
from engine.errors import OlderSetError, PublishedSetError

if TYPE_CHECKING:
    from collections.abc import Callable

_ITEM: Final = "policies:"


class NumberTable:
    """The highest number of the sets of one place, for all functions that share a table."""

    def __init__(
        self,
        table: str,
        place: str,
        client: Callable[[str], Any] = quick_client,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._place = place
        self._client = client
        self._breaker = CircuitBreaker(elapsed)
        self._made: Any = None

    def raise_to(self, number: int, version: str) -> str | None:
        """Raise the highest number to that of a version; returns the version that had the highest before, None for none.

        Raises `OlderSetError` where the number is lower than the highest, `PublishedSetError` where the table does not answer.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        away = self._breaker.error("AWS")
        if away is not None:
            raise PublishedSetError(f"the highest number seen cannot be compared ({away})", passing=True)
        try:
            answer = self._dynamodb().update_item(
                TableName=self._table,
                Key={"id": {"S": f"{_ITEM}{self._place}"}},
                UpdateExpression="SET #number = :number, #version = :version",
                ConditionExpression="attribute_not_exists(#number) OR #number <= :number",
                ExpressionAttributeNames={"#number": "number", "#version": "version"},
                ExpressionAttributeValues={":number": {"N": str(number)}, ":version": {"S": version}},
                ReturnValues="ALL_OLD",
            )
            before = answer.get("Attributes", {}).get("version", {}).get("S")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "error")
            if code == "ConditionalCheckFailedException":
                raise OlderSetError from None
            self._note(error)
            raise PublishedSetError(f"the highest number seen cannot be compared ({code})", passing=True) from None
        except (BotoCoreError, OSError) as error:
            self._note(error)
            what = f"the highest number seen cannot be compared ({type(error).__name__})"
            raise PublishedSetError(what, passing=True) from None
        return before if isinstance(before, str) else None

    def _note(self, error: Exception) -> None:
        if is_unanswered(error):
            self._breaker.trip("AWS", type(error).__name__)

    def _dynamodb(self) -> Any:  # noqa: ANN401  boto3 clients have no types
        if self._made is None:
            self._made = self._client("dynamodb")
        return self._made
