"""How the records of a batch ended: each in exactly one way, and which batch items must be retried."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from engine.model import Decision, Event, FactGroups, LogFilePlace, Outcome, RecordOutcome, VoidReason, repr_only
from engine.pipeline.metrics import Tally

_MAX_BUCKETS: Final = 1_000


@repr_only(
    "number", "location", "item_id", "outcome", "event", "decision", "original", "retry", "hash_missing", "reason", "foreign"
)
class Received(NamedTuple):
    """One record of a batch; `number` is its place in it. `outcome` is None until its messages are delivered.

    `facts` are the event's, `original` is the number of the event of which this one is a duplicate. `retry`: its batch item must
    be retried. `reason` says why it was passed over; `foreign`: it is not CloudTrail's. `place` is where it stands in a log file.
    `shadow_differs`: whether a shadow set decides it otherwise; None where there is none. `probe_minutes`: how long the probe's
    event was on its way.
    """

    number: int
    location: str
    item_id: str | None
    outcome: RecordOutcome | None = None
    event: Event | None = None
    decision: Decision | None = None
    facts: FactGroups | None = None
    original: int | None = None
    retry: bool = False
    hash_missing: int = 0
    reason: str | None = None
    foreign: bool = False
    place: LogFilePlace | None = None
    shadow_differs: bool | None = None
    probe_minutes: float | None = None


class ChannelOutcome(NamedTuple):
    """What became of one event on one requested channel; `number` is the event's place in the batch."""

    number: int
    channel: str
    outcome: Outcome
    hash_missing: int = 0


class Result(NamedTuple):
    """What a batch came to. `failed_items` are the ids of the batch items that must be retried.

    `failed`: something of it must be retried, whether it came in an item or not.
    """

    tally: Tally
    failed: bool
    failed_items: frozenset[str]


def conclude(received: Sequence[Received], outcomes: Iterable[ChannelOutcome]) -> Result:
    """How each record of a batch of one chunk ended, and which batch items must be retried."""
    total = BatchTotal()
    for record in received:
        total.count_received(record)
    total.count_deliveries([record for record in received if record.outcome is None], outcomes)
    return total.result()


class BatchTotal:
    """Counts how each record of a batch ended, exactly one way each, and which batch items must be retried.

    `count_received` takes every record, then `count_deliveries` those whose outcome depends on their delivery, all at once or in
    chunks.
    """

    def __init__(self) -> None:
        self._received = self._failed_matchers = self._hash_missing = self._unaccounted = self._foreign = 0
        self._void_rules = 0
        self._records = Counter[RecordOutcome]()
        self._messages = Counter[tuple[str, Outcome]]()
        self._classes = Counter[str]()
        self._suppressed = Counter[str]()
        self._passed_over = Counter[str]()
        self._failed: set[int] = set()
        self._failed_items: set[str] = set()
        self._duplicates: set[tuple[int, str]] = set()
        self._handed_back = 0
        self._shadow = Counter[bool]()
        self._buckets: set[str] = set()
        self._probe_minutes: list[float] = []

    def count_received(self, received: Received) -> None:
        """Count a record that came in, and its outcome if that does not depend on delivery."""
        self._received += 1
        self._hash_missing += received.hash_missing
        if received.outcome is not None:
            self._records[received.outcome] += 1
        if received.reason is not None:
            self._passed_over[received.reason] += 1
            self._foreign += received.foreign
        if received.retry:
            self._fail(received)
        if received.original is not None and received.item_id is not None:
            self._duplicates.add((received.original, received.item_id))
        if received.shadow_differs is not None:
            self._shadow[received.shadow_differs] += 1
        if received.probe_minutes is not None:
            self._probe_minutes.append(received.probe_minutes)
        if received.decision is not None:
            verdict = received.decision.verdict
            self._classes[verdict.actor.name] += 1
            self._failed_matchers += len(verdict.failures)
            self._void_rules += sum(rule.reason is VoidReason.NOT_ALLOWED for rule in verdict.void)
            self._suppressed.update(f"{rule.policy}/{rule.id}" for rule in (*verdict.mutes, *verdict.silences))
        if received.facts is not None and received.facts[0][0] is not None and len(self._buckets) < _MAX_BUCKETS:
            self._buckets.add(received.facts[0][0])

    def count_deliveries(self, pending: Sequence[Received], outcomes: Iterable[ChannelOutcome]) -> None:
        """Count the outcomes of these records on their requested channels; a channel without an outcome counts as failed.

        Consumes `outcomes` to the end.
        """
        unaccounted = {
            (record.number, request.channel)
            for record in pending
            if record.decision
            for request in record.decision.verdict.requests
        }
        failed: set[int] = set()
        delivered: set[int] = set()
        booked: set[int] = set()
        for number, channel, outcome, hash_missing in outcomes:
            self._messages[channel, outcome] += 1
            unaccounted.discard((number, channel))
            self._hash_missing += hash_missing
            if outcome is Outcome.FAILED:
                failed.add(number)
            elif outcome is Outcome.BOOKED:
                booked.add(number)
            elif outcome is not Outcome.DUPLICATE:
                delivered.add(number)
        failed |= {number for number, _ in unaccounted}
        self._unaccounted += len(unaccounted)
        for record in pending:
            if record.number in failed:
                self._fail(record)
                self._records[RecordOutcome.FAILED] += 1
            else:
                self._records[_ended(record.number, delivered, booked)] += 1

    def _fail(self, received: Received) -> None:
        self._failed.add(received.number)
        if received.item_id is not None:
            self._failed_items.add(received.item_id)

    def has_failed(self, item_id: str | None) -> bool:
        """Whether something of a batch item failed so far; without an item, something of the payload."""
        return bool(self._failed) if item_id is None else item_id in self._failed_items

    def hand_back(self, item_ids: Collection[str | None]) -> None:
        """Count batch items that were not read to their end: they must come again. None: the payload itself."""
        self._handed_back += len(item_ids)
        self._failed_items.update(item_id for item_id in item_ids if item_id is not None)

    def result(self) -> Result:
        """The counts, and what must be retried: also the item of a duplicate whose original failed."""
        tally = Tally(
            received=self._received,
            records=dict(self._records),
            messages=dict(self._messages),
            classes=dict(self._classes),
            failed_matchers=self._failed_matchers,
            void_rules=self._void_rules,
            hash_missing=self._hash_missing,
            suppressed=dict(self._suppressed),
            unaccounted=self._unaccounted,
            passed_over=dict(self._passed_over),
            foreign=self._foreign,
            handed_back=self._handed_back,
            shadow_decided=self._shadow.total(),
            shadow_differs=self._shadow[True],
            buckets=frozenset(self._buckets),
            probe_minutes=min(self._probe_minutes, default=None),
        )
        of_duplicates = {item_id for original, item_id in self._duplicates if original in self._failed}
        return Result(tally, bool(self._failed or self._handed_back), frozenset(self._failed_items | of_duplicates))


def _ended(number: int, delivered: set[int], booked: set[int]) -> RecordOutcome:
    """How a record ended of which no channel failed."""
    if number in delivered:
        return RecordOutcome.DELIVERED
    return RecordOutcome.BOOKED if number in booked else RecordOutcome.DUPLICATE
