"""Where in a payload something stands, and what is found there."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from engine.errors import FetchError
from engine.model import DecodeError, Event, PassedOver, Record

Found: TypeAlias = Event | DecodeError | PassedOver
"""What decoding gives, one for each record."""

Fetch: TypeAlias = Callable[[str, str], BinaryIO]
"""`fetch(bucket, key)` gives an object's bytes as stored, to be read once.

It raises `FetchError` and nothing else; reading what it gives, `FetchError` or `OSError`.
"""


def no_fetch(_bucket: str, _key: str) -> BinaryIO:
    """The `Fetch` of callers that read no log files from S3."""
    raise FetchError("log files in S3 are not read here", passing=False)


MOST_LAYERS: Final = 16
"""How many steps lead into a payload. S3 in SNS in SQS in Kinesis needs eleven."""


class Place(NamedTuple):
    """A place in a payload: the steps to it, what the payload is called (empty: a Lambda's), and the batch item it lies in.

    Of batches within batches only the outermost has items: it alone can be asked for again.

    The steps name AWS's own fields and count; they never hold event data, object keys or a field's value. `layers` counts them;
    `unpacked`: it lies within base64.
    """

    steps: str = ""
    root: str = ""
    item: str | None = None
    layers: int = 0
    unpacked: bool = False

    @property
    def where(self) -> str:
        """The place for a reader: `Records[3].body.detail`, `events.jsonl: line 12`."""
        if self.root and self.steps:
            return f"{self.root}: {self.steps}"
        return self.root or self.steps or "payload"

    def at(self, step: str) -> Place:
        """The place one step further in."""
        return Place((self.steps + step).lstrip(". "), self.root, self.item, self.layers + 1, self.unpacked)

    def event(self, record: Record) -> Event:
        """An event found here."""
        return Event(record, self.where, self.item)

    def unreadable(self, reason: str, *, again: bool = False) -> DecodeError:
        """What could not be read here. `again`: the item has to come again, whatever else was read of it."""
        return DecodeError(self.where, reason, self.item, whole=again)

    def passed_over(self, reason: str) -> PassedOver:
        """What is here and not for Trailbell."""
        return PassedOver(self.where, reason, self.item)
