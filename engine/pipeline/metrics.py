"""Metrics in CloudWatch's embedded metric format: how every record ended, and what became of each message.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from engine.model import Outcome, RecordOutcome
from engine.pipeline.delivery_log import Drained

NAMESPACE: Final = "Trailbell"

VALUES_MAX: Final = 100
"""Values of one metric in a line of the embedded metric format."""


class Tally(NamedTuple):
    """What one invocation did, in counts. `records` adds up to `received`; `messages` counts events by channel and outcome.

    `suppressed` counts by `policy/id` what each mute and silence kept from being sent. `unaccounted` counts requested
    notifications without an outcome: always 0, unless Trailbell itself is wrong. `passed_over` counts by
    reason what was passed over, `foreign` what of that is not CloudTrail's. `void_rules` counts how often a mute or silence held
    that is void because it is not allowed. `handed_back` counts batch items that were not read to their end, for want of time,
    `shadow_decided` events that a shadow set decided, too, and `shadow_differs` those of them that it decides otherwise.
    `buckets` are those of decided events, up to a thousand. `probe_minutes`: how long the quickest of the probe's events was on
    its way, None where none came.
    """

    received: int
    records: Mapping[RecordOutcome, int]
    messages: Mapping[tuple[str, Outcome], int]
    classes: Mapping[str, int]
    failed_matchers: int
    hash_missing: int
    suppressed: Mapping[str, int]
    unaccounted: int = 0
    passed_over: Mapping[str, int] = MappingProxyType({})
    foreign: int = 0
    void_rules: int = 0
    handed_back: int = 0
    shadow_decided: int = 0
    shadow_differs: int = 0
    buckets: frozenset[str] = frozenset()
    probe_minutes: float | None = None

    @property
    def adds_up(self) -> bool:
        """Whether every record and every requested notification has exactly one outcome."""
        return self.received == sum(self.records.values()) and not self.unaccounted


def summed(tallies: Iterable[Tally]) -> Tally:
    """The sum of several batches."""
    total = Tally(0, {}, {}, {}, 0, 0, {})
    for tally in tallies:
        total = Tally(
            total.received + tally.received,
            Counter(total.records) + Counter(tally.records),
            Counter(total.messages) + Counter(tally.messages),
            Counter(total.classes) + Counter(tally.classes),
            total.failed_matchers + tally.failed_matchers,
            total.hash_missing + tally.hash_missing,
            Counter(total.suppressed) + Counter(tally.suppressed),
            total.unaccounted + tally.unaccounted,
            Counter(total.passed_over) + Counter(tally.passed_over),
            total.foreign + tally.foreign,
            total.void_rules + tally.void_rules,
            total.handed_back + tally.handed_back,
            total.shadow_decided + tally.shadow_decided,
            total.shadow_differs + tally.shadow_differs,
            total.buckets | tally.buckets,
            min((one for one in (total.probe_minutes, tally.probe_minutes) if one is not None), default=None),
        )
    return total


def metrics(tally: Tally, revision: str, now: datetime, function: str | None = None) -> list[dict[str, Any]]:
    """The lines to log: one for the invocation, one for each requested channel, one for each class seen.

    Each has the function among its dimensions, where its name is known: two functions of one account do not hide each other.
    `FromCloudTrail` is what was received but for what is not CloudTrail's: by it one can tell that events no longer arrive.
    """
    by = _by(function)
    records = {_camel(outcome.value): tally.records.get(outcome, 0) for outcome in RecordOutcome}
    whole: dict[str, int | float | list[float]] = {
        "Received": tally.received,
        "FromCloudTrail": tally.received - tally.foreign,
        "NotCloudTrail": tally.foreign,
        **records,
        "DoesNotAddUp": int(not tally.adds_up),
        "FailedMatchers": tally.failed_matchers,
        "VoidRules": tally.void_rules,
        "HashKeyMissing": tally.hash_missing,
        "HandedBack": tally.handed_back,
        **({"ShadowDecided": tally.shadow_decided, "ShadowDiffers": tally.shadow_differs} if tally.shadow_decided else {}),
        **({"ProbeMinutes": round(tally.probe_minutes, 2)} if tally.probe_minutes is not None else {}),
    }
    channels = dict.fromkeys(channel for channel, _ in tally.messages)
    return [
        _line(whole, by, now, {"revision": revision, **({"passed_over": dict(tally.passed_over)} if tally.passed_over else {})}),
        *(_line(_of_channel(tally, channel), {**by, "Channel": channel}, now) for channel in channels),
        *(_line({"Decided": count}, {**by, "Class": name}, now) for name, count in tally.classes.items()),
    ]


def sending_metrics(drained: Drained, now: datetime, function: str | None = None) -> list[dict[str, Any]]:
    """The lines to log for each channel that something was sent to, or owed: what became of it, and how long it took.

    `SecondsFromEvent` and `SecondsFromArrival` are those of every alert that Slack took, as values, so that CloudWatch has their
    percentiles. `PostFailed` counts posts that were not taken, `OldestOwedSeconds` is how long an alert has been waiting.
    For the function as a whole there are all of these times, and how many events were given up: for alarms.
    """
    channels = dict.fromkeys([*(channel for channel, _ in drained.events), *drained.failed_posts, *drained.oldest])
    if not channels:
        return []
    whole: dict[str, int | float | list[float]] = {
        "OldestOwedSeconds": round(max(drained.oldest.values(), default=0.0)),
        "GivenUp": sum(count for (_, outcome), count in drained.events.items() if outcome is Outcome.FAILED),
    }
    return [
        _line(whole | _latencies(drained.latencies, channels), _by(function), now),
        *_sent_lines(drained, channels, now, function),
    ]


def _sent_lines(drained: Drained, channels: Iterable[str], now: datetime, function: str | None) -> list[dict[str, Any]]:
    return [_sent_line(drained, channel, {**_by(function), "Channel": channel}, now) for channel in channels]


def _latencies(by_channel: Mapping[str, Sequence[tuple[float, float]]], channels: Iterable[str]) -> dict[str, list[float]]:
    """How long alerts of some channels took, from the event and from its arrival."""
    latencies = [pair for channel in channels for pair in by_channel.get(channel, ())][:VALUES_MAX]
    if not latencies:
        return {}
    return {
        "SecondsFromEvent": [round(seconds, 1) for seconds, _ in latencies],
        "SecondsFromArrival": [round(seconds, 1) for _, seconds in latencies],
    }


def _sent_line(drained: Drained, channel: str, dimensions: Mapping[str, str], now: datetime) -> dict[str, Any]:
    counts: dict[str, int | float | list[float]] = {
        f"Message{_camel(outcome.value)}": count for (name, outcome), count in drained.events.items() if name == channel
    }
    counts["PostFailed"] = drained.failed_posts.get(channel, 0)
    counts |= _latencies(drained.latencies, [channel])
    counts["OldestOwedSeconds"] = round(drained.oldest.get(channel, 0.0))
    return _line(counts, dimensions, now)


def policies_metric(age: float | None, rejected: int, now: datetime, function: str | None = None) -> dict[str, Any]:
    """The line to log where published policies are used: sets rejected, and seconds since the active set was published.

    `age` None: it never was.
    """
    aged = {} if age is None else {"PolicySetAge": round(age)}
    return _line({**aged, "PolicySetRefused": rejected}, _by(function), now)


def shadow_refused_metric(reason: str, now: datetime, function: str | None = None) -> dict[str, Any]:
    """The line to log where a shadow set could not be read or was refused, with the reason: places and codes, never a value."""
    return _line({"ShadowSetRefused": 1}, _by(function), now, {"reason": reason})


def silence_metric(bucket: str, hours: float, now: datetime, function: str | None = None) -> dict[str, Any]:
    """The line to log where buckets are expected to have events: which has had none for longest, and for how many hours."""
    return _line({"HoursSinceEvent": round(hours, 2)}, _by(function), now, {"bucket": bucket})


def probe_failed_metric(reason: str, now: datetime, function: str | None = None) -> dict[str, Any]:
    """The line to log where the probe's object could not be read, with the reason."""
    return _line({"ProbeReadFailed": 1}, _by(function), now, {"reason": reason})


def _by(function: str | None) -> dict[str, str]:
    return {} if function is None else {"Function": function}


def _of_channel(tally: Tally, channel: str) -> dict[str, int]:
    return {f"Message{_camel(outcome.value)}": tally.messages.get((channel, outcome), 0) for outcome in Outcome}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _line(
    counts: Mapping[str, int | float | list[float]],
    dimensions: Mapping[str, str],
    now: datetime,
    properties: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "Seconds" if "Seconds" in name else "Count"} for name in counts],
    }
    return {
        "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        **(properties or {}),
        **counts,
    }
