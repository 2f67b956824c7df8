"""Delivery: the pipeline's access to the outside world, and what becomes of a message there."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from engine.model.channels import WebhookRef
from engine.model.events import LogFilePlace
from engine.model.messages import Message


class PostFault(StrEnum):
    """How a post can fail without a response."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    PROTOCOL = "protocol"


class HttpResponse(NamedTuple):
    """The response to one post: a status and the start of the body, or a fault. `retry_after` is in seconds."""

    status: int | None = None
    body: str = ""
    retry_after: float | None = None
    fault: PostFault | None = None


class Outcome(StrEnum):
    """What became of one message. `BOOKED`: it is in the outbox, from which it is told, whoever tells it."""

    DELIVERED = "delivered"
    DIGESTED = "digested"
    FALLBACK = "fallback"
    BOOKED = "booked"
    DUPLICATE = "duplicate"
    FAILED = "failed"


class Delivery(NamedTuple):
    """What became of one message on one channel.

    `gone`: Slack says that the channel or its webhook no longer exists, so the fallback is next. `reason` is a short fixed
    phrase, never Slack's body or a URL. `plain`: the plain-text version was sent instead of the blocks.
    """

    message: Message
    outcome: Outcome
    reason: str
    attempts: int
    status: int | None = None
    gone: bool = False
    plain: bool = False


class RecordOutcome(StrEnum):
    """How a record ends; exactly one, the first that applies."""

    UNREADABLE = "unreadable"
    PASSED_OVER = "passed_over"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    PROBED = "probed"
    DELIVERED = "delivered"
    BOOKED = "booked"
    SILENCED = "silenced"
    MUTED = "muted"


class Claim(StrEnum):
    """The answer to a claim to deliver one event to one channel."""

    GRANTED = "granted"
    DELIVERED = "delivered"
    HELD = "held"


class Claims(Protocol):
    """Which invocation delivers what. A key stands for one event on one channel. Neither method ever raises."""

    def claim(self, key: str, seconds: float) -> Claim:
        """Claim a delivery for so many seconds: granted, delivered before, or held by another invocation."""

    def settle(self, keys: Sequence[str], *, delivered: bool) -> None:
        """Close the claims of one message: delivered for good, or released."""


class LogFiles(Protocol):
    """How far log files were read, for all invocations. Neither method ever raises: a file may be read twice."""

    def records_done(self, file: str) -> int:
        """How many records of a file are done; 0 where that is not known."""

    def note_done(self, place: LogFilePlace) -> None:
        """A file is done up to a place, that record included."""


def _in_turn(functions: Sequence[Callable[[], None]]) -> None:
    for function in functions:
        function()


class Ports(NamedTuple):
    """The pipeline's access to the outside world.

    `post(url, body, timeout)` posts JSON bytes, follows no redirect, and never raises.
    `webhook(ref, fresh)` resolves a webhook URL (`fresh`: past every cache); raises `WebhookError`.
    `emit(line)` writes one JSON line to the log, at once.
    `now()` is the aware wall clock, `elapsed()` a monotonic clock in seconds, `sleep(seconds)` waits on it.
    `remaining()` is how many seconds may still be used.
    `claims` knows which notices about policies other invocations post; None: every one posts them.
    `log_files` knows how far log files were read; None: nobody does.
    `side_by_side(functions)` runs functions at the same time and waits for all; by itself it runs one after another.
    """

    post: Callable[[str, bytes, float], HttpResponse]
    webhook: Callable[[WebhookRef, bool], str]
    emit: Callable[[str], None]
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]
    claims: Claims | None = None
    log_files: LogFiles | None = None
    side_by_side: Callable[[Sequence[Callable[[], None]]], None] = _in_turn
