"""Where in a payload something stands, and what decoding finds there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from engine.errors import FetchError
from engine.model import DecodeError, Event, FetchedFile, PassedOver, Record, repr_only

Decoded: TypeAlias = Event | DecodeError | PassedOver
"""What decoding gives, one for each record."""

Fetch: TypeAlias = Callable[[str, str], FetchedFile]
"""`fetch(bucket, key)` opens a log file in S3.

It raises `FetchError` and nothing else; reading the stream raises `FetchError` or `OSError`.
"""

MAX_LAYERS: Final = 16
"""The most steps that may lead into a payload. S3 in SNS in SQS in Kinesis needs eleven."""


def no_fetch(_bucket: str, _key: str) -> FetchedFile:
    """The `Fetch` of callers that read no log files from S3."""
    raise FetchError("log files in S3 are not read here", passing=False)


@repr_only("path", "root", "item", "layers", "unpacked")
class PayloadPath(NamedTuple):
    """A location in a payload: the path to it, the payload's name (empty: a Lambda's), and the batch item that it lies in.

    Of batches within batches only the outermost has items: only it can be delivered again.

    The path names AWS's own fields and counts; it never holds event data, an object's key or a field's value. `layers` counts its
    steps; `unpacked`: it lies within base64. `log_file` is the address (`s3://bucket/key`) of the log file that it lies in.
    """

    path: str = ""
    root: str = ""
    item: str | None = None
    layers: int = 0
    unpacked: bool = False
    log_file: str | None = None

    @property
    def text(self) -> str:
        """The location as readers see it: `Records[3].body.detail`, `events.jsonl: line 12`."""
        if self.root and self.path:
            return f"{self.root}: {self.path}"
        return self.root or self.path or "payload"

    def at(self, step: str) -> PayloadPath:
        """The location one step further in."""
        return PayloadPath((self.path + step).lstrip(". "), self.root, self.item, self.layers + 1, self.unpacked, self.log_file)

    def event(self, record: Record) -> Event:
        """The event of a record that stands here."""
        return Event(record, self.text, self.item)

    def unreadable(self, reason: str, *, retry: bool = False) -> DecodeError:
        """The error for what stands here. `retry`: the item must be retried, whatever else was read of it."""
        return DecodeError(self.text, reason, self.item, retry=retry, log_file=self.log_file)

    def passed_over(self, reason: str, *, foreign: bool = False) -> PassedOver:
        """What stands here and is not for Trailbell. `foreign`: an event that is not CloudTrail's."""
        return PassedOver(self.text, reason, self.item, foreign)
