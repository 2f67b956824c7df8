"""Metrics in CloudWatch's embedded metric format: how every record ended, and what became of each message.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import End, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

NAMESPACE: Final = "Trailbell"


class Tally(NamedTuple):
    """What one invocation did, in counts. `ends` adds up to `received`; `outcomes` count events by channel and outcome.

    `hushed` counts by `policy/id` what each mute and silence kept away. `untold` counts what a channel was to hear of and nobody
    says what became of it: never any, unless Trailbell itself is wrong.
    """

    received: int
    ends: Mapping[End, int]
    outcomes: Mapping[tuple[str, Outcome], int]
    classes: Mapping[str, int]
    failed_matchers: int
    hash_missing: int
    hushed: Mapping[str, int]
    untold: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every record that came in ended in exactly one way, and so did everything that a channel was to hear of."""
        return self.received == sum(self.ends.values()) and not self.untold


def summed(tallies: Iterable[Tally]) -> Tally:
    """What several batches came to together."""
    whole = Tally(0, {}, {}, {}, 0, 0, {})
    for one in tallies:
        whole = Tally(
            whole.received + one.received,
            Counter(whole.ends) + Counter(one.ends),
            Counter(whole.outcomes) + Counter(one.outcomes),
            Counter(whole.classes) + Counter(one.classes),
            whole.failed_matchers + one.failed_matchers,
            whole.hash_missing + one.hash_missing,
            Counter(whole.hushed) + Counter(one.hushed),
            whole.untold + one.untold,
        )
    return whole


def metrics(tally: Tally, revision: str, now: datetime, function: str | None = None) -> list[dict[str, Any]]:
    """The lines to log: one for the invocation, one for each channel that was asked for, one for each class seen.

    Each has the function among its dimensions, where its name is known: two functions of one account do not hide each other.
    """
    by = _by(function)
    ends = {_camel(end.value): tally.ends.get(end, 0) for end in End}
    whole = {
        "Received": tally.received,
        **ends,
        "DoesNotAddUp": int(not tally.adds_up),
        "FailedMatchers": tally.failed_matchers,
        "HashKeyMissing": tally.hash_missing,
    }
    channels = dict.fromkeys(channel for channel, _ in tally.outcomes)
    return [
        _line(whole, by, now, {"revision": revision}),
        *(_line(_of_channel(tally, channel), {**by, "Channel": channel}, now) for channel in channels),
        *(_line({"Decided": count}, {**by, "Class": name}, now) for name, count in tally.classes.items()),
    ]


def policies_metric(age: float | None, refused: int, now: datetime, function: str | None = None) -> dict[str, Any]:
    """The line to log where published policies are followed: sets refused, and seconds since the set in force was published.

    `age` None: it never was.
    """
    aged = {} if age is None else {"PolicySetAge": round(age)}
    return _line({**aged, "PolicySetRefused": refused}, _by(function), now)


def _by(function: str | None) -> dict[str, str]:
    return {} if function is None else {"Function": function}


def _of_channel(tally: Tally, channel: str) -> dict[str, int]:
    return {f"Message{_camel(outcome.value)}": tally.outcomes.get((channel, outcome), 0) for outcome in Outcome}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _line(
    counts: Mapping[str, int], dimensions: Mapping[str, str], now: datetime, properties: Mapping[str, str] | None = None
) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    return {
        "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        **(properties or {}),
        **counts,
    }
