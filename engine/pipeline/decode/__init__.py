"""From what Lambda or a file holds to events: every way CloudTrail's records arrive, opened down to the records.

A record that cannot be read is a value among its neighbours. To be read in this order: `carriers` (the kinds of payload),
`logfile` (files in S3), `scan` and `text` (JSON out of a text of any size), `inflate` (bytes to text), `record`, `place`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from engine.model import DecodeError, Event, PassedOver
from engine.pipeline.decode.carriers import DETAIL, item_of, opened, sole_record, texts
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.place import Fetch, Found, Place, no_fetch
from engine.pipeline.decode.record import event

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY: Final = "holds no record"

__all__ = ["Fetch", "Found", "decode", "decode_stream"]


def decode(payload: object, fetch: Fetch) -> Iterator[Found]:
    """Everything in a Lambda payload, in order: events, what is passed over, and what could not be read.

    Never raises for anything that JSON can hold. `fetch(bucket, key)` gives a log file's bytes as stored, which are read once and
    closed; it raises `FetchError` and nothing else, reading what it gives `FetchError` or `OSError`.

    An event's `item` is the id of the batch item it came in: SQS's `messageId`, Kinesis' `sequenceNumber`, Firehose's `recordId`.
    A `DecodeError` is `whole` where nothing of its item could be read (without a batch: nothing of the payload), or a log file
    could not be fetched to its end.
    """
    record = sole_record(payload)
    if record is not None:
        found = event(record, DETAIL)
        yield found if isinstance(found, Event) else found._replace(whole=True)
        return
    for value, place in _items(payload):
        yield from _judged(opened(value, place, fetch), place)


def decode_stream(stream: BinaryIO, where: str, fetch: Fetch | None = None) -> Iterator[Found]:
    """Everything in a file called `where`: a log file, a payload of any kind, or JSON Lines of records or payloads; gzip or not.

    Needs no more memory for a large file than for a small one, and waits for nothing: no `DecodeError` is `whole` for what else
    could be read. Without `fetch`, log files that a payload names are not read.
    """
    yield from texts(text_of(stream), Place(root=where), fetch or no_fetch)


def _items(payload: object) -> list[tuple[object, Place]]:
    """The items of a batch, each with its place; a payload that is no batch is one item without an id."""
    for name in ("Records", "records"):
        elements = payload.get(name) if isinstance(payload, dict) else None
        if isinstance(elements, list) and elements and all(map(item_of, elements)):
            return [(one, Place(f"{name}[{index}]", item=item_of(one))) for index, one in enumerate(elements)]
    return [(payload, Place())]


def _judged(found: Iterator[Found], place: Place) -> Iterator[Found]:
    """The same, with errors that are `whole` where nothing else was found. They wait until that is known.

    Where nothing at all is found, that is told: what comes in is counted, whatever it holds.
    """
    waiting: list[DecodeError] = []
    read = False
    for one in found:
        if isinstance(one, DecodeError) and not read:
            waiting.append(one)
            continue
        if not read:
            yield from waiting
            read = True
        yield one
    if not read:
        yield from (error._replace(whole=True) for error in waiting)
    if not read and not waiting:
        yield PassedOver(place.where, EMPTY, place.item)
