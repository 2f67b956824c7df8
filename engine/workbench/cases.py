"""Policy tests: each case decides one event and compares what came of it with what was expected."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.errors import ExpressionError, MatcherError
from engine.matching import search
from engine.model import Event, MatcherKind, MatchResult, TraceEntry
from engine.pipeline.audit import decision_json
from engine.policy.bases import effective
from engine.workbench.explain import Explanation, explain

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from engine.model import PolicySet, Record
    from engine.pipeline.setting import Setting
    from engine.policy.source import Source

Rule: TypeAlias = tuple[MatcherKind, str, str]
"""An evidence, a route or a silence: which of them, its class or policy, its id."""


@dataclass(frozen=True, slots=True)
class Case:
    """One policy test: an event (with its overrides merged in), the time for an event without one, and what is expected."""

    name: str
    where: str
    record: Record = field(repr=False)
    now: datetime
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that was expected, beside what came."""

    what: str
    expected: Any
    actual: Any

    @property
    def holds(self) -> bool:
        """Whether they are the same."""
        return bool(self.expected == self.actual)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case came to."""

    case: Case
    comparisons: tuple[Comparison, ...]
    trace: tuple[TraceEntry, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return all(comparison.holds for comparison in self.comparisons)


def merged(record: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """A record with an override laid over it, mapping into mapping; anything else, null too, replaces what was there."""
    return {
        **record,
        **{
            name: merged(record[name], value) if isinstance(value, dict) and isinstance(record.get(name), dict) else value
            for name, value in override.items()
        },
    }


def check(case: Case, setting: Setting) -> CaseResult:
    """Decide a case's event and compare."""
    explanation = explain(Event(case.record, case.where), setting, case.now)
    return CaseResult(case, tuple(_compare(case.expect, explanation)), explanation.trace)


def _compare(expect: Mapping[str, Any], explanation: Explanation) -> Iterator[Comparison]:
    decision = decision_json(explanation.decision)
    for name in ("class", "kind", "evidence", "strength", "channels", "routes", "defaulted"):
        if name in expect:
            yield Comparison(name, expect[name], decision[name])
    for name in ("mutes", "silences"):
        if name in expect:
            yield Comparison(name, expect[name], [f"{hush['policy']}/{hush['id']}" for hush in decision[name]])
    if "failures" in expect:
        yield Comparison(
            "failures", expect["failures"], [f"{failed['policy']}/{failed['id']}" for failed in decision["failures"]]
        )
    payloads = [message.payload for message in explanation.messages.values()]
    yield from (_message(expression, payloads) for expression in expect.get("message", ()))
    yield from (_never(text, payloads) for text in expect.get("never", ()))


def _message(expression: str, payloads: Sequence[Mapping[str, Any]]) -> Comparison:
    """An expression must be true for every message; without a message it is not."""
    answers = {_true_for(expression, payload) for payload in payloads} or {"no message"}
    return Comparison(f"message: {expression}", "true", " and ".join(sorted(answers)))


def _true_for(expression: str, payload: Mapping[str, Any]) -> str:
    try:
        answer = search(expression, payload)
    except (ExpressionError, MatcherError) as failed:
        return f"failed: {failed}"
    return "true" if answer is True else "not true"


def _never(text: str, payloads: Sequence[Mapping[str, Any]]) -> Comparison:
    """A string that stands nowhere in a payload, neither as it is nor as JSON or Slack write it."""
    spellings = {text, json.dumps(text)[1:-1], text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    written = [json.dumps(payload, ensure_ascii=escaped) for payload in payloads for escaped in (True, False)]
    found = any(spelling in payload for spelling in spellings for payload in written)
    return Comparison(f"never: {text}", "nowhere", "in a message" if found else "nowhere")


# --- coverage ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Covered:
    """An evidence, a route or a silence, and whether some case saw it hold and some case saw it not hold."""

    kind: MatcherKind
    policy: str
    id: str
    held: bool
    not_held: bool


def coverage(results: Iterable[CaseResult], policies: PolicySet, without: Container[Rule] = ()) -> tuple[Covered, ...]:
    """Every evidence, route and silence of a set but those named, in order, with what the cases saw of it."""
    answers = {(asked.kind, asked.policy, asked.id, asked.answer) for result in results for asked in result.trace}

    def covered(kind: MatcherKind, policy: str, name: str, *, always: bool) -> Covered:
        held = (kind, policy, name, MatchResult.HELD) in answers
        other = any((kind, policy, name, answer) in answers for answer in (MatchResult.NOT_HELD, MatchResult.OUT_OF_TIME))
        return Covered(kind, policy, name, held, other or always)

    return tuple(
        covered(kind, policy, name, always=always)
        for kind, policy, name, always in _rules(policies)
        if (kind, policy, name) not in without
    )


def base_rules(sources: Sequence[Source]) -> frozenset[Rule]:
    """The rules that a set has from the base which it extends."""
    return frozenset(
        rule for source in effective(sources) if source.base and source.root is not None for rule in _of_file(source.root.value)
    )


def _of_file(content: Mapping[str, Any]) -> Iterator[Rule]:
    for actor in content.get("actors", ()):
        yield from ((MatcherKind.EVIDENCE, actor["class"], evidence["id"]) for evidence in actor.get("evidence", ()))
    for section, kind in (("routes", MatcherKind.ROUTE), ("silences", MatcherKind.SILENCE)):
        yield from ((kind, content["name"], rule["id"]) for rule in content.get(section, ()))


def _rules(policies: PolicySet) -> Iterator[tuple[MatcherKind, str, str, bool]]:
    """Each with whether it holds always, so that no case can see it not hold."""
    yield from (
        (MatcherKind.EVIDENCE, actor.name, evidence.id, False) for actor in policies.actors for evidence in actor.evidence
    )
    for policy in policies.policies:
        for route in policy.routes:
            yield MatcherKind.ROUTE, policy.name, route.id, route.matcher is None and route.during is None
        yield from ((MatcherKind.SILENCE, policy.name, silence.id, False) for silence in policy.silences)
