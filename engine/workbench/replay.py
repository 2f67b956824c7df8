"""What a policy set does with events of the past: who would have heard what, how often, and which rules never held.

Events go through the function's own steps on a simulated clock, at the times at which they happened, so messages are counted as
incidents and digests make them. Up to `SORTED` events at a time are put in order; one that comes later than that arrives late.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.model import Ports, RecordOutcome
from engine.pipeline.batch import process_records
from engine.pipeline.facts import time_of
from engine.workbench.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.model import Event, Verdict
    from engine.pipeline.setting import Setting
    from engine.pipeline.total import Received
    from engine.workbench.simulation import PostedMessage

SORTED: Final = 100_000
"""Events that are put in the order of their times at once."""

SORTED_PART: Final = 1_000
"""The same where messages do not depend on the order."""

BATCH: Final = 100
BATCH_SECONDS: Final = 5
"""What makes a batch: so many events, or events of so many seconds, as the queue hands them to the function."""

SLACK_PER_MINUTE: Final = 60
"""Messages that Slack takes for one webhook. Source: https://docs.slack.dev/apis/web-api/rate-limits/ (one a second)."""


_TimedEvents: TypeAlias = "list[tuple[datetime, Event]]"


@dataclass(slots=True)
class ChannelReplay:
    """A channel: the events that it is notified of, and its messages, in all and by minute (UTC)."""

    events: int = 0
    messages: int = 0
    minutes: Counter[datetime] = field(default_factory=Counter)

    @property
    def busiest_minute(self) -> tuple[datetime, int] | None:
        """The minute with the most messages, and how many they are; the first of several."""
        return max(self.minutes.items(), key=lambda item: (item[1], -item[0].timestamp()), default=None)


@dataclass(slots=True)
class ReplayCounts:
    """Counts over events: `routes` (mutes are some) and `silences` by `POLICY/ID`, `evidence` by `CLASS/EVIDENCE`.

    Those of parts of the events add up to those of all.
    """

    events: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    silences: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    channels: dict[str, ChannelReplay] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, received: Received, at: datetime) -> None:
        """Count an event that arrives at a time."""
        self.events += 1
        self._span(at, at)
        if received.decision is None:
            reason = received.reason or received.outcome or RecordOutcome.FAILED
            self.passed_over[str(reason)] += 1
            return
        verdict = received.decision.verdict
        self.classes[verdict.actor.name] += 1
        self.fates[fate(verdict)] += 1
        if verdict.evidence is not None:
            self.evidence[f"{verdict.actor.name}/{verdict.evidence.id}"] += 1
        self.routes.update(verdict.routes)
        self.silences.update(f"{silence.policy}/{silence.id}" for silence in verdict.silences)
        for request in verdict.requests:
            self._channel(request.channel).events += 1

    def add_message(self, posted: PostedMessage) -> None:
        """Count a message."""
        channel = self._channel(posted.message.channel)
        channel.messages += 1
        channel.minutes[posted.at.replace(second=0, microsecond=0)] += 1

    def merge(self, other: ReplayCounts) -> None:
        """Add the counts of other events."""
        self.events += other.events
        if other.first is not None and other.last is not None:
            self._span(other.first, other.last)
        for counts, more in zip(self._counters(), other._counters(), strict=True):
            counts.update(more)
        for name, channel in other.channels.items():
            self._channel(name).events += channel.events
        self.merge_messages(other)

    def merge_messages(self, other: ReplayCounts) -> None:
        """Add the messages alone."""
        for name, channel in other.channels.items():
            mine = self._channel(name)
            mine.messages += channel.messages
            mine.minutes.update(channel.minutes)

    def _counters(self) -> tuple[Counter[str], ...]:
        return self.passed_over, self.fates, self.classes, self.routes, self.silences, self.evidence

    def _channel(self, name: str) -> ChannelReplay:
        return self.channels.setdefault(name, ChannelReplay())

    def _span(self, first: datetime, last: datetime) -> None:
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


class Replay:
    """Replays events by a policy set; `counts` are those over all events so far."""

    def __init__(self, setting: Setting, now: datetime) -> None:
        """`now` is the time of events that have none."""
        self.setting = setting
        self.now = now
        self.counts = ReplayCounts()

    def run(self, events: Iterable[Event]) -> Iterator[Received]:
        """Replay events; yields each with its decision, in the order of arrival. At the end, open incidents run out."""
        messages = _Messages(self.setting, self.counts.add_message)
        for at, received in self._decided(_batches(_parts(events, self.now, SORTED))):
            if received.outcome is None:
                messages.add(at, received)
            yield received
        messages.finish()

    def decide(self, events: Iterable[Event]) -> Iterator[tuple[datetime, Received]]:
        """The decisions of a part of the events, each with its time, and no messages, which depend on the other parts, too."""
        for part in _parts(events, self.now, SORTED_PART):
            yield from self._decided(_batches([part]))

    def never_held(self) -> dict[str, list[str]]:
        """Routes, silences and evidence that no event met, by `POLICY/ID` and `CLASS/EVIDENCE`."""
        policies, counts = self.setting.policies, self.counts
        known = {
            "routes": [f"{policy.name}/{route.id}" for policy in policies.policies for route in policy.routes],
            "silences": [f"{policy.name}/{silence.id}" for policy in policies.policies for silence in policy.silences],
            "evidence": [f"{actor.name}/{sign.id}" for actor, sign in policies.evidence],
        }
        held = {"routes": counts.routes, "silences": counts.silences, "evidence": counts.evidence}
        return {part: [name for name in names if name not in held[part]] for part, names in known.items()}

    def _decided(self, batches: Iterable[_TimedEvents]) -> Iterator[tuple[datetime, Received]]:
        """Events with their decisions and the times at which they arrive, counted."""
        for batch in batches:
            ports = _PORTS._replace(now=partial(_same, batch[-1][0]))
            for received in process_records((event for _, event in batch), self.setting, ports):
                at = batch[received.number][0]
                self.counts.add(received, at)
                yield at, received


class _Messages:
    """What the function posts about the events that notify somebody, which arrive in batches."""

    def __init__(self, setting: Setting, take: Callable[[PostedMessage], None]) -> None:
        self._setting = setting
        self._take = take
        self._simulation: Simulation | None = None
        self._batch: list[Received] = []
        self._first = self._last = datetime.min.replace(tzinfo=UTC)

    def add(self, at: datetime, received: Received) -> None:
        """Take an event at a time that is not before the last one."""
        if len(self._batch) == BATCH or at - self._first > timedelta(seconds=BATCH_SECONDS):
            self._arrive()
        if not self._batch:
            self._first = at
        self._last = at
        self._batch.append(received)

    def finish(self) -> None:
        """Let the time go on until every incident is over and nothing is owed."""
        self._arrive()
        if self._simulation is not None:
            self._simulation.finish()

    def _arrive(self) -> None:
        if self._batch:
            self._simulation = self._simulation or Simulation(self._setting, self._first, self._take)
            self._simulation.arrive(self._batch, self._last)
            self._batch = []


def _same(time: datetime) -> datetime:
    return time


def _unused(*_: object) -> Any:  # noqa: ANN401  never called
    raise AssertionError("a replay posts nothing by itself")


_PORTS: Final = Ports(
    post=_unused,
    webhook=_unused,
    emit=lambda _: None,
    now=_unused,
    elapsed=lambda: 0.0,
    sleep=_unused,
    remaining=_unused,
)
"""What deciding needs beside the clock, which is that of the events: an audit log, which nobody reads."""


def fate(verdict: Verdict) -> str:
    """What became of an event, in a word or two."""
    if verdict.requests:
        return "notified by default" if verdict.defaulted else "notified"
    return "muted" if verdict.mutes else "silenced" if verdict.silences else "nobody notified"


def _batches(parts: Iterable[_TimedEvents]) -> Iterator[_TimedEvents]:
    """Events with their times, in batches of the order in which they happened."""
    last = datetime.min.replace(tzinfo=UTC)
    for part in parts:
        batch: _TimedEvents = []
        for time, event in sorted(part, key=lambda item: item[0]):
            arrival = max(time, last)
            if batch and (len(batch) == BATCH or arrival - batch[0][0] > timedelta(seconds=BATCH_SECONDS)):
                yield batch
                batch = []
            last = arrival
            batch.append((arrival, event))
        if batch:
            yield batch


def _parts(events: Iterable[Event], now: datetime, size: int) -> Iterator[_TimedEvents]:
    part: _TimedEvents = []
    for event in events:
        part.append((time_of(event.record.get("eventTime")) or now, event))
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Counts, the highest first, equal ones by name: in the same order, whichever part of the events was counted first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def as_json(replay: Replay) -> dict[str, Any]:
    """The counts as JSON."""
    counts = replay.counts
    return {
        "revision": replay.setting.policies.revision,
        "events": counts.events,
        "first": _iso(counts.first),
        "last": _iso(counts.last),
        "passed_over": dict(ranked(counts.passed_over)),
        "fates": dict(ranked(counts.fates)),
        "classes": dict(ranked(counts.classes)),
        "channels": {name: _channel_json(channel) for name, channel in sorted(counts.channels.items())},
        "routes": dict(ranked(counts.routes)),
        "silences": dict(ranked(counts.silences)),
        "evidence": dict(ranked(counts.evidence)),
        "never_held": replay.never_held(),
    }


def _channel_json(channel: ChannelReplay) -> Mapping[str, Any]:
    busiest = channel.busiest_minute
    hours: Counter[str] = Counter()
    for minute, count in channel.minutes.items():
        hours[minute.strftime("%Y-%m-%dT%H:00:00Z")] += count
    return {
        "events": channel.events,
        "messages": channel.messages,
        "hours": dict(sorted(hours.items())),
        "busiest_minute": None if busiest is None else {"minute": busiest[0].isoformat(), "messages": busiest[1]},
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
