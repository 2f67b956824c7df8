"""The benchmark measures what it says: the same records each time, and engines that answer alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from bench import linting
from bench.baseline import Linear
from bench.competitors import ENGINES
from bench.curve import curve
from bench.generate import Shape, records, rules, write_policies
from bench.report import Part, Row, as_json, table
from bench.timing import Job, side_by_side, whole_process
from engine.model import Event
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide
from engine.policy.load import load

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_records_are_the_same_for_the_same_seed() -> None:
    made = rules(Shape.USUAL, 20)
    assert list(records(made, 30)) == list(records(made, 30))
    assert list(records(made, 30)) != list(records(made, 30, seed=7))


def test_a_record_is_about_two_kilobytes() -> None:
    sizes = [len(json.dumps(record, separators=(",", ":"))) for record in records(rules(Shape.USUAL, 20), 200)]
    assert 1_700 < sum(sizes) / len(sizes) < 2_300


@pytest.mark.parametrize("shape", Shape, ids=lambda shape: shape.name)
def test_the_baseline_decides_as_the_engine_does(shape: Shape, tmp_path: Path) -> None:
    made = rules(shape, 30)
    policies = load(write_policies(tmp_path, made))
    linear = Linear(policies)
    found = list(records(made, 60))
    assert [linear.decide(record, NOW) for record in found] == [
        decision_json(decide(Event(record, "bench"), policies, NOW)) for record in found
    ]


@pytest.mark.parametrize("shape", Shape, ids=lambda shape: shape.name)
def test_nine_in_ten_records_satisfy_a_rule(shape: Shape, tmp_path: Path) -> None:
    made = rules(shape, 30)
    policies = load(write_policies(tmp_path, made))
    held = [bool(decide(Event(record, "bench"), policies, NOW).verdict.routes) for record in records(made, 300)]
    assert 0.8 < sum(held) / len(held) <= 1


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_finds_the_same_rule(name: str) -> None:
    made = rules(Shape.USUAL, 30)
    found = list(records(made, 60))
    try:
        ask = ENGINES[name](made)
    except ImportError:
        pytest.skip("this engine comes with make bench only")
    expected = ENGINES["jmespath.py, linear"](made)
    assert [ask(record) or None for record in found] == [expected(record) for record in found]


def test_jobs_are_timed_by_what_they_do() -> None:
    times = side_by_side({"short": Job(lambda n: sum(range(n)), [100]), "long": Job(lambda n: sum(range(n)), [10_000])}, rounds=3)
    assert times["long"] > 5 * times["short"] > 0


def test_a_process_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="a measured process failed"):
        whole_process({"fails": ["-c", "raise SystemExit(1)"]}, rounds=1)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("a", 12, 6, 12), "good"),
        (Row("a", 7, 6, 12), "reached"),
        (Row("a", 5, 6, 12), "missed"),
        (Row("a", 1.2, 2, 1.3, faster=False), "good"),
        (Row("a", 2, 2, 1.3, faster=False), "reached"),
        (Row("a", 2.1, 2, 1.3, faster=False), "missed"),
        (Row("a", 9), ""),
        (Row("a", 0.15, 0.2, 0.1, faster=False, unit="ms"), "reached"),
    ],
)
def test_a_verdict_compares_a_ratio_with_its_targets(row: Row, verdict: str) -> None:
    assert row.verdict == verdict
    assert verdict in "\n".join(table([row]))


def test_the_report_keeps_every_row() -> None:
    rows = (Row("one", 2.0, 1, 2), Row("two", 3.0))
    found = as_json({"part": Part(rows, {"figures": 1}, ("x: not installed, skipped",))})
    assert [row["what"] for row in found["rows"]] == ["one", "two"]
    assert found["skipped"] == ["x: not installed, skipped"]


def test_the_curve_is_an_svg_with_a_line_for_each_engine() -> None:
    drawn = ET.fromstring(curve("A & B", {"ours": {10: 2.0, 100: 2.5}, "<theirs>": {10: 30.0, 100: 300.0}}, {"ours"}))  # noqa: S314  our own text
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{space}polyline")) == 2
    assert {"ours: 2.5 µs", "<theirs>: 300 µs"} <= {text.text for text in drawn.findall(f"{space}text")}


def test_the_set_that_is_linted_has_ten_routes_a_policy_and_no_finding() -> None:
    files = linting.policies(3)
    assert [text.count(b"- {id: ") for text in files.values()] == [0, 10, 10, 10]
    assert linting.findings(files) == 0
