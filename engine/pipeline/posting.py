"""The messages of a batch: composed for each channel, claimed, posted, and recorded.

`post` is the order: `by_channel` collects what each channel is to be notified of, claims tell which of it another invocation
delivers, `compose` masks, folds and renders it, the sender posts it. A channel that is gone has a fallback, tried last.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Claim, Decision, Delivery, DigestRule, Event, Message, Outcome, Request, repr_only
from engine.pipeline.audit import delivery_record, line
from engine.pipeline.dedupe import fingerprint
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.digest import Entry, fold, folds
from engine.pipeline.mask import mask
from engine.pipeline.render import plain, render, render_summary
from engine.pipeline.total import ChannelOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.model import Channel, Claims, FactGroups, PolicySet, Ports
    from engine.pipeline.setting import Setting
    from engine.pipeline.total import Received

CLAIM_EXTRA_SECONDS: Final = 10.0
"""Added to the time left for how long a claim to deliver is held: a killed invocation releases its claims soon."""

CLAIM_MIN_SECONDS: Final = 2.0
"""What must be left for the table of deliveries to be called: where it hangs, as much is lost."""

_FOLD_EVERYTHING: Final = DigestRule(0, ())
"""All events of one level in one summary."""

_NOT_GRANTED: Final = {
    Claim.DELIVERED: (Outcome.DUPLICATE, "delivered before"),
    # FAILED, so that the item is retried: the other invocation may still die before it delivers.
    Claim.HELD: (Outcome.FAILED, "another invocation holds the claim"),
}


@repr_only("number", "event", "decision", "request")
class PendingNotification(NamedTuple):
    """One event of which one channel is to be notified; `number` is its place in the batch, `facts` are None where unknown."""

    number: int
    event: Event
    decision: Decision
    request: Request
    facts: FactGroups | None = None

    @property
    def claim_key(self) -> str:
        """One event on one channel."""
        return f"{fingerprint(self.event)}#{self.request.channel}"


def post(
    received: Sequence[Received], setting: Setting, ports: Ports, sender: WebhookSender | None = None
) -> Iterator[ChannelOutcome]:
    """Post what the channels are to be notified of; yields the outcome of each event on each channel.

    `sender` is that of the batch, which remembers the pace of each webhook from chunk to chunk; None: the batch is one chunk.
    """
    sender = sender or WebhookSender(setting.policies.channels, plain, ports)
    pending = by_channel(received)
    if ports.claims is None:
        yield from chain.from_iterable(_posted(pending, setting, ports, sender))
    else:
        yield from _posted_once(pending, ports.claims, setting, ports, sender)


def by_channel(received: Iterable[Received]) -> dict[str, list[PendingNotification]]:
    """What each channel is to be notified of, in the order of the events."""
    pending: dict[str, list[PendingNotification]] = {}
    for record in received:
        event, decision = record.event, record.decision
        if event is not None and decision is not None:
            for request in decision.verdict.requests:
                notification = PendingNotification(record.number, event, decision, request, record.facts)
                pending.setdefault(request.channel, []).append(notification)
    return pending


# --- composing: mask, digest, render ------------------------------------------------------------------------------------------


def compose(
    channel: Channel, pending: Sequence[PendingNotification], setting: Setting, rule: DigestRule | None = None
) -> list[Message]:
    """The messages for one channel; more than its digest rule (or `rule`) allows are folded into summaries."""
    rule = rule or channel.digest
    entries = [_masked(notification, setting) for notification in pending]
    if not folds(len(entries), rule):
        return [_rendered(entry, channel, setting) for entry in entries]
    singles, summaries = fold(entries, rule)
    return [
        *(_rendered(entry, channel, setting) for entry in singles),
        *(render_summary(summary, channel, setting.deployment) for summary in summaries),
    ]


def _masked(pending: PendingNotification, setting: Setting) -> Entry:
    number, event, decision, request, facts = pending
    return Entry(number, mask(event, decision, request.level, setting.key, facts), decision, request)


def _rendered(entry: Entry, channel: Channel, setting: Setting) -> Message:
    number, masked, decision, request = entry
    message = render(masked, decision, request, channel, setting.deployment)
    return message._replace(events=(number,))


def _composed(
    channel: Channel, pending: Sequence[PendingNotification], setting: Setting, rule: DigestRule | None = None
) -> list[Message | Delivery]:
    """The messages for a channel. One that cannot be made is a failed delivery, and does not take the others along."""
    try:
        return list(compose(channel, pending, setting, rule))
    except Exception:  # noqa: BLE001  one event must not take its batch along
        return [made for notification in pending for made in _composed_singly(channel, notification, setting)]


def _composed_singly(channel: Channel, pending: PendingNotification, setting: Setting) -> Sequence[Message | Delivery]:
    try:
        return compose(channel, [pending], setting)
    except Exception as error:  # noqa: BLE001  one event must not take its batch along
        reason = f"the message could not be made ({type(error).__name__})"
        return [Delivery(Message(channel.name, b"{}", (pending.number,)), Outcome.FAILED, reason, 0)]


def _composed_to_fit(
    channel: Channel, pending: Sequence[PendingNotification], setting: Setting, room: int
) -> list[Message | Delivery]:
    """The messages where there is time for only `room`: the rest is folded into summaries, at least one for each level."""
    singly = max(0, room - len({notification.request.level.name for notification in pending}))
    rest = _composed(channel, pending[singly:], setting, _FOLD_EVERYTHING)
    return [*_composed(channel, pending[:singly], setting), *rest]


# --- claims -------------------------------------------------------------------------------------------------------------------


def _posted_once(
    pending: Mapping[str, Sequence[PendingNotification]], claims: Claims, setting: Setting, ports: Ports, sender: WebhookSender
) -> Iterator[ChannelOutcome]:
    """The outcomes of what no other invocation delivers.

    Claims may take half of the sender's share of the time: those that do not fit in are treated as granted, since a message twice
    is better than none.
    """
    granted: dict[str, list[PendingNotification]] = {}
    floor = max(CLAIM_MIN_SECONDS, ports.remaining() * (1 - sender.time_share / 2))
    for notification in chain.from_iterable(pending.values()):
        left = ports.remaining()
        claim = claims.claim(notification.claim_key, left + CLAIM_EXTRA_SECONDS) if left > floor else Claim.GRANTED
        name = notification.request.channel
        if claim is Claim.GRANTED:
            granted.setdefault(name, []).append(notification)
        else:
            delivery = Delivery(Message(name, b"{}", (notification.number,)), *_NOT_GRANTED[claim], 0)
            _record(delivery, name, {notification.number: notification.decision.event_id}, setting, ports)
            yield ChannelOutcome(notification.number, name, delivery.outcome)
    keys = {(one.number, name): one.claim_key for name, notifications in granted.items() for one in notifications}
    for outcomes in _posted(granted, setting, ports, sender):
        delivered = all(outcome.outcome is not Outcome.FAILED for outcome in outcomes)
        if ports.remaining() > CLAIM_MIN_SECONDS:
            claims.settle([keys[outcome.number, outcome.channel] for outcome in outcomes], delivered=delivered)
        yield from outcomes


# --- posting ------------------------------------------------------------------------------------------------------------------


def _posted(
    pending: Mapping[str, Sequence[PendingNotification]], setting: Setting, ports: Ports, sender: WebhookSender
) -> Iterator[tuple[ChannelOutcome, ...]]:
    """The outcomes of each message, for each of its events. Where a channel is gone, those of its fallback."""
    gone: dict[str, set[int]] = {}
    for delivery in _sent(pending, setting, ports, sender):
        name = delivery.message.channel
        if delivery.gone and setting.policies.channels[name].fallback is not None:
            gone.setdefault(name, set()).update(delivery.message.events)
        else:
            yield _outcomes(delivery, name, delivery.outcome)
    for name, numbers in gone.items():
        rerouted = _rerouted([one for one in pending[name] if one.number in numbers], setting.policies)
        for delivery in _sent(rerouted, setting, ports, sender, requested=name):
            failed = delivery.outcome is Outcome.FAILED
            yield _outcomes(delivery, name, Outcome.FAILED if failed else Outcome.FALLBACK)


def _outcomes(delivery: Delivery, channel: str, outcome: Outcome) -> tuple[ChannelOutcome, ...]:
    """What a delivery means for each of its events; hash keys that were missing are counted once for a message."""
    return tuple(
        ChannelOutcome(number, channel, outcome, 0 if position else delivery.message.hash_missing)
        for position, number in enumerate(delivery.message.events)
    )


def _rerouted(pending: Iterable[PendingNotification], policies: PolicySet) -> dict[str, list[PendingNotification]]:
    """The notifications for the fallback of their channel, at the stricter of both levels."""
    rerouted: dict[str, list[PendingNotification]] = {}
    for notification in pending:
        request = notification.request
        fallback = policies.channels[policies.channels[request.channel].fallback or request.channel]
        level = max(request.level, fallback.masking_floor, key=lambda level: level.rank)
        other = request._replace(channel=fallback.name, level=level, fallback_for=request.channel)
        rerouted.setdefault(fallback.name, []).append(notification._replace(request=other))
    return rerouted


def _sent(
    pending: Mapping[str, Sequence[PendingNotification]],
    setting: Setting,
    ports: Ports,
    sender: WebhookSender,
    *,
    requested: str | None = None,
) -> Iterator[Delivery]:
    """The deliveries of some channels, each with its record written. `requested`: the channel whose fallback they are."""
    event_ids = {one.number: one.decision.event_id for notifications in pending.values() for one in notifications}
    made = _composed_in_time(pending, setting, sender)
    failed = [delivery for delivery in made if isinstance(delivery, Delivery)]
    for delivery in chain(failed, sender.deliver(message for message in made if isinstance(message, Message))):
        _record(delivery, requested or delivery.message.channel, event_ids, setting, ports)
        yield delivery


def _composed_in_time(
    pending: Mapping[str, Sequence[PendingNotification]], setting: Setting, sender: WebhookSender
) -> list[Message | Delivery]:
    """The messages of all channels, no more than can be sent in the time left."""
    channels = setting.policies.channels
    made = {name: _composed(channels[name], notifications, setting) for name, notifications in pending.items()}
    room = sender.room({name: len(messages) for name, messages in made.items()})
    for name, notifications in pending.items():
        if len(made[name]) > room[name]:
            made[name] = _composed_to_fit(channels[name], notifications, setting, room[name])
    return list(chain.from_iterable(made.values()))


def _record(delivery: Delivery, channel: str, event_ids: Mapping[int, str | None], setting: Setting, ports: Ports) -> None:
    """Write the delivery record of a message, with the ids of its events."""
    ids = [event_ids[number] for number in delivery.message.events]
    ports.emit(line(delivery_record(delivery, channel, ids, setting.policies.revision, ports.now())))
