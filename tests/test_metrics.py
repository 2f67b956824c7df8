"""The embedded metric format, and the sum that must add up."""

from __future__ import annotations

import json
from typing import Any

from builders import NOW

from engine.model import Outcome, RecordOutcome
from engine.pipeline.drain import Drained
from engine.pipeline.metrics import Tally, metrics, policies_metric, sending_metrics, summed

TALLY = Tally(
    received=5,
    records={RecordOutcome.DELIVERED: 3, RecordOutcome.MUTED: 1, RecordOutcome.UNREADABLE: 1},
    messages={("watch", Outcome.DELIVERED): 2, ("watch", Outcome.DIGESTED): 1, ("ops", Outcome.FALLBACK): 1},
    classes={"human": 3, "unknown": 1},
    failed_matchers=2,
    hash_missing=1,
    suppressed={"payments/nightly": 1},
)


def line_of(dimension: str, value: str) -> dict[str, Any]:
    return next(line for line in metrics(TALLY, "sha256:0", NOW) if line.get(dimension) == value)


def test_the_invocation_has_every_way_a_record_can_end() -> None:
    line = metrics(TALLY, "sha256:0", NOW)[0]
    ends = ("Unreadable", "PassedOver", "Duplicate", "Failed", "Delivered", "Silenced", "Muted")
    assert [line[name] for name in ends] == [1, 0, 0, 0, 3, 0, 1]
    assert (line["Received"], line["DoesNotAddUp"], line["FailedMatchers"], line["HashKeyMissing"]) == (5, 0, 2, 1)


def test_what_is_passed_over_is_told_by_its_reason_and_what_is_not_cloudtrails_apart() -> None:
    line = metrics(TALLY._replace(passed_over={"its name is not selected": 2}, foreign=1), "sha256:0", NOW)[0]
    assert (line["Received"], line["FromCloudTrail"], line["NotCloudTrail"]) == (5, 4, 1)
    assert line["passed_over"] == {"its name is not selected": 2}
    assert "passed_over" not in metrics(TALLY, "sha256:0", NOW)[0]
    both = summed([TALLY._replace(passed_over={"a": 2, "b": 1}, foreign=1), TALLY._replace(passed_over={"a": 1})])
    assert (both.passed_over, both.foreign) == ({"a": 3, "b": 1}, 1)


def test_a_sum_that_does_not_add_up_is_a_metric() -> None:
    wrong = Tally(6, TALLY.records, {}, {}, 0, 0, {})
    assert not wrong.adds_up
    assert metrics(wrong, "sha256:0", NOW)[0]["DoesNotAddUp"] == 1


def test_what_a_channel_never_heard_of_does_not_add_up() -> None:
    wrong = TALLY._replace(unaccounted=1)
    assert TALLY.adds_up
    assert not wrong.adds_up


def test_two_functions_of_one_account_are_told_apart() -> None:
    for line in (*metrics(TALLY, "sha256:0", NOW, "trailbell"), policies_metric(1.0, 0, NOW, "trailbell")):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"][0][0] == "Function"
        assert line["Function"] == "trailbell"


def test_each_channel_and_each_class_has_its_line() -> None:
    assert line_of("Channel", "watch")["MessageDelivered"] == 2
    assert line_of("Channel", "watch")["MessageFailed"] == 0
    assert line_of("Channel", "ops")["MessageFallback"] == 1
    assert line_of("Class", "human")["Decided"] == 3


def test_every_metric_that_is_declared_has_a_number_and_every_dimension_a_value() -> None:
    for line in metrics(TALLY, "sha256:0", NOW):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert all(isinstance(line[metric["Name"]], int) for metric in directive["Metrics"])
        assert all(isinstance(line[name], str) for (names,) in [directive["Dimensions"]] for name in names)
        assert line["_aws"]["Timestamp"] == 1793534400000
        assert json.loads(json.dumps(line)) == line


def test_the_times_of_all_channels_are_those_of_the_function_for_its_alarm() -> None:
    latencies = {"watch": [(300.0, 1.0), (400.0, 2.0)], "ops": [(1_000.0, 3.0)]}
    drained = Drained({("watch", Outcome.DELIVERED): 2, ("ops", Outcome.DELIVERED): 1}, latencies, {}, {}, {})
    whole, *by_channel = sending_metrics(drained, NOW, "trailbell")
    assert "Channel" not in whole
    assert sorted(whole["SecondsFromEvent"]) == [300.0, 400.0, 1_000.0]
    assert {one["Channel"]: one["SecondsFromEvent"] for one in by_channel} == {"watch": [300.0, 400.0], "ops": [1_000.0]}
