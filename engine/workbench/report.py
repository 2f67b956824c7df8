"""What a report shows of a replay beside its counts: who did it, on what, and which way events went from class to channel.

Everything is masked as `trailbell replay --list` masks it, and so much of it is kept that memory stays bounded.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Field
from engine.workbench.policy_diff import shown
from engine.workbench.replay import SLACK_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model import PolicySet, Verdict
    from engine.pipeline.total import Received
    from engine.workbench.replay import ChannelReplay

SLACK_PER_HOUR: Final = 60 * SLACK_PER_MINUTE
NAMES_MAX: Final = 20_000
"""Different values that are counted for a field; those that come after them count together, as `OTHERS`."""

OTHERS: Final = "(others)"
NOTHING: Final = "(not shown)"
"""A value that the event does not have, or that its level does not show."""

TALLIED: Final = (Field.NAME, Field.BUCKET, Field.EVENT)

POINTS_MAX: Final = 400
"""Points of a line over time."""

_HOUR: Final = timedelta(hours=1)
_STEPS: Final = (1, 6, 24, 168)
_WEEK: Final = 7 * 24


class Flow(NamedTuple):
    """A way of events: from a class, through a route (a mute, a silence), to a channel or to nobody."""

    actor: str
    route: str
    end: str


@dataclass(slots=True)
class ReplayTallies:
    """Events that were decided, counted by `event`, `name` and `bucket` as messages show them, and by their ways."""

    fields: dict[Field, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in TALLIED})
    flows: Counter[Flow] = field(default_factory=Counter)

    def add(self, received: Received, policies: PolicySet) -> None:
        """Count an event that was replayed by a policy set, if it was decided."""
        if received.event is None or received.decision is None:
            return
        verdict = received.decision.verdict
        values = shown(received.event, verdict, policies).values
        for name, counts in self.fields.items():
            _add(counts, values.get(name, NOTHING), 1)
        self.flows.update(ways(verdict))

    def merge(self, other: ReplayTallies) -> None:
        """Add the counts of other events."""
        for name, counts in self.fields.items():
            for value, count in other.fields[name].items():
                _add(counts, value, count)
        self.flows.update(other.flows)


def _add(counts: Counter[str], value: str, count: int) -> None:
    counts[value if value in counts or len(counts) < NAMES_MAX else OTHERS] += count


def ways(verdict: Verdict) -> Iterator[Flow]:
    """The ways of an event: one for each route and channel, so they may be several."""
    actor = verdict.actor.name
    if verdict.requests:
        yield from (Flow(actor, route, request.channel) for request in verdict.requests for route in request.routes)
        return
    quieted = [*((rule, "muted") for rule in verdict.mutes), *((rule, "silenced") for rule in verdict.silences)]
    yield from (Flow(actor, f"{rule.policy}/{rule.id}", f"({how})") for rule, how in quieted)
    if not quieted:
        yield Flow(actor, "(no route)", "(nobody)")


# --- messages over time -------------------------------------------------------------------------------------------------------


def by_hour(channel: ChannelReplay) -> Counter[datetime]:
    """A channel's messages by hour."""
    hours: Counter[datetime] = Counter()
    for minute, count in channel.minutes.items():
        hours[minute.replace(minute=0)] += count
    return hours


class TimeLine(NamedTuple):
    """Counts over time: one for each `step` hours from `start` on, of the hour in it that has the most."""

    start: datetime
    step: int
    values: tuple[int, ...]


def time_lines(channels: Mapping[str, Mapping[datetime, int]]) -> dict[str, TimeLine]:
    """Messages in an hour by channel, all over the same time and of at most `POINTS_MAX` points."""
    hours = [hour for counts in channels.values() for hour in counts]
    if not hours:
        return {}
    whole = (max(hours) - min(hours)) // _HOUR + 1
    step = next((step for step in _STEPS if whole <= step * (POINTS_MAX - 1)), math.ceil(whole / (POINTS_MAX - 1)))
    start = datetime.fromtimestamp(min(hours).timestamp() // (step * 3600) * (step * 3600), UTC)
    points = (max(hours) - start) // _HOUR // step + 1
    lines: dict[str, TimeLine] = {}
    for name, counts in channels.items():
        values = [0] * points
        for hour, count in counts.items():
            point = (hour - start) // _HOUR // step
            values[point] = max(values[point], count)
        lines[name] = TimeLine(start, step, tuple(values))
    return lines


def week_means(counts: Mapping[datetime, int], first: datetime, last: datetime) -> tuple[float, ...]:
    """The mean of messages in each hour of the week, from Monday 0:00 (UTC) on, over the hours from `first` to `last`."""
    start = first.replace(minute=0, second=0, microsecond=0)
    whole, offset = (last - start) // _HOUR + 1, _of_week(start)
    sums = [0] * _WEEK
    for hour, count in counts.items():
        sums[_of_week(hour)] += count
    return tuple(total / max(1, (whole - (place - offset) % _WEEK + _WEEK - 1) // _WEEK) for place, total in enumerate(sums))


def _of_week(hour: datetime) -> int:
    return 24 * hour.weekday() + hour.hour
