"""The decider of a policy set: finds the rules that hold by an index, and remembers the verdict for each combination of them.

Rules are evaluated in the order of the policies, as in `reference`, except those that the index rules out. Where a matcher
fails, `reference` decides over the same candidates. Routes are numbered throughout the set; the silences' numbers follow.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from engine.cache import BoundedCache
from engine.errors import MatcherError
from engine.matching.index import GlobIndex, Index
from engine.model import VoidReason
from engine.pipeline.decide.reads import groups_read
from engine.pipeline.decide.reference import ask_rule, evaluate, has_scope, in_scope, owned_by
from engine.pipeline.decide.void import bits_of, limit_bits, limits
from engine.pipeline.decide.windows import lasts, within
from engine.pipeline.facts import NO_CLASS, class_facts, derive_facts, time_of
from engine.pipeline.facts.target import record_scope
from engine.policy.fact_layout import ACCESS, CALLER, CLASSED, CROSSING, FACTS, ROLE, SOURCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from engine.model import ActorClass, FactGroups, Policy, PolicySet, Record, Route, Silence, Verdict, Window
    from engine.pipeline.facts.target import Scope

CACHE_SIZE: Final = 8_192
"""How many verdicts, and how many scopes, are remembered."""

MAX_CACHED_NAME_LENGTH: Final = 512
"""The scope of an event is cached if the names of its buckets have at most so many characters in all."""

RouteRule: TypeAlias = "tuple[int, Callable[[Any, FactGroups], bool] | None, bool, int, tuple[Window, ...]]"
"""A route: its policy's number, its matcher (None: it always holds), whether it ends its policy, what makes it void, its windows.

Where a route that ends its policy holds, no later one of that policy is evaluated; a mute does so only where it is not void. What
makes a mute void are bits (`void.bits_of`), at least one; a route that notifies has none. A plain tuple unpacks faster than a
named one.
"""


_Owners: TypeAlias = "frozenset[tuple[int, ...]]"
"""For each bucket of an event, the numbers of the policies that own it (`reference.owned_by`)."""


class PolicyScope(NamedTuple):
    """The policies in scope of an event, by number and in order; those of them with a scope of their own, and with silences.

    Events of which the buckets have other owners have scopes of different `number`: whether the default applies depends on them.
    """

    number: int
    policies: tuple[int, ...]
    own: tuple[int, ...]
    silencing: tuple[int, ...]


class PolicySilences(NamedTuple):
    """The silences of one policy by number, their index, and two functions of it: the candidates, and whether each one holds."""

    silences: Mapping[int, Silence]
    found_by: Index
    candidates: Callable[[Any, FactGroups], Sequence[int]]
    holds: Mapping[int, Callable[[Any, FactGroups], bool]]


def _index(rules: Iterable[tuple[int, Route | Silence]]) -> Index:
    """The index of numbered rules: it gives the numbers of those that may hold or fail for an event, in order."""
    return Index(((number, () if rule.matcher is None else rule.matcher.keys) for number, rule in rules), FACTS)


class IndexedDecider:
    """Decides by one policy set. Its public attributes are its parts, for the columns of `engine.bulk`."""

    def __init__(self, policies: PolicySet) -> None:
        self.policies = policies
        self._routes = [(number, route) for number, policy in enumerate(policies.policies) for route in policy.routes]
        self.rules = [_route_rule(number, route) for number, route in self._routes]
        self.reads = groups_read(policies)
        self._first_evidence = policies.first
        self._wanted = [group in self.reads for group in (TARGET, ROLE, CALLER, SOURCE, ACCESS, CROSSING)]
        pairs = [*policies.evidence, (policies.unknown, None)]
        self.classes = [(class_facts(actor, evidence), _class_voids(actor)) for actor, evidence in pairs]
        self.limits = limits(policies)
        numbered = self._numbered_routes()
        self.scoped = [number for number, policy in enumerate(policies.policies) if has_scope(policy)]
        self._globs = GlobIndex(policies.policies[number].buckets for number in self.scoped)
        self.own = {number: _index(numbered[number]) for number in self.scoped}
        everywhere = [number for number, policy in enumerate(policies.policies) if not has_scope(policy)]
        self.everywhere = _index(route for number in everywhere for route in numbered[number])
        self.silences = self._numbered_silences()
        self.timed = bool(self.silences) or any(route.during for _, route in self._routes)
        self._scopes_of_events: BoundedCache[Scope, PolicyScope] = BoundedCache(CACHE_SIZE)
        self._scopes: BoundedCache[tuple[tuple[int, ...], _Owners], PolicyScope] = BoundedCache(CACHE_SIZE)
        self._count = count()
        self.unscoped = self._scope_of(everywhere, frozenset())
        self._verdicts: BoundedCache[tuple[int, ...], Verdict] = BoundedCache(CACHE_SIZE)

    def _numbered_routes(self) -> list[list[tuple[int, Route]]]:
        """The routes of each policy with their numbers."""
        numbered: list[list[tuple[int, Route]]] = [[] for _ in self.policies.policies]
        for number, (policy, route) in enumerate(self._routes):
            numbered[policy].append((number, route))
        return numbered

    def _numbered_silences(self) -> dict[int, PolicySilences]:
        """The silences of each policy that has some, by the policy's number."""
        by_policy: dict[int, PolicySilences] = {}
        first = len(self._routes)
        for number, policy in enumerate(self.policies.policies):
            if policy.silences:
                numbered = dict(enumerate(policy.silences, first))
                index = _index(numbered.items())
                holds = {number: silence.matcher.holds for number, silence in numbered.items()}
                by_policy[number] = PolicySilences(numbered, index, index.candidates, holds)
            first += len(policy.silences)
        return by_policy

    # --- the verdict ---------------------------------------------------------------------------------------------------------

    def verdict(self, record: Record, now: datetime, facts: FactGroups | None = None) -> Verdict:
        """Everything chosen for a record. Pure and total; `now` (aware) is the time of a record that has none.

        `facts` are the record's (`derive_facts`), if the caller has them already.
        """
        try:
            key = self._key(record, now, facts)
        except MatcherError:
            return self.evaluate(record, now)
        known = self._verdicts.get(key)
        if known is not None:
            return known
        verdict = self._verdicts[key] = self.evaluate(record, now)
        return verdict

    def evaluate(self, record: Record, now: datetime) -> Verdict:
        """The reference's verdict, over the policies in scope and the routes that may hold or fail."""
        return evaluate(record, self.policies, now, ask_rule, self._plan)

    def _key(self, record: Record, now: datetime, facts: FactGroups | None) -> tuple[int, ...]:
        """What the verdict depends on: the evidence, the scope and the rules that hold. Raises `MatcherError` where one fails."""
        groups = [*(derive_facts(record, self._wanted) if facts is None else facts), NO_CLASS]
        evidence = self._first_evidence(record, groups)
        groups[CLASSED], voids = self.classes[evidence]
        voids |= limit_bits(self.limits, groups)
        scope = self.scope(*record_scope(record, groups[TARGET])) if self.scoped else self.unscoped
        time = (time_of(record.get("eventTime")) or now) if self.timed else now
        candidates = self.everywhere.candidates(record, groups)
        if scope.own:
            own = (number for policy in scope.own for number in self.own[policy].candidates(record, groups))
            candidates = [*candidates, *own]
        key = [evidence, scope.number, voids, *held_routes(self.rules, candidates, record, groups, time, voids=voids)]
        if scope.silencing:
            key += self.held_silences(self.silences, scope, key[3:], (record, groups, time))
        return tuple(key)

    def held_silences(
        self,
        silences: Mapping[int, PolicySilences],
        scope: PolicyScope,
        routes: Iterable[int],
        event: tuple[Any, FactGroups, datetime],
    ) -> tuple[int, ...]:
        """The silences that hold, of policies that may notify: one of these routes does, or the policy has the default.

        `event` is the record in the form that the matchers of `silences` take, the facts, and the time.
        """
        record, facts, time = event
        notifying = {policy for policy, _, _, void_for, _ in map(self.rules.__getitem__, routes) if not void_for}
        held: list[int] = []
        for policy in scope.silencing:
            if policy in notifying or self.policies.policies[policy].name == self.policies.default.policy:
                by_number, _, candidates, holds = silences[policy]
                held += [
                    number
                    for number in candidates(record, facts)
                    if lasts(by_number[number], time) and holds[number](record, facts)
                ]
        return tuple(held)

    # --- scopes --------------------------------------------------------------------------------------------------------------

    def scope(self, touched: tuple[str, ...], buckets: tuple[str, ...], recipient: str | None) -> PolicyScope:
        """The policies in scope of an event that touches and names these buckets, received by this account."""
        known = self._scopes_of_events.get((touched, buckets, recipient))
        if known is not None:
            return known
        policies = self.policies.policies
        own = [self.scoped[index] for index in self._globs.candidates(buckets)]
        scoped = sorted({number for number in own if in_scope(policies[number], buckets, recipient)})
        owners = frozenset(tuple(number for number in scoped if any(owned_by([policies[number]], bucket))) for bucket in touched)
        scope = self._scope_of(sorted({*self.unscoped.policies, *scoped}), owners)
        if sum(map(len, buckets)) <= MAX_CACHED_NAME_LENGTH:
            self._scopes_of_events[touched, buckets, recipient] = scope
        return scope

    def _scope_of(self, policies: Sequence[int], owners: _Owners) -> PolicyScope:
        """The scope of these policies and owners of the event's buckets; the same one for the same arguments."""
        key = tuple(policies), owners
        if key not in self._scopes:
            own = tuple(number for number in policies if number in self.own)
            silencing = tuple(number for number in policies if number in self.silences)
            self._scopes[key] = PolicyScope(next(self._count), key[0], own, silencing)
        return self._scopes[key]

    def _plan(self, record: Record, facts: FactGroups) -> Iterable[tuple[Policy, Sequence[Route]]]:
        """The policies in scope, each with the routes that may hold or fail."""
        scope = self.scope(*record_scope(record, facts[TARGET])) if self.scoped else self.unscoped
        candidates: dict[int, list[Route]] = {number: [] for number in scope.policies}
        for index in (self.everywhere, *(self.own[number] for number in scope.own)):
            for number in index.candidates(record, facts):
                policy, route = self._routes[number]
                candidates[policy].append(route)
        return [(self.policies.policies[number], routes) for number, routes in candidates.items()]


def held_routes(  # noqa: PLR0913  called for every event, without a tuple in between
    rules: Sequence[RouteRule], candidates: Iterable[int], record: object, facts: FactGroups, time: datetime, *, voids: int
) -> list[int]:
    """The numbers of the candidates that hold, in order, up to the one that ends each policy."""
    held: list[int] = []
    ended = -1
    for number in candidates:
        policy, holds, ends, void_for, during = rules[number]
        if policy == ended or (during and not within(during, time)):
            continue
        if holds is None or holds(record, facts):
            held.append(number)
            if ends and not void_for & voids:
                ended = policy
    return held


def _route_rule(policy: int, route: Route) -> RouteRule:
    holds = None if route.matcher is None else route.matcher.holds
    void_for = 0 if route.mute is None else bits_of(route.void_for)
    return policy, holds, bool(void_for) or not route.continues, void_for, route.during


def _class_voids(actor: ActorClass) -> int:
    """What makes quieter rules void for a class, as bits; a rule that is not allowed is void for every class."""
    return bits_of({VoidReason.NOT_ALLOWED, *({VoidReason.NEVER_MUTE} if actor.never_mute else ())})
