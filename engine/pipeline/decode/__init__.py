"""From a Lambda's payload or a file to events: every way that CloudTrail's records arrive, unwrapped down to the records.

A record that cannot be read is a value among its neighbours. Read the modules in this order: `envelopes` (the kinds of payload),
`logfile` (files in S3), `values` (JSON values out of a text of any size), `inflate` (bytes to text), `record`, `location`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from engine.model import DecodeError, PassedOver
from engine.pipeline.decode.envelopes import item_id, unwrap, unwrap_text
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.location import Decoded, Fetch, PayloadPath, no_fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EMPTY: Final = "holds no record"

MAX_ERRORS: Final = 100
"""How many errors are given for a batch item or a file; of those after them, only the number."""

__all__ = ["MAX_ERRORS", "Decoded", "Fetch", "decode", "decode_stream", "further_errors"]


def decode(payload: object, fetch: Fetch) -> Iterator[Decoded]:
    """Everything in a Lambda payload, in order: events, what is passed over, and what could not be read.

    Never raises for anything that JSON can hold. `fetch(bucket, key)` gives a log file's bytes as stored, which are read once and
    closed; it raises `FetchError` and nothing else, reading its stream `FetchError` or `OSError`.

    An event's `item` is the id of the batch item it came in: SQS's `messageId`, Kinesis' `sequenceNumber`, Firehose's `recordId`.
    A `DecodeError` has `retry` set where nothing of its item could be read (without a batch: nothing of the payload), or a log
    file could not be fetched completely.
    """
    for value, location in _items(payload):
        yield from _of_item(unwrap(value, location, fetch), location)


def decode_stream(stream: BinaryIO, where: str, fetch: Fetch | None = None) -> Iterator[Decoded]:
    """Everything in a file called `where`: a log file, a payload of any kind, or JSON Lines of records or payloads; gzip or not.

    Needs no more memory for a large file than for a small one, and waits for nothing: whether anything else could be read does
    not change the `retry` of a `DecodeError`. Without `fetch`, log files that a payload names are not read.
    """
    location = PayloadPath(root=where)
    yield from _few_errors(unwrap_text(text_of(stream), location, fetch or no_fetch), location)


def further_errors(count: int) -> str:
    """The reason of the error that stands for so many after the first `MAX_ERRORS`."""
    return f"{count:,} more {'record' if count == 1 else 'records'} could not be read"


def _items(payload: object) -> list[tuple[object, PayloadPath]]:
    """The items of a batch with their locations; a payload that is no batch is one item without an id."""
    for name in ("Records", "records"):
        elements = payload.get(name) if isinstance(payload, dict) else None
        if isinstance(elements, list) and elements and all(map(item_id, elements)):
            return [(element, PayloadPath(f"{name}[{index}]", item=item_id(element))) for index, element in enumerate(elements)]
    return [(payload, PayloadPath())]


def _of_item(decoded: Iterable[Decoded], location: PayloadPath) -> Iterator[Decoded]:
    """Everything in a batch item. Its errors have `retry` set if it holds nothing else; they wait until that is known.

    An item that holds nothing at all is passed over, so that everything that comes in is counted.
    """
    waiting: list[DecodeError] = []
    read = False
    for item in _few_errors(decoded, location):
        if isinstance(item, DecodeError) and not read:
            waiting.append(item)
            continue
        if not read:
            yield from waiting
            read = True
        yield item
    if not read:
        yield from (error._replace(retry=True) for error in waiting)
    if not read and not waiting:
        yield PassedOver(location.text, EMPTY, location.item)


def _few_errors(decoded: Iterable[Decoded], location: PayloadPath) -> Iterator[Decoded]:
    """The same with at most `MAX_ERRORS` errors, and one for all further ones."""
    errors, retry = 0, False
    for item in decoded:
        if isinstance(item, DecodeError):
            errors += 1
            if errors > MAX_ERRORS:
                retry = retry or item.retry
                continue
        yield item
    if errors > MAX_ERRORS:
        yield location.unreadable(further_errors(errors - MAX_ERRORS), retry=retry)
