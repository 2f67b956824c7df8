"""What the Lambda returns: which items of a batch must be retried.

Sources: SQS, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html; Kinesis,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html; DynamoDB,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html; Firehose,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

_Item: TypeAlias = dict[str, Any]


def lambda_response(payload: object, failed: frozenset[str]) -> object:
    """The Lambda's return value for a payload whose `failed` items could not be processed; None if the payload is not a batch.

    SQS, Kinesis and DynamoDB get `{"batchItemFailures": [{"itemIdentifier": id}]}`, in the order of the batch. Only ids of the
    batch are named: an unknown one would fail all of it. Lambda resumes a stream at the lowest number named. Firehose gets
    every record back as it came, with `Ok` or `ProcessingFailed`.
    """
    kind, items = _batch(payload)
    if kind == "records":
        return {"records": [_transformed(item, failed) for item in items]}
    if kind == "Records":
        return {"batchItemFailures": [{"itemIdentifier": item_id} for item_id in _to_retry(items, failed)]}
    return None


def supports_partial_failure(payload: object) -> bool:
    """Whether the response can name the items of a payload to retry. If not, an invocation that failed in part must raise."""
    return bool(_batch(payload)[0])


def receive_counts(payload: object) -> dict[str, int | None]:
    """How often SQS has handed out each item of a batch so far, by the item's id; None of other sources, which do not say."""
    return {_id(item): _receive_count(item) for item in _batch(payload)[1]}


def _receive_count(item: _Item) -> int | None:
    attributes = item.get("attributes")
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    return int(count) if isinstance(count, str) and re.fullmatch("[0-9]{1,9}", count) else None


def _batch(payload: object) -> tuple[str, list[_Item]]:
    """The name of a batch's list and its items, all of which have an id; without these, an empty name."""
    for name in ("Records", "records"):
        items = payload.get(name) if isinstance(payload, dict) else None
        if isinstance(items, list) and items and all(isinstance(item, dict) and _id(item) for item in items):
            return name, items
    return "", []


def _id(item: _Item) -> str:
    """The id of a batch item, empty where it has none."""
    kinesis, dynamodb = item.get("kinesis"), item.get("dynamodb")
    ids = (
        item.get("messageId"),
        kinesis.get("sequenceNumber") if isinstance(kinesis, dict) else None,
        dynamodb.get("SequenceNumber") if isinstance(dynamodb, dict) else None,
        item.get("recordId"),
    )
    return next((item_id for item_id in ids if isinstance(item_id, str) and item_id), "")


def _to_retry(items: list[_Item], failed: frozenset[str]) -> list[str]:
    """The ids to retry: those that failed and, in a FIFO queue, what follows them in their group."""
    stopped: set[str] = set()
    ids: dict[str, None] = {}
    for item in items:
        group = _fifo_group(item)
        if _id(item) in failed or group in stopped:
            ids[_id(item)] = None
            stopped |= {group} if group is not None else set()
    return list(ids)


def _fifo_group(item: _Item) -> str | None:
    """The group whose order a FIFO queue keeps; None elsewhere: a standard queue may have groups too, without an order."""
    queue, attributes = item.get("eventSourceARN"), item.get("attributes")
    if not (isinstance(queue, str) and queue.endswith(".fifo")):
        return None
    group = attributes.get("MessageGroupId") if isinstance(attributes, dict) else None
    return group if isinstance(group, str) else ""


def _transformed(item: _Item, failed: frozenset[str]) -> _Item:
    result = "ProcessingFailed" if _id(item) in failed else "Ok"
    return {"recordId": _id(item), "result": result, "data": item.get("data")}
