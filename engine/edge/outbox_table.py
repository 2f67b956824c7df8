"""The outbox's table in DynamoDB: conditions become expressions, errors what the outbox understands by them.

boto3 is imported when the table is first called. The client makes one try: `engine.outbox.calls` knows when to make another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.edge.threads import MAKING_A_CLIENT
from engine.outbox.store import (
    Attribute,
    AttributeTest,
    IndexAwayError,
    Item,
    Scalar,
    TableAwayError,
    TableBusyError,
    Write,
    Written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INDEX: Final = "owed"
"""The sparse index: partition key `owed`, sort key `due`, keys only."""

_BUSY: Final = frozenset(
    {
        *("TransactionConflictException", "TransactionInProgressException", "ProvisionedThroughputExceededException"),
        *("ThrottlingException", "RequestLimitExceeded", "ConditionalCheckFailed", "InternalServerError"),
    }
)
_BUSY_REASONS: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_READS_MAX: Final = 100


def single_try_client(service: str) -> Any:  # noqa: ANN401  boto3 clients have no types
    """A boto3 client whose calls take two seconds at most and are made once."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
    with MAKING_A_CLIENT:
        return boto3.client(service, config=config)


class DynamoStore:
    """A table whose key is `id`. Implements `engine.outbox.store.ItemStore`."""

    durable = True

    def __init__(self, table: str, client: Callable[[str], Any] = single_try_client) -> None:
        self._table = table
        self._client = client
        self._made: Any = None

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items as they stand now."""
        items: dict[str, Item] = {}
        keys = [{"id": {"S": name}} for name in ids]
        while keys:
            request = {self._table: {"Keys": keys[:_READS_MAX], "ConsistentRead": True}}
            response = self._call("batch_get_item", RequestItems=request)
            items |= {str(made["id"]): made for made in map(_item, response.get("Responses", {}).get(self._table, []))}
            left = response.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if len(left) == len(keys[:_READS_MAX]):
                raise TableBusyError("nothing was read")
            keys = [*left, *keys[_READS_MAX:]]
        return items

    def write(self, write: Write) -> Written:
        """Apply one write, if its condition holds."""
        from botocore.exceptions import ClientError  # noqa: PLC0415  only where AWS is called

        try:
            response = self._call(
                "update_item",
                TableName=self._table,
                **_update(write),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                raise
            return Written(applied=False, item=_item(error.response.get("Item", {})))
        return Written(applied=True, item=_item(response["Attributes"]))

    def write_all(self, writes: Sequence[Write], token: str) -> list[Item | None]:
        """Apply all writes or none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415  only where AWS is called

        updates = [
            {"Update": {"TableName": self._table, **_update(write), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
            for write in writes
        ]
        try:
            self._call("transact_write_items", TransactItems=updates, ClientRequestToken=token)
        except ClientError as error:
            if error.response["Error"].get("Code") != "TransactionCanceledException":
                raise
            return _refusals(error.response.get("CancellationReasons", []))
        return []

    def owed(self, partition: str, until: int, limit: int) -> list[str]:
        """The ids of the items that are due, those due first ahead."""
        response = self._call(
            "query",
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression="#owed = :owed AND #due <= :until",
            ExpressionAttributeNames={"#owed": "owed", "#due": "due"},
            ExpressionAttributeValues={":owed": {"S": partition}, ":until": {"N": str(until)}},
            Limit=limit,
        )
        return [item["id"]["S"] for item in response.get("Items", [])]

    def _call(self, call: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's own arguments
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # noqa: PLC0415

        if self._made is None:
            self._made = self._client("dynamodb")
        try:
            return dict(getattr(self._made, call)(**arguments) or {})
        except ParamValidationError:
            raise
        except BotoCoreError as error:
            raise TableAwayError(type(error).__name__) from None
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _BUSY:
                raise TableBusyError(code) from None
            if code in {"ConditionalCheckFailedException", "TransactionCanceledException"}:
                raise
            raise (IndexAwayError if call == "query" else TableAwayError)(code) from None


def _refusals(reasons: Sequence[dict[str, Any]]) -> list[Item | None]:
    """For each write the item that refused it, or None. Raises `TableBusyError` where it was a conflict, and nothing refused."""
    codes = {reason.get("Code") for reason in reasons}
    if "ConditionalCheckFailed" in codes:
        return [_item(reason.get("Item", {})) if reason.get("Code") == "ConditionalCheckFailed" else None for reason in reasons]
    if codes & _BUSY_REASONS:
        raise TableBusyError(", ".join(sorted(str(code) for code in codes & _BUSY_REASONS)))
    raise TableAwayError(", ".join(sorted(str(code) for code in codes)))


def _update(write: Write) -> dict[str, Any]:
    """A write as the arguments of an update."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}

    def name(attribute: str) -> str:
        return next((short for short, known in names.items() if known == attribute), None) or _added(
            names, f"#n{len(names)}", attribute
        )

    def value(scalar: Scalar) -> str:
        short = f":v{len(values)}"
        values[short] = _typed(scalar)
        return short

    clauses = []
    if write.put:
        clauses.append("SET " + ", ".join(f"{name(key)} = {value(scalar)}" for key, scalar in write.put.items()))
    if write.add:
        clauses.append("ADD " + ", ".join(f"{name(key)} {value(amount)}" for key, amount in write.add.items()))
    if write.remove:
        clauses.append("REMOVE " + ", ".join(name(key) for key in write.remove))
    update: dict[str, Any] = {"Key": {"id": {"S": write.id}}, "UpdateExpression": " ".join(clauses)}
    if write.when:
        groups = [" AND ".join(_compared(test, name, value) for test in group) for group in write.when]
        update["ConditionExpression"] = " OR ".join(f"({group})" for group in groups)
    update["ExpressionAttributeNames"] = names
    if values:
        update["ExpressionAttributeValues"] = values
    return update


def _added(names: dict[str, str], short: str, attribute: str) -> str:
    names[short] = attribute
    return short


def _compared(test: AttributeTest, name: Callable[[str], str], value: Callable[[Scalar], str]) -> str:
    if test.operator == "absent":
        return f"attribute_not_exists({name(test.name)})"
    other = name(test.value.name) if isinstance(test.value, Attribute) else value(test.value)
    return f"{name(test.name)} {test.operator} {other}"


def _typed(scalar: Scalar) -> dict[str, Any]:
    if isinstance(scalar, bool):
        return {"BOOL": scalar}
    return {"N": str(scalar)} if isinstance(scalar, int) else {"S": scalar}


def _item(attributes: dict[str, dict[str, Any]]) -> Item:
    """An item with Python's values; attributes of other types are left out."""
    item: Item = {}
    for name, typed in attributes.items():
        ((kind, value),) = typed.items()
        if kind == "N":
            item[name] = int(value)
        elif kind in {"S", "BOOL"}:
            item[name] = value
    return item
