"""Read the files of policy tests: check them by their schema, and load each case's event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.lint.cases import case_file_findings
from engine.model import Event, Finding
from engine.pipeline.facts import facts
from engine.policy import codes
from engine.policy.durations import seconds_of
from engine.policy.load import arrivals_of, event_path, read, read_event
from engine.workbench.cases import Arrival, Case, merged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.policy.source import Source, YamlNode


def read_cases(path: Path) -> tuple[tuple[Case, ...], tuple[Finding, ...]]:
    """Return the cases of a file, or of all YAML files under a folder, in order, and findings for those that cannot be run."""
    results = [result for source in read(path) for result in _of_file(source)]
    cases = tuple(result for result in results if isinstance(result, Case))
    return cases, tuple(result for result in results if isinstance(result, Finding))


def _of_file(source: Source) -> Iterator[Case | Finding]:
    findings = tuple(case_file_findings(source))
    yield from findings
    tests = source.root.at("tests") if source.root is not None else None
    if tests is not None and all(finding.code == codes.TWICE for finding in findings):
        for node in tests.items():
            yield from _case(node, source.path)


def _case(node: YamlNode, path: str) -> Iterator[Case | Finding]:
    """A case; where one of its events cannot be decided, why."""
    now = _timestamp(node.value.get("now"))
    if "now" in node.value and now is None:
        where = (node.at("now") or node).where
        yield Finding(codes.TIME, where, "now is not a time with a time zone", "write it like 2026-11-01T00:00:00Z")
        return
    arrivals = [_arrival(part, path, now) for part in arrivals_of(node)]
    findings = [arrival for arrival in arrivals if isinstance(arrival, Finding)]
    yield from findings
    if not findings:
        known = tuple(arrival for arrival in arrivals if isinstance(arrival, Arrival))
        yield Case(node.value["name"], f"{node.where.path}:{node.where.line}", known, node.value["expect"])


def _arrival(node: YamlNode, path: str, now: datetime | None) -> Arrival | Finding:
    event_node = node.at("event") or node
    record: Any = node.value["event"]
    if isinstance(record, str):
        name = record
        record, problem = read_event(event_path(path, name))
        if problem:
            return Finding(codes.NO_EVENT, event_node.where, f"event: {name}: {problem}", "name a JSON file relative to this one")
    record = merged(record, node.value.get("override", {}))
    now = now or facts(Event(record, "")).time
    if now is None:
        instead = "give it a time with now: 2026-11-01T00:00:00Z"
        return Finding(codes.NO_EVENT, event_node.where, "the event has no time", instead)
    after = seconds_of(node.value["after"]) if "after" in node.value else 0
    return Arrival(record, now, after, node.value.get("repeat", 1))


def _timestamp(text: object) -> datetime | None:
    """Return a time in UTC, None if the text is not a time with a time zone."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo is not None else None
