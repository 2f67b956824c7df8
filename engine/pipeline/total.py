"""How the records of a batch ended: each in exactly one way, and which batch items must come again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Decision, End, Event, Outcome, repr_only
from engine.pipeline.metrics import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model import FactGroups


@repr_only("place", "where", "item", "end", "event", "decision", "original", "again", "hash_missing")
class Received(NamedTuple):
    """One record that came in, at its place in the batch. `end` is None while it hangs on what becomes of its messages.

    `facts` are the event's, `original` is the place of the event of which this one is a duplicate. `again`: its batch item must
    come again.
    """

    place: int
    where: str
    item: str | None
    end: End | None = None
    event: Event | None = None
    decision: Decision | None = None
    facts: FactGroups | None = None
    original: int | None = None
    again: bool = False
    hash_missing: int = 0


class ChannelOutcome(NamedTuple):
    """What became of one event on one channel that was asked for."""

    place: int
    channel: str
    outcome: Outcome
    hash_missing: int = 0


class Result(NamedTuple):
    """What a batch came to. `failed_items` are the ids of the batch items that must come again.

    `failed`: something of it must come again, whether it came in an item or not.
    """

    tally: Tally
    failed: bool
    failed_items: frozenset[str]


def conclude(received: Sequence[Received], told: Iterable[ChannelOutcome]) -> Result:
    """How each record of a batch of one piece ended, and which batch items must come again."""
    total = BatchTotal()
    for one in received:
        total.receive(one)
    total.deliver([one for one in received if one.end is None], told)
    return total.result()


class BatchTotal:
    """Counts how each record of a batch ended, exactly one way each, and which batch items must come again.

    `receive` takes every record, then `deliver` those whose end depends on their delivery, all at once or piece by piece.
    """

    def __init__(self) -> None:
        self._received = self._failed_matchers = self._hash_missing = self._untold = 0
        self._ends = Counter[End]()
        self._outcomes = Counter[tuple[str, Outcome]]()
        self._classes = Counter[str]()
        self._hushed = Counter[str]()
        self._failed: set[int] = set()
        self._failed_items: set[str] = set()
        self._duplicates: set[tuple[int, str]] = set()

    def receive(self, received: Received) -> None:
        """Count a record that came in, and its end if it does not depend on delivery."""
        self._received += 1
        self._hash_missing += received.hash_missing
        if received.end is not None:
            self._ends[received.end] += 1
        if received.again:
            self._fail(received)
        if received.original is not None and received.item is not None:
            self._duplicates.add((received.original, received.item))
        if received.decision is not None:
            verdict = received.decision.verdict
            self._classes[verdict.actor.name] += 1
            self._failed_matchers += len(verdict.failures)
            self._hushed.update(f"{one.policy}/{one.id}" for one in (*verdict.mutes, *verdict.silences))

    def deliver(self, pending: Sequence[Received], told: Iterable[ChannelOutcome]) -> None:
        """Count what became of records on the channels they asked for; a channel without an outcome has failed."""
        untold = {(one.place, request.channel) for one in pending if one.decision for request in one.decision.verdict.requests}
        failed: set[int] = set()
        heard: set[int] = set()
        for one in told:
            self._outcomes[one.channel, one.outcome] += 1
            untold.discard((one.place, one.channel))
            self._hash_missing += one.hash_missing
            if one.outcome is Outcome.FAILED:
                failed.add(one.place)
            elif one.outcome is not Outcome.DUPLICATE:
                heard.add(one.place)
        failed |= {place for place, _ in untold}
        self._untold += len(untold)
        for received in pending:
            if received.place in failed:
                self._fail(received)
            delivered = End.DELIVERED if received.place in heard else End.DUPLICATE
            self._ends[End.FAILED if received.place in failed else delivered] += 1

    def _fail(self, received: Received) -> None:
        self._failed.add(received.place)
        if received.item is not None:
            self._failed_items.add(received.item)

    def result(self) -> Result:
        """The counts, and what must come again: a duplicate's item does where its original failed."""
        tally = Tally(
            received=self._received,
            ends=dict(self._ends),
            outcomes=dict(self._outcomes),
            classes=dict(self._classes),
            failed_matchers=self._failed_matchers,
            hash_missing=self._hash_missing,
            hushed=dict(self._hushed),
            untold=self._untold,
        )
        of_duplicates = {item for original, item in self._duplicates if original in self._failed}
        return Result(tally, bool(self._failed), frozenset(self._failed_items | of_duplicates))
