"""What to do about one event: who calls, which routes hold, who is told and how much of it, and why.

The Lambda, `decide`, `test` and `explain` all come through here, so that they cannot drift apart.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.errors import MatcherError
from engine.matching import Globs, Index, glob
from engine.model import (
    SEVERITY_RANK,
    ActorClass,
    Answered,
    Asked,
    Decision,
    Evidence,
    Failure,
    Hush,
    MatcherKind,
    Request,
    Severity,
    Silence,
    showing,
)
from engine.pipeline.facts import document, facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from engine.model import Document, Event, Facts, Level, Policy, PolicySet, Route, Window

DEFAULT_ROUTE: Final = "default"
"""What stands in place of a route where the default decided."""

MANY: Final = 12
"""Routes of one policy from which on an index is asked before them."""

_Rule: TypeAlias = "Evidence | Route | Silence"
_Ask: TypeAlias = "Callable[[str, _Rule, Document | None], bool | Failure]"
_Plan: TypeAlias = "Callable[[PolicySet, Facts, Document], Iterable[tuple[Policy, Sequence[Route]]]]"


def decide(event: Event, policies: PolicySet, now: datetime) -> Decision:
    """Everything chosen for one event. Pure and total; `now` (aware) serves only an event without a time."""
    return _decide(event, policies, now, _ask, _indexed)


def decide_plainly(event: Event, policies: PolicySet, now: datetime) -> Decision:
    """The same without an index: every route of every policy in scope is asked. What `decide` must equal."""
    return _decide(event, policies, now, _ask, _everything)


def trace(event: Event, policies: PolicySet, now: datetime) -> tuple[Decision, tuple[Asked, ...]]:
    """The same decision, with every matcher that was asked, in order, and its answer."""
    asked: list[Asked] = []

    def ask(owner: str, rule: _Rule, seen: Document | None) -> bool | Failure:
        answer = _ask(owner, rule, seen)
        reason = answer.reason if isinstance(answer, Failure) else ""
        asked.append(Asked(_kind(rule), owner, rule.id, _expressions(rule), _answered(seen, answer), reason))
        return answer

    return _decide(event, policies, now, ask, _everything), tuple(asked)


def _answered(seen: Document | None, answer: bool | Failure) -> Answered:  # noqa: FBT001  an answer, not a switch
    if seen is None:
        return Answered.OUT_OF_TIME
    if isinstance(answer, Failure):
        return Answered.FAILED
    return Answered.HELD if answer else Answered.NOT_HELD


def _kind(rule: _Rule) -> MatcherKind:
    if isinstance(rule, Evidence):
        return MatcherKind.EVIDENCE
    return MatcherKind.SILENCE if isinstance(rule, Silence) else MatcherKind.ROUTE


def _expressions(rule: _Rule) -> tuple[str, ...]:
    return rule.matcher.expressions if rule.matcher else ()


def _ask(owner: str, rule: _Rule, seen: Document | None) -> bool | Failure:
    """Whether a rule's matcher holds, or how it failed. Without one it holds always; outside its time (`seen` None) never."""
    if seen is None or rule.matcher is None:
        return seen is not None
    try:
        return rule.matcher.holds(seen)
    except MatcherError as failed:
        return Failure(_kind(rule), owner, rule.id, str(failed))


def _decide(event: Event, policies: PolicySet, now: datetime, ask: _Ask, plan: _Plan) -> Decision:
    found = facts(event)
    actor, evidence, failed = _classify(policies, document(event.record, found), ask)
    seen = _Seen(document(event.record, found, actor, evidence), found.time or now, bool(failed) or actor.never_mute)
    asked = [_ask_policy(policy, routes, seen, ask) for policy, routes in plan(policies, found, seen.document)]
    defaulted = not any(said.decided for said in asked if said.policy.anchored or said.policy.name == policies.default.policy)
    heard = [_with_default(said, policies) for said in asked] if defaulted else asked
    hushed = [_ask_silences(said, seen, ask) for said in heard]
    wanted = [want for said in hushed for want in said.wants]
    if defaulted and not any(said.policy.name == policies.default.policy for said in asked):
        wanted += _default_wants(policies)
    return Decision(
        event_id=_event_id(event),
        actor=actor,
        evidence=evidence,
        requests=_merge(wanted, policies, [said.policy.masking_floor for said in asked]),
        routes=tuple(f"{said.policy.name}/{route}" for said in asked for route in said.held),
        mutes=tuple(said.mute for said in asked if said.mute),
        silences=tuple(silence for said in hushed for silence in said.silences),
        defaulted=defaulted,
        failures=failed + tuple(failure for said in hushed for failure in said.failures),
        revision=policies.revision,
        facts=found,
    )


def _event_id(event: Event) -> str | None:
    event_id = event.record.get("eventID")
    return event_id if isinstance(event_id, str) and event_id else None


# --- who ---------------------------------------------------------------------------------------------------------------


def _classify(policies: PolicySet, seen: Document, ask: _Ask) -> tuple[ActorClass, Evidence | None, tuple[Failure, ...]]:
    """The first class with evidence, else `unknown`; with the evidence that failed before that."""
    failures: list[Failure] = []
    for actor in policies.actors:
        for evidence in actor.evidence:
            answer = ask(actor.name, evidence, seen)
            if answer is True:
                return actor, evidence, tuple(failures)
            if isinstance(answer, Failure):
                failures.append(answer)
    return policies.unknown, None, tuple(failures)


# --- which policies --------------------------------------------------------------------------------------------------------


def _everything(policies: PolicySet, found: Facts, _: Document) -> Iterable[tuple[Policy, Sequence[Route]]]:
    """Every policy in scope with all its routes: the plain way, which an index must equal."""
    return ((policy, policy.routes) for policy in policies.policies if in_scope(policy, found))


class _Candidates:
    """An index over one policy set: by scope, and by the routes of each policy that has many."""

    def __init__(self, policies: PolicySet) -> None:
        self.policies = policies
        self._scopes = Globs(policy.buckets for policy in policies.policies)
        self._routes = [_route_index(policy) for policy in policies.policies]

    def plan(self, found: Facts, seen: Document) -> Iterable[tuple[Policy, Sequence[Route]]]:
        """The policies in scope, each with the routes that may hold or fail."""
        for number in self._scopes.candidates(found.buckets):
            policy, index = self.policies.policies[number], self._routes[number]
            if in_scope(policy, found):
                yield policy, policy.routes if index is None else [policy.routes[one] for one in index.candidates(seen)]


def _route_index(policy: Policy) -> Index | None:
    """An index of a policy's routes, where it has so many that asking it is worth its while."""
    if len(policy.routes) < MANY:
        return None
    return Index(None if route.matcher is None else route.matcher.expressions for route in policy.routes)


_latest: _Candidates | None = None


def _indexed(policies: PolicySet, found: Facts, seen: Document) -> Iterable[tuple[Policy, Sequence[Route]]]:
    """What may decide, by the index of this set: made when the set is first asked, and kept while it is."""
    global _latest  # noqa: PLW0603  nothing but a cache: it never changes an answer
    if _latest is None or _latest.policies is not policies:
        _latest = _Candidates(policies)
    return _latest.plan(found, seen)


def in_scope(policy: Policy, found: Facts) -> bool:
    """Whether a policy is asked about this event: by the recipient account and by any bucket that the event names."""
    if policy.accounts is not None and found.recipient not in policy.accounts:
        return False
    return policy.buckets is None or any(glob(bucket, pattern) for pattern in policy.buckets for bucket in found.buckets)


# --- what one policy says --------------------------------------------------------------------------------------------------


@showing("time", "loud")
class _Seen(NamedTuple):
    """An event as routes and silences see it: the document, its time, and whether mutes are void (`loud`)."""

    document: Document
    time: datetime
    loud: bool


class _Want(NamedTuple):
    """One policy asking for one channel."""

    channel: str
    policy: str
    route: str
    level: Level | None
    severity: Severity
    title: str | None = None
    runbook: str | None = None


class _Said(NamedTuple):
    """What one policy in scope said: the routes that held, what it wants, or its mute."""

    policy: Policy
    held: tuple[str, ...]
    wants: tuple[_Want, ...]
    mute: Hush | None
    silences: tuple[Hush, ...]
    failures: tuple[Failure, ...]

    @property
    def decided(self) -> bool:
        """Whether it notified or muted."""
        return bool(self.wants) or self.mute is not None


def _ask_policy(policy: Policy, routes: Sequence[Route], seen: _Seen, ask: _Ask) -> _Said:
    """Its routes in order, to the first that holds and does not continue. Void mutes are passed by."""
    held: list[str] = []
    wants: list[_Want] = []
    failures: list[Failure] = []
    mute: Hush | None = None
    for route in routes:
        timely = route.during is None or within(route.during, seen.time)
        answer = ask(policy.name, route, seen.document if timely else None)
        if isinstance(answer, Failure):
            failures.append(answer)
        elif answer:
            held.append(route.id)
            if route.mute is None:
                wants += _wants(policy, route)
                if not route.continues:
                    break
            elif not seen.loud and not failures:
                mute = Hush(policy.name, route.id, route.mute)
                break
    return _Said(policy, tuple(held), tuple(wants), mute, (), tuple(failures))


def _wants(policy: Policy, route: Route) -> Iterable[_Want]:
    return (
        _Want(channel, policy.name, route.id, route.level, route.severity, route.title, route.runbook) for channel in route.notify
    )


def within(window: Window, time: datetime) -> bool:
    """Whether a time lies in recurring hours: half-open; past midnight a window still belongs to the day on which it starts."""
    local = time.astimezone(window.timezone)
    minute, day = local.hour * 60 + local.minute, local.weekday()
    if window.start < window.end:
        return day in window.days and window.start <= minute < window.end
    if minute >= window.start:
        return day in window.days
    return minute < window.end and (local - timedelta(days=1)).weekday() in window.days


# --- the default and the silences --------------------------------------------------------------------------------------------


def _default_wants(policies: PolicySet) -> list[_Want]:
    default = policies.default
    return [_Want(channel, default.policy, DEFAULT_ROUTE, default.level, Severity.WARNING) for channel in default.notify]


def _with_default(said: _Said, policies: PolicySet) -> _Said:
    """The default's requests belong to the file that holds it, and so to that file's silences."""
    if said.policy.name != policies.default.policy:
        return said
    return said._replace(wants=(*said.wants, *_default_wants(policies)))


def _ask_silences(said: _Said, seen: _Seen, ask: _Ask) -> _Said:
    """What is left after a file's silences; a silence is listed where it removed something."""
    if not (said.wants and said.policy.silences):
        return said
    left, silences, failures = said.wants, said.silences, said.failures
    for silence in said.policy.silences:
        answer = ask(said.policy.name, silence, seen.document if seen.time < silence.until else None)
        if isinstance(answer, Failure):
            failures = (*failures, answer)
        elif answer and not seen.loud:
            kept = tuple(want for want in left if not _covers(silence, want))
            if len(kept) < len(left):
                silences = (*silences, Hush(said.policy.name, silence.id, silence.reason))
            left = kept
    return said._replace(wants=left, silences=silences, failures=failures)


def _covers(silence: Silence, want: _Want) -> bool:
    return silence.channels is None or want.channel in silence.channels


# --- what is asked of each channel ---------------------------------------------------------------------------------------------


def _merge(wants: Iterable[_Want], policies: PolicySet, floors: Iterable[Level | None]) -> tuple[Request, ...]:
    """One request a channel: the strictest level, never below any floor; the highest severity, with the first title of it."""
    by_channel: dict[str, list[_Want]] = {}
    for want in wants:
        by_channel.setdefault(want.channel, []).append(want)
    scope_floors = [floor for floor in floors if floor is not None]
    return tuple(_request(channel, asked, policies, scope_floors) for channel, asked in by_channel.items())


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
    )
