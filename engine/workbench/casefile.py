"""Files of policy tests: read, checked by their schema, each case with its event."""

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

    from engine.policy.source import Node, Source


def read_cases(path: Path) -> tuple[tuple[Case, ...], tuple[Finding, ...]]:
    """Every case of a file, or of all YAML files under a folder, in order; and what is wrong with those that cannot be run."""
    read_of_all = [one for source in read(path) for one in _of_file(source)]
    cases = tuple(one for one in read_of_all if isinstance(one, Case))
    return cases, tuple(one for one in read_of_all if isinstance(one, Finding))


def _of_file(source: Source) -> Iterator[Case | Finding]:
    findings = tuple(case_file_findings(source))
    yield from findings
    tests = source.root.at("tests") if source.root is not None else None
    if tests is not None and all(finding.code == codes.TWICE for finding in findings):
        yield from (_case(node, source.path) for node in tests.items())


def _case(node: Node, path: str) -> Case | Finding:
    given = node.value["event"]
    event_node = node.at("event") or node
    record: Any = given
    if isinstance(given, str):
        record, wrong = read_event(event_path(path, given))
        if wrong:
            return Finding(codes.NO_EVENT, event_node.where, f"event: {given}: {wrong}", "name a JSON file relative to this one")
    record = merged(record, node.value.get("override", {}))
    now = _moment(node.value.get("now"))
    if "now" in node.value and now is None:
        where = (node.at("now") or node).where
        return Finding(codes.TIME, where, "now is not a time with its zone", "write it like 2026-11-01T00:00:00Z")
    now = now or facts(Event(record, "")).time
    if now is None:
        instead = "say when it is decided with now: 2026-11-01T00:00:00Z"
        return Finding(codes.NO_EVENT, event_node.where, "the event has no time", instead)
    return Case(node.value["name"], f"{node.where.path}:{node.where.line}", record, now, node.value["expect"])


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
