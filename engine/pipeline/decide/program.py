"""One program of a whole policy set: which rules hold for a record, quickly, and what was chosen when just these held before.

Rules are asked as `plain` asks them, in the order of the policies, but for those that an index passes over. Where a matcher
fails, `plain` decides, over the same candidates. The routes of a set are numbered through; its silences follow them.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from engine.cache import BoundedCache
from engine.errors import MatcherError
from engine.matching.index import GlobIndex, Index
from engine.pipeline.decide.plain import answer, has_scope, in_scope, owned_by, weigh, within
from engine.pipeline.decide.reads import groups_read
from engine.pipeline.facts import UNCLASSED, access, caller, classed, role_of, source, time_of
from engine.pipeline.facts.target import crossing, scope_of, target
from engine.policy.given import ACCESS, CALLER, CLASSED, CROSSING, GIVEN, ROLE, SOURCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from engine.model import FactGroups, Policy, PolicySet, Record, Route, Silence, Verdict, Window
MOST_KEPT: Final = 8_192
"""Verdicts, and scopes, that are kept; then all are forgotten at once."""

LONGEST_KEPT: Final = 512
"""Characters of the names of an event's buckets, for its scope to be kept."""


Rule: TypeAlias = "tuple[int, Callable[[Any, FactGroups], bool] | None, bool, bool, Window | None]"
"""A route as it is asked: the number of its policy, what says that it holds (None: always), whether it ends, whether it mutes,
its hours. Where one that ends holds, no later route of its policy is asked; of one that mutes, only where mutes are not void.

A plain tuple, which is opened faster than a named one.
"""


_Owners: TypeAlias = "frozenset[tuple[int, ...]]"
"""Of each bucket of an event, the numbers of the policies that it is owned by."""


class Scope(NamedTuple):
    """The policies in scope of an event, by number, in order; of these, who has a scope of its own, and who has silences.

    Scopes are told apart by the owners of each bucket as well (`number`): on these it hangs whether the default hears.
    """

    number: int
    policies: tuple[int, ...]
    own: tuple[int, ...]
    hushes: tuple[int, ...]


class Hushing(NamedTuple):
    """The silences of one policy by number, their index, and how both are asked: what gives candidates, and whether one holds."""

    silences: Mapping[int, Silence]
    found_by: Index
    candidates: Callable[[Any, FactGroups], Sequence[int]]
    holds: Mapping[int, Callable[[Any, FactGroups], bool]]


def _index(rules: Iterable[tuple[int, Route | Silence]]) -> Index:
    """What gives, of some rules, the numbers of those that may hold or fail for an event, in order."""
    return Index(((number, () if rule.matcher is None else rule.matcher.keys) for number, rule in rules), GIVEN)


class Program:
    """Decides by one policy set. Its public attributes are its parts, for the code that `engine.bulk` generates for rows."""

    def __init__(self, policies: PolicySet) -> None:
        self.policies = policies
        self._routes = [(number, route) for number, policy in enumerate(policies.policies) for route in policy.routes]
        self.rules = [_rule(number, route) for number, route in self._routes]
        self.reads = groups_read(policies)
        self._first = policies.first
        self._made = [group in self.reads for group in (TARGET, ROLE, CALLER, SOURCE, ACCESS, CROSSING)]
        pairs = [*policies.evidence, (policies.unknown, None)]
        self.classes = [(classed(actor, evidence), actor.never_mute) for actor, evidence in pairs]
        numbered = self._numbered_routes()
        self.scoped = [number for number, policy in enumerate(policies.policies) if has_scope(policy)]
        self._globs = GlobIndex(policies.policies[number].buckets for number in self.scoped)
        self.own = {number: _index(numbered[number]) for number in self.scoped}
        everywhere = [number for number, policy in enumerate(policies.policies) if not has_scope(policy)]
        self.everywhere = _index(one for number in everywhere for one in numbered[number])
        self.certain = {number: one for index in (self.everywhere, *self.own.values()) for number, one in index.certain.items()}
        self.hushing = self._hushing()
        self.timed = bool(self.hushing) or any(route.during is not None for _, route in self._routes)
        self._known_scopes: BoundedCache[tuple[tuple[str, ...], str | None], Scope] = BoundedCache(MOST_KEPT)
        self._scopes: BoundedCache[tuple[tuple[int, ...], _Owners], Scope] = BoundedCache(MOST_KEPT)
        self._count = count()
        self.unscoped = self._scope_of(everywhere, frozenset())
        self._verdicts: BoundedCache[tuple[int, ...], Verdict] = BoundedCache(MOST_KEPT)

    def _numbered_routes(self) -> list[list[tuple[int, Route]]]:
        """The routes of each policy with their numbers."""
        found: list[list[tuple[int, Route]]] = [[] for _ in self.policies.policies]
        for number, (policy, route) in enumerate(self._routes):
            found[policy].append((number, route))
        return found

    def _hushing(self) -> dict[int, Hushing]:
        """The silences of each policy that has some, with their numbers, and what finds candidates among them."""
        found: dict[int, Hushing] = {}
        first = len(self._routes)
        for policy, one in enumerate(self.policies.policies):
            if one.silences:
                numbered = dict(enumerate(one.silences, first))
                index = _index(numbered.items())
                holds = {number: silence.matcher.holds for number, silence in numbered.items()}
                found[policy] = Hushing(numbered, index, index.candidates, holds)
            first += len(one.silences)
        return found

    def expressions(self, number: int) -> tuple[str, ...]:
        """Those of a route, by its number."""
        matcher = self._routes[number][1].matcher
        return () if matcher is None else matcher.expressions

    @property
    def evidence(self) -> list[tuple[str, ...]]:
        """The expressions of each evidence, in the order in which it is asked."""
        return [evidence.matcher.expressions for _, evidence in self.policies.evidence]

    # --- the quick way -----------------------------------------------------------------------------------------------------

    def verdict(self, record: Record, now: datetime, found: FactGroups | None = None) -> Verdict:
        """Everything chosen for a record. Pure and total; `now` (aware) serves only a record without a time.

        `found`: the record's facts, where they are known already.
        """
        try:
            key = self._key(record, now, found)
        except MatcherError:
            return self.weighed(record, now)
        known = self._verdicts.get(key)
        return known if known is not None else self._remember(key, self.weighed(record, now))

    def weighed(self, record: Record, now: datetime) -> Verdict:
        """The same as `plain` finds it, of the policies in scope and the routes that may hold or fail."""
        return weigh(record, self.policies, now, answer, self._plan)

    def _remember(self, key: tuple[int, ...], verdict: Verdict) -> Verdict:
        self._verdicts[key] = verdict
        return verdict

    def _needed(self, record: Record) -> list[Any]:
        """The groups of facts that some matcher or scope reads."""
        of_target, of_role, of_caller, of_source, of_access, of_crossing = self._made
        role = role_of(record) if of_role else (None, None)
        return [
            target(record) if of_target else None,
            role,
            caller(record, role) if of_caller else None,
            source(record) if of_source else None,
            access(record) if of_access else None,
            crossing(record) if of_crossing else None,
        ]

    def _key(self, record: Record, now: datetime, found: FactGroups | None) -> tuple[int, ...]:
        """What the verdict hangs on: the evidence, the scope, and the rules that hold. Raises `MatcherError` where one fails."""
        facts = [*(self._needed(record) if found is None else found), UNCLASSED]
        evidence = self._first(record, facts)
        facts[CLASSED], loud = self.classes[evidence]
        scope = self.scope(*scope_of(record, facts[TARGET])) if self.scoped else self.unscoped
        time = (time_of(record) or now) if self.timed else now
        asked = self.everywhere.candidates(record, facts)
        if scope.own:
            asked = [*asked, *(number for policy in scope.own for number in self.own[policy].candidates(record, facts))]
        key = [evidence, scope.number, *held(self.rules, asked, record, facts, time, loud=loud)]
        if scope.hushes:
            key += self.silenced(self.hushing, scope, key[2:], (record, facts, time))
        return tuple(key)

    def silenced(
        self, hushing: Mapping[int, Hushing], scope: Scope, routes: Iterable[int], seen: tuple[Any, FactGroups, datetime]
    ) -> tuple[int, ...]:
        """The silences that hold, of policies that may want something: one of these routes notifies, or the default is theirs.

        `seen`: the record, as `hushing` asks it, the facts, and the time.
        """
        record, facts, time = seen
        wanting = {policy for policy, _, _, mutes, _ in map(self.rules.__getitem__, routes) if not mutes}
        found: list[int] = []
        for policy in scope.hushes:
            if policy in wanting or self.policies.policies[policy].name == self.policies.default.policy:
                silences, _, candidates, holds = hushing[policy]
                found += [
                    number
                    for number in candidates(record, facts)
                    if time < silences[number].until and holds[number](record, facts)
                ]
        return tuple(found)

    # --- scopes --------------------------------------------------------------------------------------------------------------

    def scope(self, buckets: tuple[str, ...], recipient: str | None) -> Scope:
        """The policies in scope, by the buckets and the recipient of an event."""
        known = self._known_scopes.get((buckets, recipient))
        if known is not None:
            return known
        policies = self.policies.policies
        own = [self.scoped[place] for place in self._globs.candidates(buckets)]
        found = sorted({number for number in own if in_scope(policies[number], buckets, recipient)})
        owners = frozenset(tuple(number for number in found if any(owned_by([policies[number]], bucket))) for bucket in buckets)
        scope = self._scope_of(sorted({*self.unscoped.policies, *found}), owners)
        if sum(map(len, buckets)) <= LONGEST_KEPT:
            self._known_scopes[buckets, recipient] = scope
        return scope

    def _scope_of(self, policies: Sequence[int], owners: _Owners) -> Scope:
        """The scope of these policies, the same one for the same policies and `owners` of the event's buckets."""
        key = tuple(policies), owners
        if key not in self._scopes:
            own = tuple(number for number in policies if number in self.own)
            hushes = tuple(number for number in policies if number in self.hushing)
            self._scopes[key] = Scope(next(self._count), key[0], own, hushes)
        return self._scopes[key]

    def _plan(self, record: Record, facts: FactGroups) -> Iterable[tuple[Policy, Sequence[Route]]]:
        """The policies in scope, each with the routes that may hold or fail."""
        scope = self.scope(*scope_of(record, facts[TARGET])) if self.scoped else self.unscoped
        asked: dict[int, list[Route]] = {number: [] for number in scope.policies}
        for index in (self.everywhere, *(self.own[number] for number in scope.own)):
            for number in index.candidates(record, facts):
                policy, route = self._routes[number]
                asked[policy].append(route)
        return [(self.policies.policies[number], routes) for number, routes in asked.items()]


def held(  # noqa: PLR0913  asked of every event, without a tuple in between
    rules: Sequence[Rule], candidates: Iterable[int], record: object, facts: FactGroups, time: datetime, *, loud: bool
) -> list[int]:
    """The numbers of the rules that hold, of those that are to be asked, in order. `record` is what `rules` are asked of."""
    found: list[int] = []
    ended = -1
    for number in candidates:
        policy, holds, ends, mutes, during = rules[number]
        if policy == ended or (during is not None and not within(during, time)):
            continue
        if holds is None or holds(record, facts):
            found.append(number)
            if ends and not (mutes and loud):
                ended = policy
    return found


def _rule(policy: int, route: Route) -> Rule:
    holds = None if route.matcher is None else route.matcher.holds
    mutes = route.mute is not None
    return policy, holds, mutes or not route.continues, mutes, route.during
