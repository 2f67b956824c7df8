"""What a decision means: every rule asked in its turn, and what follows from those that hold."""

from __future__ import annotations

from datetime import timedelta
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
    repr_only,
)
from engine.pipeline.facts import UNCLASSED, classed, groups, time_of
from engine.pipeline.facts.target import scope_of
from engine.policy.given import TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from engine.model import Event, FactGroups, Level, Policy, PolicySet, Record, Route, Window

DEFAULT_ROUTE: Final = "default"
"""What stands in place of a route where the default decided."""

_Rule: TypeAlias = "Evidence | Route | Silence"
Ask: TypeAlias = "Callable[[str, _Rule, _Seen | None], bool | Failure]"
"""What asks a rule of a policy, or of a class: whether it holds, or how it failed. None stands for an event outside its time."""

Plan: TypeAlias = "Callable[[Record, FactGroups], Iterable[tuple[Policy, Sequence[Route]]]]"
"""The policies in scope of an event, each with those of its routes that are to be asked."""


def decide_plainly(event: Event, policies: PolicySet, now: datetime) -> Decision:
    """The decision by asking every route of every policy in scope. What `decide` must equal."""
    return decision(event, weigh(event.record, policies, now, answer, everything(policies)))


def trace(event: Event, policies: PolicySet, now: datetime) -> tuple[Decision, tuple[TraceEntry, ...]]:
    """The same decision, with every matcher that was asked, in order, and its answer."""
    asked: list[TraceEntry] = []

    def asking(owner: str, rule: _Rule, seen: _Seen | None) -> bool | Failure:
        said = answer(owner, rule, seen)
        reason = said.reason if isinstance(said, Failure) else ""
        asked.append(TraceEntry(_kind(rule), owner, rule.id, _expressions(rule), _answered(seen, said), reason))
        return said

    verdict = weigh(event.record, policies, now, asking, everything(policies))
    return decision(event, verdict), tuple(asked)


def decision(event: Event, verdict: Verdict) -> Decision:
    """The decision about an event, of what was chosen for it."""
    event_id = event.record.get("eventID")
    return Decision(event_id if isinstance(event_id, str) and event_id else None, verdict)


def _answered(seen: _Seen | None, answer: bool | Failure) -> MatchResult:  # noqa: FBT001  an answer, not a switch
    if seen is None:
        return MatchResult.OUT_OF_TIME
    if isinstance(answer, Failure):
        return MatchResult.FAILED
    return MatchResult.HELD if answer else MatchResult.NOT_HELD


def _kind(rule: _Rule) -> MatcherKind:
    if isinstance(rule, Evidence):
        return MatcherKind.EVIDENCE
    return MatcherKind.SILENCE if isinstance(rule, Silence) else MatcherKind.ROUTE


def _expressions(rule: _Rule) -> tuple[str, ...]:
    return rule.matcher.expressions if rule.matcher else ()


def answer(owner: str, rule: _Rule, seen: _Seen | None) -> bool | Failure:
    """Whether a rule's matcher holds, or how it failed. Without one it holds always; outside its time (`seen` None) never."""
    if seen is None or rule.matcher is None:
        return seen is not None
    try:
        return rule.matcher.holds(seen.record, seen.facts)
    except MatcherError as failed:
        return Failure(_kind(rule), owner, rule.id, str(failed))


def weigh(record: Record, policies: PolicySet, now: datetime, ask: Ask, plan: Plan) -> Verdict:
    """Everything chosen for one record."""
    time = time_of(record) or now
    found: FactGroups = groups(record)
    actor, evidence, failed = _classify(policies, _Seen(record, (*found, UNCLASSED), time, loud=False), ask)
    seen = _Seen(record, (*found, classed(actor, evidence)), time, bool(failed) or actor.never_mute)
    asked = [_ask_policy(policy, routes, seen, ask) for policy, routes in plan(record, seen.facts)]
    buckets, _ = scope_of(record, found[TARGET])
    defaulted = actor.never_mute or _leaves_something(asked, buckets)
    heard = [_with_default(said, policies) for said in asked] if defaulted else asked
    hushed = [_ask_silences(said, seen, ask) for said in heard]
    wanted = [want for said in hushed for want in said.wants]
    if defaulted and not any(said.policy.name == policies.default.policy for said in asked):
        wanted += _default_wants(policies)
    return Verdict(
        actor=actor,
        evidence=evidence,
        requests=_merge(wanted, policies, [said.policy.masking_floor for said in asked]),
        routes=tuple(f"{said.policy.name}/{route}" for said in asked for route in said.held),
        mutes=tuple(said.mute for said in asked if said.mute),
        silences=tuple(silence for said in hushed for silence in said.silences),
        defaulted=defaulted,
        failures=failed + tuple(failure for said in hushed for failure in said.failures),
        revision=policies.revision,
    )


# --- who ---------------------------------------------------------------------------------------------------------------


def _classify(policies: PolicySet, seen: _Seen, ask: Ask) -> tuple[ActorClass, Evidence | None, tuple[Failure, ...]]:
    """The class of the first evidence that holds, in the order in which it is asked, else `unknown`; with what failed before."""
    failures: list[Failure] = []
    for actor, evidence in policies.evidence:
        answer = ask(actor.name, evidence, seen)
        if answer is True:
            return actor, evidence, tuple(failures)
        if isinstance(answer, Failure):
            failures.append(answer)
    return policies.unknown, None, tuple(failures)


# --- which policies --------------------------------------------------------------------------------------------------------


def everything(policies: PolicySet) -> Plan:
    """Every policy in scope with all its routes: the plain way, which an index must equal."""

    def plan(record: Record, found: FactGroups) -> Iterable[tuple[Policy, Sequence[Route]]]:
        buckets, recipient = scope_of(record, found[TARGET])
        return ((policy, policy.routes) for policy in policies.policies if in_scope(policy, buckets, recipient))

    return plan


def has_scope(policy: Policy) -> bool:
    """Whether a policy is not asked about every event."""
    return policy.buckets is not None or policy.accounts is not None


def in_scope(policy: Policy, buckets: Iterable[str], recipient: str | None) -> bool:
    """Whether a policy is asked about an event: by the recipient account and by any bucket that the event names."""
    if policy.accounts is not None and recipient not in policy.accounts:
        return False
    return policy.buckets is None or any(_names(policy, bucket) for bucket in buckets)


def owned_by(policies: Iterable[Policy], bucket: str) -> Iterator[Policy]:
    """The policies that take the default's place for a bucket where they decide: a real `buckets` scope of theirs names it."""
    return (policy for policy in policies if policy.anchored and _names(policy, bucket))


def _names(policy: Policy, bucket: str) -> bool:
    return any(glob(bucket, pattern) for pattern in policy.buckets or ())


# --- what one policy says --------------------------------------------------------------------------------------------------


@repr_only("time", "loud")
class _Seen(NamedTuple):
    """An event as rules see it: the record, the facts, its time, and whether mutes are void (`loud`)."""

    record: Record
    facts: FactGroups
    time: datetime
    loud: bool


class _Want(NamedTuple):
    """One policy asking for one channel."""

    channel: str
    policy: str
    route: str
    level: Level | None
    severity: Severity
    title: LocalizedText | None = None
    runbook: str | None = None
    detail: Detail = Detail.SHORT


class _Said(NamedTuple):
    """What one policy in scope said: the routes that held, what it wants, or its mute."""

    policy: Policy
    held: tuple[str, ...]
    wants: tuple[_Want, ...]
    mute: Suppression | None
    silences: tuple[Suppression, ...]
    failures: tuple[Failure, ...]
    failed_to_notify: bool

    @property
    def decided(self) -> bool:
        """Whether it notified or muted."""
        return bool(self.wants) or self.mute is not None


def _ask_policy(policy: Policy, routes: Sequence[Route], seen: _Seen, ask: Ask) -> _Said:
    """Its routes in order, to the first that holds and does not continue. Void mutes are passed by."""
    held: list[str] = []
    wants: list[_Want] = []
    failures: list[Failure] = []
    mute: Suppression | None = None
    failed_to_notify = False
    for route in routes:
        timely = route.during is None or within(route.during, seen.time)
        answer = ask(policy.name, route, seen if timely else None)
        if isinstance(answer, Failure):
            failures.append(answer)
            failed_to_notify = failed_to_notify or route.mute is None
        elif answer:
            held.append(route.id)
            if route.mute is None:
                wants += _wants(policy, route)
                if not route.continues:
                    break
            elif not seen.loud and not failures:
                mute = Suppression(policy.name, route.id, route.mute)
                break
    return _Said(policy, tuple(held), tuple(wants), mute, (), tuple(failures), failed_to_notify)


def _wants(policy: Policy, route: Route) -> Iterable[_Want]:
    return (
        _Want(channel, policy.name, route.id, route.level, route.severity, route.title, route.runbook, route.detail)
        for channel in route.notify
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


def _leaves_something(asked: Sequence[_Said], buckets: Sequence[str]) -> bool:
    """Whether the default hears of an event: some bucket of it nobody decided about, or a route that notifies failed.

    Who copies out of a bucket that nobody owns into one whose team mutes is heard. The file of the default decides about all.
    """
    if any(said.failed_to_notify for said in asked):
        return True
    decided = [said.policy for said in asked if said.decided]
    if any(policy.holds_default for policy in decided):
        return False
    return not buckets or any(not any(owned_by(decided, bucket)) for bucket in buckets)


def _default_wants(policies: PolicySet) -> list[_Want]:
    default = policies.default
    return [_Want(channel, default.policy, DEFAULT_ROUTE, default.level, Severity.WARNING) for channel in default.notify]


def _with_default(said: _Said, policies: PolicySet) -> _Said:
    """The default's requests belong to the file that holds it, and so to that file's silences."""
    if said.policy.name != policies.default.policy:
        return said
    return said._replace(wants=(*said.wants, *_default_wants(policies)))


def _ask_silences(said: _Said, seen: _Seen, ask: Ask) -> _Said:
    """What is left after a file's silences; a silence is listed where it removed something."""
    if not (said.wants and said.policy.silences):
        return said
    left, silences, failures = said.wants, said.silences, said.failures
    for silence in said.policy.silences:
        answer = ask(said.policy.name, silence, seen if seen.time < silence.until else None)
        if isinstance(answer, Failure):
            failures = (*failures, answer)
        elif answer and not seen.loud:
            kept = tuple(want for want in left if not _covers(silence, want))
            if len(kept) < len(left):
                silences = (*silences, Suppression(said.policy.name, silence.id, silence.reason))
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
        detail=Detail.FULL if any(want.detail is Detail.FULL for want in wants) else Detail.SHORT,
    )
