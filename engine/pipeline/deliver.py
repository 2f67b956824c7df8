"""Messages to Slack: each posted within its webhook's rate and the time left, each with exactly one delivery.

What an answer means: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (handling errors), and
https://docs.slack.dev/apis/web-api/rate-limits (one message a second for each webhook, short bursts more, Retry-After).
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.errors import WebhookError
from engine.model import Delivery, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.model import Channel, HttpResponse, Message, Ports, WebhookRef

INTERVAL: Final = 1.0
"""Seconds between two messages to one webhook."""

BURST: Final = 4
"""So many messages may follow each other at once."""

POSTING: Final = 0.5
"""Seconds that a post is expected to take, for how many there is time: they go one after another, to whichever webhook."""

SPENT: Final = 0.8
"""The part of the time left that messages are made for; the rest is for those that have to be sent again."""

TIMEOUT: Final = 8.0
"""Seconds that one post may take at most."""

LEAST_TIME: Final = 0.5
"""Seconds that must be left for a post to be begun."""

MOST_TRIES: Final = 4
"""Posts of one message, where Slack or the way to it is out of order."""

MOST_PAUSES: Final = 5
"""Pauses that one webhook may ask for before it is left alone."""

FIRST_DELAY: Final = 0.5

GONE_FOR: Final = 300.0
"""Seconds for which a webhook that Slack says is gone, or whose token it refuses, is believed to stay so."""

_GONE_BODIES: Final = frozenset(
    {"no_service", "no_service_id", "no_team", "team_disabled", "channel_not_found", "channel_is_archived", "user_not_found"}
)
_REFUSED_BODIES: Final = frozenset({"invalid_blocks", "invalid_payload", "no_text", "invalid_attachments"})

_OK: Final = 200
_REFUSED: Final = 400
_FORBIDDEN: Final = 403
_GONE: Final = frozenset({404, 410})
_TOO_MANY: Final = 429
_BROKEN: Final = 500

NO_TIME: Final = "no time left"


def lasting(answer: HttpResponse) -> float:
    """Seconds for which Slack would answer the same to any message: its webhook is gone, or it asked for a pause."""
    if answer.status == _TOO_MANY:
        return answer.retry_after or 0.0
    gone = answer.status in _GONE or answer.status == _FORBIDDEN or answer.body.strip() in _GONE_BODIES
    return GONE_FOR if gone and answer.status != _OK else 0.0


@dataclass(slots=True)
class _Line:
    """The way to one webhook: when the next post may go, and whether there is no use in trying any more."""

    due: float = 0.0
    pauses: int = 0
    closed: str | None = None
    gone: bool = False

    def ready(self) -> float:
        """When the next post may go, as the port `elapsed` counts."""
        return self.due - (BURST - 1) * INTERVAL

    def posted(self, now: float) -> None:
        self.due = max(self.due, now) + INTERVAL

    def pause(self, until: float) -> None:
        """Nothing goes before `until`, and no burst after it."""
        self.due = max(self.due, until + (BURST - 1) * INTERVAL)

    def close(self, reason: str, *, gone: bool = False) -> None:
        self.closed, self.gone = reason, gone


@dataclass(slots=True)
class _Queue:
    """A channel's messages in their order; `url` is a secret, None until it is read. The head may have been tried before."""

    channel: Channel
    messages: deque[Message]
    line: _Line
    url: str | None = field(repr=False)
    renewed: bool = False
    tries: int = 0
    plain: Message | None = None
    waits: float = 0.0

    def ready(self) -> float:
        return max(self.waits, self.line.ready())

    def turn(self) -> tuple[float, bool]:
        """The lowest goes first: what needs no way any more, then what is ready longest, and of these what needs nothing read."""
        return (-1.0 if self.line.closed else self.ready(), self.url is None)


class WebhookSender:
    """Delivers for one invocation; what it learns of a webhook (its pace, that it is gone) holds for all of its calls."""

    def __init__(self, channels: Mapping[str, Channel], plain: Callable[[Message], Message], ports: Ports) -> None:
        self._channels = channels
        self._plain = plain
        self._ports = ports
        self._lines: dict[str, _Line] = {}
        self._ways: dict[WebhookRef, tuple[str, _Line]] = {}
        """What each reference came to, also that it could not be read."""
        self.share = 1.0
        """The part of the time left that `room` gives out: less than all while a batch is not read to its end."""
        self._reading = LEAST_TIME
        """Seconds that the slowest of the secrets took to be read: where no more are left, none is begun."""

    def deliver(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        """One delivery for each message: in order within a channel, the channels side by side. Never raises for Slack's sake.

        Of what may go, what has waited longest goes first; the channels of one webhook take turns.
        """
        queues = self._queues(messages)
        while queues:
            queue = min(queues, key=_Queue.turn)
            queues.remove(queue)
            delivery = self._step(queue)
            if delivery is not None:
                queue.messages.popleft()
                queue.tries, queue.plain, queue.waits = 0, None, 0.0
                yield delivery
            if queue.messages:
                queues.append(queue)

    def room(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """How many of the messages that it wants each channel can be sent in the time left.

        The channels of one webhook share Slack's rate, and all channels the time that posts take. For more messages than one
        webhook takes secrets are read, to know which channels share one.
        """
        seconds = max(0.0, self._ports.remaining()) * SPENT * self.share
        read = sum(wanted.values()) > BURST + int(seconds / INTERVAL)
        lines: dict[str | WebhookRef, dict[str, int]] = {}
        for name, count in wanted.items():
            lines.setdefault(self._address(self._channels[name].webhook, read=read), {})[name] = count
        paced: dict[str, int] = {}
        now = self._ports.elapsed()
        for address, of_line in lines.items():
            line = self._lines.get(address) if isinstance(address, str) else None
            spent = 0.0 if line is None else max(0.0, line.due - now)
            paced |= _shared(of_line, max(0, BURST + int((seconds - spent) / INTERVAL)))
        return _shared(paced, int(seconds / POSTING))

    # --- the queues ------------------------------------------------------------------------------------------------------

    def _queues(self, messages: Iterable[Message]) -> list[_Queue]:
        by_channel: dict[str, deque[Message]] = {}
        for message in messages:
            by_channel.setdefault(message.channel, deque()).append(message)
        return [self._queue(self._channels[name], waiting) for name, waiting in by_channel.items()]

    def _queue(self, channel: Channel, waiting: deque[Message]) -> _Queue:
        """A queue. A secret is read at its first turn, after the first posts to those that need none."""
        if channel.webhook.env is not None or channel.webhook in self._ways:
            url, line = self._way(channel.webhook)
            return _Queue(channel, waiting, line, url)
        return _Queue(channel, waiting, _Line(), None, waits=self._ports.elapsed())

    def _address(self, ref: WebhookRef, *, read: bool) -> str | WebhookRef:
        """What two channels of one webhook have in common, as far as it is known, or can be read in time."""
        known = ref.env is not None or ref in self._ways
        if known or (read and self._ports.remaining() >= self._reading):
            return self._way(ref)[0] or ref
        return ref

    def _way(self, ref: WebhookRef) -> tuple[str, _Line]:
        """The URL that a reference stands for, and the line to it; each is read once."""
        if ref not in self._ways:
            self._ways[ref] = self._resolved(ref, fresh=False)
        return self._ways[ref]

    def _resolved(self, ref: WebhookRef, *, fresh: bool) -> tuple[str, _Line]:
        began = self._ports.elapsed()
        try:
            url = self._ports.webhook(ref, fresh)
        except WebhookError as error:
            return "", _Line(closed=str(error), gone=not error.passing)
        finally:
            self._reading = max(self._reading, self._ports.elapsed() - began)
        return url, self._lines.setdefault(url, _Line())

    def _read(self, queue: _Queue) -> Delivery | None:
        """Learn a queue's webhook, where there is time to."""
        ref = queue.channel.webhook
        if ref not in self._ways and self._ports.remaining() < self._reading:
            return self._ended(queue, Outcome.FAILED, NO_TIME)
        queue.url, queue.line = self._way(ref)
        return None

    # --- one step of one queue ------------------------------------------------------------------------------------------------

    def _step(self, queue: _Queue) -> Delivery | None:
        """What became of the first message, None where it has to be tried again."""
        if queue.line.closed is not None:
            return self._ended(queue, Outcome.FAILED, queue.line.closed, gone=queue.line.gone)
        if queue.url is None:
            return self._read(queue)
        wait = max(0.0, queue.ready() - self._ports.elapsed())
        if self._ports.remaining() - wait < LEAST_TIME:
            return self._ended(queue, Outcome.FAILED, NO_TIME)
        if wait:
            self._ports.sleep(wait)
        return self._judged(queue, self._posted(queue, queue.url))

    def _posted(self, queue: _Queue, url: str) -> HttpResponse:
        message = queue.plain or queue.messages[0]
        queue.tries += 1
        queue.line.posted(self._ports.elapsed())
        return self._ports.post(url, message.body, min(TIMEOUT, self._ports.remaining()))

    def _ended(self, queue: _Queue, outcome: Outcome, reason: str, status: int | None = None, *, gone: bool = False) -> Delivery:
        message = queue.messages[0]
        return Delivery(message, outcome, reason, queue.tries, status, gone=gone, plain=queue.plain is not None)

    # --- what an answer means ---------------------------------------------------------------------------------------------------

    def _judged(self, queue: _Queue, answer: HttpResponse) -> Delivery | None:
        status, body = answer.status, answer.body.strip()
        if status is None:
            return self._again(queue, f"no answer ({answer.fault.value if answer.fault else 'unknown'})", None)
        if status == _OK:
            return self._taken(queue, body)
        if status == _TOO_MANY:
            return self._paused(queue, answer)
        if status >= _BROKEN:
            return self._again(queue, "Slack is out of order", status)
        return self._declined(queue, status, body)

    def _declined(self, queue: _Queue, status: int, body: str) -> Delivery | None:
        """An answer by which Slack means this message, this token or this channel."""
        if status in _GONE or body in _GONE_BODIES:
            return self._gone(queue, "the webhook or its channel is gone", status)
        if status == _FORBIDDEN:
            return self._gone(queue, "Slack refuses the webhook's token", status)
        return self._refused(queue, status, body)

    def _gone(self, queue: _Queue, reason: str, status: int) -> Delivery | None:
        """There may be a new webhook already: the secret is read anew, once; where it is the same, the channel is gone."""
        if not queue.renewed:
            queue.renewed = True
            url, line = self._resolved(queue.channel.webhook, fresh=True)
            if url and url != queue.url:
                queue.url, queue.line = url, line
                return None
        queue.line.close(reason, gone=True)
        return self._ended(queue, Outcome.FAILED, reason, status, gone=True)

    def _taken(self, queue: _Queue, body: str) -> Delivery:
        if body != "ok":
            return self._ended(queue, Outcome.FAILED, "an answer that is not Slack's ok", _OK)
        outcome = Outcome.DIGESTED if len(queue.messages[0].events) > 1 else Outcome.DELIVERED
        return self._ended(queue, outcome, "ok", _OK)

    def _paused(self, queue: _Queue, answer: HttpResponse) -> Delivery | None:
        """Slack asks for a pause: the whole webhook keeps it, or is left alone where it is longer than there is time."""
        pause = INTERVAL if answer.retry_after is None else max(answer.retry_after, 0.0)
        queue.line.pauses += 1
        if pause + LEAST_TIME > self._ports.remaining() or queue.line.pauses > MOST_PAUSES:
            queue.line.close("Slack asks for a longer pause than there is time")
            return self._ended(queue, Outcome.FAILED, "Slack asks for a longer pause than there is time", _TOO_MANY)
        queue.line.pause(self._ports.elapsed() + pause)
        return None

    def _again(self, queue: _Queue, reason: str, status: int | None) -> Delivery | None:
        """Try again after a delay that doubles, with jitter so that two workers do not meet again."""
        if queue.tries >= MOST_TRIES:
            queue.line.close(reason)
            return self._ended(queue, Outcome.FAILED, reason, status)
        delay = FIRST_DELAY * 2 ** (queue.tries - 1) * random.uniform(0.75, 1.25)  # noqa: S311  no secret hangs on it
        if delay + LEAST_TIME > self._ports.remaining():
            return self._ended(queue, Outcome.FAILED, reason, status)
        queue.waits = self._ports.elapsed() + delay
        return None

    def _refused(self, queue: _Queue, status: int, body: str) -> Delivery | None:
        """Slack does not take the blocks: the plain version, once."""
        if status == _REFUSED and body in _REFUSED_BODIES and queue.plain is None:
            queue.plain = self._plain(queue.messages[0])
            return None
        return self._ended(queue, Outcome.FAILED, "Slack refuses the message", status)


def _shared(wanted: Mapping[str, int], total: int) -> dict[str, int]:
    """A total shared out: each gets what it wants, or an equal part of what those that want less leave."""
    given: dict[str, int] = {}
    for number, name in enumerate(sorted(wanted, key=lambda one: wanted[one])):
        given[name] = min(wanted[name], total // (len(wanted) - number))
        total -= given[name]
    return given
