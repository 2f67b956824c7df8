"""The reference implementation: it evaluates every rule in turn.

`indexed` must give the same result, and calls it for every combination not in its cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.errors import MatcherError
from engine.matching.globs import glob
from engine.model import (
    SEVERITY_RANK,
    ActorClass,
    Decision,
    Detail,
    Evidence,
    Failure,
    LocalizedText,
    MatcherKind,
    MatchResult,
    Request,
    Severity,
    Silence,
    Suppression,
    TraceEntry,
    Verdict,
    VoidReason,
    VoidRule,
    repr_only,
)
from engine.pipeline.decide.void import void_reasons
from engine.pipeline.decide.windows import lasts, within
from engine.pipeline.facts import NO_CLASS, class_facts, derive_facts, time_of
from engine.pipeline.facts.target import record_scope
from engine.policy.fact_layout import TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from engine.model import Event, FactGroups, Level, Policy, PolicySet, Record, Route

DEFAULT_ROUTE: Final = "default"
"""The name in place of a route's where the default decided."""

_Rule: TypeAlias = "Evidence | Route | Silence"
Ask: TypeAlias = "Callable[[str, _Rule, _EventView | None], bool | Failure]"
"""Asks a rule of a policy or a class: whether it holds, or how it failed. None is an event outside the rule's hours."""

Plan: TypeAlias = "Callable[[Record, FactGroups], Iterable[tuple[Policy, Sequence[Route]]]]"
"""Gives the policies in scope of an event, each with those of its routes that have to be evaluated."""


def decide_reference(event: Event, policies: PolicySet, now: datetime) -> Decision:
    """The decision by asking every route of every policy in scope, which `decide` must equal."""
    return decision(event, evaluate(event.record, policies, now, ask_rule, every_route(policies)))


def trace(event: Event, policies: PolicySet, now: datetime) -> tuple[Decision, tuple[TraceEntry, ...]]:
    """The same decision, with every matcher that was evaluated, in order, and its result."""
    entries: list[TraceEntry] = []

    def ask(owner: str, rule: _Rule, view: _EventView | None) -> bool | Failure:
        result = ask_rule(owner, rule, view)
        reason = result.reason if isinstance(result, Failure) else ""
        entries.append(TraceEntry(_kind(rule), owner, rule.id, _expressions(rule), _match_result(view, result), reason))
        return result

    verdict = evaluate(event.record, policies, now, ask, every_route(policies))
    return decision(event, verdict), tuple(entries)


def decision(event: Event, verdict: Verdict) -> Decision:
    """The decision about an event with this verdict."""
    event_id = event.record.get("eventID")
    return Decision(event_id if isinstance(event_id, str) and event_id else None, verdict)


def _match_result(view: _EventView | None, result: bool | Failure) -> MatchResult:  # noqa: FBT001  a result, not a switch
    if view is None:
        return MatchResult.OUT_OF_TIME
    if isinstance(result, Failure):
        return MatchResult.FAILED
    return MatchResult.HELD if result else MatchResult.NOT_HELD


def _kind(rule: _Rule) -> MatcherKind:
    if isinstance(rule, Evidence):
        return MatcherKind.EVIDENCE
    return MatcherKind.SILENCE if isinstance(rule, Silence) else MatcherKind.ROUTE


def _expressions(rule: _Rule) -> tuple[str, ...]:
    return rule.matcher.expressions if rule.matcher else ()


def ask_rule(owner: str, rule: _Rule, view: _EventView | None) -> bool | Failure:
    """Whether a rule holds, or how its matcher failed. Without a matcher it always holds; outside its hours it never does."""
    if view is None or rule.matcher is None:
        return view is not None
    try:
        return rule.matcher.holds(view.record, view.facts)
    except MatcherError as error:
        return Failure(_kind(rule), owner, rule.id, str(error))


def evaluate(record: Record, policies: PolicySet, now: datetime, ask: Ask, plan: Plan) -> Verdict:
    """Everything chosen for one record, asking the rules of `plan` by `ask`."""
    time = time_of(record.get("eventTime")) or now
    facts: FactGroups = derive_facts(record)
    actor, evidence, failed = _classify(policies, _EventView(record, (*facts, NO_CLASS), time, ()), ask)
    voids = void_reasons(facts, never_mute=actor.never_mute, failed=bool(failed))
    view = _EventView(record, (*facts, class_facts(actor, evidence)), time, voids)
    results = [_ask_policy(policy, routes, view, ask) for policy, routes in plan(record, view.facts)]
    touched, _, _ = record_scope(record, facts[TARGET])
    defaulted = actor.never_mute or _default_applies(results, touched)
    with_default = [_with_default(result, policies) for result in results] if defaulted else results
    silenced = [_ask_silences(result, view, ask) for result in with_default]
    wants = [want for result in silenced for want in result.wants]
    if defaulted and not any(result.policy.name == policies.default.policy for result in results):
        wants += _default_wants(policies)
    return Verdict(
        actor=actor,
        evidence=evidence,
        requests=_merge(wants, policies, [result.policy.masking_floor for result in results]),
        routes=tuple(f"{result.policy.name}/{route}" for result in results for route in result.held),
        mutes=tuple(result.mute for result in results if result.mute),
        silences=tuple(silence for result in silenced for silence in result.silences),
        defaulted=defaulted,
        failures=failed + tuple(failure for result in silenced for failure in result.failures),
        revision=policies.revision,
        void=tuple(rule for result in silenced for rule in result.void),
    )


# --- the actor's class -------------------------------------------------------------------------------------------------------


def _classify(policies: PolicySet, view: _EventView, ask: Ask) -> tuple[ActorClass, Evidence | None, tuple[Failure, ...]]:
    """The class of the first evidence that holds, in the order of asking, else `unknown`; and the failures before it."""
    failures: list[Failure] = []
    for actor, evidence in policies.evidence:
        result = ask(actor.name, evidence, view)
        if result is True:
            return actor, evidence, tuple(failures)
        if isinstance(result, Failure):
            failures.append(result)
    return policies.unknown, None, tuple(failures)


# --- the policies in scope ---------------------------------------------------------------------------------------------------


def every_route(policies: PolicySet) -> Plan:
    """The plan that asks every route of every policy in scope."""

    def plan(record: Record, facts: FactGroups) -> Iterable[tuple[Policy, Sequence[Route]]]:
        _, buckets, recipient = record_scope(record, facts[TARGET])
        return ((policy, policy.routes) for policy in policies.policies if in_scope(policy, buckets, recipient))

    return plan


def has_scope(policy: Policy) -> bool:
    """Whether a policy is about some buckets or accounts only."""
    return policy.buckets is not None or policy.accounts is not None


def in_scope(policy: Policy, buckets: Iterable[str], recipient: str | None) -> bool:
    """Whether an event is in a policy's scope, by the account that received it and any of the buckets that it names."""
    if policy.accounts is not None and recipient not in policy.accounts:
        return False
    return policy.buckets is None or any(_names(policy, bucket) for bucket in buckets)


def owned_by(policies: Iterable[Policy], bucket: str) -> Iterator[Policy]:
    """The policies that replace the default for a bucket when they decide: those whose own `buckets` scope names it."""
    return (policy for policy in policies if policy.anchored and _names(policy, bucket))


def _names(policy: Policy, bucket: str) -> bool:
    matched = any(glob(bucket, pattern) for pattern in policy.buckets or ())
    return matched and not any(glob(bucket, pattern) for pattern in policy.exclusions)


# --- one policy --------------------------------------------------------------------------------------------------------------


@repr_only("time", "voids")
class _EventView(NamedTuple):
    """An event as rules see it: the record, the facts, its time, and what makes quieter rules void for it (`voids`)."""

    record: Record
    facts: FactGroups
    time: datetime
    voids: tuple[VoidReason, ...]


class _Want(NamedTuple):
    """A policy's wish to notify one channel."""

    channel: str
    policy: str
    route: str
    level: Level | None
    severity: Severity
    title: LocalizedText | None = None
    runbook: str | None = None
    detail: Detail = Detail.SHORT


class _PolicyResult(NamedTuple):
    """The result of one policy in scope: the routes that held, the channels that it wants to notify, or its mute.

    `void`: its mutes and silences that held and were void.
    """

    policy: Policy
    held: tuple[str, ...]
    wants: tuple[_Want, ...]
    mute: Suppression | None
    silences: tuple[Suppression, ...]
    failures: tuple[Failure, ...]
    failed_to_notify: bool
    void: tuple[VoidRule, ...]

    @property
    def decided(self) -> bool:
        """Whether it notifies or mutes."""
        return bool(self.wants) or self.mute is not None


def _ask_policy(policy: Policy, routes: Sequence[Route], view: _EventView, ask: Ask) -> _PolicyResult:
    """The result of routes evaluated in order, up to the first that holds and does not continue. Void mutes are skipped."""
    held: list[str] = []
    wants: list[_Want] = []
    failures: list[Failure] = []
    void: list[VoidRule] = []
    mute: Suppression | None = None
    failed_to_notify = False
    for route in routes:
        in_hours = not route.during or within(route.during, view.time)
        result = ask(policy.name, route, view if in_hours else None)
        if isinstance(result, Failure):
            failures.append(result)
            failed_to_notify = failed_to_notify or route.mute is None
        elif result:
            held.append(route.id)
            if route.mute is None:
                wants += _wants(policy, route)
                if not route.continues:
                    break
                continue
            reason = _void_for(route, view, failed=bool(failures))
            if reason is None:
                mute = Suppression(policy.name, route.id, route.mute)
                break
            void.append(VoidRule(policy.name, route.id, reason))
    return _PolicyResult(policy, tuple(held), tuple(wants), mute, (), tuple(failures), failed_to_notify, tuple(void))


def _void_for(rule: Route | Silence, view: _EventView, *, failed: bool = False) -> VoidReason | None:
    """Why a quieter rule is void for an event; None where it is not. `failed`: a route of its policy failed before it."""
    reasons = (*view.voids, VoidReason.FAILURE) if failed else view.voids
    return next((reason for reason in reasons if reason in rule.void_for), None)


def _wants(policy: Policy, route: Route) -> Iterable[_Want]:
    return (
        _Want(channel, policy.name, route.id, route.level, route.severity, route.title, route.runbook, route.detail)
        for channel in route.notify
    )


# --- the default and the silences --------------------------------------------------------------------------------------------


def _default_applies(results: Sequence[_PolicyResult], buckets: Sequence[str]) -> bool:
    """Whether the default applies: no policy decided about the bucket or the source of a copy, or a route that notifies failed.

    So a copy out of a bucket without an owner is not muted by the team of the bucket that it goes to. A policy that holds the
    default decides about every bucket.
    """
    if any(result.failed_to_notify for result in results):
        return True
    deciding = [result.policy for result in results if result.decided]
    if any(policy.holds_default for policy in deciding):
        return False
    return not buckets or any(not any(owned_by(deciding, bucket)) for bucket in buckets)


def _default_wants(policies: PolicySet) -> list[_Want]:
    default = policies.default
    return [_Want(channel, default.policy, DEFAULT_ROUTE, default.level, Severity.WARNING) for channel in default.notify]


def _with_default(result: _PolicyResult, policies: PolicySet) -> _PolicyResult:
    """A result with the default's channels, if its policy holds the default: that policy's silences apply to them."""
    if result.policy.name != policies.default.policy:
        return result
    return result._replace(wants=(*result.wants, *_default_wants(policies)))


def _ask_silences(result: _PolicyResult, view: _EventView, ask: Ask) -> _PolicyResult:
    """What a policy's silences leave of its result; a silence is listed only if it removed something, or would have."""
    if not (result.wants and result.policy.silences):
        return result
    left, silences, failures, void = result.wants, result.silences, result.failures, result.void
    for silence in result.policy.silences:
        holds = ask(result.policy.name, silence, view if lasts(silence, view.time) else None)
        if isinstance(holds, Failure):
            failures = (*failures, holds)
        elif holds and any(_covers(silence, want) for want in left):
            reason = _void_for(silence, view)
            if reason is not None:
                void = (*void, VoidRule(result.policy.name, silence.id, reason))
                continue
            silences = (*silences, Suppression(result.policy.name, silence.id, silence.reason))
            left = tuple(want for want in left if not _covers(silence, want))
    return result._replace(wants=left, silences=silences, failures=failures, void=void)


def _covers(silence: Silence, want: _Want) -> bool:
    return silence.channels is None or want.channel in silence.channels


# --- one request a channel ---------------------------------------------------------------------------------------------------


def _merge(wants: Iterable[_Want], policies: PolicySet, floors: Iterable[Level | None]) -> tuple[Request, ...]:
    """One request a channel, at the strictest level that any policy or floor asks for, with the title of the highest severity."""
    by_channel: dict[str, list[_Want]] = {}
    for want in wants:
        by_channel.setdefault(want.channel, []).append(want)
    scope_floors = [floor for floor in floors if floor is not None]
    return tuple(_request(channel, wanted, policies, scope_floors) for channel, wanted in by_channel.items())


def _request(channel: str, wants: Sequence[_Want], policies: PolicySet, floors: Sequence[Level]) -> Request:
    levels = [want.level or policies.default.level for want in wants]
    lead = max(wants, key=lambda want: SEVERITY_RANK[want.severity])
    return Request(
        channel=channel,
        level=max([*levels, policies.channels[channel].masking_floor, *floors], key=lambda level: level.rank),
        severity=lead.severity,
        policy=lead.policy,
        route=lead.route,
        title=lead.title,
        runbook=lead.runbook,
        routes=tuple(dict.fromkeys(f"{want.policy}/{want.route}" for want in wants)),
        detail=Detail.FULL if any(want.detail is Detail.FULL for want in wants) else Detail.SHORT,
    )
