"""How a batch of events is processed, stage by stage. Read this first, then the stages in its order.

decode -> select -> dedupe -> decide -> audit (`process_records`), mask -> book -> drain (`posting`), then how each record ended
(`total`) and the metrics. The decision record of an event is written before it is booked, a delivery record after each post. A
stage that breaks on one event fails that event alone.

A batch is decoded, decided and recorded one event at a time, and only events with notifications are held. Where these are more
than `MAX_PENDING_EVENTS`, they are booked before the next event is read, so memory stays bounded for log files of any size.
How far a log file is done is noted then, too (`log_files`).
"""

from __future__ import annotations

from itertools import dropwhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.cache import BoundedCache
from engine.model import OPEN, DecodeError, PassedOver, RecordOutcome
from engine.pipeline.audit import decision_record, line, undecided_record
from engine.pipeline.decide import decide
from engine.pipeline.dedupe import fingerprint
from engine.pipeline.facts import derive_facts
from engine.pipeline.log_files import LogFileReading
from engine.pipeline.mask import mask
from engine.pipeline.metrics import metrics, sending_metrics
from engine.pipeline.posting import Posting
from engine.pipeline.probe import is_probe, minutes_since
from engine.pipeline.select import passed_over
from engine.pipeline.shadow import shadow_record
from engine.pipeline.total import BatchTotal, Received, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.model import Event, Ports
    from engine.outbox.outbox import Outbox
    from engine.pipeline.delivery_log import Drained
    from engine.pipeline.setting import Setting

MAX_PENDING_EVENTS: Final = 5_000
"""How many events with notifications are held before they are booked. A digest folds at most so many events."""

FLUSH_TIME_SHARE: Final = 0.02
"""The fraction of the remaining time that an early flush without a table may send for: the rest of the batch needs it."""

NO_COUNTS: Final[Mapping[str, int | None]] = MappingProxyType({})

MAX_SEEN_EVENTS: Final = 50_000
"""How many events of a batch are remembered to recognise duplicates."""


def run(  # noqa: PLR0913  one argument for each thing that outlives the batch
    stream: Iterable[Event | DecodeError | PassedOver],
    setting: Setting,
    ports: Ports,
    outbox: Outbox | None = None,
    *,
    receive_counts: Mapping[str, int | None] = NO_COUNTS,
    local: Outbox | None = None,
) -> Result:
    """Process one batch: decide and record each event, book and send its messages, write the metrics.

    `outbox` None: it is a dictionary of this batch. `receive_counts`: the ids of all batch items, in order, and how often
    each was handed out so far, where that is known. `local` is used while the outbox's table is away. Never raises because of a
    bad event.
    """
    redelivered = frozenset(item for item, count in receive_counts.items() if count is not None and count > 1)
    total, posting = BatchTotal(), Posting(setting, ports, outbox, redelivered, local)
    pending: list[Received] = []
    reading, unread = LogFileReading(ports), list[str | None]()
    for received in process_records(stream, setting, ports, receive_counts):
        total.count_received(received)
        if (received.outcome is None and len(pending) == MAX_PENDING_EVENTS) or reading.piece_is_read:
            # post() is lazy: count_deliveries() consumes it, and so drives the posting.
            total.count_deliveries(pending, posting.post(pending, FLUSH_TIME_SHARE))
            pending = []
            reading.note(total.has_failed)
        if received.outcome is None:
            pending.append(received)
        if reading.add(received.place, received.item_id):
            unread = _from(received.item_id, receive_counts)
            break
    total.count_deliveries(pending, posting.post(pending))
    reading.note(total.has_failed, stopped=bool(unread))
    total.hand_back(unread)
    posting.finish()
    result = total.result()
    now, function = ports.now(), setting.deployment.function
    for metric in metrics(result.tally, setting.policies.revision, now, function):
        ports.emit(line(metric))
    for drained in posting.drained:
        emit_drained(drained, ports, function)
    return result


def _from(item: str | None, items: Iterable[str]) -> list[str | None]:
    """A batch item and those after it; without a batch, the payload itself."""
    return [None] if item is None else list(dropwhile(lambda other: other != item, items))


def emit_drained(drained: Drained, ports: Ports, function: str | None) -> None:
    """Write the metrics of what was sent."""
    for metric in sending_metrics(drained, ports.now(), function):
        ports.emit(line(metric))


def process_records(
    stream: Iterable[Event | DecodeError | PassedOver],
    setting: Setting,
    ports: Ports,
    receive_counts: Mapping[str, int | None] = NO_COUNTS,
) -> Iterator[Received]:
    """Yield one `Received` per record.

    Selected, first-seen events are decided; decisions and read errors are written to the audit log.
    """
    seen = BoundedCache[str, int](MAX_SEEN_EVENTS)
    selection, role = setting.policies.selection, setting.deployment.role
    for number, record in enumerate(stream):
        if isinstance(record, DecodeError):
            ports.emit(line(undecided_record(record, record.reason, ports.now(), _receive_count(record, receive_counts))))
            outcome = RecordOutcome.UNREADABLE
            yield Received(number, record.where, record.item, outcome, retry=record.retry, place=record.place)
        elif isinstance(record, PassedOver):
            outcome = RecordOutcome.PASSED_OVER
            yield Received(
                number, record.where, record.item, outcome, reason=record.reason, foreign=record.foreign, place=record.place
            )
        elif reason := passed_over(record, selection, role):
            outcome = RecordOutcome.PASSED_OVER
            yield Received(number, record.where, record.item, outcome, reason=reason, place=record.place)
        else:
            identity = fingerprint(record)
            original = seen.get(identity)
            if original is None:
                seen[identity] = number
                yield _decide_and_record(number, record, setting, ports, _receive_count(record, receive_counts))
            else:
                outcome = RecordOutcome.DUPLICATE
                yield Received(number, record.where, record.item, outcome, original=original, place=record.place)


def _receive_count(record: Event | DecodeError, receive_counts: Mapping[str, int | None]) -> int | None:
    return None if record.item is None else receive_counts.get(record.item)


def _decide_and_record(number: int, event: Event, setting: Setting, ports: Ports, receive_count: int | None) -> Received:
    policies, now, probe = setting.policies, ports.now(), setting.deployment.probe
    level = policies.audit.level
    try:
        probed = probe is not None and is_probe(event, probe)
        facts = derive_facts(event.record)
        decision = decide(event, policies, now, facts)
        masked = None if level.name == OPEN else mask(event, decision, level, setting.key, facts)
        shadow = shadow_record(event, decision, setting, now, facts)
        record = line(decision_record(event, decision, masked, policies, now, receive_count, shadow=shadow, probe=probed))
    except Exception as error:  # noqa: BLE001  one event must not take its batch along
        reason = f"Trailbell broke on it ({type(error).__name__})"
        shown = policies.audit.event and level.name == OPEN
        ports.emit(line(undecided_record(event, reason, now, receive_count, with_event=shown)))
        return Received(number, event.where, event.item, RecordOutcome.FAILED, retry=True, place=event.place)
    ports.emit(record)
    if probed:
        minutes = minutes_since(event, now)
        return Received(number, event.where, event.item, RecordOutcome.PROBED, place=event.place, probe_minutes=minutes)
    outcome = None
    if not decision.verdict.requests:
        outcome = RecordOutcome.SILENCED if decision.verdict.silences else RecordOutcome.MUTED
    hash_missing = masked.hash_missing if masked else 0
    return Received(
        number,
        event.where,
        event.item,
        outcome,
        event,
        decision,
        facts,
        hash_missing=hash_missing,
        place=event.place,
        shadow_differs=shadow["differs"] if shadow is not None else None,
    )
