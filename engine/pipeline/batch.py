"""The way of a batch of events. Read this first, then the stages in its order.

decode -> select -> dedupe -> decide -> audit (`gather`), mask -> digest -> render (`compose`), deliver (`post`), then how each
record ended (`total`) and the metrics. The decision record of an event is written before it is posted, a delivery record
after each post. A stage that breaks on one event fails that event alone.

A batch is decoded, decided and recorded one event at a time, and only events with notifications are held. Where these are more
than `MOST_PENDING`, they are delivered before the next event is read, so memory stays bounded for log files of any size.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.cache import BoundedCache
from engine.model import (
    OPEN,
    Claim,
    Decision,
    DecodeError,
    Delivery,
    Deployment,
    DigestRule,
    End,
    Event,
    HashKey,
    Message,
    Outcome,
    PassedOver,
    PolicySet,
    Request,
    repr_only,
)
from engine.pipeline.audit import decision_record, delivery_record, line, undecided_record
from engine.pipeline.decide import decide
from engine.pipeline.dedupe import fingerprint
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.digest import Entry, fold, folds
from engine.pipeline.facts import groups
from engine.pipeline.mask import mask
from engine.pipeline.metrics import metrics
from engine.pipeline.render import LAYOUTS_SIZE, Layouts, plain, render, render_summary
from engine.pipeline.select import passed_over
from engine.pipeline.total import BatchTotal, ChannelOutcome, Received, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.model import Channel, FactGroups, Ports

EVERYTHING: Final = DigestRule(0, ())
"""All of one level in one summary."""

MOST_PENDING: Final = 5_000
"""How many events with notifications are held before they are delivered. A digest folds at most so many events."""

PIECE_SHARE: Final = 0.02
"""The part of the time left for which messages are made where the batch goes on after them."""

MOST_SEEN: Final = 50_000
"""How many events are remembered at once to recognise duplicates in a batch."""

LEASE: Final = 10.0
"""Seconds beyond the time left for which a claim to deliver is held: who was killed does not hold it much longer."""

ASKING: Final = 2.0
"""Seconds that must be left for the table of deliveries to be asked: where it hangs, as much again is lost."""

_REFUSALS: Final = {
    Claim.DELIVERED: (Outcome.DUPLICATE, "delivered before"),
    Claim.HELD: (Outcome.FAILED, "another invocation is about to deliver it"),
}


class Setting:
    """Configuration shared by all batches while one policy set is active, and the message layouts drawn for that set."""

    __slots__ = ("deployment", "key", "layouts", "policies")

    def __init__(self, policies: PolicySet, deployment: Deployment, key: HashKey | None = None) -> None:
        self.policies = policies
        self.deployment = deployment
        self.key = key
        self.layouts: Layouts = Layouts(LAYOUTS_SIZE)


@repr_only("place", "event", "decision", "request")
class PendingNotification(NamedTuple):
    """One event that one channel is to hear of; `facts` are the event's, where they are known."""

    place: int
    event: Event
    decision: Decision
    request: Request
    facts: FactGroups | None = None


def run(stream: Iterable[Event | DecodeError | PassedOver], setting: Setting, ports: Ports) -> Result:
    """Everything that one batch asks for, its records and metrics written. Never raises because of a bad event."""
    total, courier = BatchTotal(), WebhookSender(setting.policies.channels, plain, ports)
    pending: list[Received] = []
    for received in gather(stream, setting, ports):
        total.receive(received)
        if received.end is not None:
            continue
        if len(pending) == MOST_PENDING:
            courier.share = PIECE_SHARE
            total.deliver(pending, post(pending, setting, ports, courier))
            pending, courier.share = [], 1.0
        pending.append(received)
    total.deliver(pending, post(pending, setting, ports, courier))
    result = total.result()
    for one in metrics(result.tally, setting.policies.revision, ports.now(), setting.deployment.function):
        ports.emit(line(one))
    return result


# --- in: what comes, and what is decided about it -----------------------------------------------------------------------------


def gather(stream: Iterable[Event | DecodeError | PassedOver], setting: Setting, ports: Ports) -> Iterator[Received]:
    """Each record that comes in, decided, with its audit record written."""
    seen = BoundedCache[str, int](MOST_SEEN)
    selection, role = setting.policies.selection, setting.deployment.role
    for place, one in enumerate(stream):
        if isinstance(one, DecodeError):
            ports.emit(line(undecided_record(one.where, one.item, one.reason, ports.now(), log_file=one.log_file)))
            yield Received(place, one.where, one.item, End.UNREADABLE, again=one.whole)
        elif isinstance(one, PassedOver) or passed_over(one, selection, role):
            yield Received(place, one.where, one.item, End.PASSED_OVER)
        else:
            name = fingerprint(one)
            original = seen.get(name)
            if original is None:
                seen[name] = place
                yield _decided(place, one, setting, ports)
            else:
                yield Received(place, one.where, one.item, End.DUPLICATE, original=original)


def _decided(place: int, event: Event, setting: Setting, ports: Ports) -> Received:
    policies, now = setting.policies, ports.now()
    try:
        found = groups(event.record)
        decision = decide(event, policies, now, found)
        level = policies.audit.level
        masked = None if level.name == OPEN else mask(event, decision, level, setting.key, found)
        record = line(decision_record(event, decision, masked, policies, now))
    except Exception as error:  # noqa: BLE001  one event must not take its batch along
        kept = event if policies.audit.event and policies.audit.level.name == OPEN else None
        reason = f"Trailbell broke on it ({type(error).__name__})"
        ports.emit(line(undecided_record(event.where, event.item, reason, now, kept)))
        return Received(place, event.where, event.item, End.FAILED, again=True)
    ports.emit(record)
    end = None if decision.verdict.requests else _unasked(decision)
    return Received(
        place, event.where, event.item, end, event, decision, found, hash_missing=masked.hash_missing if masked else 0
    )


def _unasked(decision: Decision) -> End:
    """How an event ends that no channel is to hear of."""
    return End.SILENCED if decision.verdict.silences else End.MUTED


# --- out: messages, and what becomes of them ----------------------------------------------------------------------------------


def by_channel(received: Iterable[Received]) -> dict[str, list[PendingNotification]]:
    """What each channel is to hear of, in the order of the events."""
    wants: dict[str, list[PendingNotification]] = {}
    for one in received:
        if one.event is not None and one.decision is not None:
            for request in one.decision.verdict.requests:
                wants.setdefault(request.channel, []).append(
                    PendingNotification(one.place, one.event, one.decision, request, one.facts)
                )
    return wants


def compose(
    channel: Channel, wants: Sequence[PendingNotification], setting: Setting, rule: DigestRule | None = None
) -> list[Message]:
    """The messages for one channel; what is more than its digest rule (or `rule`) allows is folded into summaries."""
    rule = rule or channel.digest
    if not folds(len(wants), rule):
        return [_single(_masked(want, setting), channel, setting) for want in wants]
    singles, summaries = fold([_masked(want, setting) for want in wants], rule)
    return [
        *(_single(entry, channel, setting) for entry in singles),
        *(render_summary(summary, channel, setting.deployment) for summary in summaries),
    ]


def _masked(want: PendingNotification, setting: Setting) -> Entry:
    place, event, decision, request, found = want
    return Entry(place, mask(event, decision, request.level, setting.key, found), decision, request)


def _single(entry: Entry, channel: Channel, setting: Setting) -> Message:
    place, masked, decision, request = entry
    message = render(masked, decision, request, channel, setting.deployment, layouts=setting.layouts)
    return message._replace(events=(place,)) if place else message


def post(
    received: Sequence[Received], setting: Setting, ports: Ports, courier: WebhookSender | None = None
) -> Iterator[ChannelOutcome]:
    """What became of each event on each channel that it asked for; where a channel is gone, on its fallback.

    `courier` is that of the batch, which remembers the pace of each webhook from piece to piece; None: of a batch of one piece.

    Claims may take half of its share of the time: those that do not fit in are treated as granted. A message twice is better than
    none.
    """
    courier = courier or WebhookSender(setting.policies.channels, plain, ports)
    if ports.claims is None:
        yield from chain.from_iterable(_posted(by_channel(received), setting, ports, courier))
        return
    granted: dict[str, list[PendingNotification]] = {}
    floor = max(ASKING, ports.remaining() * (1 - courier.share / 2))
    for want in chain.from_iterable(by_channel(received).values()):
        left = ports.remaining()
        refused = _REFUSALS.get(ports.claims.claim(_key(want), left + LEASE)) if left > floor else None
        name = want.request.channel
        if refused is None:
            granted.setdefault(name, []).append(want)
        else:
            delivery = Delivery(Message(name, b"{}", (want.place,)), *refused, 0)
            _record(delivery, name, {want.place: want.decision.event_id}, setting, ports)
            yield ChannelOutcome(want.place, name, delivery.outcome)
    keys = {(want.place, name): _key(want) for name, wants in granted.items() for want in wants}
    for told in _posted(granted, setting, ports, courier):
        delivered = all(one.outcome is not Outcome.FAILED for one in told)
        if ports.remaining() > ASKING:
            ports.claims.settle([keys[one.place, one.channel] for one in told], delivered=delivered)
        yield from told


def _key(want: PendingNotification) -> str:
    """One event on one channel."""
    return f"{fingerprint(want.event)}#{want.request.channel}"


def _posted(
    wants: Mapping[str, Sequence[PendingNotification]], setting: Setting, ports: Ports, courier: WebhookSender
) -> Iterator[tuple[ChannelOutcome, ...]]:
    """What each message means for its events."""
    gone: dict[str, set[int]] = {}
    for delivery in _sent(wants, setting, courier, ports):
        name = delivery.message.channel
        if delivery.gone and setting.policies.channels[name].fallback is not None:
            gone.setdefault(name, set()).update(delivery.message.events)
        else:
            yield _told(delivery, name, delivery.outcome)
    for name, places in gone.items():
        rerouted = _rerouted([want for want in wants[name] if want.place in places], setting.policies)
        for delivery in _sent(rerouted, setting, courier, ports, name):
            failed = delivery.outcome is Outcome.FAILED
            yield _told(delivery, name, Outcome.FAILED if failed else Outcome.FALLBACK)


def _told(delivery: Delivery, channel: str, outcome: Outcome) -> tuple[ChannelOutcome, ...]:
    """What a delivery means for each of its events; what had no hash key is counted once a message."""
    return tuple(
        ChannelOutcome(place, channel, outcome, 0 if number else delivery.message.hash_missing)
        for number, place in enumerate(delivery.message.events)
    )


def _rerouted(wants: Iterable[PendingNotification], policies: PolicySet) -> dict[str, list[PendingNotification]]:
    """The same for the fallback of the channel asked for, never less strict than either allows."""
    rerouted: dict[str, list[PendingNotification]] = {}
    for want in wants:
        request = want.request
        fallback = policies.channels[policies.channels[request.channel].fallback or request.channel]
        level = max(request.level, fallback.masking_floor, key=lambda one: one.rank)
        other = request._replace(channel=fallback.name, level=level, fallback_for=request.channel)
        rerouted.setdefault(fallback.name, []).append(want._replace(request=other))
    return rerouted


def _sent(
    wants: Mapping[str, Sequence[PendingNotification]],
    setting: Setting,
    courier: WebhookSender,
    ports: Ports,
    asked_for: str | None = None,
) -> Iterator[Delivery]:
    """The deliveries of some channels, each with its record written. `asked_for`: whose fallback they are."""
    ids = {want.place: want.decision.event_id for asked in wants.values() for want in asked}
    made = {name: _composed(setting.policies.channels[name], asked, setting) for name, asked in wants.items()}
    room = courier.room({name: len(some) for name, some in made.items()})
    composed = [
        one
        for name, some in made.items()
        for one in (
            some if len(some) <= room[name] else _summed(setting.policies.channels[name], wants[name], setting, room[name])
        )
    ]
    broken = [one for one in composed if isinstance(one, Delivery)]
    for delivery in chain(broken, courier.deliver(one for one in composed if isinstance(one, Message))):
        _record(delivery, asked_for or delivery.message.channel, ids, setting, ports)
        yield delivery


def _record(delivery: Delivery, channel: str, ids: Mapping[int, str | None], setting: Setting, ports: Ports) -> None:
    """Write what became of a message, with the ids of its events."""
    event_ids = [ids[place] for place in delivery.message.events]
    ports.emit(line(delivery_record(delivery, channel, event_ids, setting.policies.revision, ports.now())))


def _composed(
    channel: Channel, wants: Sequence[PendingNotification], setting: Setting, rule: DigestRule | None = None
) -> list[Message | Delivery]:
    """The messages for a channel. One that cannot be made is a failed delivery, and does not take the others along."""
    try:
        return list(compose(channel, wants, setting, rule))
    except Exception:  # noqa: BLE001  one event must not take its batch along
        return [one for want in wants for one in _composed_singly(channel, want, setting)]


def _summed(channel: Channel, wants: Sequence[PendingNotification], setting: Setting, room: int) -> list[Message | Delivery]:
    """The same where there is no time for as many: what is beyond `room` comes as summaries, at least one of each level."""
    singly = max(0, room - len({want.request.level.name for want in wants}))
    rest = _composed(channel, wants[singly:], setting, EVERYTHING)
    return [*_composed(channel, wants[:singly], setting), *rest]


def _composed_singly(channel: Channel, want: PendingNotification, setting: Setting) -> Sequence[Message | Delivery]:
    try:
        return compose(channel, [want], setting)
    except Exception as error:  # noqa: BLE001  one event must not take its batch along
        reason = f"the message could not be made ({type(error).__name__})"
        return [Delivery(Message(channel.name, b"{}", (want.place,)), Outcome.FAILED, reason, 0)]
