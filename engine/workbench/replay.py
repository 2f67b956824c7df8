"""What a policy set does with events of the past: who would have heard what, how often, and which rules never held.

Events go through the function's own steps on a simulated clock, at the times at which they happened, so messages are counted as
incidents and digests make them. Up to `SORTED` events at a time are put in order; one that comes later than that arrives late.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from engine.model import Ports, RecordOutcome
from engine.pipeline.batch import process_records
from engine.pipeline.facts import time_of
from engine.workbench.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.model import Event, Verdict
    from engine.pipeline.setting import Setting
    from engine.pipeline.total import Received
    from engine.workbench.simulation import PostedMessage

SORTED: Final = 100_000
"""Events that are put in the order of their times at once."""

BATCH: Final = 100
BATCH_SECONDS: Final = 5
"""What makes a batch: so many events, or events of so many seconds, as the queue hands them to the function."""

SLACK_PER_MINUTE: Final = 60
"""Messages that Slack takes for one webhook. Source: https://docs.slack.dev/apis/web-api/rate-limits/ (one a second)."""


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
class Replay:
    """Counts over all events so far: `routes` (mutes are some) and `silences` by `POLICY/ID`, `evidence` by `CLASS/EVIDENCE`."""

    setting: Setting
    now: datetime
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
    _simulation: Simulation | None = None

    def run(self, events: Iterable[Event]) -> Iterator[Received]:
        """Replay events; yields each with its decision, in the order of arrival. At the end, open incidents run out."""
        for batch in _batches(events, self.now):
            at = max(time for time, _ in batch)
            simulation = self._simulation = self._simulation or Simulation(self.setting, batch[0][0], self._count_message)
            received = tuple(
                process_records((event for _, event in batch), self.setting, _PORTS._replace(now=partial(_same, at)))
            )
            simulation.arrive(received, at)
            for record in received:
                self._count(record)
                yield record
            self.first = min(self.first or batch[0][0], batch[0][0])
            self.last = max(self.last or at, at)
        if self._simulation is not None:
            self._simulation.finish()

    def never_held(self) -> dict[str, list[str]]:
        """Routes, silences and evidence that no event met, by `POLICY/ID` and `CLASS/EVIDENCE`."""
        policies = self.setting.policies
        known = {
            "routes": [f"{policy.name}/{route.id}" for policy in policies.policies for route in policy.routes],
            "silences": [f"{policy.name}/{silence.id}" for policy in policies.policies for silence in policy.silences],
            "evidence": [f"{actor.name}/{sign.id}" for actor, sign in policies.evidence],
        }
        held = {"routes": self.routes, "silences": self.silences, "evidence": self.evidence}
        return {part: [name for name in names if name not in held[part]] for part, names in known.items()}

    def _count(self, received: Received) -> None:
        self.events += 1
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
            self.channels.setdefault(request.channel, ChannelReplay()).events += 1

    def _count_message(self, posted: PostedMessage) -> None:
        channel = self.channels.setdefault(posted.message.channel, ChannelReplay())
        channel.messages += 1
        channel.minutes[posted.at.replace(second=0, microsecond=0)] += 1


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


def _batches(events: Iterable[Event], now: datetime) -> Iterator[list[tuple[datetime, Event]]]:
    """Events with their times, in batches of the order in which they happened."""
    last = datetime.min.replace(tzinfo=UTC)
    for part in _parts(events, now):
        batch: list[tuple[datetime, Event]] = []
        for time, event in sorted(part, key=lambda item: item[0]):
            arrival = max(time, last)
            if batch and (len(batch) == BATCH or arrival - batch[0][0] > timedelta(seconds=BATCH_SECONDS)):
                yield batch
                batch = []
            last = arrival
            batch.append((arrival, event))
        if batch:
            yield batch


def _parts(events: Iterable[Event], now: datetime) -> Iterator[list[tuple[datetime, Event]]]:
    part: list[tuple[datetime, Event]] = []
    for event in events:
        part.append((time_of(event.record.get("eventTime")) or now, event))
        if len(part) == SORTED:
            yield part
            part = []
    if part:
        yield part


def as_json(replay: Replay) -> dict[str, Any]:
    """The counts as JSON."""
    return {
        "revision": replay.setting.policies.revision,
        "events": replay.events,
        "first": _iso(replay.first),
        "last": _iso(replay.last),
        "passed_over": dict(replay.passed_over),
        "fates": dict(replay.fates),
        "classes": dict(replay.classes),
        "channels": {name: _channel_json(channel) for name, channel in sorted(replay.channels.items())},
        "routes": dict(replay.routes),
        "silences": dict(replay.silences),
        "evidence": dict(replay.evidence),
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
