"""Read the files of policy tests: check them by their schema, and load each case's event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.lint.cases import case_file_findings
from engine.model import Event, Finding
from engine.pipeline.facts import facts
from engine.policy import codes
from engine.policy.load import event_path, read, read_event
from engine.workbench.cases import Case, merged

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
        yield from (_case(node, source.path) for node in tests.items())


def _case(node: YamlNode, path: str) -> Case | Finding:
    event_node = node.at("event") or node
    record: Any = node.value["event"]
    if isinstance(record, str):
        name = record
        record, problem = read_event(event_path(path, name))
        if problem:
            return Finding(codes.NO_EVENT, event_node.where, f"event: {name}: {problem}", "name a JSON file relative to this one")
    record = merged(record, node.value.get("override", {}))
    now = _timestamp(node.value.get("now"))
    if "now" in node.value and now is None:
        where = (node.at("now") or node).where
        return Finding(codes.TIME, where, "now is not a time with a time zone", "write it like 2026-11-01T00:00:00Z")
    now = now or facts(Event(record, "")).time
    if now is None:
        instead = "give it a time with now: 2026-11-01T00:00:00Z"
        return Finding(codes.NO_EVENT, event_node.where, "the event has no time", instead)
    return Case(node.value["name"], f"{node.where.path}:{node.where.line}", record, now, node.value["expect"])


def _timestamp(text: object) -> datetime | None:
    """Return a time in UTC, None if the text is not a time with a time zone."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo is not None else None
