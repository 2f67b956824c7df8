"""Why one rule did not act on one event: the first of the reasons that apply, in the order in which a decision is made.

An example, of an event in the bucket `orders`: the route `payments/reads` has the scope `payments-*`, so its matcher was never
evaluated. The reason is `OUT_OF_SCOPE`, and not what its matcher would have given.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import InputError
from engine.model import MatcherKind, MatchResult
from engine.pipeline.decide import trace
from engine.pipeline.decide.reference import in_scope
from engine.pipeline.facts import derive_facts, document, facts
from engine.pipeline.facts.target import record_scope
from engine.pipeline.select import passed_over
from engine.policy.fact_layout import TARGET
from engine.policy.shape import suggestion
from engine.workbench.parts import PartResult, part_results
from engine.workbench.route_list import written_scope
from engine.workbench.windows import time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from engine.model import Decision, Event, Policy, PolicySet, TraceEntry


class Why(StrEnum):
    """What kept a rule from acting; `ACTED`: nothing did."""

    ACTED = "it acted"
    NOT_SELECTED = "the event is passed over"
    OUT_OF_SCOPE = "the event is not in the scope of its file"
    ENDED_BEFORE = "an earlier rule decided"
    NOTHING_TO_SILENCE = "its file asks for no channel that it silences"
    OUT_OF_TIME = "outside its time"
    FAILED = "its evaluation failed"
    NOT_HELD = "it does not hold"
    VOID = "it holds, and is void"
    SILENCED = "it holds, and is silenced"


class WhyNot(NamedTuple):
    """The answer for a rule: the first reason, what it rests on (a rule's name, a scope, a reason), and the matcher's parts.

    `parts` are empty where the matcher was not evaluated, `decision` is None where the event was passed over. `detail` holds
    texts of the policies only, none of the event.
    """

    kind: MatcherKind
    name: str
    why: Why
    detail: str
    parts: tuple[PartResult, ...] = ()
    decision: Decision | None = None


def why_not(event: Event, name: str, policies: PolicySet, now: datetime) -> WhyNot:
    """Why the rule called `name` did not act on an event.

    `name` is `policy/route`, `policy/silence` or `class/evidence`. Raises `InputError`, which names one like it.
    """
    kind, owner, rule = _named(name, policies)
    reason = passed_over(event, policies.selection)
    if reason is not None:
        return WhyNot(kind, name, Why.NOT_SELECTED, reason)
    decision, entries = trace(event, policies, now)
    entry = next((entry for entry in entries if (entry.kind, entry.policy, entry.id) == (kind, owner, rule)), None)
    if entry is None:
        why, detail = _not_evaluated(kind, owner, event, decision, policies)
        return WhyNot(kind, name, why, detail, decision=decision)
    seen = document(event.record, facts(event), decision.verdict.actor, decision.verdict.evidence)
    parts = part_results(entry.expressions, seen, policies)
    why, detail = _evaluated(entry, decision, policies)
    return WhyNot(kind, name, why, detail, parts, decision)


def rule_names(policies: PolicySet) -> Iterator[tuple[MatcherKind, str, str]]:
    """Every rule of a set: its kind, its policy or class, its id."""
    for policy in policies.policies:
        yield from ((MatcherKind.ROUTE, policy.name, route.id) for route in policy.routes)
        yield from ((MatcherKind.SILENCE, policy.name, silence.id) for silence in policy.silences)
    yield from ((MatcherKind.EVIDENCE, actor.name, evidence.id) for actor, evidence in policies.evidence)


def _named(name: str, policies: PolicySet) -> tuple[MatcherKind, str, str]:
    known = list(rule_names(policies))
    found = next((rule for rule in known if f"{rule[1]}/{rule[2]}" == name), None)
    if found is None:
        raise InputError(f"there is no rule {name}; {suggestion(name, (f'{owner}/{rule}' for _, owner, rule in known))}")
    return found


# --- what kept it from being evaluated --------------------------------------------------------------------------------------


def _not_evaluated(kind: MatcherKind, owner: str, event: Event, decision: Decision, policies: PolicySet) -> tuple[Why, str]:
    verdict = decision.verdict
    if kind is MatcherKind.EVIDENCE:
        first = f"{verdict.actor.name}/{verdict.evidence.id}" if verdict.evidence else ""
        return Why.ENDED_BEFORE, f"the evidence {first} holds, and is evaluated earlier"
    policy = next(policy for policy in policies.policies if policy.name == owner)
    target: Any = derive_facts(event.record)[TARGET]
    _, buckets, recipient = record_scope(event.record, target)
    if not in_scope(policy, buckets, recipient):
        return Why.OUT_OF_SCOPE, _scope_text(policy)
    if kind is MatcherKind.SILENCE:
        return Why.NOTHING_TO_SILENCE, ""
    ending = [route.partition("/")[2] for route in verdict.routes if route.startswith(f"{owner}/")]
    return Why.ENDED_BEFORE, f"the route {owner}/{ending[-1]} holds, stands earlier, and does not continue"


def _scope_text(policy: Policy) -> str:
    scopes: tuple[tuple[str, Sequence[str] | None], ...] = (
        ("buckets", written_scope(policy)),
        ("accounts", sorted(policy.accounts) if policy.accounts is not None else None),
    )
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in scopes if values is not None)


# --- what came of it --------------------------------------------------------------------------------------------------------


_UNDECIDED = {
    MatchResult.OUT_OF_TIME: Why.OUT_OF_TIME,
    MatchResult.FAILED: Why.FAILED,
    MatchResult.NOT_HELD: Why.NOT_HELD,
}


def _evaluated(entry: TraceEntry, decision: Decision, policies: PolicySet) -> tuple[Why, str]:
    """What came of a rule that was evaluated."""
    if entry.answer in _UNDECIDED:
        return _UNDECIDED[entry.answer], time_text(entry, policies) or entry.reason
    verdict, name = decision.verdict, f"{entry.policy}/{entry.id}"
    void = next((rule for rule in verdict.void if f"{rule.policy}/{rule.id}" == name), None)
    if void is not None:
        return Why.VOID, void.reason.value
    if entry.kind is MatcherKind.EVIDENCE:
        return Why.ACTED, f"the class is {entry.policy}"
    if entry.kind is MatcherKind.SILENCE:
        acted = any(f"{rule.policy}/{rule.id}" == name for rule in verdict.silences)
        return Why.ACTED if acted else Why.NOTHING_TO_SILENCE, ""
    return _of_route(entry, decision, policies)


def _of_route(entry: TraceEntry, decision: Decision, policies: PolicySet) -> tuple[Why, str]:
    """What came of a route that holds: its mute, its channels, or the silences that took them all away."""
    verdict, name = decision.verdict, f"{entry.policy}/{entry.id}"
    route = next(
        route for policy in policies.policies if policy.name == entry.policy for route in policy.routes if route.id == entry.id
    )
    if route.mute is not None:
        return Why.ACTED, f"it mutes: {route.mute}"
    channels = [request.channel for request in verdict.requests if name in request.routes]
    if channels:
        return Why.ACTED, f"it notifies {', '.join(channels)}"
    silences = ", ".join(f"{rule.policy}/{rule.id}" for rule in verdict.silences if rule.policy == entry.policy)
    return Why.SILENCED, f"by {silences}"
