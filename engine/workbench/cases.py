"""Policy tests: each case decides events, simulates what is posted about them, and compares both with what is expected."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.errors import ExpressionError, MatcherError
from engine.matching import search
from engine.model import Event, MatcherKind, MatchResult, TraceEntry
from engine.pipeline.audit import decision_json
from engine.pipeline.total import Received
from engine.policy.bases import effective
from engine.workbench.explain import Explanation, explain
from engine.workbench.simulation import PostedMessage, Simulation

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from engine.model import Decision, PolicySet, Record
    from engine.pipeline.setting import Setting
    from engine.policy.source import Source

Rule: TypeAlias = tuple[MatcherKind, str, str]
"""An evidence, a route or a silence: which of them, its class or policy, its id."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event of a policy test, with its overrides merged in, and the time for an event without one.

    It arrives `after` seconds later than the one before it, `repeat` times at once.
    """

    record: Record = field(repr=False)
    now: datetime
    after: int = 0
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One policy test: the events that arrive, one after another, and what is expected."""

    name: str
    where: str
    arrivals: tuple[Arrival, ...]
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One expected value and the actual one."""

    what: str
    expected: Any
    actual: Any

    @property
    def holds(self) -> bool:
        """Whether they are equal."""
        return bool(self.expected == self.actual)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case. `posted` are the messages that channels get, in their order."""

    case: Case
    comparisons: tuple[Comparison, ...]
    trace: tuple[TraceEntry, ...]
    posted: tuple[PostedMessage, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return all(comparison.holds for comparison in self.comparisons)


def merged(record: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with an override merged in: mappings are merged, any other value, also null, replaces the old one."""
    return {
        **record,
        **{
            name: merged(record[name], value) if isinstance(value, dict) and isinstance(record.get(name), dict) else value
            for name, value in override.items()
        },
    }


def check(case: Case, setting: Setting) -> CaseResult:
    """Decide the events of a case and compare the result with what is expected. Incidents are run to their end."""
    explanations = [explain(Event(arrival.record, case.where), setting, arrival.now) for arrival in case.arrivals]
    comparisons: list[Comparison] = []
    for number, explanation in enumerate(explanations, 1):
        of_event = f" of event {number}" if len(explanations) > 1 else ""
        comparisons += [replace(each, what=each.what + of_event) for each in _compare(case.expect, explanation)]
    posted: list[PostedMessage] = []
    simulation = Simulation(setting, START, posted.append)
    _simulate(simulation, case, [explanation.decision for explanation in explanations])
    comparisons += _compare_messages(case.expect, simulation, posted)
    trace = tuple(entry for explanation in explanations for entry in explanation.trace)
    return CaseResult(case, tuple(comparisons), trace, tuple(posted))


def _simulate(simulation: Simulation, case: Case, decisions: Sequence[Decision]) -> None:
    """Let the events of a case arrive, each with an id of its own, so that none is a duplicate, and all incidents end."""
    at, number = START, 0
    for arrival, decision in zip(case.arrivals, decisions, strict=True):
        at += timedelta(seconds=arrival.after)
        for _ in range(arrival.repeat):
            number += 1
            record, id_ = arrival.record, decision.event_id
            if number > 1:
                id_ = f"{id_ or 'event'}-{number}"
                record = {**record, "eventID": id_}
            event = Event(record, case.where)
            simulation.arrive([Received(0, case.where, None, event=event, decision=decision._replace(event_id=id_))], at)
    simulation.finish()


def _compare(expect: Mapping[str, Any], explanation: Explanation) -> Iterator[Comparison]:
    decision = decision_json(explanation.decision)
    for name in ("class", "kind", "evidence", "strength", "channels", "routes", "defaulted"):
        if name in expect:
            yield Comparison(name, expect[name], decision[name])
    for name in ("mutes", "silences", "void"):
        if name in expect:
            yield Comparison(name, expect[name], [f"{rule['policy']}/{rule['id']}" for rule in decision[name]])
    if "failures" in expect:
        yield Comparison(
            "failures", expect["failures"], [f"{failed['policy']}/{failed['id']}" for failed in decision["failures"]]
        )


START: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When the first event of a test arrives. Incidents go by when events arrive, whatever time is recorded in these."""

COUNTS: Final = ("posts", "counted")
"""What is expected by channel: how many messages, and how many events that none of them shows by itself."""


def _compare_messages(expect: Mapping[str, Any], simulation: Simulation, posted: Sequence[PostedMessage]) -> Iterator[Comparison]:
    for name, actual in zip(COUNTS, (simulation.posts, simulation.counted), strict=True):
        if name in expect:
            yield Comparison(name, _without_zeros(expect[name]), _without_zeros(actual))
    payloads = [post.message.payload for post in posted]
    yield from (_message(expression, payloads) for expression in expect.get("message", ()))
    yield from (_never(text, payloads) for text in expect.get("never", ()))


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {channel: count for channel, count in counts.items() if count}


def _message(expression: str, payloads: Sequence[Mapping[str, Any]]) -> Comparison:
    """Compare an expression, which must be true for every message; without a message it is not true."""
    results = {_result(expression, payload) for payload in payloads} or {"no message"}
    return Comparison(f"message: {expression}", "true", " and ".join(sorted(results)))


def _result(expression: str, payload: Mapping[str, Any]) -> str:
    try:
        value = search(expression, payload)
    except (ExpressionError, MatcherError) as error:
        return f"failed: {error}"
    return "true" if value is True else "not true"


def _never(text: str, payloads: Sequence[Mapping[str, Any]]) -> Comparison:
    """Check that a string is in no payload, neither as it is nor as JSON or Slack spell it."""
    spellings = {text, json.dumps(text)[1:-1], text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    texts = [json.dumps(payload, ensure_ascii=escaped) for payload in payloads for escaped in (True, False)]
    is_shown = any(spelling in payload for spelling in spellings for payload in texts)
    return Comparison(f"never: {text}", "nowhere", "in a message" if is_shown else "nowhere")


# --- coverage ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Covered:
    """An evidence, a route or a silence: whether it held in some case, and whether it did not hold in some case."""

    kind: MatcherKind
    policy: str
    id: str
    held: bool
    not_held: bool


def coverage(results: Iterable[CaseResult], policies: PolicySet, without: Container[Rule] = ()) -> tuple[Covered, ...]:
    """Return the coverage of every evidence, route and silence of a set, in order, except those in `without`."""
    results_of_rules = {(entry.kind, entry.policy, entry.id, entry.answer) for result in results for entry in result.trace}

    def covered(kind: MatcherKind, policy: str, name: str, *, always: bool) -> Covered:
        held = (kind, policy, name, MatchResult.HELD) in results_of_rules
        not_held = any(
            (kind, policy, name, result) in results_of_rules for result in (MatchResult.NOT_HELD, MatchResult.OUT_OF_TIME)
        )
        return Covered(kind, policy, name, held, not_held or always)

    return tuple(
        covered(kind, policy, name, always=always)
        for kind, policy, name, always in _rules(policies)
        if (kind, policy, name) not in without
    )


def base_rules(sources: Sequence[Source]) -> frozenset[Rule]:
    """Return the rules that a set takes from the base that it extends."""
    return frozenset(
        rule for source in effective(sources) if source.base and source.root is not None for rule in _of_file(source.root.value)
    )


def _of_file(content: Mapping[str, Any]) -> Iterator[Rule]:
    for actor in content.get("actors", ()):
        yield from ((MatcherKind.EVIDENCE, actor["class"], evidence["id"]) for evidence in actor.get("evidence", ()))
    for section, kind in (("routes", MatcherKind.ROUTE), ("silences", MatcherKind.SILENCE)):
        yield from ((kind, content["name"], rule["id"]) for rule in content.get(section, ()))


def _rules(policies: PolicySet) -> Iterator[tuple[MatcherKind, str, str, bool]]:
    """Yield each rule, and whether it always holds, so that no case can show it not holding."""
    yield from (
        (MatcherKind.EVIDENCE, actor.name, evidence.id, False) for actor in policies.actors for evidence in actor.evidence
    )
    for policy in policies.policies:
        for route in policy.routes:
            yield MatcherKind.ROUTE, policy.name, route.id, route.matcher is None and not route.during
        yield from ((MatcherKind.SILENCE, policy.name, silence.id, False) for silence in policy.silences)
