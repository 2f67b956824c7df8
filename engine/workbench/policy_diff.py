"""What another policy set does with the same events: who hears what then, and who no longer.

Each event is decided by both sets. What differs is classified and grouped; an example of a group:

    1,204 events of ecs-robot on payments-*   newly muted   s3-watch (standard, warning) -> nobody, muted by payments/nightly

Events are compared, not messages: digests, incidents and deduplication come after the decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.cache import BoundedCache
from engine.model import OPERATOR_RANK, SEVERITY_RANK, Field, Operator
from engine.pipeline.decide import decider_of
from engine.pipeline.decide.reference import decision
from engine.pipeline.effect import Effect, effect_of
from engine.pipeline.facts import derive_facts, time_of
from engine.pipeline.mask import mask
from engine.pipeline.select import passed_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from engine.model import Channel, Event, Level, MaskedEvent, PolicySet, Request, Verdict


class ChangeKind(StrEnum):
    """What a change means to who listens; the first ones deserve the first look."""

    NEWLY_MUTED = "newly-muted"
    QUIETER = "quieter"
    MASKED_LESS = "masked-less"
    LOUDER = "louder"
    MASKED_MORE = "masked-more"
    ELSEWHERE = "elsewhere"
    CLASS = "class"
    REWORDED = "reworded"


KIND_TEXT: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.NEWLY_MUTED: "newly muted",
    ChangeKind.QUIETER: "quieter",
    ChangeKind.MASKED_LESS: "shown more",
    ChangeKind.LOUDER: "louder",
    ChangeKind.MASKED_MORE: "shown less",
    ChangeKind.ELSEWHERE: "sent elsewhere",
    ChangeKind.CLASS: "another class",
    ChangeKind.REWORDED: "worded otherwise",
}

_PAIRS: Final = 8_192
"""Pairs of verdicts of which it is remembered what changes."""

MOST_BUCKETS: Final = 1_000
"""Buckets that are counted for a group; others count together."""


@dataclass(slots=True)
class ChangeGroup:
    """Events that change alike. `example` is the first of them; times are those of the events, None where none has one."""

    kinds: tuple[ChangeKind, ...]
    before: Effect
    after: Effect
    example: Event = field(repr=False)
    count: int = 0
    buckets: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, bucket: str, time: datetime | None) -> None:
        """Count an event."""
        self.count += 1
        self._add_bucket(bucket, 1)
        if time is not None:
            self._span(time, time)

    def merge(self, other: ChangeGroup) -> None:
        """Add later events that change in the same way."""
        self.count += other.count
        for bucket, count in other.buckets.items():
            self._add_bucket(bucket, count)
        if other.first is not None and other.last is not None:
            self._span(other.first, other.last)

    def _add_bucket(self, bucket: str, count: int) -> None:
        name = bucket if bucket in self.buckets or len(self.buckets) < MOST_BUCKETS else "others"
        self.buckets[name] = self.buckets.get(name, 0) + count

    def _span(self, first: datetime, last: datetime) -> None:
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


_Change: TypeAlias = tuple[tuple[ChangeKind, ...], Effect, Effect]


@dataclass(slots=True)
class ChangeCounts:
    """The changes of some events, and how many events there were. Those of parts of the events add up to those of all."""

    events: int = 0
    changed: int = 0
    _groups: dict[_Change, ChangeGroup] = field(default_factory=dict)

    def group(self, change: _Change, example: Event) -> ChangeGroup:
        """The group of a change; where it is new, with this example."""
        group = self._groups.get(change)
        if group is None:
            group = self._groups[change] = ChangeGroup(*change, example)
        return group

    def merge(self, other: ChangeCounts) -> None:
        """Add the changes of later events."""
        self.events += other.events
        self.changed += other.changed
        for change, more in other._groups.items():
            group = self._groups.setdefault(change, more)
            if group is not more:
                group.merge(more)

    def groups(self) -> list[ChangeGroup]:
        """The changes, the ones to look at first at the front, of these the most frequent."""
        order = list(ChangeKind)
        return sorted(
            self._groups.values(), key=lambda group: (order.index(group.kinds[0]), -group.count, group.before, group.after)
        )

    def kinds(self) -> dict[ChangeKind, int]:
        """How many events change in which way; one event may change in several."""
        counts = dict.fromkeys(ChangeKind, 0)
        for group in self._groups.values():
            for kind in group.kinds:
                counts[kind] += group.count
        return {kind: count for kind, count in counts.items() if count}


@dataclass(slots=True)
class PolicyDiff:
    """Decides events by two sets; `counts` has what changes from one to the other."""

    before: PolicySet
    after: PolicySet
    now: datetime
    counts: ChangeCounts = field(default_factory=ChangeCounts)
    _known: BoundedCache[tuple[int, int], tuple[Verdict | None, Verdict | None, tuple[ChangeKind, ...]]] = field(
        default_factory=lambda: BoundedCache(_PAIRS)
    )
    """By the identities of two verdicts, which no others can have while both are kept here."""

    def __post_init__(self) -> None:
        """Messages name the revision: the same one in both, so that only what changes differs."""
        self.before = self.before._replace(revision=self.after.revision)

    def add(self, event: Event) -> None:
        """Decide an event by both sets, and keep what differs."""
        self.counts.events += 1
        sets = (self.before, self.after)
        chosen = [passed_over(event, policies.selection) is None for policies in sets]
        facts = derive_facts(event.record) if any(chosen) else None
        old, new = (
            decider_of(policies).verdict(event.record, self.now, facts) if is_chosen else None
            for policies, is_chosen in zip(sets, chosen, strict=True)
        )
        kinds = self._kinds_of(old, new)
        if not kinds:
            return
        self.counts.changed += 1
        group = self.counts.group((kinds, effect_of(old), effect_of(new)), event)
        group.add(self._bucket(event, old, new), _time(event))

    def _kinds_of(self, old: Verdict | None, new: Verdict | None) -> tuple[ChangeKind, ...]:
        """What changes from one verdict to another: found once for each pair, as deciders give equal events one verdict."""
        known = self._known.get((id(old), id(new)))
        if known is None:
            kinds = tuple(sorted(set(self._kinds(old, new)), key=list(ChangeKind).index))
            known = self._known[id(old), id(new)] = old, new, kinds
        return known[2]

    def _kinds(self, old: Verdict | None, new: Verdict | None) -> Iterator[ChangeKind]:
        before, after = _requests(old), _requests(new)
        lost, gained = before.keys() - after.keys(), after.keys() - before.keys()
        if before and not after:
            yield ChangeKind.NEWLY_MUTED
        elif lost:
            yield ChangeKind.QUIETER
        if gained:
            yield ChangeKind.LOUDER
        for name in before.keys() & after.keys():
            yield from _request_kinds(before[name], after[name])
            yield from _channel_kinds(self.before.channels[name], self.after.channels[name])
        if old is not None and new is not None and old.actor.name != new.actor.name:
            yield ChangeKind.CLASS

    def _bucket(self, event: Event, old: Verdict | None, new: Verdict | None) -> str:
        """The event's bucket, as far as the strictest level of both decisions shows it."""
        sides = [
            shown(event, verdict, policies)
            for verdict, policies in ((old, self.before), (new, self.after))
            if verdict is not None
        ]
        return max(sides, key=lambda masked: _strictness(masked.level)).values.get(Field.BUCKET, "…")


def shown(event: Event, verdict: Verdict, policies: PolicySet) -> MaskedEvent:
    """An event as the strictest level of its decision shows it; as the default's level does where nobody is notified."""
    levels = [request.level for request in verdict.requests] or [policies.default.level]
    return mask(event, decision(event, verdict), max(levels, key=_strictness), None)


def _strictness(level: Level) -> int:
    return sum(_rank(level, name) for name in Field)


def _requests(verdict: Verdict | None) -> dict[str, Request]:
    return {} if verdict is None else {request.channel: request for request in verdict.requests}


def _request_kinds(before: Request, after: Request) -> Iterator[ChangeKind]:
    yield from _level_kinds(before.level, after.level)
    rise = SEVERITY_RANK[after.severity] - SEVERITY_RANK[before.severity]
    if rise:
        yield ChangeKind.LOUDER if rise > 0 else ChangeKind.QUIETER
    if (before.title, before.runbook, before.detail) != (after.title, after.runbook, after.detail):
        yield ChangeKind.REWORDED


def _level_kinds(before: Level, after: Level) -> Iterator[ChangeKind]:
    """Whether a level shows more of a field than another, or less. Operators of one rank show different parts: that is both."""
    for name in Field:
        old, new = before.operators.get(name, Operator.DROP), after.operators.get(name, Operator.DROP)
        if old is not new:
            step = _rank(after, name) - _rank(before, name)
            if step <= 0:
                yield ChangeKind.MASKED_LESS
            if step >= 0:
                yield ChangeKind.MASKED_MORE


def _rank(level: Level, name: Field) -> int:
    return OPERATOR_RANK[level.operators.get(name, Operator.DROP)]


def _channel_kinds(before: Channel, after: Channel) -> Iterator[ChangeKind]:
    if before.webhook != after.webhook:
        yield ChangeKind.ELSEWHERE
    if _wording(before) != _wording(after):
        yield ChangeKind.REWORDED


def _wording(channel: Channel) -> tuple[Any, ...]:
    """What a channel's messages depend on beside the decision."""
    return channel.timezone, channel.language, channel.fields, channel.digest, channel.incident, channel.mention


def _time(event: Event) -> datetime | None:
    return time_of(event.record.get("eventTime"))
