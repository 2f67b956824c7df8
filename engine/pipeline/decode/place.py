"""Where in a payload something stands, and what is found there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, TypeAlias

from engine.model import DecodeError, Event, PassedOver, Record

Found: TypeAlias = Event | DecodeError | PassedOver
"""What decoding gives, one for each record."""

Fetch: TypeAlias = Callable[[str, str], BinaryIO]
"""`fetch(bucket, key)` gives an object's bytes as stored, to be read once.

It and what it gives raise `FetchError` (or, while reading, `OSError`) and nothing else.
"""

MOST_LAYERS: Final = 16
"""How deep one payload may be wrapped into another. SNS in SQS in Kinesis, each with its list and its text, needs ten."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a payload: the steps to it, what the payload is called (empty: a Lambda's), and the batch item it lies in.

    The steps name AWS's own fields and count; they never hold event data, object keys or a field's value.
    """

    steps: str = ""
    root: str = ""
    item: str | None = None
    layers: int = 0

    @property
    def where(self) -> str:
        """The place for a reader: `Records[3].body.detail`, `events.jsonl: line 12`."""
        if self.root and self.steps:
            return f"{self.root}: {self.steps}"
        return self.root or self.steps or "payload"

    def at(self, step: str, item: str | None = None) -> Place:
        """The place one step further in; the outermost batch's item is kept, since that is the one that can come again."""
        steps = (self.steps + step).lstrip(". ")
        return replace(self, steps=steps, item=self.item or item, layers=self.layers + 1)

    def event(self, record: Record) -> Event:
        """An event found here."""
        return Event(record, self.where, self.item)

    def unreadable(self, reason: str, *, again: bool = False) -> DecodeError:
        """What could not be read here. `again`: the item has to come again, whatever else was read of it."""
        return DecodeError(self.where, reason, self.item, whole=again)

    def passed_over(self, reason: str) -> PassedOver:
        """What is here and not for Trailbell."""
        return PassedOver(self.where, reason, self.item)
