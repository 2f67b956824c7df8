"""Messages to Slack: each posted within its webhook's rate and the time left, each with exactly one delivery.

Source: https://docs.slack.dev/apis/web-api/rate-limits (one message a second for each webhook, short bursts more, Retry-After).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from engine.errors import WebhookError
from engine.model import Delivery, Outcome
from engine.pipeline.answers import Meaning, answer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.model import Channel, HttpResponse, Message, Ports, WebhookRef

POST_INTERVAL_SECONDS: Final = 1.0
"""Between two messages to one webhook."""

BURST_POSTS: Final = 4
"""So many messages may follow each other at once."""

EXPECTED_POST_SECONDS: Final = 0.5
"""What a post is expected to take, to know for how many there is time: they go one after another, to whichever webhook."""

SEND_BUDGET_RATIO: Final = 0.8
"""The part of the time left that messages are made for; the rest is for those that have to be sent again."""

POST_TIMEOUT_SECONDS: Final = 8.0

POST_MIN_SECONDS: Final = 0.5
"""What must be left for a post to be started."""

MAX_TRIES: Final = 4
"""Posts of one message, where Slack or the way to it is out of order."""

MAX_PAUSES: Final = 5
"""Pauses that one webhook may ask for before nothing more is sent to it."""

FIRST_RETRY_SECONDS: Final = 0.5

_NO_TIME: Final = "no time left"
_LONG_PAUSE: Final = "Slack asks for a longer pause than there is time"


class RateLimiter:
    """Paces the posts to one webhook.

    `stopped_reason`: why nothing more is sent to it (None: posting is allowed). `gone`: Slack says that the webhook no longer
    exists.
    """

    __slots__ = ("full_burst_at", "gone", "pauses", "stopped_reason")

    def __init__(self, stopped_reason: str | None = None, *, gone: bool = False) -> None:
        self.full_burst_at = 0.0
        """From when on a full burst may start: the theoretical arrival time of the GCRA rate-limiting algorithm."""
        self.pauses = 0
        self.stopped_reason = stopped_reason
        self.gone = gone

    def ready(self) -> float:
        """When the next post may start, in seconds of the port `elapsed`."""
        return self.full_burst_at - (BURST_POSTS - 1) * POST_INTERVAL_SECONDS

    def posted(self, now: float) -> None:
        """Count a post."""
        self.full_burst_at = max(self.full_burst_at, now) + POST_INTERVAL_SECONDS

    def pause(self, until: float) -> None:
        """No post starts before `until`, and no burst follows it."""
        self.full_burst_at = max(self.full_burst_at, until + (BURST_POSTS - 1) * POST_INTERVAL_SECONDS)

    def stop(self, reason: str, *, gone: bool = False) -> None:
        """Send nothing more to this webhook."""
        self.stopped_reason, self.gone = reason, gone


class _ChannelQueue:
    """A channel's messages in their order; `url` is a secret, None until it is read. The first message may have been tried."""

    __slots__ = ("channel", "limiter", "messages", "not_before", "plain", "renewed", "tries", "url")

    def __init__(self, channel: Channel, messages: deque[Message], limiter: RateLimiter, url: str | None) -> None:
        self.channel = channel
        self.messages = messages
        self.limiter = limiter
        self.url = url
        self.renewed = False
        """Whether the secret was read again after Slack said that the webhook is gone."""
        self.tries = 0
        self.plain: Message | None = None
        """The first message without blocks, where Slack refused them."""
        self.not_before = 0.0

    def ready(self) -> float:
        return max(self.not_before, self.limiter.ready())

    def turn(self) -> tuple[float, bool]:
        """The lowest goes first: stopped queues, then the one ready longest, and of these the one whose webhook is known."""
        return (-1.0 if self.limiter.stopped_reason else self.ready(), self.url is None)

    def next(self) -> None:
        """Take the first message away."""
        self.messages.popleft()
        self.tries, self.plain, self.not_before = 0, None, 0.0


class WebhookSender:
    """Delivers the messages of one invocation. Rate limits and dead webhooks are remembered between calls."""

    def __init__(self, channels: Mapping[str, Channel], plain: Callable[[Message], Message], ports: Ports) -> None:
        self._channels = channels
        self._plain = plain
        self._ports = ports
        self._limiters: dict[str, RateLimiter] = {}
        """By URL."""
        self._resolved: dict[WebhookRef, tuple[str, RateLimiter]] = {}
        """The URL that each reference stands for; empty, with a stopped limiter, where it could not be read."""
        self.time_share = 1.0
        """The fraction of the remaining time that `room` may plan for; below 1 until the whole batch has been read."""
        self._secret_seconds = POST_MIN_SECONDS
        """What the slowest secret took to be read: where less is left, none is read."""

    def deliver(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        """One delivery for each message: in order within a channel, the channels interleaved.

        Slack errors are returned, never raised. The channel that is ready longest goes first; those of one webhook take turns.
        """
        queues = self._queues(messages)
        while queues:
            queue = min(queues, key=_ChannelQueue.turn)
            queues.remove(queue)
            delivery = self._step(queue)
            if delivery is not None:
                queue.next()
                yield delivery
            if queue.messages:
                queues.append(queue)

    def room(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """How many of its `wanted` messages each channel can send in the time left.

        The channels of one webhook share Slack's rate, and all channels the time that posts take. Where there are more messages
        than one webhook takes, secrets are read to learn which channels share one.
        """
        seconds = max(0.0, self._ports.remaining()) * SEND_BUDGET_RATIO * self.time_share
        read = sum(wanted.values()) > BURST_POSTS + int(seconds / POST_INTERVAL_SECONDS)
        by_webhook: dict[str | WebhookRef, dict[str, int]] = {}
        for name, count in wanted.items():
            by_webhook.setdefault(self._identity(self._channels[name].webhook, read=read), {})[name] = count
        paced: dict[str, int] = {}
        now = self._ports.elapsed()
        for webhook, counts in by_webhook.items():
            limiter = self._limiters.get(webhook) if isinstance(webhook, str) else None
            used = 0.0 if limiter is None else max(0.0, limiter.full_burst_at - now)
            paced |= _shared(counts, max(0, BURST_POSTS + int((seconds - used) / POST_INTERVAL_SECONDS)))
        return _shared(paced, int(seconds / EXPECTED_POST_SECONDS))

    # --- queues and webhooks ------------------------------------------------------------------------------------------------

    def _queues(self, messages: Iterable[Message]) -> list[_ChannelQueue]:
        by_channel: dict[str, deque[Message]] = {}
        for message in messages:
            by_channel.setdefault(message.channel, deque()).append(message)
        return [self._queue(self._channels[name], waiting) for name, waiting in by_channel.items()]

    def _queue(self, channel: Channel, waiting: deque[Message]) -> _ChannelQueue:
        """A queue. A secret is read at its first turn, after the first posts to webhooks that need none."""
        if channel.webhook.env is not None or channel.webhook in self._resolved:
            url, limiter = self._webhook(channel.webhook)
            return _ChannelQueue(channel, waiting, limiter, url)
        queue = _ChannelQueue(channel, waiting, RateLimiter(), None)
        queue.not_before = self._ports.elapsed()
        return queue

    def _identity(self, ref: WebhookRef, *, read: bool) -> str | WebhookRef:
        """What two channels of one webhook have in common, as far as it is known or, with `read`, can be read in time."""
        known = ref.env is not None or ref in self._resolved
        if known or (read and self._ports.remaining() >= self._secret_seconds):
            return self._webhook(ref)[0] or ref
        return ref

    def _webhook(self, ref: WebhookRef) -> tuple[str, RateLimiter]:
        """The URL that a reference stands for, and its limiter; each reference is resolved once."""
        if ref not in self._resolved:
            self._resolved[ref] = self._resolve(ref, fresh=False)
        return self._resolved[ref]

    def _resolve(self, ref: WebhookRef, *, fresh: bool) -> tuple[str, RateLimiter]:
        started = self._ports.elapsed()
        try:
            url = self._ports.webhook(ref, fresh)
        except WebhookError as error:
            return "", RateLimiter(stopped_reason=str(error), gone=not error.passing)
        finally:
            self._secret_seconds = max(self._secret_seconds, self._ports.elapsed() - started)
        return url, self._limiters.setdefault(url, RateLimiter())

    # --- one step of one queue ------------------------------------------------------------------------------------------------

    def _step(self, queue: _ChannelQueue) -> Delivery | None:
        """What became of the first message; None where it is still to be sent."""
        if queue.limiter.stopped_reason is not None:
            return self._delivery(queue, Outcome.FAILED, queue.limiter.stopped_reason, gone=queue.limiter.gone)
        if queue.url is None:
            return self._read_webhook(queue)
        wait = max(0.0, queue.ready() - self._ports.elapsed())
        if self._ports.remaining() - wait < POST_MIN_SECONDS:
            return self._delivery(queue, Outcome.FAILED, _NO_TIME)
        if wait:
            self._ports.sleep(wait)
        return self._handled(queue, self._post(queue, queue.url))

    def _read_webhook(self, queue: _ChannelQueue) -> Delivery | None:
        """Read a queue's webhook if there is time to."""
        ref = queue.channel.webhook
        if ref not in self._resolved and self._ports.remaining() < self._secret_seconds:
            return self._delivery(queue, Outcome.FAILED, _NO_TIME)
        queue.url, queue.limiter = self._webhook(ref)
        return None

    def _post(self, queue: _ChannelQueue, url: str) -> HttpResponse:
        message = queue.plain or queue.messages[0]
        queue.tries += 1
        queue.limiter.posted(self._ports.elapsed())
        return self._ports.post(url, message.body, min(POST_TIMEOUT_SECONDS, self._ports.remaining()))

    def _delivery(
        self, queue: _ChannelQueue, outcome: Outcome, reason: str, status: int | None = None, *, gone: bool = False
    ) -> Delivery:
        message = queue.messages[0]
        return Delivery(message, outcome, reason, queue.tries, status, gone=gone, plain=queue.plain is not None)

    # --- what a response means --------------------------------------------------------------------------------------------------

    def _handled(self, queue: _ChannelQueue, response: HttpResponse) -> Delivery | None:
        """What a response means for the first message; None where it is to be sent again."""
        status, (meaning, reason) = response.status, answer_of(response)
        if meaning is Meaning.TAKEN:
            outcome = Outcome.DIGESTED if len(queue.messages[0].events) > 1 else Outcome.DELIVERED
            return self._delivery(queue, outcome, reason, status)
        if meaning is Meaning.UNANSWERED:
            return self._retry(queue, reason, status)
        if meaning is Meaning.PAUSE:
            return self._paused(queue, response)
        if meaning is Meaning.GONE:
            return self._gone(queue, reason, status)
        if meaning is Meaning.BLOCKS_REFUSED and queue.plain is None:
            queue.plain = self._plain(queue.messages[0])
            return None
        return self._delivery(queue, Outcome.FAILED, reason, status)

    def _paused(self, queue: _ChannelQueue, response: HttpResponse) -> Delivery | None:
        """Slack asks for a pause of the whole webhook; one that is longer than the time left stops it."""
        pause = POST_INTERVAL_SECONDS if response.retry_after is None else max(response.retry_after, 0.0)
        queue.limiter.pauses += 1
        if pause + POST_MIN_SECONDS > self._ports.remaining() or queue.limiter.pauses > MAX_PAUSES:
            queue.limiter.stop(_LONG_PAUSE)
            return self._delivery(queue, Outcome.FAILED, _LONG_PAUSE, response.status)
        queue.limiter.pause(self._ports.elapsed() + pause)
        return None

    def _retry(self, queue: _ChannelQueue, reason: str, status: int | None) -> Delivery | None:
        """Try again after a delay that doubles, with jitter so that two invocations do not retry in step."""
        from random import uniform  # noqa: PLC0415  2 ms of every start, needed only where Slack is out of order

        if queue.tries >= MAX_TRIES:
            queue.limiter.stop(reason)
            return self._delivery(queue, Outcome.FAILED, reason, status)
        delay = FIRST_RETRY_SECONDS * 2 ** (queue.tries - 1) * uniform(0.75, 1.25)  # noqa: S311  no secret depends on it
        if delay + POST_MIN_SECONDS > self._ports.remaining():
            return self._delivery(queue, Outcome.FAILED, reason, status)
        queue.not_before = self._ports.elapsed() + delay
        return None

    def _gone(self, queue: _ChannelQueue, reason: str, status: int | None) -> Delivery | None:
        """The secret may hold a new webhook already: it is read again, once. Where it is the same, the channel is gone."""
        if not queue.renewed:
            queue.renewed = True
            url, limiter = self._resolve(queue.channel.webhook, fresh=True)
            if url and url != queue.url:
                queue.url, queue.limiter = url, limiter
                return None
        queue.limiter.stop(reason, gone=True)
        return self._delivery(queue, Outcome.FAILED, reason, status, gone=True)


def _shared(wanted: Mapping[str, int], total: int) -> dict[str, int]:
    """A total divided: each name gets what it wants, or an equal part of what those that want less leave."""
    shares: dict[str, int] = {}
    for number, name in enumerate(sorted(wanted, key=lambda name: wanted[name])):
        shares[name] = min(wanted[name], total // (len(wanted) - number))
        total -= shares[name]
    return shares
